"""The environment of notify."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ecr_steward.rules import Mode
from ecr_steward.start.environment import mode, need, number


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyEnvironment:
    """For notify: `topic` and `chat_topic` are the stack's own, `errands_url` is the queue of what
    single channels are still owed.

    A channel gets at most `messages_per_minute`; with `local_http` one may be on this machine.
    """

    mode: Mode
    topic: str
    chat_topic: str
    table: str
    queue_url: str
    errands_url: str
    account: str
    region: str
    messages_per_minute: int
    local_http: bool

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        return cls(
            mode=mode(env),
            topic=need(env, "TOPIC_ARN"),
            chat_topic=need(env, "CHAT_TOPIC_ARN"),
            table=need(env, "HISTORY_TABLE"),
            queue_url=need(env, "NOTIFY_QUEUE_URL"),
            errands_url=need(env, "ERRAND_QUEUE_URL"),
            account=need(env, "REGISTRY"),
            region=need(env, "AWS_REGION"),
            messages_per_minute=number(env, "MESSAGES_PER_MINUTE"),
            local_http=need(env, "ALLOW_LOCAL_HTTP") == "true",
        )
