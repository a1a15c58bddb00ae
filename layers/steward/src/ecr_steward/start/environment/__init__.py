"""What each function is told by its environment, read once and typed; one module a function, for
each starts with its own alone."""

from __future__ import annotations

from collections.abc import Mapping

from ecr_steward.rules import Mode


class Misconfigured(Exception):
    """The function's environment lacks something or has a value that means nothing."""


def need(env: Mapping[str, str], name: str) -> str:
    """The text of a variable that must not be empty. Raises Misconfigured."""
    value = env.get(name)
    if not value:
        raise Misconfigured(f"The environment variable {name} is missing; template.yaml sets it.")
    return value


def number(env: Mapping[str, str], name: str) -> int:
    """A variable that is a whole number. Raises Misconfigured."""
    value = need(env, name)
    if not value.isdecimal():
        raise Misconfigured(f"The environment variable {name} must be a whole number: `{value}`.")
    return int(value)


def mode(env: Mapping[str, str], name: str = "STEWARD_MODE") -> Mode:
    """A variable that is a mode. Raises Misconfigured."""
    value = need(env, name)
    if value not in list(Mode):
        raise Misconfigured(f"{name} must be one of {', '.join(Mode)}: `{value}`.")
    return Mode(value)
