"""What history knows, as a plan uses it: read, never written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NoReturn

from ecr_steward.history.facts import PULL_THROUGH
from ecr_steward.history.table import Add, Item, Key, Table, Write


class ReadOnlyTable:
    """A table that nothing is written to, over that of a stack, or over none.

    `prefixes` are the registry's pull-through caches as they are now, whatever was remembered.
    """

    def __init__(self, table: Table | None, prefixes: Sequence[str]) -> None:
        self._table = table
        self._live = {PULL_THROUGH: Item(*PULL_THROUGH, body=list(prefixes))}

    def get(self, keys: Collection[Key]) -> dict[Key, Item]:
        found = {} if self._table is None else self._table.get(keys)
        return {**found, **{key: item for key, item in self._live.items() if key in keys}}

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        return iter(()) if self._table is None else self._table.query(pk, prefix)

    def transact(self, writes: Sequence[Write]) -> NoReturn:
        raise TypeError("A plan writes nothing.")

    def put_all(self, items: Iterable[Item]) -> NoReturn:
        raise TypeError("A plan writes nothing.")

    def count(self, add: Add, expires: int) -> Mapping[str, int]:
        raise TypeError("A plan writes nothing.")
