"""The smallest images that ECR takes, and pushing them without Docker.

OCI image specification 1.1; Docker image manifest version 2, schema 2; ECR API:
InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

_OCI = "application/vnd.oci.image"
_DOCKER = "application/vnd.docker"
_TYPES = {
    "OCI": (f"{_OCI}.manifest.v1+json", f"{_OCI}.config.v1+json", f"{_OCI}.layer.v1.tar+gzip"),
    "Docker": (
        f"{_DOCKER}.distribution.manifest.v2+json",
        f"{_DOCKER}.container.image.v1+json",
        f"{_DOCKER}.image.rootfs.diff.tar.gzip",
    ),
}
_LISTS = {
    "OCI": f"{_OCI}.index.v1+json",
    "Docker": f"{_DOCKER}.distribution.manifest.list.v2+json",
}
_TAR = bytes(1024)  # no file
_LAYER = gzip.compress(_TAR, mtime=0)


@dataclass(frozen=True, slots=True)
class SmallImage:
    """An image or an index, with the blobs and images that must be there before it."""

    manifest: str
    media_type: str
    blobs: tuple[bytes, ...] = ()
    children: tuple[SmallImage, ...] = ()

    @property
    def digest(self) -> str:
        return _digest(self.manifest.encode())


def _single(sort: str, seed: str, architecture: str = "amd64") -> SmallImage:
    manifest_type, config_type, layer_type = _TYPES[sort]
    config = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "author": seed,
            "rootfs": {"type": "layers", "diff_ids": [_digest(_TAR)]},
        }
    ).encode()
    document = {
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": _descriptor(config_type, config),
        "layers": [_descriptor(layer_type, _LAYER)],
    }
    return SmallImage(json.dumps(document), manifest_type, (config, _LAYER))


def _index(sort: str, seed: str) -> SmallImage:
    children = tuple(_single(sort, f"{seed}, a child", each) for each in ("amd64", "arm64"))
    manifests = [
        {
            **_descriptor(child.media_type, child.manifest.encode()),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for child, architecture in zip(children, ("amd64", "arm64"), strict=True)
    ]
    document = {"schemaVersion": 2, "mediaType": _LISTS[sort], "manifests": manifests}
    return SmallImage(json.dumps(document), _LISTS[sort], children=children)


BUILT: Mapping[str, Callable[[str], SmallImage]] = {
    "OCI": lambda seed: _single("OCI", seed),
    "Docker": lambda seed: _single("Docker", seed),
    "OCI index": lambda seed: _index("OCI", seed),
    "Docker list": lambda seed: _index("Docker", seed),
}
"""How an image of each sort is built, from a seed that makes it differ from others."""


def upload(client: Any, repository: str, image: SmallImage) -> None:
    """Upload what must be there before an image can be put, children with their manifests."""
    for blob in image.blobs:
        _upload_blob(client, repository, blob)
    for child in image.children:
        upload(client, repository, child)
        client.put_image(
            repositoryName=repository,
            imageManifest=child.manifest,
            imageManifestMediaType=child.media_type,
        )


def _upload_blob(client: Any, repository: str, blob: bytes) -> None:
    started = client.initiate_layer_upload(repositoryName=repository)
    upload_id = started["uploadId"]
    client.upload_layer_part(
        repositoryName=repository,
        uploadId=upload_id,
        partFirstByte=0,
        partLastByte=len(blob) - 1,
        layerPartBlob=blob,
    )
    try:
        client.complete_layer_upload(
            repositoryName=repository, uploadId=upload_id, layerDigests=[_digest(blob)]
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "LayerAlreadyExistsException":
            raise


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "size": len(content), "digest": _digest(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
