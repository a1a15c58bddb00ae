"""Steward events to people: what one push caused becomes one message."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ecr_steward.events import Fact, MalformedEvent
from ecr_steward.history import History

log = logging.getLogger(__name__)

PATIENCE = 4
"""How often an incomplete story is handed back, to wait for the rest of what one push caused."""

LEASE = timedelta(minutes=1)
"""How long one notifier has a story to itself; longer than the function may run."""


@dataclass(frozen=True, slots=True)
class _Letter:
    """One queue message and the fact it carries."""

    id: str
    receipt_handle: str
    receives: int
    fact: Fact


def notify(
    records: Iterable[Mapping[str, Any]],
    *,
    history: History,
    tell: Callable[[list[Fact]], None],
    clock: Callable[[], datetime],
    retry_in: Callable[[str, int], None],
) -> dict[str, list[dict[str, str]]]:
    """Tell the facts in a batch of queue messages, one `tell` per cause.

    Facts that were told before are left out. A story that is not complete waits in history: its
    messages are returned (`ReportBatchItemFailures`), whichever comes last tells it, and after a
    few rounds what there is of it is told. Only one notifier at a time tells a story.
    Killed between `tell` and the note that it was told, a message can be told twice: e-mail has no
    way to say a thing exactly once, and losing it would be worse.
    """
    returned: list[str] = []
    stories: dict[str, list[_Letter]] = {}
    for record in records:
        try:
            letter = _read(record)
        except (ValueError, KeyError, RecursionError) as error:
            log.error("A message cannot be read: %s", error, extra={"id": record.get("messageId")})
            returned.append(record["messageId"])
            continue
        stories.setdefault(letter.fact.cause.id, []).append(letter)
    for cause, letters in stories.items():
        try:
            wait = _tell(cause, letters, history, tell, clock)
        except Exception as error:  # one story must not cost another
            log.exception("A message could not be sent: %s", error, extra={"cause": cause})
            returned += [letter.id for letter in letters]
            continue
        if wait is not None:
            returned += [letter.id for letter in letters]
            _retry_all(letters, wait, retry_in)
    return {"batchItemFailures": [{"itemIdentifier": each} for each in returned]}


def _tell(
    cause: str,
    letters: list[_Letter],
    history: History,
    tell: Callable[[list[Fact]], None],
    clock: Callable[[], datetime],
) -> timedelta | None:
    """Tell one story; returns how long its letters wait if it is not told, else None."""
    history.arrive([letter.fact for letter in letters], clock())
    story = history.story(cause)
    if not story.untold:
        return None
    receives = max(letter.receives for letter in letters)
    if receives <= PATIENCE and not story.complete:
        return timedelta(seconds=2 ** (receives - 1))
    now = clock()
    if story.claimed is not None and now < story.claimed + LEASE:
        return _until_told(receives)
    if not history.claim(story, now):
        return _until_told(receives)
    tell(sorted(story.untold, key=lambda fact: (fact.time, fact.kind.value, fact.tag or "")))
    history.tell(story, clock())
    return None


def _until_told(receives: int) -> timedelta:
    """How long a letter waits for the notifier that is telling its story: mostly a moment."""
    return timedelta(seconds=min(2**receives, 16))


def _retry_all(
    letters: Iterable[_Letter], wait: timedelta, retry_in: Callable[[str, int], None]
) -> None:
    for letter in letters:
        try:
            retry_in(letter.receipt_handle, math.ceil(wait.total_seconds()))
        except Exception as error:  # the queue's own visibility timeout brings it back then
            log.warning("The message will be retried late: %s", error)


def _read(record: Mapping[str, Any]) -> _Letter:
    event = json.loads(record["body"])
    if not isinstance(event, dict) or not isinstance(event.get("detail"), dict):
        raise MalformedEvent("The message is no steward event: it has no `detail`.")
    return _Letter(
        id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        receives=int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)),
        fact=Fact.from_detail(str(event.get("detail-type")), event["detail"]),
    )
