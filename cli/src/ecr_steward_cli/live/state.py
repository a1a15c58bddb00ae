"""What a look saw, in a few digits: they tell later whether anything has changed since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.ecr.settings import Described, EcrSettings
from ecr_steward.settings.kinds import Read

_DIGITS = 32
_PASSING = frozenset({"ResponseMetadata", "lastEvaluatedAt"})
"""What ECR answers differently although nobody has changed anything."""


@dataclass(frozen=True, slots=True)
class LookDigits:
    """The digits of what a look saw: of all tags with their digests, and of the settings read."""

    tags: str = ""
    settings: str = ""

    def to_document(self) -> dict[str, str]:
        return {"tags": self.tags, "settings": self.settings}


class NotedSettings(EcrSettings):
    """Reads settings as ever, and keeps what ECR answered in `noted`, by operation."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.noted: dict[str, Any] = {}

    def describe(self, repository: str) -> Described:
        found = super().describe(repository)
        self.noted["DescribeRepositories"] = found.answer
        return found

    def read(self, read: Read, name: str, arn: str) -> Mapping[str, Any] | None:
        answer = super().read(read, name, arn)
        self.noted[read.operation] = answer
        return answer


def digits(seen: Any) -> str:
    """The digits of any JSON-like value, in whatever order its lists and objects are."""
    return hashlib.sha256(_text(seen).encode()).hexdigest()[:_DIGITS]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        kept = sorted((key, _text(each)) for key, each in value.items() if key not in _PASSING)
        return json.dumps(kept)
    if isinstance(value, list | tuple):
        return json.dumps(sorted(map(_text, value)))
    return json.dumps(value, default=str)
