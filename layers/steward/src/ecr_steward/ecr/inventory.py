"""All images of a repository as far as it matters for which of them stay."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.images.state import INDEXES, RetainedImage

Detail = Mapping[str, Any]
"""One image as `DescribeImages` has it."""


@dataclass(frozen=True, slots=True)
class KnownOfImages:
    """What the stack knows of a repository's images beside ECR: the tags that somebody holds, by
    digest the workloads that run an image and those that did, since when images have no tag, and
    which stable tags left them when."""

    held: Collection[str] = ()
    running: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ran: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    untagged: Mapping[str, datetime] = field(default_factory=dict)
    left: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)


def retained(
    registry: EcrRegistry, repository: str, details: Iterable[Detail], known: KnownOfImages
) -> list[RetainedImage]:
    """The images of these details; of indexes alone the manifests are read, 100 a call.

    Raises RegistryError. An index whose manifest ECR does not give has None for children.
    """
    every = _united(details)
    children = _children(registry, repository, every)
    return [_retained(each, children, known) for each in every]


def _united(details: Iterable[Detail]) -> list[Detail]:
    """One entry an image: ECR's sample answer has one for each of its tags."""
    found: dict[str, Detail] = {}
    for each in details:
        held = found.get(each["imageDigest"])
        tags = (*(held or {}).get("imageTags", ()), *each.get("imageTags", ()))
        found[each["imageDigest"]] = {**each, "imageTags": list(dict.fromkeys(tags))}
    return list(found.values())


def _children(
    registry: EcrRegistry, repository: str, details: Iterable[Detail]
) -> dict[str, tuple[str, ...]]:
    """What each index lists, by its digest; what could not be read is missing."""
    indexes = [
        each["imageDigest"] for each in details if each.get("imageManifestMediaType") in INDEXES
    ]
    if not indexes:
        return {}
    fetched = registry.fetch(repository, indexes)
    return {digest: tuple(_listed(each.text)) for digest, each in fetched.manifests.items()}


def _listed(manifest: str) -> Iterator[str]:
    for each in json.loads(manifest).get("manifests", ()):
        yield str(each["digest"])


def _retained(
    detail: Detail, children: Mapping[str, tuple[str, ...]], known: KnownOfImages
) -> RetainedImage:
    digest, media_type = detail["imageDigest"], detail.get("imageManifestMediaType")
    tags = tuple(detail.get("imageTags", ()))
    return RetainedImage(
        digest=digest,
        tags=tags,
        pushed_at=detail.get("imagePushedAt"),
        pulled_at=detail.get("lastRecordedPullTime"),
        untagged_at=known.untagged.get(digest),
        size=detail.get("imageSizeInBytes", 0),
        media_type=media_type,
        status=detail.get("imageStatus", "ACTIVE"),
        children=children.get(digest) if media_type in INDEXES else (),
        subject=detail.get("subjectManifestDigest"),
        running=known.running.get(digest, ()),
        ran=known.ran.get(digest, {}),
        left=known.left.get(digest, {}),
        held=tuple(tag for tag in tags if tag in known.held),
    )
