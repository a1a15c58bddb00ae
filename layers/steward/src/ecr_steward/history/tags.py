"""History: what was where, when and why.

One table holds it all; an item's `pk` says whose it is and its `sk` what:

| pk | sk | body |
|---|---|---|
| `repo#NAME` | `mark#TAG` | the mark of a stable tag |
| `repo#NAME` | `unique#TAG` | the image a unique tag was accepted on, or the last of a free one |
| `repo#NAME` | `hold#TAG` | the word that a stable tag stays where it is |
| `repo#NAME` | `place#TAG`, `left#DIGEST#TAG` | where a stable tag is, when it left an image |
| `repo#NAME` | `deleted#DIGEST` | when an image was deleted, as an event said that names no tag |
| `repo#NAME` | `taken#TAG` | when somebody else took a stable tag from where it belongs |
| `repo#NAME` | `open`, `open#HASH` | the changes announced and not yet closed |
| `repo#NAME` | `led#CAUSE` | how often a cause led to which change, by the change's first id |
| `repo#NAME` | `fact#TIME#ID` | a fact; the table's stream tells every new one, once |
| `repo#NAME` | `quiet#TIME#ID` | a fact of the first sight: kept, and told only in the summary |
| `repo#NAME` | `said#TAG`, `said#HASH`, `said` | which findings were told already: findings.py |
| `repo#NAME` | `seen` | the first sweep of the repository |
| `repo#NAME` | `settings`, `settings-open` | its settings: see settings.py |
| `repo#NAME` | `plan#PLAN#…` | the changes that a kept plan has: see planned.py |
| `sweep#ID` | `size`, `total`, `slice#N`, `visit#PART`, `completed`, `fact#…` | one sweep |
| `told#…`, `digest#…`, `channel#…` | | what is on its way to people: messages/ledger.py |
| `registry` | `pull-through` | the prefixes of pull-through-cache repositories |
| `holds` | `NAME:TAG` | every hold once more, to find them all |

The index `by-tag` has the facts of both kinds that are about a tag, by `repo#NAME:TAG` and `sk`.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ecr_steward.history.announced import Announced
from ecr_steward.history.facts import (
    PULL_THROUGH,
    distinct,
    fact_item,
    fact_of,
    going_keys,
    lets_go,
    partition_of,
    pull_through_in,
    write_in_order,
)
from ecr_steward.history.findings import Findings, News, Said
from ecr_steward.history.holds import Hold, Holds, hold_in, holding
from ecr_steward.history.numbering import Led, Numbering
from ecr_steward.history.sweeps import Sweeps
from ecr_steward.history.table import Delete, Item, Key, Put, Table, Write, expiry
from ecr_steward.tags.state import Mark, Taken
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.globs import PullThrough
from ecr_steward.words.reading import iso, parse_time

if TYPE_CHECKING:
    from ecr_steward.history.planned import PlannedChanges

_TAKEN_KEPT = timedelta(days=1)
_DELETED_KEPT = timedelta(days=30)
"""Longer than any sweep takes, which sees for itself what is gone."""
_SECOND = len("2026-11-23T02:24:00")


@dataclass(frozen=True, slots=True)
class Memory:
    """What history knows that bears on one batch.

    `known` has the digests that unique tags were accepted on, `pushed` by tag when their images had
    been pushed then, `freed` the last digests of unique tags that were deleted. `taken` is when
    somebody else took stable tags from where they belong. `led` has an entry for each cause asked
    for, `said` for each tag. `places` are the images that stable tags were last seen on. `lets_go`
    is whether an image may get an expiry tag or has one, None where that was not asked.
    """

    marks: Mapping[str, Mark] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    pushed: Mapping[str, datetime] = field(default_factory=dict)
    holds: Mapping[str, Hold] = field(default_factory=dict)
    taken: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    open: tuple[Fact, ...] = ()
    pull_through: PullThrough = field(default_factory=PullThrough)
    first_sight: bool = False
    led: Led = field(default_factory=dict)
    freed: Mapping[str, str] = field(default_factory=dict)
    said: Said = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    lets_go: bool | None = None

    @property
    def contested(self) -> frozenset[str]:
        """The stable tags that the steward itself holds."""
        return frozenset(tag for tag, hold in self.holds.items() if hold.automatic)


@dataclass(frozen=True, slots=True)
class Learned:
    """What a look leaves in history beside facts.

    Marks, and those of `forgotten` tags no more; the digests of unique tags, with when these were
    pushed as far as `pushed` has them. `freed` unique tags belong to no image, and what they were
    on last is kept. `places` are the images that stable tags are on, and `left` by image those
    that left it at `at`. `deleted` are images that are gone with all their tags, and since when.
    """

    marks: Sequence[Mark] = ()
    forgotten: Sequence[str] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    pushed: Mapping[str, datetime] = field(default_factory=dict)
    freed: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[str, Sequence[str]] = field(default_factory=dict)
    at: datetime | None = None
    deleted: Mapping[str, datetime] = field(default_factory=dict)


class History:
    """What the steward writes down of tags, over a table. Repositories have one writer at a time.

    `findings`, `holds`, `sweeps` and `planned` stand in the same table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._open = Announced(table, "open")
        self._led = Numbering(table, "led")
        self.findings = Findings(table)
        self.holds = Holds(table)
        self.sweeps = Sweeps(table)

    @property
    def planned(self) -> PlannedChanges:
        """The changes that kept plans have."""
        # Most sandboxes never see one.
        from ecr_steward.history.planned import PlannedChanges

        return PlannedChanges(self._table)

    def recall(
        self,
        repository: str,
        stable: Iterable[str],
        unique: Iterable[str],
        causes: Iterable[str] = (),
        watched: Iterable[str] = (),
        judged: Iterable[str] = (),
        *,
        expiry: bool = False,
    ) -> Memory:
        """What is known of these stable and unique tags and causes: one read of the table.

        `watched` are stable tags of which it matters where they were, `judged` are tags of which it
        matters what was told; with `expiry` it matters whether images go.
        """
        pk = partition_of(repository)
        keys: list[Key] = [self._open.at(pk), PULL_THROUGH]
        for tag in stable:
            keys += [(pk, f"mark#{tag}"), (pk, f"hold#{tag}"), (pk, f"taken#{tag}")]
        keys += [(pk, f"unique#{tag}") for tag in unique]
        keys += [(pk, f"place#{tag}") for tag in watched]
        keys += going_keys(repository) if expiry else ()
        asked, said = self._led.keys(pk, causes), self.findings.keys(pk, judged)
        found = self._table.get([*keys, *asked.values(), *said])
        return replace(
            _memory(found, found.values()),
            open=self._open.read(pk, found),
            led=self._led.read(found, asked),
            said=self.findings.read(found, said),
            lets_go=lets_go(repository, found) if expiry else None,
        )

    def recall_all(self, repository: str, causes: Iterable[str] = ()) -> Memory:
        """Everything known of a repository and these causes but its past."""
        pk = partition_of(repository)
        kept = ("mark#", "hold#", "taken#", "unique#", "place#")
        items = [item for prefix in kept for item in self._table.query(pk, prefix)]
        asked = self._led.keys(pk, causes)
        single = self._table.get([self._open.at(pk), (pk, "seen"), PULL_THROUGH, *asked.values()])
        return replace(
            _memory(single, items),
            open=self._open.read(pk, single),
            first_sight=(pk, "seen") not in single,
            led=self._led.read(single, asked),
        )

    def marked(self, repository: str, digest: str) -> tuple[Mark, ...]:
        """The marks that are on `digest`."""
        marks = map(_mark, self._table.query(partition_of(repository), "mark#"))
        return tuple(mark for mark in marks if mark.digest == digest)

    def deleted(self, repository: str, digests: Iterable[str]) -> dict[str, datetime]:
        """When those of these images were deleted of which an event said so that names no tag."""
        pk = partition_of(repository)
        found = self._table.get([(pk, f"deleted#{digest}") for digest in digests])
        return {
            sk.removeprefix("deleted#"): parse_time(each.body) for (_, sk), each in found.items()
        }

    def left(self, repository: str) -> dict[str, dict[str, datetime]]:
        """By digest, the stable tags that left an image, each with when."""
        found: dict[str, dict[str, datetime]] = {}
        for item in self._table.query(partition_of(repository), "left#"):
            digest, _, tag = item.sk.removeprefix("left#").partition("#")
            found.setdefault(digest, {})[tag] = parse_time(item.body)
        return found

    def forget_left(self, repository: str, gone: Mapping[str, Iterable[str]]) -> None:
        """Forget which stable tags left images that are gone."""
        pk = partition_of(repository)
        deletes = [Delete(pk, f"left#{each}#{tag}") for each, tags in gone.items() for tag in tags]
        write_in_order(self._table, [[each] for each in deletes])

    def announce(
        self,
        repository: str,
        facts: Sequence[Fact],
        taken: Sequence[Taken] = (),
        holds: Mapping[str, Hold] | None = None,
    ) -> None:
        """Announce changes before ECR is changed; they stay open until `close`.

        With them it is noted which stable tags somebody else took, and that those with one of
        `holds` are held for it: what is seen again because the function was killed is counted once.
        """
        pk = partition_of(repository)
        groups = [_noting(repository, each, (holds or {}).get(each.mark.tag)) for each in taken]
        groups += [self._open.write(pk, facts)] if facts else []
        if len(groups) == 1 and len(groups[0]) == 1 and isinstance(put := groups[0][0], Put):
            self._table.put_all([put.item])
        else:
            write_in_order(self._table, groups)

    def close(
        self,
        repository: str,
        done: Sequence[Fact],
        left: Sequence[Fact] = (),
        led: Led | None = None,
        news: News | None = None,
        learned: Learned | None = None,
    ) -> Led:
        """Turn announced changes into facts; `left` stay open. Facts closed before stay one.

        `led` is what was recalled of their causes; what was not is read. Returns what is known of
        causes from now on. The `news` and what was `learned` are noted with them, in one
        transaction where they fit.
        """
        pk, done = partition_of(repository), distinct(done)
        led = self._led.after(pk, done, led or {})
        closed: list[Write] = [*self._led.writes(pk, done, led), *self._open.write(pk, left)]
        facts: list[list[Write]] = [[Put(fact_item(fact))] for fact in done]
        write_in_order(self._table, [*facts, closed, *self._noted(repository, learned, news)])
        return led

    def note(
        self, repository: str, learned: Learned | None = None, news: News | None = None
    ) -> None:
        """Note what was learned, and the news, in an order in which nothing is forgotten before it
        was told."""
        write_in_order(self._table, self._noted(repository, learned, news))

    def _noted(
        self, repository: str, learned: Learned | None, news: News | None
    ) -> list[list[Write]]:
        told = self.findings.writes(news or News())
        return [*told, *([each] for each in _learning(repository, learned or Learned()))]

    def record(self, fact: Fact) -> None:
        """Record what a person did with a command."""
        self._table.transact([Put(fact_item(fact))])

    def saw_settings(self, repository: str) -> bool:
        """Whether the writer of settings ever looked at the repository."""
        key = (partition_of(repository), "settings")
        return key in self._table.get([key])

    def remember_pull_through(self, prefixes: Sequence[str]) -> None:
        """Keep the prefixes of pull-through-cache repositories for the writers."""
        held = self._table.get([PULL_THROUGH]).get(PULL_THROUGH)
        if held is None or held.body != list(prefixes):
            self._table.put_all([Item(*PULL_THROUGH, body=list(prefixes))])

    def facts(self, repository: str) -> Iterator[Fact]:
        """The past of a repository, oldest first."""
        pk = partition_of(repository)
        items = [*self._table.query(pk, "fact#"), *self._table.query(pk, "quiet#")]
        return iter(sorted(map(fact_of, items), key=lambda fact: parse_time(fact.time)))

    def past(
        self,
        repository: str,
        since: datetime | None = None,
        until: datetime | None = None,
        tag: str | None = None,
        *,
        oldest_first: bool = False,
    ) -> Iterator[Fact]:
        """The past of a repository from `since` to `until`, newest first; read as it is asked for.

        With `tag` that of one tag, whatever else there is of the repository.

        Times in keys have milliseconds only where there are any, so that within one second the
        order of keys is not that of time.
        """
        pk = partition_of(repository)
        read = self._table.forwards if oldest_first else self._table.backwards
        ranges = [read(pk, *_range(each, since, until), tag) for each in ("fact", "quiet")]
        items = heapq.merge(*ranges, key=_second, reverse=not oldest_first)
        for _, group in itertools.groupby(items, key=_second):
            facts = sorted(map(fact_of, group), key=_order)
            ordered = facts if oldest_first else reversed(facts)
            yield from (fact for fact in ordered if _within(fact, since, until))

    def stable_tags(self, repository: str) -> set[str]:
        """The stable tags of which it is kept where they are, or what leads their lines."""
        pk = partition_of(repository)
        items = (i for prefix in ("mark#", "place#") for i in self._table.query(pk, prefix))
        return {item.sk.partition("#")[2] for item in items}


def _range(prefix: str, since: datetime | None, until: datetime | None) -> tuple[str, str]:
    """The first and last key that facts of this time can have; whole seconds begin them."""
    first = "" if since is None else iso(since)[:_SECOND]
    last = "~" if until is None else f"{iso(until)[:_SECOND]}~"
    return f"{prefix}#{first}", f"{prefix}#{last}"


def _second(item: Item) -> str:
    return item.sk.partition("#")[2][:_SECOND]


def _order(fact: Fact) -> tuple[datetime, bool]:
    """By time; what was found comes before what was done about it."""
    return parse_time(fact.time), fact.kind is not FactKind.OVERWRITE


def _within(fact: Fact, since: datetime | None, until: datetime | None) -> bool:
    time = parse_time(fact.time)
    return (since is None or since <= time) and (until is None or time <= until)


def _noting(repository: str, taken: Taken, hold: Hold | None) -> list[Write]:
    """The writes that note that somebody else took a stable tag, and what is done about it, with
    the mark that says that the tag is elsewhere."""
    mark = taken.mark
    key = (partition_of(repository), f"taken#{mark.tag}")
    away = Put(_marked(repository, replace(mark, placed=False)))
    if hold is not None:
        return [away, Delete(*key), *holding(repository, hold)]
    times = list(map(iso, taken.times))
    return [away, Put(Item(*key, body=times, expires=expiry(taken.times[-1], _TAKEN_KEPT)))]


def _learning(repository: str, learned: Learned) -> list[Write]:
    """The writes that keep what was learned."""
    pk, pushed, owners = partition_of(repository), learned.pushed, learned.known.items()
    left = [(digest, tag) for digest, tags in learned.left.items() for tag in tags]
    at = None if learned.at is None else iso(learned.at)
    return [
        *(Put(_marked(repository, mark)) for mark in learned.marks),
        *(Delete(pk, f"mark#{tag}") for tag in dict.fromkeys(learned.forgotten)),
        *(Put(_owning(pk, tag, digest, pushed.get(digest))) for tag, digest in owners),
        *(Put(Item(pk, f"unique#{tag}", {"freed": last})) for tag, last in learned.freed.items()),
        *(Put(Item(pk, f"place#{tag}", digest)) for tag, digest in learned.places.items()),
        *(Put(Item(pk, f"left#{digest}#{tag}", at)) for digest, tag in left if at is not None),
        *(Put(_gone(pk, digest, when)) for digest, when in learned.deleted.items()),
    ]


def _mark(item: Item) -> Mark:
    tag, body = item.sk.removeprefix("mark#"), item.body
    return Mark(tag, body["unique"], body["digest"], body.get("placed", False))


def _marked(repository: str, mark: Mark) -> Item:
    body = {"unique": mark.unique, "digest": mark.digest, "placed": mark.placed}
    return Item(partition_of(repository), f"mark#{mark.tag}", body)


def _owning(pk: str, tag: str, digest: str, pushed: datetime | None) -> Item:
    when = {} if pushed is None else {"pushed": iso(pushed)}
    return Item(pk, f"unique#{tag}", {"digest": digest, **when})


def _gone(pk: str, digest: str, when: datetime) -> Item:
    return Item(pk, f"deleted#{digest}", iso(when), expiry(when, _DELETED_KEPT))


def _memory(single: Mapping[Key, Item], items: Iterable[Item]) -> Memory:
    """What stands in `items`, each by the tag in its key; `single` has what no tag has."""
    kept: dict[str, dict[str, Item]] = {
        name: {} for name in ("mark", "hold", "taken", "unique", "place")
    }
    for item in items:
        what, _, tag = item.sk.partition("#")
        if what in kept:
            kept[what][tag] = item
    owners = {tag: item.body for tag, item in kept["unique"].items()}
    return Memory(
        marks={tag: _mark(item) for tag, item in kept["mark"].items()},
        known={tag: each["digest"] for tag, each in owners.items() if "digest" in each},
        pushed={
            tag: parse_time(each["pushed"]) for tag, each in owners.items() if "pushed" in each
        },
        holds={tag: hold_in(item) for tag, item in kept["hold"].items()},
        taken={tag: tuple(map(parse_time, item.body)) for tag, item in kept["taken"].items()},
        pull_through=pull_through_in(single),
        freed={tag: each["freed"] for tag, each in owners.items() if "freed" in each},
        places={tag: item.body for tag, item in kept["place"].items()},
    )
