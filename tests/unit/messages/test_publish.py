"""From the history's stream to the bus: every fact, in order, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from ecr_steward.history.table import Add, Item, Put, Write
from ecr_steward.history.tags import History
from ecr_steward.messages.ledger import Ledger, Story, Window
from ecr_steward.messages.publish import publish
from ecr_steward.tags.state import Mark
from ecr_steward.words.facts import Fact
from ecr_steward.words.reading import MalformedEvent
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.facts import FAILED, MOVED, NEW, REJECTED, SWEPT, faults, returned, stream_record

FILES = Path(__file__).parents[3] / "events"
NOW = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
BUS = "ecr-steward"
WINDOW = Window.at("platform", timedelta(hours=1), NOW)


class FakeEvents:
    """A bus that keeps what it takes and refuses the tags of `refuse`."""

    def __init__(self, *refuse: str) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self._refuse = refuse

    @property
    def taken(self) -> list[dict[str, Any]]:
        return [
            json.loads(entry["Detail"])
            for call in self.calls
            for entry in call
            if not self._refuses(entry)
        ]

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.calls.append(Entries)
        answers = [
            {"ErrorCode": "InternalFailure", "ErrorMessage": "Try again."}
            if self._refuses(entry)
            else {"EventId": f"{len(self.calls)}-{i}"}
            for i, entry in enumerate(Entries)
        ]
        failed = sum("ErrorCode" in answer for answer in answers)
        return {"FailedEntryCount": failed, "Entries": answers}

    def _refuses(self, entry: dict[str, Any]) -> bool:
        return json.loads(entry["Detail"])["tag"] in self._refuse


def run(records: Iterable[dict[str, Any]], events: FakeEvents) -> list[str]:
    client: Any = events
    return returned(publish(records, client, BUS))


def item(fact: Fact) -> Item:
    body = {"detail-type": fact.detail_type, "detail": fact.to_detail()}
    return Item(f"repo#{fact.repository}", f"fact#{fact.time}#{fact.id}", body)


def records(*tags: str) -> list[dict[str, Any]]:
    return [stream_record(item(replace(MOVED, tag=tag)), i) for i, tag in enumerate(tags, 100)]


def tags(events: FakeEvents) -> list[str]:
    return [detail["tag"] for detail in events.taken]


class StreamedTable(MemoryTable):
    """Keeps the stream record of every item that is written."""

    def __init__(self) -> None:
        super().__init__()
        self.stream: list[dict[str, Any]] = []

    def transact(self, writes: Sequence[Write]) -> None:
        super().transact(writes)
        self._note(each.item for each in writes if isinstance(each, Put))

    def put_all(self, items: Iterable[Item]) -> None:
        every = list(items)
        super().put_all(every)
        self._note(every)

    def count(self, add: Add, expires: int) -> Mapping[str, int]:
        counted = super().count(add, expires)
        self._note(self.get([(add.pk, add.sk)]).values())
        return counted

    def _note(self, items: Iterable[Item]) -> None:
        self.stream += [stream_record(each, len(self.stream)) for each in items]


def test_a_fact_becomes_an_event_of_the_stewards_on_its_bus() -> None:
    events = FakeEvents()
    assert run(records("1.4"), events) == []
    ((entry,),) = events.calls
    detail = json.loads(entry.pop("Detail"))
    assert entry == {
        "Source": "ecr-steward",
        "DetailType": "Tag Moved",
        "EventBusName": BUS,
        "Time": datetime(2026, 11, 23, 2, 24, 6, tzinfo=UTC),
    }
    assert detail == MOVED.to_detail()
    assert not list(faults("Tag Moved", detail))


def test_facts_go_ten_a_call_in_the_order_of_the_stream() -> None:
    events = FakeEvents()
    names = [f"1.{n}" for n in range(23)]
    assert run(records(*names), events) == []
    assert [len(call) for call in events.calls] == [10, 10, 3]
    assert tags(events) == names


def test_only_a_new_fact_is_published() -> None:
    events = FakeEvents()
    changed, gone = (stream_record(item(MOVED), 1, event) for event in ("MODIFY", "REMOVE"))
    assert run([changed, gone, {"eventName": "INSERT"}, *records("1")], events) == []
    assert tags(events) == ["1"]


@pytest.mark.parametrize(
    "note",
    [
        lambda history: history.remember("base/redis", [Mark("1", "1.4.2", NEW)], (), {"a": NEW}),
        lambda history: history.remember_seen("base/redis", NOW),
        lambda history: history.remember_pull_through(["ecr-public"]),
        lambda history: history.intend("base/redis", [MOVED]),
        lambda history: history.close("base/redis", [], [MOVED]),
        lambda history: history.say([REJECTED], quietly=True),
        lambda history: history.expect("sweep-1", 0, 3, 1, NOW),
        lambda history: history.swept("sweep-1", "a", {"repositories": 1}, NOW),
    ],
    ids=[
        "marks", "seen", "pull-through", "open", "left open", "first sight", "sweep begun",
        "repository swept",
    ],
)  # fmt: skip
def test_nothing_that_history_notes_for_itself_is_published(
    note: Callable[[History], object],
) -> None:
    table, events = StreamedTable(), FakeEvents()
    note(History(table))
    assert table.stream
    assert run(table.stream, events) == []
    assert events.calls == []


@pytest.mark.parametrize(
    "note",
    [
        lambda ledger: ledger.arrive([MOVED], NOW),
        lambda ledger: ledger.claim(ledger.story("event-1"), NOW),
        lambda ledger: ledger.settle(Story("event-1", (MOVED,), 0, 0, None), NOW),
        lambda ledger: ledger.pay("event-1", "platform", [MOVED], NOW),
        lambda ledger: ledger.owe("event-1", "platform", [MOVED], NOW),
        lambda ledger: ledger.posted("event-1", "platform", "letter", NOW),
        lambda ledger: ledger.hold(WINDOW, "event-1", [MOVED], NOW),
        lambda ledger: ledger.timed(WINDOW, NOW),
        lambda ledger: ledger.close(WINDOW, NOW),
        lambda ledger: ledger.count("platform", NOW),
        lambda ledger: ledger.rest("platform", NOW),
    ],
    ids=[
        "arrived", "claim", "settled", "paid", "owed", "letter", "held", "timer", "closed",
        "count", "rest",
    ],
)  # fmt: skip
def test_nothing_that_the_ledger_notes_for_itself_is_published(
    note: Callable[[Ledger], object],
) -> None:
    table, events = StreamedTable(), FakeEvents()
    note(Ledger(table))
    assert table.stream
    assert run(table.stream, events) == []
    assert events.calls == []


def test_that_a_channel_is_wrong_is_published() -> None:
    table, events = StreamedTable(), FakeEvents()
    assert Ledger(table).refuse("platform", "event-1", FAILED, NOW)
    assert run(table.stream, events) == []
    assert [entry["DetailType"] for call in events.calls for entry in call] == ["Steward Failed"]


def test_what_history_says_closes_and_completes_is_published_once_each() -> None:
    table, events = StreamedTable(), FakeEvents()
    history = History(table)
    history.intend("base/redis", [MOVED])
    history.close("base/redis", [MOVED])
    history.say([REJECTED])
    history.say([REJECTED])
    history.complete("sweep-1", SWEPT)
    history.complete("sweep-1", SWEPT)
    assert run(table.stream, events) == []
    told = [entry["DetailType"] for call in events.calls for entry in call]
    assert told == ["Tag Moved", "Tag Rejected", "Sweep Completed"]


def test_a_refusal_returns_the_first_record_that_was_refused_and_goes_no_further() -> None:
    events = FakeEvents("1.3", "1.5", "1.12")
    assert run(records(*(f"1.{n}" for n in range(15))), events) == ["103"]
    assert len(events.calls) == 1


def test_a_refusal_in_the_second_call_returns_its_record_by_sequence_number() -> None:
    events = FakeEvents("1.12")
    names = [f"1.{n}" for n in range(15)]
    assert run(records(*names), events) == ["112"]
    assert tags(events)[:10] == names[:10]


def test_a_record_that_is_no_fact_does_not_shift_the_number_that_is_returned() -> None:
    events = FakeEvents("1.1")
    stream = records("1.0", "1.1")
    stream.insert(1, stream_record(Item("repo#a", "seen", "now"), 999))
    assert run(stream, events) == ["101"]


def test_from_the_record_that_was_returned_on_nothing_is_lost() -> None:
    names = [f"1.{n}" for n in range(15)]
    stream, first, second = records(*names), FakeEvents("1.3"), FakeEvents()
    (failed,) = run(stream, first)
    again = next(i for i, each in enumerate(stream) if each["dynamodb"]["SequenceNumber"] == failed)
    assert run(stream[again:], second) == []
    assert set(tags(first)) | set(tags(second)) == set(names)
    assert tags(second) == names[3:]


def test_the_same_fact_published_twice_has_the_same_id() -> None:
    events = FakeEvents()
    run(records("1.4"), events)
    run(records("1.4"), events)
    one, other = events.taken
    assert one == other
    assert one["id"] == MOVED.id


@pytest.mark.parametrize("body", [None, {}, {"detail-type": "Tag Eaten", "detail": {}}])
def test_a_fact_that_cannot_be_read_stops_the_batch_before_anything_is_published(
    body: Any,
) -> None:
    events = FakeEvents()
    broken = stream_record(Item("repo#a", "fact#1#2", body), 1)
    with pytest.raises(MalformedEvent):
        run([*records("1.4"), broken], events)
    assert events.calls == []


def test_a_bus_out_of_reach_is_an_error_for_the_stream_to_try_again() -> None:
    client = boto3.client("events")
    with Stubber(client) as stubber:
        stubber.add_client_error("put_events", "ThrottlingException", http_status_code=400)
        with pytest.raises(ClientError, match="ThrottlingException"):
            publish(records("1.4"), client, BUS)


def test_eventbridge_accepts_the_entries_and_its_answer_is_read() -> None:
    client = boto3.client("events")
    stream = records("1.4", "1", "latest")
    wanted = [
        {
            "Source": "ecr-steward",
            "DetailType": "Tag Moved",
            "Detail": json.dumps(replace(MOVED, tag=tag).to_detail()),
            "EventBusName": BUS,
            "Time": datetime(2026, 11, 23, 2, 24, 6, tzinfo=UTC),
        }
        for tag in ("1.4", "1", "latest")
    ]
    answer = {
        "FailedEntryCount": 1,
        "Entries": [
            {"EventId": "1"},
            {"ErrorCode": "InternalFailure", "ErrorMessage": "Try again."},
            {"EventId": "3"},
        ],
    }
    with Stubber(client) as stubber:
        stubber.add_response("put_events", answer, {"Entries": wanted})
        assert returned(publish(stream, client, BUS)) == ["101"]
        stubber.assert_no_pending_responses()


def test_the_sample_streams_are_published_as_their_names_say() -> None:
    facts, notes = FakeEvents(), FakeEvents()
    run(json.loads((FILES / "stream_history_facts.json").read_text())["Records"], facts)
    run(json.loads((FILES / "stream_history_notes.json").read_text())["Records"], notes)
    assert tags(facts) == ["1.4", "1", "latest"]
    assert notes.calls == []
