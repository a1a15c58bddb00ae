"""How far a sweep is, and what it found, whoever of several visits comes first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ecr_steward.history.facts import body_of, fact_of, partition_of
from ecr_steward.history.table import Add, Conflict, Item, Put, Table, expiry
from ecr_steward.words.facts import Fact
from ecr_steward.words.reading import iso

_KEPT = timedelta(days=30)


class Sweeps:
    """The counters of sweeps, and what was said of complete ones."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def expect(self, sweep: str, part: int, repositories: int, of: int, time: datetime) -> None:
        """Note that part `part` (of `of`) of a sweep sends this many repositories; once a part."""
        pk = _key(sweep)
        mark = Item(pk, f"slice#{part}", expires=expiry(time, _KEPT))
        counters = {"parts": 1, "expected": repositories}
        size = Put(Item(pk, "size", of, expires=expiry(time, _KEPT)))
        try:
            self._table.transact([Put(mark, absent=True), size, Add(pk, "total", counters)])
        except Conflict:
            return

    def swept(self, sweep: str, part: str, totals: Mapping[str, int], time: datetime) -> None:
        """Count up the totals of a sweep by what its visit `part` found; once each."""
        pk = _key(sweep)
        mark = Item(pk, f"visit#{part}", expires=expiry(time, _KEPT))
        try:
            self._table.transact([Put(mark, absent=True), Add(pk, "total", totals)])
        except Conflict:
            return

    def remember_seen(self, repository: str, time: datetime) -> None:
        """Note that a sweep has been through the repository."""
        self._table.put_all([Item(partition_of(repository), "seen", iso(time))])

    def totals(self, sweep: str) -> Mapping[str, int]:
        """The counters of a sweep: `parts` of `of`, `expected`, `repositories`, what was found.

        Empty for a sweep that never began.
        """
        pk = _key(sweep)
        items = self._table.get([(pk, "total"), (pk, "size")])
        if len(items) < 2:
            return {}
        return {**items[pk, "total"].counters, "of": items[pk, "size"].body}

    def complete(self, sweep: str, fact: Fact) -> bool:
        """Record that a sweep is complete; False if that was recorded before."""
        pk = _key(sweep)
        done = Item(pk, "completed", fact.time)
        told = Item(pk, f"fact#{fact.time}#{fact.id}", body_of(fact))
        try:
            self._table.transact([Put(done, absent=True), Put(told)])
        except Conflict:
            return False
        return True

    def completed(self, sweep: str) -> Fact | None:
        """What a sweep said when it was complete; None if it is not, or never began."""
        return next(map(fact_of, self._table.query(_key(sweep), "fact#")), None)


def _key(sweep: str) -> str:
    return f"sweep#{sweep}"
