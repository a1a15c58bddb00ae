"""Which stable tags a lifecycle policy could take away, with the image under them.

Judged from the documents alone, before any preview. Sure protection counts: an image whose tags a
rule matches is out of reach of the rules below it, and a rule that names one tag in full, or counts
to a number that is never reached, expires nothing. What else may be on the image under a stable tag
are the unique tags of its line, or any of the scheme where your pipeline moves it. A rule that is
not found here may still expire a stable tag one day: the preview tells of today.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ecr_steward.repository import lifecycle
from ecr_steward.repository.immutability import matches
from ecr_steward.repository.lifecycle import Expiring
from ecr_steward.tags import grammar
from ecr_steward.tags.scheme import Scheme, Verdict

NEVER = 9_999
"""A count from which on a rule is taken to mean that nothing ever expires."""

_ANY = "\N{REPLACEMENT CHARACTER}"
"""Stands for what is not known of a stable tag: only a wildcard can match it."""

_FILLERS = (
    "", "0", "1", "x", "1.0", "4.2", "1.4.2", "v1.4.2", "9f1c2ab", "1187", "20261123", "2026.11",
    "16.4", "10.0.20348.1",
)  # fmt: skip
_FEW = ("", "0", "1", "x")


class _Stable(NamedTuple):
    """The stable tags that one entry makes: how a reason names them, and a glob of them in which
    `_ANY` stands for each number."""

    label: str
    glob: str
    by_pipeline: bool

    def has(self, tag: str) -> bool:
        """Whether `tag` is one of them."""
        expression = re.escape(self.glob).replace(_ANY, "[0-9]+").replace(r"\*", ".*")
        return re.fullmatch(expression, tag) is not None

    def is_matched_by(self, pattern: str) -> bool:
        """Whether the pattern surely matches every one of them."""
        return matches(pattern, self.glob.replace("*", _ANY))


def at_risk(
    document: Mapping[str, Any], scheme: Scheme, preview: Sequence[Expiring] = ()
) -> dict[int, tuple[str, ...]]:
    """By priority of a rule, the stable tags whose images it could expire, or would today."""
    found: dict[int, dict[str, None]] = {}
    for priority, label in (*_possible(document, scheme), *_previewed(preview, scheme)):
        found.setdefault(priority, {})[label] = None
    return {priority: tuple(found[priority]) for priority in sorted(found)}


def _previewed(preview: Iterable[Expiring], scheme: Scheme) -> Iterator[tuple[int, str]]:
    for image in preview:
        for tag in image.tags:
            if scheme.judge(tag) is Verdict.STABLE:
                yield image.priority, tag


def _possible(document: Mapping[str, Any], scheme: Scheme) -> Iterator[tuple[int, str]]:
    rules = lifecycle.by_priority(document["rules"])
    for name in ("standard", "archive"):
        of_class = [each for each in rules if lifecycle.storage_class(each) == name]
        for stable in _stable(scheme):
            for rule in _expiring(of_class, stable, scheme):
                yield rule["rulePriority"], stable.label


def _stable(scheme: Scheme) -> Iterator[_Stable]:
    labels = (name for _, name in scheme.forms(None))
    for label, (stable, glob) in zip(labels, scheme.forms(_ANY), strict=True):
        yield _Stable(label, glob, stable.follows is None)


def _expiring(
    rules: Iterable[Mapping[str, Any]], stable: _Stable, scheme: Scheme
) -> Iterator[Mapping[str, Any]]:
    """The rules of one storage class that could expire an image under these stable tags."""
    for rule in rules:
        globs = lifecycle.patterns(rule)
        if rule["selection"]["tagStatus"] == "untagged":
            continue
        expires = rule["action"]["type"] == "expire" and not _is_idle(rule, globs)
        surely = all(map(stable.is_matched_by, globs))
        if expires and (surely or all(_may_have(each, stable, scheme) for each in globs)):
            yield rule
        if surely:
            return


def _is_idle(rule: Mapping[str, Any], globs: frozenset[str]) -> bool:
    """Whether a rule expires nothing: as many images as it keeps never have these tags."""
    selection = rule["selection"]
    alone = any("*" not in each for each in globs)
    return selection["countType"] == "imageCountMoreThan" and (
        alone or selection["countNumber"] >= NEVER
    )


def _may_have(pattern: str, stable: _Stable, scheme: Scheme) -> bool:
    """Whether an image under these stable tags may have a tag that the pattern matches."""
    if stable.is_matched_by(pattern):
        return True
    return any(_is_beside(tag, stable, scheme) for tag in _samples(pattern, scheme))


def _is_beside(tag: str, stable: _Stable, scheme: Scheme) -> bool:
    """Whether `tag` is one of these stable tags, or a unique tag that can be on their images."""
    verdict = scheme.judge(tag)
    if verdict is Verdict.STABLE:
        return stable.has(tag)
    unique = scheme.read_unique(tag)
    if unique is None:
        return False
    return stable.by_pipeline or any(stable.has(line.tag) for line in scheme.lines(unique.version))


def _samples(pattern: str, scheme: Scheme) -> Iterator[str]:
    """Tags that the pattern matches, such as a scheme may know."""
    parts = pattern.split("*")
    variants = [re.sub(r"\*", "20", each) for each in scheme.variants]
    fillers = [*_FILLERS, *variants]
    fillers += [f"{number}-{each}" for each in variants for number in ("", "2", "4.2", "1.4.2")]
    for filled in itertools.product(fillers if len(parts) <= 3 else _FEW, repeat=len(parts) - 1):
        tag = "".join(itertools.chain.from_iterable(zip(parts, [*filled, ""], strict=True)))
        if grammar.is_tag(tag):
            yield tag
