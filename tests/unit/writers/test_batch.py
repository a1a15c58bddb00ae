"""A batch of queue messages: one repository's fault costs no other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from ecr_steward.queues.hints import Received
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import MalformedEvent
from ecr_steward.writers.batch import handle
from tests.support.facts import returned, sqs_record

MAX_TRIES = 5


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
    """Notes what it is asked to do; visits to the repositories of `broken` fail."""

    def __init__(self, *broken: str, error: Exception | None = None) -> None:
        self.visits: list[tuple[str, list[str | None]]] = []
        self.given_up: list[tuple[Received, Hint | None, Exception]] = []
        self.retries: dict[str, int] = {}
        self.again: list[Received] = []
        self._broken = broken
        self._error = error or RuntimeError("ECR is out of reach.")

    def visit(self, repository: str, hints: Sequence[Hint]) -> None:
        self.visits.append((repository, [hint.tag for hint in hints]))
        if repository in self._broken:
            raise self._error

    def give_up(self, message: Received, hint: Hint | None, error: Exception) -> None:
        self.given_up.append((message, hint, error))

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        self.retries[receipt_handle] = seconds

    def send_again(self, message: Received) -> None:
        self.again.append(message)

    def may_begin(self) -> bool:
        """Whether there is time for another visit."""
        return True

    def run(self, *records: dict[str, Any], last: int = MAX_TRIES) -> list[str]:
        answer = handle(
            records,
            visit=self.visit,
            give_up=self.give_up,
            retry_in=self.retry_in,
            send_again=self.send_again,
            max_tries=last,
            may_begin=self.may_begin,
        )
        return returned(answer)


def test_each_repository_is_visited_once_with_all_its_hints_in_order() -> None:
    writer = Writer()
    batch = [message("a", "1"), message("b", "2"), message("a", "3"), message("b", "4")]
    assert writer.run(*batch) == []
    assert writer.visits == [("a", ["1", "3"]), ("b", ["2", "4"])]
    assert writer.retries == {}
    assert writer.given_up == []


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
    for receives, seconds in [(1, 2), (2, 4), (3, 8), (5, 32), (6, 60), (20, 60)]:
        writer = Writer("a")
        writer.run(message("a", receives=receives), message("b", receives=receives), last=21)
        assert writer.retries == {"receipt-a:1.4.2": seconds}


def test_what_was_given_up_does_not_hold_its_repository_any_longer() -> None:
    writer = Writer("a")
    writer.run(message("a", receives=MAX_TRIES), poison("b", receives=MAX_TRIES))
    assert writer.retries == {"receipt-a:1.4.2": 0, "receipt-b:poison": 0}


def test_a_poison_message_is_received_again_soon_too() -> None:
    writer = Writer()
    writer.run(poison("a", receives=2))
    assert writer.retries == {"receipt-a:poison": 4}


@pytest.mark.parametrize("receives", range(1, MAX_TRIES))
def test_nothing_is_given_up_before_the_last_try(receives: int) -> None:
    writer = Writer("a")
    assert writer.run(message("a", receives=receives), poison("b", receives=receives))
    assert writer.given_up == []


def test_at_its_last_try_a_message_is_given_up_and_still_returned() -> None:
    receives, error = MAX_TRIES, RuntimeError("ECR is out of reach.")
    writer = Writer("a", error=error)
    got = writer.run(message("a", receives=receives), message("b", receives=receives))
    assert got == ["a:1.4.2"]
    ((given_up, hint, why),) = writer.given_up
    assert (given_up.id, given_up.group, given_up.tries) == ("a:1.4.2", "a", receives)
    assert hint is not None
    assert (hint.repository, hint.tag, why) == ("a", "1.4.2", error)


def test_of_one_repositorys_messages_only_those_at_their_last_try_are_given_up() -> None:
    writer = Writer("a")
    got = writer.run(message("a", "1", receives=MAX_TRIES), message("a", "2", receives=1))
    assert got == ["a:1", "a:2"]
    assert [given_up.id for given_up, _, _ in writer.given_up] == ["a:1"]


def test_a_poison_message_is_given_up_without_a_hint() -> None:
    writer = Writer()
    writer.run(poison("a", receives=MAX_TRIES))
    ((given_up, hint, why),) = writer.given_up
    assert (given_up.group, hint) == ("a", None)
    assert isinstance(why, MalformedEvent)


def test_a_fault_of_the_queue_while_the_visibility_is_shortened_is_survived() -> None:
    class Deaf(Writer):
        def retry_in(self, receipt_handle: str, seconds: int) -> None:
            raise ConnectionError("The queue is out of reach.")

    writer = Deaf("a", "c")
    assert writer.run(message("a"), message("b"), message("c")) == ["a:1.4.2", "c:1.4.2"]


def test_a_fault_while_giving_up_costs_neither_the_answer_nor_the_next_message() -> None:
    class Mute(Writer):
        def give_up(self, message: Received, hint: Hint | None, error: Exception) -> None:
            super().give_up(message, hint, error)
            raise ConnectionError("The table is out of reach.")

    writer = Mute("a", "b")
    batch = [message(each, receives=MAX_TRIES) for each in "ab"]
    assert writer.run(*batch) == ["a:1.4.2", "b:1.4.2"]
    assert len(writer.given_up) == 2
    assert len(writer.retries) == 2


def test_a_failure_is_logged_with_its_repository(caplog: pytest.LogCaptureFixture) -> None:
    Writer("a").run(message("a", receives=3), poison("b"))
    logged = [(vars(each)["repository"], vars(each)["tries"]) for each in caplog.records]
    assert sorted(logged) == [("a", 3), ("b", 1)]


def test_an_empty_batch_fails_nothing() -> None:
    assert Writer().run() == []


def test_a_record_without_attributes_is_a_first_receive_of_no_group() -> None:
    record = sqs_record("{", "m")
    del record["attributes"]
    read = Received.from_record(record)
    assert (read.group, read.tries, read.since) == ("", 1, 0)


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
    record = message("a", receives=2)
    record["messageAttributes"] = {"Tries": {"stringValue": "3", "dataType": "Number"}}
    assert writer.run(record) == ["a:1.4.2"]
    ((given_up, _, _),) = writer.given_up
    assert given_up.tries == MAX_TRIES


def test_a_message_whose_last_try_was_killed_is_given_up_without_another() -> None:
    writer = Writer()
    got = writer.run(message("a", "1", receives=MAX_TRIES + 1), message("a", "2"))
    assert got == ["a:1"]
    assert writer.visits == [("a", ["2"])]
    ((given_up, _, why),) = writer.given_up
    assert (given_up.id, str(why)) == ("a:1", "The last try did not come to an end.")
    assert writer.retries == {"receipt-a:1": 0}
