"""What a model of ECR's images has to answer, each case with the fact it rests on.

A test module makes subclasses that pytest collects, with the fixture `ecr`: a registry's client
with the empty repository `redis`. The facts are in the ECR API reference and the ECR User Guide
unless they name another place.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.in_memory.memory_images import (
    ABSENT,
    DOCKER_CONFIG,
    OCI_CONFIG,
    digest,
    image,
    index,
)

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import DescribeImagesFilterTypeDef, ImageIdentifierTypeDef

REDIS = "redis"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

Events = Callable[[], list[dict[str, Any]]]


def refusal(call: Callable[..., object], **asked: Any) -> str:
    """The code by which ECR refuses the call."""
    with pytest.raises(ClientError) as caught:
        call(**asked)
    return str(caught.value.response["Error"]["Code"])


def push(ecr: ECRClient, manifest: str, *tags: str, repository: str = REDIS) -> str:
    """Put an image, by several tags or without one; its digest."""
    named: list[dict[str, Any]] = [{"imageTag": tag} for tag in tags] or [{}]
    for each in named:
        answer = ecr.put_image(repositoryName=repository, imageManifest=manifest, **each)
    return answer["image"]["imageId"]["imageDigest"]


def listed(ecr: ECRClient, **filters: Any) -> list[tuple[str | None, str]]:
    """Tags with their digests, None for an image without a tag, in the order they are listed."""
    more: dict[str, Any] = {"filter": filters} if filters else {}
    ids = ecr.list_images(repositoryName=REDIS, **more)["imageIds"]
    return [(each.get("imageTag"), each["imageDigest"]) for each in ids]


def described(ecr: ECRClient, **filters: Any) -> list[str]:
    """Digests in the order they are described."""
    asked: DescribeImagesFilterTypeDef = filters  # type: ignore[assignment]
    details = ecr.describe_images(repositoryName=REDIS, filter=asked)["imageDetails"]
    return [each["imageDigest"] for each in details]


def got(ecr: ECRClient, *ids: ImageIdentifierTypeDef, **more: Any) -> list[str]:
    """For each id in turn: the digests of images that were found, then the codes of failures."""
    answer = ecr.batch_get_image(repositoryName=REDIS, imageIds=ids, **more)
    found = [each["imageId"]["imageDigest"] for each in answer["images"]]
    return found + [each["failureCode"] for each in answer["failures"]]


def deleted(ecr: ECRClient, *ids: ImageIdentifierTypeDef) -> tuple[list[Any], list[str]]:
    """The ids that were deleted, and the codes of failures."""
    answer = ecr.batch_delete_image(repositoryName=REDIS, imageIds=ids)
    return answer["imageIds"], [each["failureCode"] for each in answer["failures"]]


def archive(ecr: ECRClient, image_digest: str) -> None:
    ecr.update_image_storage_class(
        repositoryName=REDIS, imageId={"imageDigest": image_digest}, targetStorageClass="ARCHIVE"
    )


def freeze(ecr: ECRClient, mutability: str, *filters: str) -> None:
    listed: list[Any] = [{"filterType": "WILDCARD", "filter": each} for each in filters]
    more: dict[str, Any] = {"imageTagMutabilityExclusionFilters": listed} if listed else {}
    asked: Any = mutability
    ecr.put_image_tag_mutability(repositoryName=REDIS, imageTagMutability=asked, **more)


class PutImageContract:
    """PutImage."""

    def test_the_answer_carries_digest_tag_manifest_and_media_type(self, ecr: ECRClient) -> None:
        """PutImage: Response Elements; the digest is the SHA-256 of the manifest (OCI image spec:
        Descriptors)."""
        put = ecr.put_image(repositoryName=REDIS, imageManifest=image("1"), imageTag="1")["image"]
        assert put["imageId"] == {"imageDigest": digest(image("1")), "imageTag": "1"}
        assert put["imageManifest"] == image("1")
        assert put["imageManifestMediaType"] == OCI_MANIFEST
        assert (put["registryId"], put["repositoryName"]) == ("123456789012", REDIS)

    def test_an_image_may_come_without_a_tag(self, ecr: ECRClient) -> None:
        """PutImage: imageTag is not required."""
        put = ecr.put_image(repositoryName=REDIS, imageManifest=image("1"))["image"]
        assert put["imageId"] == {"imageDigest": digest(image("1"))}
        assert listed(ecr) == [(None, digest(image("1")))]

    def test_a_tag_moves_and_the_image_that_loses_it_stays(self, ecr: ECRClient) -> None:
        """User Guide, Retagging an image; the old image is left untagged."""
        old = push(ecr, image("old"), "latest")
        new = push(ecr, image("new"), "latest")
        assert listed(ecr) == [(None, old), ("latest", new)]

    def test_an_image_takes_more_tags(self, ecr: ECRClient) -> None:
        """User Guide, Retagging an image: an existing manifest is put under a new tag."""
        one = push(ecr, image("1"), "1.0.1", "1.0", "1")
        assert listed(ecr) == [("1.0.1", one), ("1.0", one), ("1", one)]

    def test_the_same_image_and_tag_again_is_refused(self, ecr: ECRClient) -> None:
        """PutImage, ImageAlreadyExistsException: no changes to the manifest or image tag."""
        push(ecr, image("1"), "1")
        again = refusal(ecr.put_image, repositoryName=REDIS, imageManifest=image("1"), imageTag="1")
        assert again == "ImageAlreadyExistsException"

    def test_the_same_image_without_a_tag_again_is_refused(self, ecr: ECRClient) -> None:
        """PutImage, ImageAlreadyExistsException."""
        push(ecr, image("1"))
        again = refusal(ecr.put_image, repositoryName=REDIS, imageManifest=image("1"))
        assert again == "ImageAlreadyExistsException"

    def test_the_same_image_and_frozen_tag_again_is_no_overwrite(self, ecr: ECRClient) -> None:
        """PutImage, ImageAlreadyExistsException; users have met both codes
        (aws/containers-roadmap 2179)."""
        freeze(ecr, "IMMUTABLE")
        push(ecr, image("1"), "1")
        again = refusal(ecr.put_image, repositoryName=REDIS, imageManifest=image("1"), imageTag="1")
        assert again == "ImageAlreadyExistsException"

    @pytest.mark.parametrize(
        ("mutability", "filters", "frozen"),
        [
            ("MUTABLE", [], set()),
            ("IMMUTABLE", [], {"latest", "1.4", "1x4", "v1"}),
            ("IMMUTABLE_WITH_EXCLUSION", ["latest", "1.*"], {"1x4", "v1"}),
            ("MUTABLE_WITH_EXCLUSION", ["1.*"], {"1.4"}),
            ("MUTABLE_WITH_EXCLUSION", ["*x*"], {"1x4"}),
            ("IMMUTABLE_WITH_EXCLUSION", ["v"], {"latest", "1.4", "1x4", "v1"}),
        ],
    )
    def test_a_frozen_tag_does_not_move_and_filters_are_wildcards(
        self, ecr: ECRClient, mutability: str, filters: list[str], frozen: set[str]
    ) -> None:
        """User Guide, Preventing image tags from being overwritten: `*` stands for any characters;
        PutImage, ImageTagAlreadyExistsException."""
        tags = ["latest", "1.4", "1x4", "v1"]
        push(ecr, image("old"), *tags)
        freeze(ecr, mutability, *filters)
        for tag in frozen:
            asked = {"repositoryName": REDIS, "imageManifest": image("new"), "imageTag": tag}
            assert refusal(ecr.put_image, **asked) == "ImageTagAlreadyExistsException"
        for tag in set(tags) - frozen:
            push(ecr, image("new"), tag)

    def test_a_frozen_repository_takes_new_tags(self, ecr: ECRClient) -> None:
        """User Guide, Preventing image tags from being overwritten: a tag that is not there yet can
        be pushed."""
        freeze(ecr, "IMMUTABLE")
        one = push(ecr, image("1"), "1.0.1", "1.0")
        assert listed(ecr) == [("1.0.1", one), ("1.0", one)]

    def test_a_digest_that_is_not_the_manifests_is_refused(self, ecr: ECRClient) -> None:
        """PutImage, ImageDigestDoesNotMatchException."""
        asked = {"repositoryName": REDIS, "imageManifest": image("1"), "imageTag": "1"}
        wrong = refusal(ecr.put_image, **asked, imageDigest=ABSENT)
        assert wrong == "ImageDigestDoesNotMatchException"
        ecr.put_image(**asked, imageDigest=digest(image("1")))

    def test_an_index_needs_its_images(self, ecr: ECRClient) -> None:
        """PutImage, ReferencedImagesNotFoundException."""
        asked = {"repositoryName": REDIS, "imageManifest": index(digest(image("arm64")))}
        assert refusal(ecr.put_image, **asked) == "ReferencedImagesNotFoundException"
        push(ecr, image("arm64"))
        assert push(ecr, asked["imageManifest"], "1") == digest(asked["imageManifest"])

    def test_a_manifest_that_names_its_images_but_is_no_index_needs_none(
        self, ecr: ECRClient
    ) -> None:
        """PutImage, ReferencedImagesNotFoundException: for a manifest list."""
        odd = index(ABSENT, media_type=OCI_MANIFEST)
        assert push(ecr, odd, "odd") == digest(odd)

    def test_an_index_whose_entries_have_no_digest_is_refused(self, ecr: ECRClient) -> None:
        """PutImage, InvalidParameterException; OCI image spec: a descriptor has a digest."""
        text = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{}]})
        wrong = refusal(ecr.put_image, repositoryName=REDIS, imageManifest=text)
        assert wrong == "InvalidParameterException"

    @pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"mediaType": 1, "layers": 2}'])
    def test_what_is_no_manifest_is_refused(self, ecr: ECRClient, text: str) -> None:
        """PutImage, InvalidParameterException; seen: Invalid JSON syntax
        (aws/containers-roadmap 1873)."""
        wrong = refusal(ecr.put_image, repositoryName=REDIS, imageManifest=text)
        assert wrong == "InvalidParameterException"

    def test_the_media_type_may_be_named_by_the_call_alone(self, ecr: ECRClient) -> None:
        """PutImage: imageManifestMediaType is for manifests without mediaType (OCI);
        without either the manifest is refused (aws/containers-roadmap 1873)."""
        asked = {"repositoryName": REDIS, "imageManifest": image("1", media_type=None)}
        assert refusal(ecr.put_image, **asked) == "InvalidParameterException"
        put = ecr.put_image(**asked, imageManifestMediaType=OCI_MANIFEST)["image"]
        assert put["imageManifestMediaType"] == OCI_MANIFEST

    @pytest.mark.parametrize("tag", [".1", "-1", "a/b", "a b", "a:b", "x" * 129])
    def test_what_is_no_tag_is_refused(self, ecr: ECRClient, tag: str) -> None:
        """OCI distribution spec: [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}."""
        wrong = refusal(ecr.put_image, repositoryName=REDIS, imageManifest=image("1"), imageTag=tag)
        assert wrong == "InvalidParameterException"

    def test_an_image_has_at_most_a_thousand_tags(self, ecr: ECRClient) -> None:
        """User Guide, Amazon ECR service quotas: tags per image, 1,000, not adjustable; PutImage,
        LimitExceededException."""
        push(ecr, image("1"), *(f"build-{number}" for number in range(1000)))
        asked = {"repositoryName": REDIS, "imageManifest": image("1"), "imageTag": "one-more"}
        assert refusal(ecr.put_image, **asked) == "LimitExceededException"

    def test_a_push_of_an_archived_image_restores_it(self, ecr: ECRClient) -> None:
        """User Guide, Restore an archived image: a push of it restores it immediately."""
        one = push(ecr, image("1"), "1")
        archive(ecr, one)
        push(ecr, image("1"), "1")
        assert described(ecr) == [one]

    def test_a_missing_repository_is_named(self, ecr: ECRClient) -> None:
        """PutImage, RepositoryNotFoundException."""
        wrong = refusal(ecr.put_image, repositoryName="absent", imageManifest=image("1"))
        assert wrong == "RepositoryNotFoundException"


class BatchGetImageContract:
    """BatchGetImage: what a pull asks for."""

    def test_an_image_comes_by_tag_and_by_digest(self, ecr: ECRClient) -> None:
        """BatchGetImage: imageIds; the tag asked for is in the answer."""
        one = push(ecr, image("1"), "1", "1.0")
        ids: list[ImageIdentifierTypeDef] = [{"imageTag": "1"}, {"imageDigest": one}]
        images = ecr.batch_get_image(repositoryName=REDIS, imageIds=ids)["images"]
        assert [each["imageId"] for each in images] == [
            {"imageDigest": one, "imageTag": "1"},
            {"imageDigest": one},
        ]
        assert {each["imageManifest"] for each in images} == {image("1")}

    def test_what_is_missing_is_a_failure_and_no_error(self, ecr: ECRClient) -> None:
        """BatchGetImage: failures; ImageFailure: ImageNotFound."""
        one = push(ecr, image("1"), "1")
        ids: list[ImageIdentifierTypeDef] = [
            {"imageTag": "absent"},
            {"imageTag": "1"},
            {"imageDigest": ABSENT},
        ]
        assert got(ecr, *ids) == [one, "ImageNotFound", "ImageNotFound"]
        answer = ecr.batch_get_image(repositoryName=REDIS, imageIds=ids)
        assert [each["imageId"] for each in answer["failures"]] == [ids[0], ids[2]]

    def test_tag_and_digest_ask_whether_they_belong_together(self, ecr: ECRClient) -> None:
        """ImageFailure: ImageTagDoesNotMatchDigest; so amazon-ecr-containerd-resolver
        asks whether a tag still points at a digest."""
        one, two = push(ecr, image("1"), "1"), push(ecr, image("2"), "2")
        assert got(ecr, {"imageTag": "1", "imageDigest": one}) == [one]
        for other in (two, ABSENT):
            asked: ImageIdentifierTypeDef = {"imageTag": "1", "imageDigest": other}
            assert got(ecr, asked) == ["ImageTagDoesNotMatchDigest"]

    @pytest.mark.parametrize(
        ("image_id", "code"),
        [
            ({}, "MissingDigestAndTag"),
            ({"imageDigest": "1.0"}, "InvalidImageDigest"),
            ({"imageTag": "no tag"}, "InvalidImageTag"),
        ],
    )
    def test_an_id_that_no_image_can_have_is_a_failure(
        self, ecr: ECRClient, image_id: ImageIdentifierTypeDef, code: str
    ) -> None:
        """ImageFailure: failureCode."""
        assert got(ecr, image_id) == [code]

    def test_at_most_a_hundred_ids_come_at_once(self, ecr: ECRClient) -> None:
        """BatchGetImage: imageIds has 1 to 100 members."""
        one = push(ecr, image("1"), "1")
        ids: list[ImageIdentifierTypeDef] = [{"imageTag": "1"}] * 100
        assert got(ecr, *ids) == [one] * 100
        wrong = refusal(ecr.batch_get_image, repositoryName=REDIS, imageIds=[*ids, *ids[:1]])
        assert wrong == "InvalidParameterException"

    @pytest.mark.parametrize(
        ("stored", "accepted", "config"),
        [
            (OCI_MANIFEST, DOCKER_MANIFEST, DOCKER_CONFIG),
            (DOCKER_MANIFEST, OCI_MANIFEST, OCI_CONFIG),
        ],
    )
    def test_an_image_asked_for_by_tag_is_translated_to_what_is_accepted(
        self, ecr: ECRClient, stored: str, accepted: str, config: str
    ) -> None:
        """User Guide, Container image manifest format support: by tag, on request, both ways."""
        pushed = push(ecr, image("1", media_type=stored), "1")
        (found,) = ecr.batch_get_image(
            repositoryName=REDIS, imageIds=[{"imageTag": "1"}], acceptedMediaTypes=[accepted]
        )["images"]
        assert found["imageManifestMediaType"] == accepted
        assert json.loads(found["imageManifest"])["config"]["mediaType"] == config
        assert found["imageId"]["imageDigest"] == digest(found["imageManifest"]) != pushed

    def test_what_is_accepted_comes_as_it_is_stored(self, ecr: ECRClient) -> None:
        """User Guide, Container image manifest format support."""
        one = push(ecr, image("1"), "1")
        both = [DOCKER_MANIFEST, OCI_MANIFEST]
        assert got(ecr, {"imageTag": "1"}, acceptedMediaTypes=both) == [one]
        assert got(ecr, {"imageTag": "1"}) == [one]

    def test_nothing_is_translated_that_is_asked_for_by_digest(self, ecr: ECRClient) -> None:
        """User Guide, Container image manifest format support: no translation by digest."""
        one = push(ecr, image("1"), "1")
        assert got(ecr, {"imageDigest": one}, acceptedMediaTypes=[DOCKER_MANIFEST]) == [one]
        both: ImageIdentifierTypeDef = {"imageDigest": one, "imageTag": "1"}
        assert got(ecr, both, acceptedMediaTypes=[DOCKER_MANIFEST]) == [one]

    def test_an_index_is_not_translated(self, ecr: ECRClient) -> None:
        """User Guide, Container image manifest format support: the table has images only."""
        push(ecr, image("arm64"))
        two = push(ecr, index(digest(image("arm64"))), "2")
        assert got(ecr, {"imageTag": "2"}, acceptedMediaTypes=[DOCKER_MANIFEST]) == [two]

    def test_an_archived_image_cannot_be_pulled(self, ecr: ECRClient) -> None:
        """User Guide, Archive an image: it cannot be pulled; ImageFailure: ImageInaccessible."""
        archive(ecr, push(ecr, image("1"), "1"))
        assert got(ecr, {"imageTag": "1"}) == ["ImageInaccessible"]

    def test_a_missing_repository_is_named(self, ecr: ECRClient) -> None:
        """BatchGetImage, RepositoryNotFoundException."""
        wrong = refusal(ecr.batch_get_image, repositoryName="absent", imageIds=[{"imageTag": "1"}])
        assert wrong == "RepositoryNotFoundException"


class DescribeAndListContract:
    """DescribeImages and ListImages."""

    def test_a_description_carries_what_the_push_said(self, ecr: ECRClient) -> None:
        """ImageDetail; an image's size is that of its parts."""
        one = push(ecr, image("1", size=10), "1", "1.0")
        (detail,) = ecr.describe_images(repositoryName=REDIS)["imageDetails"]
        pushed_at = detail.pop("imagePushedAt")
        assert pushed_at.tzinfo is not None
        assert detail == {
            "registryId": "123456789012",
            "repositoryName": REDIS,
            "imageDigest": one,
            "imageTags": ["1", "1.0"],
            "imageSizeInBytes": 12,
            "imageManifestMediaType": OCI_MANIFEST,
            "artifactMediaType": OCI_CONFIG,
            "imageStatus": "ACTIVE",
        }

    def test_an_index_is_as_large_as_its_largest_image(self, ecr: ECRClient) -> None:
        """ImageDetail, imageSizeInBytes: the max size of all manifests in the list."""
        children = [push(ecr, image(name, size=size)) for name, size in (("a", 10), ("b", 30))]
        push(ecr, index(*children), "1")
        (detail,) = ecr.describe_images(repositoryName=REDIS, imageIds=[{"imageTag": "1"}])[
            "imageDetails"
        ]
        assert detail["imageSizeInBytes"] == 32
        assert "artifactMediaType" not in detail

    def test_an_image_without_tags_has_none_in_its_description(self, ecr: ECRClient) -> None:
        """ImageDetail: imageTags is not there where there are none (observed, as moto has it)."""
        push(ecr, image("1"))
        (detail,) = ecr.describe_images(repositoryName=REDIS)["imageDetails"]
        assert "imageTags" not in detail

    def test_a_moved_tag_does_not_make_an_image_younger(self, ecr: ECRClient) -> None:
        """aws/containers-roadmap 2746: retagging does not refresh imagePushedAt."""
        push(ecr, image("1"), "1")
        before = ecr.describe_images(repositoryName=REDIS)["imageDetails"][0]["imagePushedAt"]
        push(ecr, image("1"), "latest")
        after = ecr.describe_images(repositoryName=REDIS)["imageDetails"][0]["imagePushedAt"]
        assert after == before

    def test_an_image_asked_for_twice_is_described_once(self, ecr: ECRClient) -> None:
        """Not said by AWS: both models do so, and callers must cope with either."""
        one = push(ecr, image("1"), "1")
        details = ecr.describe_images(
            repositoryName=REDIS, imageIds=[{"imageTag": "1"}, {"imageDigest": one}]
        )["imageDetails"]
        assert [each["imageDigest"] for each in details] == [one]

    def test_one_missing_image_fails_the_whole_call(self, ecr: ECRClient) -> None:
        """DescribeImages, ImageNotFoundException."""
        push(ecr, image("1"), "1")
        for absent in ({"imageTag": "2"}, {"imageDigest": ABSENT}):
            ids = [{"imageTag": "1"}, absent]
            wrong = refusal(ecr.describe_images, repositoryName=REDIS, imageIds=ids)
            assert wrong == "ImageNotFoundException"

    @pytest.mark.parametrize(
        "more",
        [
            {"imageIds": [{"imageDigest": "1.0"}]},
            {"imageIds": [{}]},
            {"imageIds": [{"imageTag": "1"}], "maxResults": 1},
            {"imageIds": [{"imageTag": "1"}] * 101},
            {"maxResults": 1001},
            {"nextToken": "no token"},
            {"filter": {"tagStatus": "NONE"}},
            {"filter": {"imageStatus": "NONE"}},
        ],
    )
    def test_what_describe_images_does_not_take(self, ecr: ECRClient, more: Any) -> None:
        """DescribeImages: imageIds (1 to 100) or paging (maxResults to 1,000), never both; enums of
        DescribeImagesFilter. InvalidParameterException."""
        push(ecr, image("1"), "1")
        wrong = refusal(ecr.describe_images, repositoryName=REDIS, **more)
        assert wrong == "InvalidParameterException"

    @pytest.mark.parametrize(
        "more", [{"maxResults": 1001}, {"nextToken": "no token"}, {"filter": {"tagStatus": "NO"}}]
    )
    def test_what_list_images_does_not_take(self, ecr: ECRClient, more: Any) -> None:
        """ListImages: maxResults to 1,000; enums of ListImagesFilter."""
        wrong = refusal(ecr.list_images, repositoryName=REDIS, **more)
        assert wrong == "InvalidParameterException"

    def test_images_are_filtered_by_whether_they_have_tags(self, ecr: ECRClient) -> None:
        """DescribeImagesFilter and ListImagesFilter: tagStatus."""
        bare, named = push(ecr, image("bare")), push(ecr, image("named"), "1")
        assert described(ecr, tagStatus="TAGGED") == [named]
        assert described(ecr, tagStatus="UNTAGGED") == [bare]
        assert described(ecr, tagStatus="ANY") == [bare, named]
        assert listed(ecr, tagStatus="TAGGED") == [("1", named)]
        assert listed(ecr, tagStatus="UNTAGGED") == [(None, bare)]

    def test_archived_images_are_hidden_unless_asked_for(self, ecr: ECRClient) -> None:
        """DescribeImagesFilter and ListImagesFilter, imageStatus: only ACTIVE if not specified."""
        old, new = push(ecr, image("old"), "1"), push(ecr, image("new"), "2")
        archive(ecr, old)
        assert (described(ecr), listed(ecr)) == ([new], [("2", new)])
        assert described(ecr, imageStatus="ARCHIVED") == [old]
        assert described(ecr, imageStatus="ANY") == [old, new]
        assert listed(ecr, imageStatus="ANY") == [("1", old), ("2", new)]
        (detail, _) = ecr.describe_images(repositoryName=REDIS, filter={"imageStatus": "ANY"})[
            "imageDetails"
        ]
        assert detail["imageStatus"] == "ARCHIVED"
        assert detail["lastArchivedAt"] >= detail["imagePushedAt"]

    def test_descriptions_come_by_page_in_the_order_of_pushes(self, ecr: ECRClient) -> None:
        """DescribeImages: maxResults, nextToken. The order is not said by AWS."""
        pushed = [push(ecr, image(str(number)), str(number)) for number in range(5)]
        seen, more = [], dict[str, Any]()
        while True:
            page = ecr.describe_images(repositoryName=REDIS, maxResults=2, **more)
            seen.append([each["imageDigest"] for each in page["imageDetails"]])
            if "nextToken" not in page:
                break
            more = {"nextToken": page["nextToken"]}
        assert seen == [pushed[:2], pushed[2:4], pushed[4:]]

    def test_tags_come_by_page_with_one_entry_each(self, ecr: ECRClient) -> None:
        """ListImages: maxResults, nextToken; one entry for a digest and tag."""
        push(ecr, image("1"), "1", "1.0", "1.0.1")
        push(ecr, image("bare"))
        push(ecr, image("2"), "2")
        everything = listed(ecr)
        pages, more = [], dict[str, Any]()
        while True:
            page = ecr.list_images(repositoryName=REDIS, maxResults=2, **more)
            pages.append([(one.get("imageTag"), one["imageDigest"]) for one in page["imageIds"]])
            if "nextToken" not in page:
                break
            more = {"nextToken": page["nextToken"]}
        assert [len(each) for each in pages] == [2, 2, 1]
        assert [entry for each in pages for entry in each] == everything

    def test_an_image_deleted_between_two_pages_hides_no_other(self, ecr: ECRClient) -> None:
        """DescribeImages: nextToken. What a sweep relies on; not said by AWS."""
        pushed = [push(ecr, image(str(number))) for number in range(4)]
        page = ecr.describe_images(repositoryName=REDIS, maxResults=2)
        deleted(ecr, {"imageDigest": pushed[0]})
        rest = ecr.describe_images(repositoryName=REDIS, nextToken=page["nextToken"])
        assert [each["imageDigest"] for each in rest["imageDetails"]] == pushed[2:]

    def test_a_page_has_a_hundred_entries_where_nothing_is_said(self, ecr: ECRClient) -> None:
        """ListImages and DescribeImages, maxResults: up to 100 if it is not used."""
        for number in range(101):
            push(ecr, image(str(number)))
        assert len(ecr.list_images(repositoryName=REDIS)["imageIds"]) == 100
        assert len(ecr.describe_images(repositoryName=REDIS)["imageDetails"]) == 100

    def test_a_missing_repository_is_named(self, ecr: ECRClient) -> None:
        """DescribeImages and ListImages, RepositoryNotFoundException."""
        for call in (ecr.describe_images, ecr.list_images):
            assert refusal(call, repositoryName="absent") == "RepositoryNotFoundException"


class BatchDeleteImageContract:
    """BatchDeleteImage."""

    def test_a_tag_goes_and_the_image_stays_with_its_others(self, ecr: ECRClient) -> None:
        """BatchDeleteImage: removes a tag by its name."""
        one = push(ecr, image("1"), "1", "1.0")
        assert deleted(ecr, {"imageTag": "1"}) == ([{"imageDigest": one, "imageTag": "1"}], [])
        assert listed(ecr) == [("1.0", one)]

    def test_the_image_goes_with_its_last_tag(self, ecr: ECRClient) -> None:
        """BatchDeleteImage: if you remove the last tag from an image, the image is deleted."""
        push(ecr, image("1"), "1")
        deleted(ecr, {"imageTag": "1"})
        assert listed(ecr) == []

    def test_an_image_goes_by_its_digest_with_all_its_tags(self, ecr: ECRClient) -> None:
        """BatchDeleteImage: by digest, the image and all of its tags."""
        one = push(ecr, image("1"), "1", "1.0")
        gone, failures = deleted(ecr, {"imageDigest": one})
        assert [each["imageTag"] for each in gone] == ["1", "1.0"]
        assert (listed(ecr), failures) == ([], [])

    def test_an_image_without_tags_goes_by_its_digest(self, ecr: ECRClient) -> None:
        """BatchDeleteImage: imageIds of the answer."""
        one = push(ecr, image("1"))
        assert deleted(ecr, {"imageDigest": one}) == ([{"imageDigest": one}], [])

    def test_a_frozen_tag_can_be_deleted(self, ecr: ECRClient) -> None:
        """BatchDeleteImage declares no error for immutable tags; aws/containers-roadmap 878."""
        push(ecr, image("1"), "1")
        freeze(ecr, "IMMUTABLE")
        assert deleted(ecr, {"imageTag": "1"})[1] == []

    def test_what_cannot_be_deleted_is_a_failure_beside_what_can(self, ecr: ECRClient) -> None:
        """BatchDeleteImage: failures; ImageFailure: failureCode."""
        one = push(ecr, image("1"), "1", "1.0")
        gone, failures = deleted(
            ecr,
            {"imageTag": "absent"},
            {"imageDigest": ABSENT},
            {"imageDigest": "1.0"},
            {"imageTag": "no tag"},
            {},
            {"imageTag": "1", "imageDigest": ABSENT},
            {"imageTag": "1"},
        )
        assert gone == [{"imageDigest": one, "imageTag": "1"}]
        assert failures == [
            "ImageNotFound",
            "ImageNotFound",
            "InvalidImageDigest",
            "InvalidImageTag",
            "MissingDigestAndTag",
            "ImageTagDoesNotMatchDigest",
        ]

    def test_an_image_that_an_index_needs_stays(self, ecr: ECRClient) -> None:
        """ImageFailure: ImageReferencedByManifestList."""
        child = push(ecr, image("arm64"), "1-arm64")
        push(ecr, index(child), "1")
        for asked in ({"imageDigest": child}, {"imageTag": "1-arm64"}):
            assert deleted(ecr, asked) == ([], ["ImageReferencedByManifestList"])  # type: ignore[arg-type]

    def test_a_tag_that_is_not_the_last_goes_from_an_image_that_an_index_needs(
        self, ecr: ECRClient
    ) -> None:
        """BatchDeleteImage: a tag is removed, the image stays; the same where its digest is named
        too."""
        child = push(ecr, image("arm64"), "a", "b", "c")
        push(ecr, index(child), "1")
        assert deleted(ecr, {"imageTag": "a"})[1] == []
        assert deleted(ecr, {"imageTag": "b", "imageDigest": child})[1] == []
        assert listed(ecr)[0] == ("c", child)

    def test_the_images_of_an_index_go_after_it(self, ecr: ECRClient) -> None:
        """ImageFailure: ImageReferencedByManifestList ends with the list."""
        child = push(ecr, image("arm64"))
        push(ecr, index(child), "1")
        assert deleted(ecr, {"imageTag": "1"}, {"imageDigest": child})[1] == []
        assert listed(ecr) == []

    def test_at_most_a_hundred_ids_go_at_once(self, ecr: ECRClient) -> None:
        """BatchDeleteImage: imageIds has 1 to 100 members."""
        ids = [{"imageTag": "1"}] * 101
        wrong = refusal(ecr.batch_delete_image, repositoryName=REDIS, imageIds=ids)
        assert wrong == "InvalidParameterException"

    def test_a_missing_repository_is_named(self, ecr: ECRClient) -> None:
        """BatchDeleteImage, RepositoryNotFoundException."""
        ids = [{"imageTag": "1"}]
        wrong = refusal(ecr.batch_delete_image, repositoryName="absent", imageIds=ids)
        assert wrong == "RepositoryNotFoundException"


class StorageClassContract:
    """UpdateImageStorageClass."""

    def test_an_image_is_archived_and_restored(self, ecr: ECRClient) -> None:
        """UpdateImageStorageClass: Response Elements; User Guide, Logging Amazon ECR actions:
        imageStatus is ARCHIVED or ACTIVATING. A model has no minutes to wait: it restores at once.
        """
        one = push(ecr, image("1"), "1")
        asked: Any = {"repositoryName": REDIS, "imageId": {"imageTag": "1"}}
        gone = ecr.update_image_storage_class(**asked, targetStorageClass="ARCHIVE")
        assert (gone["imageId"]["imageDigest"], gone["imageStatus"]) == (one, "ARCHIVED")
        assert described(ecr) == []
        back = ecr.update_image_storage_class(**asked, targetStorageClass="STANDARD")
        assert back["imageStatus"] == "ACTIVATING"
        (detail,) = ecr.describe_images(repositoryName=REDIS)["imageDetails"]
        assert detail["imageStatus"] == "ACTIVE"
        assert detail["lastActivatedAt"] >= detail["lastArchivedAt"]

    def test_what_is_refused(self, ecr: ECRClient) -> None:
        """UpdateImageStorageClass: its errors, and the enum of targetStorageClass."""
        push(ecr, image("1"), "1")
        for name, tag, target, code in (
            ("absent", "1", "ARCHIVE", "RepositoryNotFoundException"),
            (REDIS, "2", "ARCHIVE", "ImageNotFoundException"),
            (REDIS, "1", "ATTIC", "InvalidParameterException"),
        ):
            asked = {"repositoryName": name, "imageId": {"imageTag": tag}}
            wrong = refusal(ecr.update_image_storage_class, **asked, targetStorageClass=target)
            assert wrong == code


class ImageEventsContract:
    """The `ECR Image Action` events of it all. A subclass has the fixture `events`: their details,
    where a tag that is empty or not there is None.

    User Guide, Amazon ECR events and EventBridge; that every PutImage sends one, also of a tag
    alone, was observed (awslabs/cfn-ecr-aws-soci-index-builder, pull request 137).
    """

    def test_each_push_sends_one_with_its_tag_and_media_types(
        self, ecr: ECRClient, events: Events
    ) -> None:
        """Events and EventBridge: Event for a completed image push."""
        one = push(ecr, image("1"), "1", "1.0")
        pushed = {
            "result": "SUCCESS",
            "repository-name": REDIS,
            "image-digest": one,
            "action-type": "PUSH",
            "manifest-media-type": OCI_MANIFEST,
            "artifact-media-type": OCI_CONFIG,
        }
        assert events() == [{**pushed, "image-tag": tag} for tag in ("1", "1.0")]

    def test_an_index_has_no_artifact_media_type_and_its_images_no_tag(
        self, ecr: ECRClient, events: Events
    ) -> None:
        """Pull request 137, as above."""
        push(ecr, index(push(ecr, image("arm64"))), "1")
        assert [each["image-tag"] for each in events()] == [None, "1"]
        assert ["artifact-media-type" in each for each in events()] == [True, False]

    def test_a_moved_tag_sends_no_delete(self, ecr: ECRClient, events: Events) -> None:
        """Events and EventBridge: DELETE is for an image that is deleted."""
        push(ecr, image("old"), "latest")
        push(ecr, image("new"), "latest")
        assert [each["action-type"] for each in events()] == ["PUSH", "PUSH"]

    def test_what_is_refused_sends_nothing(self, ecr: ECRClient, events: Events) -> None:
        """Events and EventBridge: for a completed push, a deleted image."""
        push(ecr, image("1"), "1")
        refusal(ecr.put_image, repositoryName=REDIS, imageManifest=image("1"), imageTag="1")
        refusal(ecr.put_image, repositoryName=REDIS, imageManifest=index(ABSENT))
        deleted(ecr, {"imageTag": "absent"})
        assert len(events()) == 1

    def test_a_deletion_sends_one_for_each_tag(self, ecr: ECRClient, events: Events) -> None:
        """Events and EventBridge: Event for an image deletion. One for each tag is not said by AWS;
        both models do so."""
        one, bare = push(ecr, image("1"), "1", "1.0", "1.0.1"), push(ecr, image("bare"))
        before = len(events())
        deleted(ecr, {"imageTag": "1"}, {"imageDigest": one}, {"imageDigest": bare})
        gone = events()[before:]
        assert [each["image-tag"] for each in gone] == ["1", "1.0", "1.0.1", None]
        assert {each["action-type"] for each in gone} == {"DELETE"}
        assert [each["image-digest"] for each in gone] == [one, one, one, bare]

    def test_an_archived_image_is_told(self, ecr: ECRClient, events: Events) -> None:
        """Events and EventBridge: Event for an image archival action."""
        one = push(ecr, image("1"), "1")
        archive(ecr, one)
        assert events()[1:] == [
            {
                "action-type": "UPDATE_STORAGE_CLASS",
                "target-storage-class": "ARCHIVE",
                "image-digest": one,
                "repository-name": REDIS,
                "result": "SUCCESS",
                "manifest-media-type": OCI_MANIFEST,
                "artifact-media-type": OCI_CONFIG,
                "image-tag": None,
            }
        ]
