"""How facts, and what all writers share, stand in the table, and how much is written at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ecr_steward.history.table import TRANSACTION, Item, Key, Put, Table, Write, encode
from ecr_steward.words.facts import Fact
from ecr_steward.words.globs import PullThrough

PULL_THROUGH: Key = ("registry", "pull-through")

DUE, TAGGED = "expiring-due", "expiring-tagged"
"""Partitions with an item for each repository with images that may get an expiry tag, or have
one."""

_AT_ONCE = 3_000_000
"""Most bytes of facts in one transaction, which takes 4 MB, beside those in one item."""


def partition_of(repository: str) -> str:
    """The `pk` of what is kept of a repository."""
    return f"repo#{repository}"


def pull_through_in(items: Mapping[Key, Item]) -> PullThrough:
    """The registry's pull-through caches; `items` has their item, if there is one."""
    item = items.get(PULL_THROUGH)
    return PullThrough() if item is None else PullThrough(tuple(item.body))


def going_keys(repository: str) -> tuple[Key, Key]:
    """The keys that say whether an image of a repository may get an expiry tag or has one."""
    return (DUE, repository), (TAGGED, repository)


def lets_go(repository: str, found: Collection[Key]) -> bool:
    """The same, where `found` has the items of those keys that there are."""
    return any(key in found for key in going_keys(repository))


def fact_of(item: Item) -> Fact:
    """The fact in an item that holds one. Raises MalformedEvent."""
    return fact_in(item.body if isinstance(item.body, Mapping) else {})


def fact_in(body: Mapping[str, Any]) -> Fact:
    """The fact in a body that `body_of` made. Raises MalformedEvent."""
    return Fact.from_detail(str(body.get("detail-type")), body.get("detail", {}))


def body_of(fact: Fact) -> dict[str, Any]:
    """The body of an item that holds a fact; the lines of a difference follow from the rest."""
    detail = fact.to_detail()
    detail.pop("difference", None)
    return {"detail-type": fact.detail_type, "detail": detail}


def fact_item(fact: Fact, *, quietly: bool = False) -> Item:
    """The item of a fact, which the table's stream tells unless it is kept `quietly`."""
    prefix = "quiet" if quietly else "fact"
    sk = f"{prefix}#{fact.time}#{fact.id}"
    return Item(partition_of(fact.repository), sk, body_of(fact), tag=fact.tag or None)


def distinct(facts: Iterable[Fact]) -> list[Fact]:
    """Each fact once: a transaction that names a key twice is refused (DynamoDB API:
    TransactWriteItems), and whatever it was to close would stay open forever."""
    return list({(fact.time, fact.id): fact for fact in facts}.values())


def portions(facts: Iterable[Fact], most: int, size: int = _AT_ONCE) -> Iterator[list[Fact]]:
    """`facts` in portions of at most `most` facts and `size` bytes, which no single fact has."""
    portion: list[Fact] = []
    held = 0
    for fact in facts:
        length = len(encode(body_of(fact)))
        if portion and (len(portion) == most or held + length > size):
            yield portion
            portion, held = [], 0
        portion.append(fact)
        held += length
    if portion:
        yield portion


def write_in_order(table: Table, groups: Iterable[Sequence[Write]]) -> None:
    """Write groups of writes in as few transactions as they fit in.

    A group is written whole, and none before those that stand in front of it: what a crash cuts
    off is the end.
    """
    waiting: list[Write] = []
    held = 0
    for group in groups:
        length = sum(len(encode(each.item.body)) for each in group if isinstance(each, Put))
        if waiting and (len(waiting) + len(group) > TRANSACTION or held + length > _AT_ONCE):
            table.transact(waiting)
            waiting, held = [], 0
        waiting += group
        held += length
    if waiting:
        table.transact(waiting)
