"""A repository's scheme: which tags are unique, which are stable, and the lines between them."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ecr_steward.tags import grammar
from ecr_steward.tags.kinds import KINDS, Kind, Unique
from ecr_steward.tags.versions import Version

PLACEHOLDERS = ("major", "minor", "patch")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NUMBER = "[0-9]+"


_Asked = TypeVar("_Asked", bound=Hashable)
_Answer = TypeVar("_Answer")
_REMEMBERED = 4096


class _Remembered(Generic[_Asked, _Answer]):
    """A method that remembers its latest answers: planning asks of the same few tags many times."""

    def __init__(self, method: Callable[[Any, _Asked], _Answer]) -> None:
        self._method = method

    def __get__(self, instance: object, owner: type) -> Callable[[_Asked], _Answer]:
        answers = functools.lru_cache(_REMEMBERED)(self._method.__get__(instance, owner))
        # Found before this descriptor from now on.
        instance.__dict__[self._method.__name__] = answers
        return answers


class SchemeError(ValueError):
    """A scheme that means nothing; `path` leads to the fault within `tags:`."""

    def __init__(self, sentence: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(sentence)
        self.path = path


class Verdict(enum.Enum):
    """What a tag is under a scheme."""

    IGNORED = "ignored"
    PIN = "pin"
    UNIQUE = "unique"
    STABLE = "stable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """The versions that one stable tag can point to.

    `numbers` are the parts that a version must have, by position and as written: `1.4` holds
    `((0, "1"), (1, "4"))`, `latest` holds none and so every release.
    """

    tag: str
    numbers: tuple[tuple[int, str], ...]

    @property
    def is_major_zero(self) -> bool:
        """Whether this is the line of the whole of major version 0, which promises nothing."""
        return len(self.numbers) == 1 and self.numbers[0] == (0, "0")

    def holds(self, version: Version) -> bool:
        if version.prerelease is not None or self.is_major_zero:
            return False
        written = version.written
        return all(i < len(written) and written[i] == part for i, part in self.numbers)

    def within(self, wider: Line) -> bool:
        """Whether every version of this line is one of `wider`'s too."""
        return set(wider.numbers) <= set(self.numbers)

    def __str__(self) -> str:
        """The line in words for a reason: `1.4.*`, or `all releases`."""
        if not self.numbers:
            return "all releases"
        parts = dict(self.numbers)
        return ".".join(parts.get(i, "*") for i in range(max(parts) + 1)) + ".*"


@dataclass(frozen=True)
class StableTag:
    """One entry of `stable:`; `follows` is None for a tag that only the team's pipeline moves."""

    template: str
    follows: str | None = None

    def __post_init__(self) -> None:
        for name in _PLACEHOLDER.findall(self.template):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                raise SchemeError(f"`{{{name}}}` is not a placeholder; there are {known}.")
        if not grammar.is_tag(_PLACEHOLDER.sub("0", self.template)):
            raise SchemeError(
                f"`{self.template}` renders to no valid tag: use letters, digits, `_`, `.` and `-`."
            )

    @functools.cached_property
    def placeholders(self) -> tuple[str, ...]:
        return tuple(_PLACEHOLDER.findall(self.template))

    @functools.cached_property
    def _regex(self) -> re.Pattern[str]:
        pattern, seen = "", set()
        for i, part in enumerate(_PLACEHOLDER.split(self.template)):
            if i % 2 == 0:
                pattern += re.escape(part)
            elif part in seen:
                pattern += f"(?P={part})"
            else:
                pattern += f"(?P<{part}>{_NUMBER})"
                seen.add(part)
        return re.compile(pattern)

    def render(self, version: Version) -> str | None:
        """The stable tag for `version`, or None where it lacks a number the template names."""
        values = dict(zip(PLACEHOLDERS, version.written, strict=False))
        if any(name not in values for name in self.placeholders):
            return None
        return _PLACEHOLDER.sub(lambda match: values[match[1]], self.template)

    def line(self, tag: str) -> Line | None:
        """The line of `tag` if this template renders it, else None."""
        match = self._regex.fullmatch(tag)
        if match is None:
            return None
        named = match.groupdict()
        numbers = tuple((i, named[p]) for i, p in enumerate(PLACEHOLDERS) if p in named)
        return Line(tag=tag, numbers=numbers)


@dataclass(frozen=True)
class Scheme:
    """What `tags:` says of a repository.

    `unique` are the kinds in the order of the rules file: where a tag fits several, the first
    decides. `ignore` are globs on tags. `unknown` is `allow` or `report`.
    """

    unique: tuple[str, ...]
    stable: tuple[StableTag, ...] = ()
    ignore: tuple[str, ...] = ()
    unknown: str = "report"
    overwritten: str = "report"

    def __post_init__(self) -> None:
        for i, name in enumerate(self.unique):
            if name not in KINDS:
                known = ", ".join(KINDS)
                raise SchemeError(f"`{name}` is not a kind of unique tag; there are {known}.",
                                  ("unique", i))  # fmt: skip

    @classmethod
    def from_document(cls, tags: Mapping[str, Any]) -> Scheme:
        """Build the scheme from the mapping under `tags:`; raises SchemeError."""
        stable = []
        for i, entry in enumerate(tags.get("stable", ())):
            try:
                stable.append(StableTag(entry["tag"], entry.get("follows")))
            except SchemeError as error:
                raise SchemeError(str(error), ("stable", i, "tag")) from error
        return cls(
            unique=tuple(tags["unique"]),
            stable=tuple(stable),
            ignore=tuple(tags.get("ignore", ())),
            unknown=tags.get("unknown", "report"),
            overwritten=tags.get("overwritten", "report"),
        )

    @functools.cached_property
    def _kinds(self) -> tuple[Kind, ...]:
        return tuple(KINDS[name] for name in self.unique)

    @functools.cached_property
    def _ignored(self) -> re.Pattern[str] | None:
        patterns = [".*".join(map(re.escape, glob.split("*"))) for glob in self.ignore]
        return re.compile("|".join(patterns)) if patterns else None

    def is_ignored(self, tag: str) -> bool:
        """Whether `tag` is never judged, never moved and never a candidate."""
        if grammar.is_referrer(tag):
            return True
        return self._ignored is not None and self._ignored.fullmatch(tag) is not None

    @_Remembered
    def read_unique(self, tag: str) -> Unique | None:
        """The unique tag that `tag` is, or None; ignored tags and pins are none."""
        if grammar.is_pin(tag) or self.is_ignored(tag):
            return None
        return self._read(tag)

    def _read(self, tag: str) -> Unique | None:
        for kind in self._kinds:
            unique = kind(tag)
            if unique is not None:
                return unique
        return None

    @_Remembered
    def judge(self, tag: str) -> Verdict:
        """What `tag` is. Pins come first, then what is ignored, then unique, then stable."""
        if grammar.is_pin(tag):
            return Verdict.PIN
        if self.is_ignored(tag):
            return Verdict.IGNORED
        if self._read(tag) is not None:
            return Verdict.UNIQUE
        if self._owner(tag) is not None:
            return Verdict.STABLE
        return Verdict.UNKNOWN

    @_Remembered
    def lines(self, version: Version) -> tuple[Line, ...]:
        """The lines that `version` belongs to, in the order of the rules file."""
        lines = []
        for template in self.stable:
            tag = template.render(version) if template.follows else None
            line = self.line(tag) if tag is not None else None
            if line is not None and self._owner(line.tag) is template and line.holds(version):
                lines.append(line)
        return tuple(lines)

    @_Remembered
    def line(self, tag: str) -> Line | None:
        """The line that the stable tag `tag` follows; None if it is no stable tag that follows."""
        owner = self._owner(tag)
        if owner is None or owner.follows is None or self.judge(tag) is not Verdict.STABLE:
            return None
        line = owner.line(tag)
        return None if line is None or line.is_major_zero else line

    def _owner(self, tag: str) -> StableTag | None:
        """The first template that can render `tag`: a stable tag has one owner."""
        return next((each for each in self.stable if each.line(tag) is not None), None)
