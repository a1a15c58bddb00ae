"""Moves of messages from a queue to another one, which ministack does not know.

Loaded by ministack_server.py, with ministack's own interpreter.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any


class Moves:
    """StartMessageMoveTask and ListMessageMoveTasks of SQS, over `queues`, ministack's module.

    A move is done when it is asked for, and its messages are new ones then, with ids of their own
    (SQS Developer Guide: dead-letter queue redrive).
    """

    def __init__(self, queues: Any) -> None:
        self._queues = queues
        self._done: dict[str, dict[str, Any]] = {}

    def handlers(self) -> dict[str, Callable[[Mapping[str, Any], str], dict[str, Any]]]:
        """What answers each operation."""
        return {"StartMessageMoveTask": self._start, "ListMessageMoveTasks": self._list}

    def _start(self, asked: Mapping[str, Any], _: str) -> dict[str, Any]:
        source, destination = asked["SourceArn"], asked["DestinationArn"]
        if not any(map(_gives_up_to(source), self._queues._queues.values())):
            said = "Source queue must be configured as a Dead Letter Queue."
            raise self._queues._Err("InvalidParameterValue", said)
        held, to = self._queue(source), self._queue(destination)
        messages, held["messages"] = held["messages"], []
        for each in messages:
            self._send(each, to)
        self._done[source] = {
            "Status": "COMPLETED",
            "SourceArn": source,
            "DestinationArn": destination,
            "ApproximateNumberOfMessagesMoved": len(messages),
        }
        return {"TaskHandle": str(uuid.uuid4())}

    def _list(self, asked: Mapping[str, Any], _: str) -> dict[str, Any]:
        done = self._done.get(asked["SourceArn"])
        return {"Results": [done] if done else []}

    def _queue(self, arn: str) -> Any:
        found = self._queues._queue_by_arn(arn)
        if found is None:
            raise self._queues._Err("ResourceNotFoundException", f"There is no queue {arn}.")
        return found

    def _send(self, message: Mapping[str, Any], to: Mapping[str, Any]) -> None:
        grouped = {
            "MessageGroupId": message["group_id"],
            "MessageDeduplicationId": str(uuid.uuid4()),
        }
        self._queues._act_send_message(
            {
                "MessageBody": message["body"],
                "MessageAttributes": message["message_attributes"],
                **(grouped if to["is_fifo"] else {}),
            },
            to["url"],
        )


def _gives_up_to(arn: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a queue gives up what it cannot deliver to the queue with this ARN."""

    def gives_up(queue: Mapping[str, Any]) -> bool:
        policy = json.loads(queue["attributes"].get("RedrivePolicy") or "{}")
        return bool(policy.get("deadLetterTargetArn") == arn)

    return gives_up
