"""History: what was where, when and why.

One table holds it all; an item's `pk` says whose it is and its `sk` what:

| pk | sk | body |
|---|---|---|
| `repo#NAME` | `mark#TAG` | the mark of a stable tag |
| `repo#NAME` | `unique#TAG` | the image a unique tag was accepted on, or the last of a free one |
| `repo#NAME` | `hold#TAG` | the word that a stable tag stays where it is |
| `repo#NAME` | `taken#TAG` | when somebody else took a stable tag from where it belongs |
| `repo#NAME` | `open`, `open#HASH` | the changes announced and not yet closed |
| `repo#NAME` | `led#CAUSE` | how often a cause led to which change, by the change's first id |
| `repo#NAME` | `fact#TIME#ID` | a fact; the table's stream tells every new one, once |
| `repo#NAME` | `quiet#TIME#ID` | a fact of the first sight: kept, and told only in the summary |
| `repo#NAME` | `said#HASH` | a finding that was told already |
| `repo#NAME` | `seen` | the first sweep of the repository |
| `repo#NAME` | `settings`, `settings-open` | its settings: see `settings_history` |
| `sweep#ID` | `size`, `total`, `slice#N`, `visit#PART`, `completed`, `fact#…` | one sweep |
| `told#…`, `digest#…`, `channel#…` | | what is on its way to people: ledger.py |
| `registry` | `pull-through` | the prefixes of pull-through-cache repositories |
| `holds` | `NAME:TAG` | every hold once more, to find them all |
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ecr_steward.history.facts import _REGISTRY, _fact, _fact_in, _repo, body_of, fact_of, portions
from ecr_steward.history.table import (
    TRANSACTION,
    Add,
    Conflict,
    Delete,
    Item,
    Key,
    Put,
    Table,
    Write,
    encode,
    expiry,
)
from ecr_steward.tags.state import Mark
from ecr_steward.words.facts import Fact, Kind
from ecr_steward.words.reading import iso, parse_time

Led = Mapping[str, Mapping[str, int]]
"""By cause, how often it led to which change: the first ids of facts, cut to `LED_KEY` digits."""

LED_KEY = 16

_SWEEP_KEPT = timedelta(days=30)
_LED_KEPT = timedelta(days=30)
_TAKEN_KEPT = timedelta(days=1)
_HOLD_KEPT = timedelta(days=1)
_HOLDS = "holds"


@dataclass(frozen=True, slots=True)
class Hold:
    """A stable tag that stays where it is because somebody said so; without `until` for good.

    `automatic` is a hold that the steward made itself, where it would not go on moving the tag;
    `named` is then whether the reason names who took the tag away.
    """

    tag: str
    since: datetime
    until: datetime | None
    by: str
    reason: str = ""
    automatic: bool = False
    named: bool = False

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until

    def __str__(self) -> str:
        """Who holds the tag, since when, until when and why, for a reason."""
        end = "until it is released" if self.until is None else f"until {iso(self.until)}"
        why = f": {self.reason}" if self.reason else ""
        return f"by {self.by} since {iso(self.since)}, {end}{why}"


@dataclass(frozen=True, slots=True)
class Memory:
    """What history knows that bears on one batch.

    `known` has the digests that unique tags were accepted on, `pushed` by tag when their images had
    been pushed then, `freed` the last digests of unique tags that were deleted. `led` has an entry
    for each cause asked for.
    """

    marks: Mapping[str, Mark] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    pushed: Mapping[str, datetime] = field(default_factory=dict)
    holds: Mapping[str, Hold] = field(default_factory=dict)
    open: tuple[Fact, ...] = ()
    pull_through: tuple[str, ...] = ()
    first_sight: bool = False
    led: Led = field(default_factory=dict)
    freed: Mapping[str, str] = field(default_factory=dict)

    @property
    def contested(self) -> frozenset[str]:
        """The stable tags that the steward itself holds."""
        return frozenset(tag for tag, hold in self.holds.items() if hold.automatic)


class History:
    """What the steward writes down, over a table. Repositories have one writer at a time."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._open = Announced(table, "open")

    def recall(
        self,
        repository: str,
        stable: Iterable[str],
        unique: Iterable[str],
        causes: Iterable[str] = (),
    ) -> Memory:
        """What is known of these stable and unique tags and causes: one read of the table."""
        pk = _repo(repository)
        keys: list[Key] = [(pk, "open"), _REGISTRY]
        for tag in stable:
            keys += [(pk, f"mark#{tag}"), (pk, f"hold#{tag}")]
        keys += [(pk, f"unique#{tag}") for tag in unique]
        asked = _led_keys(pk, "led", causes)
        found = self._table.get([*keys, *asked.values()])
        return replace(_memory(found.values(), self._open.read(pk, found)), led=_led(found, asked))

    def recall_all(self, repository: str, causes: Iterable[str] = ()) -> Memory:
        """Everything known of a repository and these causes but its past."""
        pk = _repo(repository)
        kept = ("mark#", "hold#", "unique#")
        items = [item for prefix in kept for item in self._table.query(pk, prefix)]
        asked = _led_keys(pk, "led", causes)
        single = self._table.get([(pk, "open"), (pk, "seen"), _REGISTRY, *asked.values()])
        return replace(
            _memory([*items, *single.values()], self._open.read(pk, single)),
            first_sight=(pk, "seen") not in single,
            led=_led(single, asked),
        )

    def marked(self, repository: str, digest: str) -> tuple[str, ...]:
        """The stable tags whose mark is on `digest`."""
        marks = map(_mark, self._table.query(_repo(repository), "mark#"))
        return tuple(mark.tag for mark in marks if mark.digest == digest)

    def intend(self, repository: str, facts: Sequence[Fact]) -> None:
        """Announce changes before ECR is changed; they stay open until `close`."""
        first, *rest = self._open.write(_repo(repository), facts)
        if rest or not isinstance(first, Put):
            self._table.transact([first, *rest])
        else:
            self._table.put_all([first.item])

    def close(
        self,
        repository: str,
        done: Sequence[Fact],
        left: Sequence[Fact] = (),
        led: Led | None = None,
    ) -> Led:
        """Turn announced changes into facts; `left` stay open. Facts closed before stay one.

        `led` is what was recalled of their causes; what was not is read. Returns what is known of
        causes from now on.
        """
        pk, done = _repo(repository), _distinct(done)
        led = _led_after(self._table, pk, "led", done, led or {})
        last = [*_leading(pk, "led", done, led), *self._open.write(pk, left)]
        record(self._table, done, last)
        return led

    def unsaid(self, findings: Sequence[Fact]) -> list[Fact]:
        """Those of `findings` that were never told under these rules."""
        if not findings:
            return []
        keys = {_said(fact): fact for fact in findings}
        told = self._table.get(list(keys))
        return [fact for key, fact in keys.items() if key not in told]

    def say(self, findings: Sequence[Fact], *, quietly: bool = False) -> list[Fact]:
        """Record findings that were never told under these rules; returns those that are new.

        With `quietly` they are kept in history and not told one by one.
        """
        new = self.unsaid(findings)
        for portion in portions(new, TRANSACTION // 2):
            said = [Put(Item(*_said(fact), body=fact.id)) for fact in portion]
            self._table.transact([*said, *(Put(_fact(fact, quietly=quietly)) for fact in portion)])
        return new

    def record(self, fact: Fact) -> None:
        """Record what a person did with a command."""
        self._table.transact([Put(_fact(fact))])

    def remember(
        self,
        repository: str,
        marks: Iterable[Mark] = (),
        forgotten: Iterable[str] = (),
        known: Mapping[str, str] | None = None,
        pushed: Mapping[str, datetime] | None = None,
        freed: Mapping[str, str] | None = None,
    ) -> None:
        """Keep marks and the digests of unique tags, with when these were pushed as far as `pushed`
        has them; drop the marks of `forgotten` tags. `freed` unique tags belong to no image, and
        what they were on last is kept."""
        pk = _repo(repository)
        items = [_marked(repository, mark) for mark in marks]
        items += [
            _owning(pk, tag, digest, (pushed or {}).get(digest))
            for tag, digest in (known or {}).items()
        ]
        items += [
            Item(pk, f"unique#{tag}", {"freed": digest}) for tag, digest in (freed or {}).items()
        ]
        self._table.put_all(items)
        gone: list[Write] = [Delete(pk, f"mark#{tag}") for tag in dict.fromkeys(forgotten)]
        for start in range(0, len(gone), TRANSACTION):
            self._table.transact(gone[start : start + TRANSACTION])

    def hold(self, repository: str, hold: Hold) -> None:
        """Keep a stable tag where it is from now on."""
        self._table.transact(_holding(repository, hold))

    def release(self, repository: str, tag: str) -> None:
        """End a hold; nothing happens if there is none."""
        self._table.transact(
            [
                Delete(_repo(repository), f"hold#{tag}"),
                Delete(_HOLDS, f"{repository}:{tag}"),
            ]
        )

    def holds(self, repository: str | None = None) -> list[tuple[str, Hold]]:
        """Every hold with its repository, of one repository or of all, ended ones too."""
        prefix = "" if repository is None else f"{repository}:"
        items = self._table.query(_HOLDS, prefix)
        return [(item.sk.rpartition(":")[0], _held(item)) for item in items]

    def taken(self, repository: str, tags: Iterable[str]) -> dict[str, tuple[datetime, ...]]:
        """When somebody else took each of these stable tags from where it belongs."""
        keys = [(_repo(repository), f"taken#{tag}") for tag in tags]
        return {
            item.sk.removeprefix("taken#"): tuple(map(parse_time, item.body))
            for item in self._table.get(keys).values()
        }

    def note_taken(
        self, repository: str, mark: Mark, times: Iterable[datetime], hold: Hold | None = None
    ) -> None:
        """Note that somebody else took a stable tag, at the last of `times`, and what is done.

        All at once, with the mark that says that the tag is elsewhere: what is seen again because
        the function was killed is counted once.
        """
        when = list(times)
        key = (_repo(repository), f"taken#{mark.tag}")
        writes: list[Write] = [Put(_marked(repository, replace(mark, placed=False)))]
        if hold is None:
            body = list(map(iso, when))
            writes.append(Put(Item(*key, body=body, expires=expiry(when[-1], _TAKEN_KEPT))))
        else:
            writes += [Delete(*key), *_holding(repository, hold)]
        self._table.transact(writes)

    def remember_seen(self, repository: str, time: datetime) -> None:
        """Note that a sweep has been through the repository."""
        self._table.put_all([Item(_repo(repository), "seen", iso(time))])

    def saw_settings(self, repository: str) -> bool:
        """Whether the writer of settings ever looked at the repository."""
        key = (_repo(repository), "settings")
        return key in self._table.get([key])

    def remember_pull_through(self, prefixes: Sequence[str]) -> None:
        """Keep the prefixes of pull-through-cache repositories for the writers."""
        held = self._table.get([_REGISTRY]).get(_REGISTRY)
        if held is None or held.body != list(prefixes):
            self._table.put_all([Item(*_REGISTRY, body=list(prefixes))])

    def facts(self, repository: str) -> Iterator[Fact]:
        """The past of a repository, oldest first."""
        pk = _repo(repository)
        items = [*self._table.query(pk, "fact#"), *self._table.query(pk, "quiet#")]
        return iter(sorted(map(fact_of, items), key=lambda fact: parse_time(fact.time)))

    def expect(self, sweep: str, part: int, repositories: int, of: int, time: datetime) -> None:
        """Note that part `part` (of `of`) of a sweep sends this many repositories; once a part."""
        pk = f"sweep#{sweep}"
        mark = Item(pk, f"slice#{part}", expires=expiry(time, _SWEEP_KEPT))
        counters = {"parts": 1, "expected": repositories}
        size = Put(Item(pk, "size", of, expires=expiry(time, _SWEEP_KEPT)))
        try:
            self._table.transact([Put(mark, absent=True), size, Add(pk, "total", counters)])
        except Conflict:
            return

    def swept(self, sweep: str, part: str, totals: Mapping[str, int], time: datetime) -> None:
        """Count up the totals of a sweep by what its visit `part` found; once each."""
        pk = f"sweep#{sweep}"
        mark = Item(pk, f"visit#{part}", expires=expiry(time, _SWEEP_KEPT))
        try:
            self._table.transact([Put(mark, absent=True), Add(pk, "total", totals)])
        except Conflict:
            return

    def totals(self, sweep: str) -> Mapping[str, int]:
        """The counters of a sweep: `parts` of `of`, `expected`, `repositories`, what was found.

        Empty for a sweep that never began.
        """
        pk = f"sweep#{sweep}"
        items = self._table.get([(pk, "total"), (pk, "size")])
        if len(items) < 2:
            return {}
        return {**items[pk, "total"].counters, "of": items[pk, "size"].body}

    def complete(self, sweep: str, fact: Fact) -> bool:
        """Record that a sweep is complete; False if that was recorded before."""
        pk = f"sweep#{sweep}"
        done = Item(pk, "completed", fact.time)
        told = Item(pk, f"fact#{fact.time}#{fact.id}", body_of(fact))
        try:
            self._table.transact([Put(done, absent=True), Put(told)])
        except Conflict:
            return False
        return True

    def completed(self, sweep: str) -> Fact | None:
        """What a sweep said when it was complete; None if it is not, or never began."""
        return next(map(fact_of, self._table.query(f"sweep#{sweep}", "fact#")), None)


def numbered(fact: Fact, led: Led) -> Fact:
    """The fact with its number, where its cause led to the same change before."""
    again = led.get(fact.cause.id, {}).get(fact.first_id[:LED_KEY], 0)
    return replace(fact, again=again) if again else fact


def _led_keys(pk: str, what: str, causes: Iterable[str]) -> dict[str, Key]:
    return {cause: (pk, f"{what}#{cause}") for cause in causes}


def _led_after(table: Table, pk: str, what: str, facts: Sequence[Fact], led: Led) -> Led:
    """`led` once these facts are on record too; what it lacks of their causes is read."""
    asked = _led_keys(pk, what, {fact.cause.id for fact in facts} - led.keys())
    if asked:
        led = {**led, **_led(table.get(list(asked.values())), asked)}
    known = {cause: dict(counts) for cause, counts in led.items()}
    for fact in facts:
        counts, change = known[fact.cause.id], fact.first_id[:LED_KEY]
        counts[change] = max(counts.get(change, 0), fact.again + 1)
    return known


def _led(items: Mapping[Key, Item], asked: Mapping[str, Key]) -> Led:
    return {cause: items[key].body if key in items else {} for cause, key in asked.items()}


def _leading(pk: str, what: str, facts: Iterable[Fact], led: Led) -> list[Write]:
    """The writes that keep what the causes of these facts led to."""
    times = {fact.cause.id: parse_time(fact.time) for fact in facts}
    return [
        Put(Item(pk, f"{what}#{cause}", led[cause], expires=expiry(time, _LED_KEPT)))
        for cause, time in times.items()
    ]


def _distinct(facts: Iterable[Fact]) -> list[Fact]:
    """Each fact once: a transaction that names a key twice is refused (DynamoDB API:
    TransactWriteItems), and whatever it was to close would stay open forever."""
    return list({(fact.time, fact.id): fact for fact in facts}.values())


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

    def read(self, pk: str, items: Mapping[Key, Item]) -> tuple[Fact, ...]:
        """The facts announced; `items` has the first item, if there is one."""
        first = items.get((pk, self._sk))
        bodies = [] if first is None else first.body
        self._more[pk] = more = [body["more"] for body in bodies if "more" in body]
        found = self._table.get([(pk, sk) for sk in more]) if more else {}
        # What somebody took out of the table by hand must not stop the repository's writer.
        further = [body for sk in more if (pk, sk) in found for body in found[pk, sk].body]
        return tuple(_fact_in(body) for body in (*bodies, *further) if "more" not in body)

    def write(self, pk: str, facts: Sequence[Fact]) -> list[Write]:
        """The writes that leave these facts announced and no others; that of the first item is the
        first."""
        if not facts:
            return [Delete(pk, self._sk), *self._without(pk, ())]
        first, *rest = portions(_distinct(facts), len(facts), _ITEM)
        more = [self._further(pk, portion) for portion in rest]
        if more:
            self._table.put_all(more)
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


def record(table: Table, facts: Iterable[Fact], last: Sequence[Write]) -> None:
    """Record announced facts, and with the rest of them what is written `last`.

    What one transaction has no room for goes before: after a crash the same are recorded again.
    """
    *earlier, rest = [*portions(_distinct(facts), TRANSACTION - len(last))] or [[]]
    for portion in earlier:
        table.transact([Put(_fact(fact)) for fact in portion])
    table.transact([*(Put(_fact(fact)) for fact in rest), *last])


def _said(fact: Fact) -> Key:
    # What has no tag is told apart by what led to it: two messages can fail in one repository.
    image = fact.digest or fact.before or ""
    about = fact.difference.key if fact.difference else fact.tag or fact.cause.id
    # Every hold tells anew what it misses; the reason says whose it is, and since when.
    hold = (fact.reason,) if fact.kind is Kind.HELD else ()
    subject = (fact.kind.value, about, image, fact.rules, *hold)
    digest = hashlib.sha256("\n".join(subject).encode()).hexdigest()
    return _repo(fact.repository), f"said#{digest}"


def _holding(repository: str, hold: Hold) -> list[Write]:
    until = None if hold.until is None else iso(hold.until)
    body = {
        "tag": hold.tag,
        "since": iso(hold.since),
        "until": until,
        "by": hold.by,
        "reason": hold.reason,
        "automatic": hold.automatic,
        "named": hold.named,
    }
    expires = None if hold.until is None else expiry(hold.until, _HOLD_KEPT)
    return [
        Put(Item(_repo(repository), f"hold#{hold.tag}", body, expires)),
        Put(Item(_HOLDS, f"{repository}:{hold.tag}", body, expires)),
    ]


def _held(item: Item) -> Hold:
    until = item.body["until"]
    return Hold(
        tag=item.body["tag"],
        since=parse_time(item.body["since"]),
        until=None if until is None else parse_time(until),
        by=item.body["by"],
        reason=item.body["reason"],
        automatic=item.body["automatic"],
        named=item.body.get("named", False),
    )


def _mark(item: Item) -> Mark:
    tag, body = item.sk.removeprefix("mark#"), item.body
    return Mark(tag, body["unique"], body["digest"], body.get("placed", False))


def _marked(repository: str, mark: Mark) -> Item:
    body = {"unique": mark.unique, "digest": mark.digest, "placed": mark.placed}
    return Item(_repo(repository), f"mark#{mark.tag}", body)


def _owning(pk: str, tag: str, digest: str, pushed: datetime | None) -> Item:
    when = {} if pushed is None else {"pushed": iso(pushed)}
    return Item(pk, f"unique#{tag}", {"digest": digest, **when})


def _memory(items: Iterable[Item], open_facts: tuple[Fact, ...]) -> Memory:
    marks: dict[str, Mark] = {}
    unique: dict[str, Mapping[str, str]] = {}
    holds: dict[str, Hold] = {}
    pull_through: tuple[str, ...] = ()
    for item in items:
        if item.sk.startswith("mark#"):
            mark = _mark(item)
            marks[mark.tag] = mark
        elif item.sk.startswith("hold#"):
            hold = _held(item)
            holds[hold.tag] = hold
        elif item.sk.startswith("unique#"):
            unique[item.sk.removeprefix("unique#")] = item.body
        elif item.sk == "pull-through":
            pull_through = tuple(item.body)
    return Memory(
        marks=marks,
        known={tag: each["digest"] for tag, each in unique.items() if "digest" in each},
        pushed={
            tag: parse_time(each["pushed"]) for tag, each in unique.items() if "pushed" in each
        },
        holds=holds,
        open=open_facts,
        pull_through=pull_through,
        freed={tag: each["freed"] for tag, each in unique.items() if "freed" in each},
    )
