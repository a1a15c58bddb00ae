"""A registry in memory that behaves as Amazon ECR does, for the simulator and for tests."""

# The parameters bear the names of the ECR API, so that callers of boto3 need no change.
# ruff: noqa: N803

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Unpack, cast

from ecr_steward_cli.in_memory import grammar, manifests, paging
from ecr_steward_cli.in_memory.grammar import MAX_TAGS_PER_IMAGE, ImageId
from ecr_steward_cli.in_memory.manifests import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
)
from ecr_steward_cli.in_memory.operations import Reply, api_operation
from ecr_steward_cli.in_memory.refusals import RefusedError
from ecr_steward_cli.in_memory.repositories import (
    HeldRepository,
    MemoryRepositories,
    PagedSetup,
    StoredImage,
)

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

__all__ = [
    "DOCKER_LIST",
    "DOCKER_MANIFEST",
    "MAX_TAGS_PER_IMAGE",
    "OCI_INDEX",
    "OCI_MANIFEST",
    "MemoryEcr",
]


class ImagesSetup(PagedSetup, total=False):
    """What a registry of images is made of; see `MemoryEcr`."""

    digest_of: Callable[[str], str]
    echo_tags: bool


class MemoryEcr(MemoryRepositories):
    """The part of the boto3 ECR client that the steward uses, on a registry in memory.

    Methods take the client's keyword arguments and return its responses. What ECR refuses raises
    `botocore.exceptions.ClientError` with ECR's code and operation; what the client itself refuses
    (an unknown or missing parameter, an explicit None) raises `ParamValidationError`.

    `account` and `region` name the registry. `clock` gives the time in UTC, aware; `ids` the ids of
    events, by default counted. `digest_of` gives the digest of a manifest's text, by default its
    SHA-256. `page_limit` is the size of a page where the caller does not say. `emit` receives every
    event that ECR would send to EventBridge, as a whole envelope, after the operation's effect and
    before its answer. `before` and `after` are called with the operation's name and parameters
    before anything happens and once the operation has taken effect; what they raise reaches the
    caller. `echo_tags=False` imitates the stand-ins for ECR that answer `BatchGetImage` with the
    image's last tag instead of the tag asked for. `calls` counts the calls by operation, the
    refused ones included.

    A call costs the same in a repository of any size. Calls may come from several threads; `emit`,
    `before` and `after` are called outside the lock and may call the registry again.

    Layers are not stored: a manifest may name any, LayersNotFoundException never arises, and the
    sizes are those the manifest states. Not here either: the quota of images per repository (it
    can be raised), resource tags, scanning, and cross-account access: a foreign `registryId` has
    no repositories.

    Where AWS does not say what happens, this registry does one thing and a caller must cope with
    all of them:
    - BatchDeleteImage by digest sends one DELETE per tag of the image, or one without `image-tag`
      if it had none. ECR may send one per image instead. By tag it sends one DELETE with that tag,
      whether or not the image went with it.
    - The last tag of an image that an index needs cannot be deleted.
    - DescribeImages with `imageIds` leaves out an image whose status the filter excludes, and
      describes an image once that was asked for by several ids.
    - A PutImage that restores an archived image succeeds and sends PUSH only.
    - DeleteRepository and lifecycle policies send no DELETE.
    - A media type that is neither accepted nor can be translated is returned as it is stored.
    """

    def __init__(
        self,
        *,
        digest_of: Callable[[str], str] = manifests.sha256,
        echo_tags: bool = True,
        **given: Unpack[PagedSetup],
    ) -> None:
        super().__init__(**given)
        self._digest_of = digest_of
        self._echo_tags = echo_tags

    @property
    def client(self) -> ECRClient:
        """This registry, where a boto3 client is asked for."""
        return cast("ECRClient", self)

    # Images

    @api_operation("PutImage")
    def put_image(
        self,
        *,
        repositoryName: str,
        imageManifest: str,
        registryId: str | None = None,
        imageManifestMediaType: str | None = None,
        imageTag: str | None = None,
        imageDigest: str | None = None,
    ) -> Reply:
        """Store the manifest's text as it is, and put `imageTag` on it (ECR API: PutImage)."""
        grammar.check_put(imageManifest, imageTag)
        repository = self._repository(repositoryName, registryId)
        now = self._clock()
        digest = self._digest_of(imageManifest)
        known = repository.images.get(digest)
        if known is not None and not (imageManifestMediaType or known.contents.names_media_type):
            raise manifests.unreadable()
        image = known or self._image(repository, digest, imageManifest, imageManifestMediaType, now)
        if imageDigest is not None and imageDigest != digest:
            raise RefusedError(
                "ImageDigestDoesNotMatchException",
                f"The image digest '{imageDigest}' does not match the digest '{digest}' "
                "that Amazon ECR calculated for the image",
            )
        self._check_tag(repository, image, imageTag, is_new=known is None)
        if known is None:
            repository.add(image)
        elif image.status != "ACTIVE":
            image.status, image.activated_at = "ACTIVE", now
        if imageTag is not None and imageTag not in image.tags:
            repository.tag(image, imageTag, next(self._numbers))
        self._note(
            repository.name,
            image.digest,
            "PUSH",
            now,
            {"image-tag": imageTag or ""} | _types(image),
        )
        return {"image": self._answer(repository, image, imageTag)}

    @api_operation("BatchGetImage")
    def batch_get_image(
        self,
        *,
        repositoryName: str,
        imageIds: Sequence[ImageId],
        registryId: str | None = None,
        acceptedMediaTypes: Sequence[str] | None = None,
    ) -> Reply:
        """The images asked for; what is missing is in `failures` (ECR API: BatchGetImage)."""
        grammar.check_batch("imageIds", imageIds)
        if acceptedMediaTypes is not None:
            grammar.check_batch("acceptedMediaTypes", acceptedMediaTypes)
        repository = self._repository(repositoryName, registryId)
        images: list[Reply] = []
        failures: list[Reply] = []
        for image_id in imageIds:
            image, failure = _find(repository, image_id)
            if image is not None and image.status != "ACTIVE":
                image, failure = None, _failure(image_id, "ImageInaccessible", "Image is archived")
            if image is None:
                failures.append(failure)
                continue
            answer = self._answer(repository, image, self._echo(image, image_id))
            if "imageDigest" not in image_id and acceptedMediaTypes is not None:
                self._translate(answer, acceptedMediaTypes)
            images.append(answer)
        return {"images": images, "failures": failures}

    @api_operation("DescribeImages")
    def describe_images(
        self,
        *,
        repositoryName: str,
        registryId: str | None = None,
        imageIds: Sequence[ImageId] | None = None,
        nextToken: str | None = None,
        maxResults: int | None = None,
        filter: Mapping[str, str] | None = None,  # noqa: A002
    ) -> Reply:
        """The details of images by id, or of all of them by page (ECR API: DescribeImages)."""
        grammar.check_exclusive("imageIds", imageIds, nextToken, maxResults)
        keep = _keep(filter)
        limit = self._limit(maxResults)
        repository = self._repository(repositoryName, registryId)
        if imageIds is not None:
            found = {id(image): image for image in self._described(repository, imageIds)}
            kept = [image for image in found.values() if keep(image)]
            return {"imageDetails": [self._detail(repository, image) for image in kept]}
        scope = f"DescribeImages {repository.name}"
        first, _ = paging.start(nextToken, scope)
        matches = (image for image in repository.images_from(first) if keep(image))
        page, after = paging.page(matches, limit)
        reply: Reply = {"imageDetails": [self._detail(repository, image) for image in page]}
        if after is not None:
            reply["nextToken"] = paging.token(scope, after.number, 0)
        return reply

    @api_operation("ListImages")
    def list_images(
        self,
        *,
        repositoryName: str,
        registryId: str | None = None,
        nextToken: str | None = None,
        maxResults: int | None = None,
        filter: Mapping[str, str] | None = None,  # noqa: A002
    ) -> Reply:
        """One entry per digest and tag, the digest alone for an untagged image, by page.

        ECR API: ListImages.
        """
        keep = _keep(filter)
        limit = self._limit(maxResults)
        repository = self._repository(repositoryName, registryId)
        scope = f"ListImages {repository.name}"
        first = paging.start(nextToken, scope)
        matches = (image for image in repository.images_from(first[0]) if keep(image))
        page, after = paging.page(_entries(matches, first), limit)
        reply: Reply = {"imageIds": [image_id for _, _, image_id in page]}
        if after is not None:
            reply["nextToken"] = paging.token(scope, after[0], after[1])
        return reply

    @api_operation("BatchDeleteImage")
    def batch_delete_image(
        self,
        *,
        repositoryName: str,
        imageIds: Sequence[ImageId],
        registryId: str | None = None,
    ) -> Reply:
        """Delete tags, and images with their last tag or by digest (ECR API: BatchDeleteImage).

        Immutable tags can be deleted: the operation declares no error for them.
        """
        grammar.check_batch("imageIds", imageIds)
        repository = self._repository(repositoryName, registryId)
        deleted: list[Reply] = []
        failures: list[Reply] = []
        for image_id in imageIds:
            image, failure = _find(repository, image_id)
            tag = image_id.get("imageTag")
            if image is not None and image.parents and (tag is None or len(image.tags) == 1):
                reason = f"Requested image referenced by manifest list: {sorted(image.parents)}"
                failure = _failure(image_id, "ImageReferencedByManifestList", reason)
                image = None
            if image is None:
                failures.append(failure)
            else:
                deleted.extend(self._delete(repository, image, tag))
        return {"imageIds": deleted, "failures": failures}

    @api_operation("UpdateImageStorageClass")
    def update_image_storage_class(
        self,
        *,
        repositoryName: str,
        imageId: ImageId,
        targetStorageClass: str,
        registryId: str | None = None,
    ) -> Reply:
        """Archive an image, or restore it at once (ECR API: UpdateImageStorageClass)."""
        repository = self._repository(repositoryName, registryId)
        (image,) = self._described(repository, [imageId])
        grammar.check_storage_class(targetStorageClass)
        self._move_to(targetStorageClass, repository, image)
        return {
            "registryId": self.account,
            "repositoryName": repositoryName,
            "imageId": {"imageDigest": image.digest},
            "imageStatus": "ARCHIVED" if targetStorageClass == "ARCHIVE" else "ACTIVATING",
        }

    # For tests and the simulator: no calls of the API, so neither counted nor hooked

    def tags(self, repository: str) -> dict[str, str]:
        """Tag to digest of every tag of `repository`; KeyError if there is no such repository."""
        with self._lock:
            return dict(self._repositories[repository].tags)

    def pulled(self, repository: str, digest: str) -> None:
        """Note that somebody pulled an image; KeyError if missing. No event tells it."""
        with self._lock:
            self._repositories[repository].images[digest].pulled_at = self._clock()

    def archive(self, repository: str, digest: str) -> None:
        """Archive an image as a lifecycle policy does, with its event; KeyError if missing.

        ECR User Guide: Archive an image; Amazon ECR events and EventBridge.
        """
        with self._lock:
            place = self._repositories[repository]
            self._move_to("ARCHIVE", place, place.images[digest])
            events = self._taken_events()
        self._send(events)

    def delete_by_lifecycle(self, repository: str, digest: str) -> None:
        """Delete an image and its tags as a lifecycle policy does: no event announces it.

        KeyError if there is no such image, ValueError if an index needs it (ECR User Guide:
        Lifecycle policies keep the images that a manifest list references).
        """
        with self._lock:
            place = self._repositories[repository]
            image = place.images[digest]
            if image.parents:
                raise ValueError(f"{digest} is part of {sorted(image.parents)}: expire that first")
            place.remove(image)

    # What an operation is made of

    def _move_to(self, target: str, repository: HeldRepository, image: StoredImage) -> None:
        now = self._clock()
        if target == "ARCHIVE":
            image.status, image.archived_at = "ARCHIVED", now
        elif image.status != "ACTIVE":
            image.status, image.activated_at = "ACTIVE", now
        detail = {"target-storage-class": target} | _types(image)
        self._note(repository.name, image.digest, "UPDATE_STORAGE_CLASS", now, detail)

    def _check_tag(
        self, repository: HeldRepository, image: StoredImage, tag: str | None, *, is_new: bool
    ) -> None:
        """Refuse a put that would change nothing, move a frozen tag, or tag an image too often.

        The identical image is no overwrite: it is ImageAlreadyExistsException in an immutable
        repository too (ECR API: PutImage).
        """
        if not is_new and (tag is None or tag in image.tags):
            if image.status == "ACTIVE":
                named = "" if tag is None else f" and tag '{tag}'"
                raise RefusedError(
                    "ImageAlreadyExistsException",
                    f"Image with digest '{image.digest}'{named} already exists in the repository "
                    f"with name '{repository.name}' in registry with id '{self.account}'",
                )
        elif tag in repository.tags and repository.is_frozen(tag):
            raise RefusedError(
                "ImageTagAlreadyExistsException",
                f"The image tag '{tag}' already exists in the '{repository.name}' repository and "
                "cannot be overwritten because the tag is immutable.",
            )
        else:
            grammar.check_tag_count(image.digest, len(image.tags))

    def _image(
        self,
        repository: HeldRepository,
        digest: str,
        manifest: str,
        media_type: str | None,
        now: datetime,
    ) -> StoredImage:
        """An image as its manifest describes it, not yet in the repository."""
        contents = manifests.read(manifest, media_type)
        missing = [child for child in contents.children if child not in repository.images]
        if missing:
            raise RefusedError(
                "ReferencedImagesNotFoundException",
                f"Images with digests '{missing}' required for pushing image into repository with "
                f"name '{repository.name}' in the registry with id '{self.account}' do not exist",
            )
        # The size of an index is that of its largest image (ECR API: ImageDetail).
        sizes = (repository.images[child].size for child in contents.children)
        return StoredImage(
            number=next(self._numbers),
            digest=digest,
            manifest=manifest,
            contents=contents,
            size=max(sizes, default=contents.size),
            pushed_at=now,
        )

    def _delete(
        self, repository: HeldRepository, image: StoredImage, tag: str | None
    ) -> list[Reply]:
        tags = list(image.tags) if tag is None else [tag]
        if tag is None or len(image.tags) == 1:
            repository.remove(image)
        else:
            repository.untag(tag)
        now = self._clock()
        for each in tags:
            self._note(repository.name, image.digest, "DELETE", now, {"image-tag": each})
        if not tags:
            self._note(repository.name, image.digest, "DELETE", now, {})
            return [{"imageDigest": image.digest}]
        return [{"imageDigest": image.digest, "imageTag": each} for each in tags]

    def _described(
        self, repository: HeldRepository, image_ids: Sequence[ImageId]
    ) -> Iterator[StoredImage]:
        for image_id in image_ids:
            image, failure = _find(repository, image_id)
            if image is not None:
                yield image
            elif failure["failureCode"] in grammar.INVALID_IDS:
                raise RefusedError("InvalidParameterException", failure["failureReason"])
            else:
                digest, tag = image_id.get("imageDigest", "null"), image_id.get("imageTag", "null")
                raise RefusedError(
                    "ImageNotFoundException",
                    f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not "
                    f"exist within the repository with name '{repository.name}' in the registry "
                    f"with id '{self.account}'",
                )

    def _echo(self, image: StoredImage, image_id: ImageId) -> str | None:
        if self._echo_tags:
            return image_id.get("imageTag")
        return next(reversed(image.tags), None)

    def _translate(self, answer: Reply, accepted: Sequence[str]) -> None:
        """Answer in another format if only that one is accepted: the digest changes with it."""
        stored = answer["imageManifestMediaType"]
        other = manifests.translated(answer["imageManifest"], stored, accepted)
        if other is not None:
            answer["imageManifest"], answer["imageManifestMediaType"] = other
            answer["imageId"]["imageDigest"] = self._digest_of(answer["imageManifest"])

    # How things are shown

    def _answer(self, repository: HeldRepository, image: StoredImage, tag: str | None) -> Reply:
        image_id = {"imageDigest": image.digest}
        if tag is not None:
            image_id["imageTag"] = tag
        return {
            "registryId": self.account,
            "repositoryName": repository.name,
            "imageId": image_id,
            "imageManifest": image.manifest,
            "imageManifestMediaType": image.contents.media_type,
        }

    def _detail(self, repository: HeldRepository, image: StoredImage) -> Reply:
        detail: Reply = {
            "registryId": self.account,
            "repositoryName": repository.name,
            "imageDigest": image.digest,
            "imageSizeInBytes": image.size,
            "imagePushedAt": image.pushed_at,
            "imageManifestMediaType": image.contents.media_type,
            "imageStatus": image.status,
        }
        optional = {
            "imageTags": list(image.tags),
            "artifactMediaType": image.contents.artifact_media_type,
            "lastRecordedPullTime": image.pulled_at,
            "lastArchivedAt": image.archived_at,
            "lastActivatedAt": image.activated_at,
        }
        return detail | {name: value for name, value in optional.items() if value}


def _keep(wanted: Mapping[str, str] | None) -> Callable[[StoredImage], bool]:
    """Whether an image passes `filter`: without one, the active images (ECR API: ListImages)."""
    tag_status, status = grammar.wanted_statuses(wanted)
    return lambda image: (
        status in ("ANY", image.status)
        and (tag_status == "ANY" or bool(image.tags) == (tag_status == "TAGGED"))
    )


def _failure(image_id: ImageId, code: str, reason: str) -> Reply:
    return {"imageId": dict(image_id), "failureCode": code, "failureReason": reason}


def _find(repository: HeldRepository, image_id: ImageId) -> tuple[StoredImage | None, Reply]:
    """The image, or why there is none (ECR API: ImageFailure)."""
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    wrong = grammar.fault_of(image_id)
    if wrong is not None:
        return None, _failure(image_id, *wrong)
    tagged = None if tag is None else repository.tags.get(tag)
    known = tagged if digest is None else digest
    image = None if known is None else repository.images.get(known)
    if image is None and tagged is None:
        return None, _failure(image_id, "ImageNotFound", "Requested image not found")
    if tag is not None and tagged != known:
        reason = "Requested image tag does not match the requested digest"
        return None, _failure(image_id, "ImageTagDoesNotMatchDigest", reason)
    return image, {}


def _types(image: StoredImage) -> dict[str, str]:
    types = {"manifest-media-type": image.contents.media_type}
    if image.contents.artifact_media_type is not None:
        types["artifact-media-type"] = image.contents.artifact_media_type
    return types


def _entries(
    images: Iterable[StoredImage], first: tuple[int, int]
) -> Iterator[tuple[int, int, dict[str, str]]]:
    for image in images:
        if not image.tags:
            yield image.number, 0, {"imageDigest": image.digest}
        for tag, number in image.tags.items():
            if (image.number, number) >= first:
                yield image.number, number, {"imageDigest": image.digest, "imageTag": tag}
