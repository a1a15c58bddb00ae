"""DescribeImages and ListImages of the registry in memory."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward_cli.in_memory.images import OCI_INDEX, OCI_MANIFEST, MemoryEcr
from tests.unit.in_memory.memory_images import (
    ABSENT,
    OCI_CONFIG,
    Clock,
    image,
    index,
    push,
    refused,
    registry,
)


@pytest.fixture
def ecr() -> MemoryEcr:
    return registry(clock=Clock())


def listed(ecr: MemoryEcr, **how: Any) -> list[list[tuple[str, str | None]]]:
    """The pages of ListImages, each a list of digest and tag."""
    pages = []
    while True:
        answer = ecr.list_images(repositoryName="redis", **how)
        pages.append([(each["imageDigest"], each.get("imageTag")) for each in answer["imageIds"]])
        if "nextToken" not in answer:
            return pages
        how["nextToken"] = answer["nextToken"]


def test_a_detail_says_what_ecr_says(ecr: MemoryEcr) -> None:
    """ECR API: ImageDetail."""
    pushed = push(ecr, image("8.0.1", size=40), "8.0.1")
    push(ecr, image("8.0.1", size=40), "8.0")
    answer = ecr.describe_images(repositoryName="redis", imageIds=[{"imageTag": "8.0"}])
    assert answer["imageDetails"] == [
        {
            "registryId": "123456789012",
            "repositoryName": "redis",
            "imageDigest": pushed,
            "imageTags": ["8.0.1", "8.0"],
            "imageSizeInBytes": 42,
            "imagePushedAt": Clock().now,
            "imageManifestMediaType": OCI_MANIFEST,
            "artifactMediaType": OCI_CONFIG,
            "imageStatus": "ACTIVE",
        }
    ]


def test_an_index_is_as_large_as_its_largest_image(ecr: MemoryEcr) -> None:
    """ECR API: ImageDetail, imageSizeInBytes; untagged images have no imageTags."""
    children = [push(ecr, image("amd64", size=70)), push(ecr, image("arm64", size=60))]
    push(ecr, index(*children), "8.0.1")
    small, other, parent = ecr.describe_images(repositoryName="redis")["imageDetails"]
    assert parent["imageSizeInBytes"] == 72
    assert parent["imageManifestMediaType"] == OCI_INDEX
    assert "artifactMediaType" not in parent
    assert "imageTags" not in small
    assert "imageTags" not in other


def test_one_missing_image_fails_the_whole_description(ecr: MemoryEcr) -> None:
    """ECR API: DescribeImages, ImageNotFoundException, in ECR's words."""
    push(ecr, image("8.0.1"), "8.0.1")
    with refused("DescribeImages", "ImageNotFoundException") as caught:
        ecr.describe_images(
            repositoryName="redis", imageIds=[{"imageTag": "8.0.1"}, {"imageTag": "x"}]
        )
    assert caught.value.response["Error"]["Message"] == (
        "The image with imageId {imageDigest:'null', imageTag:'x'} does not exist within the "
        "repository with name 'redis' in the registry with id '123456789012'"
    )


def test_a_tag_that_moved_on_is_not_found_with_its_old_digest(ecr: MemoryEcr) -> None:
    """ECR API: DescribeImages, ImageNotFoundException."""
    old = push(ecr, image("old"), "latest")
    push(ecr, image("new"), "latest")
    with refused("DescribeImages", "ImageNotFoundException"):
        ecr.describe_images(
            repositoryName="redis", imageIds=[{"imageTag": "latest", "imageDigest": old}]
        )


@pytest.mark.parametrize("image_id", [{}, {"imageDigest": "sha256:abc"}, {"imageTag": "a b"}])
def test_an_id_that_is_none_is_invalid(ecr: MemoryEcr, image_id: dict[str, str]) -> None:
    """ECR API: DescribeImages, InvalidParameterException."""
    with refused("DescribeImages", "InvalidParameterException"):
        ecr.describe_images(repositoryName="redis", imageIds=[image_id])


@pytest.mark.parametrize("paging", [{"maxResults": 10}, {"nextToken": "token"}])
def test_ids_and_paging_exclude_each_other(ecr: MemoryEcr, paging: dict[str, Any]) -> None:
    """ECR API: DescribeImages, maxResults and nextToken "cannot be used" with imageIds."""
    with refused("DescribeImages", "InvalidParameterException"):
        ecr.describe_images(repositoryName="redis", imageIds=[{"imageDigest": ABSENT}], **paging)


@pytest.mark.parametrize("count", [0, 101])
def test_one_to_a_hundred_images_can_be_described(ecr: MemoryEcr, count: int) -> None:
    """ECR API: DescribeImages, imageIds."""
    with refused("DescribeImages", "InvalidParameterException"):
        ecr.describe_images(repositoryName="redis", imageIds=[{"imageDigest": ABSENT}] * count)


def test_details_come_by_page(ecr: MemoryEcr) -> None:
    """ECR API: DescribeImages, nextToken."""
    pushed = [push(ecr, image(str(number)), f"build-{number}") for number in range(5)]
    seen, token = [], None
    while True:
        more: dict[str, Any] = {} if token is None else {"nextToken": token}
        answer = ecr.describe_images(repositoryName="redis", maxResults=2, **more)
        seen.append([detail["imageDigest"] for detail in answer["imageDetails"]])
        token = answer.get("nextToken")
        if token is None:
            break
    assert seen == [pushed[:2], pushed[2:4], pushed[4:]]


def test_a_list_has_one_entry_per_tag_and_one_for_an_untagged_image(ecr: MemoryEcr) -> None:
    """ECR API: ListImages."""
    first = push(ecr, image("8.0.1"), "8.0.1")
    push(ecr, image("8.0.1"), "8.0")
    second = push(ecr, image("amd64"))
    assert ecr.list_images(repositoryName="redis")["imageIds"] == [
        {"imageDigest": first, "imageTag": "8.0.1"},
        {"imageDigest": first, "imageTag": "8.0"},
        {"imageDigest": second},
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 7, 1000])
def test_pages_of_any_size_list_every_tag_once(ecr: MemoryEcr, limit: int) -> None:
    """ECR API: ListImages, maxResults and nextToken: a page may end within an image."""
    expected: list[tuple[str, str | None]] = []
    for name in ("a", "b", "c"):
        for number in range(2):
            expected.append((push(ecr, image(name), f"{name}-{number}"), f"{name}-{number}"))
        expected.append((push(ecr, image(f"{name} untagged")), None))

    pages = listed(ecr, maxResults=limit)
    assert [entry for page in pages for entry in page] == expected
    assert all(len(page) == limit for page in pages[:-1])
    assert 1 <= len(pages[-1]) <= limit


def test_a_page_has_100_entries_unless_asked_otherwise_and_1000_at_most(ecr: MemoryEcr) -> None:
    """ECR API: ListImages, maxResults."""
    for number in range(1001):
        push(ecr, image(str(number)), f"build-{number}")
    assert [len(page) for page in listed(ecr)] == [100] * 10 + [1]
    assert [len(page) for page in listed(ecr, maxResults=1000)] == [1000, 1]
    assert len(ecr.describe_images(repositoryName="redis")["imageDetails"]) == 100


@pytest.mark.parametrize("limit", [0, 1001, -1])
def test_a_page_size_out_of_range_is_invalid(ecr: MemoryEcr, limit: int) -> None:
    """ECR API: MaxResults, 1 to 1000."""
    with refused("ListImages", "InvalidParameterException"):
        ecr.list_images(repositoryName="redis", maxResults=limit)
    with refused("DescribeImages", "InvalidParameterException"):
        ecr.describe_images(repositoryName="redis", maxResults=limit)


def test_the_default_page_can_be_made_small() -> None:
    """Tests need no hundred images to see a second page."""
    ecr = registry(page_limit=2)
    for number in range(3):
        push(ecr, image(str(number)), f"build-{number}")
    assert [len(page) for page in listed(ecr)] == [2, 1]


@pytest.mark.parametrize("token", ["", "nonsense", "bm9uc2Vuc2U=", "é"])
def test_a_token_ecr_did_not_give_is_invalid(ecr: MemoryEcr, token: str) -> None:
    """ECR API: ListImages, InvalidParameterException."""
    with refused("ListImages", "InvalidParameterException"):
        ecr.list_images(repositoryName="redis", nextToken=token)


def test_a_token_belongs_to_its_operation_and_repository(ecr: MemoryEcr) -> None:
    """ECR API: ListImages, nextToken is opaque and of "a previous paginated ListImages"."""
    ecr.create_repository(repositoryName="valkey")
    for number in range(2):
        push(ecr, image(str(number)), f"build-{number}")
    token = ecr.list_images(repositoryName="redis", maxResults=1)["nextToken"]
    with refused("ListImages", "InvalidParameterException"):
        ecr.list_images(repositoryName="valkey", nextToken=token)
    with refused("DescribeImages", "InvalidParameterException"):
        ecr.describe_images(repositoryName="redis", nextToken=token)
    token = ecr.describe_images(repositoryName="redis", maxResults=1)["nextToken"]
    with refused("DescribeImages", "InvalidParameterException"):
        ecr.describe_images(repositoryName="valkey", nextToken=token)


def test_images_deleted_between_two_pages_hide_no_other(ecr: MemoryEcr) -> None:
    """ECR API: ListImages, nextToken. The list goes on after the page that was read."""
    pushed = [push(ecr, image(str(number)), f"build-{number}") for number in range(6)]
    first = ecr.list_images(repositoryName="redis", maxResults=2)
    gone = [{"imageDigest": each} for each in (*pushed[:3], pushed[4])]
    ecr.batch_delete_image(repositoryName="redis", imageIds=gone)
    rest = ecr.list_images(repositoryName="redis", nextToken=first["nextToken"])
    assert [each["imageDigest"] for each in rest["imageIds"]] == [pushed[3], pushed[5]]


def test_tagged_and_untagged_images_can_be_told_apart(ecr: MemoryEcr) -> None:
    """ECR API: ListImagesFilter and DescribeImagesFilter, tagStatus."""
    tagged = push(ecr, image("tagged"), "8.0.1")
    untagged = push(ecr, image("untagged"))
    for status, expected in (
        ("TAGGED", [tagged]),
        ("UNTAGGED", [untagged]),
        ("ANY", [tagged, untagged]),
    ):
        how: dict[str, Any] = {"repositoryName": "redis", "filter": {"tagStatus": status}}
        details = ecr.describe_images(**how)["imageDetails"]
        assert [each["imageDigest"] for each in details] == expected
        assert [each["imageDigest"] for each in ecr.list_images(**how)["imageIds"]] == expected


def test_an_archived_image_hides_unless_asked_for(ecr: MemoryEcr) -> None:
    """ECR API: ListImagesFilter and DescribeImagesFilter: only ACTIVE without imageStatus."""
    archived = push(ecr, image("old"), "8.0.1")
    active = push(ecr, image("new"), "8.0.2")
    ecr.archive("redis", archived)
    for how, expected in (
        ({}, [active]),
        ({"filter": {"tagStatus": "TAGGED"}}, [active]),
        ({"filter": {"imageStatus": "ACTIVE"}}, [active]),
        ({"filter": {"imageStatus": "ARCHIVED"}}, [archived]),
        ({"filter": {"imageStatus": "ANY"}}, [archived, active]),
    ):
        asked: dict[str, Any] = {"repositoryName": "redis", **how}
        details = ecr.describe_images(**asked)["imageDetails"]
        assert [each["imageDigest"] for each in details] == expected
        assert [each["imageDigest"] for each in ecr.list_images(**asked)["imageIds"]] == expected
    assert ecr.tags("redis") == {"8.0.1": archived, "8.0.2": active}


def test_an_archived_image_is_described_by_id_if_asked_for(ecr: MemoryEcr) -> None:
    """ECR API: DescribeImagesFilter, imageStatus."""
    archived = push(ecr, image("old"), "8.0.1")
    ecr.archive("redis", archived)
    asked: dict[str, Any] = {"repositoryName": "redis", "imageIds": [{"imageDigest": archived}]}
    assert ecr.describe_images(**asked)["imageDetails"] == []
    [detail] = ecr.describe_images(**asked, filter={"imageStatus": "ANY"})["imageDetails"]
    assert detail["imageStatus"] == "ARCHIVED"
    assert detail["lastArchivedAt"] == Clock().now


@pytest.mark.parametrize("wrong", [{"tagStatus": "SOME"}, {"imageStatus": "DELETED"}])
def test_a_filter_ecr_does_not_know_is_invalid(ecr: MemoryEcr, wrong: dict[str, str]) -> None:
    """ECR API: TagStatus, ImageStatusFilter."""
    with refused("ListImages", "InvalidParameterException"):
        ecr.list_images(repositoryName="redis", filter=wrong)
    with refused("DescribeImages", "InvalidParameterException"):
        ecr.describe_images(repositoryName="redis", filter=wrong)


def test_a_repository_that_is_not_there_cannot_be_listed(ecr: MemoryEcr) -> None:
    """ECR API: ListImages and DescribeImages, RepositoryNotFoundException."""
    with refused("ListImages", "RepositoryNotFoundException"):
        ecr.list_images(repositoryName="valkey")
    with refused("DescribeImages", "RepositoryNotFoundException"):
        ecr.describe_images(repositoryName="redis", registryId="999999999999")
