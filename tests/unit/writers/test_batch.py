"""A batch of queue messages: one repository's fault costs no other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from ecr_steward.ecr import Unavailable
from ecr_steward.history.tries import Tries
from ecr_steward.queues.hints import Received
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import MalformedEvent
from ecr_steward.writers.batch import Batch, Counted, Failure, Limits, Outcomes
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.facts import returned, sqs_record
from tests.support.world import BEGINNING, Killed

MAX_TRIES = 5
LIMITS = Limits(tries=MAX_TRIES, receives=100)


def message(repository: str, tag: str = "1.4.2", receives: int = 1) -> dict[str, Any]:
    hint = Hint(
        repository=repository,
        action=Action.PUSH,
        tag=tag,
        digest=None,
        cause=Cause(f"event-{repository}-{tag}", "ECR Image Action"),
        time=datetime(2026, 11, 23, 2, 24, tzinfo=UTC),
    )
    return sqs_record(hint.to_message(), f"{repository}:{tag}", receives, group=repository)


def poison(repository: str, receives: int = 1, body: str = "{") -> dict[str, Any]:
    return sqs_record(body, f"{repository}:poison", receives, group=repository)


class Writer:
    """A queue and a visitor that note what they are asked; visits to `broken` repositories fail."""

    def __init__(self, *broken: str, error: Exception | None = None) -> None:
        self.visits: list[tuple[str, list[str | None]]] = []
        self.dead: list[tuple[str, str]] = []
        self.told: list[Failure] = []
        self.retries: dict[str, int] = {}
        self.again: list[Received] = []
        self.tries: Counted = Tries(MemoryTable(), lambda: BEGINNING)
        self._broken = broken
        self.error = error or RuntimeError("It broke.")

    def visit(self, repository: str, hints: Sequence[Hint]) -> None:
        self.visits.append((repository, [hint.tag for hint in hints]))
        if repository in self._broken:
            raise self.error

    def tell(self, failure: Failure) -> None:
        self.told.append(failure)

    def give_up(self, message: Received, why: str) -> None:
        self.dead.append((message.id, why))

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        self.retries[receipt_handle] = seconds

    def send_again(self, message: Received) -> None:
        self.again.append(message)

    def may_begin(self) -> bool:
        """Whether there is time for another visit."""
        return True

    def handle(self, *records: dict[str, Any]) -> Outcomes:
        batch = Batch(queue=self, tries=self.tries, limits=LIMITS, visit=self.visit, tell=self.tell)
        return batch.handle(records, self.may_begin)

    def run(self, *records: dict[str, Any]) -> list[str]:
        return returned(self.handle(*records).reply)

    def fail(self, times: int) -> None:
        """Let a message of `a` fail so often."""
        for receives in range(1, times + 1):
            self.run(message("a", receives=receives))


THROTTLED = Unavailable("PutImage", "ThrottlingException", "Rate exceeded")


def test_each_repository_is_visited_once_with_all_its_hints_in_order() -> None:
    writer = Writer()
    batch = [message("a", "1"), message("b", "2"), message("a", "3"), message("b", "4")]
    assert writer.run(*batch) == []
    assert writer.visits == [("a", ["1", "3"]), ("b", ["2", "4"])]
    assert writer.retries == {}
    assert writer.dead == []


def test_a_poison_message_costs_no_other_repository_and_no_other_message_of_its_own() -> None:
    writer = Writer()
    got = writer.run(message("a"), poison("b"), message("b"), message("c"))
    assert got == ["b:poison"]
    assert [repository for repository, _ in writer.visits] == ["a", "b", "c"]


@pytest.mark.parametrize("body", ["", "[]", "null", '{"repository": "a"}', "[" * 100_000])
def test_whatever_a_poison_message_holds_it_is_only_returned(body: str) -> None:
    writer = Writer()
    assert writer.run(poison("a", body=body), message("b")) == ["a:poison"]
    assert [repository for repository, _ in writer.visits] == ["b"]


def test_a_visit_that_fails_returns_its_repositorys_messages_and_no_others() -> None:
    writer = Writer("b")
    got = writer.run(message("a"), message("b", "1"), message("c"), message("b", "2"))
    assert got == ["b:1", "b:2"]
    assert [repository for repository, _ in writer.visits] == ["a", "b", "c"]


def test_what_failed_is_received_again_soon_and_later_each_time() -> None:
    for tries, seconds in [(1, 2), (2, 4), (3, 8), (4, 16)]:
        writer = Writer("a")
        writer.fail(tries)
        assert writer.retries == {"receipt-a:1.4.2": seconds}


@pytest.mark.parametrize(("receives", "seconds"), [(1, 2), (5, 32), (9, 512), (10, 900), (99, 900)])
def test_what_passes_is_waited_for_longer_each_time_up_to_fifteen_minutes(
    receives: int, seconds: int
) -> None:
    writer = Writer("a", error=THROTTLED)
    assert writer.run(message("a", receives=receives)) == ["a:1.4.2"]
    assert writer.retries == {"receipt-a:1.4.2": seconds}
    assert (writer.dead, writer.told) == ([], [])


def test_a_message_is_given_up_with_why_when_it_failed_for_the_fifth_time() -> None:
    writer = Writer("a")
    writer.fail(MAX_TRIES - 1)
    assert writer.dead == []
    assert writer.run(message("a", receives=MAX_TRIES), message("b")) == []
    assert writer.dead == [("a:1.4.2", "It broke.")]
    (told,) = writer.told
    assert (told.repository, told.tries, str(told.error)) == ("a", MAX_TRIES, "It broke.")


def test_what_only_waited_has_all_its_tries_left() -> None:
    writer = Writer("a", error=THROTTLED)
    writer.fail(50)
    writer.error = RuntimeError("It broke.")
    for receives in range(51, 51 + MAX_TRIES):
        assert writer.dead == []
        writer.run(message("a", receives=receives))
    assert [id_ for id_, _ in writer.dead] == ["a:1.4.2"]


@pytest.mark.parametrize("error", [THROTTLED, RuntimeError("It broke.")], ids=str)
def test_what_sqs_would_take_at_the_next_receive_is_given_up_with_why(error: Exception) -> None:
    writer = Writer("a", error=error)
    assert writer.run(message("a", receives=LIMITS.receives)) == []
    assert writer.dead == [("a:1.4.2", str(error))]


def test_of_one_repositorys_messages_only_those_at_their_last_try_are_given_up() -> None:
    writer = Writer("a")
    for receives in range(1, MAX_TRIES):
        writer.run(message("a", "1", receives=receives))
    assert writer.run(message("a", "1", receives=MAX_TRIES), message("a", "2")) == ["a:2"]
    assert [id_ for id_, _ in writer.dead] == ["a:1"]


def test_a_poison_message_is_given_up_without_a_hint() -> None:
    writer = Writer()
    for receives in range(1, MAX_TRIES + 1):
        assert writer.dead == []
        writer.run(poison("a", receives=receives))
    (told,) = writer.told
    assert (told.repository, told.hint) == ("a", None)
    assert isinstance(told.error, MalformedEvent)


def test_what_cannot_be_put_into_the_failure_queue_comes_back() -> None:
    class Full(Writer):
        def give_up(self, message: Received, why: str) -> None:
            raise ConnectionError("The queue is out of reach.")

    writer = Full("a")
    writer.fail(MAX_TRIES)
    assert writer.run(message("a", receives=MAX_TRIES + 1)) == ["a:1.4.2"]
    assert writer.told == []


def test_where_tries_cannot_be_counted_nothing_is_given_up() -> None:
    class Lost:
        def begin(self, message: str) -> int:
            raise ConnectionError("The table is out of reach.")

        def excuse(self, message: str) -> None:
            self.begin(message)

    writer = Writer("a")
    writer.tries = Lost()
    for receives in range(1, 50):
        assert writer.run(message("a", receives=receives)) == ["a:1.4.2"]
    assert writer.dead == []


def test_outcomes_are_counted_apart() -> None:
    counted = Writer("a").handle(message("a"), message("b"), poison("c"))
    assert (counted.failed, counted.waiting, counted.given_up) == (2, 0, 0)
    counted = Writer("a", error=THROTTLED).handle(message("a"))
    assert (counted.failed, counted.waiting, counted.given_up) == (0, 1, 0)


def test_a_fault_of_the_queue_while_the_visibility_is_shortened_is_survived() -> None:
    class Deaf(Writer):
        def retry_in(self, receipt_handle: str, seconds: int) -> None:
            raise ConnectionError("The queue is out of reach.")

    writer = Deaf("a", "c")
    assert writer.run(message("a"), message("b"), message("c")) == ["a:1.4.2", "c:1.4.2"]


def test_a_fault_while_telling_costs_neither_the_answer_nor_the_next_message() -> None:
    class Mute(Writer):
        def tell(self, failure: Failure) -> None:
            super().tell(failure)
            raise ConnectionError("The table is out of reach.")

    writer = Mute("a", "b")
    for receives in range(1, MAX_TRIES + 1):
        writer.run(message("a", receives=receives), message("b", receives=receives))
    assert [id_ for id_, _ in writer.dead] == ["a:1.4.2", "b:1.4.2"]
    assert len(writer.told) == 2


def test_a_failure_is_logged_with_its_repository(caplog: pytest.LogCaptureFixture) -> None:
    Writer("a").run(message("a", receives=3), poison("b"))
    logged = [(vars(each)["repository"], vars(each)["receives"]) for each in caplog.records]
    assert sorted(logged) == [("a", 3), ("b", 1)]


def test_only_a_fault_that_is_no_ones_message_is_logged_with_where_it_came_from(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Writer("a").run(message("a"), poison("b"))
    where = {vars(each)["repository"]: each.exc_info for each in caplog.records}
    assert [each is None for each in (where["a"], where["b"])] == [False, True]


def test_what_fails_again_and_again_is_tried_at_least_once_a_minute() -> None:
    writer = Writer("a")
    patient = Limits(tries=20, receives=100)
    batch = Batch(
        queue=writer, tries=writer.tries, limits=patient, visit=writer.visit, tell=writer.tell
    )
    waited: list[int] = []
    for receives in range(1, 9):
        batch.handle([message("a", receives=receives)])
        waited += writer.retries.values()
    assert waited == [2, 4, 8, 16, 32, 60, 60, 60]


def test_an_empty_batch_fails_nothing() -> None:
    assert Writer().run() == []


def test_a_record_without_attributes_is_a_first_receive_of_no_group() -> None:
    record = sqs_record("{", "m")
    del record["attributes"]
    read = Received.from_record(record)
    assert (read.group, read.receives, read.since) == ("", 1, 0)


class Hurried(Writer):
    """Has time for as many visits as it is asked for."""

    def __init__(self, visits: int, *broken: str) -> None:
        super().__init__(*broken)
        self._time = visits

    def may_begin(self) -> bool:
        return len(self.visits) < self._time


def test_repositories_that_there_is_no_time_left_for_are_sent_again() -> None:
    writer = Hurried(2)
    assert writer.run(message("a"), message("b"), message("c", "1"), message("c", "2")) == []
    assert [repository for repository, _ in writer.visits] == ["a", "b"]
    assert [each.id for each in writer.again] == ["c:1", "c:2"]
    assert writer.retries == {}


def test_what_cannot_be_sent_again_is_returned() -> None:
    class Deaf(Hurried):
        def send_again(self, message: Received) -> None:
            raise ConnectionError("The queue is out of reach.")

    writer = Deaf(1)
    assert writer.run(message("a"), message("b")) == ["b:1.4.2"]
    assert writer.retries == {"receipt-b:1.4.2": 0}


def test_the_first_repository_is_always_begun() -> None:
    writer = Hurried(0)
    writer.run(message("a"))
    assert [repository for repository, _ in writer.visits] == ["a"]


def test_who_has_waited_longest_is_visited_first() -> None:
    writer = Writer()
    batch = [message(each) for each in "abc"]
    for record, sent in zip(batch, ["30", "10", "20"], strict=True):
        record["attributes"]["SentTimestamp"] = sent
    batch[0]["messageAttributes"] = {"Since": {"stringValue": "5", "dataType": "Number"}}
    writer.run(*batch)
    assert [repository for repository, _ in writer.visits] == ["a", "b", "c"]


def test_the_tries_before_a_message_was_sent_again_count() -> None:
    writer = Writer("a")
    writer.fail(MAX_TRIES - 1)
    record = {**message("a"), "messageId": "another"}
    record["messageAttributes"] = {"First": {"stringValue": "a:1.4.2", "dataType": "String"}}
    assert writer.run(record) == []
    assert [id_ for id_, _ in writer.dead] == ["another"]


def test_a_message_that_kills_its_function_is_given_up_too() -> None:
    class Killing(Writer):
        def visit(self, repository: str, hints: Sequence[Hint]) -> None:
            super().visit(repository, hints)
            if hints[0].tag == "1":
                raise Killed

    writer = Killing()
    for receives in range(1, MAX_TRIES + 2):
        with pytest.raises(Killed):
            writer.run(message("a", "1", receives=receives))
    assert writer.run(message("a", "1", receives=MAX_TRIES + 2), message("a", "2")) == []
    assert writer.visits[-1] == ("a", ["2"])
    assert writer.dead == [("a:1", "The last try did not come to an end.")]
