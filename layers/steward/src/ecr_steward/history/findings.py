"""Findings: what is wrong and was told, each once under the same rules."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ecr_steward.history.facts import fact_item, partition_of, write_in_order
from ecr_steward.history.table import Item, Key, Put, Table, Write
from ecr_steward.words.facts import RUNNING, Fact, FactKind

Said = Mapping[Key, Sequence[str]]
"""By the key of its item, what was told of one tag: the hashes of its findings, the last last."""

SAID_KEPT = 50
"""How many findings of one tag are known to have been told. Only an event that comes again after
that many others of its tag is told again; an item that keeps all outgrows the table in time."""

_HASH = 32


@dataclass(frozen=True, slots=True)
class News:
    """Findings that nobody was told: some are `told` now, others `kept` in history alone.

    `said` is what was told before of what they are about, as far as it is known.
    """

    told: Sequence[Fact] = ()
    kept: Sequence[Fact] = ()
    said: Said = field(default_factory=dict)

    @property
    def facts(self) -> tuple[Fact, ...]:
        return (*self.told, *self.kept)

    def quietly(self) -> News:
        """The same, told to nobody."""
        return News(kept=self.facts, said=self.said)

    def items(self) -> Iterator[tuple[Fact, Item]]:
        """Each finding with its item: the table's stream tells those that are not only kept."""
        yield from ((fact, fact_item(fact)) for fact in self.told)
        yield from ((fact, fact_item(fact, quietly=True)) for fact in self.kept)


class Findings:
    """The findings that were told: an item `said#TAG` for each tag, `said#HASH` for what has none
    or whose findings tell more than a tag apart."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def keys(self, pk: str, tags: Iterable[str]) -> list[Key]:
        """The keys of these tags' items."""
        return [(pk, f"said#{tag}") for tag in tags]

    def read(self, items: Mapping[Key, Item], asked: Iterable[Key]) -> Said:
        """What was told, by the keys `asked`; `items` has the items there are of theirs."""
        return {key: items[key].body if key in items else () for key in asked}

    def news(self, findings: Iterable[Fact], said: Said | None = None) -> News:
        """Those of `findings` that were never told under these rules, each once; what `said` lacks
        of what they are about is read."""
        every = {(_key(fact), _hash(fact)): fact for fact in findings}
        said = self._said(every.values(), said or {})
        return News([each for (key, own), each in every.items() if own not in said[key]], said=said)

    def _said(self, facts: Iterable[Fact], known: Said) -> Said:
        asked = {_key(fact) for fact in facts} - known.keys()
        return {**known, **self.read(self._table.get(asked), asked)} if asked else known

    def say(self, findings: Sequence[Fact], *, quietly: bool = False) -> list[Fact]:
        """Record findings that were never told under these rules; returns those that are new.

        With `quietly` they are kept in history and not told one by one.
        """
        news = self.news(findings)
        write_in_order(self._table, self.writes(news.quietly() if quietly else news))
        return list(news.told)

    def writes(self, news: News) -> list[list[Write]]:
        """By what they are about, the writes that record findings, and that they were told."""
        told = {key: list(hashes) for key, hashes in self._said(news.facts, news.said).items()}
        facts: dict[Key, list[Write]] = {}
        for each, item in news.items():
            told[_key(each)].append(_hash(each))
            facts.setdefault(_key(each), []).append(Put(item))
        return [[Put(Item(*key, told[key][-SAID_KEPT:])), *puts] for key, puts in facts.items()]


def _key(fact: Fact) -> Key:
    pk = partition_of(fact.repository)
    tagged = fact.tag is not None and fact.kind not in RUNNING
    return pk, f"said#{fact.tag if tagged else _hash(fact)}"


def _hash(fact: Fact) -> str:
    # What has no tag is told apart by what led to it: two messages can fail in one repository.
    image = fact.digest or fact.before or ""
    about = fact.difference.key if fact.difference else fact.tag or fact.cause.id
    if fact.kind in RUNNING:
        # Who deleted an image is told, though that it is gone was.
        about = "\n".join((fact.tag or "", fact.cause.by or "", *fact.workloads))
    # Every hold tells anew what it misses; the reason says whose it is, and since when.
    hold = (fact.reason,) if fact.kind is FactKind.HELD else ()
    subject = (fact.kind.value, about, image, fact.rules, *hold)
    return hashlib.sha256("\n".join(subject).encode()).hexdigest()[:_HASH]
