"""Kinds of unique tag: each says whether a tag is one, and which version it carries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ecr_steward.tags.versions import Version, parse_semver


@dataclass(frozen=True, slots=True)
class Unique:
    """A unique tag; `version` is None for kinds that have no order (a commit)."""

    tag: str
    version: Version | None


Kind = Callable[[str], Unique | None]


def _semver(tag: str) -> Unique | None:
    version = parse_semver(tag)
    return None if version is None else Unique(tag, version)


_SHA = re.compile(r"(?:(?:sha|git)-)?(?=[0-9]*[a-f])[0-9a-f]{7,40}")


def _sha(tag: str) -> Unique | None:
    """7 to 40 hex digits, not all decimal, with an optional `sha-` or `git-` before them."""
    return Unique(tag, None) if _SHA.fullmatch(tag) else None


KINDS: Mapping[str, Kind] = {"semver": _semver, "sha": _sha}
"""Kind by its name in the rules file."""
