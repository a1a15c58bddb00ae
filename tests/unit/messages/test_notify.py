"""Steward events to people: one message for what one push caused, and none of it lost."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.history.table import Item, Write
from ecr_steward.messages.deliver import FIRST_WAIT
from ecr_steward.messages.ledger import LEASE, Ledger
from ecr_steward.messages.notify import PATIENCE
from ecr_steward.messages.send.outcome import Delivered, Later
from ecr_steward.words.facts import Fact
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.facts import MOVED, REJECTED, letter, returned, sqs_record, story
from tests.support.world import throttled
from tests.unit.messages.post import BEGINNING, MAX_RECEIVES, Post

FILES = Path(__file__).parents[3] / "events"

TAGS = ("1.4", "1", "latest", "stable", "edge")


def batches_of(facts: list[Fact], *sizes: int) -> list[list[Fact]]:
    rest = iter(facts)
    return [list(itertools.islice(rest, size)) for size in sizes]


# One story, one message


def test_a_story_that_arrives_at_once_is_told_at_once_in_one_message() -> None:
    post, facts = Post(), story("1.4", "1", "latest")
    assert post.deliver(post.post(facts)) == []
    assert len(post.told) == 1
    assert {fact.id for fact in post.told[0].facts} == {fact.id for fact in facts}


def test_facts_are_told_in_an_order_of_their_own_whichever_came_first() -> None:
    orders = set()
    for facts in itertools.permutations([*story("1.4", "1"), replace(REJECTED, of=3)]):
        post = Post()
        post.deliver(post.post(facts))
        orders.add(tuple(fact.tag for fact in post.told[0].facts))
    assert orders == {("1", "1.4", "nightly")}


def test_two_causes_in_one_batch_are_two_messages() -> None:
    post = Post()
    ids = post.post([*story("1.4", "1", cause="a"), *story("1.4", cause="b")])
    assert post.deliver(ids) == []
    assert [[fact.cause.id for fact in facts] for facts in post.on("email")] == [["a", "a"], ["b"]]


def test_whichever_part_of_a_story_comes_last_tells_it_all() -> None:
    post, facts = Post(), story("1.4", "1", "latest")
    ids = post.post(facts)
    assert post.deliver(ids[:1]) == ids[:1]
    assert post.deliver(ids[1:2]) == ids[1:2]
    assert post.told == []
    assert post.deliver(ids[2:]) == []
    assert len(post.told[0].facts) == 3
    post.drain()
    assert len(post.told) == 1


def test_the_parts_that_wait_come_back_sooner_first_and_later_each_time() -> None:
    post = Post()
    (id_,) = post.post(story("1.4", "1")[:1])
    waits = []
    for _ in range(PATIENCE):
        assert post.deliver([id_]) == [id_]
        waits.append((post.queue[id_].visible - post.now).seconds)
        post.now = post.queue[id_].visible
    assert waits == sorted(waits)
    assert waits[0] == 1
    assert sum(waits) < 60


def test_of_a_story_that_stays_incomplete_what_there_is_is_told_after_a_while() -> None:
    post, facts = Post(), story("1.4", "1", "latest")[:2]
    post.post(facts)
    post.drain()
    assert [len(each) for each in post.on("email")] == [2]
    assert post.now < BEGINNING + timedelta(minutes=2)


def test_what_comes_after_the_patience_is_told_too_and_alone() -> None:
    post, facts = Post(), story("1.4", "1", "latest")
    post.post(facts[:2])
    post.drain()
    post.post(facts[2:])
    post.drain()
    assert [[fact.tag for fact in each] for each in post.on("email")] == [["1", "1.4"], ["latest"]]


def test_a_fact_that_was_told_is_not_told_again_however_late_it_comes_back() -> None:
    post, facts = Post(), story("1.4", "1")
    post.post(facts)
    post.drain()
    post.now += timedelta(days=7)
    assert post.deliver(post.post([facts[0]])) == []
    assert post.deliver(post.post(facts)) == []
    assert len(post.told) == 1


def test_the_same_fact_twice_in_one_batch_is_one_fact() -> None:
    post, facts = Post(), story("1.4", "1")
    assert post.deliver(post.post([facts[0], facts[0]])) == ["message-0", "message-1"]
    assert post.told == []
    assert post.deliver(post.post([facts[1], facts[0]])) == []
    assert [len(each) for each in post.on("email")] == [2]


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Fact], list[list[Fact]]]:
    """A story of 1 to 5 facts, and how they come: in any order, split anyhow, some twice."""
    facts = story(*TAGS[: draw(st.integers(1, 5))])
    again = draw(st.lists(st.sampled_from(facts), max_size=4))
    order = draw(st.permutations([*facts, *again]))
    batches: list[list[Fact]] = [[]]
    for fact in order:
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(fact)
    return facts, [batch for batch in batches if batch]


@given(deliveries(), st.lists(st.integers(0, 3), min_size=20, max_size=20))
def test_however_its_facts_arrive_a_story_is_told_exactly_once(
    arrivals: tuple[list[Fact], list[list[Fact]]], pauses: list[int]
) -> None:
    facts, batches = arrivals
    post = Post()
    pause = iter(pauses)
    for batch in batches:
        post.deliver(post.post(batch))
        post.now += timedelta(seconds=next(pause, 0))
    post.drain()
    assert post.times_told() == Counter(fact.id for fact in facts)
    assert len(post.told) == 1


@given(st.data())
def test_stories_that_are_mixed_in_their_batches_are_told_once_each(data: st.DataObject) -> None:
    stories = [story(*TAGS[:size], cause=f"push-{size}") for size in (1, 3, 5)]
    order = data.draw(st.permutations([fact for facts in stories for fact in facts]))
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=9, max_size=9))
    post = Post()
    for batch in filter(None, batches_of(list(order), *sizes)):
        post.deliver(post.post(batch))
    post.drain()
    told = sorted(sorted(fact.id for fact in facts) for facts in post.on("email"))
    assert told == sorted(sorted(fact.id for fact in facts) for facts in stories)


# Two notifiers at once


class MeanwhileTable(MemoryTable):
    """Lets somebody else run just before the `at`-th call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.at: int | None = None
        self.meanwhile: Any = None

    def _step(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            self.at = None
            self.meanwhile()

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        self._step()
        return super().query(pk, prefix)

    def transact(self, writes: Sequence[Write]) -> None:
        self._step()
        super().transact(writes)

    def put_all(self, items: Iterable[Item]) -> None:
        every = list(items)
        self._step()
        super().put_all(every)


def over(table: MemoryTable) -> Post:
    """A post with this table in place of its own."""
    post = Post()
    deliverer = replace(post.notifier.deliverer, ledger=Ledger(table))
    post.notifier = replace(post.notifier, deliverer=deliverer)
    return post


@pytest.mark.parametrize("receives", [1, PATIENCE + 1], ids=["complete", "out of patience"])
@pytest.mark.parametrize("at", range(1, 7))
def test_two_notifiers_that_have_a_part_each_tell_a_story_once(at: int, receives: int) -> None:
    table, facts = MeanwhileTable(), story("1.4", "1")
    post = over(table)
    if receives > 1:
        facts = [fact.counted(3) for fact in facts]

    def run(fact: Fact) -> None:
        (id_,) = post.post([fact])
        post.queue[id_].receives = receives - 1
        post.deliver([id_])

    Ledger(table).arrive(facts, BEGINNING)
    table.at, table.calls = at, 0
    table.meanwhile = lambda: run(facts[1])
    run(facts[0])
    assert table.at is None, "nobody came in between"
    assert [len(each) for each in post.on("email")] == [2]


def test_who_finds_a_story_claimed_looks_again_until_the_claim_has_run_out() -> None:
    post, facts = Post(), story("1.4")
    post.ledger.arrive(facts, post.now)
    assert post.ledger.claim(post.ledger.story(facts[0].cause.id), post.now)
    post.now += timedelta(seconds=20)
    (id_,) = post.post(facts)
    assert post.deliver([id_]) == [id_]
    assert post.told == []
    assert post.queue[id_].visible == post.now + timedelta(seconds=20), "as long again"
    post.now = BEGINNING + LEASE
    assert post.deliver([id_]) == []
    assert len(post.told) == 1


@pytest.mark.parametrize("receives", range(MAX_RECEIVES["events"] - 1))
def test_a_letter_outlives_whoever_has_its_story_however_often_it_was_received(
    receives: int,
) -> None:
    post, facts = Post(), story("1.4")
    post.ledger.arrive(facts, post.now)
    assert post.ledger.claim(post.ledger.story(facts[0].cause.id), post.now)
    (id_,) = post.post(facts)
    post.queue[id_].receives = receives
    post.drain()
    assert post.failed == []
    (told,) = post.told
    assert told.at <= BEGINNING + LEASE + timedelta(seconds=5)


# Killed anywhere


def _told_when_killed(at: int | None, batches: list[list[Fact]]) -> tuple[Post, int]:
    """Deliver, be killed at step `at`, deliver again; the post, and how many steps there were."""
    post = Post()
    post.wire.at = at
    for batch in batches:
        post.deliver(post.post(batch))
        post.now += timedelta(seconds=1)
    steps = post.wire.steps
    post.wire.at = None
    post.drain()
    return post, steps


@pytest.mark.parametrize("sizes", [(3,), (1, 2), (1, 1, 1)], ids=str)
def test_killed_between_any_two_calls_and_run_again_nothing_is_lost(
    sizes: tuple[int, ...],
) -> None:
    facts = story("1.4", "1", "latest")
    calm, steps = _told_when_killed(None, batches_of(facts, *sizes))
    (told,) = calm.told
    doubled_at = set()
    for at in range(1, steps + 1):
        post, _ = _told_when_killed(at, batches_of(facts, *sizes))
        times = post.times_told()
        assert times.keys() == {fact.id for fact in facts}, f"lost when killed at {at}"
        if set(times.values()) != {1}:
            doubled_at.add(at)
        elif len(sizes) == 1:
            assert len(post.told) == 1, f"split when killed at {at}"
    # Only from the moment it was sent to the moment the last fact's note is written.
    notes = len(facts)
    assert doubled_at == set(range(told.step + 1, told.step + 1 + notes + 1))


def test_after_the_note_that_it_was_told_a_crash_doubles_nothing() -> None:
    facts = story("1.4")
    calm, steps = _told_when_killed(None, [facts])
    note_written = calm.told[0].step + 3
    assert note_written < steps
    for at in range(note_written, steps + 1):
        post, _ = _told_when_killed(at, [facts])
        assert post.times_told() == Counter({facts[0].id: 1})


@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 1), (1, 2)], ids=str)
def test_killed_anywhere_its_other_messages_tell_the_story_as_soon_as_the_claim_has_run_out(
    sizes: tuple[int, ...],
) -> None:
    facts = story("1.4", "1", "latest")
    *first, last = batches_of(facts, *sizes)
    for at in itertools.count(1):
        post = Post()
        for batch in first:
            post.deliver(post.post(batch))
        post.wire.steps, post.wire.at = 0, at
        post.deliver(post.post(last))
        if post.wire.at is not None:
            break  # it has no more steps
        claimed = post.ledger.story(facts[0].cause.id).claims > 0
        post.drain()
        assert post.failed == [], f"killed at {at}"
        if claimed:
            told = max(told.at for told in post.told)
            assert told <= BEGINNING + LEASE + timedelta(seconds=5), f"killed at {at}"


# Bad days


@pytest.mark.parametrize("sizes", [(3,), (1, 1, 1)], ids=str)
def test_one_fault_anywhere_repeats_nothing_and_delays_a_story_by_no_more_than_a_claim(
    sizes: tuple[int, ...],
) -> None:
    facts = story("1.4", "1", "latest")
    calm, steps = _told_when_killed(None, batches_of(facts, *sizes))
    for at in range(1, steps + 1):
        post = Post()
        post.wire.at, post.wire.error = at, throttled
        for batch in batches_of(facts, *sizes):
            post.deliver(post.post(batch))
        post.drain()
        assert post.failed == [], f"given up for a fault at {at}"
        # The longest where the claim was written and the answer was lost.
        told = max(told.at for told in post.told)
        assert told <= BEGINNING + LEASE + timedelta(seconds=5), f"a fault at {at}"
        if at != calm.told[0].step + 1:  # the channel took it, and the answer was lost
            assert post.times_told() == Counter(fact.id for fact in facts), f"a fault at {at}"


class BrokenTable(MemoryTable):
    """Cannot be asked about the stories of some causes."""

    def __init__(self, *causes: str) -> None:
        super().__init__()
        self.causes = causes

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        if pk.removeprefix("told#") in self.causes:
            raise ConnectionError("The table is out of reach.")
        return super().query(pk, prefix)


def test_a_story_that_cannot_be_told_costs_no_other_and_is_told_later() -> None:
    table = BrokenTable("bad")
    post = over(table)
    bad = post.post(story("1.4", "1", cause="bad"))
    good = post.post(story("1.4", "1", cause="good"))
    assert post.deliver([*bad, *good]) == bad
    assert {post.queue[each].visible for each in bad} == {post.now + FIRST_WAIT}
    assert [facts[0].cause.id for facts in post.on("email")] == ["good"]
    table.causes = ()
    post.drain()
    assert [facts[0].cause.id for facts in post.on("email")] == ["good", "bad"]


def test_what_there_is_no_time_left_to_send_becomes_a_retry_and_does_not_come_back() -> None:
    post = Post()
    ids = post.post([*story("1.4", cause="first"), *story("1.4", cause="second")])
    post.may_send = lambda: not post.told
    assert post.deliver(ids) == []
    assert [retry.cause for retry in post.retries()] == ["second"]
    post.may_send = lambda: True
    post.drain()
    assert [facts[0].cause.id for facts in post.on("email")] == ["first", "second"]


def test_what_there_is_no_time_left_even_to_note_comes_back_soon_and_first() -> None:
    post = Post()
    ids = post.post([*story("1.4", cause="first"), *story("1.4", cause="second")])
    post.may_note = lambda: not post.told
    assert post.deliver(ids) == ids[1:]
    assert post.queue[ids[1]].visible == post.now + FIRST_WAIT
    third = post.post(story("1.4", cause="third"))
    post.may_note = lambda: True
    assert post.deliver([*third, ids[1]]) == []
    assert [facts[0].cause.id for facts in post.on("email")] == ["first", "second", "third"]


def test_a_retry_that_there_is_no_time_for_loses_none_of_its_tries() -> None:
    post = Post()
    post.may_send = lambda: False
    post.deliver(post.post(story("1.4")))
    for _ in range(2 * MAX_RECEIVES["retries"]):
        (retry,) = post.waiting("retries")
        assert retry.receives == 0
        post.now = retry.visible
        assert post.deliver([retry.id]) == []
    post.may_send = lambda: True
    post.drain()
    assert (len(post.told), post.failed) == (1, [])


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[]",
        "null",
        "[" * 100_000,
        "{}",
        '{"detail-type": "Tag Moved", "detail": {}}',
        '{"detail-type": ["Tag Moved"], "detail": {"cause": {}}}',
        json.dumps({"detail-type": "Tag Eaten", "detail": MOVED.to_detail()}),
        json.dumps({"detail-type": "Tag Moved", "detail": MOVED.to_detail() | {"to_tags": 7}}),
        '{"retry": null}',
        '{"retry": {}}',
        '{"retry": {"channel": "email"}}',
        '{"retry": {"channel": "email", "cause": "a", "after": "soon"}}',
        '{"retry": {"channel": "email", "digest": {"seconds": "x", "end": "y"}}}',
    ],
    ids=lambda body: body[:40],
)
def test_a_message_that_cannot_be_read_is_returned_and_costs_no_other(body: str) -> None:
    post = Post()
    answer = post.notifier.notify([sqs_record(body, "poison"), letter(MOVED)])
    assert returned(answer) == ["poison"]
    assert post.on("email") == [(MOVED,)]


class Unreachable:
    """A queue that is out of reach."""

    def send(self, retry: object, seconds: int) -> None:
        raise ConnectionError("The queue is out of reach.")

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        raise ConnectionError("The queue is out of reach.")


def test_a_fault_of_the_queue_while_a_story_waits_is_survived() -> None:
    post = Post()
    notifier = replace(post.notifier, events=Unreachable())
    waits, told = letter(story("1.4", "1")[0], "w"), letter(story("1", cause="other")[0], "t")
    assert returned(notifier.notify([waits, told])) == ["w"]
    assert [facts[0].cause.id for facts in post.on("email")] == ["other"]


def test_a_retry_that_cannot_be_sent_leaves_the_story_to_come_back() -> None:
    post = Post(answer=lambda channel, now: Later("No."))

    kept = post.notifier
    post.notifier = replace(kept, deliverer=replace(kept.deliverer, retries=Unreachable()))
    ids = post.post(story("1.4"))
    assert post.deliver(ids) == ids
    post.notifier, post.answer = kept, lambda channel, now: Delivered("ok")
    post.drain()
    assert len(post.told) == 1


@pytest.mark.parametrize(
    ("name", "messages", "unread"),
    [
        ("notify_batch_moved", 1, 0),
        ("notify_batch_two_causes", 2, 0),
        ("notify_batch_with_poison", 1, 1),
    ],
)
def test_the_sample_batches_are_told_as_their_names_say(
    name: str, messages: int, unread: int
) -> None:
    post = Post()
    records = json.loads((FILES / f"{name}.json").read_text())["Records"]
    answer = post.notifier.notify(records)
    assert (len(post.told), len(returned(answer))) == (messages, unread)
