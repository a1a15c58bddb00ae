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

from ecr_steward.settings import lifecycle
from ecr_steward.settings.immutability import matches, may_begin
from ecr_steward.settings.lifecycle import Expiring
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.words import grammar

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
    beside = _Beside(scheme)
    for name in ("standard", "archive"):
        of_class = [each for each in rules if lifecycle.storage_class(each) == name]
        for stable in beside.stable:
            for rule in _expiring(of_class, stable, beside):
                yield rule["rulePriority"], stable.label


def _stable(scheme: Scheme) -> Iterator[_Stable]:
    labels = (name for _, name in scheme.forms(None))
    for label, (stable, glob) in zip(labels, scheme.forms(_ANY), strict=True):
        yield _Stable(label, glob, stable.follows is None)


def _expiring(
    rules: Iterable[Mapping[str, Any]], stable: _Stable, beside: _Beside
) -> Iterator[Mapping[str, Any]]:
    """The rules of one storage class that could expire an image under these stable tags."""
    for rule in rules:
        globs = lifecycle.patterns(rule)
        if rule["selection"]["tagStatus"] == "untagged":
            continue
        expires = rule["action"]["type"] == "expire" and not _is_idle(rule, globs)
        surely = all(map(stable.is_matched_by, globs))
        if expires and (surely or all(stable in beside.matched_by(each) for each in globs)):
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


class _Beside:
    """Which stable tags can be on one image with a tag that a pattern matches: found by trying
    tags such as the scheme may know, once for each pattern."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self.stable = tuple(_stable(scheme))
        variants = [each.replace("*", "20") for each in scheme.variants]
        self._few = [*_FEW, "1.4.2", *variants]
        self._fillers = [*_FILLERS, *variants]
        for number in ("", "2", "4.2", "1.4.2"):
            self._fillers += [f"{number}-{each}" for each in variants]
        self._known: dict[str, frozenset[_Stable]] = {}

    def matched_by(self, pattern: str) -> frozenset[_Stable]:
        if pattern not in self._known:
            found = {each for each in self.stable if each.is_matched_by(pattern)}
            for tag in self._samples(pattern):
                found.update(self._with(tag))
            self._known[pattern] = frozenset(found)
        return self._known[pattern]

    def _with(self, tag: str) -> Iterator[_Stable]:
        """The stable tags that `tag` is one of, or that can be on the image of a unique tag."""
        if self._scheme.judge(tag) is Verdict.STABLE:
            yield from (each for each in self.stable if each.has(tag))
        unique = self._scheme.read_unique(tag)
        if unique is not None:
            lines = [line.tag for line in self._scheme.lines(unique)]
            for each in self.stable:
                if each.by_pipeline or any(map(each.has, lines)):
                    yield each

    def _samples(self, pattern: str) -> Iterator[str]:
        """Tags that the pattern matches, if the scheme knows any that begin as it does."""
        parts = pattern.split("*")
        if not may_begin(self._scheme, parts[0]):
            return
        for filled in self._fillings(len(parts) - 1):
            tag = "".join(itertools.chain.from_iterable(zip(parts, [*filled, ""], strict=True)))
            if grammar.is_tag(tag):
                yield tag

    def _fillings(self, count: int) -> Iterator[tuple[str, ...]]:
        """What to put in place of as many stars; the more there are, the less is tried for each."""
        if count > 2:
            return itertools.product(_FEW, repeat=count)
        choices = [self._fillers, *[self._few] * (count - 1)] if count else []
        return itertools.chain.from_iterable(
            itertools.product(*each) for each in (choices, choices[::-1])
        )
