"""The environment of publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ecr_steward.start.environment import need


@dataclass(frozen=True, slots=True)
class PublishEnvironment:
    """For publish: `failure_url` is the queue of what cannot be published."""

    bus: str
    failure_url: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        return cls(bus=need(env, "BUS_NAME"), failure_url=need(env, "FAILURE_QUEUE_URL"))
