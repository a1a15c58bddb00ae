"""What SQS on the local cloud moves from queue to queue, and where it refuses to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from local.ministack_moves import Moves

FAILED, WORK = (
    "arn:aws:sqs:eu-west-1:123456789012:failed",
    "arn:aws:sqs:eu-west-1:123456789012:work",
)
MOVE = {"SourceArn": FAILED, "DestinationArn": WORK}


class Refused(Exception):
    """An error of SQS: its code and its message."""


class Queues:
    """ministack's module for SQS: a queue of work, and the one where it gives up."""

    _Err = Refused

    def __init__(self, *, redrive: bool = True, fifo: bool = True) -> None:
        policy = {"deadLetterTargetArn": FAILED, "maxReceiveCount": 5} if redrive else {}
        work = {"RedrivePolicy": json.dumps(policy)}
        self.failed = {"is_fifo": fifo, "attributes": {}, "messages": [message("a"), message("b")]}
        self.work = {"is_fifo": fifo, "attributes": work, "messages": [], "url": "work"}
        self._queues = {"failed": self.failed, "work": self.work}
        self.sent: list[Mapping[str, Any]] = []

    def _queue_by_arn(self, arn: str) -> dict[str, Any] | None:
        return self._queues.get(arn.rpartition(":")[2])

    def _act_send_message(self, asked: Mapping[str, Any], url: str) -> None:
        self.sent.append({**asked, "to": url})


def message(body: str) -> dict[str, Any]:
    return {"body": body, "group_id": f"of-{body}", "message_attributes": {"Why": body}}


def asked(queues: Queues, operation: str, **given: str) -> dict[str, Any]:
    moves = Moves(queues).handlers()
    moves["StartMessageMoveTask"](MOVE, "")
    return moves[operation]({**MOVE, **given}, "")


def test_every_message_is_moved_with_its_group_and_attributes_and_is_a_new_one_then() -> None:
    queues = Queues()
    asked(queues, "ListMessageMoveTasks")
    assert queues.failed["messages"] == []
    ids = {each["MessageDeduplicationId"] for each in queues.sent}
    assert len(ids) == 2
    assert [(each["MessageBody"], each["MessageGroupId"], each["to"]) for each in queues.sent] == [
        ("a", "of-a", "work"),
        ("b", "of-b", "work"),
    ]
    assert queues.sent[0]["MessageAttributes"] == {"Why": "a"}


def test_what_was_moved_is_listed() -> None:
    (task,) = asked(Queues(), "ListMessageMoveTasks")["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 2)


def test_of_another_queue_nothing_is_listed() -> None:
    assert asked(Queues(), "ListMessageMoveTasks", SourceArn=WORK) == {"Results": []}


def test_a_queue_without_groups_gets_none() -> None:
    queues = Queues(fifo=False)
    asked(queues, "ListMessageMoveTasks")
    assert "MessageGroupId" not in queues.sent[0]


def test_a_queue_to_which_nothing_gives_up_is_refused() -> None:
    with pytest.raises(Refused, match="must be configured as a Dead Letter Queue"):
        asked(Queues(redrive=False), "ListMessageMoveTasks")


def test_a_queue_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused, match="There is no queue"):
        asked(Queues(), "StartMessageMoveTask", DestinationArn=f"{WORK}-2")
