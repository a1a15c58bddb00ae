"""History's table in memory, with the calls that it was asked for counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ecr_steward.history.table import Add, Item, Key, Write
from ecr_steward_cli.in_memory.table import MemoryTable


class CountedTable(MemoryTable):
    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def get(self, keys: Collection[Key]) -> dict[Key, Item]:
        self.calls["get"] += 1
        return super().get(keys)

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        self.calls["query"] += 1
        return super().query(pk, prefix)

    def transact(self, writes: Sequence[Write]) -> None:
        self.calls["transact"] += 1
        super().transact(writes)

    def put_all(self, items: Iterable[Item]) -> None:
        self.calls["put_all"] += 1
        super().put_all(items)

    def count(self, add: Add, expires: int) -> Mapping[str, int]:
        self.calls["count"] += 1
        return super().count(add, expires)
