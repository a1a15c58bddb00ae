"""Which images stay: what is wrong with it that only the whole rule shows."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_steward.rules.model import RulesError, Ruleset
from ecr_steward.tags.scheme import Scheme

EXPIRY_TAG = r"steward-expire-[0-9]{8}-[0-9a-f]{12}"
"""The tags that make an image expire: nothing else may be able to write one."""

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


def _own_expiry_tag(scheme: Scheme) -> str | None:
    """A tag that looks like an expiry tag and that the scheme takes for one of its own."""
    tried = (*_SAMPLES, *_possible(scheme))
    return next(filter(scheme.takes, tried), None)


def _possible(scheme: Scheme) -> Iterator[str]:
    # Only few rules need them, and they take a while to load.
    from ecr_steward.settings.languages import GaveUp, Language, Regex, common, of_glob
    from ecr_steward.settings.writes import writes

    expiry = Language(Regex(EXPIRY_TAG))
    for language in (writes(scheme).tags, *map(of_glob, scheme.ignore)):
        try:
            found = common([language, expiry])
        except GaveUp:
            continue
        if found is not None:
            yield found
