"""BatchGetImage of the registry in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_steward_cli.in_memory.images import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from tests.unit.in_memory.memory_images import (
    ABSENT,
    ACCEPTED,
    DOCKER_CONFIG,
    DOCKER_LAYER,
    digest,
    image,
    index,
    push,
    refused,
    registry,
)


def test_an_image_is_found_by_tag_and_by_digest() -> None:
    """ECR API: BatchGetImage. The tag asked for is echoed."""
    ecr = registry()
    manifest = image("8.0.1")
    pushed = push(ecr, manifest, "8.0.1")
    push(ecr, manifest, "8.0")
    answer = ecr.batch_get_image(
        repositoryName="redis",
        imageIds=[{"imageTag": "8.0.1"}, {"imageDigest": pushed}, {"imageTag": "8.0"}],
        acceptedMediaTypes=ACCEPTED,
    )
    common = {
        "registryId": "123456789012",
        "repositoryName": "redis",
        "imageManifest": manifest,
        "imageManifestMediaType": OCI_MANIFEST,
    }
    assert answer["images"] == [
        {**common, "imageId": {"imageDigest": pushed, "imageTag": "8.0.1"}},
        {**common, "imageId": {"imageDigest": pushed}},
        {**common, "imageId": {"imageDigest": pushed, "imageTag": "8.0"}},
    ]
    assert answer["failures"] == []


def test_a_stand_in_answers_with_the_images_last_tag() -> None:
    """moto and ministack do not echo the tag that was asked for."""
    ecr = registry(echo_tags=False)
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    push(ecr, image("8.0.1"), "8.0")
    untagged = push(ecr, image("amd64"))
    answer = ecr.batch_get_image(
        repositoryName="redis",
        imageIds=[{"imageTag": "8.0.1"}, {"imageDigest": pushed}, {"imageDigest": untagged}],
    )
    assert [found["imageId"] for found in answer["images"]] == [
        {"imageDigest": pushed, "imageTag": "8.0"},
        {"imageDigest": pushed, "imageTag": "8.0"},
        {"imageDigest": untagged},
    ]


@pytest.mark.parametrize(
    ("image_id", "code"),
    [
        ({"imageTag": "absent"}, "ImageNotFound"),
        ({"imageDigest": ABSENT}, "ImageNotFound"),
        ({"imageTag": "absent", "imageDigest": ABSENT}, "ImageNotFound"),
        ({"imageTag": "8.0.1", "imageDigest": ABSENT}, "ImageTagDoesNotMatchDigest"),
        ({}, "MissingDigestAndTag"),
        ({"imageDigest": "sha256:abc"}, "InvalidImageDigest"),
        ({"imageDigest": "8.0.1"}, "InvalidImageDigest"),
        ({"imageTag": "not a tag"}, "InvalidImageTag"),
    ],
)
def test_what_cannot_be_found_is_a_failure_and_no_exception(
    image_id: dict[str, str], code: str
) -> None:
    """ECR API: BatchGetImage, failures; ImageFailure, failureCode."""
    ecr = registry()
    push(ecr, image("8.0.1"), "8.0.1")
    answer = ecr.batch_get_image(repositoryName="redis", imageIds=[image_id, {"imageTag": "8.0.1"}])
    [failure] = answer["failures"]
    assert failure["imageId"] == image_id
    assert failure["failureCode"] == code
    assert failure["failureReason"]
    assert len(answer["images"]) == 1


def test_tag_and_digest_ask_whether_the_tag_is_still_there() -> None:
    """awslabs/amazon-ecr-containerd-resolver asks so; ECR API: ImageTagDoesNotMatchDigest."""
    ecr = registry()
    old = push(ecr, image("old"), "latest")
    new = push(ecr, image("new"), "latest")
    answer = ecr.batch_get_image(
        repositoryName="redis",
        imageIds=[
            {"imageTag": "latest", "imageDigest": new},
            {"imageTag": "latest", "imageDigest": old},
        ],
    )
    assert [found["imageId"] for found in answer["images"]] == [
        {"imageDigest": new, "imageTag": "latest"}
    ]
    assert [each["failureCode"] for each in answer["failures"]] == ["ImageTagDoesNotMatchDigest"]


def test_an_archived_image_cannot_be_had() -> None:
    """ECR User Guide: Archive an image: archived images cannot be pulled."""
    ecr = registry()
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    ecr.archive("redis", pushed)
    answer = ecr.batch_get_image(
        repositoryName="redis", imageIds=[{"imageTag": "8.0.1"}, {"imageDigest": pushed}]
    )
    assert answer["images"] == []
    assert [each["failureCode"] for each in answer["failures"]] == ["ImageInaccessible"] * 2


@pytest.mark.parametrize("count", [0, 101])
def test_one_to_a_hundred_images_can_be_asked_for(count: int) -> None:
    """ECR API: BatchGetImage, imageIds."""
    ecr = registry()
    with refused("BatchGetImage", "InvalidParameterException"):
        ecr.batch_get_image(repositoryName="redis", imageIds=[{"imageTag": "8.0.1"}] * count)


@pytest.mark.parametrize("count", [0, 101])
def test_one_to_a_hundred_media_types_can_be_accepted(count: int) -> None:
    """ECR API: BatchGetImage, acceptedMediaTypes."""
    ecr = registry()
    with refused("BatchGetImage", "InvalidParameterException"):
        ecr.batch_get_image(
            repositoryName="redis",
            imageIds=[{"imageTag": "8.0.1"}],
            acceptedMediaTypes=[OCI_MANIFEST] * count,
        )


def test_a_hundred_images_come_in_the_order_asked_for() -> None:
    """ECR API: BatchGetImage, imageIds."""
    ecr = registry()
    tags = [f"build-{number}" for number in range(100)]
    for tag in tags:
        push(ecr, image(tag), tag)
    answer = ecr.batch_get_image(
        repositoryName="redis", imageIds=[{"imageTag": tag} for tag in reversed(tags)]
    )
    assert [each["imageId"]["imageTag"] for each in answer["images"]] == tags[::-1]


def test_asked_by_tag_an_image_may_come_in_another_format_with_another_digest() -> None:
    """ECR User Guide: Container image manifest format support: OCI to Docker v2s2, by tag."""
    ecr = registry()
    manifest = image("8.0.1")
    pushed = push(ecr, manifest, "8.0.1")
    [found] = ecr.batch_get_image(
        repositoryName="redis",
        imageIds=[{"imageTag": "8.0.1"}],
        acceptedMediaTypes=[DOCKER_MANIFEST],
    )["images"]

    assert found["imageManifestMediaType"] == DOCKER_MANIFEST
    assert found["imageId"] == {"imageDigest": digest(found["imageManifest"]), "imageTag": "8.0.1"}
    assert found["imageId"]["imageDigest"] != pushed
    translated = json.loads(found["imageManifest"])
    assert translated["mediaType"] == DOCKER_MANIFEST
    assert translated["config"]["mediaType"] == DOCKER_CONFIG
    assert [layer["mediaType"] for layer in translated["layers"]] == [DOCKER_LAYER]
    assert translated["layers"][0]["digest"] == json.loads(manifest)["layers"][0]["digest"]


def test_a_docker_image_is_translated_to_oci_and_to_the_same_text_back() -> None:
    """ECR User Guide: Container image manifest format support: Docker v2s2 to OCI, by tag."""
    ecr = registry()
    push(ecr, image("8.0.1", media_type=DOCKER_MANIFEST), "8.0.1")
    [found] = ecr.batch_get_image(
        repositoryName="redis",
        imageIds=[{"imageTag": "8.0.1"}],
        acceptedMediaTypes=[OCI_MANIFEST],
    )["images"]
    assert found["imageManifestMediaType"] == OCI_MANIFEST
    assert json.loads(found["imageManifest"]) == json.loads(image("8.0.1"))


def as_stored(image_id: dict[str, str], accepted: list[str] | None, manifest: str) -> bool:
    ecr = registry()
    push(ecr, manifest, "8.0.1")
    kinds: dict[str, Any] = {} if accepted is None else {"acceptedMediaTypes": accepted}
    [found] = ecr.batch_get_image(repositoryName="redis", imageIds=[image_id], **kinds)["images"]
    return bool(
        found["imageManifest"] == manifest and found["imageId"]["imageDigest"] == digest(manifest)
    )


@pytest.mark.parametrize("accepted", [[DOCKER_MANIFEST], [OCI_MANIFEST], ACCEPTED, None])
def test_asked_by_digest_an_image_is_never_translated(accepted: list[str] | None) -> None:
    """ECR User Guide: Container image manifest format support: no translation by digest."""
    manifest = image("8.0.1")
    assert as_stored({"imageDigest": digest(manifest)}, accepted, manifest)
    assert as_stored({"imageDigest": digest(manifest), "imageTag": "8.0.1"}, accepted, manifest)


@pytest.mark.parametrize("accepted", [ACCEPTED, [OCI_MANIFEST], [OCI_INDEX], None])
def test_an_accepted_format_is_not_translated(accepted: list[str] | None) -> None:
    """ECR User Guide: Container image manifest format support."""
    assert as_stored({"imageTag": "8.0.1"}, accepted, image("8.0.1"))


def test_an_index_is_never_translated() -> None:
    """ECR User Guide: Container image manifest format support names no index."""
    ecr = registry()
    parent = push(ecr, index(push(ecr, image("amd64"))), "8.0.1")
    [found] = ecr.batch_get_image(
        repositoryName="redis",
        imageIds=[{"imageTag": "8.0.1"}],
        acceptedMediaTypes=[DOCKER_LIST, DOCKER_MANIFEST],
    )["images"]
    assert found["imageId"]["imageDigest"] == parent


def test_a_repository_that_is_not_there_fails_the_whole_call() -> None:
    """ECR API: BatchGetImage, RepositoryNotFoundException."""
    ecr = registry()
    with refused("BatchGetImage", "RepositoryNotFoundException"):
        ecr.batch_get_image(repositoryName="valkey", imageIds=[{"imageTag": "1"}])
