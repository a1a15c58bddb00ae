"""Kinds of unique tag: one file each, one row in `KINDS`. Nothing else knows one by its name."""

from __future__ import annotations

from typing import Any

from ecr_steward.tags.kinds.build import Build
from ecr_steward.tags.kinds.kind import NUMBERS, Kind, KindError, Unique
from ecr_steward.tags.kinds.pattern import Pattern
from ecr_steward.tags.kinds.semver import Semver
from ecr_steward.tags.kinds.sha import Sha
from ecr_steward.tags.kinds.timestamp import Timestamp
from ecr_steward.tags.kinds.version import MOST_PARTS, Dotted
from ecr_steward.tags.suffixes import Suffixes

__all__ = ["KINDS", "MOST_PARTS", "NUMBERS", "Kind", "KindError", "Unique", "known", "make"]

KINDS: tuple[type[Kind], ...] = (
    Semver,
    Sha,
    Build,
    Timestamp,
    Dotted,
    Pattern,
)
"""Every kind that an entry of `unique:` can be of."""


def known() -> str:
    """How the kinds are written, for a sentence."""
    return ", ".join(kind.written for kind in KINDS)


def make(definition: Any, suffixes: Suffixes) -> Kind:
    """The kind that an entry of `unique:` defines. Raises KindError."""
    for kind in KINDS:
        made = kind.of(definition, suffixes)
        if made is not None:
            return made
    raise KindError(f"`{definition}` is not a kind of unique tag; there are {known()}.")
