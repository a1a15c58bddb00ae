"""PutImage of the registry in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_steward_cli.in_memory.images import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    MAX_TAGS_PER_IMAGE,
    OCI_INDEX,
    OCI_MANIFEST,
)
from tests.unit.in_memory.memory_images import (
    ABSENT,
    Clock,
    digest,
    digests,
    image,
    index,
    push,
    refused,
    registry,
)


def test_the_manifest_is_stored_byte_for_byte() -> None:
    """ECR API: PutImage. The digest is that of the text, white space and order included."""
    ecr = registry()
    manifest = '{ "schemaVersion":2,\n\t"mediaType" : "' + OCI_MANIFEST + '","config":{} }\n'
    answer = ecr.put_image(repositoryName="redis", imageManifest=manifest, imageTag="8.0.1")

    assert answer["image"] == {
        "registryId": "123456789012",
        "repositoryName": "redis",
        "imageId": {"imageDigest": digest(manifest), "imageTag": "8.0.1"},
        "imageManifest": manifest,
        "imageManifestMediaType": OCI_MANIFEST,
    }
    stored = ecr.batch_get_image(
        repositoryName="redis", imageIds=[{"imageDigest": digest(manifest)}]
    )
    assert stored["images"][0]["imageManifest"] == manifest


def test_two_texts_of_the_same_json_are_two_images() -> None:
    """ECR API: PutImage. The digest is computed over the manifest's bytes."""
    ecr = registry()
    manifest = image("8.0.1")
    first = push(ecr, manifest, "8.0.1")
    second = push(ecr, json.dumps(json.loads(manifest)), "again")

    assert first != second
    assert digests(ecr) == [first, second]


def test_the_argument_says_the_media_type_where_the_manifest_does_not() -> None:
    """ECR API: PutImage, imageManifestMediaType (manifests without `mediaType`)."""
    ecr = registry()
    answer = ecr.put_image(
        repositoryName="redis",
        imageManifest=image("8.0.1", media_type=None),
        imageManifestMediaType=OCI_MANIFEST,
    )
    assert answer["image"]["imageManifestMediaType"] == OCI_MANIFEST


def test_a_media_type_named_nowhere_is_invalid() -> None:
    """aws/containers-roadmap issue 1873: put-image of an OCI manifest without media type."""
    ecr = registry()
    manifest = image("8.0.1", media_type=None)
    with refused("PutImage", "InvalidParameterException") as caught:
        push(ecr, manifest, "8.0.1")
    assert "Invalid JSON syntax" in str(caught.value)


def test_a_retag_must_name_the_media_type_again() -> None:
    """aws/containers-roadmap issue 1873: the repository's own copy does not answer for it."""
    ecr = registry()
    manifest = image("8.0.1", media_type=None)
    ecr.put_image(
        repositoryName="redis", imageManifest=manifest, imageManifestMediaType=OCI_MANIFEST
    )
    with refused("PutImage", "InvalidParameterException"):
        push(ecr, manifest, "8.0")


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "not json",
        "[]",
        '"text"',
        '{"mediaType": "m", "config": 3}',
        '{"mediaType": "m", "layers": 7}',
        '{"mediaType": "m", "layers": ["layer"]}',
        json.dumps({"mediaType": OCI_INDEX, "manifests": [{"size": 1}]}),
    ],
)
def test_a_manifest_that_is_none_is_invalid(manifest: str) -> None:
    """ECR API: PutImage, InvalidParameterException."""
    ecr = registry()
    with refused("PutImage", "InvalidParameterException"):
        push(ecr, manifest, "8.0.1")
    assert digests(ecr) == []


def test_a_manifest_has_at_most_4194304_characters() -> None:
    """ECR API: PutImage, length of imageManifest."""
    ecr = registry()
    manifest = image("8.0.1")
    push(ecr, manifest + " " * (4_194_304 - len(manifest)), "fits")
    with refused("PutImage", "InvalidParameterException"):
        push(ecr, manifest + " " * (4_194_305 - len(manifest)), "too-long")


def test_a_digest_that_is_not_the_manifests_is_refused() -> None:
    """ECR API: PutImage, ImageDigestDoesNotMatchException."""
    ecr = registry()
    with refused("PutImage", "ImageDigestDoesNotMatchException"):
        ecr.put_image(
            repositoryName="redis",
            imageManifest=image("8.0.1"),
            imageTag="8.0.1",
            imageDigest=ABSENT,
        )
    assert ecr.tags("redis") == {}
    assert digests(ecr) == []


def test_the_digest_can_be_chosen() -> None:
    """A simulated image has the digest that its push event names."""
    chosen = {image("8.0.1"): "sha256:" + "8" * 64}
    ecr = registry(digest_of=chosen.__getitem__)
    assert push(ecr, image("8.0.1"), "8.0.1") == "sha256:" + "8" * 64


def test_the_same_image_under_the_same_tag_already_exists() -> None:
    """ECR API: PutImage, ImageAlreadyExistsException: no change to the manifest or tag."""
    ecr = registry()
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    with refused("PutImage", "ImageAlreadyExistsException") as caught:
        push(ecr, image("8.0.1"), "8.0.1")
    assert (
        f"Image with digest '{pushed}' and tag '8.0.1' already exists in the repository with name "
        "'redis' in registry with id '123456789012'" in str(caught.value)
    )


def test_an_image_put_again_without_tag_already_exists() -> None:
    """ECR API: PutImage, ImageAlreadyExistsException."""
    ecr = registry()
    push(ecr, image("8.0.1"), "8.0.1")
    with refused("PutImage", "ImageAlreadyExistsException"):
        push(ecr, image("8.0.1"))


def test_a_second_tag_does_not_make_a_second_image() -> None:
    """ECR User Guide: Retagging an image."""
    ecr = registry()
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    push(ecr, image("8.0.1"), "8.0")

    assert ecr.tags("redis") == {"8.0.1": pushed, "8.0": pushed}
    assert digests(ecr) == [pushed]


def test_moving_a_tag_leaves_the_old_image_untagged() -> None:
    """ECR User Guide: Retagging an image. An image that lost its last tag stays, untagged."""
    ecr = registry()
    old = push(ecr, image("old"), "latest")
    new = push(ecr, image("new"), "latest")

    assert ecr.tags("redis") == {"latest": new}
    untagged = ecr.list_images(repositoryName="redis", filter={"tagStatus": "UNTAGGED"})
    assert untagged["imageIds"] == [{"imageDigest": old}]


def test_moving_a_tag_leaves_the_old_images_other_tags() -> None:
    """ECR User Guide: Retagging an image."""
    ecr = registry()
    old = push(ecr, image("8.0.1"), "8.0.1")
    push(ecr, image("8.0.1"), "8.0")
    new = push(ecr, image("8.0.2"), "8.0")
    assert ecr.tags("redis") == {"8.0.1": old, "8.0": new}


def test_a_retag_does_not_refresh_the_push_time() -> None:
    """aws/containers-roadmap issue 2746: lifecycle rules count from the first push."""
    clock = Clock()
    ecr = registry(clock=clock)
    pushed_at = clock.now
    push(ecr, image("8.0.1"), "8.0.1")
    clock.advance(days=30)
    push(ecr, image("8.0.1"), "8.0")

    details = ecr.describe_images(repositoryName="redis")["imageDetails"]
    assert [detail["imagePushedAt"] for detail in details] == [pushed_at]


def test_an_image_pushed_again_after_its_deletion_has_a_new_push_time() -> None:
    """ECR API: ImageDetail, imagePushedAt."""
    clock = Clock()
    ecr = registry(clock=clock)
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageDigest": pushed}])
    clock.advance(days=1)
    push(ecr, image("8.0.1"), "8.0.1")

    details = ecr.describe_images(repositoryName="redis")["imageDetails"]
    assert [detail["imagePushedAt"] for detail in details] == [clock.now]


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_an_index_needs_its_images_in_the_same_repository(media_type: str) -> None:
    """ECR API: PutImage, ReferencedImagesNotFoundException."""
    ecr = registry()
    there = push(ecr, image("amd64"))
    with refused("PutImage", "ReferencedImagesNotFoundException") as caught:
        push(ecr, index(there, ABSENT, media_type=media_type), "8.0.1")
    assert ABSENT in str(caught.value)
    assert there not in str(caught.value)
    assert ecr.tags("redis") == {}


def test_an_index_is_retagged_by_putting_the_index_alone() -> None:
    """ECR API: PutImage. The images of the index stay as they are."""
    ecr = registry()
    children = [push(ecr, image("amd64")), push(ecr, image("arm64"))]
    parent = push(ecr, index(*children), "8.0.1")
    push(ecr, index(*children), "8.0")

    assert ecr.tags("redis") == {"8.0.1": parent, "8.0": parent}
    assert digests(ecr) == [*children, parent]


def test_an_image_has_at_most_1000_tags() -> None:
    """ECR User Guide: Amazon ECR service quotas, tags per image (not adjustable)."""
    ecr = registry()
    for number in range(MAX_TAGS_PER_IMAGE):
        push(ecr, image("8.0.1"), f"build-{number}")
    with refused("PutImage", "LimitExceededException"):
        push(ecr, image("8.0.1"), "one-more")
    push(ecr, image("8.0.2"), "build-0")
    push(ecr, image("8.0.1"), "one-more")


@pytest.mark.parametrize("tag", ["", "-1", ".1", "1+2", "a/b", "a b", "1\n", "é", "x" * 129])
def test_a_tag_outside_the_grammar_is_invalid(tag: str) -> None:
    """OCI distribution specification: [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}."""
    ecr = registry()
    with refused("PutImage", "InvalidParameterException"):
        push(ecr, image("8.0.1"), tag)


@pytest.mark.parametrize("tag", ["_", "1.4.2", "1.4.2_build.7", "A-b.C_d", "x" * 128])
def test_a_tag_inside_the_grammar_is_accepted(tag: str) -> None:
    """OCI distribution specification: [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}."""
    ecr = registry()
    pushed = push(ecr, image("8.0.1"), tag)
    assert ecr.tags("redis") == {tag: pushed}


def test_a_put_into_a_repository_that_is_not_there_is_refused() -> None:
    """ECR API: PutImage, RepositoryNotFoundException."""
    ecr = registry()
    with refused("PutImage", "RepositoryNotFoundException") as caught:
        ecr.put_image(repositoryName="valkey", imageManifest=image("1"), imageTag="1")
    assert (
        "The repository with name 'valkey' does not exist in the registry with id '123456789012'"
        in str(caught.value)
    )


@pytest.mark.parametrize("retag", [{"imageTag": "8.0.1"}, {"imageTag": "8.0"}, {}])
def test_a_put_of_an_archived_image_restores_it(retag: dict[str, Any]) -> None:
    """ECR User Guide: Restore an archived image: pushing it restores it at once."""
    ecr = registry()
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    ecr.archive("redis", pushed)
    ecr.put_image(repositoryName="redis", imageManifest=image("8.0.1"), **retag)

    [detail] = ecr.describe_images(repositoryName="redis")["imageDetails"]
    assert detail["imageStatus"] == "ACTIVE"
    assert "lastActivatedAt" in detail
    assert set(detail["imageTags"]) == {"8.0.1", *retag.values()}


def test_a_docker_image_keeps_its_media_type() -> None:
    """ECR User Guide: Container image manifest format support."""
    ecr = registry()
    push(ecr, image("8.0.1", media_type=DOCKER_MANIFEST), "8.0.1")
    [detail] = ecr.describe_images(repositoryName="redis")["imageDetails"]
    assert detail["imageManifestMediaType"] == DOCKER_MANIFEST
