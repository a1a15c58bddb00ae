"""What a kind of unique tag is: one object that reads tags and says all that is known of itself."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from ecr_steward.tags.versions import Variants, Version


@dataclass(frozen=True, slots=True)
class Unique:
    """A unique tag; `version` is None for kinds that have no order (a commit)."""

    tag: str
    version: Version | None


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
    """Whether its settings are a regular expression, which can take for ever."""
    counts: frozenset[int] = frozenset()
    """How many numbers versions of this kind can have; none where it carries no version."""
    groups: frozenset[str] = frozenset()
    """The named groups of an expression."""
    suffixed: bool = False
    """Whether what stands after a version is read: pre-releases and variants."""
    beginning: str = ""
    """Plain text that all its tags begin with; empty if in doubt."""
    shapes: frozenset[Hashable] = frozenset()
    """What its tags can look like; a kind whose shapes others have `whole` has none of its own."""
    whole: frozenset[Hashable] = frozenset()
    """The shapes of which it takes every tag."""
    all_tags: bool = False
    """Whether it takes every tag there is."""

    @classmethod
    @abstractmethod
    def of(cls, definition: Any, variants: Variants) -> Self | None:
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

    @abstractmethod
    def may_begin(self, text: str) -> bool:
        """Whether tags of this kind can begin with `text`, and perhaps where they cannot: too much
        only costs exactness."""


class Word(Kind):
    """A kind that is named by a word and has no settings, whose tags match an expression and carry
    no version."""

    expression: ClassVar[re.Pattern[str]]
    begins: ClassVar[re.Pattern[str]]
    tags: ClassVar[tuple[str, ...]]

    @classmethod
    def of(cls, definition: Any, variants: Variants) -> Self | None:
        return cls() if definition == cls.name else None

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {
            "title": cls.name,
            "description": cls.description,
            "const": cls.name,
            "examples": [cls.name],
        }

    def read(self, tag: str) -> Unique | None:
        return Unique(tag, None) if self.expression.fullmatch(tag) else None

    def examples(self, prefix: str = "", suffix: str = "") -> Iterator[str]:
        yield from () if prefix or suffix else self.tags

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
