"""What a sweep found: counted visit by visit, and told once when the last one was made."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from ecr_steward.history.sweeps import Sweeps
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind, FactMaker
from ecr_steward.words.hints import REGISTRY, Action, Hint

if TYPE_CHECKING:
    from ecr_steward.writers.settings import SettingsVisit
    from ecr_steward.writers.tags import Visit

log = logging.getLogger(__name__)

CAUSE = "Sweep"


class Tally:
    """Counts what visits of sweeps found, and says when a sweep is complete.

    `cap` is the stack's mode, `maker` makes the facts.
    """

    def __init__(
        self,
        *,
        rules: Ruleset,
        cap: Mode,
        sweeps: Sweeps,
        maker: FactMaker,
    ) -> None:
        self._rules = rules
        self._cap = cap
        self._sweeps = sweeps
        self._clock = maker.clock
        self._maker = maker

    def visited(self, hints: Iterable[Hint], visit: Visit) -> None:
        """Note what the writer of tags found in a repository, for every sweep that sent it."""
        for hint in hints:
            if hint.action is Action.SWEEP:
                self._visited(hint, visit)

    def settings_visited(self, hints: Iterable[Hint], visit: SettingsVisit) -> None:
        """Note what the writer of settings found, for every sweep that sent it there."""
        for hint in hints:
            if hint.action is Action.SWEEP:
                self._settings_visited(hint, visit)

    def _visited(self, hint: Hint, visit: Visit) -> None:
        counts = Counter(change.kind for change in visit.changes)
        finished = int(hint not in visit.rest)
        totals = {"repositories": finished}
        if finished:
            totals |= {"images": visit.images, "first_sight": int(visit.first_sight)}
        self._note(hint, counts, totals)
        if visit.first_sight and finished:
            self._sweeps.remember_seen(hint.repository, self._clock())

    def _settings_visited(self, hint: Hint, visit: SettingsVisit) -> None:
        rule = None if hint.repository == REGISTRY else self._rules.rule_for(hint.repository)
        if rule is None or rule.tags is not None:
            # The registry is no repository, and the writer of tags counts this one.
            self._note(hint, visit.found, {_SECOND: 1})
        else:
            totals = {"repositories": 1, "first_sight": int(visit.first_sight)}
            self._note(hint, visit.found, totals)

    def _note(self, hint: Hint, found: Mapping[FactKind, int], totals: Mapping[str, int]) -> None:
        sweep, _, part = hint.cause.id.partition("/")
        counted = {_COUNTED[kind]: count for kind, count in found.items()}
        kept = {name: n for name, n in {**counted, **totals}.items() if n}
        # A visit is noted with nothing to count, too.
        self._sweeps.swept(sweep, part, kept or {"repositories": 0}, self._clock())
        self.complete_if_done(sweep)

    def complete_if_done(self, sweep: str) -> None:
        """Record `Sweep Completed` once all parts are sent and all repositories were visited."""
        totals = self._sweeps.totals(sweep)
        if totals and totals["parts"] >= totals["of"] and not _missing(totals):
            self._complete(sweep, totals)

    def complete_late(self, sweep: str) -> None:
        """Record that a sweep that ought to be over is complete, whatever is missing."""
        totals = self._sweeps.totals(sweep)
        if totals:
            self._complete(sweep, totals)

    def _complete(self, sweep: str, totals: Mapping[str, int]) -> None:
        found = {name: n for name, n in totals.items() if name not in _INTERNAL}
        told = {"repositories": 0, **found, "missing": _missing(totals)}
        fact = self._maker.fact(
            FactKind.SWEPT,
            Cause(sweep, CAUSE),
            _summary(told, self._modes()),
            mode=self._cap.value,
            totals=told,
        )
        if self._sweeps.complete(sweep, fact):
            log.info(fact.reason, extra={"sweep": sweep, **told})

    def _modes(self) -> set[Mode]:
        """The modes in which the rules that say something about tags act here."""
        return {rule.mode.capped(self._cap) for rule in self._rules.rules if rule.tags is not None}


_COUNTED = {
    FactKind.MOVE: "moved",
    FactKind.PIN: "pinned",
    FactKind.RESTORE: "restored",
    FactKind.REMOVE: "removed",
    FactKind.REJECT: "rejected",
    FactKind.OVERWRITE: "overwritten",
    FactKind.HELD: "held",
    FactKind.STALE: "stale",
    FactKind.DRIFT: "drifted",
    FactKind.CORRECT: "corrected",
    FactKind.FAILED: "failed",
}

_SECOND = "second_visits"
"""Counts the visits beside the one that a repository is counted by."""

_INTERNAL = frozenset({"parts", "of", "expected", _SECOND})


def visits(totals: Mapping[str, int]) -> int:
    """How many of the visits that a sweep expects were finished; a repository can have two."""
    return totals.get("repositories", 0) + totals.get(_SECOND, 0)


def _missing(totals: Mapping[str, int]) -> int:
    return max(0, totals["expected"] - visits(totals))


_NOUNS = {
    "moved": ("tag", "tags"),
    "rejected": ("tag", "tags"),
    "overwritten": ("tag", "tags"),
    "restored": ("tag", "tags"),
    "removed": ("tag", "tags"),
    "held": ("tag", "tags"),
    "stale": ("tag", "tags"),
    "pinned": ("image", "images"),
    "corrected": ("setting", "settings"),
    "drifted": ("setting", "settings"),
    "failed": ("change", "changes"),
}

_WISHES = {
    "moved": "would move",
    "pinned": "would be pinned",
    "restored": "would be restored",
    "removed": "would be removed",
}
"""What audit mode says of the changes that it does not make."""


def _summary(totals: Mapping[str, int], modes: Collection[Mode]) -> str:
    """What a sweep found, in one sentence; `modes` are those that its rules act in."""
    rest = []
    if totals.get("first_sight"):
        rest.append(f"{totals['first_sight']:,} seen for the first time")
    if totals["missing"]:
        rest.append(f"{totals['missing']:,} not finished")
    swept = f"{_counted(totals['repositories'], 'repository', 'repositories')} swept"
    found = ", ".join(_findings(totals, modes))
    return "; ".join(filter(None, [f"{swept}: {found}" if found else swept, ", ".join(rest)])) + "."


def _findings(totals: Mapping[str, int], modes: Collection[Mode]) -> Iterator[str]:
    """Each finding with its number; what is counted is named once for those it is shared by."""
    named = None
    for name, nouns in _NOUNS.items():
        count = totals.get(name)
        if count:
            number = f"{count:,}" if nouns == named else _counted(count, *nouns)
            yield f"{number} {_verb(name, modes)}"
            named = nouns


def _verb(name: str, modes: Collection[Mode]) -> str:
    if name not in _WISHES:
        return name
    if Mode.ENFORCE not in modes:
        return _WISHES[name]
    if Mode.AUDIT in modes:
        return f"{name} or, by rules in audit mode, {_WISHES[name]}"
    return name


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
