from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ecr_steward.messages.retries import LATE, Retry, late_retries
from tests.support.facts import sqs_record

SENT = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
RETRY = Retry("team", cause="event-1").to_message()
SECOND = timedelta(seconds=1)


def record(body: str) -> dict[str, Any]:
    written = sqs_record(body, "message-1")
    written["attributes"]["SentTimestamp"] = str(int(SENT.timestamp() * 1000))
    return written


def test_a_retry_that_waits_for_more_than_two_days_is_late() -> None:
    assert late_retries([record(RETRY)], SENT + LATE + SECOND) == 1
    assert late_retries([record(RETRY)], SENT + LATE) == 0


def test_each_late_retry_of_a_batch_counts() -> None:
    assert late_retries([record(RETRY)] * 3, SENT + LATE + SECOND) == 3


def test_a_steward_event_is_no_late_retry_however_long_it_waited() -> None:
    assert late_retries([record('{"source":"ecr-steward"}')], SENT + timedelta(days=4)) == 0
