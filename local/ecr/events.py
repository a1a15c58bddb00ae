"""ECR's own events: their shape, and the thread that delivers them to EventBridge in order."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from ecr_steward.words.calls import API_CALL
from ecr_steward_cli.in_memory.cloudtrail import identity

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

logger = logging.getLogger(__name__)

IMAGE_ACTION: Final = "ECR Image Action"
DEFAULT_SOURCE: Final = "ecr-steward.replay"

_BATCH: Final = 10  # EventBridge API: PutEvents takes at most 10 entries
_RETRY_SECONDS: Final = 0.2


class Event(Protocol):
    """An event of ECR's: what EventBridge calls it, and its `detail`."""

    @property
    def detail_type(self) -> str: ...

    def detail(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call that changed settings, as CloudTrail tells it.

    `caller` is the ARN of whoever called; a call that was refused has ECR's `error` code.
    """

    name: str
    asked: Mapping[str, Any]
    caller: str
    time: datetime
    error: str | None = None
    answered: Mapping[str, Any] | None = None

    detail_type: ClassVar[str] = API_CALL

    def detail(self) -> dict[str, Any]:
        """The event's `detail`, with the fields that CloudTrail's records always have."""
        return {
            "eventVersion": "1.11",
            "userIdentity": identity(self.caller),
            "eventTime": self.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "ecr.amazonaws.com",
            "eventName": self.name,
            "requestParameters": dict(self.asked),
            "responseElements": None if self.answered is None else dict(self.answered),
            "readOnly": False,
            "eventType": "AwsApiCall",
            **({} if self.error is None else {"errorCode": self.error}),
        }


@dataclass(frozen=True, slots=True)
class ImageAction:
    """One `ECR Image Action`, as ECR puts it on the default event bus.

    `tag` is None where no tag is concerned. The media types are None where ECR leaves them out:
    both on a DELETE, `artifact_media_type` on an index. `storage_class` is where an image went.
    """

    action: str
    repository: str
    digest: str
    tag: str | None
    manifest_media_type: str | None = None
    artifact_media_type: str | None = None
    storage_class: str | None = None

    detail_type: ClassVar[str] = IMAGE_ACTION

    def detail(self) -> dict[str, str]:
        """The event's `detail`; an image without a tag has the empty string as `image-tag`.

        None of them is there where an image goes to another storage class: all its tags go.
        """
        detail = {
            "result": "SUCCESS",
            "repository-name": self.repository,
            "image-digest": self.digest,
            "action-type": self.action,
        }
        if self.storage_class is None:
            detail["image-tag"] = self.tag or ""
        if self.manifest_media_type:
            detail["manifest-media-type"] = self.manifest_media_type
        if self.artifact_media_type:
            detail["artifact-media-type"] = self.artifact_media_type
        if self.storage_class:
            detail["target-storage-class"] = self.storage_class
        return detail


def entry(event: Event, source: str, time: datetime) -> PutEventsRequestEntryTypeDef:
    """The event as an entry of PutEvents.

    `source` stands in for `aws.ecr`: PutEvents refuses every source that begins with `aws.`
    (EventBridge API: NotAuthorizedForSourceException).
    """
    return {
        "Source": source,
        "DetailType": event.detail_type,
        "Detail": json.dumps(event.detail()),
        "Resources": [],
        "Time": time,
    }


class EventSender:
    """Delivers events one after another, in the order of their submission.

    `put_events` takes at most ten entries and answers as PutEvents does. While it cannot be
    reached the events wait; an entry it refuses is logged and counted as failed, since sending it
    again would be refused again.
    """

    def __init__(
        self,
        put_events: Callable[[Sequence[PutEventsRequestEntryTypeDef]], Mapping[str, object]],
        source: str = DEFAULT_SOURCE,
    ) -> None:
        self._put_events = put_events
        self._source = source
        self._queue: queue.Queue[PutEventsRequestEntryTypeDef] = queue.Queue()
        self._lock = threading.Lock()
        self._sent = self._failed = self._submitted = 0
        self._thread = threading.Thread(target=self._run, name="ecr-events", daemon=True)
        self._thread.start()

    def submit(self, event: Event) -> None:
        """Queue one event, dated now."""
        with self._lock:
            self._submitted += 1
        self._queue.put(entry(event, self._source, datetime.now(UTC)))

    def counts(self) -> dict[str, int]:
        """How many events were submitted so far, how many of them sent and refused."""
        with self._lock:
            return {
                "events_submitted": self._submitted,
                "events_sent": self._sent,
                "events_failed": self._failed,
            }

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            while len(batch) < _BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            failed = self._deliver(batch)
            with self._lock:
                self._failed += failed
                self._sent += len(batch) - failed

    def _deliver(self, batch: Sequence[PutEventsRequestEntryTypeDef]) -> int:
        while True:
            try:
                answer = self._put_events(batch)
            except (BotoCoreError, ClientError) as error:
                logger.warning("EventBridge is not answering, trying again: %s", error)
                time.sleep(_RETRY_SECONDS)
                continue
            failed = answer.get("FailedEntryCount", 0)
            if failed:
                logger.error("EventBridge refused events: %s", answer.get("Entries"))
            return int(str(failed))
