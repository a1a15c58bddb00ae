"""Findings: what is wrong and was told, each once under the same rules."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from ecr_steward.history.facts import fact_item, partition_of, write_in_order
from ecr_steward.history.table import Item, Key, Put, Table, Write
from ecr_steward.words.facts import RUNNING, Fact, FactKind


class Findings:
    """The findings that were told, in an item `said#HASH` for each."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def unsaid(self, findings: Sequence[Fact]) -> list[Fact]:
        """Those of `findings` that were never told under these rules."""
        if not findings:
            return []
        keys = {_said(fact): fact for fact in findings}
        said = self._table.get(list(keys))
        return [fact for key, fact in keys.items() if key not in said]

    def say(self, findings: Sequence[Fact], *, quietly: bool = False) -> list[Fact]:
        """Record findings that were never told under these rules; returns those that are new.

        With `quietly` they are kept in history and not told one by one.
        """
        new = self.unsaid(findings)
        write_in_order(self._table, told(new, quietly=quietly))
        return new


def told(findings: Iterable[Fact], *, quietly: bool = False) -> list[list[Write]]:
    """For each finding the writes that record it, and that it was told."""
    every = {_said(fact): fact for fact in findings}
    return [
        [Put(Item(*key, body=fact.id)), Put(fact_item(fact, quietly=quietly))]
        for key, fact in every.items()
    ]


def _said(fact: Fact) -> Key:
    # What has no tag is told apart by what led to it: two messages can fail in one repository.
    image = fact.digest or fact.before or ""
    about = fact.difference.key if fact.difference else fact.tag or fact.cause.id
    if fact.kind in RUNNING:
        # Who deleted an image is told, though that it is gone was.
        about = "\n".join((fact.tag or "", fact.cause.by or "", *fact.workloads))
    # Every hold tells anew what it misses; the reason says whose it is, and since when.
    hold = (fact.reason,) if fact.kind is FactKind.HELD else ()
    subject = (fact.kind.value, about, image, fact.rules, *hold)
    digest = hashlib.sha256("\n".join(subject).encode()).hexdigest()
    return partition_of(fact.repository), f"said#{digest}"
