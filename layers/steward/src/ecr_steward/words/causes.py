"""Causes: which event led to a change, and who is behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.words.reading import optional, text

ROLLBACK = "Rollback"
"""Type of cause: somebody's rollback, which holds the tag as well."""

CHANNEL = "Channel"
"""Type of cause: a channel takes no messages; the cause's id is `channel/NAME/TIME`."""

TEST = "Test"
"""Type of cause: somebody tries a channel."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The event that led to a change; `by` is who caused it, as an ARN, where CloudTrail knows."""

    id: str
    type: str
    by: str | None = None

    @classmethod
    def from_document(cls, cause: Mapping[str, Any]) -> Cause:
        """Read what `to_document` wrote. Raises MalformedEvent."""
        return cls(text(cause, "id"), text(cause, "type"), optional(cause, "by"))

    def to_document(self) -> dict[str, Any]:
        known = {} if self.by is None else {"by": self.by}
        return {"id": self.id, "type": self.type, **known}


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who did something, as far as is known: `words` end a sentence, `named` is whether they name
    anybody."""

    words: str
    named: bool
