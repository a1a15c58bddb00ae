"""What is on its way to people: who was told what, and what is still owed to which channel.

It stands in the history's table:

| pk | sk | what |
|---|---|---|
| `told#CAUSE` | `arrived#ID` | a fact that has reached the notifier |
| `told#CAUSE` | `told#CHANNEL#ID` | the channel has the fact, or the window of one of its digests |
| `told#CAUSE` | `due#CHANNEL#ID` | the fact is owed to the channel, and a retry is under way |
| `told#CAUSE` | `payload#CHANNEL#ID` | a payload was sent, where several tell the facts |
| `told#CAUSE` | `refused#CHANNEL` | that the channel refused them was said |
| `told#CAUSE` | `told#ID` | each channel of the fact has it, or is owed it |
| `told#CAUSE` | `claim#N` | who is telling |
| `digest#CHANNEL#WINDOW` | `timer`, `held#ID`, `claim#N`, `sent` | what is gathered for a digest |
| `channel#CHANNEL` | `minute#TIME` | how many messages it was to get |
| `channel#CHANNEL` | `rest` | until when it asked for a pause |
| `channel#CHANNEL` | `fault` | that it is down was said, and it has not worked since |
| `channel#CHANNEL` | `waits#CAUSE`, `waits#WINDOW` | since when a story or a digest waits for it |
| `channel#CHANNEL` | `fact#TIME#ID` | that fact, which the table's stream tells like every other |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ecr_steward.history.facts import body_of, fact_of, portions
from ecr_steward.history.table import (
    TRANSACTION,
    Add,
    Conflict,
    Delete,
    Item,
    Put,
    Table,
    Write,
    expiry,
)
from ecr_steward.words.facts import Fact
from ecr_steward.words.reading import iso, parse_time

LEASE = timedelta(seconds=100)
"""How long one notifier has a story or a digest to itself; longer than the function may run."""

STORM = timedelta(minutes=5)
"""How long what a channel gets too much of is gathered."""

_KEPT = timedelta(days=30)
_COUNTED = timedelta(days=1)
_WAITING = timedelta(days=14)
"""How long the queues of retries and of failures keep a message."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The time in which facts are gathered for one digest of a channel.

    Windows of the same length follow each other without a gap; `storm` tells what is gathered
    because there is too much of it from what a route wants gathered.
    """

    channel: str
    every: timedelta
    end: datetime
    storm: bool = False

    @classmethod
    def at(cls, channel: str, every: timedelta, now: datetime, *, storm: bool = False) -> Window:
        """The window that `now` is in."""
        seconds = int(every.total_seconds())
        end = (int(now.timestamp()) // seconds + 1) * seconds
        return cls(channel, every, datetime.fromtimestamp(end, UTC), storm)

    @property
    def due(self) -> datetime:
        """When it can be summed up: whoever set out to add to it has ended by then."""
        return self.end + LEASE

    @property
    def key(self) -> str:
        kind = "storm" if self.storm else f"{int(self.every.total_seconds())}s"
        return f"digest#{self.channel}#{kind}#{iso(self.end)}"


@dataclass(frozen=True, slots=True)
class Story:
    """What one cause led to, as far as it has reached the notifier.

    Of `untold` it is not settled yet who has them, `told` counts the others. `told_on` are the ids
    of facts and `payloads` those of payloads that a channel has; `due` are the facts it is owed.
    `claims` is how often somebody set out to tell, `claimed` when last, or None if nobody is known
    to be at it.
    """

    cause: str
    untold: tuple[Fact, ...]
    told: int
    claims: int
    claimed: datetime | None
    told_on: Mapping[str, frozenset[str]] = field(default_factory=dict)
    payloads: Mapping[str, frozenset[str]] = field(default_factory=dict)
    due: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether as many facts have arrived as the cause led to."""
        return len(self.untold) + self.told >= max((fact.of for fact in self.untold), default=0)

    def untold_on(self, channel: str, facts: Iterable[Fact]) -> list[Fact]:
        """Those of `facts` that a channel does not have."""
        had = self.told_on.get(channel, frozenset())
        return [fact for fact in facts if fact.id not in had]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a window holds, whether its digest was sent, and who is at it, as in a Story."""

    facts: tuple[Fact, ...]
    sent: bool
    claims: int
    claimed: datetime | None


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How a channel stands: `rest` is until when it wants no message, `before` how many it was to
    get in the minute before this one, `storm` whether its messages are being gathered."""

    rest: datetime | None
    faulty: bool
    before: int
    storm: bool


class Ledger:
    """The notifier's notes, over the history's table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # ------------------------------------------------------------------ stories

    def arrive(self, facts: Iterable[Fact], time: datetime) -> None:
        """Note that these facts have reached the notifier; those told before stay told."""
        arrived = {fact.id: fact for fact in facts}
        self._table.put_all(
            Item(_told(fact.cause.id), f"arrived#{id_}", body_of(fact), expiry(time, _KEPT))
            for id_, fact in arrived.items()
        )

    def story(self, cause: str) -> Story:
        """What a cause led to, as far as it has arrived."""
        items = {item.sk: item for item in self._table.query(_told(cause))}
        arrived = {id_: fact_of(items[f"arrived#{id_}"]) for id_ in _ids(items, "arrived#")}
        settled = set(_ids(items, "told#"))
        told_on = _by_channel(items, "told#")
        due = {
            channel: tuple(
                fact for id_, fact in arrived.items() if id_ in owed - told_on.get(channel, set())
            )
            for channel, owed in _by_channel(items, "due#").items()
        }
        claims, claimed = _claims(items)
        return Story(
            cause=cause,
            untold=tuple(fact for id_, fact in arrived.items() if id_ not in settled),
            told=len(settled),
            claims=claims,
            claimed=claimed,
            told_on={channel: frozenset(ids) for channel, ids in told_on.items()},
            payloads={name: frozenset(ids) for name, ids in _by_channel(items, "payload#").items()},
            due={channel: facts for channel, facts in due.items() if facts},
        )

    def claim(self, story: Story, time: datetime) -> bool:
        """Set out to tell a story as it was read; False if somebody else is at it, or was since."""
        return self._claim(_told(story.cause), story, time)

    def release(self, story: Story, time: datetime) -> None:
        """Give back the claim on a story."""
        self._table.put_all([_claim(_told(story.cause), story.claims, None, time)])

    def settle(self, story: Story, time: datetime) -> None:
        """Note that each channel has the untold facts of a story or is owed them, and give back the
        claim."""
        expires = expiry(time, _KEPT)
        pk = _told(story.cause)
        self._table.put_all(Item(pk, f"told#{fact.id}", expires=expires) for fact in story.untold)
        # Only now: who finds the claim given back must find the facts settled.
        self.release(story, time)

    def owe(self, cause: str, channel: str, facts: Iterable[Fact], time: datetime) -> None:
        """Note that a channel is owed these facts; a retry must follow."""
        self._note(cause, "due", channel, facts, time)
        self.waits(channel, cause, time)

    def pay(self, cause: str, channel: str, facts: Iterable[Fact], time: datetime) -> None:
        """Note that a channel has these facts."""
        self._note(cause, "told", channel, facts, time)

    def posted(self, cause: str, channel: str, payload: str, time: datetime) -> None:
        """Note that a channel has one of several payloads."""
        sk = f"payload#{channel}#{payload}"
        self._table.put_all([Item(_told(cause), sk, expires=expiry(time, _KEPT))])

    def _note(
        self, cause: str, what: str, channel: str, facts: Iterable[Fact], time: datetime
    ) -> None:
        expires = expiry(time, _KEPT)
        self._table.put_all(
            Item(_told(cause), f"{what}#{channel}#{fact.id}", expires=expires) for fact in facts
        )

    # ------------------------------------------------------------------ digests

    def has_timer(self, window: Window) -> bool:
        """Whether a retry is under way that will sum up a window."""
        key = (window.key, "timer")
        return key in self._table.get([key])

    def timed(self, window: Window, time: datetime) -> None:
        """Note that there is one."""
        self._table.put_all([Item(window.key, "timer", expires=expiry(window.end, _KEPT))])

    def hold(self, window: Window, cause: str, facts: Sequence[Fact], time: datetime) -> None:
        """Add facts to a window, and note that its channel has them: each fact both or neither."""
        expires = expiry(window.end, _KEPT)
        for portion in portions(facts, TRANSACTION // 2):
            writes: list[Write] = []
            for fact in portion:
                told = Item(_told(cause), f"told#{window.channel}#{fact.id}", expires=expires)
                held = Item(window.key, f"held#{fact.id}", body_of(fact), expires)
                writes += [Put(held), Put(told)]
            self._table.transact(writes)

    def gathered(self, window: Window) -> Gathered:
        """What a window holds."""
        items = {item.sk: item for item in self._table.query(window.key)}
        claims, claimed = _claims(items)
        return Gathered(
            facts=tuple(fact_of(items[f"held#{id_}"]) for id_ in _ids(items, "held#")),
            sent="sent" in items,
            claims=claims,
            claimed=claimed,
        )

    def claim_window(self, window: Window, read: Gathered, time: datetime) -> bool:
        """Set out to sum up a window as it was read; False as for `claim`."""
        return self._claim(window.key, read, time)

    def release_window(self, window: Window, read: Gathered, time: datetime) -> None:
        """Give back the claim on a window."""
        self._table.put_all([_claim(window.key, read.claims, None, time)])

    def close(self, window: Window, time: datetime) -> None:
        """Note that the channel has the digest of a window."""
        self._table.put_all([Item(window.key, "sent", expires=expiry(time, _KEPT))])

    # ------------------------------------------------------------------ channels

    def state(self, channel: str, now: datetime) -> ChannelState:
        """How a channel stands: one read."""
        pk = _channel(channel)
        before = _minute(now - _MINUTE)
        storm = Window.at(channel, STORM, now, storm=True)
        found = self._table.get([(pk, "rest"), (pk, "fault"), (pk, before), (storm.key, "timer")])
        rest = found.get((pk, "rest"))
        counted = found.get((pk, before))
        return ChannelState(
            rest=None if rest is None else parse_time(rest.body),
            faulty=(pk, "fault") in found,
            before=0 if counted is None else counted.counters.get("messages", 0),
            storm=(storm.key, "timer") in found,
        )

    def waits(self, channel: str, what: str, since: datetime) -> None:
        """Note that a story or a digest waits for a channel, which did not take it."""
        expires = expiry(since, _WAITING)
        self._table.put_all([Item(_channel(channel), f"waits#{what}", iso(since), expires)])

    def reached(self, channel: str, what: str) -> None:
        """Note that it waits no more."""
        self._table.transact([Delete(_channel(channel), f"waits#{what}")])

    def waiting(self, channel: str, now: datetime) -> list[datetime]:
        """Since when stories and digests wait for a channel that did not take them, the first one
        first; as long as queues keep them."""
        items = self._table.query(_channel(channel), "waits#")
        found = sorted(parse_time(item.body) for item in items)
        return [since for since in found if now - since < _WAITING]

    def count(self, channel: str, now: datetime) -> int:
        """Count one more message for a channel; returns how many there are in this minute."""
        one = Add(_channel(channel), _minute(now), {"messages": 1})
        return self._table.count(one, expiry(now, _COUNTED))["messages"]

    def rest(self, channel: str, until: datetime) -> None:
        """Note that a channel asked for a pause until then."""
        expires = expiry(until, _COUNTED)
        self._table.put_all([Item(_channel(channel), "rest", iso(until), expires)])

    def refuse(self, channel: str, cause: str, fact: Fact, time: datetime) -> bool:
        """Record the fact that a channel is down; False if that was said since it last worked, or
        of the same cause."""
        expires = expiry(time, _KEPT)
        pk = _channel(channel)
        try:
            self._table.transact(
                [
                    Put(Item(pk, "fault", fact.reason, expires), absent=True),
                    # A message that no channel would take must not be news at each of its tries.
                    Put(Item(_told(cause), f"refused#{channel}", expires=expires), absent=True),
                    Put(Item(pk, f"fact#{fact.time}#{fact.id}", body_of(fact))),
                ]
            )
        except Conflict:
            return False
        return True

    def works(self, channel: str) -> None:
        """Note that a channel that was down works again."""
        self._table.transact([Delete(_channel(channel), "fault")])

    def _claim(self, pk: str, read: Story | Gathered, time: datetime) -> bool:
        if read.claimed is not None and time < read.claimed + LEASE:
            return False
        try:
            self._table.transact([Put(_claim(pk, read.claims, iso(time), time), absent=True)])
        except Conflict:
            return False
        return True


def _told(cause: str) -> str:
    return f"told#{cause}"


def _channel(name: str) -> str:
    return f"channel#{name}"


def _minute(now: datetime) -> str:
    return f"minute#{now.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def _claim(pk: str, claims: int, since: str | None, time: datetime) -> Item:
    return Item(pk, f"claim#{claims}", since, expiry(time, _KEPT))


def _claims(items: Mapping[str, Item]) -> tuple[int, datetime | None]:
    """How often something was claimed, and when last by whom it was not given back."""
    claims = [item for sk, item in items.items() if sk.startswith("claim#")]
    return len(claims), max((parse_time(each.body) for each in claims if each.body), default=None)


def _ids(items: Iterable[str], prefix: str) -> list[str]:
    """What follows `prefix` in the keys that have one thing after it."""
    rests = (sk.removeprefix(prefix) for sk in items if sk.startswith(prefix))
    return [rest for rest in rests if "#" not in rest]


def _by_channel(items: Iterable[str], prefix: str) -> dict[str, set[str]]:
    """What follows `prefix` and a channel in the keys that have both."""
    found: dict[str, set[str]] = {}
    for sk in items:
        channel, sharp, id_ = sk.removeprefix(prefix).partition("#")
        if sk.startswith(prefix) and sharp:
            found.setdefault(channel, set()).add(id_)
    return found
