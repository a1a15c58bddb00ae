"""Findings: what is wrong and was told, each once under the same rules."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ecr_steward.history.facts import fact_item, partition_of, write_in_order
from ecr_steward.history.table import Add, Item, Key, Put, Table, Write
from ecr_steward.words.facts import RUNNING, Fact, FactKind

Said = Mapping[Key, Sequence[str]]
"""By the key of its item, what was told of one tag: the hashes of its findings, the last last."""

SAID_KEPT = 50
"""How many findings of one tag are known to have been told. Only an event that comes again after
that many others of its tag is told again; an item that keeps all outgrows the table in time. What
is added to an item unread counts too, once the item is read and written."""

_OTHERS = "said"
"""Of a repository, the item of what pushes found about tags that no event named."""

_UNREAD = 25
"""Most findings of one look that are remembered there: half of what the item keeps. Where there are
more, the items of their tags are read."""

_HASH = 32


@dataclass(frozen=True, slots=True)
class News:
    """Findings that nobody was told: some are `told` now, others `kept` in history alone.

    `said` is what was told before, as far as it is known. With `unread` the item of a tag that it
    lacks is not read: what is found about that tag is remembered with all such of the repository.
    """

    told: Sequence[Fact] = ()
    kept: Sequence[Fact] = ()
    said: Said = field(default_factory=dict)
    unread: bool = False

    @property
    def facts(self) -> tuple[Fact, ...]:
        return (*self.told, *self.kept)

    def quietly(self) -> News:
        """The same, told to nobody."""
        return replace(self, told=(), kept=self.facts)

    def key(self, fact: Fact) -> Key:
        """The key of the item that a finding is remembered in."""
        own = _key(fact)
        if own in self.said or not self.unread:
            return own
        return partition_of(fact.repository), _OTHERS

    def items(self) -> Iterator[tuple[Fact, Item]]:
        """Each finding with its item: the table's stream tells those that are not only kept."""
        yield from ((fact, fact_item(fact)) for fact in self.told)
        yield from ((fact, fact_item(fact, quietly=True)) for fact in self.kept)


class Findings:
    """The findings that were told: an item `said#TAG` for each tag, `said#HASH` for what has none
    or whose findings tell more than a tag apart.

    What a push that changes something finds about a tag that no event named (the twin of a pushed
    version, a pin that failed) is looked up and remembered in one item of the repository, which
    each push recalls, and added to the tag's own item unread, for a sweep. So it costs no read
    beside its recall; what a sweep told first, such a push tells once more.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def keys(self, pk: str, tags: Iterable[str]) -> list[Key]:
        """The keys of these tags' items, and of what was found about others."""
        own = [_key_of(pk, tag) for tag in tags]
        return [(pk, _OTHERS), *own] if own else []

    def read(self, items: Mapping[Key, Item], asked: Iterable[Key]) -> Said:
        """What was told, by the keys `asked`; `items` has the items there are of theirs."""
        return {key: _hashes(items[key]) if key in items else () for key in asked}

    def news(self, findings: Iterable[Fact], known: News | None = None) -> News:
        """Those of `findings` that were never told under these rules, each once.

        `known` has what was recalled; what it lacks is read.
        """
        known, findings = known or News(), list(findings)
        if sum(_key(fact) not in known.said for fact in findings) > _UNREAD:
            known = replace(known, unread=False)
        every = {(known.key(fact), _hash(fact)): fact for fact in findings}
        said = self._said((key for key, _ in every), known.said)
        told = {(pk, own) for (pk, _), hashes in said.items() for own in hashes}
        new = [each for ((pk, _), own), each in every.items() if (pk, own) not in told]
        return replace(known, told=new, kept=(), said=said)

    def _said(self, keys: Iterable[Key], known: Said) -> Said:
        asked = set(keys) - known.keys()
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
        said = self._said(map(news.key, news.facts), news.said)
        told = {key: list(hashes) for key, hashes in said.items()}
        facts: dict[Key, list[Write]] = {}
        unread: dict[Key, dict[str, int]] = {}
        for each, item in news.items():
            key, own = news.key(each), _key(each)
            told[key].append(_hash(each))
            facts.setdefault(key, []).append(Put(item))
            if key != own:
                unread.setdefault(own, {})[_hash(each)] = 1
        adds: list[list[Write]] = [[Add(*key, hashes)] for key, hashes in unread.items()]
        puts = [[Put(Item(*key, told[key][-SAID_KEPT:])), *each] for key, each in facts.items()]
        return [*puts, *adds]


def _key(fact: Fact) -> Key:
    tagged = fact.tag is not None and fact.kind not in RUNNING
    return _key_of(partition_of(fact.repository), fact.tag if tagged else _hash(fact))


def _key_of(pk: str, tag: str | None) -> Key:
    return pk, f"said#{tag}"


def _hashes(item: Item) -> list[str]:
    """What an item says was told, with what was added to it unread."""
    return [*(item.body or ()), *item.counters]


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
