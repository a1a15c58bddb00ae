from __future__ import annotations

import json
from typing import Any

import pytest

from local.images import build
from tests.unit.local.conftest import Ecr

ABSENT = "sha256:" + "0" * 64


def test_the_digest_is_that_of_the_manifest_whether_or_not_the_caller_names_it(ecr: Ecr) -> None:
    image, index = build("1"), build("2", ("amd64", "arm64"))

    assert ecr.put("base/redis", image, "1")["image"]["imageId"] == {
        "imageDigest": image.digest,
        "imageTag": "1",
    }
    assert ecr.put("base/redis", index, "2")["image"]["imageId"]["imageDigest"] == index.digest


def test_an_image_that_loses_its_last_tag_to_another_stays_untagged(ecr: Ecr) -> None:
    old, new = build("old"), build("new")
    ecr.put("base/redis", old, "latest")

    ecr.put("base/redis", new, "latest")

    assert ecr.tags("base/redis") == {"latest": new.digest, None: old.digest}


def test_a_digest_that_is_not_the_manifests_is_refused(ecr: Ecr) -> None:
    answer = ecr.call(
        "PutImage",
        repositoryName="base/redis",
        imageManifest=build("1").manifest,
        imageDigest=ABSENT,
        imageTag="1",
    )

    assert answer == {"status": 400, "error": "ImageDigestDoesNotMatchException"}


def test_an_index_whose_children_are_missing_is_refused(ecr: Ecr) -> None:
    answer = ecr.call(
        "PutImage",
        repositoryName="base/redis",
        imageManifest=build("1", ("amd64", "arm64")).manifest,
        imageTag="1",
    )

    assert answer["error"] == "ReferencedImagesNotFoundException"


@pytest.mark.parametrize(
    ("mutability", "filters", "frozen"),
    [
        ("MUTABLE", [], []),
        ("IMMUTABLE", [], ["latest", "1.4", "1x4"]),
        ("IMMUTABLE_WITH_EXCLUSION", ["latest", "1.*"], ["1x4"]),
        ("MUTABLE_WITH_EXCLUSION", ["1.*"], ["1.4"]),
    ],
)
def test_an_immutable_tag_cannot_move_and_filters_are_wildcards(
    ecr: Ecr, mutability: str, filters: list[str], frozen: list[str]
) -> None:
    settings: dict[str, Any] = {"imageTagMutability": mutability}
    if filters:
        settings["imageTagMutabilityExclusionFilters"] = [
            {"filterType": "WILDCARD", "filter": one} for one in filters
        ]
    ecr.call("CreateRepository", repositoryName="frozen", **settings)
    for tag in ("latest", "1.4", "1x4"):
        ecr.put("frozen", build("old"), tag)

    refused = {
        tag: ecr.put("frozen", build("new"), tag).get("error") for tag in ("latest", "1.4", "1x4")
    }

    assert {tag for tag, error in refused.items() if error} == set(frozen)
    assert set(refused.values()) <= {None, "ImageTagAlreadyExistsException"}


def test_several_ids_are_answered_one_by_one_with_the_tag_that_was_asked_for(ecr: Ecr) -> None:
    image, other = build("1"), build("2")
    for tag in ("1", "1.0"):
        ecr.put("base/redis", image, tag)
    ecr.put("base/redis", other, "2")

    answer = ecr.call(
        "BatchGetImage",
        repositoryName="base/redis",
        imageIds=[
            {"imageTag": "1.0"},
            {"imageTag": "1"},
            {"imageDigest": other.digest},
            {"imageTag": "absent"},
            {"imageTag": "2", "imageDigest": image.digest},
            {"imageDigest": "no digest"},
        ],
    )

    assert [one["imageId"] for one in answer["images"]] == [
        {"imageDigest": image.digest, "imageTag": "1.0"},
        {"imageDigest": image.digest, "imageTag": "1"},
        {"imageDigest": other.digest},
    ]
    assert answer["images"][0]["imageManifest"] == image.manifest
    assert [one["failureCode"] for one in answer["failures"]] == [
        "ImageNotFound",
        "ImageTagDoesNotMatchDigest",
        "InvalidImageDigest",
    ]
    assert answer["failures"][0]["imageId"] == {"imageTag": "absent"}


def test_an_image_that_a_tagged_index_needs_cannot_be_deleted(ecr: Ecr) -> None:
    index = build("1", ("amd64", "arm64"))
    ecr.put("base/redis", index, "1")

    answer = ecr.call(
        "BatchDeleteImage",
        repositoryName="base/redis",
        imageIds=[{"imageDigest": index.children[0].digest}],
    )

    assert answer["failures"][0]["failureCode"] == "ImageReferencedByManifestList"
    assert answer["imageIds"] == []


def test_one_missing_image_fails_the_whole_description(ecr: Ecr) -> None:
    ecr.put("base/redis", build("1"), "1")

    answer = ecr.call(
        "DescribeImages",
        repositoryName="base/redis",
        imageIds=[{"imageTag": "1"}, {"imageTag": "absent"}],
    )

    assert answer == {"status": 400, "error": "ImageNotFoundException"}


def test_a_description_carries_all_tags_and_both_media_types(ecr: Ecr) -> None:
    image = build("1")
    for tag in ("1", "1.0"):
        ecr.put("base/redis", image, tag)

    (detail,) = ecr.call(
        "DescribeImages",
        repositoryName="base/redis",
        imageIds=[{"imageTag": "1"}, {"imageDigest": image.digest}],
        filter={"imageStatus": "ANY"},
    )["imageDetails"]

    assert detail["imageTags"] == ["1", "1.0"]
    assert detail["imageManifestMediaType"] == image.media_type
    assert detail["artifactMediaType"] == "application/vnd.oci.image.config.v1+json"


def test_there_are_no_pull_through_caches(ecr: Ecr) -> None:
    assert ecr.call("DescribePullThroughCacheRules") == {"pullThroughCacheRules": []}


def test_an_operation_that_is_not_served_is_refused_by_name(ecr: Ecr) -> None:
    assert ecr.call("PutSigningConfiguration")["error"] == "UnsupportedOperationException"


def test_calls_are_counted_by_caller_and_operation_until_they_are_reset(ecr: Ecr) -> None:
    ecr.http.post("/_local/calls/reset")
    ecr.call("ListImages", "Boto3/1.0 exec-env/AWS_Lambda_python3.13", repositoryName="base/redis")
    ecr.call("ListImages", "Boto3/1.0 local-cloud", repositoryName="base/redis")
    ecr.docker("GET", "base/redis/manifests/absent")

    assert json.loads(ecr.http.get("/_local/calls").get_data()) == {
        "functions": {"ListImages": 1},
        "local": {"ListImages": 1},
        "registry": {"BatchGetImage": 1},
    }
    ecr.http.post("/_local/calls/reset")
    assert json.loads(ecr.http.get("/_local/calls").get_data()) == {}
