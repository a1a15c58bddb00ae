"""Steward events to people: what one push caused becomes one message."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecr_steward.events import Fact, MalformedEvent
from ecr_steward.history import History

log = logging.getLogger(__name__)

PATIENCE = 3
"""How often an incomplete story is handed back, to wait for the rest of what one push caused."""

_WAIT = 5


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
    few rounds what there is of it is told.
    Killed between `tell` and the note that it was told, a message can be told twice: e-mail has no
    way to say a thing exactly once, and losing it would be worse.
    """
    returned: list[str] = []
    stories: dict[str, list[_Letter]] = {}
    for record in records:
        try:
            letter = _read(record)
        except (MalformedEvent, ValueError, KeyError) as error:
            log.error("A message cannot be read: %s", error, extra={"id": record.get("messageId")})
            returned.append(record["messageId"])
            continue
        stories.setdefault(letter.fact.cause.id, []).append(letter)
    for cause, letters in stories.items():
        try:
            waiting = _tell(cause, letters, history, tell, clock)
        except Exception as error:  # one story must not cost another
            log.exception("A message could not be sent: %s", error, extra={"cause": cause})
            returned += [letter.id for letter in letters]
            continue
        returned += [letter.id for letter in waiting]
        for letter in waiting:
            retry_in(letter.receipt_handle, _WAIT)
    return {"batchItemFailures": [{"itemIdentifier": each} for each in returned]}


def _tell(
    cause: str,
    letters: list[_Letter],
    history: History,
    tell: Callable[[list[Fact]], None],
    clock: Callable[[], datetime],
) -> list[_Letter]:
    """Tell one story; returns the letters that wait for the rest of it."""
    history.arrive([letter.fact for letter in letters], clock())
    facts, told = history.story(cause)
    if not facts:
        return []
    size = len(facts) + told
    complete = size >= max(fact.of for fact in facts)
    patient = max(letter.receives for letter in letters) <= PATIENCE
    if patient and not (complete and history.claim(cause, size, clock())):
        return letters
    tell(sorted(facts, key=lambda fact: (fact.time, fact.kind.value, fact.tag or "")))
    history.tell(facts, clock())
    return []


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
