"""The FIFO queues before the writers: one message group per repository."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypedDict

from ecr_steward.queues.later import retry_in
from ecr_steward.words.hints import REGISTRY, Hint

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import (
        MessageAttributeValueTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )


FIRST, SINCE = "First", "Since"
"""Attributes of a message sent again: the id of the first one, and since when it waits."""

WHY = "ERROR_MESSAGE"
"""The attribute that says why a message is in a failure queue, by EventBridge's name for it."""

_WHY = 1000

log = logging.getLogger(__name__)


class _Message(TypedDict):
    MessageBody: str
    MessageGroupId: str
    MessageDeduplicationId: str


_BATCH = 10
_GROUP = 128
_DEDUPLICATION = 128


def group_id(repository: str) -> str:
    """The message group of a repository: its name, shortened by its hash above 128 characters.

    SQS takes at most 128 characters (SQS API: SendMessage, MessageGroupId); ECR's repository
    names have up to 256. The registry's own settings have a group too.
    """
    if repository == REGISTRY:
        return "registry"
    if len(repository) <= _GROUP:
        return repository
    return f"{repository[:63]}-{hashlib.sha256(repository.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Received:
    """One record of an SQS event; `first` is the id under which it was sent first, `receives` how
    often SQS gave it out, this time included, and `since` when it began to wait: epoch
    milliseconds."""

    id: str
    first: str
    group: str
    body: str
    receipt_handle: str
    receives: int
    since: int

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Received:
        attributes = record.get("attributes", {})
        carried = record.get("messageAttributes", {})
        return cls(
            id=record["messageId"],
            first=carried.get(FIRST, {}).get("stringValue", record["messageId"]),
            group=attributes.get("MessageGroupId", ""),
            body=record["body"],
            receipt_handle=record["receiptHandle"],
            receives=int(attributes.get("ApproximateReceiveCount", 1)),
            since=_number(carried, SINCE) or int(attributes.get("SentTimestamp", 0)),
        )


def _number(attributes: Mapping[str, Any], name: str) -> int:
    return int(attributes.get(name, {}).get("stringValue", 0))


class HintQueue:
    """Sends hints to a FIFO queue; the cause's id deduplicates, never the content.

    `client` gives the client of SQS, when it is first needed; `failure_url` is the queue's failure
    queue, for a writer.
    """

    def __init__(self, client: Callable[[], SQSClient], url: str, failure_url: str = "") -> None:
        self._client = client
        self._url = url
        self._failure_url = failure_url

    def send(self, hint: Hint) -> None:
        """Send one hint."""
        self._client().send_message(QueueUrl=self._url, **_message(hint))

    def send_all(self, hints: Iterable[Hint]) -> None:
        """Send hints, ten a call. Raises RuntimeError if SQS refused one, after trying all."""
        failed: list[str] = []
        for batch in _batches(hints):
            answer = self._client().send_message_batch(
                QueueUrl=self._url,
                Entries=[_entry(i, hint) for i, hint in enumerate(batch)],
            )
            failed += [f"{each['Id']}: {each['Code']}" for each in answer.get("Failed", ())]
        if failed:
            raise RuntimeError(f"SQS refused {len(failed)} messages: {', '.join(failed[:5])}.")

    def send_again(self, message: Received) -> None:
        """Send a message once more that was received and not worked on.

        Its id deduplicates: the cause's own would drop it within five minutes of the first sending.
        """
        self._send_on(self._url, message, _carried(message))

    def give_up(self, message: Received, why: str) -> None:
        """Put a message into the failure queue, with why; the caller acknowledges it."""
        # SQS takes no control characters (SQS API: MessageAttributeValue).
        said = "".join(each if each.isprintable() else " " for each in why)[:_WHY]
        self._send_on(
            self._failure_url, message, {WHY: {"DataType": "String", "StringValue": said or "?"}}
        )

    def _send_on(
        self, url: str, message: Received, attributes: dict[str, MessageAttributeValueTypeDef]
    ) -> None:
        self._client().send_message(
            QueueUrl=url,
            MessageBody=message.body,
            MessageGroupId=message.group,
            MessageDeduplicationId=message.id,
            MessageAttributes=attributes,
        )

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        """Let a message that failed be received again in `seconds`."""
        retry_in(self._client(), self._url, receipt_handle, seconds)


def _carried(message: Received) -> dict[str, MessageAttributeValueTypeDef]:
    return {
        FIRST: {"DataType": "String", "StringValue": message.first},
        SINCE: {"DataType": "Number", "StringValue": str(message.since)},
    }


def send_or_log(queue: HintQueue, url: str, env: Mapping[str, str]) -> Callable[[Hint], None]:
    """What hands hints on: the queue, or under `sam local invoke`, where `!Ref` gives no address
    but the queue's logical id, a line in the log."""
    if env.get("AWS_SAM_LOCAL") == "true" and not url.startswith("http"):
        return lambda hint: log.info("No queue here; it would get %s", hint.to_message())
    return queue.send


def _message(hint: Hint) -> _Message:
    cause = hint.cause.id
    if len(cause) > _DEDUPLICATION:
        cause = hashlib.sha256(cause.encode()).hexdigest()
    return {
        "MessageBody": hint.to_message(),
        "MessageGroupId": group_id(hint.repository),
        "MessageDeduplicationId": cause,
    }


def _entry(number: int, hint: Hint) -> SendMessageBatchRequestEntryTypeDef:
    return {"Id": str(number), **_message(hint)}  # type: ignore[typeddict-item]  # mypy: ** of less


def _batches(hints: Iterable[Hint]) -> Iterator[list[Hint]]:
    rest = iter(hints)
    while batch := list(islice(rest, _BATCH)):
        yield batch
