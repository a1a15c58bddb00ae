"""What history keeps its word on, whatever table it stands on.

A test module imports `HistoryContract` under a name that pytest collects, and gives its `table`.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from ecr_steward.history.facts import fact_of
from ecr_steward.history.findings import SAID_KEPT, News
from ecr_steward.history.holds import Hold
from ecr_steward.history.numbering import numbered
from ecr_steward.history.table import Add, Conflict, Delete, Item, Put, Table, Write
from ecr_steward.history.tags import History, Learned, Memory
from ecr_steward.tags.state import Mark, Taken
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.globs import PullThrough
from ecr_steward.words.reading import iso, parse_time
from tests.support.facts import EVERY_KIND, MOVED, NEW, OLD, PINNED, REJECTED, SWEPT, story

NAME = "base/redis"
NOW = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
SWEEP = "sweep-2026-11-23T02:00:00Z"

KB = 1024
REFUSED = (ClientError, ParamValidationError)


def large(sk: str) -> Item:
    """An item with nearly all the bytes that one may have."""
    return Item("p", sk, "x" * 394 * KB)


def wordy(count: int) -> list[Fact]:
    """Facts of which an item takes two dozen."""
    return [replace(MOVED, tag=f"1.{n}", reason="\N{SNOWMAN}" * 2000) for n in range(count)]


class HistoryContract:
    """The cases; a subclass has a fixture `table`, empty for each test."""

    @pytest.fixture
    def history(self, table: Table) -> History:
        return History(table)

    # Holds

    def test_a_hold_is_recalled_until_it_is_released(self, history: History) -> None:
        hold = Hold("1.4", NOW, LATER, "ada", "the cache is cold")
        history.holds.put(NAME, hold)
        assert history.recall(NAME, ["1.4", "1"], ()).holds == {"1.4": hold}
        assert history.recall_all(NAME).holds == {"1.4": hold}
        history.holds.release(NAME, "1.4")
        assert history.recall_all(NAME).holds == {}
        history.holds.release(NAME, "1.4")

    def test_all_holds_are_found_by_repository_and_together(self, history: History) -> None:
        ada, eve = Hold("1.4", NOW, None, "ada"), Hold("latest", NOW, LATER, "eve")
        history.holds.put(NAME, ada)
        history.holds.put(NAME, eve)
        history.holds.put(f"{NAME}7", ada)
        assert history.holds.all(NAME) == [(NAME, ada), (NAME, eve)]
        assert sorted(name for name, _ in history.holds.all()) == [NAME, NAME, f"{NAME}7"]
        history.holds.release(NAME, "1.4")
        assert history.holds.all(NAME) == [(NAME, eve)]

    def test_a_hold_with_an_end_is_dropped_by_the_table_some_time_after_it(
        self, history: History, table: Table
    ) -> None:
        history.holds.put(NAME, Hold("1.4", NOW, LATER, "ada"))
        history.holds.put(NAME, Hold("1", NOW, None, "ada"))
        day = int((LATER + timedelta(days=1)).timestamp())
        expires = {item.sk: item.expires for item in table.query("holds")}
        assert expires == {f"{NAME}:1.4": day, f"{NAME}:1": None}

    def test_what_is_noted_of_a_tag_that_was_taken_away_is_noted_with_its_mark(
        self, history: History
    ) -> None:
        mark = Mark("1.4", "1.4.2", NEW, placed=True)
        history.note(NAME, Learned([mark]))
        assert history.recall(NAME, ["1.4"], ()).marks["1.4"].placed
        history.announce(NAME, [], [Taken(mark, (NOW, LATER))])
        for recalled in (history.recall(NAME, ["1.4", "1"], ()), history.recall_all(NAME)):
            assert recalled.taken == {"1.4": (NOW, LATER)}
            assert (recalled.marks["1.4"], recalled.marks["1.4"].placed) == (mark, False)

    def test_a_tag_that_is_held_for_it_is_counted_anew(self, history: History) -> None:
        mark, hold = Mark("1.4", "1.4.2", NEW, placed=True), Hold("1.4", LATER, None, "steward")
        history.announce(NAME, [], [Taken(mark, (NOW,))])
        history.announce(NAME, [], [Taken(mark, (NOW, LATER))], {"1.4": hold})
        assert history.recall(NAME, ["1.4"], ()).taken == {}
        assert history.holds.all(NAME) == [(NAME, hold)]

    def test_what_a_person_did_is_recorded_each_time(self, history: History) -> None:
        history.record(MOVED)
        history.record(replace(MOVED, cause=Cause("rollback-2", "Rollback", "ada")))
        assert [fact.cause.by for fact in history.facts(NAME)] == [None, "ada"]

    # The table

    def test_what_was_put_is_read_whole(self, table: Table) -> None:
        items = [
            Item("p", "nothing"),
            Item("p", "text", '\N{SNOWMAN} and "quotes"', 1795400640, {"one": 1, "many": 10**15}),
            Item("p", "list", [1, None, {"deep": [True, ""]}]),
            Item("p", "empty", ""),
            Item("p", "zero", 0),
        ]
        table.put_all(items)
        assert table.get([(each.pk, each.sk) for each in items]) == {
            (each.pk, each.sk): each for each in items
        }

    def test_what_is_not_there_is_left_out_and_no_key_is_no_item(self, table: Table) -> None:
        table.put_all([Item("p", "a")])
        assert table.get([("p", "b"), ("q", "a"), ("p", "a"), ("p", "a")]) == {
            ("p", "a"): Item("p", "a")
        }
        assert table.get([]) == {}

    def test_more_than_one_call_takes_is_read_and_written_all_the_same(self, table: Table) -> None:
        items = [Item("p", f"{n:03}", n) for n in range(230)]
        table.put_all(items)
        assert len(table.get([("p", f"{n:03}") for n in range(250)])) == 230
        assert list(table.query("p")) == items

    def test_a_query_has_one_partitions_items_of_a_prefix_in_order(self, table: Table) -> None:
        keys = ["a#2", "a#10", "b#1", "a#1", "A#1", "a"]
        table.put_all(Item("p", sk) for sk in keys)
        table.put_all([Item("q", "a#3")])
        assert [item.sk for item in table.query("p", "a#")] == ["a#1", "a#10", "a#2"]
        assert [item.sk for item in table.query("p")] == sorted(keys)
        assert list(table.query("nobody")) == []
        assert [each.sk for each in table.backwards("p", "a", "a#2")] == ["a#2", "a#10", "a#1", "a"]
        assert [each.sk for each in table.forwards("p", "a", "a#2")] == ["a", "a#1", "a#10", "a#2"]

    def test_the_items_about_a_tag_are_found_among_those_of_their_partition(
        self, table: Table
    ) -> None:
        mine = [Item("p", f"a#{n}", n, tag="1.4") for n in range(4)]
        table.put_all([*mine, Item("p", "a#9", tag="1"), Item("p", "a#8")])
        table.put_all([Item("q", "a#2", tag="1.4")])
        assert list(table.backwards("p", "a#1", "a#9", "1.4")) == mine[:0:-1]
        assert list(table.forwards("p", "a#1", "a#9", "1.4")) == mine[1:]
        assert list(table.backwards("p", "a#", "b", "latest")) == []

    def test_a_second_put_takes_the_place_of_the_first(self, table: Table) -> None:
        table.put_all([Item("p", "a", "first", 7)])
        table.put_all([Item("p", "a", "second")])
        assert list(table.query("p")) == [Item("p", "a", "second")]

    def test_a_transaction_does_all_of_it(self, table: Table) -> None:
        table.put_all([Item("p", "gone"), Item("p", "kept")])
        table.transact(
            [
                Put(Item("p", "new", 1), absent=True),
                Put(Item("p", "kept", 2)),
                Delete("p", "gone"),
                Delete("p", "never there"),
                Add("p", "sum", {"a": 1, "b": 2}),
            ]
        )
        assert list(table.query("p")) == [
            Item("p", "kept", 2),
            Item("p", "new", 1),
            Item("p", "sum", counters={"a": 1, "b": 2}),
        ]

    def test_or_nothing_of_it(self, table: Table) -> None:
        table.put_all([Item("p", "there", 1)])
        with pytest.raises(Conflict):
            table.transact(
                [
                    Put(Item("p", "new")),
                    Put(Item("p", "there", 2), absent=True),
                    Add("p", "sum", {"a": 1}),
                ]
            )
        assert list(table.query("p")) == [Item("p", "there", 1)]

    def test_counters_are_added_up(self, table: Table) -> None:
        table.transact([Add("p", "sum", {"a": 1, "b": 0})])
        table.transact([Add("p", "sum", {"a": 41, "c": 3})])
        assert list(table.query("p")) == [Item("p", "sum", counters={"a": 42, "b": 0, "c": 3})]

    def test_a_count_is_added_at_once_and_told(self, table: Table) -> None:
        assert table.count(Add("p", "sum", {"a": 1}), 1795400640) == {"a": 1}
        assert table.count(Add("p", "sum", {"a": 2, "b": 5}), 1795400641) == {"a": 3, "b": 5}
        assert list(table.query("p")) == [
            Item("p", "sum", expires=1795400641, counters={"a": 3, "b": 5})
        ]

    def test_a_transaction_takes_a_hundred_writes(self, table: Table) -> None:
        table.transact([Put(Item("p", f"{n:03}")) for n in range(100)])
        assert len(list(table.query("p"))) == 100

    # What no table takes

    @pytest.mark.parametrize(
        "writes",
        [
            [Put(Item("p", "a", 1)), Put(Item("p", "a", 1))],
            [Put(Item("p", "a")), Delete("p", "a")],
            [Add("p", "a", {"n": 1}), Put(Item("p", "a"), absent=True)],
            [Put(Item("p", f"{n:03}")) for n in range(101)],
            [],
            [Put(Item("p", ""))],
            [Delete("", "a")],
            [Put(Item("p" * 2049, "a"))],
            [Put(Item("p", "a" * 1025))],
            [Add("p", "a", {})],
            [Put(large("b")), Put(Item("p", "a", "x" * 400 * KB))],
            [Put(large(f"{n:03}")) for n in range(11)],
        ],
        ids=[
            "put twice", "put and deleted", "counted and put", "101 writes", "no write",
            "no sort key", "no partition key", "partition key too long", "sort key too long",
            "nothing counted", "item too large", "more than 4 MB",
        ],
    )  # fmt: skip
    def test_a_transaction_that_dynamodb_does_not_take_writes_nothing(
        self, table: Table, writes: list[Write]
    ) -> None:
        with pytest.raises(REFUSED):
            table.transact(writes)
        assert list(table.query("p")) == []

    def test_a_transaction_takes_ten_items_as_large_as_they_may_be(self, table: Table) -> None:
        table.transact([Put(large(f"{n:03}")) for n in range(10)])
        assert len(list(table.query("p"))) == 10

    @pytest.mark.parametrize(
        "items",
        [
            [Item("p", "b"), Item("p", "a", 1), Item("p", "a", 2)],
            [Item("p", "a", "x" * 400 * KB)],
            [Item("p", "b"), Item("p", "a", "\N{SNOWMAN}" * 140 * KB)],
            [Item("p", "b", ["x" * 200 * KB, "x" * 200 * KB])],
            [Item("p", "")],
            [Item("", "a"), Item("p", "a")],
        ],
        ids=["put twice", "too large", "too many bytes", "a large list", "no sort key", "no key"],
    )
    def test_items_that_dynamodb_does_not_take_are_not_put(
        self, table: Table, items: list[Item]
    ) -> None:
        with pytest.raises(REFUSED):
            table.put_all(items)
        assert list(table.query("p")) == []

    def test_an_item_may_be_put_again_in_a_later_call(self, table: Table) -> None:
        table.put_all(Item("p", f"{n % 25:03}", n) for n in range(50))
        assert [item.body for item in table.query("p")] == list(range(25, 50))

    def test_an_item_takes_four_hundred_kilobytes_less_what_its_keys_are(
        self, table: Table
    ) -> None:
        table.put_all([large("a")])
        assert list(table.query("p")) == [large("a")]

    def test_nothing_is_read_under_an_empty_key(self, table: Table) -> None:
        with pytest.raises(REFUSED):
            table.get([("p", "")])
        with pytest.raises(REFUSED):
            list(table.query(""))

    def test_no_counter_is_no_count(self, table: Table) -> None:
        with pytest.raises(REFUSED):
            table.count(Add("p", "sum", {}), 1795400640)

    def test_a_body_comes_back_as_json_keeps_it(self, table: Table) -> None:
        table.put_all([Item("p", "a", {"pair": (1, 2)})])
        table.transact([Put(Item("p", "b", {"pair": (1, 2)}))])
        assert [item.body for item in table.query("p")] == [{"pair": [1, 2]}] * 2

    # Marks and unique tags

    def test_of_a_repository_never_seen_nothing_is_recalled(self, history: History) -> None:
        assert history.recall(NAME, ["1.4"], ["1.4.2"]) == Memory()
        assert history.recall_all(NAME) == Memory(first_sight=True)

    def test_what_was_remembered_is_recalled(self, history: History) -> None:
        marks = [Mark("1.4", "1.4.2", NEW), Mark("latest", "1.4.2", NEW), Mark("1", "1.3.9", OLD)]
        history.note(NAME, Learned(marks, known={"1.4.2": NEW, "1.3.9": OLD}))
        recalled = history.recall(NAME, ["1.4", "latest", "2"], ["1.4.2", "2.0.0"])
        assert recalled == Memory(marks={"1.4": marks[0], "latest": marks[1]}, known={"1.4.2": NEW})
        everything = history.recall_all(NAME)
        assert everything.marks == {mark.tag: mark for mark in marks}
        assert everything.known == {"1.4.2": NEW, "1.3.9": OLD}

    def test_when_the_image_of_a_unique_tag_was_pushed_is_recalled_with_it(
        self, history: History
    ) -> None:
        history.note(NAME, Learned(known={"1.4.2": NEW, "1.3.9": OLD}, pushed={NEW: NOW}))
        recalled = history.recall(NAME, [], ["1.4.2", "1.3.9"])
        assert recalled.known == {"1.4.2": NEW, "1.3.9": OLD}
        assert recalled.pushed == {"1.4.2": NOW}

    def test_a_free_unique_tag_has_no_image_but_the_last_is_known(self, history: History) -> None:
        history.note(NAME, Learned(known={"1.4.2": NEW}, pushed={NEW: NOW}))
        history.note(NAME, Learned(freed={"1.4.2": NEW}))
        assert history.recall(NAME, [], ["1.4.2"]) == Memory(freed={"1.4.2": NEW})
        history.note(NAME, Learned(known={"1.4.2": OLD}))
        assert history.recall(NAME, [], ["1.4.2"]) == Memory(known={"1.4.2": OLD})

    def test_what_a_free_tag_got_next_is_in_the_past_and_told_to_nobody(
        self, history: History
    ) -> None:
        history.note(NAME, Learned(known={"1.4.2": OLD}), News(kept=[REJECTED]))
        assert list(history.facts(NAME)) == [REJECTED]
        assert history.findings.say([REJECTED]) == []

    def test_a_newer_mark_and_digest_take_the_place_of_the_older(self, history: History) -> None:
        history.note(NAME, Learned([Mark("1.4", "1.4.1", OLD)], known={"1.4.2": OLD}))
        history.note(NAME, Learned([Mark("1.4", "1.4.2", NEW)], known={"1.4.2": NEW}))
        assert history.recall(NAME, ["1.4"], ["1.4.2"]) == Memory(
            marks={"1.4": Mark("1.4", "1.4.2", NEW)}, known={"1.4.2": NEW}
        )

    def test_a_forgotten_mark_is_gone_and_to_forget_it_again_is_nothing(
        self, history: History
    ) -> None:
        history.note(NAME, Learned([Mark("1.4", "1.4.1", OLD), Mark("1", "1.4.1", OLD)]))
        history.note(NAME, Learned(forgotten=["1.4"]))
        history.note(NAME, Learned(forgotten=["1.4", "never"]))
        assert list(history.recall_all(NAME).marks) == ["1"]

    def test_more_marks_than_one_transaction_holds_can_be_forgotten(self, history: History) -> None:
        tags = [f"1.{n}" for n in range(130)]
        history.note(NAME, Learned([Mark(tag, f"{tag}.0", OLD) for tag in tags]))
        history.note(NAME, Learned(forgotten=tags))
        assert history.recall_all(NAME).marks == {}

    def test_the_marks_on_an_image_are_found(self, history: History) -> None:
        history.note(
            NAME,
            Learned(
                [Mark("1.4", "1.4.2", NEW), Mark("1", "1.4.2", NEW), Mark("0.9", "0.9.1", OLD)]
            ),
        )
        assert sorted(mark.tag for mark in history.marked(NAME, NEW)) == ["1", "1.4"]
        assert history.marked("base/other", NEW) == ()

    def test_when_an_image_was_deleted_is_found_by_its_digest(self, history: History) -> None:
        history.note(NAME, Learned(deleted={OLD: NOW}))
        assert history.deleted(NAME, [OLD, NEW]) == {OLD: NOW}
        assert history.deleted("base/other", [OLD]) == {}

    def test_repositories_of_which_one_names_begins_like_the_other_stay_apart(
        self, history: History
    ) -> None:
        # `#` separates the keys, and no repository and no tag can have one.
        for name, digest in [("base/redis", OLD), ("base/redis-7", NEW), ("base/redis/seen", NEW)]:
            history.note(name, Learned([Mark("1", "1.4.2", digest)]))
        assert history.recall_all("base/redis").marks == {"1": Mark("1", "1.4.2", OLD)}
        assert history.recall_all("base").marks == {}

    def test_a_repository_is_seen_for_the_first_time_once(self, history: History) -> None:
        assert history.recall_all(NAME).first_sight
        history.sweeps.remember_seen(NAME, NOW)
        assert not history.recall_all(NAME).first_sight
        assert history.recall_all("base/other").first_sight

    def test_the_prefixes_of_pull_through_caches_hold_for_every_repository(
        self, history: History
    ) -> None:
        history.remember_pull_through(["docker-hub", "quay"])
        assert history.recall(NAME, [], []).pull_through == PullThrough(("docker-hub", "quay"))
        history.remember_pull_through([])
        assert history.recall_all("other").pull_through == PullThrough()

    # Changes that are announced, done, said

    def test_what_is_announced_stays_open_until_it_is_closed(self, history: History) -> None:
        facts = story("1.4", "1")
        history.announce(NAME, facts)
        assert history.recall(NAME, [], []).open == tuple(facts)
        assert history.recall_all(NAME).open == tuple(facts)
        assert list(history.facts(NAME)) == []
        history.close(NAME, facts)
        assert history.recall(NAME, [], []).open == ()
        assert list(history.facts(NAME)) == sorted(facts, key=lambda fact: fact.id)

    def test_what_is_left_stays_open(self, history: History) -> None:
        first, second = story("1.4", "1")
        history.announce(NAME, [first, second])
        history.close(NAME, [first], [second])
        assert history.recall(NAME, [], []).open == (second,)
        assert list(history.facts(NAME)) == [first]

    def test_to_close_what_was_closed_changes_nothing(self, history: History) -> None:
        history.announce(NAME, [MOVED])
        for _ in range(3):
            history.close(NAME, [MOVED])
        assert list(history.facts(NAME)) == [MOVED]
        assert history.recall(NAME, [], []).open == ()

    def test_what_was_announced_twice_is_closed_once(self, history: History) -> None:
        history.announce(NAME, [MOVED, MOVED])
        assert history.recall(NAME, [], []).open == (MOVED,)
        history.close(NAME, [MOVED, MOVED], [PINNED, PINNED])
        assert list(history.facts(NAME)) == [MOVED]
        assert history.recall(NAME, [], []).open == (PINNED,)

    def test_a_change_that_its_cause_led_to_again_has_a_number_of_its_own(
        self, history: History
    ) -> None:
        first = numbered(MOVED, history.recall(NAME, [], [], [MOVED.cause.id]).led)
        assert first == MOVED
        history.close(NAME, [first, PINNED])
        led = history.recall_all(NAME, [MOVED.cause.id]).led
        again = numbered(replace(MOVED, time=iso(LATER)), led)
        assert (again.again, numbered(REJECTED, led)) == (1, REJECTED)
        history.close(NAME, [again], led=led)
        assert {fact.id for fact in history.facts(NAME)} == {first.id, PINNED.id, again.id}
        history.close(NAME, [first])
        assert numbered(MOVED, history.recall(NAME, [], [], [MOVED.cause.id]).led).again == 2

    def test_what_a_cause_led_to_is_kept_for_longer_than_a_queue_keeps_its_message(
        self, history: History, table: Table
    ) -> None:
        history.close(NAME, [MOVED])
        (item,) = table.query(f"repo#{NAME}", "led#")
        assert item.expires is not None
        assert item.expires > (parse_time(MOVED.time) + timedelta(days=14)).timestamp()

    def test_nothing_done_and_nothing_left_closes_what_was_open(self, history: History) -> None:
        history.announce(NAME, [MOVED])
        history.close(NAME, [])
        assert history.recall(NAME, [], []).open == ()
        assert list(history.facts(NAME)) == []

    def test_an_announcement_larger_than_an_item_stays_open_whole_until_it_is_closed(
        self, history: History, table: Table
    ) -> None:
        facts = wordy(90)
        history.announce(NAME, facts)
        assert History(table).recall(NAME, [], []).open == tuple(facts)
        assert History(table).recall_all(NAME).open == tuple(facts)
        history.close(NAME, facts)
        assert history.recall(NAME, [], []).open == ()
        assert list(table.query(f"repo#{NAME}", "open")) == []
        assert len(list(history.facts(NAME))) == 90

    def test_what_is_left_of_a_large_announcement_stays_open(
        self, history: History, table: Table
    ) -> None:
        facts = wordy(90)
        history.announce(NAME, facts)
        again = History(table)
        assert again.recall(NAME, [], []).open == tuple(facts)
        again.close(NAME, facts[:40], facts[40:])
        assert again.recall(NAME, [], []).open == tuple(facts[40:])
        again.close(NAME, facts[40:45], facts[45:46])
        assert again.recall(NAME, [], []).open == (facts[45],)
        assert [item.sk for item in table.query(f"repo#{NAME}", "open")] == ["open"]

    def test_a_large_announcement_takes_the_place_of_another(
        self, history: History, table: Table
    ) -> None:
        history.announce(NAME, wordy(90))
        history.announce(NAME, wordy(60))
        assert history.recall(NAME, [], []).open == tuple(wordy(60))
        history.close(NAME, [])
        assert list(table.query(f"repo#{NAME}")) == []

    def test_more_facts_than_a_transaction_holds_are_closed(self, history: History) -> None:
        facts = story(*(f"1.{n}" for n in range(130)))
        history.announce(NAME, facts)
        history.close(NAME, facts[:120], facts[120:])
        assert history.recall(NAME, [], []).open == tuple(facts[120:])
        assert len(list(history.facts(NAME))) == 120

    def test_a_fact_that_is_announced_and_closed_twice_at_once_is_one(
        self, history: History
    ) -> None:
        history.announce(NAME, [MOVED, MOVED])
        assert history.recall(NAME, [], []).open == (MOVED,)
        history.close(NAME, [MOVED, MOVED])
        assert list(history.facts(NAME)) == [MOVED]

    def test_what_is_gone_of_a_large_announcement_stops_nobody(
        self, history: History, table: Table
    ) -> None:
        history.announce(NAME, wordy(90))
        gone = next(item for item in table.query(f"repo#{NAME}", "open#"))
        table.transact([Delete(gone.pk, gone.sk)])
        left = History(table).recall(NAME, [], []).open
        assert 0 < len(left) < 90
        assert all(fact in wordy(90) for fact in left)

    def test_a_reason_that_is_too_long_is_kept_in_part(self, history: History) -> None:
        history.record(replace(MOVED, reason="x" * 500_000))
        (fact,) = history.facts(NAME)
        assert fact.reason == "x" * 1999 + "…"

    def test_every_kind_of_fact_comes_back_whole(self, history: History) -> None:
        facts = [replace(fact, repository=NAME) for fact in EVERY_KIND]
        history.close(NAME, facts)
        assert sorted(history.facts(NAME), key=lambda fact: fact.id) == sorted(
            facts, key=lambda fact: fact.id
        )

    def test_the_past_is_in_the_order_of_time_to_the_millisecond(self, history: History) -> None:
        facts = [
            replace(MOVED, tag=f"1.{n}", time=iso(NOW + timedelta(milliseconds=500 * n)))
            for n in range(6)
        ]
        shuffled = random.Random(3).sample(facts, len(facts))  # noqa: S311
        history.findings.say(shuffled[:3], quietly=True)
        history.close(NAME, shuffled[3:])
        assert list(history.facts(NAME)) == facts

    def test_the_past_is_read_within_a_time_from_either_end(self, history: History) -> None:
        facts = [
            replace(MOVED, tag=f"1.{n}", time=iso(NOW + timedelta(milliseconds=250 * n)))
            for n in range(12)
        ]
        history.findings.say(facts[::2], quietly=True)
        history.close(NAME, facts[1::2])
        assert list(history.past(NAME)) == facts[::-1]
        since, until = parse_time(facts[3].time), parse_time(facts[8].time)
        assert list(history.past(NAME, since, until)) == facts[3:9][::-1]
        assert list(history.past(NAME, since, until, oldest_first=True)) == facts[3:9]
        assert list(history.past(NAME, until=NOW - timedelta(seconds=1))) == []
        assert list(history.past(NAME, since, until, "1.4")) == [facts[4]]

    def test_the_stable_tags_are_those_with_a_mark_or_a_place(self, history: History) -> None:
        mark = Mark("1.4", "1.4.2", NEW)
        history.note(NAME, Learned(marks=[mark], places={"main": NEW}, known={"1.4.2": NEW}))
        assert history.stable_tags(NAME) == {"1.4", "main"}

    def test_an_overwrite_comes_before_what_undid_it(self, history: History) -> None:
        undone = replace(MOVED, kind=FactKind.RESTORE, tag="1.4.2")
        found = replace(undone, kind=FactKind.OVERWRITE, digest=OLD, before=NEW)
        history.close(NAME, [undone, found])
        assert [fact.kind for fact in history.past(NAME)] == ["restore", "overwrite"]

    def test_a_finding_is_said_once_whatever_finds_it_again(self, history: History) -> None:
        assert history.findings.say([REJECTED]) == [REJECTED]
        again = replace(
            REJECTED, cause=Cause("another", "Sweep"), time=iso(LATER), reason="In other words."
        )
        assert history.findings.say([again]) == []
        assert history.findings.say([REJECTED], quietly=True) == []
        assert list(history.facts(NAME)) == [REJECTED]

    def test_what_was_said_is_known_before_it_is_said_again(self, history: History) -> None:
        other = replace(REJECTED, tag="weekly")
        assert history.findings.news([REJECTED, other]).told == [REJECTED, other]
        history.findings.say([REJECTED])
        assert history.findings.news([REJECTED, other]).told == [other]
        assert list(history.facts(NAME)) == [REJECTED], "to ask is not to say"

    @pytest.mark.parametrize(
        "other",
        [
            replace(REJECTED, tag="weekly"),
            replace(REJECTED, digest=OLD),
            replace(REJECTED, rules="000000000000"),
            replace(REJECTED, repository="base/other"),
            replace(PINNED, tag=REJECTED.tag, digest=REJECTED.digest),
        ],
        ids=["tag", "digest", "rules", "repository", "kind"],
    )
    def test_another_finding_is_said(self, history: History, other: Fact) -> None:
        history.findings.say([REJECTED])
        assert history.findings.say([REJECTED, other]) == [other]

    def test_the_same_finding_twice_at_once_is_said_once(self, history: History) -> None:
        again = replace(REJECTED, cause=Cause("another", "ECR Image Action"))
        assert len(history.findings.say([REJECTED, again])) == 1
        assert len(list(history.facts(NAME))) == 1

    def test_what_is_recalled_of_a_tag_need_not_be_read_again(
        self, history: History, table: Table
    ) -> None:
        history.findings.say([REJECTED])
        known = history.recall(NAME, [], [], judged=["nightly", "weekly"]).said
        other = replace(REJECTED, tag="weekly")
        for item in list(table.query(f"repo#{NAME}", "said#")):
            table.transact([Delete(item.pk, item.sk)])
        assert history.findings.news([REJECTED, other], News(said=known)).told == [other]

    def test_what_a_push_finds_of_a_tag_that_it_does_not_name_is_told_once(
        self, history: History
    ) -> None:
        twin = replace(REJECTED, tag="v1.4.2")
        for new in ([twin], []):
            news = history.findings.news([twin], self._recalled(history, "1.4.2"))
            assert list(news.told) == new
            history.note(NAME, news=news)
        assert history.findings.say([twin]) == [], "nor does a sweep tell it again"
        assert list(history.facts(NAME)) == [twin]

    def test_what_one_push_told_of_another_tag_is_known_to_the_push_of_every_other(
        self, history: History
    ) -> None:
        twin = replace(REJECTED, tag="v1.4.2")
        news = history.findings.news([twin], self._recalled(history, "1.4.2"))
        history.note(NAME, news=news)
        assert history.findings.news([twin], self._recalled(history, "1.3.0")).told == []

    def test_what_is_remembered_unread_keeps_what_is_there(self, history: History) -> None:
        first, second = (replace(REJECTED, tag="v1.4.2", digest=each) for each in (OLD, NEW))
        history.findings.say([first])
        known = self._recalled(history, "1.4.2")
        history.note(NAME, news=history.findings.news([second], known))
        assert history.findings.say([first, second]) == []
        third = replace(first, rules="000000000000")
        assert history.findings.say([third]) == [third]
        assert history.findings.say([first, second, third]) == []

    @pytest.mark.parametrize("found", [20, 60, 130])
    def test_however_much_a_push_finds_all_of_it_is_told_once(
        self, history: History, found: int
    ) -> None:
        twins = [replace(REJECTED, tag=f"1.4.2-{n}") for n in range(found)]
        news = history.findings.news(twins, self._recalled(history, "1.4.2"))
        history.note(NAME, news=news)
        assert len(list(history.facts(NAME))) == found
        again = history.findings.news(twins, self._recalled(history, "1.4.2"))
        assert list(again.told) == history.findings.say(twins) == []

    @staticmethod
    def _recalled(history: History, tag: str) -> News:
        """What the look for a push of `tag` recalls."""
        return News(said=history.recall(NAME, [], [], judged=[tag]).said, unread=True)

    def test_a_tag_is_told_again_of_an_image_that_it_was_on_very_many_images_ago(
        self, history: History, table: Table
    ) -> None:
        pushes = [replace(REJECTED, digest=f"sha256:{n:064x}") for n in range(SAID_KEPT + 1)]
        for fact in pushes:
            history.findings.say([fact])
        assert history.findings.say(pushes[1:]) == []
        assert history.findings.say(pushes[:1]) == pushes[:1]
        (item,) = table.query(f"repo#{NAME}", "said#")
        assert len(item.body) == SAID_KEPT

    def test_no_finding_is_nothing_said(self, history: History) -> None:
        assert history.findings.say([]) == []

    def test_more_findings_than_a_transaction_holds_are_all_said(self, history: History) -> None:
        facts = [replace(REJECTED, tag=f"t{n}") for n in range(130)]
        assert history.findings.say(facts) == facts
        assert len(list(history.facts(NAME))) == 130
        assert history.findings.say(facts) == []

    def test_what_is_kept_quietly_is_history_and_no_news(
        self, history: History, table: Table
    ) -> None:
        assert history.findings.say([REJECTED], quietly=True) == [REJECTED]
        assert history.findings.say([REJECTED]) == []
        assert list(history.facts(NAME)) == [REJECTED]
        assert list(table.query(f"repo#{NAME}", "fact#")) == []
        (quiet,) = table.query(f"repo#{NAME}", "quiet#")
        assert fact_of(quiet) == REJECTED

    # Sweeps

    def test_a_sweep_that_never_began_has_no_totals(self, history: History) -> None:
        assert history.sweeps.totals(SWEEP) == {}
        history.sweeps.swept(SWEEP, NAME, {"repositories": 1}, NOW)
        assert history.sweeps.totals(SWEEP) == {}

    def test_each_part_of_a_sweep_is_expected_once(self, history: History) -> None:
        for part, repositories in [(0, 3), (1, 0), (0, 5), (1, 0)]:
            history.sweeps.expect(SWEEP, part, repositories, 12, NOW)
        assert history.sweeps.totals(SWEEP) == {"parts": 2, "expected": 3, "of": 12}

    def test_each_visit_of_a_sweep_counts_once(self, history: History) -> None:
        history.sweeps.expect(SWEEP, 0, 2, 1, NOW)
        for part in (f"{SWEEP}/{NAME}", f"{SWEEP}/base/other", f"{SWEEP}/{NAME}"):
            found = {"repositories": 1, "moved": 2, "images": 10}
            history.sweeps.swept(SWEEP, part, found, NOW)
        assert history.sweeps.totals(SWEEP) == {
            "parts": 1, "expected": 2, "of": 1, "repositories": 2, "moved": 4, "images": 20,
        }  # fmt: skip

    def test_sweeps_are_counted_apart(self, history: History) -> None:
        history.sweeps.expect(SWEEP, 0, 2, 1, NOW)
        history.sweeps.expect("hand-7", 0, 1, 1, NOW)
        history.sweeps.swept("hand-7", NAME, {"repositories": 1}, NOW)
        assert history.sweeps.totals(SWEEP) == {"parts": 1, "expected": 2, "of": 1}
        assert history.sweeps.totals("hand-7")["repositories"] == 1

    def test_a_sweep_is_completed_once(self, history: History, table: Table) -> None:
        assert history.sweeps.complete(SWEEP, SWEPT)
        assert not history.sweeps.complete(SWEEP, replace(SWEPT, time=iso(LATER)))
        (told,) = table.query(f"sweep#{SWEEP}", "fact#")
        assert fact_of(told) == SWEPT

    def test_facts_never_expire(self, history: History, table: Table) -> None:
        history.close(NAME, [MOVED])
        history.findings.say([REJECTED])
        history.note(NAME, Learned([Mark("1", "1.4.2", NEW)], known={"1.4.2": NEW}))
        items = table.query(f"repo#{NAME}")
        assert {each.expires for each in items if not each.sk.startswith("led#")} == {None}
