"""The changes that were announced before ECR was changed, and that are not yet closed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from ecr_steward.history.facts import body_of, distinct, fact_in, portions
from ecr_steward.history.table import Delete, Item, Key, Put, Table, Write, encode
from ecr_steward.words.facts import Fact

_ITEM = 300_000
"""Most bytes of facts in one item, which takes 400 KB (DynamoDB Developer Guide: Quotas)."""


class Announced:
    """The changes announced in each repository, in an item `sk` and as many more as they need.

    What one item has no room for stands in items of its own, which the first one names. They are
    written before it, under the hash of what they hold: whoever reads the first finds all of its
    announcement and nothing of another.
    """

    def __init__(self, table: Table, sk: str) -> None:
        self._table = table
        self._sk = sk
        self._more: dict[str, Sequence[str]] = {}

    def at(self, pk: str) -> Key:
        """The key of the first item."""
        return pk, self._sk

    def read(self, pk: str, items: Mapping[Key, Item]) -> tuple[Fact, ...]:
        """The facts announced; `items` has the first item, if there is one."""
        first = items.get(self.at(pk))
        bodies = [] if first is None else first.body
        self._more[pk] = more = [body["more"] for body in bodies if "more" in body]
        found = self._table.get([(pk, sk) for sk in more]) if more else {}
        # What somebody took out of the table by hand must not stop the repository's writer.
        further = [body for sk in more if (pk, sk) in found for body in found[pk, sk].body]
        return tuple(fact_in(body) for body in (*bodies, *further) if "more" not in body)

    def write(self, pk: str, facts: Sequence[Fact]) -> list[Write]:
        """The writes that leave these facts announced and no others; that of the first item is the
        first."""
        if not facts:
            return [Delete(pk, self._sk), *self._without(pk, ())]
        first, *rest = portions(distinct(facts), len(facts), _ITEM)
        more = [self._further(pk, portion) for portion in rest]
        # One by one, for there is hardly ever one: so the writers need no right to write batches.
        for each in more:
            self._table.put_all([each])
        body = [*map(body_of, first), *({"more": item.sk} for item in more)]
        gone = self._without(pk, [item.sk for item in more])
        return [Put(Item(pk, self._sk, body)), *gone]

    def _further(self, pk: str, facts: Sequence[Fact]) -> Item:
        bodies = list(map(body_of, facts))
        digest = hashlib.sha256(encode(bodies).encode()).hexdigest()
        return Item(pk, f"{self._sk}#{digest}", bodies)

    def _without(self, pk: str, kept: Sequence[str]) -> list[Write]:
        """What takes away the items that an earlier announcement needed."""
        gone = [sk for sk in self._more.get(pk, ()) if sk not in kept]
        self._more[pk] = kept
        return [Delete(pk, sk) for sk in gone]
