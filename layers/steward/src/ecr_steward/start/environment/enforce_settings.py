"""The environment of enforce_settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ecr_steward.rules import Mode
from ecr_steward.start.environment import mode, need, number
from ecr_steward.start.environment.stack import StackEnvironment, stack


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforceSettingsEnvironment(StackEnvironment):
    """For enforce_settings: `settings_mode` is not higher than `mode`, `role` its own role's ARN and
    `tagger` that of the role that moves tags."""

    settings_mode: Mode
    max_receives: int
    role: str
    tagger: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        common = stack(env, "SETTINGS_QUEUE_URL")
        return cls(
            **common,
            settings_mode=mode(env, "SETTINGS_MODE").capped(common["mode"]),
            max_receives=number(env, "MAX_RECEIVES"),
            role=need(env, "SETTINGS_ROLE_ARN"),
            tagger=need(env, "RETAG_ROLE_ARN"),
        )
