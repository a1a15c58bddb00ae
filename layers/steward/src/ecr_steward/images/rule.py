"""What `images:` of a rule says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ecr_steward.images.durations import HINT, duration
from ecr_steward.images.keepers import KEEPERS, Fault, Keeper, keeper, keeper_faults
from ecr_steward.images.keepers.keeper import as_duration, duration_schema
from ecr_steward.tags.scheme import Scheme
from ecr_steward.words.globs import glob_regex

OTHERS = ("keep", "report", "expire")
_NOTICE = "7d"
_AT_MOST = "25%"
_EMPTY = (
    "`others: expire` with an empty `keep` would let everything go that no stable tag is on; say "
    "what is to stay, such as keep: [{pushed_within: 30d}]."
)
_SHARE = re.compile(r"(100|[1-9]?[0-9])%")


@dataclass(frozen=True)
class ImagesRule:
    """`images:` of a rule.

    What any of `keepers` keeps, stays; `others` is `keep`, `report` or `expire`. `not_kept_by` are
    ignored and stable tags, as the rule writes them, that alone keep nothing. `notice` is how long
    before its expiry tag an image is told, `at_most` the share of a repository's images (below 1),
    or the number, that may get one in a round.
    """

    keepers: tuple[Keeper, ...] = ()
    not_kept_by: tuple[str, ...] = ()
    others: str = "keep"
    notice: timedelta = timedelta(days=7)
    at_most: float = 0.25

    @classmethod
    def from_document(cls, images: Mapping[str, Any]) -> ImagesRule:
        """Build it from a mapping under `images:` that has no faults."""
        return cls(
            keepers=tuple(keeper(entry) for entry in images.get("keep", ())),
            not_kept_by=tuple(images.get("not_kept_by", ())),
            others=images.get("others", "keep"),
            notice=as_duration(images.get("notice", _NOTICE)),
            at_most=_at_most(images.get("at_most", _AT_MOST)),
        )

    def discounts(self, tag: str, scheme: Scheme) -> bool:
        """Whether a tag, ignored or stable, keeps nothing: no entry takes it that keeps."""
        if not self.not_kept_by:
            return False
        if not scheme.is_ignored(tag):
            owner = scheme.owner(tag)
            return owner is not None and owner.template in self.not_kept_by
        takes = [each for each in scheme.ignore if glob_regex((each,)).fullmatch(tag)]
        return bool(takes) and all(each in self.not_kept_by for each in takes)


def faults(images: Any, tags: Mapping[str, Any]) -> Iterator[Fault]:
    """Everything that is wrong with `images:`; `tags` is what the rule has under `tags:`."""
    if not isinstance(images, Mapping):
        yield (), f"`images` must be a mapping of keys; it is `{images}`."
        return
    for key in images:
        if key not in SCHEMA:
            there = ", ".join(f"`{each}`" for each in SCHEMA)
            yield (key,), f"`{key}` is not a key here; there are {there}."
    yield from _keep_faults(images, tags)
    yield from _not_kept_by_faults(images.get("not_kept_by", []), tags)
    if "notice" in images and duration(images["notice"]) is None:
        yield ("notice",), f"`notice` must be {HINT}; it is `{images['notice']}`."
    if "at_most" in images and _at_most(images["at_most"]) < 0:
        said = 'a share such as "25%" or a whole number of images'
        yield ("at_most",), f"`at_most` must be {said}; it is `{images['at_most']}`."


def _keep_faults(images: Mapping[str, Any], tags: Mapping[str, Any]) -> Iterator[Fault]:
    keep, others = images.get("keep", []), images.get("others", "keep")
    if others not in OTHERS:
        yield ("others",), f"`others` must be one of {', '.join(OTHERS)}; it is `{others}`."
    if not isinstance(keep, list | tuple):
        yield ("keep",), f"`keep` must be a list; it is `{keep}`."
        return
    if others == "expire" and not keep:
        yield ("others",), _EMPTY
    for i, entry in enumerate(keep):
        for path, sentence in keeper_faults(entry, tags):
            yield ("keep", i, *path), sentence


def _not_kept_by_faults(listed: Any, tags: Mapping[str, Any]) -> Iterator[Fault]:
    if not isinstance(listed, list | tuple):
        yield ("not_kept_by",), f"`not_kept_by` must be a list; it is `{listed}`."
        return
    ignore, stable = tags.get("ignore"), tags.get("stable")
    known = [each for each in ignore if isinstance(each, str)] if isinstance(ignore, list) else []
    if isinstance(stable, list):
        known += [str(each.get("tag")) for each in stable if isinstance(each, Mapping)]
    for i, each in enumerate(listed):
        if each not in known:
            there = ", ".join(f"`{name}`" for name in known) or "none"
            sentence = f"`{each}` is no entry of the rule's `ignore`, and no `tag` of its `stable`"
            yield ("not_kept_by", i), f"{sentence}; there are {there}."


def _at_most(value: Any) -> float:
    """A share below 1 or a number from 1; less than zero where it is neither."""
    match = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        # All of them is a number that no repository has images for.
        return float("inf") if match[1] == "100" else int(match[1]) / 100
    return float(value) if type(value) is int and value >= 1 else -1.0


SCHEMA: Mapping[str, Any] = {
    "keep": {
        "title": "Keepers",
        "description": "What any of these keeps, stays.",
        "default": [],
        "type": "array",
        "items": {
            "anyOf": [
                {
                    "title": kind.name,
                    "description": kind.description,
                    "examples": [dict(kind.example)],
                    "type": "object",
                    "required": [kind.name],
                    "additionalProperties": False,
                    "properties": kind.schema(),
                }
                for kind in KEEPERS
            ]
        },
        "examples": [[{"highest": 3, "of": "{major}.{minor}"}, {"pushed_within": "30d"}]],
    },
    "not_kept_by": {
        "title": "Tags that keep nothing",
        "description": "Ignored or stable tags, as written there, that alone keep nothing.",
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "examples": [["pr-*"]],
    },
    "others": {
        "title": "Others",
        "description": "What becomes of images that nothing keeps: they are kept, reported, or get "
        "an expiry tag and go by ECR's own lifecycle policy.",
        "enum": list(OTHERS),
        "default": "keep",
        "examples": ["report"],
    },
    "notice": {
        **duration_schema("Notice", "How long before its expiry tag an image is told.", _NOTICE),
        "default": _NOTICE,
    },
    "at_most": {
        "title": "At most",
        "description": "The share of a repository's images, or the number, that may get an expiry "
        "tag in one round; if there were more, none gets one.",
        "anyOf": [
            {"title": "number of images", "type": "integer", "minimum": 1},
            {"title": "share", "type": "string", "pattern": "^(100|[1-9]?[0-9])%$"},
        ],
        "default": _AT_MOST,
        "examples": [_AT_MOST, 50],
    },
}
"""The JSON Schema of each key."""
