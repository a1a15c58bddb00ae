"""One channel's share: a story or a digest, sent once, gathered, or put off."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ecr_steward.messages.channels.channel import Channel
from ecr_steward.messages.errands import Errand
from ecr_steward.messages.ledger import STORM, Ledger, State, Story, Window
from ecr_steward.messages.send.outcome import Later, Outcome, Refused, Sent, Unasked
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
errands, so that a slow channel costs the others and their stories no time."""

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
class Carrier:
    """Brings channels what they are to get, and notes what they have.

    `send` sends one payload, `errand` puts an errand into its queue, `wrong` makes the fact that a
    channel is wrong, `pause` waits so many seconds. More than `most` messages in a minute are
    gathered.
    """

    ledger: Ledger
    send: Callable[[Channel, Payload], Outcome]
    errand: Callable[[Errand, int], None]
    wrong: Callable[[Channel, str, datetime], Fact]
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    most: int


@dataclass
class Round:
    """One invocation: what it has learnt of the channels, and what there is time left for: to send
    something, and to note something."""

    may_send: Callable[[], bool] = lambda: True
    may_note: Callable[[], bool] = lambda: True
    tired: dict[str, Later | Refused] = field(default_factory=dict)
    waited: dict[str, timedelta] = field(default_factory=dict)

    def has_time_for(self, channel: str) -> bool:
        """Whether a channel may be sent something, or is known to take nothing."""
        if channel in self.tired:
            return True
        return self.may_send() and self.waited.get(channel, timedelta()) < SHARE

    def wait_for(self, channel: str, took: timedelta) -> None:
        """Count the time that a channel took for an answer."""
        self.waited[channel] = self.waited.get(channel, timedelta()) + took


def tell(
    carrier: Carrier, channel: Channel, story: Story, facts: Sequence[Fact], round_: Round
) -> timedelta | None:
    """Bring a channel facts of a story that is claimed.

    Returns None if the channel has them now, or one of its windows; else how long to wait, NO_TIME
    if that is all that was missing.
    """
    from ecr_steward.messages.say import message

    if not round_.has_time_for(channel.name):
        return NO_TIME
    now = carrier.clock()
    state = carrier.ledger.state(channel.name, now)
    if _too_much(carrier, channel, state, now):
        gather(carrier, Window.at(channel.name, STORM, now, storm=True), story.cause, facts)
        return None
    outcome = _bring(carrier, channel, message.story(facts), state, round_, story)
    if isinstance(outcome, Sent):
        insist(
            carrier,
            round_,
            lambda: carrier.ledger.pay(story.cause, channel.name, facts, carrier.clock()),
        )
    return _after(carrier, channel, story.cause, outcome, state)


def gather(carrier: Carrier, window: Window, cause: str, facts: Sequence[Fact]) -> None:
    """Put facts into a window, with an errand under way that will sum it up."""
    now = carrier.clock()
    if not carrier.ledger.has_timer(window):
        # Before anything is in the window: killed in between, there is a timer too many.
        errand = Errand(window.channel, window=window, after=window.due)
        carrier.errand(errand, seconds(window.due - now))
        carrier.ledger.timed(window, now)
    carrier.ledger.hold(window, cause, facts, now)


def sum_up(carrier: Carrier, channel: Channel, window: Window, round_: Round) -> timedelta | None:
    """Send the digest of a window that is due.

    Returns None if there is nothing to do any more; else how long to wait, as `tell` does.
    """
    from ecr_steward.messages.say import message

    if not round_.has_time_for(channel.name):
        return NO_TIME
    now = carrier.clock()
    read = carrier.ledger.gathered(window)
    if read.sent or not read.facts:
        return None
    if not carrier.ledger.claim_window(window, read, now):
        return FIRST_WAIT
    state = carrier.ledger.state(channel.name, now)
    said = message.digest(read.facts, window.every)
    outcome = _bring(carrier, channel, said, state, round_)
    if isinstance(outcome, Sent):
        insist(carrier, round_, lambda: carrier.ledger.close(window, carrier.clock()))
    wait = _after(carrier, channel, window.key, outcome, state)
    carrier.ledger.release_window(window, read, carrier.clock())
    return wait


def insist(carrier: Carrier, round_: Round, note: Callable[[], None]) -> None:
    """Note what was sent, again if that fails: what is not noted is sent once more."""
    for tried in range(1, _NOTES + 1):
        try:
            note()
        except Exception as error:
            if tried == _NOTES or not round_.may_note():
                raise
            log.warning("What was sent could not be noted yet: %s", error)
            carrier.pause(0.1 * 2**tried)
        else:
            return


def _too_much(carrier: Carrier, channel: Channel, state: State, now: datetime) -> bool:
    """Whether a channel gets more than its share of messages; this one is counted."""
    if not channel.type.limited:
        return False
    # Counted in a storm too: while it goes on, its windows follow each other.
    counted = carrier.ledger.count(channel.name, now)
    # The last sixty seconds, as far as two minutes that are counted one by one can tell.
    return state.storm or counted + state.before * (60 - now.second) / 60 > carrier.most


def _bring(
    carrier: Carrier,
    channel: Channel,
    said: Message,
    state: State,
    round_: Round,
    story: Story | None = None,
) -> Outcome | Unasked:
    """Send the payloads of a message that the channel does not have; several only tell a story."""
    now = carrier.clock()
    if state.rest is not None and now < state.rest:
        return Later("It asked to be left in peace.", state.rest - now)
    if channel.name in round_.tired:
        return round_.tired[channel.name]
    payloads = channel.render(said)
    had = story.payloads.get(channel.name, frozenset()) if story else frozenset()
    outcome: Outcome | Unasked = Sent("")
    for payload in (each for each in payloads if each.id not in had):
        outcome = _send(carrier, channel, payload, round_)
        if not isinstance(outcome, Sent):
            break
        if story and len(payloads) > 1:
            insist(carrier, round_, _posting(carrier, story.cause, channel.name, payload.id))
    return outcome


def _posting(carrier: Carrier, cause: str, channel: str, payload: str) -> Callable[[], None]:
    return lambda: carrier.ledger.posted(cause, channel, payload, carrier.clock())


def _send(carrier: Carrier, channel: Channel, payload: Payload, round_: Round) -> Outcome | Unasked:
    if not round_.has_time_for(channel.name):
        return Unasked()
    asked = carrier.clock()
    outcome = carrier.send(channel, payload)
    round_.wait_for(channel.name, carrier.clock() - asked)
    if isinstance(outcome, Later):
        # One that does not answer costs an invocation its time once, and one that asks for a rest
        # is asked nothing by all the others too.
        round_.tired[channel.name] = outcome
        if outcome.after is not None:
            rest = min(outcome.after, timedelta(seconds=LONGEST_WAIT))
            carrier.ledger.rest(channel.name, carrier.clock() + rest)
    elif isinstance(outcome, Refused) and not round_.has_time_for(channel.name):
        round_.tired[channel.name] = outcome  # else what comes next would be no try, for ever
    return outcome


def _after(
    carrier: Carrier, channel: Channel, cause: str, outcome: Outcome | Unasked, state: State
) -> timedelta | None:
    """Note what an outcome tells of the channel; how long to wait, None if it was sent."""
    now = carrier.clock()
    if isinstance(outcome, Unasked):
        return NO_TIME
    if isinstance(outcome, Sent):
        log.info("Told %s", channel.name, extra={"cause": cause})
        if state.faulty:
            carrier.ledger.works(channel.name)
        return None
    log.warning("%s was not told: %s", channel.name, outcome.reason, extra={"cause": cause})
    if isinstance(outcome, Refused):
        if not state.faulty:
            fact = carrier.wrong(channel, outcome.reason, now)
            carrier.ledger.refuse(channel.name, cause, fact, now)
        return FIRST_WAIT
    after = outcome.after or FIRST_WAIT
    return max(FIRST_WAIT, min(after, timedelta(seconds=LONGEST_WAIT)))
