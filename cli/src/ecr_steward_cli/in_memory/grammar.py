"""What ECR takes for a repository's name, a tag, a digest, a filter, a batch or a page.

Both models of ECR check by these: the registry in memory and the local cloud's. Every `check_…`
raises RefusedError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from ecr_steward.words.globs import glob_regex
from ecr_steward_cli.in_memory.refusals import RefusedError, invalid_parameter

ImageId = Mapping[str, str]
"""`imageDigest`, `imageTag` or both (ECR API: ImageIdentifier)."""
Filters = Sequence[Mapping[str, str]]
"""`imageTagMutabilityExclusionFilters` (ECR API: PutImageTagMutability)."""

MAX_BATCH: Final = 100
"""Most image ids, repository names or media types in one call (ECR API: ImageIdentifierList)."""
MAX_PAGE: Final = 1000
"""Largest `maxResults` (ECR API: MaxResults)."""
MAX_TAGS_PER_IMAGE: Final = 1000
"""A quota that cannot be raised (ECR User Guide: Amazon ECR service quotas)."""
MAX_MANIFEST: Final = 4_194_304
"""Longest manifest, in characters (ECR API: PutImage)."""
MAX_FILTERS: Final = 5
MAX_WILDCARDS: Final = 2
MAX_RESOURCE_TAGS: Final = 50

TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_NAME_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"(?=.{{2,256}}\Z){_NAME_PART}(?:/{_NAME_PART})*")
_FILTER = re.compile(r"[0-9a-zA-Z._*-]{1,128}")
_MUTABILITIES = ("MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION")
_TAG_STATUSES = ("TAGGED", "UNTAGGED", "ANY")
_IMAGE_STATUSES = ("ACTIVE", "ARCHIVED", "ACTIVATING", "ANY")


def check_repository_name(name: str) -> None:
    """The pattern and the lengths of RepositoryName in the ECR API."""
    if not _REPOSITORY.fullmatch(name):
        raise invalid_parameter("repositoryName", f"must satisfy regular expression {_NAME_PART!r}")


def check_batch(member: str, values: Sequence[object]) -> None:
    if not 1 <= len(values) <= MAX_BATCH:
        raise invalid_parameter(member, f"must have from 1 to {MAX_BATCH} members")


def check_exclusive(
    member: str, values: Sequence[object] | None, token: str | None, max_results: int | None
) -> None:
    """A call asks by id or by page, never by both."""
    if values is None:
        return
    check_batch(member, values)
    if token is not None or max_results is not None:
        raise invalid_parameter(member, f"{member} cannot be given with nextToken or maxResults")


def check_page(max_results: int) -> None:
    if not 1 <= max_results <= MAX_PAGE:
        raise invalid_parameter("maxResults", f"must be from 1 to {MAX_PAGE}")


def check_put(manifest: str, tag: str | None) -> None:
    if not 1 <= len(manifest) <= MAX_MANIFEST:
        raise invalid_parameter("imageManifest", f"must have from 1 to {MAX_MANIFEST} characters")
    if tag is not None and not TAG.fullmatch(tag):
        raise invalid_parameter("imageTag", f"must satisfy regular expression {TAG.pattern!r}")


def check_tag_count(digest: str, count: int) -> None:
    """Whether an image that has `count` tags may get another."""
    if count >= MAX_TAGS_PER_IMAGE:
        raise RefusedError(
            "LimitExceededException",
            f"The image with digest '{digest}' already has {MAX_TAGS_PER_IMAGE} tags",
        )


def check_resource_tags(count: int) -> None:
    if count > MAX_RESOURCE_TAGS:
        raise RefusedError("TooManyTagsException", f"More than {MAX_RESOURCE_TAGS} tags")


def check_mutability(mutability: str, filters: Filters | None) -> None:
    """Raises RefusedError for what ECR takes for no tag immutability."""
    member = "imageTagMutabilityExclusionFilters"
    if mutability not in _MUTABILITIES:
        raise invalid_parameter(
            "imageTagMutability", f"must satisfy enum value set: {_MUTABILITIES}"
        )
    wanted = mutability.endswith("_WITH_EXCLUSION")
    if wanted != (filters is not None):
        null = "can't be null" if wanted else "must be null"
        name = member[0].upper() + member[1:]
        raise invalid_parameter(
            member, f"{name} {null} when imageTagMutability is set as {mutability}"
        )
    if filters is None:
        return
    if not 1 <= len(filters) <= MAX_FILTERS:
        raise invalid_parameter(member, f"must have from 1 to {MAX_FILTERS} members")
    for each in filters:
        _check_filter(each)


def _check_filter(exclusion: Mapping[str, str]) -> None:
    member, text = "imageTagMutabilityExclusionFilters", exclusion.get("filter", "")
    if exclusion.get("filterType") != "WILDCARD":
        raise invalid_parameter(f"{member}.filterType", "must satisfy enum value set: [WILDCARD]")
    if not _FILTER.fullmatch(text):
        raise invalid_parameter(
            f"{member}.filter", f"must satisfy regular expression {_FILTER.pattern!r}"
        )
    if text.count("*") > MAX_WILDCARDS:
        raise invalid_parameter(f"{member}.filter", f"must have at most {MAX_WILDCARDS} wildcards")


def check_storage_class(target: str) -> None:
    if target not in ("ARCHIVE", "STANDARD"):
        raise invalid_parameter(
            "targetStorageClass", "must satisfy enum value set: [ARCHIVE, STANDARD]"
        )


def check_scanning(scan_type: str, rules: Sequence[object]) -> None:
    """The scanning configuration of a registry (ECR API: PutRegistryScanningConfiguration)."""
    if scan_type not in ("BASIC", "ENHANCED"):
        raise invalid_parameter("scanType", "must satisfy enum value set: [BASIC, ENHANCED]")
    if len(rules) > 2:
        raise invalid_parameter("rules", "must have at most 2 members")


def wildcards(filters: Filters) -> re.Pattern[str] | None:
    """One pattern for all exclusion filters, to match a whole tag; None for no filter.

    `*` is any run of characters and everything else literal (ECR User Guide: Preventing image tags
    from being overwritten).
    """
    return glob_regex(each["filter"] for each in filters) if filters else None


def is_frozen(tag: str, mutability: str, excluded: re.Pattern[str] | None) -> bool:
    """Whether `tag` may not move; `excluded` are the tags that the setting does not hold for."""
    spared = excluded is not None and excluded.fullmatch(tag) is not None
    return mutability.startswith("IMMUTABLE") != spared


def wanted_statuses(asked: Mapping[str, str] | None) -> tuple[str, str]:
    """The tag status and the image status that `filter` asks for: by default any image that is
    active (ECR API: ListImages)."""
    tag_status = (asked or {}).get("tagStatus", "ANY")
    status = (asked or {}).get("imageStatus", "ACTIVE")
    if tag_status not in _TAG_STATUSES:
        raise invalid_parameter("filter.tagStatus", f"must satisfy enum value set: {_TAG_STATUSES}")
    if status not in _IMAGE_STATUSES:
        raise invalid_parameter(
            "filter.imageStatus", f"must satisfy enum value set: {_IMAGE_STATUSES}"
        )
    return tag_status, status


INVALID_IDS: Final = frozenset({"MissingDigestAndTag", "InvalidImageDigest", "InvalidImageTag"})
"""Failures of image ids that no image could have (ECR API: ImageFailure)."""


def fault_of(image_id: ImageId) -> tuple[str, str] | None:
    """Failure code and reason of an id that no image can have."""
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    if digest is None and tag is None:
        return "MissingDigestAndTag", (
            "Invalid request parameters: both tag and digest cannot be null"
        )
    if digest is not None and not DIGEST.fullmatch(digest):
        return "InvalidImageDigest", (
            f"Invalid request parameters: image digest should satisfy the regex '{DIGEST.pattern}'"
        )
    if tag is not None and not TAG.fullmatch(tag):
        return "InvalidImageTag", (
            f"Invalid request parameters: image tag should satisfy the regex '{TAG.pattern}'"
        )
    return None
