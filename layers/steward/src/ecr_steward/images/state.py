"""The images of one repository, as far as it matters for which of them stay."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ecr_steward.tags.scheme import Scheme
from ecr_steward.words.grammar import is_referrer

INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
"""Media types of manifests that list other manifests (OCI image spec; Docker Registry HTTP API)."""

ACTIVE = frozenset({"ACTIVE"})
ARCHIVED = frozenset({"ARCHIVED", "ACTIVATING"})
"""States of an image (ECR API: ImageDetail, imageStatus); one that is being restored is still
archived."""


@dataclass(frozen=True, slots=True)
class RetainedImage:
    """An image that a repository holds; times are UTC, None where they are not known.

    `pushed_at` and `pulled_at` are ECR's `imagePushedAt` and `lastRecordedPullTime`, `untagged_at`
    is when it lost its last tag. `children` are the digests that an index lists, None where its
    manifest could not be read; `subject` is the digest that a referrer names. `running` are the
    workloads that run it now, `ran` those that did, with when they were last seen. `left` are the
    stable tags that it was under, with when each left it; `held` the tags on it that somebody
    holds.
    """

    digest: str
    tags: tuple[str, ...] = ()
    pushed_at: datetime | None = None
    pulled_at: datetime | None = None
    untagged_at: datetime | None = None
    size: int = 0
    media_type: str | None = None
    status: str = "ACTIVE"
    children: tuple[str, ...] | None = ()
    subject: str | None = None
    running: tuple[str, ...] = ()
    ran: Mapping[str, datetime] = field(default_factory=dict)
    left: Mapping[str, datetime] = field(default_factory=dict)
    held: tuple[str, ...] = ()

    @property
    def subjects(self) -> Iterator[str]:
        """The images that it refers to: by its manifest, and by the tags of cosign and ORAS."""
        if self.subject is not None:
            yield self.subject
        for tag in self.tags:
            if is_referrer(tag):
                yield f"sha256:{tag.removeprefix('sha256-')[:64]}"

    @property
    def is_readable(self) -> bool:
        """Whether its manifest is known as far as other images depend on it."""
        return self.children is not None and self.status in ACTIVE | ARCHIVED


@dataclass(frozen=True)
class Inventory:
    """All images of one repository at the time `now`, and the scheme of its rule."""

    images: Sequence[RetainedImage]
    scheme: Scheme
    now: datetime

    @functools.cached_property
    def by_digest(self) -> Mapping[str, RetainedImage]:
        return {image.digest: image for image in self.images}

    @functools.cached_property
    def tags(self) -> frozenset[str]:
        return frozenset(tag for image in self.images for tag in image.tags)

    @functools.cached_property
    def parents(self) -> Mapping[str, Sequence[str]]:
        """The indexes that list an image, by its digest."""
        return _inverse((image.digest, image.children or ()) for image in self.images)

    @functools.cached_property
    def referrers(self) -> frozenset[str]:
        return frozenset(image.digest for image in self.images if any(image.subjects))

    def is_part(self, digest: str) -> bool:
        """Whether an image is a child or a referrer of another, and counts for nothing itself."""
        return digest in self.parents or digest in self.referrers


def _inverse(pairs: Iterator[tuple[str, Sequence[str]]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for digest, others in pairs:
        for other in dict.fromkeys(others):
            found.setdefault(other, []).append(digest)
    return found
