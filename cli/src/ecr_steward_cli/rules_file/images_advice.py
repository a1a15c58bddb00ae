"""Which images stay: what is wrong with it that only the whole rule shows, and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecr_steward.rules.model import Rule, RulesError, Ruleset
from ecr_steward.settings.languages import GaveUp, Language, Regex, common, of_glob
from ecr_steward.settings.writes import writes
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward_cli.images import ImagesRule
from ecr_steward_cli.images.durations import ago
from ecr_steward_cli.rules_file.document import Path

EXPIRY_TAG = r"steward-expire-[0-9]{8}-[0-9a-f]{12}"
"""The tags that make an image expire: nothing else may be able to write one."""

_NOT_DEPLOYED = (
    "`others: expire` is judged by `ecr-steward retention` only: the deployed steward puts no "
    "expiry tags."
)
_SAMPLES = ("steward-expire-20261128-0123456789ab", "steward-expire-20261128-012345678901")


def images_faults(ruleset: Ruleset) -> Iterator[RulesError]:
    """The faults that need a whole rule to be seen."""
    for rule in ruleset.rules:
        expires = (rule.images or {}).get("others") == "expire"
        example = _own_expiry_tag(rule.tags) if expires and rule.tags is not None else None
        if example is not None:
            yield RulesError(
                f"The rule's `tags` can write `{example}`, which is how an expiry tag looks: a tag "
                "of your own could make its image expire. Narrow the pattern, the glob or the "
                "stable tag that takes it.",
                ("rules", rule.index, "tags"),
            )


def images_advice(ruleset: Ruleset) -> Iterator[tuple[Path, str]]:
    """The path and the sentence of each warning."""
    for rule in ruleset.rules:
        keep = (rule.images or {}).get("keep", ())
        versions = rule.tags is not None and any(kind.counts for kind in rule.tags.kinds)
        for i, entry in enumerate(keep):
            if "highest" in entry and not versions:
                path = ("rules", rule.index, "images", "keep", i, "highest")
                yield path, "`highest` keeps nothing: no kind under `unique` has versions."
        if (rule.images or {}).get("others") == "expire":
            yield ("rules", rule.index, "images", "others"), _NOT_DEPLOYED


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


def _own_expiry_tag(scheme: Scheme) -> str | None:
    """A tag that looks like an expiry tag and that the scheme takes for one of its own."""
    own = {Verdict.IGNORED, Verdict.UNIQUE, Verdict.STABLE}
    tried = (*_SAMPLES, *_possible(scheme))
    return next((tag for tag in tried if scheme.judge(tag) in own), None)


def _possible(scheme: Scheme) -> Iterator[str]:
    expiry = Language(Regex(EXPIRY_TAG))
    for language in (writes(scheme).tags, *map(of_glob, scheme.ignore)):
        try:
            found = common([language, expiry])
        except GaveUp:
            continue
        if found is not None:
            yield found
