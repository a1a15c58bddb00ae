"""Many stories at once, several notifiers, and a channel that is slow: a clock, and no waiting."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ecr_steward.messages.channels.channel import Channel, Payload
from ecr_steward.messages.deliver import NOTE_WITHIN, SEND_WITHIN
from ecr_steward.messages.send.outcome import Delivered, Later, Outcome, Undeliverable
from ecr_steward.messages.whom.routes import Delivery
from ecr_steward.words.facts import Fact
from tests.support.facts import story
from tests.unit.messages.post import BEGINNING, MAX_RECEIVES, URL, Answers, Post, Queued, ruleset

BATCH = {"events": 100, "retries": 10}
"""As template.yaml has them."""

NOTES = timedelta(milliseconds=80)
"""What reading and noting one story takes."""

HOOKS = ruleset(
    channels={name: {"type": "webhook", "url": URL} for name in ("fast", "slow")},
    notify=[{"on": ["*"], "to": ["fast", "slow"]}],
)


class Rush(Post):
    """Several notifiers that take turns by the clock; a call takes as long as its channel takes."""

    def __init__(
        self, seconds: Mapping[str, float], answer: Answers = lambda channel, now: Delivered("ok")
    ) -> None:
        super().__init__(HOOKS, answer)
        self.seconds = seconds
        self.notifier = replace(self.notifier, spread=self._at_once)

    def run(self, notifiers: int) -> None:
        """Until the queues are empty."""
        free = [BEGINNING] * notifiers
        while self.queue:
            soonest = min(each.visible for each in self.queue.values())
            self.now = max(heapq.heappop(free), soonest)
            assert self.now < BEGINNING + timedelta(days=1), "it goes on forever"
            self._give_up()
            self._take()
            heapq.heappush(free, self.now + timedelta(milliseconds=100))

    def _take(self) -> None:
        """One invocation, with what has waited longest and all there is in its queue."""
        ready = [each for each in self.queue.values() if each.visible <= self.now]
        if not ready:
            return
        oldest = min(ready, key=lambda each: each.visible)
        batch = sorted((each for each in ready if each.queue == oldest.queue), key=_visible)
        begun = self.now
        self.may_send = lambda: self.now < begun + timedelta(seconds=SEND_WITHIN)
        self.may_note = lambda: self.now < begun + timedelta(seconds=NOTE_WITHIN)
        self.deliver(each.id for each in batch[: BATCH[oldest.queue]])

    def tags_of(self, fact: Fact) -> Mapping[str, str]:
        self.now += NOTES
        return super().tags_of(fact)

    def _at_once(
        self, do: Callable[[Delivery], timedelta | None], deliveries: Sequence[Delivery]
    ) -> Iterable[timedelta | None]:
        began, ends, waits = self.now, [self.now], []
        for delivery in deliveries:
            self.now = began
            waits.append(do(delivery))
            ends.append(self.now)
        self.now = max(ends)
        return waits

    def _send(self, channel: Channel, payload: Payload) -> Outcome:
        self.now += timedelta(seconds=self.seconds[channel.name])
        return super()._send(channel, payload)


def _visible(each: Queued) -> datetime:
    return each.visible


def pushes(stories: int) -> list[Fact]:
    return [fact for n in range(stories) for fact in story("1.4", cause=f"push-{n}")]


@pytest.mark.parametrize("stories", [250, 500])
@pytest.mark.parametrize("seconds", [7, 3, 0.2])
def test_a_slow_channel_holds_up_no_story_and_no_other_channel(
    stories: int, seconds: float
) -> None:
    rush = Rush({"fast": 0.1, "slow": seconds})
    facts = pushes(stories)
    rush.post(facts)
    rush.run(notifiers=5)
    assert rush.failed == []
    once = Counter(fact.id for fact in facts)
    assert rush.times_told("fast") == once
    assert rush.times_told("slow") == once
    fast = max(told.at for told in rush.told if told.channel == "fast")
    assert fast - BEGINNING < timedelta(minutes=2.5)
    slow = max(told.at for told in rush.told if told.channel == "slow")
    assert slow - BEGINNING < timedelta(minutes=2, seconds=1.5 * stories * seconds / 5)


@pytest.mark.parametrize(
    "outcome", [Later("It did not answer."), Undeliverable("It answered 404.")]
)
@pytest.mark.parametrize("seconds", [0.2, 8])
def test_a_channel_that_takes_nothing_is_given_up_after_two_hours_and_costs_the_other_nothing(
    seconds: float, outcome: Outcome
) -> None:
    rush = Rush(
        {"fast": 0.1, "slow": seconds},
        lambda channel, now: outcome if channel == "slow" else Delivered("ok"),
    )
    facts = pushes(100)
    rush.post(facts)
    rush.run(notifiers=5)
    assert rush.times_told("fast") == Counter(fact.id for fact in facts)
    fast = max(told.at for told in rush.told if told.channel == "fast")
    assert fast - BEGINNING < timedelta(minutes=1)
    assert len(rush.failed) == len(facts)
    assert {each.queue for each in rush.failed} == {"retries"}
    assert timedelta(hours=1.5) < rush.now - BEGINNING < timedelta(hours=2.75)
    assert rush.attempts["slow"] <= (MAX_RECEIVES["retries"] + 1) * len(facts)
