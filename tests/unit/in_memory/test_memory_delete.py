"""BatchDeleteImage of the registry in memory."""

from __future__ import annotations

import pytest

from ecr_steward_cli.in_memory.images import MemoryEcr
from tests.unit.in_memory.memory_images import (
    ABSENT,
    digests,
    image,
    index,
    push,
    refused,
    registry,
)


@pytest.fixture
def ecr() -> MemoryEcr:
    return registry()


def test_deleting_one_of_several_tags_leaves_the_image(ecr: MemoryEcr) -> None:
    """ECR API: BatchDeleteImage: an image is removed from a tag by naming the tag."""
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    push(ecr, image("8.0.1"), "8.0")
    answer = ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageTag": "8.0"}])
    assert answer["imageIds"] == [{"imageDigest": pushed, "imageTag": "8.0"}]
    assert answer["failures"] == []
    assert ecr.tags("redis") == {"8.0.1": pushed}


def test_deleting_the_last_tag_deletes_the_image(ecr: MemoryEcr) -> None:
    """ECR API: BatchDeleteImage: "When you remove the last tag ..., the image is deleted"."""
    push(ecr, image("8.0.1"), "8.0.1")
    ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageTag": "8.0.1"}])
    assert digests(ecr) == []
    assert ecr.tags("redis") == {}


def test_deleting_by_digest_takes_every_tag(ecr: MemoryEcr) -> None:
    """ECR API: BatchDeleteImage: by digest, "the image and all of its tags"."""
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    push(ecr, image("8.0.1"), "8.0")
    other = push(ecr, image("8.0.2"), "8.0.2")
    answer = ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageDigest": pushed}])
    assert answer["imageIds"] == [
        {"imageDigest": pushed, "imageTag": "8.0.1"},
        {"imageDigest": pushed, "imageTag": "8.0"},
    ]
    assert ecr.tags("redis") == {"8.0.2": other}


def test_deleting_an_untagged_image_answers_with_its_digest(ecr: MemoryEcr) -> None:
    """ECR API: BatchDeleteImage."""
    pushed = push(ecr, image("amd64"))
    answer = ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageDigest": pushed}])
    assert answer["imageIds"] == [{"imageDigest": pushed}]


def test_tag_and_digest_delete_the_tag_only_where_they_agree(ecr: MemoryEcr) -> None:
    """ECR API: ImageFailure, ImageTagDoesNotMatchDigest."""
    old = push(ecr, image("old"), "old")
    push(ecr, image("old"), "latest")
    new = push(ecr, image("new"), "latest")
    answer = ecr.batch_delete_image(
        repositoryName="redis", imageIds=[{"imageTag": "latest", "imageDigest": old}]
    )
    assert [each["failureCode"] for each in answer["failures"]] == ["ImageTagDoesNotMatchDigest"]
    assert ecr.tags("redis") == {"old": old, "latest": new}


@pytest.mark.parametrize(
    ("image_id", "code"),
    [
        ({"imageTag": "absent"}, "ImageNotFound"),
        ({"imageDigest": ABSENT}, "ImageNotFound"),
        ({}, "MissingDigestAndTag"),
        ({"imageDigest": "sha256:abc"}, "InvalidImageDigest"),
    ],
)
def test_what_is_not_there_fails_alone(ecr: MemoryEcr, image_id: dict[str, str], code: str) -> None:
    """ECR API: BatchDeleteImage, failures."""
    push(ecr, image("8.0.1"), "8.0.1")
    answer = ecr.batch_delete_image(
        repositoryName="redis", imageIds=[image_id, {"imageTag": "8.0.1"}]
    )
    assert [(each["imageId"], each["failureCode"]) for each in answer["failures"]] == [
        (image_id, code)
    ]
    assert ecr.tags("redis") == {}


def test_an_image_of_an_index_cannot_be_deleted(ecr: MemoryEcr) -> None:
    """ECR API: ImageFailure, ImageReferencedByManifestList."""
    child = push(ecr, image("amd64"), "8.0.1-amd64")
    parent = push(ecr, index(child), "8.0.1")
    for image_id in ({"imageDigest": child}, {"imageTag": "8.0.1-amd64"}):
        answer = ecr.batch_delete_image(repositoryName="redis", imageIds=[image_id])
        [failure] = answer["failures"]
        assert failure["failureCode"] == "ImageReferencedByManifestList"
        assert parent in failure["failureReason"]
    assert digests(ecr) == [child, parent]


def test_one_of_several_tags_of_an_image_of_an_index_can_be_deleted(ecr: MemoryEcr) -> None:
    """ECR API: BatchDeleteImage. The image stays, so the index lacks nothing."""
    child = push(ecr, image("amd64"), "8.0.1-amd64")
    push(ecr, image("amd64"), "amd64")
    push(ecr, index(child), "8.0.1")
    answer = ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageTag": "amd64"}])
    assert answer["failures"] == []
    assert digests(ecr)[0] == child


def test_the_images_of_an_index_can_be_deleted_after_it(ecr: MemoryEcr) -> None:
    """ECR API: ImageFailure, ImageReferencedByManifestList: every index counts."""
    child = push(ecr, image("amd64"))
    parents = [push(ecr, index(child), "8.0.1"), push(ecr, index(child, child), "8.0.2")]
    for parent in parents:
        failed = ecr.batch_delete_image(
            repositoryName="redis", imageIds=[{"imageDigest": child}, {"imageDigest": parent}]
        )
        assert [each["imageId"] for each in failed["failures"]] == [{"imageDigest": child}]
    answer = ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageDigest": child}])
    assert answer["failures"] == []
    assert digests(ecr) == []


def test_a_lifecycle_policy_spares_the_images_of_an_index(ecr: MemoryEcr) -> None:
    """ECR User Guide: Lifecycle policies: images of a manifest list expire after the list."""
    child = push(ecr, image("amd64"))
    parent = push(ecr, index(child), "8.0.1")
    with pytest.raises(ValueError, match=parent):
        ecr.delete_by_lifecycle("redis", child)
    ecr.delete_by_lifecycle("redis", parent)
    ecr.delete_by_lifecycle("redis", child)
    assert digests(ecr) == []


@pytest.mark.parametrize("count", [0, 101])
def test_one_to_a_hundred_images_can_be_deleted(ecr: MemoryEcr, count: int) -> None:
    """ECR API: BatchDeleteImage, imageIds."""
    with refused("BatchDeleteImage", "InvalidParameterException"):
        ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageTag": "x"}] * count)


def test_nothing_can_be_deleted_from_a_repository_that_is_not_there(ecr: MemoryEcr) -> None:
    """ECR API: BatchDeleteImage, RepositoryNotFoundException."""
    with refused("BatchDeleteImage", "RepositoryNotFoundException"):
        ecr.batch_delete_image(repositoryName="valkey", imageIds=[{"imageTag": "1"}])
