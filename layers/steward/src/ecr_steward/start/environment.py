"""What template.yaml tells a function through its environment."""

from __future__ import annotations

from collections.abc import Mapping

from ecr_steward.words.modes import Mode


class Misconfigured(Exception):
    """The function's environment lacks something or has a value that means nothing."""


class Environment:
    """A function's environment variables. Each reader raises Misconfigured."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str) -> str:
        """A variable that must not be empty."""
        value = self._variables.get(name)
        if not value:
            raise Misconfigured(
                f"The environment variable {name} is missing; template.yaml sets it."
            )
        return value

    def number(self, name: str) -> int:
        """A variable that is a whole number."""
        value = self.text(name)
        if not value.isdecimal():
            raise Misconfigured(
                f"The environment variable {name} must be a whole number: `{value}`."
            )
        return int(value)

    def names(self, name: str) -> tuple[str, ...]:
        """A variable that is a list of names with commas between them; it may be empty."""
        value = self._variables.get(name)
        if value is None:
            raise Misconfigured(
                f"The environment variable {name} is missing; template.yaml sets it."
            )
        return tuple(filter(None, map(str.strip, value.split(","))))

    def flag(self, name: str) -> bool:
        """A variable that is `true` or `false`."""
        value = self.text(name)
        if value not in ("true", "false"):
            raise Misconfigured(
                f"The environment variable {name} must be true or false: `{value}`."
            )
        return value == "true"

    def mode(self, name: str = "STEWARD_MODE") -> Mode:
        """A variable that is a mode."""
        value = self.text(name)
        if value not in list(Mode):
            raise Misconfigured(f"{name} must be one of {', '.join(Mode)}: `{value}`.")
        return Mode(value)
