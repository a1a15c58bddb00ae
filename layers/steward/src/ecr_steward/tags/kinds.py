"""Kinds of unique tag: each says whether a tag is one, and which version it carries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecr_steward.tags.versions import Variants, Version, parse_dotted, parse_semver


@dataclass(frozen=True, slots=True)
class Unique:
    """A unique tag; `version` is None for kinds that have no order (a commit)."""

    tag: str
    version: Version | None


Kind = Callable[[str], Unique | None]


class KindError(ValueError):
    """A kind that does not exist, or whose definition means nothing."""


MOST_PARTS = 8
"""Most dotted numbers of a version."""

SIMPLE = ("semver", "sha", "build", "timestamp")
"""Kinds that are named by a word."""


def _semver(variants: Variants) -> Kind:
    def read(tag: str) -> Unique | None:
        version = parse_semver(tag, variants)
        return None if version is None else Unique(tag, version)

    return read


def _version(parts: Any, variants: Variants) -> Kind:
    counts = parts if isinstance(parts, list) else [parts]
    if not counts or any(type(n) is not int or not 1 <= n <= MOST_PARTS for n in counts):
        raise KindError(f"`parts` takes whole numbers from 1 to {MOST_PARTS}; it is `{parts}`.")
    wanted = frozenset(counts)

    def read(tag: str) -> Unique | None:
        version = parse_dotted(tag, wanted, variants)
        return None if version is None else Unique(tag, version)

    return read


_SHA = re.compile(r"(?:(?:sha|git)-)?(?=[0-9]*[a-f])[0-9a-f]{7,40}")
_BUILD = re.compile(r"(?:[A-Za-z][A-Za-z0-9_.]*-)?[0-9]+")
_TIMESTAMP = re.compile(
    r"(?P<date>[0-9]{4}-?[0-9]{2}-?[0-9]{2})"
    r"(?:[T_.-]?(?P<time>[0-9]{2}[.:-]?[0-9]{2}(?:[.:-]?[0-9]{2})?)Z?)?"
)


def _sha(tag: str) -> Unique | None:
    """7 to 40 hex digits, not all decimal, with an optional `sha-` or `git-` before them."""
    return Unique(tag, None) if _SHA.fullmatch(tag) else None


def _build(tag: str) -> Unique | None:
    """Decimal digits, with an optional `<word>-` before them: `1187`, `build-1187`."""
    return Unique(tag, None) if _BUILD.fullmatch(tag) else None


def _timestamp(tag: str) -> Unique | None:
    """A date, or a date and a time in UTC: `20261123`, `20261123T0224Z`, `2026-11-23T02-24-00Z`."""
    match = _TIMESTAMP.fullmatch(tag)
    if match is None:
        return None
    date = match["date"].replace("-", "")
    time = re.sub("[.:-]", "", match["time"] or "0000").ljust(6, "0")
    try:
        datetime.strptime(date + time, "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return None
    return Unique(tag, None)


_GROUPS = ("version", "variant", "prerelease")


def _pattern(expression: Any) -> Kind:
    try:
        regex = re.compile(str(expression))
    except (re.error, OverflowError, RecursionError) as error:
        raise KindError(f"`{expression}` is no regular expression: {error}.") from error
    strange = sorted(regex.groupindex.keys() - set(_GROUPS))
    if strange:
        raise KindError(
            f"The group `{strange[0]}` means nothing here; there are {', '.join(_GROUPS)}."
        )
    if regex.fullmatch(""):
        raise KindError(f"`{expression}` matches the empty tag, so it would match too much.")

    def read(tag: str) -> Unique | None:
        match = regex.fullmatch(tag)
        return None if match is None else Unique(tag, _named(match.groupdict()))

    return read


def _named(groups: Mapping[str, str | None]) -> Version | None:
    """The version that named groups give, or None if they give none that has an order."""
    written = tuple((groups.get("version") or "").removeprefix("v").split("."))
    if not all(part.isascii() and part.isdecimal() for part in written):
        return None
    return Version(written, groups.get("prerelease") or None, groups.get("variant") or None)


def make(definition: Any, variants: Variants) -> Kind:
    """The kind that an entry of `unique:` defines. Raises KindError."""
    if isinstance(definition, Mapping) and len(definition) == 1:
        name, value = next(iter(definition.items()))
        if name == "version" and isinstance(value, Mapping) and set(value) == {"parts"}:
            return _version(value["parts"], variants)
        if name == "pattern":
            return _pattern(value)
    kinds: dict[Any, Kind] = {
        "semver": _semver(variants),
        "sha": _sha,
        "build": _build,
        "timestamp": _timestamp,
    }
    if not isinstance(definition, str) or definition not in kinds:
        known = ", ".join([*SIMPLE, "{version: {parts: N}}", '{pattern: "…"}'])
        raise KindError(f"`{definition}` is not a kind of unique tag; there are {known}.")
    return kinds[definition]
