"""The environment of retag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ecr_steward.start.environment import need, number
from ecr_steward.start.environment.stack import StackEnvironment, stack


@dataclass(frozen=True, slots=True, kw_only=True)
class RetagEnvironment(StackEnvironment):
    """For retag; a message that was tried `max_tries` times goes to the failure queue.

    `allow_removal` is whether the stack lets unknown tags be removed.
    """

    max_tries: int
    allow_removal: bool

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        return cls(
            **stack(env),
            max_tries=number(env, "MAX_TRIES"),
            allow_removal=need(env, "ALLOW_TAG_REMOVAL") == "true",
        )
