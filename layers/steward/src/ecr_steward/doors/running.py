"""The door for what runs: a task that started or stopped, a function that was given an image.

Such an event says what runs by itself: nothing is asked of anybody.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ecr_steward.words.calls import API_CALL
from ecr_steward.words.image_uris import image_in
from ecr_steward.words.reading import MalformedEvent, as_object, mapping, optional, text, time
from ecr_steward.words.running import ECS, LAMBDA, Running, source_of, workload_of
from ecr_steward.words.tasks import OwnRegistry, images, is_of_service, task_name

TASK_CHANGE = "ECS Task State Change"
"""`detail-type` of what ECS says of a task (Amazon ECS Developer Guide: task state change
events)."""

_HASH = re.compile(r"[0-9a-f]{64}")
_UPDATES = ("CreateFunction", "UpdateFunctionCode")


class RunAnswer(enum.StrEnum):
    """What the door makes of an event."""

    SEEN = "it says what runs"
    NO_IMAGE = "it names no image of this registry with its digest"
    NO_CHANGE = "it is about no start, no end and no new code"


def check(event: Mapping[str, Any], registry: OwnRegistry) -> tuple[list[Running], RunAnswer]:
    """What one event says of what runs, one record an image. An event speaks only for the account
    in its envelope, and for images of this registry's host.

    Raises MalformedEvent for an event that cannot be understood.
    """
    kind = text(as_object(event, "The event"), "detail-type")
    account = text(event, "account")
    if not registry.hears(account):
        raise MalformedEvent(
            f"`account` {account} is neither the registry's nor one of WorkloadAccounts."
        )
    if kind == TASK_CHANGE:
        found = _task(event, account, registry)
    elif kind == API_CALL:
        found = _function(event, account, registry)
    else:
        found = None
    if found is None:
        return [], RunAnswer.NO_CHANGE
    return found, RunAnswer.SEEN if found else RunAnswer.NO_IMAGE


def _task(event: Mapping[str, Any], account: str, registry: OwnRegistry) -> list[Running] | None:
    """A task that runs was seen then; one that stopped ran from its start.

    The end of a task is not the end of its service, which starts the next from the same image.
    """
    detail = mapping(event, "detail")
    status = optional(detail, "lastStatus")
    if status not in ("RUNNING", "STOPPED"):
        return None
    workload = workload_of(ECS, account, registry.account, task_name(detail))
    at = time(event, "time")
    began = _moment(detail, "startedAt") or _moment(detail, "createdAt") or at
    alone = not is_of_service(detail)
    ended = (_moment(detail, "stoppedAt") or at) if status == "STOPPED" and alone else None
    seen = at if status == "RUNNING" else began
    return [
        Running(
            repository=repository,
            digest=digest,
            source=source_of(ECS, account, registry.account),
            workload=workload,
            written=written,
            first_seen=min(began, seen),
            last_seen=seen,
            ended=ended,
        )
        for repository, digest, written in images(detail.get("containers"), registry)
    ]


def _function(
    event: Mapping[str, Any], account: str, registry: OwnRegistry
) -> list[Running] | None:
    """A function that was made or updated: the answer's hash of an image's code is its digest."""
    detail = mapping(event, "detail")
    if not text(detail, "eventName").startswith(_UPDATES) or detail.get("errorCode") is not None:
        return None
    asked, answer = _part(detail, "requestParameters"), _part(detail, "responseElements")
    uri = _part(asked, "code").get("imageUri") or asked.get("imageUri")
    image, name = image_in(uri, registry.account, registry.region), answer.get("functionName")
    code = answer.get("codeSha256")
    digest = image.digest if image else None
    if digest is None and isinstance(code, str) and _HASH.fullmatch(code):
        digest = f"sha256:{code}"
    if image is None or digest is None or not isinstance(name, str):
        return []
    at = time(event, "time")
    source = source_of(LAMBDA, account, registry.account)
    workload = workload_of(LAMBDA, account, registry.account, name)
    return [Running(image.repository, digest, source, workload, str(uri), at, at)]


def _part(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _moment(detail: Mapping[str, Any], key: str) -> datetime | None:
    return time(detail, key) if detail.get(key) else None
