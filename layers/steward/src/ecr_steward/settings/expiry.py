"""Which stable tags a lifecycle policy could take away, with the image under them.

Judged from the documents alone, before any preview, and as ECR evaluates them (ECR User Guide:
Lifecycle policy evaluation rules): a rule selects the images that have a tag for each of its
patterns, rules of one storage class are applied by priority, and an image that the tags of a rule
select is out of reach of the rules below it. A rule that names one tag in full, or counts to a
number that is never reached, takes nothing.

An image under a stable tag is taken to carry tags of the scheme besides, and no others. So a rule
reaches a stable tag if such an image is possible: one with the stable tag, with a tag for each
pattern of the rule, and without one for some pattern of each rule above. Only images that a rule
archives are in reach of the rules for archived ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecr_steward.settings import lifecycle
from ecr_steward.settings.languages import GaveUp, Language, common, of_glob
from ecr_steward.settings.lifecycle import Expiring, TaggedRunning
from ecr_steward.settings.writes import FIELDS, Stable, Writes, writes
from ecr_steward.tags.scheme import Scheme, Verdict

NEVER = 9_999
"""A count from which on a rule is taken to mean that it never takes anything."""

_MOST_TRIES = 500
"""After so many images that a rule above protects, the next one is taken to be in reach."""


@dataclass(frozen=True, slots=True)
class Risk:
    """What a lifecycle rule could take away.

    `tag` is the stable tag, as the scheme names it or as a preview found it, and `entry` the
    template that makes it. `example` are tags of an image that the rule would take; none where the
    search for one took too long.
    """

    priority: int
    archives: bool
    entry: str
    tag: str
    example: tuple[str, ...] = ()


def at_risk(document: Mapping[str, Any], scheme: Scheme) -> tuple[Risk, ...]:
    """What each rule could take away, by priority."""
    return tuple(sorted(_possible(document, scheme), key=lambda each: each.priority))


def previewed(preview: Iterable[Expiring], scheme: Scheme) -> tuple[Risk, ...]:
    """What the rules would take away today, as a preview says."""
    return tuple(
        Risk(image.priority, image.archives, _entry(tag, scheme), tag)
        for image in preview
        for tag in image.tags
        if scheme.judge(tag) is Verdict.STABLE
    )


def taken(rules: Sequence[Any], images: Iterable[TaggedRunning]) -> tuple[Expiring, ...]:
    """Those of the images that a rule takes away sooner or later, by their tags: an image's digest
    is its name here."""
    standard = [each for each in lifecycle.by_priority(list(rules)) if _is_standard(each)]
    found = ((image, _first(standard, frozenset(image.tags))) for image in images)
    return tuple(
        Expiring(image.name, image.tags, rule["rulePriority"], _archives(rule))
        for image, rule in found
        if rule is not None and _takes(rule)
    )


def _first(rules: Iterable[Mapping[str, Any]], tags: frozenset[str]) -> Mapping[str, Any] | None:
    """The rule whose selection an image is: those below do not reach it."""
    return next((each for each in rules if _selects(each, tags)), None)


def _selects(rule: Mapping[str, Any], tags: frozenset[str]) -> bool:
    if rule["selection"]["tagStatus"] == "untagged":
        return not tags
    return _match(lifecycle.patterns(rule), tags)


def _match(globs: Iterable[str], tags: Iterable[str]) -> bool:
    """Whether there is a tag for each glob."""
    return all(any(of_glob(each).has(tag) for tag in tags) for each in globs)


def _is_standard(rule: Mapping[str, Any]) -> bool:
    return lifecycle.storage_class(rule) == "standard"


def _archives(rule: Mapping[str, Any]) -> bool:
    return bool(rule["action"]["type"] == "transition")


def beyond(scheme: Scheme) -> tuple[str, ...]:
    """The patterns of the scheme that no automaton can say, and that count as any tag."""
    return writes(scheme).beyond


def strange(document: Mapping[str, Any], scheme: Scheme) -> tuple[int, ...]:
    """The rules, by priority, that take images only by tags which the scheme does not know."""
    reach = _Reach(writes(scheme))
    return tuple(
        rule["rulePriority"]
        for rule in lifecycle.by_priority(document["rules"])
        if any(reach.tag(each, frozenset()) is None for each in lifecycle.patterns(rule))
    )


def _entry(tag: str, scheme: Scheme) -> str:
    """The template that makes a stable tag."""
    makers = (each.entry for each in writes(scheme).stable if each.language.has(tag))
    return next(makers, tag)


def _possible(document: Mapping[str, Any], scheme: Scheme) -> Iterator[Risk]:
    rules = lifecycle.by_priority(document["rules"])
    written = writes(scheme)
    reach = _Reach(written)
    for stable in written.stable:
        first = list(reach.taking(_of_class(rules, "standard"), stable))
        yield from first
        if any(each.archives for each in first):
            yield from reach.taking(_of_class(rules, "archive"), stable)


def _of_class(rules: Iterable[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    return [
        each
        for each in rules
        if lifecycle.storage_class(each) == name and each["selection"]["tagStatus"] != "untagged"
    ]


def _takes(rule: Mapping[str, Any]) -> bool:
    """Whether a rule takes anything at all."""
    selection = rule["selection"]
    if selection["countType"] != "imageCountMoreThan":
        return True
    alone = any("*" not in each for each in lifecycle.patterns(rule))
    return not (alone or selection["countNumber"] >= NEVER)


def _takes_of(rule: Mapping[str, Any], stable: Stable) -> bool:
    """Whether a rule takes anything of a stable tag's."""
    counts = rule["selection"]["countType"] == "imageCountMoreThan"
    return _takes(rule) and not (counts and stable.leads)


class _Reach:
    """Which images under stable tags the rules of one policy reach."""

    def __init__(self, written: Writes) -> None:
        self._written = written
        self._tags: dict[tuple[str, frozenset[str]], str | None] = {}
        self._tries = 0

    def taking(self, rules: Sequence[Mapping[str, Any]], stable: Stable) -> Iterator[Risk]:
        """The rules of one storage class that could take an image under these stable tags."""
        above: list[frozenset[str]] = []
        for rule in rules:
            globs = lifecycle.patterns(rule)
            if _takes_of(rule, stable):
                image = self._reached(globs, above, stable)
                if image is not None:
                    priority, archives = rule["rulePriority"], _archives(rule)
                    yield Risk(priority, archives, stable.entry, stable.name, image)
            above.append(globs)

    def _reached(
        self, globs: frozenset[str], above: Sequence[frozenset[str]], stable: Stable
    ) -> tuple[str, ...] | None:
        self._tries = 0
        alone = frozenset[str]().union(*(each for each in above if len(each) == 1))
        several = [each for each in above if len(each) != 1]
        try:
            return self._image(globs, several, stable, alone)
        except GaveUp:
            return ()

    def _image(
        self,
        globs: frozenset[str],
        above: Sequence[frozenset[str]],
        stable: Stable,
        avoided: frozenset[str],
    ) -> tuple[str, ...] | None:
        """The tags of an image that a rule takes and no rule above selects, none of which one of
        the globs `avoided` matches; None if there is none."""
        self._tries += 1
        if self._tries > _MOST_TRIES:
            raise GaveUp
        unwanted = (*self._no(avoided, ignored=True), self._written.unique)
        name = common([stable.language], unwanted)
        if name is None:
            return None
        image = [name]
        for each in sorted(globs):
            if not of_glob(each).has(name):
                tag = self.tag(each, avoided)
                if tag is None:
                    return None
                image.append(tag)
        selecting = (each for each in above if _match(each, image))
        protecting = next(selecting, None)
        if protecting is None:
            return tuple(dict.fromkeys(image))
        without = (self._image(globs, above, stable, avoided | {g}) for g in sorted(protecting))
        return next((found for found in without if found is not None), None)

    def tag(self, pattern: str, avoided: frozenset[str]) -> str | None:
        """A tag of the scheme that one glob matches and none of those that are avoided."""
        key = pattern, avoided
        if key not in self._tags:
            wanted, written = of_glob(pattern), self._written
            found = common([written.tags, wanted], self._no(avoided, ignored=True))
            found = found or common([written.pins, wanted], self._no(avoided, ignored=False))
            self._tags[key] = found
        return self._tags[key]

    def _no(self, avoided: frozenset[str], *, ignored: bool) -> tuple[Language, ...]:
        unwanted = tuple(map(of_glob, sorted(avoided)))
        return (*unwanted, *self._written.ignored) if ignored else unwanted


# ---------------------------------------------------------------------------- what to do about it
def guard(name: str) -> str:
    """The pattern by which a lifecycle rule protects all stable tags that have this name."""
    pattern = re.sub(r"\*+", "*", FIELDS.sub("*", name))
    few = pattern.count("*") <= lifecycle.MOST_STARS
    return pattern if few else f"{pattern.partition('*')[0]}*"


def remedy(rule: Mapping[str, Any], risks: Sequence[Risk]) -> str:
    """What to do so that a rule takes none of these: a rule above it for each, or a permission."""
    guards = dict.fromkeys(guard(each.tag) for each in risks)
    entries = dict.fromkeys(each.entry for each in risks)
    rules = "a rule" if len(guards) == 1 else "rules"
    patterns = " and ".join(f'tagPatternList: ["{each}"]' for each in guards)
    allowed = ", ".join(f'"{each}"' for each in entries)
    guarded = f"put {rules} above it with {patterns}, countType: imageCountMoreThan and "
    guarded += f"countNumber: {NEVER}"
    if lifecycle.storage_class(rule) == "archive":
        guarded = "let no rule archive them"
    return f"{guarded}, or write allow_expiring_stable: [{allowed}]"
