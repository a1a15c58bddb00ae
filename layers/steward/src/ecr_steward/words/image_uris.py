"""Image URIs as people and orchestrators write them, and which of them this registry serves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")
_REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ECR_HOST = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+"
)
"""A registry's host: `ID.dkr.ecr.REGION.amazonaws.com`, with `-fips`, as dual stack
`ID.dkr-ecr.REGION.on.aws`, and with the suffix of another partition (ECR User Guide: Registries;
AWS General Reference: ECR endpoints)."""


class NoImageUri(ValueError):
    """What is no image URI; the sentence says why, with the URI in it."""


@dataclass(frozen=True, slots=True)
class ImageUri:
    """`HOST/REPOSITORY[:TAG][@DIGEST]`; what has neither tag nor digest means `latest`."""

    host: str
    repository: str
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, written: str) -> ImageUri:
        """Read an image URI; `docker-pullable://` and the like before it are left out.

        Raises NoImageUri for anything else, a short name without a host among it.
        """
        scheme = _SCHEME.match(written)
        bare = written[scheme.end() :] if scheme else written
        named, at, digest = bare.partition("@")
        host, slash, path = named.partition("/")
        repository, colon, tag = path.partition(":")
        wrong = _wrong(
            host=slash and host,
            repository=repository,
            tag=tag if colon else None,
            digest=digest if at else None,
        )
        if wrong is not None:
            raise NoImageUri(f"`{written}` is no image URI: {wrong}.")
        if not colon and not at:
            tag = "latest"
        return cls(host, repository, tag or None, digest or None)

    def is_of(self, account: str, region: str) -> bool:
        """Whether the registry of this account and Region serves it."""
        return self.registry == (account, region)

    @property
    def registry(self) -> tuple[str, str] | None:
        """The account and the Region of the registry that serves it; None where it is not ECR's."""
        host = _ECR_HOST.fullmatch(self.host)
        return None if host is None else (host["account"], host["region"])


def _wrong(host: str, repository: str, tag: str | None, digest: str | None) -> str | None:
    if not re.fullmatch(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?", host):
        return "it does not begin with a registry's host and `/`"
    if not _REPOSITORY.fullmatch(repository):
        return f"`{repository}` is no name of a repository"
    if tag is not None and not _TAG.fullmatch(tag):
        return f"`{tag}` is no tag"
    if digest is not None and not _DIGEST.fullmatch(digest):
        return f"`{digest}` is not `sha256:` and 64 hex digits"
    return None


def image_in(written: Any, account: str, region: str) -> ImageUri | None:
    """The image of this registry that `written` names; None if it names another's, or nothing."""
    if not isinstance(written, str):
        return None
    try:
        found = ImageUri.parse(written)
    except NoImageUri:
        return None
    return found if found.is_of(account, region) else None
