"""What a kind of unique tag is: one object that reads tags and says all that is known of itself."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from ecr_steward.tags.suffixes import Suffix, Suffixes
from ecr_steward.tags.versions import Version

NUMBERS = ("major", "minor", "patch")
"""What stable tags call the numbers of a version."""


@dataclass(frozen=True, slots=True)
class Unique:
    """A unique tag; `version` is None for kinds that have no order (a commit).

    `variant` is the line of its own that it belongs to, `platform` the one platform that it names,
    `groups` what the named groups of a pattern matched. `is_date` is whether the version is a time:
    it has an order, and no numbers that a stable tag could render.
    """

    tag: str
    version: Version | None = None
    variant: str | None = None
    platform: str | None = None
    groups: tuple[tuple[str, str], ...] = ()
    is_date: bool = False

    @property
    def values(self) -> dict[str, str]:
        """What stable tags can be rendered with: the numbers as written, and the groups."""
        written = () if self.version is None or self.is_date else self.version.written
        return {**dict(zip(NUMBERS, written, strict=False)), **dict(self.groups)}

    @property
    def precedence(self) -> tuple[object, ...]:
        """That of its version; what has none is below all that has one."""
        return () if self.version is None else self.version.precedence


_SUFFIXES = ("", "-rc.1", "_b7", "-rc.1_linux", "-beta", "-arm64", "-5-gabc1234")


class KindError(ValueError):
    """A kind that does not exist, or whose definition means nothing."""


class Kind(ABC):
    """A kind of unique tag, made of one entry of `unique:`.

    `name` is what the rules file calls it, `written` how an entry is written, `synonyms` what
    people write for it, and `description` and `examples` are for the schema.
    """

    name: ClassVar[str]
    written: ClassVar[str]
    synonyms: ClassVar[tuple[str, ...]] = ()
    description: ClassVar[str]
    definitions: ClassVar[tuple[Any, ...]]

    is_expression: ClassVar[bool] = False
    """Whether its settings are a regular expression, which can take forever."""
    counts: frozenset[int] = frozenset()
    """How many numbers versions of this kind can have; none where it carries no version."""
    groups: frozenset[str] = frozenset()
    """The named groups of an expression."""
    placeholders: Mapping[str, str] = {}
    """What stable tags can be rendered with besides numbers, each with an expression of its
    values."""
    has_variants: bool = False
    has_prereleases: bool = False
    """Whether its tags can be of a variant, or pre-releases."""
    has_dates: bool = False
    """Whether its versions are dates, which stand above all that counts from 1."""
    beginning: str = ""
    """Plain text that all its tags begin with; empty if in doubt."""
    shapes: frozenset[Hashable] = frozenset()
    """What its tags can look like; a kind whose shapes others have `whole` has none of its own."""
    whole: frozenset[Hashable] = frozenset()
    """The shapes of which it takes every tag."""

    @classmethod
    @abstractmethod
    def of(cls, definition: Any, suffixes: Suffixes) -> Self | None:
        """The kind that an entry of `unique:` defines; None if the entry is of another kind.

        Raises KindError.
        """

    @classmethod
    @abstractmethod
    def schema(cls) -> dict[str, Any]:
        """Its part of the JSON Schema of the rules file."""

    @classmethod
    def hint(cls, value: Any) -> str:
        """How to write what somebody gave as settings of this kind; empty if nothing helps."""
        return ""

    @abstractmethod
    def read(self, tag: str) -> Unique | None:
        """The unique tag that `tag` is, or None if it is none of this kind."""

    @abstractmethod
    def words(self) -> str:
        """The kind and a few of its tags, for people."""

    @abstractmethod
    def examples(self, prefix: str = "", suffix: str = "") -> Iterator[str]:
        """Tags that may be of this kind, with a version that begins with `prefix` where it has any;
        what comes of it is only tried."""

    def samples(self) -> Iterator[str]:
        """Many tags of this kind, as unlike each other as they can be."""
        tags = (tag for suffix in _SUFFIXES for tag in self.examples(suffix=suffix))
        yield from (tag for tag in tags if self.read(tag) is not None)

    def nearly(self, tag: str) -> str | None:
        """Why a tag that looks like one of this kind is none, and the way out: the end of a
        sentence about the tag; None if it looks like none."""
        return None

    def advice(self) -> Iterator[str]:
        """What its settings say in vain, a sentence each, for their author to judge."""
        yield from ()

    @abstractmethod
    def language(self) -> str:
        """A regular expression that matches every tag of this kind, and perhaps more: too much only
        costs exactness."""

    def sure(self) -> str | None:
        """A regular expression that matches tags of this kind alone, not all of them; None where
        nothing is sure."""
        return None

    def expression_of(self, name: str) -> str:
        """A regular expression of what one of its `groups` can match, and perhaps of more."""
        raise LookupError(name)

    @abstractmethod
    def may_begin(self, text: str) -> bool:
        """Whether tags of this kind can begin with `text`, and perhaps where they cannot: too much
        only costs exactness."""


class Word(Kind):
    """A kind that is named by a word and has no settings: its tags match an expression, and a
    variant, a platform or a revision can follow."""

    head: ClassVar[str]
    """An expression of what a tag begins with; what follows is its suffix."""
    is_sure: ClassVar[bool] = False
    """Whether all that the head matches is of this kind."""
    begins: ClassVar[re.Pattern[str]]
    tags: ClassVar[tuple[str, ...]]

    has_variants = True

    expression: ClassVar[re.Pattern[str]]

    def __init_subclass__(cls) -> None:
        cls.expression = re.compile(f"{cls.head}(?P<suffix>(?:[-_].*)?)")

    def __init__(self, suffixes: Suffixes) -> None:
        self._suffixes = suffixes

    @classmethod
    def of(cls, definition: Any, suffixes: Suffixes) -> Self | None:
        return cls(suffixes) if definition == cls.name else None

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {
            "title": cls.name,
            "description": cls.description,
            "const": cls.name,
            "examples": [cls.name],
        }

    def read(self, tag: str) -> Unique | None:
        match = self.expression.fullmatch(tag)
        if match is None:
            return None
        suffix = self._suffixes.read(match["suffix"])
        return self.found(tag, match, suffix) if suffix.is_plain else None

    def found(self, tag: str, match: re.Match[str], suffix: Suffix) -> Unique | None:
        """The unique tag of a tag that looks like one."""
        return Unique(tag, None, suffix.variant, suffix.platform)

    def examples(self, prefix: str = "", suffix: str = "") -> Iterator[str]:
        yield from () if prefix else (f"{tag}{suffix}" for tag in self.tags)

    def samples(self) -> Iterator[str]:
        # Only people ask for samples; functions that start must not wait for what makes them.
        from ecr_steward.tags.kinds.strings import strings

        drawn = strings(self.expression.pattern)
        yield from (tag for tag in drawn if self.read(tag) is not None)

    def nearly(self, tag: str) -> str | None:
        match = self.expression.fullmatch(tag)
        if match is None or self._suffixes.read(match["suffix"]).is_plain:
            return None
        left = match["suffix"][1:]
        return f"`{left}` after it is no variant, no revision and no platform of the rule"

    def language(self) -> str:
        return f"(?:{self.head}){self._suffixes.plain}"

    def sure(self) -> str | None:
        return f"{self.head}{self._suffixes.named}" if self.is_sure else None

    def may_begin(self, text: str) -> bool:
        return self.begins.fullmatch(text) is not None


def settings_schema(kind: type[Kind], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a kind that is a key with settings of its own."""
    return {
        "title": kind.name,
        "description": kind.description,
        "type": "object",
        "additionalProperties": False,
        "required": [kind.name],
        "properties": {kind.name: dict(settings)},
        "examples": list(kind.definitions),
    }


def either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
