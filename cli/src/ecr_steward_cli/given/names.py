"""Names of repositories and tags, as people type them."""

from __future__ import annotations

import re

from ecr_steward.words.grammar import is_tag

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def is_repository(name: str) -> bool:
    """Whether `name` can be a repository's: 2 to 256 characters (ECR API: RepositoryName)."""
    return 2 <= len(name) <= 256 and _REPOSITORY.fullmatch(name) is not None


def is_digest(text: str) -> bool:
    """Whether `text` is the digest of an image, whole."""
    return _DIGEST.fullmatch(text) is not None


def has_registry(name: str) -> bool:
    """Whether a name begins with ECR's host, as image references do."""
    return ".dkr.ecr" in name.partition("/")[0]


def place_of(typed: str) -> tuple[str, str | None]:
    """The repository and the tag, if there is one, of `REPOSITORY[:TAG]`.

    Raises ValueError, whose sentence says what is wrong.
    """
    repository, colon, tag = typed.partition(":")
    if has_registry(repository):
        raise ValueError(f"`{typed}` names a registry: leave out everything before the repository.")
    if not is_repository(repository):
        raise ValueError(
            f"`{repository}` cannot be a repository's name: 2 to 256 lowercase letters and digits, "
            "in parts joined by `/`, `.`, `_`, `__` or `-`."
        )
    if colon and not is_tag(tag):
        raise ValueError(
            f"`{tag}` cannot be a tag: 1 to 128 letters, digits, `_`, `.` and `-`, not beginning "
            "with `.` or `-`."
        )
    return repository, tag if colon else None
