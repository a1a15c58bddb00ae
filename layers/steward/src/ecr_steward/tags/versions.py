"""Versions as tags write them, and their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ecr_steward.words.globs import glob_regex

_CORE = re.compile(r"v?(?P<numbers>[0-9]+(?:\.[0-9]+)*)(?P<suffix>[-_].*)?")
_IDENTIFIERS = re.compile(r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*")
_SEMVER_NUMBER = re.compile(r"0|[1-9][0-9]*")
_SEMVER_IDENTIFIER = re.compile(r"0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*")
_PRERELEASE = re.compile(r"(?:alpha|beta|rc|preview|pre|snapshot)(?:[.-]?[0-9]+)*", re.IGNORECASE)
"""What is a pre-release wherever it stands, even if a variant with a star could take it in."""
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
        self._names = frozenset(glob for glob in globs if "*" not in glob)
        self._regex = glob_regex(globs) if globs else None

    def has(self, text: str) -> bool:
        return self._regex is not None and self._regex.fullmatch(text) is not None

    def split(self, suffix: str) -> tuple[str | None, str | None]:
        """The variant and what is left of a suffix (without the `-` before it).

        The whole suffix is tried first, its longest end, then its longest beginning, for both
        `rc.1-alpine` and `alpine-rc.1` are `rc.1` of `alpine`. They are so for the glob `alpine*`
        too: only without its star a variant takes in what is plainly a pre-release.
        """
        if self._regex is None:
            return None, suffix
        if suffix in self._names:
            return suffix, None
        plain = self._beside_prerelease(suffix)
        if plain is not None:
            return plain
        if self.has(suffix):
            return suffix, None
        variant, rest = self.ending(suffix)
        if variant is not None:
            return variant, rest
        for i in reversed(_dashes(suffix)):
            if self.has(suffix[:i]):
                return suffix[:i], suffix[i + 1 :]
        return None, suffix

    def _beside_prerelease(self, suffix: str) -> tuple[str, str] | None:
        """The longest variant that leaves nothing but a plain pre-release, and that."""
        dashes = _dashes(suffix)
        for i in dashes:
            if _PRERELEASE.fullmatch(suffix[:i]) and self.has(suffix[i + 1 :]):
                return suffix[i + 1 :], suffix[:i]
        for i in reversed(dashes):
            if _PRERELEASE.fullmatch(suffix[i + 1 :]) and self.has(suffix[:i]):
                return suffix[:i], suffix[i + 1 :]
        return None

    def ending(self, text: str) -> tuple[str | None, str]:
        """The longest variant after a `-` that `text` ends with, and what stands before it."""
        for i in _dashes(text):
            if self.has(text[i + 1 :]):
                return text[i + 1 :], text[:i]
        return None, text

    def bases(self, tag: str) -> Iterator[tuple[str, str]]:
        """Every way to read `tag` as a stable tag and a variant, the longest variant first."""
        for i, letter in enumerate(tag):
            if letter == "-" and self.has(tag[i + 1 :]):
                yield tag[:i], tag[i + 1 :]


def _dashes(text: str) -> list[int]:
    return [i for i, letter in enumerate(text) if letter == "-"]


@dataclass(frozen=True, slots=True)
class _Parts:
    numbers: tuple[str, ...]
    prerelease: str | None
    build: str | None
    variant: str | None


def _split(tag: str, variants: Variants) -> _Parts | None:
    """The parts of a version's tag, or None for a tag whose suffix is no pre-release, build
    metadata and variant."""
    match = _CORE.fullmatch(tag)
    if match is None:
        return None
    numbers = tuple(match["numbers"].split("."))
    if match["suffix"] is None:
        return _Parts(numbers, None, None, None)
    parts = _Parts(numbers, *_split_suffix(match["suffix"], variants))
    suffixes = (each for each in (parts.prerelease, parts.build) if each is not None)
    return parts if all(_IDENTIFIERS.fullmatch(each) for each in suffixes) else None


def _split_suffix(suffix: str, variants: Variants) -> tuple[str | None, str | None, str | None]:
    """The pre-release, the build metadata and the variant in what follows the numbers.

    Variants come first: one of them may contain the `_` that stands for SemVer's `+`.
    """
    if suffix.startswith("_"):
        variant, build = variants.ending(suffix[1:])
        return None, build, variant
    variant, rest = variants.split(suffix[1:])
    if rest is None:
        return None, None, variant
    left, underscore, text = rest.partition("_")
    prerelease: str | None = left
    if variant is None:
        variant, prerelease = variants.split(left)
    return prerelease, text if underscore else None, variant


def parse_semver(tag: str, variants: Variants) -> Version | None:
    """The version of a SemVer 2.0.0 tag (semver.org) with an optional leading `v`, or None.

    A tag cannot contain `+`, so `_` stands for it: `1.4.2_linux` is `1.4.2+linux`.
    """
    parts = _split(tag, variants)
    if parts is None or len(parts.numbers) != 3:
        return None
    if not all(map(_SEMVER_NUMBER.fullmatch, parts.numbers)):
        return None
    identifiers = parts.prerelease.split(".") if parts.prerelease is not None else ()
    if not all(map(_SEMVER_IDENTIFIER.fullmatch, identifiers)):
        return None
    return Version(parts.numbers, parts.prerelease, parts.variant)


def parse_dotted(tag: str, parts: frozenset[int], variants: Variants) -> Version | None:
    """The version of a tag of as many dotted numbers as `parts` allows, or None.

    Numbers may have leading zeros (`24.04`); suffixes are those of `parse_semver`.
    """
    found = _split(tag, variants)
    if found is None or len(found.numbers) not in parts:
        return None
    return Version(found.numbers, found.prerelease, found.variant)
