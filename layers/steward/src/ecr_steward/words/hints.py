"""Hints: a repository in which something may have changed, as they wait in the queues."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecr_steward.words.causes import Cause
from ecr_steward.words.reading import (
    MalformedEvent,
    as_object,
    digest,
    iso,
    mapping,
    optional,
    text,
    time,
)

IMAGE_ACTION = "ECR Image Action"
"""Type of cause: ECR's event of an image."""

REPLICATION = "ECR Replication Action"
"""`detail-type` of what ECR says of an image that was, or was not, copied here from another Region
or account; it is sent where the copy belongs (ECR User Guide: Amazon ECR events)."""

REGISTRY = "*"
"""Stands in a hint where a repository's name would: the registry, whose settings belong to none."""


class Action(enum.StrEnum):
    """Why a repository is looked at.

    A round over its images comes with RETAIN. EXPIRE says that what runs was looked at since, so
    that images may get their expiry tags; NEED that an image with one, or several, is needed.
    """

    PUSH = "PUSH"
    DELETE = "DELETE"
    CALL = "CALL"
    SWEEP = "SWEEP"
    RETAIN = "RETAIN"
    EXPIRE = "EXPIRE"
    NEED = "NEED"


ABOUT_EXPIRY = frozenset({Action.EXPIRE, Action.NEED})
"""Hints that the writer of expiry tags alone looks at."""


@dataclass(frozen=True, slots=True)
class Hint:
    """Something may have changed in `repository`: never more than a hint, for ECR is the truth.

    `call` is the operation of the ECR API that somebody called, where that is why. `plan` narrows
    the look: it makes only changes that the plan of this name has.
    """

    repository: str
    action: Action
    tag: str | None
    digest: str | None
    cause: Cause
    time: datetime
    call: str | None = None
    plan: str | None = None

    @classmethod
    def from_ecr(cls, event: Mapping[str, Any]) -> Hint | None:
        """Read an `ECR Image Action` event as EventBridge delivers it.

        None for an action that failed or that is neither PUSH nor DELETE. A tag that is absent,
        null or empty is none (ECR sends `""` for the children of an index). Raises MalformedEvent.
        """
        detail = mapping(as_object(event, "The event"), "detail")
        if detail.get("result") != "SUCCESS" or detail.get("action-type") not in ("PUSH", "DELETE"):
            return None
        return cls._of_image(event, detail, Action(detail["action-type"]))

    @classmethod
    def missing_copy(cls, event: Mapping[str, Any]) -> Hint | None:
        """The image that an `ECR Replication Action` says could not be copied here; None if it was.

        Raises MalformedEvent.
        """
        detail = mapping(as_object(event, "The event"), "detail")
        if detail.get("result") != "FAILED":
            return None
        return cls._of_image(event, detail, Action.PUSH)

    @classmethod
    def _of_image(cls, event: Mapping[str, Any], detail: Mapping[str, Any], action: Action) -> Hint:
        return cls(
            repository=text(detail, "repository-name"),
            action=action,
            tag=optional(detail, "image-tag"),
            digest=digest(detail, "image-digest"),
            cause=Cause(text(event, "id"), text(event, "detail-type")),
            time=time(event, "time"),
        )

    def to_message(self) -> str:
        """The body of the queue message; the time keeps its milliseconds and no more."""
        body = {
            "repository": self.repository,
            "action": self.action.value,
            "tag": self.tag,
            "digest": self.digest,
            "cause": self.cause.to_document(),
            "time": iso(self.time),
            **({} if self.call is None else {"call": self.call}),
            **({} if self.plan is None else {"plan": self.plan}),
        }
        return json.dumps(body, separators=(",", ":"))

    @classmethod
    def from_message(cls, body: str) -> Hint:
        """Read what `to_message` wrote. Raises MalformedEvent."""
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise MalformedEvent(f"The message is not JSON: {error}.") from error
        cause = mapping(as_object(document, "The message"), "cause")
        try:
            action = Action(text(document, "action"))
        except ValueError as error:
            raise MalformedEvent(f"`action` is unknown: {error}.") from error
        return cls(
            repository=text(document, "repository"),
            action=action,
            tag=optional(document, "tag"),
            digest=digest(document, "digest"),
            cause=Cause.from_document(cause),
            time=time(document, "time"),
            call=optional(document, "call"),
            plan=optional(document, "plan"),
        )
