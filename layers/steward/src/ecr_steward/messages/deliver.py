"""One channel's share: a story or a digest, sent once, gathered, or put off."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from ecr_steward.messages.channels.channel import Channel
from ecr_steward.messages.ledger import STORM, ChannelState, Ledger, Story, Window
from ecr_steward.messages.retries import Retry
from ecr_steward.messages.send.outcome import Delivered, Later, NotTried, Outcome, Undeliverable
from ecr_steward.queues.later import LONGEST_WAIT
from ecr_steward.words.facts import Fact

if TYPE_CHECKING:
    from ecr_steward.messages.channels.channel import Payload
    from ecr_steward.messages.say.message import Message

log = logging.getLogger(__name__)

FIRST_WAIT = timedelta(seconds=5)
MOST_WAIT = timedelta(minutes=15)

NO_TIME = timedelta()
"""The wait of what was not tried, because there was no time left for its channel."""

SHARE = timedelta(seconds=6)
"""How long one channel may be waited for in one invocation: what it is to get beyond that waits in
retries, so that a slow channel costs the others and their stories no time."""

SEND_WITHIN = 25
"""Seconds after which an invocation sends nothing any more; one story may take twice as long again
before the function's time is over (template.yaml: NotifyFunction, Timeout)."""

NOTE_WITHIN = 45
"""Seconds in which the rest of a batch is noted as owed; what is left then is received again."""

_NOTES = 5
"""How often it is tried to note what was sent."""


def backoff(tries: int) -> timedelta:
    """How long to wait after that many tries that failed."""
    doubled: int = 2 ** min(tries - 1, 20)
    return min(FIRST_WAIT * doubled, MOST_WAIT)


def seconds(wait: timedelta) -> int:
    """A wait in whole seconds, as SQS counts them; never less."""
    return max(0, math.ceil(wait.total_seconds()))


@dataclass(frozen=True)
class TimeLeft:
    """Whether an invocation has time left to send something, and to note what was sent."""

    to_send: Callable[[], bool] = lambda: True
    to_note: Callable[[], bool] = lambda: True

    @classmethod
    def from_now(cls, monotonic: Callable[[], float]) -> TimeLeft:
        """What an invocation that begins now has."""
        began = monotonic()
        return cls(
            lambda: monotonic() < began + SEND_WITHIN, lambda: monotonic() < began + NOTE_WITHIN
        )


@dataclass
class Invocation:
    """The time that one invocation has, and what it has learnt of the channels."""

    time: TimeLeft = field(default_factory=TimeLeft)
    failed: dict[str, Later | Undeliverable] = field(default_factory=dict)
    waited: dict[str, timedelta] = field(default_factory=dict)

    def has_time_for(self, channel: str) -> bool:
        """Whether a channel may be sent something, or is known to take nothing."""
        if channel in self.failed:
            return True
        return self.time.to_send() and self.waited.get(channel, timedelta()) < SHARE

    def wait_for(self, channel: str, took: timedelta) -> None:
        """Count the time that a channel took for an answer."""
        self.waited[channel] = self.waited.get(channel, timedelta()) + took


class MessageQueue(Protocol):
    """A queue whose messages can come again."""

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        """Have a message come again in that many seconds."""


class Retries(MessageQueue, Protocol):
    """The queue of retries."""

    def send(self, retry: Retry, seconds: int) -> None:
        """Have a retry run in that many seconds."""


@dataclass(frozen=True)
class Deliverer:
    """Brings channels what they are to get, and notes what they have.

    `send` sends one payload, `down` makes the fact that a channel is down, `pause` waits so many
    seconds. More than `most` messages in a minute are gathered.
    """

    ledger: Ledger
    send: Callable[[Channel, Payload], Outcome]
    retries: Retries
    down: Callable[[Channel, str, datetime], Fact]
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    most: int

    def deliver(
        self, channel: Channel, story: Story, facts: Sequence[Fact], invocation: Invocation
    ) -> timedelta | None:
        """Bring a channel facts of a story that is claimed.

        Returns None if the channel has them now, or one of its windows; else how long to wait,
        NO_TIME if that is all that was missing.
        """
        from ecr_steward.messages.say import message

        if not invocation.has_time_for(channel.name):
            return NO_TIME
        now = self.clock()
        state = self.ledger.state(channel.name, now)
        if self._too_much(channel, state, now):
            self.gather(Window.at(channel.name, STORM, now, storm=True), story.cause, facts)
            return None
        outcome = self._bring(channel, message.story(facts), state, invocation, story)
        if isinstance(outcome, Delivered):
            self.insist(
                invocation,
                lambda: self.ledger.pay(story.cause, channel.name, facts, self.clock()),
            )
        return self._after(channel, story.cause, outcome, state)

    def gather(self, window: Window, cause: str, facts: Sequence[Fact]) -> None:
        """Put facts into a window, with a retry under way that will sum it up."""
        now = self.clock()
        if not self.ledger.has_timer(window):
            # Before anything is in the window: killed in between, there is a timer too many.
            retry = Retry(window.channel, window=window, after=window.due)
            self.retries.send(retry, seconds(window.due - now))
            self.ledger.timed(window, now)
        self.ledger.hold(window, cause, facts, now)

    def sum_up(self, channel: Channel, window: Window, invocation: Invocation) -> timedelta | None:
        """Send the digest of a window that is due.

        Returns None if there is nothing to do any more; else how long to wait, as `tell` does.
        """
        from ecr_steward.messages.say import message

        if not invocation.has_time_for(channel.name):
            return NO_TIME
        now = self.clock()
        read = self.ledger.gathered(window)
        if read.sent or not read.facts:
            return None
        if not self.ledger.claim_window(window, read, now):
            return FIRST_WAIT
        state = self.ledger.state(channel.name, now)
        said = message.digest(read.facts, window.every)
        outcome = self._bring(channel, said, state, invocation)
        if isinstance(outcome, Delivered):
            self.insist(invocation, lambda: self.ledger.close(window, self.clock()))
        wait = self._after(channel, window.key, outcome, state)
        if wait:
            self.ledger.waits(channel.name, window.key, window.end)
        elif wait is None and read.claims:
            self.ledger.reached(channel.name, window.key)
        self.ledger.release_window(window, read, self.clock())
        return wait

    def insist(self, invocation: Invocation, note: Callable[[], None]) -> None:
        """Note what was sent, again if that fails: what is not noted is sent once more."""
        for tried in range(1, _NOTES + 1):
            try:
                note()
            except Exception as error:
                if tried == _NOTES or not invocation.time.to_note():
                    raise
                log.warning("What was sent could not be noted yet: %s", error)
                self.pause(0.1 * 2**tried)
            else:
                return

    def _too_much(self, channel: Channel, state: ChannelState, now: datetime) -> bool:
        """Whether a channel gets more than its share of messages; this one is counted."""
        if not channel.type.limited:
            return False
        # Counted in a storm too: while it goes on, its windows follow each other.
        counted = self.ledger.count(channel.name, now)
        # The last sixty seconds, as far as two minutes that are counted one by one can tell.
        return state.storm or counted + state.before * (60 - now.second) / 60 > self.most

    def _bring(
        self,
        channel: Channel,
        said: Message,
        state: ChannelState,
        invocation: Invocation,
        story: Story | None = None,
    ) -> Outcome | NotTried:
        """Send what the channel does not have of a message; several payloads only tell a story."""
        now = self.clock()
        if state.rest is not None and now < state.rest:
            return Later("It asked for a pause.", state.rest - now)
        if channel.name in invocation.failed:
            return invocation.failed[channel.name]
        payloads = channel.render(said)
        had = story.payloads.get(channel.name, frozenset()) if story else frozenset()
        outcome: Outcome | NotTried = Delivered("")
        for payload in (each for each in payloads if each.id not in had):
            outcome = self._send(channel, payload, invocation)
            if not isinstance(outcome, Delivered):
                break
            if story and len(payloads) > 1:
                self.insist(invocation, self._posting(story.cause, channel.name, payload.id))
        return outcome

    def _posting(self, cause: str, channel: str, payload: str) -> Callable[[], None]:
        return lambda: self.ledger.posted(cause, channel, payload, self.clock())

    def _send(
        self, channel: Channel, payload: Payload, invocation: Invocation
    ) -> Outcome | NotTried:
        if not invocation.has_time_for(channel.name):
            return NotTried()
        asked = self.clock()
        outcome = self.send(channel, payload)
        invocation.wait_for(channel.name, self.clock() - asked)
        if isinstance(outcome, Later):
            # One that does not answer costs an invocation its time once, and one that asks for a
            # rest is asked nothing by all the others too.
            invocation.failed[channel.name] = outcome
            if outcome.after is not None:
                rest = min(outcome.after, timedelta(seconds=LONGEST_WAIT))
                self.ledger.rest(channel.name, self.clock() + rest)
        elif isinstance(outcome, Undeliverable) and not invocation.has_time_for(channel.name):
            invocation.failed[channel.name] = (
                outcome  # else what comes next would never count as a try
            )
        return outcome

    def _after(
        self, channel: Channel, cause: str, outcome: Outcome | NotTried, state: ChannelState
    ) -> timedelta | None:
        """Note what an outcome tells of the channel; how long to wait, None if it was sent."""
        now = self.clock()
        if isinstance(outcome, NotTried):
            return NO_TIME
        if isinstance(outcome, Delivered):
            log.info("Sent to %s", channel.name, extra={"cause": cause})
            if state.faulty:
                self.ledger.works(channel.name)
            return None
        log.warning(
            "%s did not take a message: %s", channel.name, outcome.reason, extra={"cause": cause}
        )
        if isinstance(outcome, Undeliverable):
            if not state.faulty:
                fact = self.down(channel, outcome.reason, now)
                self.ledger.refuse(channel.name, cause, fact, now)
            return FIRST_WAIT
        after = outcome.after or FIRST_WAIT
        return max(FIRST_WAIT, min(after, timedelta(seconds=LONGEST_WAIT)))
