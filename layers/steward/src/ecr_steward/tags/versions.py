"""Versions as tags write them, and their one order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from ecr_steward.tags.suffixes import Suffix, Suffixes

_CORE = re.compile(r"v?(?P<numbers>[0-9]+(?:\.[0-9]+)*)(?P<suffix>(?:[-_].*)?)")
_IDENTIFIERS = re.compile(r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*")
_SEMVER_NUMBER = re.compile(r"0|[1-9][0-9]*")
_SEMVER_IDENTIFIER = re.compile(r"0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*")
_TRAILING_NUMBER = re.compile(r"(.*?)([0-9]+)")
_ENDING_NUMBERS = re.compile(r"(.*?)([0-9]+(?:[._-][0-9]+)*)")
_COMMIT = re.compile(
    r"(?:.*[._-])?(?:g[0-9a-f]{4,40}|(?:git|sha)[._-]?[0-9a-f]{7,40}"
    r"|(?!b?[0-9]+$)(?=[0-9]*[a-f])[0-9a-f]{7,40})"
)
"""Build metadata that ends in a commit: it is not counted, so it gives no order."""
_MAYBE_COMMIT = re.compile(r"[0-9]{7,}")
_DATE = re.compile(r"(?:19|20)[0-9]{6}(?:[0-9]{4}(?:[0-9]{2})?)?")
_WORD = re.compile(r"[._-]*([A-Za-z]*)")


@dataclass(frozen=True, slots=True)
class Version:
    """The version a unique tag carries.

    `written` are the numbers as the tag has them, which is how stable tags render them. `before`
    and `after` are the commits that `git describe` counted left and right of the revisions;
    `build` is the build metadata.

    `precedence` orders all versions: by their numbers, missing ones zero; the pre-release, none
    highest; `before`; the revisions, none lowest; `after`; the build number, none lowest. Two tags
    of equal precedence are twins.
    """

    written: tuple[str, ...]
    prerelease: str | None = None
    before: tuple[int, ...] = ()
    revisions: tuple[str, ...] = ()
    after: tuple[int, ...] = ()
    build: str | None = None
    numbers: tuple[int, ...] = field(init=False, repr=False, compare=False)
    precedence: tuple[object, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = tuple(int(part) for part in self.written)
        significant = len(numbers)
        while significant and not numbers[significant - 1]:
            significant -= 1
        object.__setattr__(self, "numbers", numbers)
        key = (
            numbers[:significant],
            _prerelease_key(self.prerelease),
            self.before,
            tuple(map(_text_key, self.revisions)),
            self.after,
            _build_key(self.build),
        )
        object.__setattr__(self, "precedence", key)

    @classmethod
    def of(cls, written: tuple[str, ...], suffix: Suffix) -> Version:
        return cls(
            written,
            suffix.prerelease,
            suffix.before,
            suffix.revisions,
            suffix.after,
            suffix.build,
        )

    @property
    def is_prerelease(self) -> bool:
        """Whether it is no release: a pre-release, or commits after a version."""
        return self.prerelease is not None or bool(self.before or self.after)

    @property
    def channel(self) -> str:
        """The word of the pre-release in lowercase: what the first identifier begins with;
        empty where there is none."""
        match = _WORD.match(self.prerelease or "")
        return match[1].lower() if match else ""


def _prerelease_key(prerelease: str | None) -> tuple[object, ...]:
    if prerelease is None:
        return (1,)
    return (0, tuple(_identifier_key(part) for part in prerelease.lower().split(".")))


def _identifier_key(identifier: str) -> tuple[object, ...]:
    if identifier.isdecimal():
        return (0, int(identifier))
    match = _TRAILING_NUMBER.fullmatch(identifier)
    return (1, match[1], int(match[2])) if match else (1, identifier, -1)


def _text_key(text: str) -> tuple[str | int, ...]:
    """Text and numbers in turn, so that `r9` comes before `r10`; it always begins with text."""
    parts = re.split(r"([0-9]+)", text)
    return tuple(int(part) if i % 2 else part for i, part in enumerate(parts))


def _build_key(build: str | None) -> tuple[object, ...]:
    """The place of build metadata: none unless it is a number or ends in numbers.

    A number of seven or more digits that is no date may be a commit, as may hex digits.
    """
    match = _ENDING_NUMBERS.fullmatch(build or "")
    if match is None or _COMMIT.fullmatch(match[0]):
        return (0,)
    if _MAYBE_COMMIT.fullmatch(match[0]) and not is_date(match[0]):
        return (0,)
    return (1, match[1], tuple(map(int, re.split("[._-]", match[2]))))


def is_date(digits: str) -> bool:
    """Whether digits are a date, or a date and a time, of these or the last hundred years."""
    if _DATE.fullmatch(digits) is None:
        return False
    try:
        datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return False
    return True


def split(tag: str, suffixes: Suffixes) -> tuple[tuple[str, ...], Suffix] | None:
    """The numbers of a version's tag and what follows them, or None for a tag whose suffix is no
    pre-release, build metadata and the like."""
    match = _CORE.fullmatch(tag)
    if match is None:
        return None
    suffix = suffixes.read(match["suffix"])
    left = (each for each in (suffix.prerelease, suffix.build) if each is not None)
    if not all(_IDENTIFIERS.fullmatch(each) for each in left):
        return None
    return tuple(match["numbers"].split(".")), suffix


def is_semver(numbers: tuple[str, ...], suffix: Suffix) -> bool:
    """Whether these are SemVer 2.0.0 (semver.org): three numbers, no leading zeros."""
    identifiers = suffix.prerelease.split(".") if suffix.prerelease is not None else ()
    return (
        len(numbers) == 3
        and all(map(_SEMVER_NUMBER.fullmatch, numbers))
        and all(map(_SEMVER_IDENTIFIER.fullmatch, identifiers))
    )
