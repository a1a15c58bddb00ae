from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import EndpointConnectionError

from local.ecr.events import EventSender, ImageAction, entry
from local.images import Media, build
from tests.support.waiting import PATIENCE, eventually
from tests.unit.local.conftest import Ecr

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"


def test_a_tagged_image_is_told_with_both_media_types() -> None:
    event = ImageAction("PUSH", "base/redis", "sha256:1", "1.4.2", OCI, OCI_CONFIG)

    assert event.detail() == {
        "result": "SUCCESS",
        "repository-name": "base/redis",
        "image-digest": "sha256:1",
        "action-type": "PUSH",
        "image-tag": "1.4.2",
        "manifest-media-type": OCI,
        "artifact-media-type": OCI_CONFIG,
    }


def test_no_tag_is_an_empty_tag_and_what_is_unknown_is_left_out() -> None:
    detail = ImageAction("DELETE", "base/redis", "sha256:1", None).detail()

    assert detail["image-tag"] == ""
    assert "manifest-media-type" not in detail
    assert "artifact-media-type" not in detail


def test_an_archived_image_is_told_with_its_storage_class_and_without_a_tag() -> None:
    """ECR User Guide, Amazon ECR events and EventBridge: Event for an image archival action."""
    detail = ImageAction(
        "UPDATE_STORAGE_CLASS", "base/redis", "sha256:1", None, OCI, OCI_CONFIG, "ARCHIVE"
    ).detail()

    assert detail["target-storage-class"] == "ARCHIVE"
    assert "image-tag" not in detail


def test_the_entry_carries_the_source_and_the_time_it_is_given() -> None:
    event, now = ImageAction("PUSH", "r", "sha256:1", "1"), datetime(2026, 11, 23, tzinfo=UTC)

    sent = entry(event, "ecr-steward.replay", now)

    assert (sent["Source"], sent["DetailType"]) == ("ecr-steward.replay", "ECR Image Action")
    assert (sent["Time"], json.loads(sent["Detail"])) == (now, event.detail())


class Bus:
    """EventBridge that cannot be reached a number of times, and refuses what is named `bad`."""

    def __init__(self, expected: int, unreachable: int = 0) -> None:
        self.tags: list[str] = []
        self.done = threading.Event()
        self._expected, self._unreachable = expected, unreachable

    def put_events(self, entries: Sequence[PutEventsRequestEntryTypeDef]) -> Mapping[str, object]:
        if self._unreachable:
            self._unreachable -= 1
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
        tags = [json.loads(one["Detail"])["image-tag"] for one in entries]
        self.tags += tags
        if len(self.tags) >= self._expected:
            self.done.set()
        return {"FailedEntryCount": tags.count("bad"), "Entries": []}


def send(bus: Bus, tags: Sequence[str]) -> EventSender:
    sender = EventSender(bus.put_events)
    for tag in tags:
        sender.submit(ImageAction("PUSH", "r", "sha256:1", tag))
    assert bus.done.wait(PATIENCE)
    eventually(sender.counts, lambda counts: sum(counts.values()) == 2 * len(tags))
    return sender


def test_events_arrive_in_order_although_the_bus_could_not_be_reached_at_first() -> None:
    tags = [f"1.{n}" for n in range(25)]
    bus = Bus(len(tags), unreachable=1)

    sender = send(bus, tags)

    assert bus.tags == tags
    assert sender.counts() == {"events_submitted": 25, "events_sent": 25, "events_failed": 0}


def test_a_refused_event_is_counted_and_does_not_hold_up_the_others() -> None:
    bus = Bus(2)

    sender = send(bus, ["bad", "1.4.2"])

    assert bus.tags == ["bad", "1.4.2"]
    assert sender.counts() == {"events_submitted": 2, "events_sent": 1, "events_failed": 1}


def test_pushing_an_index_tells_its_children_without_tag_and_the_index_without_config_type(
    ecr: Ecr,
) -> None:
    index = build("1.4.2", ("amd64", "arm64"), Media.OCI)

    ecr.put("base/redis", index, "1.4.2")

    assert [(one.digest, one.tag, one.artifact_media_type) for one in ecr.events] == [
        (index.children[0].digest, None, OCI_CONFIG),
        (index.children[1].digest, None, OCI_CONFIG),
        (index.digest, "1.4.2", None),
    ]
    assert {one.action for one in ecr.events} == {"PUSH"}


def test_moving_a_tag_tells_one_push_and_no_delete(ecr: Ecr) -> None:
    old, new = build("old"), build("new")
    ecr.put("base/redis", old, "latest")
    ecr.events.clear()

    ecr.put("base/redis", new, "latest")

    assert [(one.action, one.digest, one.tag) for one in ecr.events] == [
        ("PUSH", new.digest, "latest")
    ]


def test_what_is_refused_tells_nothing(ecr: Ecr) -> None:
    image = build("1")
    ecr.put("base/redis", image, "1")
    ecr.events.clear()

    assert ecr.put("base/redis", image, "1")["error"] == "ImageAlreadyExistsException"
    assert ecr.put("nowhere", image, "1")["error"] == "RepositoryNotFoundException"
    assert ecr.events == []


def test_deleting_tells_each_tag_that_went(ecr: Ecr) -> None:
    image = build("1")
    for tag in ("1", "2", "3"):
        ecr.put("base/redis", image, tag)
    ecr.events.clear()

    ecr.call("BatchDeleteImage", repositoryName="base/redis", imageIds=[{"imageTag": "1"}])
    ecr.call(
        "BatchDeleteImage", repositoryName="base/redis", imageIds=[{"imageDigest": image.digest}]
    )

    assert [(one.action, one.tag) for one in ecr.events] == [
        ("DELETE", "1"),
        ("DELETE", "2"),
        ("DELETE", "3"),
    ]
