"""Retries: what one channel is still owed, as a message in a queue of its own.

A channel that fails, or whose digest is not due yet, holds up no other channel: each retry has its
own tries and its own time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ecr_steward.messages.ledger import Window
from ecr_steward.queues.later import retry_in
from ecr_steward.words.reading import MalformedEvent, iso, parse_time

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_DELAY = 900
"""Most seconds that SQS delays a message (SQS API: SendMessage, DelaySeconds)."""

LATE = timedelta(days=2)
"""How long a retry may wait: a daily digest waits a day, what a channel does not take two hours."""

_RETRY = '{"retry":'


@dataclass(frozen=True, slots=True)
class Retry:
    """Bring `channel` what it is owed of a cause, or sum up one of its windows.

    Nothing is tried before `after`. What is owed to a digest is gathered for one that comes `every`
    so often.
    """

    channel: str
    cause: str = ""
    window: Window | None = None
    after: datetime | None = None
    every: timedelta | None = None

    def to_message(self) -> str:
        """The body of the queue message."""
        body: dict[str, Any] = {"channel": self.channel}
        if self.window is None:
            body["cause"] = self.cause
        else:
            body["digest"] = {
                "seconds": int(self.window.every.total_seconds()),
                "end": iso(self.window.end),
                "storm": self.window.storm,
            }
        if self.after is not None:
            body["after"] = iso(self.after)
        if self.every is not None:
            body["every"] = int(self.every.total_seconds())
        return f"{_RETRY}{json.dumps(body, separators=(',', ':'))}}}"

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Retry:
        """Read what `to_message` wrote, parsed. Raises MalformedEvent."""
        try:
            return _retry(document["retry"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MalformedEvent(f"The retry cannot be read: {error}.") from error


def _retry(body: Mapping[str, Any]) -> Retry:
    channel, after, every = str(body["channel"]), body.get("after"), body.get("every")
    window = body.get("digest")
    return Retry(
        channel=channel,
        cause="" if window else str(body["cause"]),
        window=_window(channel, window) if window else None,
        after=None if after is None else parse_time(after),
        every=None if every is None else timedelta(seconds=int(every)),
    )


def _window(channel: str, body: Mapping[str, Any]) -> Window:
    every = timedelta(seconds=int(body["seconds"]))
    return Window(channel, every, parse_time(body["end"]), bool(body["storm"]))


def late_retries(records: Iterable[Mapping[str, Any]], time: datetime) -> int:
    """How many of these SQS records are retries that wait for too long.

    The function counts them, for CloudWatch cannot: its age of the oldest message leaves out those
    that were received a few times and hidden again (SQS Developer Guide: CloudWatch metrics).
    """
    return sum(
        record["body"].startswith(_RETRY) and time - _sent(record) > LATE for record in records
    )


def _sent(record: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(record["attributes"]["SentTimestamp"]) / 1000, UTC)


class NotifyQueue:
    """A queue of the notifier's; `client` gives the client of SQS, when it is first needed."""

    def __init__(self, client: Callable[[], SQSClient], url: str) -> None:
        self._client = client
        self._url = url

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        """Have a message come again in that many seconds."""
        retry_in(self._client(), self._url, receipt_handle, seconds)


class RetryQueue(NotifyQueue):
    """The queue of retries."""

    def send(self, retry: Retry, seconds: int) -> None:
        """Have a retry run in that many seconds, or as late as SQS can, but not before its
        `after`."""
        self._client().send_message(
            QueueUrl=self._url,
            MessageBody=retry.to_message(),
            DelaySeconds=min(seconds, LONGEST_DELAY),
        )
