"""moto's ECR, corrected where it differs from ECR in what the steward relies on.

moto derives digests from layer digests (at random for an index), deletes an image whose last tag
moves to another one, reads exclusion filters as regular expressions, answers a missing repository
with a bare exception, never checks an index's children and sends no events. What stands here
follows the ECR API reference: PutImage, BatchGetImage, BatchDeleteImage, ListImages,
DescribeImages.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import (
    ImageAlreadyExistsException,
    ImageNotFoundException,
    InvalidParameterException,
)
from moto.ecr.models import ECRBackend, Image, Repository, ecr_backends

from local.ecr_events import ImageAction
from local.ecr_settings import CheckedSettings

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


class ImageTagAlreadyExistsException(ServiceException):
    """The tag exists and the repository's setting freezes it."""

    code = "ImageTagAlreadyExistsException"


class ImageDigestDoesNotMatchException(ServiceException):
    """The digest given is not the manifest's."""

    code = "ImageDigestDoesNotMatchException"


class ReferencedImagesNotFoundException(ServiceException):
    """An index names an image that the repository does not hold."""

    code = "ReferencedImagesNotFoundException"


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

    def put_image(
        self,
        repository_name: str,
        image_manifest: str,
        image_tag: str | None,
        image_manifest_mediatype: str | None = None,
        digest: str | None = None,
    ) -> Image:
        """Store the manifest as it stands and put the tag on it; see ECR API: PutImage."""
        manifest = _parsed(image_manifest)
        media_type = image_manifest_mediatype or manifest.get("mediaType")
        if not media_type:
            raise _invalid("ImageManifest", "Invalid JSON syntax")
        if image_tag is not None and not _TAG.fullmatch(image_tag):
            raise _invalid("imageTag", f"must satisfy regular expression '{_TAG.pattern}'")
        actual = "sha256:" + hashlib.sha256(image_manifest.encode()).hexdigest()
        if digest and digest != actual:
            raise ImageDigestDoesNotMatchException(
                f"The image digest '{digest}' does not match the digest of the manifest '{actual}'"
            )
        with self.lock:
            repository = self._get_repository(repository_name)
            _require_children(repository, manifest)
            image = _by_digest(repository, actual)
            if image is None:
                image = Image(
                    self.account_id,
                    None,  # type: ignore[arg-type]  # moto keeps untagged images, its type does not
                    image_manifest,
                    repository_name,
                    media_type,
                    actual,
                )
                image.artifact_media_type = _artifact_media_type(manifest)  # type: ignore[attr-defined]
                _require_movable(repository, image, image_tag)
                repository.images.append(image)
            else:
                _require_news(repository, image, image_tag)
                _require_movable(repository, image, image_tag)
            _move(repository, image, image_tag)
            self.announce(
                ImageAction(
                    "PUSH",
                    repository_name,
                    actual,
                    image_tag,
                    media_type,
                    _artifact_media_type(manifest),
                )
            )
            return _named(image, image_tag)

    def batch_get_image(
        self,
        repository_name: str,
        registry_id: str | None = None,
        image_ids: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        """One image or one failure for each id asked for; see ECR API: BatchGetImage."""
        with self.lock:
            repository = self._get_repository(repository_name, registry_id)
            images: list[Image] = []
            failures: list[dict[str, Any]] = []
            for image_id in image_ids or []:
                found, failure = _look_up(repository, image_id)
                if found is not None:
                    images.append(_named(found, image_id.get("imageTag")))
                if failure is not None:
                    failures.append(failure)
            return {"images": images, "failures": failures}

    def batch_delete_image(
        self,
        repository_name: str,
        registry_id: str | None = None,
        image_ids: list[dict[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Take off tags, or delete images by digest; see ECR API: BatchDeleteImage."""
        with self.lock:
            repository = self._get_repository(repository_name, registry_id)
            deleted: list[dict[str, str]] = []
            failures: list[dict[str, Any]] = []
            for image_id in image_ids or []:
                found, failure = _look_up(repository, image_id)
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

    def list_images(
        self,
        repository_name: str,
        registry_id: str | None = None,
        tag_status: str = "ANY",
    ) -> list[Image]:
        """Copies of the images, so that a push meanwhile cannot disturb the answer."""
        with self.lock:
            images = super().list_images(repository_name, registry_id, tag_status)
            return [_snapshot(image) for image in images]

    def describe_images(
        self,
        repository_name: str,
        registry_id: str | None = None,
        image_ids: list[dict[str, str]] | None = None,
    ) -> Iterable[Image]:
        """The images asked for, each once; one missing id fails the call (DescribeImages)."""
        with self.lock:
            repository = self._get_repository(repository_name, registry_id)
            if not image_ids:
                return [_snapshot(image) for image in repository.images]
            found: dict[str, Image] = {}
            for image_id in image_ids:
                image, failure = _look_up(repository, image_id)
                if image is None:
                    raise _not_found(repository, (failure or {}).get("imageId", image_id))
                found[image.get_image_digest()] = _snapshot(image)
            return list(found.values())

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

    def holds(self, repository_name: str) -> bool:
        """Whether the repository exists."""
        return repository_name in self.repositories

    def find(self, repository_name: str, reference: str) -> Image | None:
        """The image with this tag or digest, None if there is none.

        Raises RepositoryNotFoundException if the repository does not exist.
        """
        with self.lock:
            repository = self._get_repository(repository_name)
            if ":" in reference:
                return _by_digest(repository, reference)
            return _by_tag(repository, reference)

    def images_of(self, repository_name: str) -> list[Image]:
        """The repository's images; raises RepositoryNotFoundException."""
        return list(self._get_repository(repository_name).images)

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


def _parsed(image_manifest: str) -> dict[str, Any]:
    try:
        manifest = json.loads(image_manifest)
    except json.JSONDecodeError:
        manifest = None
    if not isinstance(manifest, dict):
        raise _invalid("ImageManifest", "Invalid JSON syntax")
    return manifest


def _invalid(parameter: str, constraint: str) -> InvalidParameterException:
    return InvalidParameterException(
        f"Invalid parameter at '{parameter}' failed to satisfy constraint: '{constraint}'"
    )


def _artifact_media_type(manifest: dict[str, Any]) -> str | None:
    config = manifest.get("config")
    return config.get("mediaType") if isinstance(config, dict) else None


def _children(manifest: dict[str, Any]) -> Iterator[str]:
    for child in manifest.get("manifests") or []:
        yield child["digest"]


def _require_children(repository: Repository, manifest: dict[str, Any]) -> None:
    missing = [digest for digest in _children(manifest) if _by_digest(repository, digest) is None]
    if missing:
        raise ReferencedImagesNotFoundException(
            f"Images with digests '{', '.join(missing)}' required for pushing image into "
            f"repository with name '{repository.name}' in the registry with id "
            f"'{repository.registry_id}' do not exist"
        )


def _require_news(repository: Repository, image: Image, tag: str | None) -> None:
    if tag is None or tag in image.image_tags:
        raise ImageAlreadyExistsException(
            registry_id=repository.registry_id,
            image_tag=tag or "null",
            digest=image.get_image_digest(),
            repository_name=repository.name,
        )


def _require_movable(repository: Repository, image: Image, tag: str | None) -> None:
    owner = None if tag is None else _by_tag(repository, tag)
    if tag is None or owner is None or owner is image or not _frozen(repository, tag):
        return
    raise ImageTagAlreadyExistsException(
        f"The image tag '{tag}' already exists in the '{repository.name}' repository and cannot "
        "be overwritten because the tag is immutable."
    )


def _frozen(repository: Repository, tag: str) -> bool:
    # `*` is the only wildcard of an exclusion filter (ECR API: PutImageTagMutability).
    filters = repository.image_tag_mutability_exclusion_filters or []
    excluded = any(
        re.fullmatch(".*".join(map(re.escape, one["filter"].split("*"))), tag) for one in filters
    )
    return repository.is_tag_immutable() != excluded


def _by_digest(repository: Repository, digest: str) -> Image | None:
    return next((i for i in repository.images if i.get_image_digest() == digest), None)


def _by_tag(repository: Repository, tag: str) -> Image | None:
    return next((i for i in repository.images if tag in i.image_tags), None)


def _move(repository: Repository, image: Image, tag: str | None) -> None:
    if tag is None:
        return
    owner = _by_tag(repository, tag)
    if owner is not None:
        # ECR keeps the image that loses its last tag this way, untagged.
        owner.remove_tag(tag)
    image.update_tag(tag)


def _snapshot(image: Image) -> Image:
    answer = copy.copy(image)
    answer.image_tags = list(image.image_tags)
    return answer


def _named(image: Image, tag: str | None) -> Image:
    # An image has many tags, an answer the one that was asked for.
    answer = _snapshot(image)
    answer.image_tag = tag  # type: ignore[assignment]  # as above: None where there is no tag
    return answer


def _look_up(
    repository: Repository, image_id: dict[str, Any]
) -> tuple[Image | None, dict[str, Any] | None]:
    """The image an imageId names, or the failure ECR answers with."""
    tag, digest = image_id.get("imageTag"), image_id.get("imageDigest")
    if tag is None and digest is None:
        return None, _failure(image_id, "MissingDigestAndTag", "Neither digest nor tag is given")
    if digest is not None and not _DIGEST.fullmatch(digest):
        return None, _failure(image_id, "InvalidImageDigest", f"'{digest}' is not a digest")
    image = _by_digest(repository, digest) if digest else _by_tag(repository, str(tag))
    if image is None:
        return None, _failure(image_id, "ImageNotFound", "Requested image not found")
    if tag is not None and tag not in image.image_tags:
        reason = "The tag does not name the image with this digest"
        return None, _failure(image_id, "ImageTagDoesNotMatchDigest", reason)
    return image, None


def _failure(image_id: dict[str, Any], code: str, reason: str) -> dict[str, Any]:
    return {"imageId": image_id, "failureCode": code, "failureReason": reason}


def _still_referenced(
    repository: Repository, image: Image, image_id: dict[str, str]
) -> dict[str, Any] | None:
    tag = image_id.get("imageTag")
    if tag is not None and "imageDigest" not in image_id and len(image.image_tags) > 1:
        return None
    digest = image.get_image_digest()
    for parent in repository.images:
        if parent is not image and digest in _children(json.loads(parent.image_manifest)):
            reason = f"Requested image referenced by manifest list: [{parent.get_image_digest()}]"
            return _failure(image_id, "ImageReferencedByManifestList", reason)
    return None


def _take_off(repository: Repository, image: Image, tag: str | None) -> list[str | None]:
    """Remove one tag, or the image with all of them; what was removed, None for no tag."""
    if tag is None:
        repository.images.remove(image)
        return list(image.image_tags) or [None]
    image.remove_tag(tag)
    if not image.image_tags:
        repository.images.remove(image)
    return [tag]


def _not_found(repository: Repository, image_id: dict[str, Any]) -> ImageNotFoundException:
    digest, tag = image_id.get("imageDigest") or "null", image_id.get("imageTag") or "null"
    return ImageNotFoundException(
        image_id=f"{{imageDigest:'{digest}', imageTag:'{tag}'}}",
        repository_name=repository.name,
        registry_id=repository.registry_id,
    )
