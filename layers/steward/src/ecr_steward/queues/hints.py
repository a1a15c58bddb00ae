"""The FIFO queues before the writers: one message group per repository."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from ecr_steward.words.hints import REGISTRY, Hint

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from ecr_steward.writers.batch import Message

TRIES, SINCE = "Tries", "Since"
"""Attributes of a message sent again: how often it was tried before, and since when it waits."""

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


class HintQueue:
    """Sends hints to a FIFO queue; the cause's id deduplicates, never the content."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client: Any = client
        self._url = url

    def send(self, hint: Hint) -> None:
        """Send one hint."""
        self._client.send_message(QueueUrl=self._url, **_message(hint))

    def send_all(self, hints: Iterable[Hint]) -> None:
        """Send hints, ten a call. Raises RuntimeError if SQS refused one, after trying all."""
        failed: list[str] = []
        for batch in _batches(hints):
            answer = self._client.send_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(i), **_message(hint)} for i, hint in enumerate(batch)],
            )
            failed += [f"{each['Id']}: {each['Code']}" for each in answer.get("Failed", ())]
        if failed:
            raise RuntimeError(f"SQS refused {len(failed)} messages: {', '.join(failed[:5])}.")

    def send_again(self, message: Message) -> None:
        """Send a message once more that was received and not worked on, as often tried as before.

        Its id deduplicates: the cause's own would drop it within five minutes of the first sending.
        """
        carried = {TRIES: message.tries - 1, SINCE: message.since}
        self._client.send_message(
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
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )


def _message(hint: Hint) -> dict[str, str]:
    cause = hint.cause.id
    if len(cause) > _DEDUPLICATION:
        cause = hashlib.sha256(cause.encode()).hexdigest()
    return {
        "MessageBody": hint.to_message(),
        "MessageGroupId": group_id(hint.repository),
        "MessageDeduplicationId": cause,
    }


def _batches(hints: Iterable[Hint]) -> Iterator[list[Hint]]:
    rest = iter(hints)
    while batch := list(islice(rest, _BATCH)):
        yield batch
