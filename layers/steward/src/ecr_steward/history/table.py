"""What history asks of a table, and what stands in it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Item:
    """One item; `expires` is when the table may drop it (epoch seconds), `counters` are numbers
    that `add` counts up. `tag` is the one that it is about, and found by, too."""

    pk: str
    sk: str
    body: Any = None
    expires: int | None = None
    counters: Mapping[str, int] = field(default_factory=dict)
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """Write an item; with `absent` only if there is none of its key yet."""

    item: Item
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """Take an item away; nothing happens if there is none."""

    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class Add:
    """Count an item's counters up, making it if there is none."""

    pk: str
    sk: str
    counters: Mapping[str, int]


Write = Put | Delete | Add


class Conflict(Exception):
    """A transaction wrote nothing because an item that had to be absent is there."""


class Table(Protocol):
    """What history asks of a table. Reads see every write that was answered before."""

    def get(self, keys: Collection[Key]) -> dict[Key, Item]:
        """The items of these keys that exist."""
        ...

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        """The items of `pk` whose `sk` begins with `prefix`, in the order of `sk`."""
        ...

    def backwards(self, pk: str, first: str, last: str, tag: str | None = None) -> Iterator[Item]:
        """The items of `pk` from `first` to `last`, both included, against the order of `sk`.

        With `tag` only those about it, for which no others are read; what was written a moment ago
        may be missing then. A page is read when somebody asks for it.
        """
        ...

    def forwards(self, pk: str, first: str, last: str, tag: str | None = None) -> Iterator[Item]:
        """The same, in the order of `sk`."""
        ...

    def transact(self, writes: Sequence[Write]) -> None:
        """All of at most 100 writes, or none. Raises Conflict."""
        ...

    def put_all(self, items: Iterable[Item]) -> None:
        """Write items one by one, in no order, without conditions."""
        ...

    def count(self, add: Add, expires: int) -> Mapping[str, int]:
        """Count an item's counters up; returns what they stand at. `expires` is the item's."""
        ...


_JSON = json.JSONEncoder(separators=(",", ":"), check_circular=False)

TRANSACTION = 100
"""Most writes in one transaction (DynamoDB API: TransactWriteItems)."""


def expiry(time: datetime, kept: timedelta) -> int:
    """When the table may drop what is written at `time` and kept that long."""
    return int((time + kept).timestamp())


def encode(body: Any) -> str:
    """A body as it stands in the table."""
    return _JSON.encode(body)
