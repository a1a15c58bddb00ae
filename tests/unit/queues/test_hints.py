"""Hints to the FIFO queue: groups, deduplication, batches of ten."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ecr_steward.queues.hints import HintQueue, Received, group_id, send_or_log
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from tests.support.facts import NEW

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/retag.fifo"
HINT = Hint(
    repository="base/redis",
    action=Action.PUSH,
    tag="1.4.2",
    digest=NEW,
    cause=Cause("event-1", "ECR Image Action"),
    time=datetime(2026, 11, 23, 2, 24, tzinfo=UTC),
)


class FakeSqs:
    """Keeps what it was asked; refuses the entries of a batch whose repository is in `refuse`."""

    def __init__(self, refuse: frozenset[str] = frozenset()) -> None:
        self.sent: list[dict[str, Any]] = []
        self.batches: list[list[dict[str, Any]]] = []
        self.visibility: list[dict[str, Any]] = []
        self._refuse = refuse

    def send_message(self, **asked: Any) -> dict[str, Any]:
        self.sent.append(asked)
        return {}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        assert QueueUrl == URL
        self.batches.append(Entries)
        refused = [each for each in Entries if each["MessageGroupId"] in self._refuse]
        if not refused:
            return {"Successful": Entries}
        return {"Failed": [{"Id": each["Id"], "Code": "InternalError"} for each in refused]}

    def change_message_visibility(self, **asked: Any) -> None:
        self.visibility.append(asked)


def queue(sqs: FakeSqs) -> HintQueue:
    client: Any = sqs
    return HintQueue(lambda: client, URL)


@pytest.mark.parametrize("name", ["base/redis", "r" * 128])
def test_the_group_is_the_repositorys_name(name: str) -> None:
    assert group_id(name) == name


def test_the_group_of_a_name_above_128_characters_is_cut_and_told_apart_by_its_hash() -> None:
    one, other = "r" * 200 + "a", "r" * 200 + "b"
    assert len(group_id(one)) == 128
    assert group_id(one).startswith("r" * 63 + "-")
    assert group_id(one) == group_id(one)
    assert group_id(one) != group_id(other)


def test_a_hint_is_sent_whole_in_its_repositorys_group_and_under_its_causes_id() -> None:
    sqs = FakeSqs()
    queue(sqs).send(HINT)
    (sent,) = sqs.sent
    assert sent.pop("MessageBody") == HINT.to_message()
    assert sent == {
        "QueueUrl": URL,
        "MessageGroupId": "base/redis",
        "MessageDeduplicationId": "event-1",
    }


def test_a_b_and_a_again_are_three_messages_and_the_same_event_twice_is_one() -> None:
    sqs = FakeSqs()
    for event, digest in [("1", "a"), ("2", "b"), ("3", "a"), ("3", "a")]:
        cause = Cause(event, "ECR Image Action")
        queue(sqs).send(replace(HINT, cause=cause, digest=f"sha256:{digest * 64}"))
    assert [each["MessageDeduplicationId"] for each in sqs.sent] == ["1", "2", "3", "3"]


def test_a_long_id_of_a_cause_is_hashed_to_what_sqs_accepts() -> None:
    sqs = FakeSqs()
    long = [Cause("sweep/" + "r" * 250 + end, "Sweep") for end in "ab"]
    for cause in long:
        queue(sqs).send(replace(HINT, cause=cause))
    ids = [each["MessageDeduplicationId"] for each in sqs.sent]
    assert len(set(ids)) == 2
    assert all(len(each) == 64 for each in ids)


def test_many_hints_go_ten_a_call_in_order() -> None:
    sqs = FakeSqs()
    names = [f"apps/{n:02}" for n in range(23)]
    queue(sqs).send_all(replace(HINT, repository=name) for name in names)
    assert [len(batch) for batch in sqs.batches] == [10, 10, 3]
    assert [each["MessageGroupId"] for batch in sqs.batches for each in batch] == names
    assert all(len({each["Id"] for each in batch}) == len(batch) for batch in sqs.batches)


def test_no_hint_is_no_call() -> None:
    sqs = FakeSqs()
    queue(sqs).send_all([])
    assert sqs.batches == []


def test_what_sqs_refuses_is_an_error_after_all_the_others_were_sent() -> None:
    sqs = FakeSqs(refuse=frozenset({"apps/03"}))
    hints = [replace(HINT, repository=f"apps/{n:02}") for n in range(23)]
    with pytest.raises(RuntimeError, match=r"refused 1 messages: 3: InternalError"):
        queue(sqs).send_all(hints)
    assert sum(map(len, sqs.batches)) == 23


def test_a_message_that_failed_is_received_again_in_the_seconds_asked_for() -> None:
    sqs = FakeSqs()
    queue(sqs).retry_in("receipt", 8)
    assert sqs.visibility == [{"QueueUrl": URL, "ReceiptHandle": "receipt", "VisibilityTimeout": 8}]


def test_a_message_sent_again_is_the_same_with_what_it_has_behind_it() -> None:
    sqs = FakeSqs()
    message = Received(
        "id-7", "id-1", "base/redis", HINT.to_message(), "receipt", receives=3, since=1795400640
    )
    queue(sqs).send_again(message)
    (sent,) = sqs.sent
    assert (sent["MessageBody"], sent["MessageGroupId"]) == (HINT.to_message(), "base/redis")
    assert sent["MessageDeduplicationId"] == "id-7"
    received = {
        "messageId": "id-8",
        "body": sent["MessageBody"],
        "receiptHandle": "receipt",
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1795400999"},
        "messageAttributes": {
            name: {"dataType": value["DataType"], "stringValue": value["StringValue"]}
            for name, value in sent["MessageAttributes"].items()
        },
    }
    again = Received.from_record(received)
    assert (again.id, again.first, again.since) == ("id-8", "id-1", message.since)


def test_a_message_that_is_given_up_is_in_the_failure_queue_with_why() -> None:
    sqs = FakeSqs()
    client: Any = sqs
    message = Received("id-7", "id-1", "base/redis", "body", "receipt", receives=3, since=0)
    failing = HintQueue(lambda: client, URL, "https://failed")
    failing.give_up(message, "It broke.\x00\n" + "x" * 9999)
    (sent,) = sqs.sent
    assert (sent["QueueUrl"], sent["MessageBody"]) == ("https://failed", "body")
    (why,) = sent["MessageAttributes"].values()
    assert why["StringValue"].startswith("It broke.  xxx")
    assert len(why["StringValue"]) == 1000
    # A message that is moved back begins anew.
    assert "First" not in sent["MessageAttributes"]


def test_sam_local_invoke_logs_the_hint_where_there_is_no_queue(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("ecr_steward"), "propagate", True)
    with caplog.at_level(logging.INFO, logger="ecr_steward"):
        send_or_log(queue(FakeSqs()), "RetagQueue", {"AWS_SAM_LOCAL": "true"})(HINT)
    said, brace, rest = caplog.messages[-1].partition("{")
    assert said == "No queue here; it would get "
    assert json.loads(brace + rest)["repository"] == HINT.repository


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({"AWS_SAM_LOCAL": "true"}, "http://queue"),
        ({}, "https://queue"),
        ({}, "RetagQueue"),
        ({"AWS_SAM_LOCAL": "false"}, "x"),
    ],
)
def test_everywhere_else_the_hint_goes_to_the_queue(env: dict[str, str], url: str) -> None:
    sqs = FakeSqs()
    send_or_log(queue(sqs), url, env)(HINT)
    assert [sent["MessageGroupId"] for sent in sqs.sent] == [HINT.repository]
