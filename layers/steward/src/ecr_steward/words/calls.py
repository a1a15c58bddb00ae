"""Calls of the ECR API as CloudTrail tells them: whose settings may have changed, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import REGISTRY, Action, Hint
from ecr_steward.words.reading import MalformedEvent, parse_time

API_CALL = "AWS API Call via CloudTrail"
"""`detail-type` of what somebody called."""
SERVICE_EVENT = "AWS Service Event via CloudTrail"
"""`detail-type` of what ECR did by itself, such as making a pull-through cache repository."""

CHANGES: Mapping[str, str] = {
    "SetRepositoryPolicy": "policy",
    "DeleteRepositoryPolicy": "policy",
    "PutLifecyclePolicy": "lifecycle",
    "DeleteLifecyclePolicy": "lifecycle",
    "PutImageTagMutability": "immutability",
    "PutImageScanningConfiguration": "scan_on_push",
    "TagResource": "resource_tags",
    "UntagResource": "resource_tags",
}
"""Which setting of a repository a call changes; `CreateRepository` sets them all. Names of calls
are those of the API's operations, as `eventName` has them."""

OF_REPOSITORIES = frozenset({"CreateRepository", "DeleteRepository", *CHANGES})

CHANGES_OF_THE_REGISTRY: Mapping[str, str] = {
    "PutRegistryScanningConfiguration": "scanning",
    "PutRegistryPolicy": "policy",
    "DeleteRegistryPolicy": "policy",
    "PutReplicationConfiguration": "replication",
    "RegisterPullTimeUpdateExclusion": "pull_time_exclusions",
    "DeregisterPullTimeUpdateExclusion": "pull_time_exclusions",
    "CreateRepositoryCreationTemplate": "creation_templates",
    "UpdateRepositoryCreationTemplate": "creation_templates",
    "DeleteRepositoryCreationTemplate": "creation_templates",
}
OF_THE_REGISTRY = frozenset(CHANGES_OF_THE_REGISTRY)

DELETE_IMAGES = "BatchDeleteImage"
"""The call that takes tags off images, and deletes images."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that may have changed settings of `repository`, or of the registry (`REGISTRY`).

    `by` is the ARN of the caller and `role` that of the role whose session called, where CloudTrail
    names them. A call that `failed` changed nothing.
    """

    name: str
    repository: str
    cause: Cause
    time: datetime
    role: str | None
    failed: bool

    @classmethod
    def from_cloudtrail(cls, event: Mapping[str, Any]) -> Call | None:
        """Read an event of CloudTrail as EventBridge delivers it.

        None for a call that changes no setting. Raises MalformedEvent.
        """
        detail = _part(event, "detail")
        name = _text(detail, "eventName", "detail.eventName")
        if name not in OF_REPOSITORIES | OF_THE_REGISTRY:
            return None
        try:
            time = parse_time(_text(event, "time", "time"))
        except ValueError as error:
            raise MalformedEvent(f"`time` is not a time: {error}.") from error
        identity = _optional_part(detail, "userIdentity")
        issuer = _optional_part(_optional_part(identity, "sessionContext"), "sessionIssuer")
        cause_id, cause_type = _text(event, "id", "id"), _text(event, "detail-type", "detail-type")
        return cls(
            name=name,
            repository=REGISTRY if name in OF_THE_REGISTRY else _repository(name, detail),
            cause=Cause(cause_id, cause_type, by=_optional_text(identity, "arn")),
            time=time,
            role=_optional_text(issuer, "arn"),
            failed=detail.get("errorCode") is not None,
        )

    def hint(self) -> Hint:
        return Hint(self.repository, Action.CALL, None, None, self.cause, self.time, self.name)


def deletions(event: Mapping[str, Any]) -> list[Hint]:
    """The tags and images that a call of `BatchDeleteImage` deleted, a hint each.

    None for any other call, and for one that failed. Raises MalformedEvent.
    """
    detail = _part(event, "detail")
    name = _text(detail, "eventName", "detail.eventName")
    if name != DELETE_IMAGES or detail.get("errorCode") is not None:
        return []
    repository = _repository(name, detail)
    answer = _optional_part(detail, "responseElements").get("imageIds")
    deleted = answer if isinstance(answer, list) else []
    by = _optional_text(_optional_part(detail, "userIdentity"), "arn")
    try:
        time = parse_time(_text(event, "time", "time"))
    except ValueError as error:
        raise MalformedEvent(f"`time` is not a time: {error}.") from error
    id_, type_ = _text(event, "id", "id"), _text(event, "detail-type", "detail-type")
    hints = []
    for n, each in enumerate(each for each in deleted if isinstance(each, Mapping)):
        # Each of several is a fact of its own: the queue takes a cause once.
        cause = Cause(f"{id_}/{n}" if n else id_, type_, by=by)
        tag, digest = _optional_text(each, "imageTag"), _optional_text(each, "imageDigest")
        hints.append(Hint(repository, Action.DELETE, tag, digest, cause, time))
    return hints


def _repository(name: str, detail: Mapping[str, Any]) -> str:
    """The repository that a call names, in one of four places.

    Those who call name it themselves, by its ARN for resource tags; what ECR did by itself is
    under `serviceEventDetails`, with no request at all; and a new one is in the response too.
    """
    asked = _optional_part(detail, "requestParameters")
    done = _optional_part(detail, "serviceEventDetails")
    made = _optional_part(_optional_part(detail, "responseElements"), "repository")
    for part in (asked, done, made):
        found = _optional_text(part, "repositoryName")
        if found is not None:
            return found
    arn = _optional_text(asked, "resourceArn") or ""
    _, _, found = arn.partition(":repository/")
    if found:
        return found
    raise MalformedEvent(f"The event of {name} names no repository.")


def _part(document: Any, key: str) -> Mapping[str, Any]:
    value = document.get(key) if isinstance(document, Mapping) else None
    if not isinstance(value, Mapping):
        raise MalformedEvent(f"`{key}` is missing or not an object.")
    return value


def _optional_part(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(document: Mapping[str, Any], key: str, place: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise MalformedEvent(f"`{place}` is missing or not a text.")
    return value


def _optional_text(document: Mapping[str, Any], key: str) -> str | None:
    value = document.get(key)
    return value if isinstance(value, str) and value else None
