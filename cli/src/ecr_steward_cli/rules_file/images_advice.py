"""Which images stay: what a rule says of it in vain, and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecr_steward.images import ImagesRule
from ecr_steward.images.durations import ago
from ecr_steward.rules.model import Rule, Ruleset
from ecr_steward_cli.rules_file.document import Path


def images_advice(ruleset: Ruleset) -> Iterator[tuple[Path, str]]:
    """The path and the sentence of each warning."""
    for rule in ruleset.rules:
        keep = (rule.images or {}).get("keep", ())
        versions = rule.tags is not None and any(kind.counts for kind in rule.tags.kinds)
        for i, entry in enumerate(keep):
            if "highest" in entry and not versions:
                path = ("rules", rule.index, "images", "keep", i, "highest")
                yield path, "`highest` keeps nothing: no kind under `unique` has versions."


def images(rule: Rule) -> Iterator[tuple[str, str]]:
    """The title and the line of each thing to say of which images stay."""
    if rule.images is None:
        return
    asked = ImagesRule.from_document(rule.images)
    yield "images", _OTHERS[asked.others]
    for each in _kept(asked):
        yield "", f"keeps {each}"
    if asked.not_kept_by:
        named = ", ".join(f"`{each}`" for each in asked.not_kept_by)
        yield "", f"{named} alone keep nothing"
    if asked.others == "expire":
        yield "", f"an image that nothing keeps is told {ago(asked.notice)} before its expiry tag"


def _kept(asked: ImagesRule) -> Sequence[str]:
    always = "what runs, and what a stable, held or ignored tag is on, with all that belongs to it"
    return [always, *(keeper.words() for keeper in asked.keepers)]


_OTHERS = {
    "keep": "images that nothing keeps stay all the same",
    "report": "images that nothing keeps are reported",
    "expire": "images that nothing keeps get an expiry tag, where the stack allows it",
}
