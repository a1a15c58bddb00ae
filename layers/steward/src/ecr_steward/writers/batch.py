"""A batch of queue messages: each repository on its own, and only what failed is returned."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecr_steward.words.hints import Hint
from ecr_steward.words.reading import MalformedEvent

log = logging.getLogger(__name__)

_LONGEST_WAIT = 60


class StewardOff(Exception):
    """A writer was called although its mode is off; the message must stay in its queue."""


@dataclass(frozen=True, slots=True)
class Message:
    """One record of an SQS event; `receives` counts this delivery too."""

    id: str
    group: str
    body: str
    receipt_handle: str
    receives: int

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Message:
        attributes = record.get("attributes", {})
        return cls(
            id=record["messageId"],
            group=attributes.get("MessageGroupId", ""),
            body=record["body"],
            receipt_handle=record["receiptHandle"],
            receives=int(attributes.get("ApproximateReceiveCount", 1)),
        )


def handle(
    records: Iterable[Mapping[str, Any]],
    *,
    visit: Callable[[str, Sequence[Hint]], object],
    give_up: Callable[[Message, Hint | None, Exception], None],
    retry_in: Callable[[str, int], None],
    max_receives: int,
    may_begin: Callable[[], bool] = lambda: True,
) -> dict[str, list[dict[str, str]]]:
    """Handle the records of one SQS event, grouped by repository.

    A failure returns only its repository's messages (`ReportBatchItemFailures`), which are
    received again soon: `retry_in` gets the receipt handle and the seconds to wait. `give_up` is
    called for a message that fails for the last time before it goes to the failure queue, at once.
    `may_begin` is asked before each repository but the first: those that there is no time left for
    are returned untouched, to be received again at once.
    """
    failed, groups = _grouped(records)
    left: list[Message] = []
    for i, (repository, members) in enumerate(groups.items()):
        if i and not may_begin():
            left += [message for message, _ in members]
            continue
        try:
            visit(repository, [hint for _, hint in members])
        except Exception as error:  # every fault must cost this repository alone
            failed += [(message, hint, error) for message, hint in members]
    for failure in failed:
        _end(failure, give_up, retry_in, max_receives)
    for message in left:
        log.info("No time left for it in this batch", extra={"message_id": message.id})
        _retry_in(message, 0, retry_in)
    returned = [message for message, _, _ in failed] + left
    return {"batchItemFailures": [{"itemIdentifier": message.id} for message in returned]}


_Failure = tuple[Message, Hint | None, Exception]


def _grouped(
    records: Iterable[Mapping[str, Any]],
) -> tuple[list[_Failure], dict[str, list[tuple[Message, Hint]]]]:
    """The messages that cannot be read, and the others by repository."""
    failed: list[_Failure] = []
    groups: dict[str, list[tuple[Message, Hint]]] = {}
    for message in map(Message.from_record, records):
        try:
            hint = Hint.from_message(message.body)
        except MalformedEvent as error:
            failed.append((message, None, error))
        else:
            groups.setdefault(hint.repository, []).append((message, hint))
    return failed, groups


def _end(
    failure: _Failure,
    give_up: Callable[[Message, Hint | None, Exception], None],
    retry_in: Callable[[str, int], None],
    max_receives: int,
) -> None:
    message = failure[0]
    _report(*failure)
    given_up = message.receives >= max_receives
    if given_up:
        _last_words(failure, give_up)
    # Given up it goes to the failure queue when it is received next, and until then it holds its
    # repository.
    _retry_in(message, 0 if given_up else min(2**message.receives, _LONGEST_WAIT), retry_in)


def _report(message: Message, hint: Hint | None, error: Exception) -> None:
    log.error(
        "A message failed: %s",
        error,
        exc_info=None if isinstance(error, MalformedEvent) else error,
        extra={
            "message_id": message.id,
            "repository": message.group if hint is None else hint.repository,
            "receives": message.receives,
        },
    )


def _last_words(
    failure: tuple[Message, Hint | None, Exception],
    give_up: Callable[[Message, Hint | None, Exception], None],
) -> None:
    try:
        give_up(*failure)
    except Exception as error:  # the failure queue and its alarm tell it all the same
        log.error("The failure could not be told: %s", error)


def _retry_in(message: Message, seconds: int, retry_in: Callable[[str, int], None]) -> None:
    try:
        retry_in(message.receipt_handle, seconds)
    except Exception as error:  # the queue's own visibility timeout brings it back then
        log.warning("The message will be retried late: %s", error)
