"""The events that the registry in memory sends."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward_cli.in_memory.images import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    MemoryEcr,
)
from tests.unit.in_memory.memory_images import (
    ABSENT,
    DOCKER_CONFIG,
    OCI_CONFIG,
    Clock,
    image,
    index,
    push,
    refused,
    registry,
)


class Bus(list[dict[str, Any]]):
    """The events received, with their essentials."""

    def said(self) -> list[tuple[str, str, str | None]]:
        details = [event["detail"] for event in self]
        return [
            (each["action-type"], each["image-digest"], each.get("image-tag")) for each in details
        ]


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def ecr(bus: Bus) -> MemoryEcr:
    return registry(emit=bus.append, clock=Clock(), region="us-west-2")


def test_a_push_sends_the_documented_envelope(ecr: MemoryEcr, bus: Bus) -> None:
    """ECR User Guide: Amazon ECR events and EventBridge, event for a completed image push."""
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    assert bus == [
        {
            "version": "0",
            "id": "00000001-0000-4000-8000-000000000001",
            "detail-type": "ECR Image Action",
            "source": "aws.ecr",
            "account": "123456789012",
            "time": "2026-11-23T02:24:00Z",
            "region": "us-west-2",
            "resources": [],
            "detail": {
                "result": "SUCCESS",
                "repository-name": "redis",
                "image-digest": pushed,
                "action-type": "PUSH",
                "image-tag": "8.0.1",
                "manifest-media-type": OCI_MANIFEST,
                "artifact-media-type": OCI_CONFIG,
            },
        }
    ]


def test_a_push_without_tag_has_an_empty_tag(ecr: MemoryEcr, bus: Bus) -> None:
    """awslabs/cfn-ecr-aws-soci-index-builder pull request 137: `"image-tag": ""`."""
    push(ecr, image("amd64"))
    assert bus[0]["detail"]["image-tag"] == ""


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_an_index_has_no_artifact_media_type(ecr: MemoryEcr, bus: Bus, media_type: str) -> None:
    """awslabs/cfn-ecr-aws-soci-index-builder pull request 137: a tagged index."""
    child = push(ecr, image("amd64"))
    parent = push(ecr, index(child, media_type=media_type), "8.0.1")

    assert bus.said() == [("PUSH", child, ""), ("PUSH", parent, "8.0.1")]
    assert bus[1]["detail"]["manifest-media-type"] == media_type
    assert "artifact-media-type" not in bus[1]["detail"]


def test_a_docker_image_names_its_own_media_types(ecr: MemoryEcr, bus: Bus) -> None:
    """ECR User Guide: Amazon ECR events and EventBridge."""
    push(ecr, image("8.0.1", media_type=DOCKER_MANIFEST), "8.0.1")
    assert bus[0]["detail"]["manifest-media-type"] == DOCKER_MANIFEST
    assert bus[0]["detail"]["artifact-media-type"] == DOCKER_CONFIG


def test_a_retag_is_a_push_and_the_tags_old_image_is_not_deleted(ecr: MemoryEcr, bus: Bus) -> None:
    """awslabs/cfn-ecr-aws-soci-index-builder: a tag put by PutImage triggers a PUSH again."""
    push(ecr, image("old"), "latest")
    new = push(ecr, image("new"), "8.0.1")
    bus.clear()
    push(ecr, image("new"), "latest")
    assert bus.said() == [("PUSH", new, "latest")]


def test_a_refused_put_sends_nothing(ecr: MemoryEcr, bus: Bus) -> None:
    """ECR User Guide: an event is sent "when each image push is completed"."""
    push(ecr, image("8.0.1"), "8.0.1")
    bus.clear()
    with refused("PutImage", "ImageAlreadyExistsException"):
        push(ecr, image("8.0.1"), "8.0.1")
    with refused("PutImage", "ReferencedImagesNotFoundException"):
        push(ecr, index(ABSENT), "8.0.1")
    assert bus == []


def test_reading_sends_nothing(ecr: MemoryEcr, bus: Bus) -> None:
    """containers-roadmap issue 2750: there is no event for a pull."""
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    bus.clear()
    ecr.batch_get_image(repositoryName="redis", imageIds=[{"imageDigest": pushed}])
    ecr.describe_images(repositoryName="redis")
    ecr.list_images(repositoryName="redis")
    assert bus == []


def test_deleting_a_tag_sends_one_delete_with_it(ecr: MemoryEcr, bus: Bus) -> None:
    """ECR User Guide: Amazon ECR events and EventBridge, event for an image deletion."""
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    push(ecr, image("8.0.1"), "8.0")
    bus.clear()
    ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageTag": "8.0"}])
    ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageTag": "8.0.1"}])

    assert bus.said() == [("DELETE", pushed, "8.0"), ("DELETE", pushed, "8.0.1")]
    assert bus[0]["detail"] == {
        "result": "SUCCESS",
        "repository-name": "redis",
        "image-digest": pushed,
        "action-type": "DELETE",
        "image-tag": "8.0",
    }


def test_deleting_an_image_sends_one_delete_per_tag(ecr: MemoryEcr, bus: Bus) -> None:
    """AWS documents one DELETE for "an image"; whether per tag, it does not say."""
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    push(ecr, image("8.0.1"), "8.0")
    bus.clear()
    ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageDigest": pushed}])
    assert bus.said() == [("DELETE", pushed, "8.0.1"), ("DELETE", pushed, "8.0")]


def test_deleting_an_untagged_image_sends_a_delete_without_tag(ecr: MemoryEcr, bus: Bus) -> None:
    """The EventBridge schema of `ECR Image Action` has `image-tag` as optional."""
    pushed = push(ecr, image("amd64"))
    bus.clear()
    ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageDigest": pushed}])
    assert bus.said() == [("DELETE", pushed, None)]


def test_what_could_not_be_deleted_sends_nothing(ecr: MemoryEcr, bus: Bus) -> None:
    """ECR API: BatchDeleteImage, failures."""
    ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageTag": "8.0"}])
    assert bus == []


def test_archiving_sends_a_change_of_storage_class(ecr: MemoryEcr, bus: Bus) -> None:
    """ECR User Guide: Amazon ECR events and EventBridge, UPDATE_STORAGE_CLASS."""
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    bus.clear()
    ecr.archive("redis", pushed)
    assert bus[0]["detail"]["action-type"] == "UPDATE_STORAGE_CLASS"
    assert bus[0]["detail"]["target-storage-class"] == "ARCHIVE"


def test_a_lifecycle_policy_deletes_without_an_event(ecr: MemoryEcr, bus: Bus) -> None:
    """ECR User Guide: Lifecycle policies, whose deletions are documented in CloudTrail only."""
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    bus.clear()
    ecr.delete_by_lifecycle("redis", pushed)
    assert bus == []
    assert ecr.tags("redis") == {}


def test_an_event_is_sent_after_the_effect_and_may_cause_more() -> None:
    """A simulator answers an event with calls of its own, whose events come in turn."""
    seen: list[str] = []

    def move_latest(event: dict[str, Any]) -> None:
        tag = event["detail"]["image-tag"]
        seen.append(tag)
        assert simulated.tags("redis")[tag] == event["detail"]["image-digest"]
        if tag == "8.0.1":
            push(simulated, image("8.0.1"), "latest")

    simulated = registry(emit=move_latest)
    push(simulated, image("8.0.1"), "8.0.1")
    assert seen == ["8.0.1", "latest"]


def test_the_time_of_an_event_is_utc_in_whole_seconds() -> None:
    """ECR User Guide: Amazon ECR events and EventBridge, `time` has one-second resolution."""
    bus = Bus()
    clock = Clock()
    ecr = registry(emit=bus.append, clock=clock, ids=iter(["one", "two"]).__next__)
    push(ecr, image("1"), "1")
    clock.advance(seconds=1)
    push(ecr, image("2"), "2")
    assert [(event["id"], event["time"]) for event in bus] == [
        ("one", "2026-11-23T02:24:00Z"),
        ("two", "2026-11-23T02:24:01Z"),
    ]
