"""History's table in memory, for `simulate` and the tests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ecr_steward.history.table import (
    Add,
    Conflict,
    Delete,
    Item,
    Key,
    Put,
    Write,
)
from ecr_steward_cli.in_memory.limits import (
    PUTS,
    check_counters,
    check_items,
    check_keys,
    check_transaction,
    invalid,
    kept,
)


class MemoryTable:
    """The `Table` protocol in memory, for `simulate` and for tests.

    It refuses what DynamoDB refuses, with the error that `DynamoTable` raises then.
    """

    def __init__(self) -> None:
        self._items: dict[str, dict[str, Item]] = {}

    def get(self, keys: Collection[Key]) -> dict[Key, Item]:
        check_keys("BatchGetItem", keys)
        found = ((key, self._items.get(key[0], {}).get(key[1])) for key in keys)
        return {key: item for key, item in found if item is not None}

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        check_keys("Query", [(pk, prefix or "any")])
        items = self._items.get(pk, {})
        return iter([items[sk] for sk in sorted(items) if sk.startswith(prefix)])

    def backwards(self, pk: str, first: str, last: str, tag: str | None = None) -> Iterator[Item]:
        return reversed([*self.forwards(pk, first, last, tag)])

    def forwards(self, pk: str, first: str, last: str, tag: str | None = None) -> Iterator[Item]:
        check_keys("Query", [(pk, first), (pk, last)])
        items = self._items.get(pk, {})
        within = (items[sk] for sk in sorted(items) if first <= sk <= last)
        return iter([item for item in within if tag in (None, item.tag)])

    def transact(self, writes: Sequence[Write]) -> None:
        check_transaction(writes)
        for each in writes:
            if isinstance(each, Put) and each.absent and self._has(each.item):
                raise Conflict(f"{each.item.pk} {each.item.sk} is there already")
        for each in writes:
            self._carry_out(each)

    def put_all(self, items: Iterable[Item]) -> None:
        every = list(items)
        for start in range(0, len(every), PUTS):
            chunk = every[start : start + PUTS]
            operation = "PutItem" if len(chunk) == 1 else "BatchWriteItem"
            check_items(operation, chunk)
            if len({(item.pk, item.sk) for item in chunk}) < len(chunk):
                raise invalid(operation, "Provided list of item keys contains duplicates")
            for item in chunk:
                self._carry_out(Put(item))

    def count(self, add: Add, expires: int) -> Mapping[str, int]:
        check_counters("UpdateItem", add)
        self._carry_out(add)
        counted = replace(self._items[add.pk][add.sk], expires=expires)
        self._items[add.pk][add.sk] = counted
        return {name: counted.counters[name] for name in add.counters}

    def _has(self, item: Item) -> bool:
        return item.sk in self._items.get(item.pk, {})

    def _carry_out(self, each: Write) -> None:
        if isinstance(each, Put):
            self._items.setdefault(each.item.pk, {})[each.item.sk] = kept(each.item)
        elif isinstance(each, Delete):
            self._items.get(each.pk, {}).pop(each.sk, None)
        else:
            items = self._items.setdefault(each.pk, {})
            held = items.get(each.sk, Item(each.pk, each.sk))
            counted = {name: held.counters.get(name, 0) + n for name, n in each.counters.items()}
            items[each.sk] = replace(held, counters={**held.counters, **counted})
