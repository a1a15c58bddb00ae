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
from ecr_steward.history.tags import History, Learned
from ecr_steward.messages.ledger import Ledger, Story, Window
from ecr_steward.messages.publish import publish
from ecr_steward.tags.state import Mark
from ecr_steward.words.facts import Difference, Fact
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.facts import (
    DRIFTED,
    FAILED,
    MOVED,
    NEW,
    REJECTED,
    SWEPT,
    faults,
    returned,
    stream_record,
)

FILES = Path(__file__).parents[3] / "events"
NOW = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
BUS = "ecr-steward"
WINDOW = Window.at("platform", timedelta(hours=1), NOW)


LARGEST = 256 * 1024
"""Most bytes of all entries of a call, as EventBridge counted them."""


def size(entry: dict[str, Any]) -> int:
    texts = (entry["Source"], entry["DetailType"], entry["Detail"])
    return 14 + sum(len(text.encode()) for text in texts)


def refusal(message: str) -> ClientError:
    """Of a call as a whole."""
    said: Any = {"Code": "ValidationException", "Message": message}
    return ClientError({"Error": said}, "PutEvents")


class FakeEvents:
    """A bus that keeps what it takes and refuses the tags of `refuse`, and calls of more bytes than
    EventBridge took."""

    def __init__(self, *refuse: str, code: str = "InternalFailure") -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self._refuse = refuse
        self._code = code

    @property
    def taken(self) -> list[dict[str, Any]]:
        return [
            json.loads(entry["Detail"])
            for call in self.calls
            for entry in call
            if not self._refuses(entry)
        ]

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        if sum(size(entry) for entry in Entries) > LARGEST:
            raise refusal("Total size of the entries.")
        self.calls.append(Entries)
        answers = [
            {"ErrorCode": self._code, "ErrorMessage": "Try again."}
            if self._refuses(entry)
            else {"EventId": f"{len(self.calls)}-{i}"}
            for i, entry in enumerate(Entries)
        ]
        failed = sum("ErrorCode" in answer for answer in answers)
        return {"FailedEntryCount": failed, "Entries": answers}

    def _refuses(self, entry: dict[str, Any]) -> bool:
        return json.loads(entry["Detail"])["tag"] in self._refuse


def run(
    records: Iterable[dict[str, Any]],
    events: FakeEvents,
    given_up: list[Mapping[str, Any]] | None = None,
) -> list[str]:
    """Publish; what is given up where nothing is expected to be is a failure of the test."""
    client: Any = events
    return returned(publish(records, client, BUS, never if given_up is None else given_up.append))


def never(what: Mapping[str, Any]) -> None:
    raise AssertionError(f"given up: {what}")


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


_MARK = Mark("1", "1.4.2", NEW)


@pytest.mark.parametrize(
    "note",
    [
        lambda history: history.note("base/redis", Learned([_MARK], known={"a": NEW})),
        lambda history: history.sweeps.remember_seen("base/redis", NOW),
        lambda history: history.remember_pull_through(["ecr-public"]),
        lambda history: history.announce("base/redis", [MOVED]),
        lambda history: history.close("base/redis", [], [MOVED]),
        lambda history: history.findings.say([REJECTED], quietly=True),
        lambda history: history.sweeps.expect("sweep-1", 0, 3, 1, NOW),
        lambda history: history.sweeps.swept("sweep-1", "a", {"repositories": 1}, NOW),
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


_MARK = Mark("1", "1.4.2", NEW)


@pytest.mark.parametrize(
    "note",
    [
        lambda ledger: ledger.arrive([MOVED], NOW),
        lambda ledger: ledger.claim(ledger.story("event-1"), NOW),
        lambda ledger: ledger.settle(Story("event-1", (MOVED,), 0, 0, None), NOW),
        lambda ledger: ledger.pay("event-1", "platform", [MOVED], NOW),
        lambda ledger: ledger.owe("event-1", "platform", [MOVED], NOW),
        lambda ledger: ledger.posted("event-1", "platform", "payload", NOW),
        lambda ledger: ledger.hold(WINDOW, "event-1", [MOVED], NOW),
        lambda ledger: ledger.timed(WINDOW, NOW),
        lambda ledger: ledger.close(WINDOW, NOW),
        lambda ledger: ledger.count("platform", NOW),
        lambda ledger: ledger.rest("platform", NOW),
    ],
    ids=[
        "arrived", "claim", "settled", "paid", "owed", "payload", "held", "timer", "closed",
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
    history.announce("base/redis", [MOVED])
    history.close("base/redis", [MOVED])
    history.findings.say([REJECTED])
    history.findings.say([REJECTED])
    history.sweeps.complete("sweep-1", SWEPT)
    history.sweeps.complete("sweep-1", SWEPT)
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
def test_a_fact_that_cannot_be_read_is_given_up_and_holds_up_no_other(body: Any) -> None:
    events, given_up = FakeEvents(), list[Mapping[str, Any]]()
    broken = stream_record(Item("repo#a", "fact#1#2", body), 1)
    assert run([*records("1.4"), broken, *records("1", "latest")], events, given_up) == []
    assert tags(events) == ["1.4", "1", "latest"]
    ((place, reason),) = ((each["fact"], each["reason"]) for each in given_up)
    assert place == {"pk": "repo#a", "sk": "fact#1#2"}
    assert reason.startswith("It cannot be read: ")


@pytest.mark.parametrize("code", ["InvalidArgument", "MalformedDetail", "RedactionFailure"])
def test_a_fact_that_the_bus_refuses_for_good_is_given_up_and_holds_up_no_other(code: str) -> None:
    events, given_up = FakeEvents("1.3", "1.12", code=code), list[Mapping[str, Any]]()
    names = [f"1.{n}" for n in range(15)]
    assert run(records(*names), events, given_up) == []
    assert tags(events) == [name for name in names if name not in ("1.3", "1.12")]
    gone = [item(replace(MOVED, tag=tag)).sk for tag in ("1.3", "1.12")]
    assert [each["fact"]["sk"] for each in given_up] == gone
    assert {each["reason"] for each in given_up} == {f"{code}: Try again."}


@pytest.mark.parametrize("code", ["ThrottlingException", "NotAuthorizedForSourceException", "New"])
def test_a_fact_that_waits_for_the_bus_or_for_the_stack_is_not_given_up(code: str) -> None:
    assert run(records("1", "1.4"), FakeEvents("1.4", code=code)) == ["101"]


def test_what_cannot_be_kept_in_the_failure_queue_comes_again() -> None:
    def give_up(what: Mapping[str, Any]) -> None:
        raise ConnectionError("The queue is out of reach.")

    client: Any = FakeEvents("1.4", code="MalformedDetail")
    with pytest.raises(ConnectionError):
        publish(records("1.4"), client, BUS, give_up)


class Picky(FakeEvents):
    """Refuses a call as a whole for one of its entries."""

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        if any(self._refuses(entry) for entry in Entries):
            raise refusal("No.")
        return super().put_events(Entries=Entries)


def test_where_a_call_is_refused_as_a_whole_only_the_entry_that_is_to_blame_is_given_up() -> None:
    events, given_up = Picky("1"), list[Mapping[str, Any]]()
    assert run(records("1.4", "1", "latest"), events, given_up) == []
    assert tags(events) == ["1.4", "latest"]
    assert len(given_up) == 1


# Facts that are too large


SHORT = [f"v{n}" for n in range(4_000)]
"""Of a lifecycle policy of 30 KB, what makes the most lines."""


def lifecycle(prefixes: Sequence[str]) -> dict[str, Any]:
    selection = {"tagStatus": "tagged", "tagPrefixList": list(prefixes)}
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


def drifted(before: Any, after: Any) -> Fact:
    found = Difference("lifecycle", "different", "lifecycle", "correct", before, after)
    return replace(DRIFTED, difference=found)


def published(fact: Fact) -> dict[str, Any]:
    """The event of a fact, which is a valid one and reads as the same fact."""
    events = FakeEvents()
    assert run([stream_record(item(fact), 1)], events) == []
    (detail,) = events.taken
    assert not list(faults(fact.detail_type, detail))
    assert Fact.from_detail(fact.detail_type, detail).id == fact.id == detail["id"]
    return detail


def test_of_a_difference_that_an_event_has_no_room_for_the_last_lines_are_cut() -> None:
    before, after = lifecycle(SHORT), lifecycle([f"x{each}" for each in SHORT])
    fact = drifted(before, after)
    whole = fact.to_detail()["difference"]
    assert len(json.dumps(fact.to_detail())) > LARGEST
    detail = published(fact)
    assert detail["cut"] == ["difference"]
    assert (detail["before"], detail["after"]) == (before, after)
    *lines, last = detail["difference"]
    assert lines == whole[: len(lines)]
    assert last == f"… and {len(whole) - len(lines):,} more lines"


def test_documents_that_an_event_has_no_room_for_are_left_out_and_named() -> None:
    detail = published(drifted({"a": "é" * 20_000}, {"a": "è" * 20_000}))
    assert detail["cut"] == ["difference", "before"]
    assert detail["before"] is None


@pytest.mark.parametrize(
    "fact",
    [
        drifted({"a": "x" * 140_000}, {"b": ["y"] * 20_000}),
        replace(DRIFTED, reason="long " * 100_000, rule="0: " + "long-* " * 100_000),
        replace(
            MOVED, before_tags=tuple(f"1.{n}" for n in range(99_999)), rule="0: " + "é" * 99_999
        ),
        replace(MOVED, after_tags=tuple(f"1.{n}" for n in range(99_999))),
    ],
    ids=["documents", "reason and rule", "from tags", "to tags"],
)
def test_whatever_a_fact_holds_its_event_fits_and_says_what_was_cut(fact: Fact) -> None:
    assert published(fact)["cut"]


def test_large_facts_go_in_as_many_calls_as_they_need() -> None:
    facts = [drifted({"a": f"{n}" * 90_000}, None) for n in range(1, 10)]
    events = FakeEvents()
    assert run([stream_record(item(fact), n) for n, fact in enumerate(facts)], events) == []
    assert [detail["id"] for detail in events.taken] == [fact.id for fact in facts]
    assert len(events.calls) > 3


def test_a_bus_out_of_reach_is_an_error_for_the_stream_to_try_again() -> None:
    client = boto3.client("events")
    with Stubber(client) as stubber:
        stubber.add_client_error("put_events", "ThrottlingException", http_status_code=400)
        with pytest.raises(ClientError, match="ThrottlingException"):
            publish(records("1.4"), client, BUS, never)


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
        assert returned(publish(stream, client, BUS, never)) == ["101"]
        stubber.assert_no_pending_responses()


def test_the_sample_streams_are_published_as_their_names_say() -> None:
    facts, notes = FakeEvents(), FakeEvents()
    run(json.loads((FILES / "stream_history_facts.json").read_text())["Records"], facts)
    run(json.loads((FILES / "stream_history_notes.json").read_text())["Records"], notes)
    assert tags(facts) == ["1.4", "1", "latest"]
    assert notes.calls == []
