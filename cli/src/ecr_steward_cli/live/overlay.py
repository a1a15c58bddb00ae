"""A history that is read and never written: what a look notes stays in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ecr_steward.history.table import Add, Delete, Item, Key, Put, Table, Write
from ecr_steward_cli.in_memory.table import MemoryTable


class Overlay:
    """A table over another one, which is only read: writes go into memory, and hide what is below.

    Conditions are judged in memory alone: nothing that a plan notes is there twice.
    """

    def __init__(self, below: Table) -> None:
        self._below = below
        self._above = MemoryTable()
        self._gone: set[Key] = set()

    def get(self, keys: Collection[Key]) -> dict[Key, Item]:
        found = self._above.get(keys)
        left = [key for key in keys if key not in found and key not in self._gone]
        return {**self._below.get(left), **found} if left else found

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        items = {item.sk: item for item in self._below.query(pk, prefix)}
        items = {sk: item for sk, item in items.items() if (pk, sk) not in self._gone}
        items |= {item.sk: item for item in self._above.query(pk, prefix)}
        return iter([items[sk] for sk in sorted(items)])

    def backwards(self, pk: str, first: str, last: str, tag: str | None = None) -> Iterator[Item]:
        return reversed([*self.forwards(pk, first, last, tag)])

    def forwards(self, pk: str, first: str, last: str, tag: str | None = None) -> Iterator[Item]:
        every = (item for item in self.query(pk) if tag in (None, item.tag))
        return iter([item for item in every if first <= item.sk <= last])

    def transact(self, writes: Sequence[Write]) -> None:
        self._note(writes)
        self._above.transact(writes)

    def put_all(self, items: Iterable[Item]) -> None:
        every = list(items)
        self._note([Put(item) for item in every])
        self._above.put_all(every)

    def count(self, add: Add, expires: int) -> Mapping[str, int]:
        self._note([add])
        return self._above.count(add, expires)

    def _note(self, writes: Sequence[Write]) -> None:
        for each in writes:
            if isinstance(each, Delete):
                self._gone.add((each.pk, each.sk))
            elif isinstance(each, Put):
                self._gone.discard((each.item.pk, each.item.sk))
            else:
                # It is counted on from what is below.
                self._above.put_all(self.get([(each.pk, each.sk)]).values())
                self._gone.discard((each.pk, each.sk))
