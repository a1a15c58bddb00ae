"""Steward events to people: what one push caused becomes one message on each of its channels."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from ecr_steward.messages import deliver
from ecr_steward.messages.channels.channel import Channel
from ecr_steward.messages.deliver import Carrier, Round
from ecr_steward.messages.errands import Errand
from ecr_steward.messages.ledger import LEASE, Story, Window
from ecr_steward.words.facts import Fact
from ecr_steward.words.reading import MalformedEvent

if TYPE_CHECKING:
    from ecr_steward.messages.whom.routes import Parcel

log = logging.getLogger(__name__)

_MOMENT = timedelta(seconds=2)

PATIENCE = 4
"""How often an incomplete story is handed back, to wait for the rest of what one push caused."""

_AT_ONCE = 8
"""How many channels of one story are told at the same time."""

Spread = Callable[
    [Callable[["Parcel"], timedelta | None], Sequence["Parcel"]], Iterable[timedelta | None]
]


@dataclass(frozen=True, slots=True)
class _Letter:
    """One queue message, without what it carries: an event, or an errand."""

    id: str
    receipt_handle: str
    receives: int
    is_errand: bool


@dataclass(frozen=True, slots=True)
class _Told:
    """The messages of a batch that tell of one cause, and what they say."""

    letters: list[_Letter]
    facts: list[Fact]


@dataclass(frozen=True)
class Notifier:
    """Tells stories and runs errands.

    `route` says who gets which facts of a story, `channel` finds a channel by its name, `spread`
    does something for each of the channels of a story, at the same time or one after the other.
    `retry_in` has an event, `retry_errand_in` an errand come back in that many seconds.
    """

    carrier: Carrier
    route: Callable[[Sequence[Fact]], list[Parcel]]
    channel: Callable[[str], Channel | None]
    retry_in: Callable[[str, int], None]
    retry_errand_in: Callable[[str, int], None]
    spread: Spread = map

    def notify(
        self,
        records: Iterable[Mapping[str, Any]],
        may_send: Callable[[], bool] = lambda: True,
        may_note: Callable[[], bool] = lambda: True,
    ) -> dict[str, list[dict[str, str]]]:
        """Tell the facts in a batch of queue messages, one message per cause and channel.

        Facts that were told before are left out. A story that is not complete waits in history:
        its messages are returned (`ReportBatchItemFailures`), whichever comes last tells it, and
        after a few rounds what there is of it is told. Only one notifier at a time tells a story.
        What a channel does not take becomes an errand, and so does what there is no time for, as
        `may_send` says: that is no try, and an errand with no time comes as a new one. Killed
        between sending and the note that it was sent, a message can be sent twice: losing it would
        be worse. `may_note` is asked before each story and errand but the first: where there is no
        time even to note what is owed, they are returned, and come before all others next time.
        """
        round_ = Round(may_send, may_note)
        stories, errands, returned = _sorted(records)
        work: list[tuple[list[_Letter], Callable[[], timedelta | None]]] = [
            *((told.letters, partial(self._gather, told, round_)) for told in stories),
            *(([each], partial(self._run, each, errand, round_)) for each, errand in errands),
        ]
        for i, (letters, do) in enumerate(work):
            again = deliver.backoff(max(letter.receives for letter in letters))
            if i and not may_note():
                self._return(letters, again, returned)
                continue
            try:
                wait = do()
            except Exception as error:  # one story must not cost another
                log.exception("A message could not be told: %s", error)
                wait = again
            if wait is not None:
                self._return(letters, wait, returned)
        return {"batchItemFailures": [{"itemIdentifier": each} for each in returned]}

    def _gather(self, told: _Told, round_: Round) -> timedelta | None:
        """Tell one story; how long its letters wait if it is not told, else None."""
        ledger = self.carrier.ledger
        ledger.arrive(told.facts, self.carrier.clock())
        story = ledger.story(told.facts[0].cause.id)
        if not story.untold:
            return None
        receives = _received(told)
        if receives <= PATIENCE and not story.complete:
            return timedelta(seconds=2 ** (receives - 1))
        now = self.carrier.clock()
        if not ledger.claim(story, now):
            return _until_told(story.claimed or now, now)
        try:
            self._tell(story, round_)
            deliver.insist(self.carrier, round_, lambda: ledger.settle(story, self.carrier.clock()))
        except Exception:
            self._give_back(story)
            raise
        return None

    def _tell(self, story: Story, round_: Round) -> None:
        """Bring each channel its facts; what one does not take, an errand will bring."""
        ordered = sorted(story.untold, key=lambda fact: (fact.time, fact.kind, fact.tag or ""))
        parcels = [
            replace(parcel, facts=tuple(left))
            for parcel in self.route(ordered)
            if (left := story.untold_on(parcel.channel.name, parcel.facts))
        ]

        def hand_over(parcel: Parcel) -> timedelta | None:
            return self._hand_over(parcel, story, round_)

        waits = list(self.spread(hand_over, parcels))
        for parcel, wait in zip(parcels, waits, strict=True):
            if wait is not None:
                self._owe(story.cause, parcel, wait or deliver.FIRST_WAIT)

    def _hand_over(self, parcel: Parcel, story: Story, round_: Round) -> timedelta | None:
        """How long the channel has to be waited for, or None."""
        try:
            return self._give(parcel, story, round_)
        except Exception as error:  # one channel must not cost another
            log.exception("%s could not be told: %s", parcel.channel.name, error)
            return deliver.FIRST_WAIT

    def _give(self, parcel: Parcel, story: Story, round_: Round) -> timedelta | None:
        if parcel.every is None:
            return deliver.tell(self.carrier, parcel.channel, story, parcel.facts, round_)
        window = Window.at(parcel.channel.name, parcel.every, self.carrier.clock())
        deliver.gather(self.carrier, window, story.cause, parcel.facts)
        return None

    def _owe(self, cause: str, parcel: Parcel, wait: timedelta) -> None:
        now, name = self.carrier.clock(), parcel.channel.name
        self.carrier.ledger.owe(cause, name, parcel.facts, now)
        errand = Errand(name, cause, after=now + wait, every=parcel.every)
        self.carrier.errand(errand, deliver.seconds(wait))

    def _run(self, letter: _Letter, errand: Errand, round_: Round) -> timedelta | None:
        """Run one errand; how long it waits if it is not done, else None."""
        now = self.carrier.clock()
        if errand.after is not None and now < errand.after:
            return errand.after - now
        channel = self.channel(errand.channel)
        if channel is None:
            log.warning("%s is no channel any more: its errand is dropped", errand.channel)
            return None
        if errand.window is not None:
            wait = deliver.sum_up(self.carrier, channel, errand.window, round_)
        else:
            wait = self._bring(errand, channel, round_)
        if wait == deliver.NO_TIME:
            # As a new one: to be received again would count as one of its tries.
            self.carrier.errand(errand, deliver.seconds(deliver.FIRST_WAIT))
            return None
        # Its story tried first, so this is one try more than it was received.
        return wait and max(wait, deliver.backoff(letter.receives + 1))

    def _bring(self, errand: Errand, channel: Channel, round_: Round) -> timedelta | None:
        from ecr_steward.messages.whom.routes import Parcel

        story = self.carrier.ledger.story(errand.cause)
        due = story.due.get(channel.name, ())
        if not due:
            return None
        if errand.every is None and not round_.has_time_for(channel.name):
            return deliver.NO_TIME
        now = self.carrier.clock()
        if not self.carrier.ledger.claim(story, now):
            return _until_told(story.claimed or now, now)
        try:
            wait = self._give(Parcel(channel, errand.every, due), story, round_)
        except Exception:
            self._give_back(story)
            raise
        self._give_back(story)
        return wait

    def _give_back(self, story: Story) -> None:
        try:
            self.carrier.ledger.release(story, self.carrier.clock())
        except Exception as error:  # it runs out by itself
            log.warning("The claim on a story could not be given back: %s", error)

    def _return(self, letters: Iterable[_Letter], wait: timedelta, returned: list[str]) -> None:
        for letter in letters:
            returned.append(letter.id)
            retry_in = self.retry_errand_in if letter.is_errand else self.retry_in
            try:
                retry_in(letter.receipt_handle, deliver.seconds(wait))
            except Exception as error:  # the queue's own visibility timeout brings it back then
                log.warning("The message will be retried late: %s", error)


def _until_told(claimed: datetime, now: datetime) -> timedelta:
    """How long a letter waits for the notifier that has its story: mostly a moment, then as long
    again as that has it, and never longer than it can have it."""
    return min(max(_MOMENT, now - claimed), claimed + LEASE - now)


def _sorted(
    records: Iterable[Mapping[str, Any]],
) -> tuple[list[_Told], list[tuple[_Letter, Errand]], list[str]]:
    """The stories in a batch, the errands, and the ids of what cannot be read."""
    stories: dict[str, _Told] = {}
    errands: list[tuple[_Letter, Errand]] = []
    unread: list[str] = []
    for record in records:
        try:
            content = _content(json.loads(record["body"]))
            letter = _letter(record, is_errand=isinstance(content, Errand))
        except (ValueError, KeyError, RecursionError) as error:
            log.error("A message cannot be read: %s", error, extra={"id": record.get("messageId")})
            unread.append(record["messageId"])
            continue
        if isinstance(content, Errand):
            errands.append((letter, content))
            continue
        told = stories.setdefault(content.cause.id, _Told([], []))
        told.letters.append(letter)
        told.facts.append(content)
    # What was received most often has waited longest.
    return sorted(stories.values(), key=_received, reverse=True), errands, unread


def _received(told: _Told) -> int:
    return max(letter.receives for letter in told.letters)


def _letter(record: Mapping[str, Any], *, is_errand: bool) -> _Letter:
    return _Letter(
        id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        receives=int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)),
        is_errand=is_errand,
    )


def _content(document: Any) -> Fact | Errand:
    if isinstance(document, dict) and "errand" in document:
        return Errand.from_document(document)
    if not isinstance(document, dict) or not isinstance(document.get("detail"), dict):
        raise MalformedEvent("The message is no steward event: it has no `detail`.")
    return Fact.from_detail(str(document.get("detail-type")), document["detail"])


def at_once(
    do: Callable[[Parcel], timedelta | None], parcels: Sequence[Parcel]
) -> Iterable[timedelta | None]:
    """Do something for each parcel, at the same time where there are several."""
    if len(parcels) < 2:
        return map(do, parcels)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(do, parcels))
