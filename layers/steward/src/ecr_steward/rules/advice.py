"""What valid rules say in vain: each is a warning, for its author alone to judge."""

from __future__ import annotations

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
    for rule in ruleset.rules:
        yield from _shadowed(rule, ruleset.rules[: rule.index], document)
        if rule.tags is not None:
            for path, sentence in _idle_stable_tags(rule.tags):
                yield ("rules", rule.index, "tags", *path), sentence


def _shadowed(
    rule: Rule, earlier: tuple[Rule, ...], document: Document
) -> Iterator[tuple[Path, str]]:
    lines = []
    for glob in rule.repositories:
        winner = next((each for each in earlier if _covers(each, glob)), None)
        if winner is None:
            return
        lines.append(document.line(("rules", winner.index)))
    where = " and ".join(str(line) for line in sorted(set(lines)))
    yield (
        ("rules", rule.index),
        f"This rule never wins: all that it names matches the rule on line {where} first.",
    )


def _covers(rule: Rule, glob: str) -> bool:
    """Whether every name that `glob` matches is matched by one glob of `rule`."""
    sample = glob.replace("*", _ANY)
    return any(glob_regex((each,)).fullmatch(sample) for each in rule.repositories)


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
