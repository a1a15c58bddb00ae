"""Queues with SQS's redelivery, the notifier behind them, and the channels that are told."""

from __future__ import annotations

import functools
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ecr_steward.history.table import Add, Item
from ecr_steward.messages.channels.channel import Channel, Payload
from ecr_steward.messages.deliver import Deliverer, TimeLeft
from ecr_steward.messages.ledger import Ledger
from ecr_steward.messages.notify import Notifier
from ecr_steward.messages.retries import LONGEST_DELAY, Retry
from ecr_steward.messages.say.message import Message
from ecr_steward.messages.send.outcome import Delivered, Outcome
from ecr_steward.messages.whom.recipients import Recipients
from ecr_steward.messages.whom.routing import Routing
from ecr_steward.queues.later import LONGEST_WAIT
from ecr_steward.rules import Ruleset
from ecr_steward.words.causes import CHANNEL, Cause
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.reading import iso
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.facts import MOVED, letter, returned, sqs_record
from tests.support.world import Killed, Tripwire, WatchedTable

BEGINNING = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
VISIBILITY = timedelta(seconds=660)
"""When a message comes back that nobody acknowledged: longer than the notifier may run."""

MAX_RECEIVES = {"events": 15, "retries": 15}
"""As template.yaml has them."""

URL = "ssm:/ecr-steward/url"


def ruleset(*channels: str, **more: Any) -> Ruleset:
    """Rules with Slack channels of these names beside `email`; every event goes to all of them at
    once, or to `email` where there are none."""
    document: dict[str, Any] = {
        "version": 1,
        "channels": {name: {"type": "slack", "url": URL} for name in channels},
        "notify": [{"on": ["*"], "to": list(channels) or ["email"]}],
        "rules": [{"repositories": ["*"]}],
    }
    return Ruleset.from_document(document | more)


def routing(*channels: str, **more: Any) -> Routing:
    return Routing(ruleset(*channels, **more))


class SteppedTable(WatchedTable):
    """Can be killed between any two items of a batch too."""

    def put_all(self, items: Iterable[Item]) -> None:
        for each in list(items):
            # DynamoDB gives no order and no atomicity here: killed anywhere in between.
            self._wire.step()
            MemoryTable.put_all(self, [each])
        self._wire.step()

    def count(self, add: Add, expires: int) -> Mapping[str, int]:
        self._wire.step()
        counted = super().count(add, expires)
        self._wire.step()
        return counted


@dataclass
class Queued:
    """A message in a queue: how often it was received, and when it can be again."""

    content: Fact | str
    id: str
    queue: str
    receives: int
    visible: datetime

    def record(self) -> dict[str, Any]:
        if isinstance(self.content, Fact):
            return letter(self.content, self.id, self.receives)
        return sqs_record(self.content, self.id, self.receives)


@dataclass(frozen=True)
class Told:
    """A payload that a channel took: when, and at which step of the notifier."""

    channel: str
    facts: tuple[Fact, ...]
    payload: Payload
    summary: bool
    at: datetime
    step: int


@dataclass(frozen=True)
class Recording(Routing):
    """Notes of each payload which message it tells."""

    written: dict[str, Message]

    @functools.cached_property
    def channels(self) -> Mapping[str, Channel]:
        return {name: self._recorded(channel) for name, channel in super().channels.items()}

    def _recorded(self, channel: Channel) -> Channel:
        def render(message: Message) -> tuple[Payload, ...]:
            payloads = channel.render(message)
            self.written.update({each.id: message for each in payloads})
            return payloads

        return replace(channel, type=replace(channel.type, forms={channel.form: render}))


Answers = Callable[[str, datetime], Outcome]


@dataclass
class Post:
    """`answer` is what a channel says to an attempt, `most` how many messages it may get."""

    rules: Ruleset = field(default_factory=ruleset)
    answer: Answers = lambda channel, now: Delivered("ok")
    most: int = 10
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = BEGINNING
        self.wire = Tripwire()
        self.table = SteppedTable(self.wire)
        self.ledger = Ledger(self.table)
        self.queue: dict[str, Queued] = {}
        self.failed: list[Queued] = []
        self.attempts: Counter[str] = Counter()
        self.told: list[Told] = []
        self.may_send: Callable[[], bool] = lambda: True
        self.may_note: Callable[[], bool] = lambda: True
        self._ids = itertools.count()
        self._written: dict[str, Message] = {}
        self._routing = Recording(self.rules, self._written)
        self._published = 0
        self.notifier = Notifier(
            deliverer=Deliverer(
                ledger=self.ledger,
                send=self._send,
                retries=self,
                down=self._down,
                clock=lambda: self.now,
                pause=self._pause,
                most=self.most,
            ),
            recipients=Recipients(lambda: self.routing, self.tags_of),
            events=self,
        )

    # ------------------------------------------------------------------ queues

    def post(self, facts: Iterable[Fact]) -> list[str]:
        return [self._put(fact, "events", self.now) for fact in facts]

    def deliver(self, ids: Iterable[str]) -> list[str]:
        """One invocation with these messages; those that it does not return are gone."""
        messages = [self.queue[each] for each in ids]
        for each in messages:
            each.receives += 1
            each.visible = self.now + VISIBILITY
        try:
            answer = self.notifier.notify(
                [each.record() for each in messages], TimeLeft(self.may_send, self.may_note)
            )
        except Killed:
            self.wire.steps, self.wire.at = 0, None
            return [each.id for each in messages]
        back = returned(answer)
        for each in messages:
            if each.id not in back:
                del self.queue[each.id]
        return back

    def drain(self, limit: int = 300, until: datetime | None = None) -> None:
        """Deliver whatever is visible, time and again, until the queues are empty."""
        for _ in range(limit):
            self._publish()
            if not self.queue:
                return
            soonest = min(each.visible for each in self.queue.values())
            if until is not None and soonest > until:
                return
            self.now = max(self.now, soonest)
            self._give_up()
            ready = [each for each in self.queue.values() if each.visible <= self.now]
            for name in ("events", "retries"):
                self.deliver([each.id for each in ready if each.queue == name])
            self.now += timedelta(seconds=1)
        raise AssertionError(f"The queues are not empty after {limit} rounds.")

    def redrive(self) -> None:
        """Put what failed back where it came from (SQS API: StartMessageMoveTask)."""
        for each in self.failed:
            each.receives, each.visible = 0, self.now
            self.queue[each.id] = each
        self.failed = []

    def _publish(self) -> None:
        """What history tells anew comes round as an event."""
        new, self._published = self.table.told[self._published :], len(self.table.told)
        self.post(new)

    def _give_up(self) -> None:
        for each in list(self.queue.values()):
            if each.receives >= MAX_RECEIVES[each.queue] and each.visible <= self.now:
                self.failed.append(self.queue.pop(each.id))

    def _put(self, content: Fact | str, queue: str, visible: datetime) -> str:
        id_ = f"message-{next(self._ids)}"
        self.queue[id_] = Queued(content, id_, queue, 0, visible)
        return id_

    def send(self, retry: Retry, seconds: int) -> None:
        self.wire.step()
        delay = timedelta(seconds=min(seconds, LONGEST_DELAY))
        self._put(retry.to_message(), "retries", self.now + delay)
        self.wire.step()

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        self.wire.step()
        message = self.queue[receipt_handle.removeprefix("receipt-")]
        message.visible = self.now + timedelta(seconds=min(seconds, LONGEST_WAIT))

    def _pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    # ------------------------------------------------------------------ channels

    def tags_of(self, fact: Fact) -> Mapping[str, str]:
        return self.tags

    @property
    def routing(self) -> Routing:
        if self._routing.ruleset is not self.rules:
            self._routing = Recording(self.rules, self._written)
        return self._routing

    def _send(self, channel: Channel, payload: Payload) -> Outcome:
        self.wire.step()
        self.attempts[channel.name] += 1
        outcome = self.answer(channel.name, self.now)
        if isinstance(outcome, Delivered):
            said = self._written[payload.id]
            facts = said.facts
            # A webhook gets each fact by itself.
            facts = tuple(fact for fact in facts if fact.id == payload.id) or facts
            summary = said.every is not None
            told = Told(channel.name, facts, payload, summary, self.now, self.wire.steps)
            self.told.append(told)
        self.wire.step()
        return outcome

    def _down(self, channel: Channel, reason: str, time: datetime) -> Fact:
        return Fact(
            kind=FactKind.FAILED,
            cause=Cause(f"channel/{channel.name}/{iso(time)}", CHANNEL),
            account=MOVED.account,
            region=MOVED.region,
            repository="",
            mode="enforce",
            rule="",
            rules=self.rules.fingerprint,
            reason=reason,
            time=iso(time),
        )

    # ------------------------------------------------------------------ what came of it

    def on(self, channel: str) -> list[tuple[Fact, ...]]:
        """The messages that a channel got."""
        return [told.facts for told in self.told if told.channel == channel]

    def times_told(self, channel: str = "email") -> Counter[str]:
        return Counter(fact.id for facts in self.on(channel) for fact in facts)

    def waiting(self, queue: str) -> list[Queued]:
        return [each for each in self.queue.values() if each.queue == queue]

    def retries(self) -> list[Retry]:
        bodies = [each.content for each in self.waiting("retries")]
        return [Retry.from_document(json.loads(str(body))) for body in bodies]
