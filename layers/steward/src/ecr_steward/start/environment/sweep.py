"""The environment of sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ecr_steward.rules import Mode
from ecr_steward.start.environment import mode, need, number
from ecr_steward.start.environment.stack import StackEnvironment, stack


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepEnvironment(StackEnvironment):
    """For sweep: `hours` is how long one sweep takes, `pattern` the stack's repositories.

    `queue_url` is the queue before the writer of tags, `settings_queue_url` that before the writer of
    settings, whose mode is `settings_mode`.
    """

    settings_queue_url: str
    settings_mode: Mode
    hours: int
    pattern: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        return cls(
            **stack(env),
            settings_queue_url=need(env, "SETTINGS_QUEUE_URL"),
            settings_mode=mode(env, "SETTINGS_MODE"),
            hours=number(env, "SWEEP_HOURS"),
            pattern=need(env, "REPOSITORY_PATTERN"),
        )
