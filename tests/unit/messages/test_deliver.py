"""Each event reaches each channel once, whatever the others do; storms become summaries."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecr_steward.history.table import Table
from ecr_steward.messages.deliver import FIRST_WAIT, MOST_WAIT, backoff
from ecr_steward.messages.ledger import LEASE, STORM, Ledger, Window
from ecr_steward.messages.notify import Notifier
from ecr_steward.messages.retries import Retry
from ecr_steward.messages.send.outcome import Delivered, Later, Outcome, Undeliverable
from ecr_steward.queues.later import LONGEST_WAIT
from ecr_steward.rules import Ruleset
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Difference, Fact, FactKind
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.facts import DRIFTED, FAILED, REJECTED, story
from tests.support.world import Killed, throttled
from tests.unit.messages.post import BEGINNING, MAX_RECEIVES, URL, Answers, Post, ruleset

TWO = ("platform", "audit")
HOUR = timedelta(hours=1)
STEADY = timedelta(minutes=10)
"""Between stories that are no storm."""


def failing(channel: str, *outcomes: Outcome) -> Answers:
    """The channel answers like this, one after the other, then takes everything; the others do."""
    left = iter(outcomes)
    return lambda name, now: next(left, Delivered("ok")) if name == channel else Delivered("ok")


def always(channel: str, outcome: Outcome) -> Answers:
    return lambda name, now: outcome if name == channel else Delivered("ok")


def expect_once(post: Post, facts: list[Fact], *channels: str) -> None:
    for channel in channels:
        assert post.times_told(channel) == Counter(fact.id for fact in facts), channel


# One channel never holds up another


def test_each_channel_gets_the_story_in_one_message() -> None:
    post, facts = Post(ruleset(*TWO)), story("1.4", "1")
    assert post.deliver(post.post(facts)) == []
    assert {told.channel: len(told.facts) for told in post.told} == {"platform": 2, "audit": 2}
    assert post.queue == {}


def test_where_no_route_takes_a_fact_nobody_is_told_and_nothing_stays() -> None:
    silent = ruleset(*TWO, notify=[{"on": ["tag.held"], "to": ["audit"]}])
    post = Post(silent)
    assert post.deliver(post.post(story("1.4"))) == []
    assert (post.told, post.queue) == ([], {})


def test_what_one_channel_does_not_take_becomes_a_retry_and_the_others_are_told() -> None:
    post, facts = Post(ruleset(*TWO), always("audit", Later("It answered 500."))), story("1.4")
    assert post.deliver(post.post(facts)) == []
    assert [told.channel for told in post.told] == ["platform"]
    assert post.retries() == [Retry("audit", facts[0].cause.id, after=post.now + FIRST_WAIT)]


def test_a_retry_brings_what_is_owed_and_nothing_to_the_others() -> None:
    post = Post(ruleset(*TWO), failing("audit", *[Later("It answered 500.")] * 2))
    facts = story("1.4", "1")
    post.post(facts)
    post.drain()
    expect_once(post, facts, *TWO)
    assert post.attempts == {"platform": 1, "audit": 3}


def test_the_waits_grow_and_last_two_hours_in_all() -> None:
    post = Post(ruleset(*TWO), always("audit", Later("It answered 500.")))
    times: list[datetime] = []
    answer = post.answer

    def noted(channel: str, now: datetime) -> Outcome:
        times.extend([now] if channel == "audit" else [])
        return answer(channel, now)

    post.answer = noted
    post.post(story("1.4"))
    post.drain()
    waits = [after - before for before, after in itertools.pairwise(times)]
    assert waits[0] < timedelta(seconds=15)
    assert all(one <= other + timedelta(seconds=2) for one, other in itertools.pairwise(waits))
    assert max(waits) <= MOST_WAIT + timedelta(seconds=2)
    assert timedelta(hours=1.5) < times[-1] - times[0] < timedelta(hours=2.5)
    assert len(times) == MAX_RECEIVES["retries"] + 1


def test_what_is_given_up_is_redriven_and_reaches_its_channel_alone() -> None:
    post, facts = Post(ruleset(*TWO), always("audit", Later("It answered 500."))), story("1.4")
    post.post(facts)
    post.drain()
    (failed,) = post.failed
    assert '"audit"' in str(failed.content)
    assert len(post.ledger.waiting("audit", post.now)) == 1
    post.answer = lambda channel, now: Delivered("ok")
    post.redrive()
    post.drain()
    assert post.ledger.waiting("audit", post.now) == []
    expect_once(post, facts, *TWO)
    assert post.failed == []


def test_a_channel_that_was_taken_out_of_the_rules_is_owed_nothing_any_more() -> None:
    post = Post(ruleset(*TWO), always("audit", Later("It answered 500.")))
    post.deliver(post.post(story("1.4")))
    post.rules = ruleset("platform")
    post.drain()
    assert (post.queue, post.failed) == ({}, [])


def test_of_two_that_fail_each_has_its_own_time() -> None:
    def answer(channel: str, now: datetime) -> Outcome:
        if channel == "platform" and now < BEGINNING + HOUR:
            return Later("It answered 503.", HOUR)
        if channel == "audit" and now < BEGINNING + timedelta(seconds=20):
            return Later("It answered 500.")
        return Delivered("ok")

    post, facts = Post(ruleset(*TWO), answer), story("1.4")
    post.post(facts)
    post.drain()
    expect_once(post, facts, *TWO)
    at = {told.channel: told.at - BEGINNING for told in post.told}
    assert at["audit"] < timedelta(minutes=1)
    assert HOUR <= at["platform"] < HOUR + timedelta(minutes=2)
    assert post.attempts["platform"] == 2


# Retry-After


@pytest.mark.parametrize("seconds", [30, 600, 3600, 12 * 3600, 7 * 86400])
def test_the_time_that_a_channel_asks_for_is_kept_as_far_as_sqs_allows(seconds: int) -> None:
    asked = timedelta(seconds=seconds)
    post = Post(ruleset(*TWO), failing("audit", Later("It answered 429.", asked)))
    facts = story("1.4")
    post.post(facts)
    post.drain()
    expect_once(post, facts, *TWO)
    (told,) = [told for told in post.told if told.channel == "audit"]
    kept = min(asked, timedelta(seconds=LONGEST_WAIT))
    assert kept <= told.at - BEGINNING < kept + timedelta(minutes=16)


def test_other_stories_leave_a_channel_in_peace_too() -> None:
    post = Post(ruleset(*TWO), failing("audit", Later("It answered 429.", timedelta(minutes=2))))
    post.deliver(post.post(story("1.4", cause="a")))
    post.now += timedelta(seconds=10)
    post.deliver(post.post(story("1.4", cause="b")))
    assert post.attempts == {"platform": 2, "audit": 1}
    post.drain()
    assert [told.at >= BEGINNING + timedelta(minutes=2) for told in post.told[2:]] == [True, True]
    assert [len(post.on(channel)) for channel in TWO] == [2, 2]


def test_a_channel_that_does_not_answer_costs_an_invocation_its_time_once() -> None:
    post = Post(ruleset(*TWO), always("audit", Later("It did not answer.")))
    ids = post.post([fact for n in range(5) for fact in story("1.4", cause=f"push-{n}")])
    assert post.deliver(ids) == []
    assert post.attempts == {"platform": 5, "audit": 1}
    assert len(post.retries()) == 5


# A channel that is wrong


def wrong(post: Post) -> list[Fact]:
    """The facts that a channel is wrong, which history told."""
    return post.table.told


def test_a_refusal_is_said_through_the_other_channels_once() -> None:
    post = Post(ruleset(*TWO), always("audit", Undeliverable("It answered 404.")))
    for n in range(4):
        post.post(story("1.4", cause=f"push-{n}"))
        post.drain(until=post.now + timedelta(minutes=1))
        post.now += STEADY
    post.drain()
    assert [fact.reason for fact in wrong(post)] == ["It answered 404."]
    told = [facts for facts in post.on("platform") if facts[0].kind is FactKind.FAILED]
    assert told == [tuple(wrong(post))]
    assert post.on("audit") == []
    assert len(post.failed) == 4, "its messages wait to be redriven"


def test_when_it_is_put_right_it_gets_what_it_missed_and_a_new_fault_is_said_anew() -> None:
    post = Post(ruleset(*TWO), always("audit", Undeliverable("It answered 404.")))
    first, second = story("1.4", cause="a"), story("1.4", cause="b")
    post.post(first)
    post.drain(until=BEGINNING + timedelta(minutes=1))
    post.answer = lambda channel, now: Delivered("ok")
    post.drain()
    expect_once(post, first, "audit")
    assert len(wrong(post)) == 1
    post.answer = always("audit", Undeliverable("It answered 410."))
    post.now += STEADY
    post.post(second)
    post.drain()
    assert [fact.reason for fact in wrong(post)] == ["It answered 404.", "It answered 410."]


def test_the_only_channel_that_is_wrong_is_said_by_e_mail() -> None:
    post = Post(ruleset("platform"), always("platform", Undeliverable("It answered 404.")))
    post.post(story("1.4"))
    post.drain()
    assert post.on("email") == [tuple(wrong(post))]


def test_where_e_mail_is_all_there_is_and_is_refused_nobody_can_be_told() -> None:
    post = Post(ruleset(), always("email", Undeliverable("AuthorizationError")))
    post.post(story("1.4"))
    post.drain()
    assert post.told == []
    assert len(wrong(post)) == 1
    assert len(post.failed) == 1, "the alarm of the failure queue says it"


def test_two_channels_that_are_wrong_say_so_of_each_other_and_come_to_an_end() -> None:
    post = Post(ruleset(*TWO), lambda name, now: Undeliverable("It answered 404."))
    post.post(story("1.4"))
    post.drain()
    assert {fact.cause.id.split("/")[1] for fact in wrong(post)} == set(TWO)
    assert len(wrong(post)) == 2


def test_a_message_that_a_channel_alone_refuses_is_no_news_at_each_of_its_tries() -> None:
    """A bad message among good ones: in between the channel works."""
    post = Post(ruleset(*TWO))
    post.answer = always("audit", Undeliverable("It answered 400."))
    post.deliver(post.post(story("1.4", cause="bad")))
    for n in range(5):
        post.answer = lambda channel, now: Delivered("ok")
        post.deliver(post.post(story("1.4", cause=f"good-{n}")))
        post.answer = always("audit", Undeliverable("It answered 400."))
        post.drain(until=post.now + STEADY)
        post.now += STEADY
    assert len(wrong(post)) == 1


# Storms


def pushes(count: int, start: int = 0) -> list[Fact]:
    return [fact for n in range(start, start + count) for fact in story("1.4", cause=f"push-{n}")]


def test_five_hundred_events_become_a_few_messages_and_none_is_lost_or_doubled() -> None:
    post, facts = Post(ruleset("platform")), pushes(500)
    ids = post.post(facts)
    for start in range(0, 500, 100):
        assert post.deliver(ids[start : start + 100]) == []
        post.now += timedelta(seconds=2)
    post.drain()
    expect_once(post, facts, "platform")
    assert [told.summary for told in post.told] == [False] * 10 + [True]
    assert len(post.told[-1].facts) == 490
    assert "490" in post.told[-1].payload.body
    assert post.told[-1].at < BEGINNING + STORM + LEASE + timedelta(minutes=1)


def test_a_storm_that_goes_on_for_half_an_hour_stays_a_few_messages() -> None:
    post = Post(ruleset("platform"))
    facts: list[Fact] = []
    for n in range(1800):
        new = story("1.4", cause=f"push-{n}")
        facts += new
        post.deliver(post.post(new))
        post.now += timedelta(seconds=1)
        if n % 30 == 0:
            post.drain(until=post.now)
    post.drain()
    expect_once(post, facts, "platform")
    assert len(post.told) < 20


def test_what_is_loud_is_seen_in_the_summary_of_a_storm() -> None:
    post = Post(ruleset("platform"))
    post.deliver(post.post(pushes(200)))
    loud = [replace(fact, cause=Cause(f"loud-{fact.kind}", "x")) for fact in (DRIFTED, FAILED)]
    post.deliver(post.post(loud))
    post.drain()
    body = post.told[-1].payload.body
    assert post.told[-1].summary
    assert "lets anyone pull" in body
    assert "could not be put on its image" in body


def test_the_storm_of_one_channel_is_not_that_of_another() -> None:
    rules = ruleset(
        *TWO, notify=[{"on": ["*"], "to": ["platform"]}, {"on": ["tag.rejected"], "to": ["audit"]}]
    )
    post = Post(rules)
    post.deliver(post.post(pushes(100)))
    post.deliver(post.post([REJECTED]))
    assert post.on("audit") == [(REJECTED,)]
    assert sum(told.channel == "platform" for told in post.told) == 10


def test_ten_messages_a_minute_are_no_storm() -> None:
    post = Post(ruleset("platform"))
    for n in range(60):
        post.deliver(post.post(story("1.4", cause=f"push-{n}")))
        post.now += timedelta(seconds=7)
    assert len(post.told) == 60
    assert post.queue == {}


def test_programs_get_every_event_and_no_storm_is_kept_from_them() -> None:
    post = Post(ruleset(channels={"hook": {"type": "webhook", "url": URL}}, notify=_TO_HOOK))
    facts = pushes(50)
    post.deliver(post.post(facts))
    expect_once(post, facts, "hook")
    assert not any(told.summary for told in post.told)


_TO_HOOK = [{"on": ["*"], "to": ["hook"]}]


def test_a_channel_that_is_down_in_a_storm_gets_one_summary_when_it_is_up() -> None:
    def answer(channel: str, now: datetime) -> Outcome:
        return Delivered("ok") if now > BEGINNING + HOUR else Later("It answered 503.")

    post, facts = Post(ruleset("platform"), answer), pushes(300)
    post.deliver(post.post(facts))
    post.drain()
    expect_once(post, facts, "platform")
    assert len(post.told) < 15
    assert post.failed == []


# Digests

HOURLY = ruleset("platform", notify=[{"on": ["*"], "to": ["platform"], "every": "1h"}])


def test_a_digest_gathers_an_hour_and_is_one_message() -> None:
    post, facts = Post(HOURLY), pushes(5)
    for fact in facts:
        assert post.deliver(post.post([fact])) == []
        post.now += timedelta(minutes=5)
    assert post.told == []
    assert len(post.retries()) == 1, "one timer for them all"
    post.drain()
    expect_once(post, facts, "platform")
    (told,) = post.told
    assert told.summary
    end = BEGINNING.replace(hour=3, minute=0)
    assert end <= told.at < end + timedelta(minutes=5)


def test_what_comes_after_the_end_is_in_the_next_digest() -> None:
    post = Post(HOURLY)
    post.deliver(post.post(story("1.4", cause="before")))
    post.now = BEGINNING.replace(hour=3, minute=0)
    post.deliver(post.post(story("1.4", cause="after")))
    post.drain()
    assert [len(told.facts) for told in post.told] == [1, 1]


def test_a_digest_of_a_day_outlasts_what_sqs_lets_a_message_wait() -> None:
    daily = ruleset("platform", notify=[{"on": ["*"], "to": ["platform"], "every": "24h"}])
    post, facts = Post(daily), pushes(3)
    post.now = datetime(2026, 11, 23, 0, 0, 1, tzinfo=UTC)
    post.deliver(post.post(facts))
    post.drain()
    expect_once(post, facts, "platform")
    assert post.told[0].at > datetime(2026, 11, 24, tzinfo=UTC)
    assert post.failed == []


def test_a_digest_that_is_not_taken_is_tried_again() -> None:
    post = Post(HOURLY, failing("platform", *[Later("It answered 500.")] * 3))
    facts = pushes(4)
    post.deliver(post.post(facts))
    post.drain()
    expect_once(post, facts, "platform")
    assert post.attempts == {"platform": 4}


def test_a_digest_that_is_refused_says_so_once_and_is_kept() -> None:
    post = Post(HOURLY, always("platform", Undeliverable("It answered 404.")))
    post.deliver(post.post(pushes(4)))
    post.drain()
    assert len(post.on("email")) == 1
    assert len(post.failed) == 1
    assert len(post.ledger.waiting("platform", post.now)) == 1
    post.answer = lambda channel, now: Delivered("ok")
    post.redrive()
    post.drain()
    assert [len(facts) for facts in post.on("platform")] == [4]
    assert post.ledger.waiting("platform", post.now) == []


def test_a_timer_that_comes_twice_sends_one_digest() -> None:
    post = Post(HOURLY)
    post.deliver(post.post(pushes(4)))
    (timer,) = post.waiting("retries")
    for _ in range(2):
        post._put(timer.content, "retries", post.now)
    post.drain()
    assert [len(told.facts) for told in post.told] == [4]


# Facts that are large

HOOK: Mapping[str, object] = {"hook": {"type": "webhook", "url": URL}}


def hooked() -> Ruleset:
    return ruleset(channels=dict(HOOK), notify=_TO_HOOK)


def large(count: int) -> list[Fact]:
    """Facts as large as an event takes, with differences that are much larger."""
    facts = []
    for n in range(count):
        before, after = ({"list": [f"{n}{side}{i}" for i in range(7_000)]} for side in "ab")
        found = Difference("policy", "public", "policy", "correct", before, after)
        facts.append(replace(DRIFTED, difference=found, reason=f"It is {n}.", of=count))
    return facts


@pytest.mark.parametrize(
    ("rules", "count"),
    [(HOURLY, 35), (ruleset(*TWO), 5), (hooked(), 5)],
    ids=["digest", "chat", "hook"],
)
def test_large_facts_are_noted_gathered_and_told(rules: Ruleset, count: int) -> None:
    post, facts = Post(rules), large(count)
    assert max(len(json.dumps(fact.to_detail())) for fact in facts) > 400 * 1024
    post.notifier = over(post, Ledger(MemoryTable()))
    post.post(facts)
    post.drain()
    assert post.failed == []
    for channel in {told.channel for told in post.told}:
        expect_once(post, facts, channel)
    assert max(len(told.payload.body.encode()) for told in post.told) <= 256 * 1024


def test_a_digest_for_programs_that_repeats_large_facts_is_one_that_can_be_sent() -> None:
    rules = ruleset(channels=dict(HOOK), notify=[{"on": ["*"], "to": ["hook"], "every": "1h"}])
    post, facts = Post(rules), large(8)
    post.post(facts)
    post.drain()
    (told,) = post.told
    assert len(told.payload.body.encode()) <= 512 * 1024
    loudest = json.loads(told.payload.body)["data"]["loudest"]
    assert [each["data"]["cut"][0] for each in loudest] == ["difference"] * 5


# Webhooks: a payload for each fact


def test_of_several_payloads_only_those_that_did_not_arrive_are_sent_again() -> None:
    post = Post(hooked(), failing("hook", Delivered("ok"), Later("It answered 500.")))
    facts = story("1.4", "1", "latest")
    post.post(facts)
    post.drain()
    expect_once(post, facts, "hook")
    assert post.attempts == {"hook": 4}
    assert len({told.payload.id for told in post.told}) == 3


# Killed anywhere, with channels that fail


def _run(
    at: int | None,
    rules: Ruleset,
    make: Callable[[], Answers],
    facts: list[Fact],
    error: Callable[[], BaseException] = Killed,
) -> Post:
    post = Post(rules, make())
    post.wire.at, post.wire.error = at, error
    post.deliver(post.post(facts))
    post.now += timedelta(seconds=1)
    for _ in range(4):  # retries too are killed, if it was not their story
        post.drain(limit=400, until=post.now + timedelta(minutes=20))
        post.now += timedelta(minutes=20)
    post.wire.at = None
    post.drain()
    return post


SCENES: Mapping[str, tuple[Ruleset, Callable[[], Answers]]] = {
    "both well": (ruleset(*TWO), lambda: failing("audit")),
    "one fails twice": (ruleset(*TWO), lambda: failing("audit", *[Later("500")] * 2)),
    "one is throttled": (
        ruleset(*TWO), lambda: failing("audit", Later("429", timedelta(minutes=3))),
    ),
    "one is down for a while": (
        ruleset(*TWO), lambda: failing("audit", *[Undeliverable("404")] * 3),
    ),
    "three, one a digest": (
        ruleset(
            *TWO, "team",
            notify=[
                {"on": ["*"], "to": list(TWO)}, {"on": ["*"], "to": ["team"], "every": "15m"},
            ],
        ),
        lambda: failing("team", Later("500")),
    ),
    "a webhook": (hooked(), lambda: failing("hook", Delivered("ok"), Later("500"))),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_killed_anywhere_nothing_is_lost_and_doubles_are_between_sending_and_its_note(
    name: str,
) -> None:
    rules, make = SCENES[name]
    facts = story("1.4", "1")
    calm = _run(None, rules, make, facts)
    channels = {told.channel for told in calm.told}
    steps = _steps(rules, make, facts)
    doubles = 0
    for at in range(1, steps + 1):
        post = _run(at, rules, make, facts)
        assert post.failed == []
        for channel in channels - {"email"}:
            times = post.times_told(channel)
            assert {fact.id for fact in facts} <= times.keys(), f"{channel}: lost, killed at {at}"
            assert max(times.values()) <= 2
        doubles += any(n > 1 for name in channels for n in post.times_told(name).values())
    # For each message: after it is sent, and before and after the notes of its facts but the last.
    messages = len(calm.told)
    assert doubles <= messages * (2 + len(facts))


@pytest.mark.parametrize("name", SCENES)
def test_one_fault_anywhere_repeats_nothing_and_leaves_nothing_in_the_failure_queue(
    name: str,
) -> None:
    rules, make = SCENES[name]
    facts = story("1.4", "1")
    steps = _steps(rules, make, facts)
    doubles = 0
    for at in range(1, steps + 1):
        post = _run(at, rules, make, facts, throttled)
        assert post.failed == [], f"given up for a fault at {at}"
        channels = {told.channel for told in post.told} - {"email"}
        for channel in channels:
            times = post.times_told(channel)
            assert {fact.id for fact in facts} <= times.keys(), f"{channel}: lost, a fault at {at}"
            assert all(told.summary for told in post.told if told.channel == "team"), at
        doubles += any(n > 1 for name in channels for n in post.times_told(name).values())
    # A channel took it, and the answer was lost.
    assert doubles <= len(_run(None, rules, make, facts).told)


class Forgetful(Ledger):
    """So many times cannot note that a channel has something."""

    def __init__(self, table: Table, faults: int) -> None:
        super().__init__(table)
        self._faults = faults

    def pay(self, cause: str, channel: str, facts: Iterable[Fact], time: datetime) -> None:
        self._faults -= 1
        if self._faults >= 0:
            raise throttled()
        super().pay(cause, channel, facts, time)


class Full(Ledger):
    """Cannot gather anything."""

    def hold(self, window: Window, cause: str, facts: Sequence[Fact], time: datetime) -> None:
        raise throttled()


def over(post: Post, ledger: Ledger) -> Notifier:
    """The notifier of a post with another ledger."""
    return replace(post.notifier, deliverer=replace(post.notifier.deliverer, ledger=ledger))


def forgetful(post: Post, faults: int) -> Post:
    """The post with a ledger that so many times cannot note that a channel has something."""
    post.notifier = over(post, Forgetful(post.table, faults))
    return post


@pytest.mark.parametrize(("faults", "messages"), [(0, 1), (1, 1), (4, 1), (5, 2)])
def test_that_a_channel_was_told_is_noted_again_before_it_is_told_again(
    faults: int, messages: int
) -> None:
    post = forgetful(Post(ruleset("platform")), faults)
    post.post(story("1.4"))
    post.drain()
    assert len(post.on("platform")) == messages
    assert post.failed == []


def test_where_no_time_is_left_a_note_is_not_tried_again() -> None:
    post = forgetful(Post(ruleset("platform")), 1)
    post.may_note = lambda: not post.told
    post.deliver(post.post(story("1.4")))
    assert post.now == BEGINNING


def test_what_cannot_be_gathered_for_a_digest_waits_for_a_digest_all_the_same() -> None:
    post, facts = Post(HOURLY), pushes(3)
    ids = post.post(facts)
    kept, post.notifier = post.notifier, over(post, Full(post.table))
    post.deliver(ids)
    post.notifier = kept
    post.drain()
    expect_once(post, facts, "platform")
    assert [told.summary for told in post.told] == [True]


def _steps(rules: Ruleset, make: Callable[[], Answers], facts: list[Fact]) -> int:
    """How many steps all invocations take together."""
    return _run(None, rules, make, facts).wire.steps


@st.composite
def outcomes(draw: st.DrawFn) -> Answers:
    """What two channels answer, one after the other, before they take everything."""
    kinds: dict[str, Iterator[Outcome]] = {
        channel: iter(
            draw(
                st.lists(
                    st.sampled_from(
                        [
                            Later("500"),
                            Later("429", timedelta(seconds=90)),
                            Undeliverable("404"),
                            Delivered("ok"),
                        ]
                    ),
                    max_size=5,
                )
            )
        )
        for channel in TWO
    }
    return lambda channel, now: next(kinds.get(channel, iter(())), Delivered("ok"))


@given(
    answers=outcomes(),
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=4),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=150)
def test_whatever_the_channels_answer_each_event_reaches_each_once(
    answers: Answers, sizes: list[int], order: object
) -> None:
    tags = ("1.4", "1", "latest")
    facts = [
        fact for n, size in enumerate(sizes) for fact in story(*tags[:size], cause=f"push-{n}")
    ]
    post = Post(ruleset(*TWO), answers)
    shuffled = list(facts)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    for fact in shuffled:
        post.deliver(post.post([fact]))
    post.drain()
    assert post.failed == []
    for channel in TWO:
        times = post.times_told(channel)
        for fact in facts:
            assert times[fact.id] == 1
        others = [id_ for id_ in times if id_ not in {fact.id for fact in facts}]
        assert len(others) == len(set(others))


# Small things


def test_the_waits_double_up_to_their_longest() -> None:
    assert backoff(1) == FIRST_WAIT
    assert backoff(2) == 2 * FIRST_WAIT
    assert backoff(1000) == MOST_WAIT


def test_a_retry_survives_its_message() -> None:
    window = Window.at("platform", HOUR, BEGINNING)
    for retry in (
        Retry("platform", "a cause"),
        Retry("platform", "a cause", after=BEGINNING),
        Retry("platform", "a cause", after=BEGINNING, every=HOUR),
        Retry("platform", window=window, after=window.due),
        Retry("platform", window=replace(window, storm=True)),
    ):
        assert Retry.from_document(json.loads(retry.to_message())) == retry


def test_what_a_repositorys_tags_add_is_told_too() -> None:
    post = Post(ruleset(*TWO, "team", notify=[{"on": ["*"], "to": ["platform"]}]))
    post.tags = {"steward:notify": "team"}
    post.deliver(post.post([REJECTED]))
    assert {told.channel for told in post.told} == {"platform", "team"}
