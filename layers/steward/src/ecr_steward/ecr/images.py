"""The registry over boto3's ECR client, or over anything with the same methods."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ecr_steward.ecr import (
    PASSING,
    Fetched,
    ImageGone,
    Manifest,
    Refused,
    TagFrozen,
    Unavailable,
    call,
)
from ecr_steward.tags.state import Image

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

log = logging.getLogger(__name__)

MEDIA_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""All manifests that images have today; with all four accepted ECR has nothing to translate."""

_NO_FILTER = frozenset({"InvalidParameterException", "ParamValidation"})
"""What it is called where a filter is not taken: by ECR, and by botocore before 1.41."""

_IDS_PER_CALL = 100
_PAGE = 1000


class EcrRegistry:
    """What the steward reads of images, and the writes of tags, over boto3's ECR client.

    The client's own retries (botocore's standard mode) are the only ones; what they cannot cure
    arrives as Unavailable. Every method raises RegistryError. `pushed_back` is called where ECR
    took a write at a second try only, or not at all in passing.
    """

    def __init__(self, client: ECRClient, pushed_back: Callable[[], object] = lambda: None) -> None:
        self._client = client
        self._pushed_back = pushed_back
        self._unfiltered: set[str] = set()

    def fetch(
        self, repository: str, digests: Collection[str], tags: Collection[str] = ()
    ) -> Fetched:
        """The manifests of these digests and tags: one `BatchGetImage` per 100 of them."""
        ids = [{"imageDigest": digest} for digest in digests]
        ids += [{"imageTag": tag} for tag in tags]
        manifests: dict[str, Manifest] = {}
        absent: set[str] = set()
        blocked: dict[str, str] = {}
        for start in range(0, len(ids), _IDS_PER_CALL):
            answer = call(
                "BatchGetImage",
                self._client.batch_get_image,
                repositoryName=repository,
                imageIds=ids[start : start + _IDS_PER_CALL],
                acceptedMediaTypes=MEDIA_TYPES,
            )
            for image in answer["images"]:
                digest = image["imageId"]["imageDigest"]
                media_type = image.get("imageManifestMediaType", "")
                manifests[digest] = Manifest(digest, image["imageManifest"], media_type)
            for failure in answer["failures"]:
                _sort_failure(failure, absent, blocked)
        return Fetched(manifests, frozenset(absent), blocked)

    def describe(self, repository: str, digests: Collection[str]) -> dict[str, Image]:
        """The images of these digests: one `DescribeImages` per 100. ImageGone if one is gone."""
        return images_of(self.details(repository, digests))

    def details(self, repository: str, digests: Collection[str]) -> Iterator[Mapping[str, Any]]:
        """The same, as `DescribeImages` has them."""
        ids = [{"imageDigest": digest} for digest in digests]
        for start in range(0, len(ids), _IDS_PER_CALL):
            answer = self._of_any_status(
                "DescribeImages",
                self._client.describe_images,
                "by digest",
                repositoryName=repository,
                imageIds=ids[start : start + _IDS_PER_CALL],
            )
            yield from answer["imageDetails"]

    def details_there(self, repository: str, digests: Collection[str]) -> list[Mapping[str, Any]]:
        """The same of those that are there: a few calls more for each that is gone, for ECR then
        answers for none of a call."""
        asked = sorted(digests)
        portions = (asked[at : at + _IDS_PER_CALL] for at in range(0, len(asked), _IDS_PER_CALL))
        return [each for portion in portions for each in self._there(repository, portion)]

    def _there(self, repository: str, digests: Sequence[str]) -> list[Mapping[str, Any]]:
        try:
            return list(self.details(repository, digests))
        except ImageGone:
            half = len(digests) // 2
            if half == 0:
                return []
            parts = digests[:half], digests[half:]
            return [each for part in parts for each in self._there(repository, part)]

    def describe_all(self, repository: str) -> Iterator[Image]:
        """Every image, archived ones too, 1,000 a call."""
        return map(_image, self.details_of_all(repository))

    def details_of_all(self, repository: str) -> Iterator[Mapping[str, Any]]:
        """The same, as `DescribeImages` has them."""
        pages = self._pages(
            "DescribeImages",
            partial(
                self._of_any_status, "DescribeImages", self._client.describe_images, "all of them"
            ),
            repositoryName=repository,
        )
        return (detail for page in pages for detail in page["imageDetails"])

    def list_tags(self, repository: str) -> Iterator[tuple[str, str]]:
        """Every tag with its digest, of archived images too, 1,000 a call."""
        pages = self._pages(
            "ListImages",
            partial(self._of_any_status, "ListImages", self._client.list_images, "all of them"),
            repositoryName=repository,
            filter={"tagStatus": "TAGGED"},
        )
        return (
            (each["imageTag"], each["imageDigest"])
            for page in pages
            for each in page["imageIds"]
            if "imageTag" in each
        )

    def put(self, repository: str, manifest: Manifest, tag: str) -> None:
        """Put `tag` on the image of `manifest`, by digest and byte for byte.

        ECR refuses a manifest whose digest is not `imageDigest` (ECR API: PutImage,
        ImageDigestDoesNotMatchException), so a translated manifest can never be put.
        """
        try:
            answer = call(
                "PutImage",
                self._client.put_image,
                repositoryName=repository,
                imageManifest=manifest.text,
                imageManifestMediaType=manifest.media_type,
                imageTag=tag,
                imageDigest=manifest.digest,
            )
        except Unavailable:
            self._pushed_back()
            raise
        except Refused as error:
            if error.code != "ImageAlreadyExistsException":
                raise
            return
        except TagFrozen:
            # Immutable repositories have been seen to say this of an unchanged digest too.
            image = self.describe(repository, [manifest.digest]).get(manifest.digest)
            if image is None or tag not in image.tags:
                raise
            return
        if answer.get("ResponseMetadata", {}).get("RetryAttempts"):
            self._pushed_back()
        put = answer["image"]["imageId"]["imageDigest"]
        if put != manifest.digest:
            raise Refused("PutImage", "DigestMismatch", f"`{tag}` went to {put}")

    def untag(self, repository: str, tag: str, digest: str) -> None:
        """Take `tag` off the image of `digest`, unless it is the image's last one.

        Deleting an image's last tag deletes the image (ECR API: BatchDeleteImage), and there is no
        way to make that conditional, so the tags are read once more directly before.
        """
        image = self.describe(repository, [digest]).get(digest)
        if image is None or tag not in image.tags:
            return
        if len(image.tags) < 2:
            raise Refused("BatchDeleteImage", "LastTag", "it is the image's last tag by now")
        answer = call(
            "BatchDeleteImage",
            self._client.batch_delete_image,
            repositoryName=repository,
            imageIds=[{"imageTag": tag}],
        )
        for failure in answer["failures"]:
            if failure["failureCode"] != "ImageNotFound":
                reason = failure.get("failureReason", "")
                raise Refused("BatchDeleteImage", failure["failureCode"], reason)

    def created(self, repository: str) -> datetime:
        """When the repository was made: one of the same name may have been deleted before."""
        answer = call(
            "DescribeRepositories",
            self._client.describe_repositories,
            repositoryNames=[repository],
        )
        created: datetime = answer["repositories"][0]["createdAt"]
        return created

    def repositories(self) -> Iterator[str]:
        """The names of all repositories, 1,000 a call."""
        pages = self._pages("DescribeRepositories", self._client.describe_repositories)
        return (each["repositoryName"] for page in pages for each in page["repositories"])

    def pull_through_prefixes(self) -> tuple[str, ...]:
        """The prefixes of the repositories that pull-through-cache rules make."""
        pages = self._pages(
            "DescribePullThroughCacheRules", self._client.describe_pull_through_cache_rules
        )
        return tuple(
            rule["ecrRepositoryPrefix"] for page in pages for rule in page["pullThroughCacheRules"]
        )

    def _of_any_status(
        self,
        operation: str,
        method: Callable[..., Any],
        way: str,
        filter: Mapping[str, str] = MappingProxyType({}),  # noqa: A002
        **asked: Any,
    ) -> Any:
        """Ask for archived images, too; without them where ECR, or an SDK that is older than them,
        does not take the filter in this `way` of asking."""
        only = {"filter": dict(filter)} if filter else {}
        if f"{operation} {way}" in self._unfiltered:
            return call(operation, method, **only, **asked)
        try:
            return call(operation, method, filter={**filter, "imageStatus": "ANY"}, **asked)
        except Refused as error:
            if error.code not in _NO_FILTER:
                raise
            answer = call(operation, method, **only, **asked)
            self._unfiltered.add(f"{operation} {way}")
            log.warning("Archived images are not seen: %s", error)
            return answer

    def _pages(self, operation: str, method: Callable[..., Any], **asked: Any) -> Iterator[Any]:
        token: str | None = None
        while True:
            more = {} if token is None else {"nextToken": token}
            page = call(operation, method, maxResults=_PAGE, **asked, **more)
            yield page
            token = page.get("nextToken")
            if not token:
                return


def images_of(details: Iterable[Mapping[str, Any]]) -> dict[str, Image]:
    """The images of what `DescribeImages` says, by digest."""
    images: dict[str, Image] = {}
    for image in map(_image, details):
        images[image.digest] = _united(images.get(image.digest), image)
    return images


def _united(held: Image | None, image: Image) -> Image:
    """One image of two entries that tell of it: the sample answer of DescribeImages has one for
    each tag."""
    if held is None:
        return image
    return replace(image, tags=tuple(dict.fromkeys((*held.tags, *image.tags))))


def _image(detail: Mapping[str, Any]) -> Image:
    return Image(
        digest=detail["imageDigest"],
        tags=tuple(detail.get("imageTags", ())),
        pushed_at=detail["imagePushedAt"],
        pulled_at=detail.get("lastRecordedPullTime"),
    )


def _sort_failure(failure: Mapping[str, Any], absent: set[str], blocked: dict[str, str]) -> None:
    asked = failure["imageId"].get("imageTag") or failure["imageId"].get("imageDigest", "")
    code = failure["failureCode"]
    if code == "ImageNotFound":
        absent.add(asked)
    elif code in PASSING:
        raise Unavailable("BatchGetImage", code, failure.get("failureReason", ""))
    else:
        blocked[asked] = code
