"""The failure queues of a stack: what a message in one of them says, and taking messages out.

Nothing here sends anything back: what is looked at stays, and only `done` deletes.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ecr_steward.words.calls import Call, deletions
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import IMAGE_ACTION, REGISTRY, Hint
from ecr_steward.words.reading import MalformedEvent
from ecr_steward_cli.deployed.stack import Stack

_SUFFIX = "FailureQueueUrl"
_AT_ONCE = 10  # most messages that one call of SQS takes
_HIDDEN = 600  # seconds in which nobody else sees a message that is looked at
_WAIT = 1  # second of long polling: a short poll may find nothing where something is


@dataclass(frozen=True, slots=True)
class FailedMessage:
    """One message of a failure queue.

    `what` says what it is, `why` why it is here, as far as that is known; `document` is its body,
    or what Lambda was called with where the body is Lambda's record of a failure.
    """

    id: str
    receipt_handle: str
    body: str
    document: Mapping[str, Any]
    what: str
    why: str
    since: datetime

    @property
    def repository(self) -> str | None:
        """The repository that it is about; None where it names none."""
        return _repository(self.document)


def names(stack: Stack) -> list[str]:
    """The failure queues of a stack."""
    return sorted(key.removesuffix("Url") for key in stack.outputs if key.endswith(_SUFFIX))


@contextlib.contextmanager
def looked_at(stack: Stack, queue: str, most: int) -> Iterator[list[FailedMessage]]:
    """Up to `most` messages of a queue; at the end all that were not `done` are visible again.

    Of a FIFO queue each message group shows its first messages only.
    """
    messages: list[FailedMessage] = []
    try:
        while len(messages) < most and (received := _received(stack, queue, most - len(messages))):
            messages += [_read(stack, each) for each in received]
        yield messages
    finally:
        _show_again(stack, queue, messages)


def done(stack: Stack, queue: str, messages: Iterable[FailedMessage]) -> None:
    """Delete messages that went back: these, and no other of the queue."""
    client, url = stack.client("sqs"), stack.output(f"{queue}Url")
    for each in messages:
        client.delete_message(QueueUrl=url, ReceiptHandle=each.receipt_handle)


def _received(stack: Stack, queue: str, most: int) -> list[Mapping[str, Any]]:
    answer = stack.client("sqs").receive_message(
        QueueUrl=stack.output(f"{queue}Url"),
        MaxNumberOfMessages=min(most, _AT_ONCE),
        VisibilityTimeout=_HIDDEN,
        WaitTimeSeconds=_WAIT,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return list(answer.get("Messages", ()))


def _show_again(stack: Stack, queue: str, messages: Sequence[FailedMessage]) -> None:
    client, url = stack.client("sqs"), stack.output(f"{queue}Url")
    for start in range(0, len(messages), _AT_ONCE):
        entries = [
            {"Id": str(n), "ReceiptHandle": each.receipt_handle, "VisibilityTimeout": 0}
            for n, each in enumerate(messages[start : start + _AT_ONCE])
        ]
        # One that was deleted cannot be shown again, and SQS says so entry by entry.
        client.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def _read(stack: Stack, message: Mapping[str, Any]) -> FailedMessage:
    record = _object(message["Body"])
    inner = record.get("requestPayload", record)
    document = inner if isinstance(inner, Mapping) else {}
    sent = int(message.get("Attributes", {}).get("SentTimestamp", 0))
    return FailedMessage(
        id=message["MessageId"],
        receipt_handle=message["ReceiptHandle"],
        body=message["Body"],
        document=document,
        what=_what(document),
        why=_why(stack, record, document, message.get("MessageAttributes", {})),
        since=datetime.fromtimestamp(sent / 1000, UTC),
    )


def _object(body: str) -> Mapping[str, Any]:
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(body)
        if isinstance(document, Mapping):
            return document
    return {}


def _what(document: Mapping[str, Any]) -> str:
    """What a message is, in words; every sort has a key that no other has."""
    if "DDBStreamBatchInfo" in document:
        found = document["DDBStreamBatchInfo"]
        return f"{found.get('batchSize', 'some')} records of the history, not published"
    if "fact" in document:
        return f"a fact of the history, {document['fact'].get('sk', 'unknown')}"
    if "retry" in document:
        return f"what channel `{document['retry'].get('channel', 'unknown')}` is owed"
    repository = _repository(document)
    subject = {None: "", REGISTRY: " in the registry"}.get(repository, f" in {repository}")
    if "detail-type" in document:
        return f"{document['detail-type']}{subject}"
    if "action" in document:
        return f"{document['action']}{subject}"
    if "glob" in document:
        return f"a sweep of `{document['glob']}` by hand"
    return "the schedule's event" if "time" in document else "not readable"


def _repository(document: Mapping[str, Any]) -> str | None:
    if isinstance(document.get("repository"), str):
        return str(document["repository"])
    if "detail" not in document:
        return None
    with contextlib.suppress(MalformedEvent):
        if document.get("detail-type") == IMAGE_ACTION:
            hint = Hint.from_ecr(document)
            return None if hint is None else hint.repository
        call = Call.from_cloudtrail(document)
        if call is not None:
            return call.repository
        return next((each.repository for each in deletions(document)), None)
    return None


def _why(
    stack: Stack,
    record: Mapping[str, Any],
    document: Mapping[str, Any],
    attributes: Mapping[str, Any],
) -> str:
    """From the message itself, else what the history says of its repository, else unknown."""
    answer = record.get("responsePayload")
    said = [
        answer.get("errorMessage") if isinstance(answer, Mapping) else None,
        record.get("reason"),
        attributes.get("ERROR_MESSAGE", {}).get("StringValue"),
        attributes.get("ERROR_CODE", {}).get("StringValue"),
        _failed_fact(stack, document),
        _condition(record),
    ]
    return next((str(each) for each in said if each), "not known: see the function's log")


def _condition(record: Mapping[str, Any]) -> str | None:
    """Why Lambda gave up (Lambda API: the record of an OnFailure destination)."""
    context = record.get("requestContext")
    return context.get("condition") if isinstance(context, Mapping) else None


def _failed_fact(stack: Stack, document: Mapping[str, Any]) -> str | None:
    """What `Steward Failed` last said of the repository of a writer's message."""
    repository = document.get("repository")
    if not isinstance(repository, str) or "action" not in document:
        return None
    name = "" if repository == REGISTRY else repository
    reasons = [fact.reason for fact in stack.history().facts(name) if fact.kind is FactKind.FAILED]
    return reasons[-1] if reasons else None
