"""moto's ECR, corrected where it differs from ECR in what the steward relies on.

moto derives digests from layer digests (at random for an index), deletes an image whose last tag
moves to another one, reads exclusion filters as regular expressions, answers a missing repository
with a bare exception, never checks an index's children and sends no events. What stands here
follows the ECR API reference: PutImage, BatchDeleteImage, UpdateImageStorageClass. What is read of
images is in `operations.py`, for moto knows neither filters nor pages.
"""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from moto.ecr.exceptions import ImageAlreadyExistsException, ImageNotFoundException
from moto.ecr.models import ECRBackend, Image, Repository, ecr_backends

from ecr_steward_cli.in_memory import grammar, manifests
from ecr_steward_cli.in_memory.grammar import ImageId
from ecr_steward_cli.in_memory.manifests import Contents
from local.ecr.events import ImageAction
from local.ecr.refusals import EcrRefusal, refusing
from local.ecr.settings import CheckedSettings

Failure = dict[str, Any]


class LocalImage(Image):
    """moto's image, with what its manifest says and what happened to it since."""

    def __init__(
        self, repository: Repository, number: int, manifest: str, contents: Contents, size: int
    ) -> None:
        super().__init__(
            repository.account_id,
            None,  # type: ignore[arg-type]  # moto keeps untagged images, its type does not
            manifest,
            repository.name,
            contents.media_type,
            manifests.sha256(manifest),
        )
        self.number = number
        self.contents = contents
        self.size = size
        self.pushed_at = datetime.now(UTC)
        self.status = "ACTIVE"
        self.archived_at: datetime | None = None
        self.activated_at: datetime | None = None

    def archive(self) -> None:
        """Keep it where it can neither be pulled nor seen among the active ones."""
        self.status, self.archived_at = "ARCHIVED", datetime.now(UTC)

    def activate(self) -> None:
        """Restore it, if it is archived."""
        if self.status != "ACTIVE":
            self.status, self.activated_at = "ACTIVE", datetime.now(UTC)


class LocalEcr(CheckedSettings):
    """One registry: `announce` is called once for each event that ECR would send."""

    # moto looks for the paths it serves beside the class.
    __module__ = ECRBackend.__module__

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        # The server answers in threads, moto's lists are not made for that.
        self.lock = threading.RLock()
        self.announce: Callable[[ImageAction], None] = lambda _event: None
        # The bytes of layers that came through the ECR API go where the /v2/ door keeps its own.
        self.keep_blob: Callable[[str, bytes], None] = lambda _digest, _content: None
        self._numbers = itertools.count(1)

    def put_image(
        self,
        repository_name: str,
        image_manifest: str,
        image_tag: str | None,
        image_manifest_mediatype: str | None = None,
        digest: str | None = None,
    ) -> Image:
        """Store the manifest as it stands and put the tag on it; see ECR API: PutImage."""
        with refusing():
            grammar.check_put(image_manifest, image_tag)
            contents = manifests.read(image_manifest, image_manifest_mediatype)
        actual = manifests.sha256(image_manifest)
        if digest and digest != actual:
            raise EcrRefusal(
                "ImageDigestDoesNotMatchException",
                f"The image digest '{digest}' does not match the digest of the manifest '{actual}'",
            )
        with self.lock:
            repository = self._get_repository(repository_name)
            image = by_digest(repository, actual)
            if image is None:
                image = self._new(repository, image_manifest, contents)
                _require_movable(repository, image, image_tag)
                repository.images.append(image)
            else:
                _require_news(repository, image, image_tag)
                _require_movable(repository, image, image_tag)
                image.activate()
            _move(repository, image, image_tag)
            types = (contents.media_type, contents.artifact_media_type)
            self.announce(ImageAction("PUSH", repository_name, actual, image_tag, *types))
            # An image has many tags, an answer the one that was asked for.
            answer = copy.copy(image)
            answer.image_tag = image_tag  # type: ignore[assignment]  # None where there is no tag
            return answer

    def _new(self, repository: Repository, manifest: str, contents: Contents) -> LocalImage:
        children = [by_digest(repository, digest) for digest in contents.children]
        missing = [
            digest
            for digest, child in zip(contents.children, children, strict=True)
            if child is None
        ]
        if missing:
            raise EcrRefusal(
                "ReferencedImagesNotFoundException",
                f"Images with digests '{', '.join(missing)}' required for pushing image into "
                f"repository with name '{repository.name}' in the registry with id "
                f"'{repository.registry_id}' do not exist",
            )
        size = max((child.size for child in children if child), default=contents.size)
        return LocalImage(repository, next(self._numbers), manifest, contents, size)

    def batch_delete_image(
        self,
        repository_name: str,
        registry_id: str | None = None,
        image_ids: list[dict[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Take off tags, or delete images by digest; see ECR API: BatchDeleteImage."""
        with refusing():
            grammar.check_batch("imageIds", image_ids or [])
        with self.lock:
            repository = self._get_repository(repository_name, registry_id)
            deleted: list[dict[str, str]] = []
            failures: list[Failure] = []
            for image_id in image_ids or []:
                found, failure = look_up(repository, image_id)
                if found is not None:
                    failure = _still_referenced(repository, found, image_id)
                if found is None or failure is not None:
                    failures.append(failure or {})
                    continue
                for tag in _take_off(repository, found, image_id.get("imageTag")):
                    digest = found.get_image_digest()
                    deleted.append({"imageDigest": digest} | ({"imageTag": tag} if tag else {}))
                    self.announce(ImageAction("DELETE", repository_name, digest, tag))
            return {"imageIds": deleted, "failures": failures}

    def complete_layer_upload(
        self,
        repository_name: str,
        upload_id: str,
        layer_digests: list[str],
        registry_id: str | None = None,
    ) -> dict[str, Any]:
        """Keep the layer's bytes too, so that `docker pull` finds them."""
        with self.lock:
            upload = self._get_repository(repository_name, registry_id).uploads.get(upload_id)
            content = bytes(upload.layer_parts) if upload else b""
            answer = super().complete_layer_upload(
                repository_name, upload_id, layer_digests, registry_id
            )
            self.keep_blob(answer["layerDigest"], content)
            return answer

    def move_to(self, target: str, repository_name: str, image_id: ImageId) -> LocalImage:
        """Put an image into the storage class; see ECR API: UpdateImageStorageClass."""
        with self.lock:
            image = described(self._get_repository(repository_name), image_id)
            with refusing():
                grammar.check_storage_class(target)
            if target == "ARCHIVE":
                image.archive()
            else:
                image.activate()
            return image

    def holds(self, repository_name: str) -> bool:
        """Whether the repository exists."""
        return repository_name in self.repositories

    def repository(self, name: str, registry_id: str | None = None) -> Repository:
        """The repository of this name; raises RepositoryNotFoundException."""
        return self._get_repository(name, registry_id)

    def find(self, repository_name: str, reference: str) -> Image | None:
        """The active image with this tag or digest, None if there is none.

        Raises RepositoryNotFoundException if the repository does not exist.
        """
        with self.lock:
            repository = self._get_repository(repository_name)
            find = by_digest if ":" in reference else by_tag
            image = find(repository, reference)
            return image if image is not None and image.status == "ACTIVE" else None

    def images_of(self, repository_name: str) -> list[LocalImage]:
        """The repository's images; raises RepositoryNotFoundException."""
        with self.lock:
            return list(images_in(self._get_repository(repository_name)))

    def layers(self, repository_name: str) -> dict[str, int]:
        """The repository's layers by digest, with their size in bytes."""
        return self._get_repository(repository_name).layers


def install(
    account: str,
    region: str,
    announce: Callable[[ImageAction], None],
    keep_blob: Callable[[str, bytes], None],
) -> LocalEcr:
    """Make moto serve a new, empty registry of this kind and return it."""
    ecr_backends.backend = LocalEcr
    ecr_backends.clear()
    registry = ecr_backends[account][region]
    if not isinstance(registry, LocalEcr):
        raise TypeError(f"moto gave {type(registry).__name__} for the registry of {region}.")
    registry.announce, registry.keep_blob = announce, keep_blob
    return registry


def images_in(repository: Repository) -> list[LocalImage]:
    """The images in the order they were pushed."""
    return cast(list[LocalImage], repository.images)


def by_digest(repository: Repository, digest: str) -> LocalImage | None:
    """The image of this digest."""
    return next((i for i in images_in(repository) if i.get_image_digest() == digest), None)


def by_tag(repository: Repository, tag: str) -> LocalImage | None:
    """The image that has this tag."""
    return next((i for i in images_in(repository) if tag in i.image_tags), None)


def parents(repository: Repository, image: LocalImage) -> list[str]:
    """The digests of the indexes that need the image."""
    digest = image.get_image_digest()
    return [
        each.get_image_digest()
        for each in images_in(repository)
        if digest in each.contents.children
    ]


def look_up(repository: Repository, image_id: ImageId) -> tuple[LocalImage | None, Failure | None]:
    """The image an imageId names, or the failure ECR answers with."""
    fault = grammar.fault_of(image_id)
    if fault is not None:
        return None, failed(image_id, *fault)
    tag, digest = image_id.get("imageTag"), image_id.get("imageDigest")
    tagged = None if tag is None else by_tag(repository, tag)
    image = tagged if digest is None else by_digest(repository, digest)
    if image is None and tagged is None:
        return None, failed(image_id, "ImageNotFound", "Requested image not found")
    if image is None or (tag is not None and image is not tagged):
        reason = "The tag does not name the image with this digest"
        return None, failed(image_id, "ImageTagDoesNotMatchDigest", reason)
    return image, None


def failed(image_id: ImageId, code: str, reason: str) -> Failure:
    """One of the `failures` of a batch (ECR API: ImageFailure)."""
    return {"imageId": dict(image_id), "failureCode": code, "failureReason": reason}


def described(repository: Repository, image_id: ImageId) -> LocalImage:
    """The image an imageId names, for a call that fails as a whole where there is none."""
    image, failure = look_up(repository, image_id)
    if image is not None:
        return image
    if failure is not None and failure["failureCode"] in grammar.INVALID_IDS:
        raise EcrRefusal("InvalidParameterException", failure["failureReason"])
    digest, tag = image_id.get("imageDigest") or "null", image_id.get("imageTag") or "null"
    raise ImageNotFoundException(
        image_id=f"{{imageDigest:'{digest}', imageTag:'{tag}'}}",
        repository_name=repository.name,
        registry_id=repository.registry_id,
    )


def _require_news(repository: Repository, image: LocalImage, tag: str | None) -> None:
    if image.status == "ACTIVE" and (tag is None or tag in image.image_tags):
        raise ImageAlreadyExistsException(
            registry_id=repository.registry_id,
            image_tag=tag or "null",
            digest=image.get_image_digest(),
            repository_name=repository.name,
        )


def _require_movable(repository: Repository, image: LocalImage, tag: str | None) -> None:
    if tag is None or tag in image.image_tags:
        return
    if by_tag(repository, tag) is not None and _is_frozen(repository, tag):
        raise EcrRefusal(
            "ImageTagAlreadyExistsException",
            f"The image tag '{tag}' already exists in the '{repository.name}' repository and "
            "cannot be overwritten because the tag is immutable.",
        )
    with refusing():
        grammar.check_tag_count(image.get_image_digest(), len(image.image_tags))


def _is_frozen(repository: Repository, tag: str) -> bool:
    filters: Sequence[Mapping[str, str]] = cast(
        Any, repository.image_tag_mutability_exclusion_filters or ()
    )
    return grammar.is_frozen(tag, repository.image_tag_mutability, grammar.wildcards(filters))


def _move(repository: Repository, image: LocalImage, tag: str | None) -> None:
    if tag is None or tag in image.image_tags:
        return
    owner = by_tag(repository, tag)
    if owner is not None:
        # ECR keeps the image that loses its last tag this way, untagged.
        owner.remove_tag(tag)
    image.update_tag(tag)


def _still_referenced(
    repository: Repository, image: LocalImage, image_id: ImageId
) -> Failure | None:
    if "imageTag" in image_id and len(image.image_tags) > 1:
        return None
    needed_by = parents(repository, image)
    if not needed_by:
        return None
    reason = f"Requested image referenced by manifest list: {needed_by}"
    return failed(image_id, "ImageReferencedByManifestList", reason)


def _take_off(repository: Repository, image: LocalImage, tag: str | None) -> list[str | None]:
    """Remove one tag, or the image with all of them; what was removed, None for no tag."""
    if tag is None:
        repository.images.remove(image)
        return list(image.image_tags) or [None]
    image.remove_tag(tag)
    if not image.image_tags:
        repository.images.remove(image)
    return [tag]
