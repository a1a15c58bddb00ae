"""The environment of check_settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ecr_steward.start.environment import need


@dataclass(frozen=True, slots=True)
class CheckSettingsEnvironment:
    """For check_settings; `role` is the ARN of the role that the writer of settings calls with."""

    queue_url: str
    role: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        return cls(queue_url=need(env, "SETTINGS_QUEUE_URL"), role=need(env, "SETTINGS_ROLE_ARN"))
