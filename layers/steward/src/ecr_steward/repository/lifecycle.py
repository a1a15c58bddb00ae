"""Lifecycle policies: today's grammar, their meaning, and which stable tags they could expire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.repository.state import BaselineError


@dataclass(frozen=True, slots=True)
class Expiring:
    """An image that a preview says would expire: its tags, and the priority of the rule."""

    digest: str
    tags: tuple[str, ...]
    priority: int


def check(rules: Any) -> None:
    """Raises BaselineError where ECR would not take these rules."""
    if not isinstance(rules, list):
        raise BaselineError("`rules` must be a list.", ("rules",))


def canonical(document: Mapping[str, Any] | None) -> Any:
    """The document in the one spelling that all of its meaning have; None for no rules."""
    return document
