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
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef


TRIES, SINCE = "Tries", "Since"
"""Attributes of a message sent again: how often it was tried before, and since when it waits."""

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
    """One record of an SQS event; `tries` is how often it was received to be worked on, this time
    included, and `since` how long it has been waiting: epoch milliseconds."""

    id: str
    group: str
    body: str
    receipt_handle: str
    tries: int
    since: int

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Received:
        attributes = record.get("attributes", {})
        carried = record.get("messageAttributes", {})
        return cls(
            id=record["messageId"],
            group=attributes.get("MessageGroupId", ""),
            body=record["body"],
            receipt_handle=record["receiptHandle"],
            tries=int(attributes.get("ApproximateReceiveCount", 1)) + _number(carried, TRIES),
            since=_number(carried, SINCE) or int(attributes.get("SentTimestamp", 0)),
        )


def _number(attributes: Mapping[str, Any], name: str) -> int:
    return int(attributes.get(name, {}).get("stringValue", 0))


class HintQueue:
    """Sends hints to a FIFO queue; the cause's id deduplicates, never the content.

    `client` gives the client of SQS, when it is first needed.
    """

    def __init__(self, client: Callable[[], SQSClient], url: str) -> None:
        self._client = client
        self._url = url

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
        """Send a message once more that was received and not worked on, as often tried as before.

        Its id deduplicates: the cause's own would drop it within five minutes of the first sending.
        """
        carried = {TRIES: message.tries - 1, SINCE: message.since}
        self._client().send_message(
            QueueUrl=self._url,
            MessageBody=message.body,
            MessageGroupId=message.group,
            MessageDeduplicationId=message.id,
            MessageAttributes={
                name: {"DataType": "Number", "StringValue": str(value)}
                for name, value in carried.items()
            },
        )

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        """Let a message that failed be received again in `seconds`."""
        retry_in(self._client(), self._url, receipt_handle, seconds)


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
