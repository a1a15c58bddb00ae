"""References to addresses and secrets, which the rules file never holds itself."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class ReferenceFault(ValueError):
    """A text that is no reference; the sentence does not repeat it: it may be a secret."""


class Store(enum.StrEnum):
    """Where addresses and secrets are kept."""

    SSM = "ssm"
    SECRETS_MANAGER = "secretsmanager"


_FORMATS = {
    Store.SSM: re.compile(r"(?P<name>/?[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*)"),
    Store.SECRETS_MANAGER: re.compile(r"(?P<name>[A-Za-z0-9/_+=.@-]+)(?:#(?P<key>[^#\s]+))?"),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an address or a secret is kept: never the thing itself.

    `name` is the name of a parameter or of a secret of the stack's own account and Region, `key`
    a key of a secret that is a JSON object; without it the whole text counts.
    """

    store: Store
    name: str
    key: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read `ssm:NAME`, `secretsmanager:NAME` or `secretsmanager:NAME#KEY`.

        Raises ReferenceFault.
        """
        store, _, rest = text.partition(":")
        if store not in list(Store):
            raise ReferenceFault(
                "is a reference, never the address or secret itself: keep that in a parameter and "
                "write `ssm:/ecr-steward/NAME`, or in a secret and write `secretsmanager:NAME`"
            )
        found = _FORMATS[Store(store)].fullmatch(rest)
        if found is None:
            raise ReferenceFault(f"has no valid name after `{store}:`")
        return cls(Store(store), found["name"], found.groupdict().get("key"))

    def __str__(self) -> str:
        return f"{self.store}:{self.name}{f'#{self.key}' if self.key else ''}"


class Secret:
    """A text that nothing shows by accident: not a log line, not a traceback, not a test."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"
