"""What a function is told by its environment, read once and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ecr_steward.rules import Mode


class Misconfigured(Exception):
    """The function's environment lacks something or has a value that means nothing."""


def _need(env: Mapping[str, str], name: str) -> str:
    value = env.get(name)
    if not value:
        raise Misconfigured(f"The environment variable {name} is missing; template.yaml sets it.")
    return value


def _number(env: Mapping[str, str], name: str) -> int:
    value = _need(env, name)
    if not value.isdecimal():
        raise Misconfigured(f"The environment variable {name} must be a whole number: `{value}`.")
    return int(value)


def _mode(env: Mapping[str, str], name: str = "STEWARD_MODE") -> Mode:
    value = _need(env, name)
    if value not in list(Mode):
        raise Misconfigured(f"{name} must be one of {', '.join(Mode)}: `{value}`.")
    return Mode(value)


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """For check_tags."""

    queue_url: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        return cls(queue_url=_need(env, "RETAG_QUEUE_URL"))


@dataclass(frozen=True, slots=True)
class CallSettings:
    """For check_settings; `role` is the ARN of the role that the writer of settings calls with."""

    queue_url: str
    role: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        return cls(queue_url=_need(env, "POLICY_QUEUE_URL"), role=_need(env, "POLICY_ROLE_ARN"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _StackSettings:
    """What the functions that work on repositories have in common."""

    mode: Mode
    queue_url: str
    table: str
    account: str
    region: str


def _stack(env: Mapping[str, str], queue: str = "RETAG_QUEUE_URL") -> dict[str, Any]:
    return {
        "mode": _mode(env),
        "queue_url": _need(env, queue),
        "table": _need(env, "HISTORY_TABLE"),
        "account": _need(env, "REGISTRY"),
        "region": _need(env, "AWS_REGION"),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RetagSettings(_StackSettings):
    """For retag; a message that was received `max_receives` times goes to the failure queue.

    `allow_removal` is whether the stack lets unknown tags be removed.
    """

    max_receives: int
    allow_removal: bool

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        return cls(
            **_stack(env),
            max_receives=_number(env, "MAX_RECEIVES"),
            allow_removal=_need(env, "ALLOW_TAG_REMOVAL") == "true",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforceSettings(_StackSettings):
    """For enforce_policy: `settings_mode` is not higher than `mode`, `role` its own role's ARN and
    `tagger` that of the role that moves tags."""

    settings_mode: Mode
    max_receives: int
    role: str
    tagger: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        stack = _stack(env, "POLICY_QUEUE_URL")
        return cls(
            **stack,
            settings_mode=_mode(env, "SETTINGS_MODE").capped(stack["mode"]),
            max_receives=_number(env, "MAX_RECEIVES"),
            role=_need(env, "POLICY_ROLE_ARN"),
            tagger=_need(env, "RETAG_ROLE_ARN"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings(_StackSettings):
    """For sweep: `hours` is how long one sweep takes, `pattern` the stack's repositories.

    `queue_url` is the queue before the writer of tags, `policy_queue_url` that before the writer of
    settings, whose mode is `settings_mode`.
    """

    policy_queue_url: str
    settings_mode: Mode
    hours: int
    pattern: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        return cls(
            **_stack(env),
            policy_queue_url=_need(env, "POLICY_QUEUE_URL"),
            settings_mode=_mode(env, "SETTINGS_MODE"),
            hours=_number(env, "SWEEP_HOURS"),
            pattern=_need(env, "REPOSITORY_PATTERN"),
        )


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """For publish."""

    bus: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        return cls(bus=_need(env, "BUS_NAME"))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
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
            mode=_mode(env),
            topic=_need(env, "TOPIC_ARN"),
            chat_topic=_need(env, "CHAT_TOPIC_ARN"),
            table=_need(env, "HISTORY_TABLE"),
            queue_url=_need(env, "NOTIFY_QUEUE_URL"),
            errands_url=_need(env, "ERRAND_QUEUE_URL"),
            account=_need(env, "REGISTRY"),
            region=_need(env, "AWS_REGION"),
            messages_per_minute=_number(env, "MESSAGES_PER_MINUTE"),
            local_http=_need(env, "ALLOW_LOCAL_HTTP") == "true",
        )
