"""What the ledger keeps its word on, whatever table it stands on.

A test module imports `LedgerContract` under a name that pytest collects, and gives its `table`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ecr_steward.history.facts import fact_of
from ecr_steward.history.table import Table
from ecr_steward.messages.ledger import LEASE, STORM, ChannelState, Gathered, Ledger, Window
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact
from ecr_steward.words.reading import iso
from tests.support.facts import FAILED, MOVED, PUSH, REJECTED, story

NOW = datetime(2026, 11, 23, 2, 24, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
HOUR = timedelta(hours=1)
WINDOW = Window.at("platform", HOUR, NOW)


def ids(facts: Iterable[Fact]) -> set[str]:
    return {fact.id for fact in facts}


class LedgerContract:
    """The cases; a subclass has a fixture `table`, empty for each test."""

    @pytest.fixture
    def ledger(self, table: Table) -> Ledger:
        return Ledger(table)

    # Stories

    def test_a_story_grows_as_its_facts_arrive(self, ledger: Ledger) -> None:
        facts = story("1.4", "1", "latest")
        assert ledger.story(facts[0].cause.id).untold == ()
        ledger.arrive(facts[:2], NOW)
        read = ledger.story(facts[0].cause.id)
        assert {fact.tag for fact in read.untold} == {"1.4", "1"}
        assert (read.told, read.complete) == (0, False)
        ledger.arrive(facts, NOW)
        read = ledger.story(facts[0].cause.id)
        assert {fact.tag for fact in read.untold} == {"1.4", "1", "latest"}
        assert (read.told, read.complete) == (0, True)

    def test_a_fact_that_is_settled_stays_settled(self, ledger: Ledger) -> None:
        facts = story("1.4", "1", "latest")
        cause = facts[0].cause.id
        ledger.arrive(facts[:2], NOW)
        ledger.settle(ledger.story(cause), NOW)
        ledger.arrive(facts, LATER)
        read = ledger.story(cause)
        assert (read.untold, read.told, read.complete) == ((facts[2],), 2, True)

    def test_a_story_is_claimed_by_one_of_those_who_read_it_alike(self, ledger: Ledger) -> None:
        ledger.arrive([MOVED], NOW)
        read = ledger.story(MOVED.cause.id)
        assert (read.claims, read.claimed) == (0, None)
        assert ledger.claim(read, NOW)
        assert not ledger.claim(read, LATER)
        again = ledger.story(MOVED.cause.id)
        assert (again.claims, again.claimed) == (1, NOW)

    def test_who_reads_of_a_claim_can_claim_once_it_has_run_out(self, ledger: Ledger) -> None:
        ledger.arrive([MOVED], NOW)
        assert ledger.claim(ledger.story(MOVED.cause.id), NOW)
        read = ledger.story(MOVED.cause.id)
        assert not ledger.claim(read, NOW + LEASE - timedelta(seconds=1))
        assert ledger.claim(read, NOW + LEASE)
        assert ledger.story(MOVED.cause.id).claimed == NOW + LEASE

    @pytest.mark.parametrize("end", ["settle", "release"])
    def test_who_is_done_gives_the_claim_back(self, ledger: Ledger, end: str) -> None:
        ledger.arrive([MOVED], NOW)
        read = ledger.story(MOVED.cause.id)
        ledger.claim(read, NOW)
        getattr(ledger, end)(read, LATER)
        assert not ledger.claim(read, LATER), "an old reading must not be claimed again"
        again = ledger.story(MOVED.cause.id)
        assert (again.claims, again.claimed) == (1, None)
        assert again.told == (1 if end == "settle" else 0)
        assert ledger.claim(again, LATER)

    def test_stories_stay_apart(self, ledger: Ledger) -> None:
        ledger.arrive([*story("1.4", cause="push-1"), *story("1.4", cause="push-10")], NOW)
        assert len(ledger.story("push-1").untold) == 1
        assert ledger.claim(ledger.story("push-1"), NOW)
        assert ledger.story("push-10").claims == 0

    # Channels of a story

    def test_each_channel_has_what_it_was_told(self, ledger: Ledger) -> None:
        facts = story("1.4", "1")
        ledger.arrive(facts, NOW)
        ledger.pay(PUSH.id, "platform", facts, NOW)
        ledger.pay(PUSH.id, "audit", facts[:1], NOW)
        read = ledger.story(PUSH.id)
        assert ids(read.untold) == ids(facts), "the others are still to be told"
        assert read.untold_on("platform", facts) == []
        assert read.untold_on("audit", facts) == facts[1:]
        assert read.untold_on("email", facts) == facts

    def test_what_a_channel_is_owed_is_due_until_it_is_paid(self, ledger: Ledger) -> None:
        facts = story("1.4", "1")
        ledger.arrive(facts, NOW)
        ledger.owe(PUSH.id, "audit", facts, NOW)
        ledger.settle(ledger.story(PUSH.id), NOW)
        read = ledger.story(PUSH.id)
        assert read.untold == ()
        assert {channel: ids(due) for channel, due in read.due.items()} == {"audit": ids(facts)}
        ledger.pay(PUSH.id, "audit", facts[:1], NOW)
        assert ledger.story(PUSH.id).due == {"audit": (facts[1],)}
        ledger.pay(PUSH.id, "audit", facts, NOW)
        assert ledger.story(PUSH.id).due == {}

    def test_what_waits_for_a_channel_is_known_until_it_reaches_it(self, ledger: Ledger) -> None:
        ledger.owe(PUSH.id, "audit", story("1.4", "1"), LATER)
        ledger.waits("audit", WINDOW.key, NOW)
        assert ledger.waiting("audit", LATER) == [NOW, LATER]
        assert ledger.waiting("platform", LATER) == []
        assert ledger.waiting("audit", NOW + timedelta(days=14)) == [LATER]
        for each in (PUSH.id, WINDOW.key, "never"):
            ledger.reached("audit", each)
        assert ledger.waiting("audit", LATER) == []

    def test_payloads_are_noted_by_channel(self, ledger: Ledger) -> None:
        ledger.posted(PUSH.id, "audit", "one", NOW)
        ledger.posted(PUSH.id, "audit", "two", NOW)
        ledger.posted(PUSH.id, "other", "one", NOW)
        payloads = ledger.story(PUSH.id).payloads
        assert payloads == {"audit": frozenset({"one", "two"}), "other": frozenset({"one"})}

    # Digests

    def test_windows_follow_each_other_without_a_gap(self) -> None:
        assert WINDOW.end == datetime(2026, 11, 23, 3, tzinfo=UTC)
        assert Window.at("platform", HOUR, WINDOW.end).end == WINDOW.end + HOUR
        assert Window.at("platform", HOUR, WINDOW.end - timedelta(seconds=1)) == WINDOW
        assert WINDOW.due == WINDOW.end + LEASE

    def test_what_is_held_is_gathered_and_its_channel_has_it(self, ledger: Ledger) -> None:
        facts = story("1.4", "1")
        ledger.arrive(facts, NOW)
        for _ in range(2):
            ledger.hold(WINDOW, PUSH.id, facts, NOW)
        read = ledger.gathered(WINDOW)
        assert ids(read.facts) == ids(facts)
        assert not read.sent
        assert ledger.story(PUSH.id).untold_on("platform", facts) == []
        assert ledger.story(PUSH.id).untold_on("audit", facts) == facts

    def test_more_facts_than_a_transaction_holds_are_all_held(self, ledger: Ledger) -> None:
        facts = story(*(f"1.{n}" for n in range(130)))
        ledger.hold(WINDOW, PUSH.id, facts, NOW)
        assert ids(ledger.gathered(WINDOW).facts) == ids(facts)

    @pytest.mark.parametrize(
        "other",
        [
            replace(WINDOW, channel="audit"),
            replace(WINDOW, end=WINDOW.end + HOUR),
            replace(WINDOW, every=timedelta(hours=24)),
            replace(WINDOW, storm=True),
        ],
        ids=["channel", "end", "every", "storm"],
    )
    def test_windows_stay_apart(self, ledger: Ledger, other: Window) -> None:
        ledger.hold(WINDOW, PUSH.id, [MOVED], NOW)
        ledger.timed(WINDOW, NOW)
        ledger.close(WINDOW, NOW)
        assert ledger.gathered(other) == Gathered((), False, 0, None)
        assert not ledger.has_timer(other)
        assert ledger.has_timer(WINDOW)
        assert ledger.gathered(WINDOW).sent

    def test_a_window_is_claimed_like_a_story(self, ledger: Ledger) -> None:
        read = ledger.gathered(WINDOW)
        assert ledger.claim_window(WINDOW, read, NOW)
        assert not ledger.claim_window(WINDOW, read, LATER)
        again = ledger.gathered(WINDOW)
        assert not ledger.claim_window(WINDOW, again, NOW + LEASE - timedelta(seconds=1))
        ledger.release_window(WINDOW, read, NOW)
        assert ledger.claim_window(WINDOW, ledger.gathered(WINDOW), NOW)

    # Channels

    def test_of_a_channel_that_was_never_used_nothing_is_known(self, ledger: Ledger) -> None:
        assert ledger.state("platform", NOW) == ChannelState(None, False, 0, False)

    def test_messages_are_counted_by_the_minute(self, ledger: Ledger) -> None:
        assert [ledger.count("platform", NOW) for _ in range(3)] == [1, 2, 3]
        assert ledger.count("audit", NOW) == 1
        assert ledger.count("platform", NOW + timedelta(seconds=30)) == 1
        assert ledger.state("platform", NOW).before == 0
        assert ledger.state("platform", NOW + timedelta(seconds=30)).before == 3

    def test_a_channel_rests_until_it_said(self, ledger: Ledger) -> None:
        ledger.rest("platform", LATER)
        assert ledger.state("platform", NOW).rest == LATER
        assert ledger.state("audit", NOW).rest is None

    def test_a_storm_is_known_by_the_timer_of_its_window(self, ledger: Ledger) -> None:
        ledger.timed(Window.at("platform", STORM, NOW, storm=True), NOW)
        assert ledger.state("platform", NOW).storm
        assert not ledger.state("platform", NOW + STORM).storm
        assert not ledger.state("audit", NOW).storm

    def test_that_a_channel_is_wrong_is_recorded_once_until_it_works(
        self, ledger: Ledger, table: Table
    ) -> None:
        def said() -> list[str]:
            return [fact_of(item).time for item in table.query("channel#platform", "fact#")]

        later = replace(FAILED, time=iso(LATER), cause=Cause("later", "Channel"))
        assert ledger.refuse("platform", "push-1", FAILED, NOW)
        assert not ledger.refuse("platform", "push-2", later, LATER)
        assert ledger.state("platform", NOW).faulty
        ledger.works("platform")
        assert not ledger.state("platform", NOW).faulty
        assert not ledger.refuse("platform", "push-1", later, LATER), "that was said of this one"
        assert said() == [FAILED.time]
        assert ledger.refuse("platform", "push-3", later, LATER)
        assert said() == [FAILED.time, later.time]

    def test_what_works_can_be_noted_at_any_time(self, ledger: Ledger) -> None:
        ledger.works("platform")
        assert not ledger.state("platform", NOW).faulty

    # How long it is kept

    def test_what_is_on_its_way_expires(self, ledger: Ledger, table: Table) -> None:
        ledger.arrive([MOVED, REJECTED], NOW)
        read = ledger.story(PUSH.id)
        ledger.claim(read, NOW)
        ledger.pay(PUSH.id, "platform", [MOVED], NOW)
        ledger.owe(PUSH.id, "audit", [MOVED], NOW)
        ledger.posted(PUSH.id, "audit", "payload", NOW)
        ledger.settle(read, NOW)
        month = int((NOW + timedelta(days=30)).timestamp())
        assert {item.expires for item in table.query(f"told#{PUSH.id}")} == {month}
        ledger.timed(WINDOW, NOW)
        ledger.hold(WINDOW, PUSH.id, [MOVED], NOW)
        ledger.close(WINDOW, NOW)
        assert all(item.expires for item in table.query(WINDOW.key))
        ledger.count("platform", NOW)
        ledger.rest("platform", LATER)
        assert all(item.expires for item in table.query("channel#platform"))
