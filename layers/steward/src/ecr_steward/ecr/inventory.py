"""All images of a repository as far as it matters for which of them stay."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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


def united(details: Iterable[Detail]) -> list[Detail]:
    """One entry an image: ECR's sample answer has one for each of its tags."""
    found: dict[str, Detail] = {}
    for each in details:
        held = found.get(each["imageDigest"])
        tags = (*(held or {}).get("imageTags", ()), *each.get("imageTags", ()))
        found[each["imageDigest"]] = {**each, "imageTags": list(dict.fromkeys(tags))}
    return list(found.values())


def indexes(details: Iterable[Detail]) -> list[str]:
    """The digests of those that are indexes."""
    return [each["imageDigest"] for each in details if _is_index(each)]


def listed(
    registry: EcrRegistry, repository: str, digests: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """What these indexes list, by their digests: their manifests are read, 100 a call.

    What ECR does not give is missing. Raises RegistryError.
    """
    fetched = registry.fetch(repository, digests)
    return {digest: tuple(_listed(each.text)) for digest, each in fetched.manifests.items()}


def retained(
    details: Iterable[Detail], children: Mapping[str, Sequence[str]], known: KnownOfImages
) -> list[RetainedImage]:
    """The images of these details, one each, with the `children` of indexes; one whose manifest
    could not be read has None."""
    return [_retained(each, children, known) for each in details]


def _is_index(detail: Detail) -> bool:
    return detail.get("imageManifestMediaType") in INDEXES


def _listed(manifest: str) -> Iterator[str]:
    for each in json.loads(manifest).get("manifests", ()):
        yield str(each["digest"])


def _retained(
    detail: Detail, children: Mapping[str, Sequence[str]], known: KnownOfImages
) -> RetainedImage:
    digest, tags = detail["imageDigest"], tuple(detail.get("imageTags", ()))
    read = children.get(digest) if _is_index(detail) else ()
    return RetainedImage(
        digest=digest,
        tags=tags,
        pushed_at=detail.get("imagePushedAt"),
        pulled_at=detail.get("lastRecordedPullTime"),
        untagged_at=known.untagged.get(digest),
        size=detail.get("imageSizeInBytes", 0),
        media_type=detail.get("imageManifestMediaType"),
        status=detail.get("imageStatus", "ACTIVE"),
        children=None if read is None else tuple(read),
        subject=detail.get("subjectManifestDigest"),
        running=known.running.get(digest, ()),
        ran=known.ran.get(digest, {}),
        left=known.left.get(digest, {}),
        held=tuple(tag for tag in tags if tag in known.held),
    )
