"""What valid rules say in vain: each is a warning, for its author alone to judge."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecr_steward.rules.document import Document, Path
from ecr_steward.rules.model import Rule, Ruleset, glob_regex
from ecr_steward.tags.scheme import Scheme, StableTag, Verdict
from ecr_steward.tags.versions import Version

_ANY = "\N{REPLACEMENT CHARACTER}"
"""Stands for what `*` matches: no name holds it, so only another `*` can match it."""

_SAMPLES = (Version(("1", "4", "2")), Version(("27", "18", "36")))


def advice(ruleset: Ruleset, document: Document) -> Iterator[tuple[Path, str]]:
    """The path and the sentence of each warning."""
    if not ruleset.rules:
        yield ("rules",), "There is no rule, so every repository is left alone."
    covers = _Covers()
    for rule in ruleset.rules:
        winners = {covers.first(glob) for glob in rule.repositories}
        if None not in winners:
            lines = sorted(
                {document.line(("rules", index)) for index in winners if index is not None}
            )
            where = " and ".join(map(str, lines))
            sentence = "This rule never wins: all that it names matches the rule on line"
            yield ("rules", rule.index), f"{sentence} {where} first."
        covers.add(rule)
        if rule.tags is not None:
            for path, sentence in _idle_stable_tags(rule.tags):
                yield ("rules", rule.index, "tags", *path), sentence


class _Covers:
    """Which rule, of those added so far, is the first with a glob that covers another glob."""

    def __init__(self) -> None:
        self._same: dict[str, int] = {}
        self._wider: list[tuple[re.Pattern[str], int]] = []

    def add(self, rule: Rule) -> None:
        for glob in rule.repositories:
            if glob not in self._same:
                self._same[glob] = rule.index
                if "*" in glob:
                    self._wider.append((glob_regex((glob,)), rule.index))

    def first(self, glob: str) -> int | None:
        sample = glob.replace("*", _ANY)
        wider = (index for pattern, index in self._wider if pattern.fullmatch(sample))
        found = [index for index in (self._same.get(glob), next(wider, None)) if index is not None]
        return min(found, default=None)


def _idle_stable_tags(scheme: Scheme) -> Iterator[tuple[Path, str]]:
    for i, stable in enumerate(scheme.stable):
        sentence = _idle(scheme, i, stable)
        if sentence is not None:
            yield ("stable", i, "tag"), f"`{stable.template}` {sentence}"


def _idle(scheme: Scheme, index: int, stable: StableTag) -> str | None:
    tags = [tag for tag in map(stable.render, _SAMPLES) if tag is not None]
    for owner in scheme.stable[:index]:
        if all(owner.line(tag) is not None for tag in tags):
            return f"already belongs to `{owner.template}` above; this entry has no effect."
    verdicts = {scheme.judge(tag) for tag in tags}
    if verdicts == {Verdict.UNIQUE}:
        return "is itself a unique tag of this scheme; it is skipped."
    if verdicts == {Verdict.IGNORED}:
        return "is named by `ignore` too; it is never moved."
    if stable.follows is not None and "semver" not in scheme.unique:
        return "follows versions, but no kind under `unique` carries one; it is never moved."
    return None
