"""A batch of queue messages: each repository on its own, and only what failed is returned."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ecr_steward.queues.hints import Received
from ecr_steward.words.hints import Hint
from ecr_steward.words.reading import MalformedEvent

log = logging.getLogger(__name__)

_LONGEST_WAIT = 60


class StewardOff(Exception):
    """A writer was called although its mode is off; the message must stay in its queue."""


class OutOfTime(Exception):
    """The last try of a message did not come to an end: the function was killed."""


def handle(
    records: Iterable[Mapping[str, Any]],
    *,
    visit: Callable[[str, Sequence[Hint]], object],
    give_up: Callable[[Received, Hint | None, Exception], None],
    retry_in: Callable[[str, int], None],
    send_again: Callable[[Received], None],
    max_tries: int,
    may_begin: Callable[[], bool] = lambda: True,
) -> dict[str, list[dict[str, str]]]:
    """Handle the records of one SQS event, grouped by repository, the longest waiting first.

    A failure returns only its repository's messages (`ReportBatchItemFailures`), which are
    received again soon: `retry_in` gets the receipt handle and the seconds to wait. `give_up` is
    called for a message that fails for the last time, at once: SQS moves it to the failure queue
    after one more receive, which there is for those whose last try was killed.
    `may_begin` is asked before each repository but the first: the messages of those that there is
    no time left for are sent again by `send_again`, for SQS counts every receive of the old ones.
    """
    failed, groups = _grouped(records, max_tries)
    left: list[Received] = []
    for i, (repository, members) in enumerate(groups.items()):
        if i and not may_begin():
            left += [message for message, _ in members]
            continue
        try:
            visit(repository, [hint for _, hint in members])
        except Exception as error:  # every fault must cost this repository alone
            failed += [(message, hint, error) for message, hint in members]
    for failure in failed:
        _end(failure, give_up, retry_in, max_tries)
    kept = [message for message in left if not _sent_again(message, send_again)]
    for message in kept:
        _retry_in(message, 0, retry_in)
    returned = [message for message, _, _ in failed] + kept
    return {"batchItemFailures": [{"itemIdentifier": message.id} for message in returned]}


_Failure = tuple[Received, Hint | None, Exception]


def _grouped(
    records: Iterable[Mapping[str, Any]], max_tries: int
) -> tuple[list[_Failure], dict[str, list[tuple[Received, Hint]]]]:
    """The messages that cannot be read or have no try left, and the others by repository."""
    failed: list[_Failure] = []
    groups: dict[str, list[tuple[Received, Hint]]] = {}
    # SQS has the order of each repository's messages; a sort keeps it where they wait as long.
    for message in sorted(map(Received.from_record, records), key=lambda each: each.since):
        try:
            hint = Hint.from_message(message.body)
        except MalformedEvent as error:
            failed.append((message, None, error))
            continue
        if message.tries > max_tries:
            failed.append((message, hint, OutOfTime("The last try did not come to an end.")))
        else:
            groups.setdefault(hint.repository, []).append((message, hint))
    return failed, groups


def _sent_again(message: Received, send_again: Callable[[Received], None]) -> bool:
    log.info("No time left for it in this batch", extra={"message_id": message.id})
    try:
        send_again(message)
    except Exception as error:  # it is handed back then, which counts as one of its tries
        log.warning("The message could not be sent again: %s", error)
        return False
    return True


def _end(
    failure: _Failure,
    give_up: Callable[[Received, Hint | None, Exception], None],
    retry_in: Callable[[str, int], None],
    max_tries: int,
) -> None:
    message = failure[0]
    _report(*failure)
    given_up = message.tries >= max_tries
    if given_up:
        _last_words(failure, give_up)
    # Given up it goes to the failure queue when SQS has counted enough receives, and until then it
    # holds its repository.
    _retry_in(message, 0 if given_up else min(2**message.tries, _LONGEST_WAIT), retry_in)


def _report(message: Received, hint: Hint | None, error: Exception) -> None:
    log.error(
        "A message failed: %s",
        error,
        exc_info=None if isinstance(error, MalformedEvent) else error,
        extra={
            "message_id": message.id,
            "repository": message.group if hint is None else hint.repository,
            "tries": message.tries,
        },
    )


def _last_words(
    failure: tuple[Received, Hint | None, Exception],
    give_up: Callable[[Received, Hint | None, Exception], None],
) -> None:
    try:
        give_up(*failure)
    except Exception as error:  # the failure queue and its alarm tell it all the same
        log.error("The failure could not be reported: %s", error)


def _retry_in(message: Received, seconds: int, retry_in: Callable[[str, int], None]) -> None:
    try:
        retry_in(message.receipt_handle, seconds)
    except Exception as error:  # the queue's own visibility timeout brings it back then
        log.warning("The message will be retried late: %s", error)
