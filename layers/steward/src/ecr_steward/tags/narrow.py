"""A plan narrowed to the changes that somebody asked for, and to what hangs on no others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ecr_steward.tags.plan import Plan, TagChange
from ecr_steward.words.facts import FactKind


def narrowed(plan: Plan, wanted: Callable[[TagChange], bool]) -> Plan:
    """The plan without the writes that are not `wanted`, and without what hangs on these.

    An image that does not get its pin keeps its tags. Stable tags are planned as if every unique
    tag went back: where one does not, none of them moves. Of what is left nothing is told or
    remembered, neither who overwrote a unique tag nor who took a stable one.
    """
    made = frozenset(_made(plan.writes, wanted))
    left = {each.tag for each in plan.writes if each not in made}
    moved = {each.tag for each in made if each.kind is FactKind.MOVE}
    untaken = {each.mark.tag for each in plan.taken} - moved
    unpinned = _unpinned(plan.writes, made)
    unkept = {tag for tag, digest in plan.kept.items() if digest in unpinned}
    return replace(
        plan,
        changes=tuple(
            each for each in plan.changes if each in made or _is_told(each, left, untaken)
        ),
        marks=tuple(each for each in plan.marks if each.tag not in untaken),
        known={tag: digest for tag, digest in plan.known.items() if tag not in unkept},
        kept={tag: digest for tag, digest in plan.kept.items() if tag not in unkept},
        taken=tuple(each for each in plan.taken if each.mark.tag not in untaken),
    )


def _made(writes: Sequence[TagChange], wanted: Callable[[TagChange], bool]) -> list[TagChange]:
    """The writes that are wanted and hang on no other."""
    made = list(filter(wanted, writes))
    unpinned = _unpinned(writes, made)
    made = [each for each in made if each.before not in unpinned]
    restores = [each for each in writes if each.kind is FactKind.RESTORE]
    if set(restores) <= set(made):
        return made
    return [each for each in made if each.kind in (FactKind.PIN, FactKind.RESTORE)]


def _unpinned(writes: Iterable[TagChange], made: Iterable[TagChange]) -> set[str | None]:
    """The images that do not get the pin that they need."""
    pinned = {each.after for each in made if each.kind is FactKind.PIN}
    return {each.after for each in writes if each.kind is FactKind.PIN} - pinned


def _is_told(change: TagChange, left: set[str], untaken: set[str]) -> bool:
    if change.writes:
        return False
    if change.kind is FactKind.OVERWRITE:
        return change.tag not in left
    return change.tag not in untaken
