"""How often a cause led to the same change: two changes are never one fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from ecr_steward.history.table import Item, Key, Put, Table, Write, expiry
from ecr_steward.words.facts import Fact
from ecr_steward.words.reading import parse_time

Led = Mapping[str, Mapping[str, int]]
"""By cause, how often it led to which change: the first ids of facts, cut to `LED_KEY` digits."""

LED_KEY = 16

_KEPT = timedelta(days=30)


def numbered(fact: Fact, led: Led) -> Fact:
    """The fact with its number, where its cause led to the same change before."""
    again = led.get(fact.cause.id, {}).get(fact.first_id[:LED_KEY], 0)
    return replace(fact, again=again) if again else fact


class Numbering:
    """What causes led to in each repository: an item `WHAT#CAUSE` for each."""

    def __init__(self, table: Table, what: str) -> None:
        self._table = table
        self._what = what

    def keys(self, pk: str, causes: Iterable[str]) -> dict[str, Key]:
        """The keys of these causes' items."""
        return {cause: (pk, f"{self._what}#{cause}") for cause in causes}

    def read(self, items: Mapping[Key, Item], asked: Mapping[str, Key]) -> Led:
        """What the causes `asked` led to; `items` has the items there are of theirs."""
        return {cause: items[key].body if key in items else {} for cause, key in asked.items()}

    def after(self, pk: str, facts: Sequence[Fact], led: Led) -> Led:
        """`led` once these facts are on record too; what it lacks of their causes is read."""
        asked = self.keys(pk, {fact.cause.id for fact in facts} - led.keys())
        if asked:
            led = {**led, **self.read(self._table.get(list(asked.values())), asked)}
        known = {cause: dict(counts) for cause, counts in led.items()}
        for fact in facts:
            counts, change = known[fact.cause.id], fact.first_id[:LED_KEY]
            counts[change] = max(counts.get(change, 0), fact.again + 1)
        return known

    def writes(self, pk: str, facts: Iterable[Fact], led: Led) -> list[Write]:
        """The writes that keep what the causes of these facts led to."""
        times = {fact.cause.id: parse_time(fact.time) for fact in facts}
        return [
            Put(Item(pk, f"{self._what}#{cause}", led[cause], expires=expiry(time, _KEPT)))
            for cause, time in times.items()
        ]
