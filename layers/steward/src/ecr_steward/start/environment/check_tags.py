"""The environment of check_tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ecr_steward.start.environment import need


@dataclass(frozen=True, slots=True)
class CheckTagsEnvironment:
    """For check_tags."""

    queue_url: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        return cls(queue_url=need(env, "RETAG_QUEUE_URL"))
