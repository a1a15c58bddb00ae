"""The door for images that go: which were deleted or archived, and by whom?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.words.calls import API_CALL, DELETE_IMAGES
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import IMAGE_ACTION
from ecr_steward.words.reading import as_object, digest, mapping, optional, text

ARCHIVE_IMAGE = "UpdateImageStorageClass"
"""The call that archives an image, or restores one."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Images of a repository that may be gone: an event is a hint, and ECR is the truth."""

    repository: str
    digests: tuple[str, ...]
    cause: Cause


def departure(event: Mapping[str, Any]) -> Departure | None:
    """The images that an event of ECR's says were deleted, untagged or archived; None for any
    other event. ECR's own event names nobody, that of CloudTrail the caller.

    Raises MalformedEvent.
    """
    kind = text(as_object(event, "The event"), "detail-type")
    detail = mapping(event, "detail")
    if kind == IMAGE_ACTION:
        return _action(event, detail)
    if kind == API_CALL and detail.get("eventName") in (DELETE_IMAGES, ARCHIVE_IMAGE):
        return _call(event, detail)
    return None


def _action(event: Mapping[str, Any], detail: Mapping[str, Any]) -> Departure | None:
    going = detail.get("action-type") in ("DELETE", "UPDATE_STORAGE_CLASS")
    found = digest(detail, "image-digest")
    if not going or detail.get("result") != "SUCCESS" or found is None:
        return None
    cause = Cause(text(event, "id"), IMAGE_ACTION)
    return Departure(text(detail, "repository-name"), (found,), cause)


def _call(event: Mapping[str, Any], detail: Mapping[str, Any]) -> Departure | None:
    if detail.get("errorCode") is not None:
        return None
    asked, answer = mapping(detail, "requestParameters"), _part(detail, "responseElements")
    images = answer.get("imageIds") or [answer.get("imageId") or asked.get("imageId")]
    named = [each for each in images if isinstance(each, Mapping)]
    digests = dict.fromkeys(found for each in named if (found := digest(each, "imageDigest")))
    by = optional(_part(detail, "userIdentity"), "arn")
    cause = Cause(text(event, "id"), API_CALL, by=by)
    return Departure(text(asked, "repositoryName"), tuple(digests), cause)


def _part(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}
