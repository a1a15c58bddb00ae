"""Manifests of images and of indexes: what ECR reads in them, and in which formats it gives them.

ECR User Guide: Container image manifest format support.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ecr_steward_cli.in_memory.refusals import RefusedError, invalid_parameter

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"

_INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
# Images in one format that ECR hands out in the other, with the media types that change on the way.
_TRANSLATIONS = {OCI_MANIFEST: DOCKER_MANIFEST, DOCKER_MANIFEST: OCI_MANIFEST}
_DOCKER_FOR_OCI = {
    "application/vnd.oci.image.config.v1+json": "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.layer.v1.tar+gzip": (
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    ),
}
_PART_TYPES = {
    DOCKER_MANIFEST: _DOCKER_FOR_OCI,
    OCI_MANIFEST: {docker: oci for oci, docker in _DOCKER_FOR_OCI.items()},
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What a manifest says: its media type, that of its configuration, its size in bytes.

    `children` are the digests an index names. `names_media_type` is whether the text itself names
    the media type.
    """

    media_type: str
    names_media_type: bool
    artifact_media_type: str | None
    children: tuple[str, ...]
    size: int


def sha256(text: str) -> str:
    """The digest of a manifest's text."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def unreadable() -> RefusedError:
    """What ECR answers too where neither the manifest nor the call names a media type."""
    return invalid_parameter("ImageManifest", "Invalid JSON syntax")


def read(manifest: str, media_type: str | None) -> Contents:
    """Read a manifest's text; `media_type` is what the call says it is. Raises RefusedError."""
    try:
        document = json.loads(manifest)
        kind = media_type or document["mediaType"]
        config = document.get("config")
        parts = [config or {}, *document.get("layers", [])]
        children = tuple(each["digest"] for each in document.get("manifests", []))
        return Contents(
            media_type=kind,
            names_media_type="mediaType" in document,
            artifact_media_type=config.get("mediaType") if config else None,
            children=children if kind in _INDEXES else (),
            size=sum(part.get("size", 0) for part in parts),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise unreadable() from None


def translated(manifest: str, stored: str, accepted: Sequence[str]) -> tuple[str, str] | None:
    """The manifest in the other format and its media type, if only that one is accepted.

    Only for an image asked for by tag: the digest changes with the text. None for one that is
    answered as it is stored.
    """
    target = _TRANSLATIONS.get(stored)
    if stored in accepted or target is None or target not in accepted:
        return None
    document = json.loads(manifest)
    document["mediaType"] = target
    types = _PART_TYPES[target]
    for part in [document.get("config", {}), *document.get("layers", [])]:
        part["mediaType"] = types.get(part.get("mediaType"), part.get("mediaType"))
    return json.dumps(document, separators=(",", ":")), target
