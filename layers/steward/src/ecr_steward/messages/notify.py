"""Steward events to people: what one push caused becomes one message on each of its channels."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from ecr_steward.messages import deliver
from ecr_steward.messages.channels.channel import Channel
from ecr_steward.messages.deliver import Deliverer, Invocation, MessageQueue, TimeLeft
from ecr_steward.messages.ledger import LEASE, Story, Window
from ecr_steward.messages.retries import Retry
from ecr_steward.words.facts import Fact
from ecr_steward.words.reading import MalformedEvent

if TYPE_CHECKING:
    from ecr_steward.messages.whom.recipients import Recipients
    from ecr_steward.messages.whom.routes import Delivery

log = logging.getLogger(__name__)

_MOMENT = timedelta(seconds=2)

PATIENCE = 4
"""How often an incomplete story is handed back, to wait for the rest of what one push caused."""

_AT_ONCE = 8
"""How many channels of one story are told at the same time."""

_OFTEN = 2 * PATIENCE
"""How often a letter may be received before it has no look to spare."""

Spread = Callable[
    [Callable[["Delivery"], timedelta | None], Sequence["Delivery"]], Iterable[timedelta | None]
]


About = Callable[[Iterable[str]], AbstractContextManager[object]]
"""What makes each line of the log name the causes that it is about, by their ids."""


def _unsaid(causes: Iterable[str]) -> AbstractContextManager[object]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class _Queued:
    """One queue message, without what it carries: an event, or a retry."""

    id: str
    receipt_handle: str
    receives: int
    is_retry: bool


@dataclass(frozen=True, slots=True)
class _Arrived:
    """The messages of a batch that tell of one cause, and what they say."""

    queued: list[_Queued]
    facts: list[Fact]

    @property
    def cause(self) -> str:
        return self.facts[0].cause.id


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done for the messages of one cause: a story, or a retry."""

    cause: str
    queued: list[_Queued]
    do: Callable[[], timedelta | None]

    @property
    def pause(self) -> timedelta:
        """How long the messages wait where it could not be done."""
        return deliver.backoff(max(each.receives for each in self.queued))

    def outcome(self) -> timedelta | None:
        """Do it; how long the messages wait if it is not done, else None."""
        try:
            return self.do()
        except Exception as error:  # one story must not cost another
            log.exception("A message could not be sent: %s", error)
            return self.pause


@dataclass(frozen=True)
class Notifier:
    """Tells stories and runs retries.

    `events` is the queue of steward events. `spread` does something for each of the deliveries of a
    story, at the same time or one after the other. `about` makes each line of the log name causes.
    """

    deliverer: Deliverer
    recipients: Recipients
    events: MessageQueue
    spread: Spread = map
    about: About = _unsaid

    def notify(
        self,
        records: Iterable[Mapping[str, Any]],
        time: TimeLeft | None = None,
    ) -> dict[str, list[dict[str, str]]]:
        """Tell the facts in a batch of queue messages, one message per cause and channel.

        Facts that were told before are left out. A story that is not complete waits in history:
        its messages are returned (`ReportBatchItemFailures`), whichever comes last tells it, and
        after a few rounds what there is of it is told. Only one notifier at a time tells a story.
        What a channel does not take becomes a retry, and so does what there is no time for, as
        `time` says: that is no try, and a retry with no time comes as a new one. Killed between
        sending and the note that it was sent, a message can be sent twice: losing it would be
        worse. Where there is no time even to note what is owed, the stories and retries after the
        first are returned, and come before all others next time.
        """
        invocation = Invocation(time or TimeLeft())
        stories, retries, returned = _sorted(records)
        work = [
            *(
                _Work(told.cause, told.queued, partial(self._gather, told, invocation))
                for told in stories
            ),
            *(
                _Work(retry.cause, [each], partial(self._run, each, retry, invocation))
                for each, retry in retries
            ),
        ]
        for i, each in enumerate(work):
            with self.about([each.cause]):
                has_time = not i or invocation.time.to_note()
                wait = each.outcome() if has_time else each.pause
                if wait is not None:
                    self._return(each.queued, wait, returned)
        return {"batchItemFailures": [{"itemIdentifier": each} for each in returned]}

    def _gather(self, told: _Arrived, invocation: Invocation) -> timedelta | None:
        """Tell one story; how long its messages wait if it is not told, else None."""
        ledger = self.deliverer.ledger
        ledger.arrive(told.facts, self.deliverer.clock())
        story = ledger.story(told.cause)
        if not story.untold:
            return None
        receives = _received(told)
        if receives <= PATIENCE and not story.complete:
            return timedelta(seconds=2 ** (receives - 1))
        now = self.deliverer.clock()
        if not ledger.claim(story, now):
            return _until_told(story.claimed or now, now, receives)
        try:
            self._tell(story, invocation)
            self.deliverer.insist(invocation, lambda: ledger.settle(story, self.deliverer.clock()))
        except Exception:
            self._give_back(story)
            raise
        return None

    def _tell(self, story: Story, invocation: Invocation) -> None:
        """Bring each channel its facts; what one does not take, a retry will bring."""
        ordered = sorted(story.untold, key=lambda fact: (fact.time, fact.kind, fact.tag or ""))
        deliveries = [
            replace(delivery, facts=tuple(left))
            for delivery in self.recipients.deliveries(ordered)
            if (left := story.untold_on(delivery.channel.name, delivery.facts))
        ]

        def hand_over(delivery: Delivery) -> timedelta | None:
            return self._hand_over(delivery, story, invocation)

        waits = list(self.spread(hand_over, deliveries))
        for delivery, wait in zip(deliveries, waits, strict=True):
            if wait is not None:
                self._owe(story.cause, delivery, wait or deliver.FIRST_WAIT)

    def _hand_over(
        self, delivery: Delivery, story: Story, invocation: Invocation
    ) -> timedelta | None:
        """How long the channel has to be waited for, or None."""
        try:
            return self._give(delivery, story, invocation)
        except Exception as error:  # one channel must not cost another
            log.exception("Nothing could be sent to %s: %s", delivery.channel.name, error)
            return deliver.FIRST_WAIT

    def _give(self, delivery: Delivery, story: Story, invocation: Invocation) -> timedelta | None:
        if delivery.every is None:
            return self.deliverer.deliver(delivery.channel, story, delivery.facts, invocation)
        window = Window.at(delivery.channel.name, delivery.every, self.deliverer.clock())
        self.deliverer.gather(window, story.cause, delivery.facts)
        return None

    def _owe(self, cause: str, delivery: Delivery, wait: timedelta) -> None:
        now, name = self.deliverer.clock(), delivery.channel.name
        self.deliverer.ledger.owe(cause, name, delivery.facts, now)
        retry = Retry(name, cause, after=now + wait, every=delivery.every)
        self.deliverer.retries.send(retry, deliver.seconds(wait))

    def _run(self, queued: _Queued, retry: Retry, invocation: Invocation) -> timedelta | None:
        """Run one retry; how long it waits if it is not done, else None."""
        now = self.deliverer.clock()
        if retry.after is not None and now < retry.after:
            return retry.after - now
        channel = self.recipients.channel(retry.channel)
        if channel is None:
            log.warning("%s is not a channel any more: its retry is dropped", retry.channel)
            return None
        if retry.window is not None:
            wait = self.deliverer.sum_up(channel, retry.window, invocation)
        else:
            wait = self._bring(queued, retry, channel, invocation)
        if wait == deliver.NO_TIME:
            # As a new one: to be received again would count as one of its tries.
            self.deliverer.retries.send(retry, deliver.seconds(deliver.FIRST_WAIT))
            return None
        # Its story tried first, so this is one try more than it was received.
        return wait and max(wait, deliver.backoff(queued.receives + 1))

    def _bring(
        self, queued: _Queued, retry: Retry, channel: Channel, invocation: Invocation
    ) -> timedelta | None:
        from ecr_steward.messages.whom.routes import Delivery

        story = self.deliverer.ledger.story(retry.cause)
        due = story.due.get(channel.name, ())
        if not due:
            self.deliverer.ledger.reached(channel.name, retry.cause)
            return None
        if retry.every is None and not invocation.has_time_for(channel.name):
            return deliver.NO_TIME
        now = self.deliverer.clock()
        if not self.deliverer.ledger.claim(story, now):
            return _until_told(story.claimed or now, now, queued.receives)
        try:
            wait = self._give(Delivery(channel, retry.every, due), story, invocation)
            if wait is None:
                self.deliverer.ledger.reached(channel.name, retry.cause)
        finally:
            self._give_back(story)
        return wait

    def _give_back(self, story: Story) -> None:
        try:
            self.deliverer.ledger.release(story, self.deliverer.clock())
        except Exception as error:  # it runs out by itself
            log.warning("The claim on a story could not be given back: %s", error)

    def _return(self, queued: Iterable[_Queued], wait: timedelta, returned: list[str]) -> None:
        for each in queued:
            returned.append(each.id)
            queue = self.deliverer.retries if each.is_retry else self.events
            try:
                queue.retry_in(each.receipt_handle, deliver.seconds(wait))
            except Exception as error:  # the queue's own visibility timeout brings it back then
                log.warning("The message will come again late: %s", error)


def _until_told(claimed: datetime, now: datetime, receives: int) -> timedelta:
    """How long a message waits for the notifier that has its story: mostly a moment, then as long
    again as that has it, and never longer than it can have it. So long it waits once it was
    received often: whoever has the story was killed, and each look costs one of its tries."""
    left = claimed + LEASE - now
    return left if receives > _OFTEN else min(max(_MOMENT, now - claimed), left)


def _sorted(
    records: Iterable[Mapping[str, Any]],
) -> tuple[list[_Arrived], list[tuple[_Queued, Retry]], list[str]]:
    """The stories in a batch, the retries, and the ids of what cannot be read."""
    stories: dict[str, _Arrived] = {}
    retries: list[tuple[_Queued, Retry]] = []
    unread: list[str] = []
    for record in records:
        try:
            content = _content(json.loads(record["body"]))
            queued = _queued(record, is_retry=isinstance(content, Retry))
        except (ValueError, KeyError, RecursionError) as error:
            log.error("A message cannot be read: %s", error, extra={"id": record.get("messageId")})
            unread.append(record["messageId"])
            continue
        if isinstance(content, Retry):
            retries.append((queued, content))
            continue
        told = stories.setdefault(content.cause.id, _Arrived([], []))
        told.queued.append(queued)
        told.facts.append(content)
    # What was received most often has waited longest.
    return sorted(stories.values(), key=_received, reverse=True), retries, unread


def _received(told: _Arrived) -> int:
    return max(each.receives for each in told.queued)


def _queued(record: Mapping[str, Any], *, is_retry: bool) -> _Queued:
    return _Queued(
        id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        receives=int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)),
        is_retry=is_retry,
    )


def _content(document: Any) -> Fact | Retry:
    if isinstance(document, dict) and "retry" in document:
        return Retry.from_document(document)
    if not isinstance(document, dict) or not isinstance(document.get("detail"), dict):
        raise MalformedEvent("The message is no steward event: it has no `detail`.")
    return Fact.from_detail(str(document.get("detail-type")), document["detail"])


def at_once(
    do: Callable[[Delivery], timedelta | None], deliveries: Sequence[Delivery]
) -> Iterable[timedelta | None]:
    """Do something for each delivery, at the same time where there are several."""
    if len(deliveries) < 2:
        return map(do, deliveries)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(do, deliveries))
