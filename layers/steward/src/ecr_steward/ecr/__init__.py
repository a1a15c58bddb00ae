"""What the steward asks of ECR, as a small protocol and in our own words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ecr_steward.tags.state import Image


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest exactly as ECR stores it; `text` must never be parsed and written again."""

    digest: str
    text: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What `fetch` found.

    `manifests` by digest. `absent` are the digests and tags that do not exist; `blocked` are
    those ECR would not give, with its failure code (an archived image: `ImageInaccessible`).
    """

    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    blocked: Mapping[str, str] = field(default_factory=dict)


class Registry(Protocol):
    """Reads and the one write. Every method raises the errors below."""

    def fetch(
        self, repository: str, digests: Collection[str], tags: Collection[str] = ()
    ) -> Fetched:
        """The manifests of these digests and tags: one `BatchGetImage` per 100 of them."""
        ...

    def describe(self, repository: str, digests: Collection[str]) -> dict[str, Image]:
        """The images of these digests: one `DescribeImages` per 100. ImageGone if one is gone."""
        ...

    def describe_all(self, repository: str) -> Iterator[Image]:
        """Every image, archived ones too, 1,000 a call."""
        ...

    def list_tags(self, repository: str) -> Iterator[tuple[str, str]]:
        """Every tag with its digest, of archived images too, 1,000 a call."""
        ...

    def put(self, repository: str, manifest: Manifest, tag: str) -> None:
        """Put `tag` on the image of `manifest`; nothing happens if it is there already."""
        ...

    def untag(self, repository: str, tag: str, digest: str) -> None:
        """Take `tag` off the image of `digest`, which must have another; never its last one."""
        ...

    def created(self, repository: str) -> datetime:
        """When the repository was made: one of the same name may have been deleted before."""
        ...

    def repositories(self) -> Iterator[str]:
        """The names of all repositories, 1,000 a call."""
        ...

    def pull_through_prefixes(self) -> tuple[str, ...]:
        """The prefixes of the repositories that pull-through-cache rules make."""
        ...


class RegistryError(Exception):
    """ECR did not do what was asked. `code` is ECR's, `operation` the API's name."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.code = code
        self.message = message


class Unavailable(RegistryError):
    """A passing fault (throttled, a server's error, no connection): asking again can help."""


class RepositoryGone(RegistryError):
    """There is no such repository (any more)."""


class ImageGone(RegistryError):
    """An image, or one that an index refers to, is not there (any more)."""


class Denied(RegistryError):
    """The role may not do this."""


class TagFrozen(RegistryError):
    """The repository's tag immutability does not let the tag move."""


class Refused(RegistryError):
    """ECR refuses this for good: asking again cannot help."""
