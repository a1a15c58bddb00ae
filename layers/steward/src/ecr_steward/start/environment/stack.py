"""What the functions that work on repositories have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.rules import Mode
from ecr_steward.start.environment import mode, need


@dataclass(frozen=True, slots=True, kw_only=True)
class StackEnvironment:
    """What the functions that work on repositories have in common."""

    mode: Mode
    queue_url: str
    table: str
    account: str
    region: str


def stack(env: Mapping[str, str], queue: str = "RETAG_QUEUE_URL") -> dict[str, Any]:
    """What of it there is in an environment; `queue` names the variable of its queue."""
    return {
        "mode": mode(env),
        "queue_url": need(env, queue),
        "table": need(env, "HISTORY_TABLE"),
        "account": need(env, "REGISTRY"),
        "region": need(env, "AWS_REGION"),
    }
