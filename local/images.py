"""Images made in memory: small, valid, and the same every time for the same seed.

OCI image specification 1.1 and Docker image manifest version 2, schema 2.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient


class Media(Enum):
    """The two families of media types that registries hold."""

    OCI = "oci"
    DOCKER = "docker"

    @property
    def manifest(self) -> str:
        """Media type of an image's manifest."""
        if self is Media.OCI:
            return "application/vnd.oci.image.manifest.v1+json"
        return "application/vnd.docker.distribution.manifest.v2+json"

    @property
    def index(self) -> str:
        """Media type of a multi-arch index."""
        if self is Media.OCI:
            return "application/vnd.oci.image.index.v1+json"
        return "application/vnd.docker.distribution.manifest.list.v2+json"

    @property
    def config(self) -> str:
        """Media type of an image's configuration."""
        if self is Media.OCI:
            return "application/vnd.oci.image.config.v1+json"
        return "application/vnd.docker.container.image.v1+json"

    @property
    def layer(self) -> str:
        """Media type of a layer, a gzipped tarball."""
        if self is Media.OCI:
            return "application/vnd.oci.image.layer.v1.tar+gzip"
        return "application/vnd.docker.image.rootfs.diff.tar.gzip"


@dataclass(frozen=True)
class BuiltImage:
    """An image or an index: its manifest, its blobs by digest, and the images it consists of."""

    manifest: str
    media_type: str
    blobs: dict[str, bytes] = field(default_factory=dict)
    children: tuple[BuiltImage, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest's bytes."""
        return digest_of(self.manifest.encode())


def digest_of(content: bytes) -> str:
    """The digest of these bytes, as registries write it."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def build(seed: str, arch: Sequence[str] = ("amd64",), media: Media = Media.OCI) -> BuiltImage:
    """One image, or an index over one image for each processor when there are several.

    The same arguments give the same bytes; another seed gives another digest.
    """
    if not arch:
        raise ValueError("An image needs at least one processor, such as amd64.")
    images = [_single(seed, one, media) for one in arch]
    if len(images) == 1:
        return images[0]
    index = {
        "schemaVersion": 2,
        "mediaType": media.index,
        "manifests": [
            {
                "mediaType": image.media_type,
                "digest": image.digest,
                "size": len(image.manifest.encode()),
                "platform": {"architecture": one, "os": "linux"},
            }
            for one, image in zip(arch, images, strict=True)
        ],
    }
    return BuiltImage(json.dumps(index, indent=2), media.index, children=tuple(images))


def push(ecr: ECRClient, reference: str, image: BuiltImage) -> str:
    """Put the image and its children into ECR by its API; returns the digest.

    `reference` is `repository:tag`, or `repository` for no tag. The layers stay here: this is for
    registries that do not ask for them. What is there already is left alone.
    """
    repository, _, tag = reference.partition(":")
    for child in image.children:
        push(ecr, repository, child)
    request: dict[str, Any] = {"imageTag": tag} if tag else {}
    with contextlib.suppress(ecr.exceptions.ImageAlreadyExistsException):
        ecr.put_image(
            repositoryName=repository,
            imageManifest=image.manifest,
            imageManifestMediaType=image.media_type,
            imageDigest=image.digest,
            **request,
        )
    return image.digest


def _single(seed: str, arch: str, media: Media) -> BuiltImage:
    tarball = _tarball({"etc/image": f"{seed}\n{arch}\n".encode()})
    # A fixed time, or gzip writes the current one into its header.
    layer = gzip.compress(tarball, mtime=0)
    config = _json(
        {
            "created": "2026-01-01T00:00:00Z",
            "architecture": arch,
            "os": "linux",
            "config": {"Labels": {"org.opencontainers.image.version": seed}},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(tarball)]},
            "history": [{"created": "2026-01-01T00:00:00Z", "created_by": f"build {seed}"}],
        }
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": media.manifest,
        "config": _descriptor(media.config, config),
        "layers": [_descriptor(media.layer, layer)],
    }
    # Indented on purpose: whoever writes the manifest again changes the digest.
    return BuiltImage(
        json.dumps(manifest, indent=2),
        media.manifest,
        {digest_of(config): config, digest_of(layer): layer},
    )


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "size": len(content), "digest": digest_of(content)}


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _tarball(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
