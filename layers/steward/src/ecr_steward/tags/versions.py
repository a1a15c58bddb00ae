"""Versions as tags write them, and their order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NUMBER = r"(0|[1-9][0-9]*)"
_IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER = re.compile(
    rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
    rf"(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
    r"(?:_[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_TRAILING_NUMBER = re.compile(r"(.*?)([0-9]+)")

_IdentifierKey = tuple[int, int, str, int]


@dataclass(frozen=True, slots=True)
class Version:
    """The version a unique tag carries.

    `written` are the numbers as the tag has them, which is how stable tags render them;
    `precedence` orders versions: SemVer 2.0.0 precedence, except that the trailing number of a
    pre-release identifier counts as a number (`rc9` before `rc10`). Build metadata has no part
    in it, so two tags can be of equal precedence.
    """

    written: tuple[str, ...]
    prerelease: str | None = None
    precedence: tuple[object, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = tuple(int(part) for part in self.written)
        key = (numbers, _prerelease_key(self.prerelease))
        object.__setattr__(self, "precedence", key)


def _prerelease_key(prerelease: str | None) -> tuple[object, ...]:
    if prerelease is None:
        return (1,)
    return (0, tuple(_identifier_key(part) for part in prerelease.split(".")))


def _identifier_key(identifier: str) -> _IdentifierKey:
    if identifier.isdecimal():
        return (0, int(identifier), "", 0)
    match = _TRAILING_NUMBER.fullmatch(identifier)
    if match:
        return (1, 0, match[1], int(match[2]))
    return (1, 0, identifier, -1)


def parse_semver(tag: str) -> Version | None:
    """The version of a SemVer 2.0.0 tag (semver.org) with an optional leading `v`, or None.

    A tag cannot contain `+`, so `_` stands for it: `1.4.2_linux` is `1.4.2+linux`.
    """
    match = _SEMVER.fullmatch(tag)
    if match is None:
        return None
    major, minor, patch, prerelease = match.groups()
    return Version(written=(major, minor, patch), prerelease=prerelease)
