"""Versions as tags write them, and their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import semver

_CORE = re.compile(r"v?(?P<numbers>[0-9]+(?:\.[0-9]+)*)(?P<suffix>[-_].*)?")
_PRERELEASE = re.compile(r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*")
_BUILD = re.compile(r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*")
_TRAILING_NUMBER = re.compile(r"(.*?)([0-9]+)")

_IdentifierKey = tuple[int, int, str, int]


@dataclass(frozen=True, slots=True)
class Version:
    """The version a unique tag carries.

    `written` are the numbers as the tag has them, which is how stable tags render them.
    `precedence` orders the versions of one variant: SemVer 2.0.0 precedence, except that the
    trailing number of a pre-release identifier counts as a number (`rc9` before `rc10`), and that
    missing numbers are zeros (`16.4` is `16.4.0`). Leading zeros and build metadata have no part in
    it, so two tags can be of equal precedence.
    """

    written: tuple[str, ...]
    prerelease: str | None = None
    variant: str | None = None
    numbers: tuple[int, ...] = field(init=False, repr=False, compare=False)
    precedence: tuple[object, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = tuple(int(part) for part in self.written)
        significant = len(numbers)
        while significant and not numbers[significant - 1]:
            significant -= 1
        object.__setattr__(self, "numbers", numbers)
        key = (numbers[:significant], _prerelease_key(self.prerelease))
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


class Variants:
    """The suffixes that make a line of their own: globs on what stands after the version."""

    def __init__(self, globs: tuple[str, ...] = ()) -> None:
        patterns = (".*".join(map(re.escape, glob.split("*"))) for glob in globs)
        self._regex = re.compile("|".join(patterns)) if globs else None

    def has(self, text: str) -> bool:
        return self._regex is not None and self._regex.fullmatch(text) is not None

    def split(self, suffix: str) -> tuple[str | None, str | None]:
        """The variant and what is left of a suffix (without the `-` before it).

        The whole suffix is tried first; then its longest end, then its longest beginning, for both
        `rc.1-alpine` and `alpine-rc.1` are `rc.1` of `alpine`.
        """
        if self._regex is None:
            return None, suffix
        if self.has(suffix):
            return suffix, None
        dashes = [i for i, letter in enumerate(suffix) if letter == "-"]
        for i in dashes:
            if self.has(suffix[i + 1 :]):
                return suffix[i + 1 :], suffix[:i]
        for i in reversed(dashes):
            if self.has(suffix[:i]):
                return suffix[:i], suffix[i + 1 :]
        return None, suffix

    def bases(self, tag: str) -> Iterator[tuple[str, str]]:
        """Every way to read `tag` as a stable tag and a variant, the longest variant first."""
        for i, letter in enumerate(tag):
            if letter == "-" and self.has(tag[i + 1 :]):
                yield tag[:i], tag[i + 1 :]


@dataclass(frozen=True, slots=True)
class _Parts:
    numbers: tuple[str, ...]
    prerelease: str | None
    build: str | None
    variant: str | None


def _split(tag: str, variants: Variants) -> _Parts | None:
    match = _CORE.fullmatch(tag)
    if match is None:
        return None
    numbers = tuple(match["numbers"].split("."))
    suffix = match["suffix"]
    if suffix is None:
        return _Parts(numbers, None, None, None)
    variant, build = None, None
    if suffix.startswith("-"):
        # Variants first: one of them may contain the `_` that stands for SemVer's `+`.
        variant, rest = variants.split(suffix[1:])
        if variant is None:
            left, underscore, build_text = suffix[1:].partition("_")
            build = build_text if underscore else None
            variant, rest = variants.split(left)
    else:
        rest, build = None, suffix[1:]
    return _Parts(numbers, rest, build, variant)


def parse_semver(tag: str, variants: Variants) -> Version | None:
    """The version of a SemVer 2.0.0 tag with an optional leading `v`, or None.

    A tag cannot contain `+`, so `_` stands for it: `1.4.2_linux` is `1.4.2+linux`.
    """
    parts = _split(tag, variants)
    if parts is None:
        return None
    text = ".".join(parts.numbers)
    text += f"-{parts.prerelease}" if parts.prerelease is not None else ""
    text += f"+{parts.build}" if parts.build is not None else ""
    try:
        parsed = semver.Version.parse(text)
    except ValueError:
        return None
    return Version(parts.numbers, parsed.prerelease, parts.variant)


def parse_dotted(tag: str, parts: frozenset[int], variants: Variants) -> Version | None:
    """The version of a tag of as many dotted numbers as `parts` allows, or None.

    Numbers may have leading zeros (`24.04`); suffixes are those of `parse_semver`.
    """
    found = _split(tag, variants)
    if found is None or len(found.numbers) not in parts:
        return None
    if found.prerelease is not None and not _PRERELEASE.fullmatch(found.prerelease):
        return None
    if found.build is not None and not _BUILD.fullmatch(found.build):
        return None
    return Version(found.numbers, found.prerelease, found.variant)
