"""Manifests, a clock and a registry for the tests of the registry in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward_cli.in_memory.images import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    MemoryEcr,
)

ACCEPTED = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST]
ABSENT = "sha256:" + "0" * 64
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class Clock:
    """A time that moves only when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 2, 24, 0, 987654, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: int) -> None:
        self.now += timedelta(**by)


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def image(name: str, *, media_type: str | None = OCI_MANIFEST, size: int = 10) -> str:
    """A manifest of one image: another one for every `name`."""
    docker = media_type == DOCKER_MANIFEST
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": {
            "mediaType": DOCKER_CONFIG if docker else OCI_CONFIG,
            "digest": digest(f"{name} config"),
            "size": 2,
        },
        "layers": [
            {
                "mediaType": DOCKER_LAYER if docker else OCI_LAYER,
                "digest": digest(f"{name} layer"),
                "size": size,
            }
        ],
    }
    if media_type is None:
        del document["mediaType"]
    return json.dumps(document, indent=3)


def index(*digests: str, media_type: str = OCI_INDEX) -> str:
    entries = [{"mediaType": OCI_MANIFEST, "digest": each, "size": 500} for each in digests]
    return json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": entries})


def registry(**settings: Any) -> MemoryEcr:
    """A registry with the empty repository `redis`."""
    ecr = MemoryEcr(**settings)
    ecr.create_repository(repositoryName="redis")
    ecr.calls.clear()
    return ecr


def push(ecr: MemoryEcr, manifest: str, tag: str | None = None) -> str:
    """Put an image into `redis`; its digest."""
    named = {} if tag is None else {"imageTag": tag}
    answer = ecr.put_image(repositoryName="redis", imageManifest=manifest, **named)
    return str(answer["image"]["imageId"]["imageDigest"])


def digests(ecr: MemoryEcr) -> list[str]:
    """Every image of `redis`, whatever its status, in the order they were pushed."""
    found = ecr.describe_images(repositoryName="redis", filter={"imageStatus": "ANY"})
    return [detail["imageDigest"] for detail in found["imageDetails"]]


@contextmanager
def refused(operation: str, code: str) -> Iterator[pytest.ExceptionInfo[ClientError]]:
    """The block ends in ECR's error `code` of `operation`."""
    with pytest.raises(ClientError) as caught:
        yield caught
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.operation_name == operation
