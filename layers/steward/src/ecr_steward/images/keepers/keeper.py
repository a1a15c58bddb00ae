"""What a keeper is: one object that reads its entry of `keep:`, and says what it keeps and why."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Self

from ecr_steward.images.durations import HINT, duration
from ecr_steward.images.state import Inventory

Path = tuple[str | int, ...]
Fault = tuple[Path, str]
"""Where in an entry of `keep:` something is wrong, and the sentence that says what."""


class Keeper(ABC):
    """A keeper, made of one entry of `keep:`.

    `name` is the key that the entry has, `by` the word that `ecr-steward retention` has for it, and
    `keys` are the entry's other keys. `description` and `example` are for the schema and the docs.
    """

    name: ClassVar[str]
    by: ClassVar[str]
    keys: ClassVar[tuple[str, ...]] = ()
    description: ClassVar[str]
    example: ClassVar[Mapping[str, Any]]

    @classmethod
    @abstractmethod
    def schema(cls) -> dict[str, Any]:
        """The JSON Schema of each of its keys."""

    @classmethod
    @abstractmethod
    def faults(cls, entry: Mapping[str, Any], tags: Mapping[str, Any]) -> Iterator[Fault]:
        """What is wrong with an entry; `tags` is what the rule has under `tags:`."""

    @classmethod
    @abstractmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        """The keeper of an entry without fault."""

    @abstractmethod
    def kept(self, inventory: Inventory) -> Iterator[tuple[str, str]]:
        """The digests that it keeps, each with the reason as a sentence."""

    @abstractmethod
    def unknown(self, inventory: Inventory) -> Iterator[tuple[str, str]]:
        """The digests of which it cannot know whether it keeps them, each with why."""

    @abstractmethod
    def words(self) -> str:
        """What it keeps, for `check --explain`: the rest of a sentence that begins with `keeps`."""


def count_faults(entry: Mapping[str, Any], key: str) -> Iterator[Fault]:
    """What is wrong with a number of images."""
    value = entry[key]
    if type(value) is not int or not 1 <= value <= 10_000:
        yield (key,), f"`{key}` must be a whole number from 1 to 10,000; it is `{value}`."


def duration_faults(entry: Mapping[str, Any], key: str) -> Iterator[Fault]:
    """What is wrong with a duration."""
    if key in entry and duration(entry[key]) is None:
        yield (key,), f"`{key}` must be {HINT}; it is `{entry[key]}`."


def as_duration(value: Any) -> timedelta:
    """A duration that `duration_faults` found nothing wrong with."""
    found = duration(value)
    if found is None:
        raise ValueError(f"`{value}` is no duration")
    return found


def count_schema(title: str, description: str, example: int) -> dict[str, Any]:
    """The JSON Schema of a number of images."""
    said = {"title": title, "description": description, "examples": [example]}
    return {**said, "type": "integer", "minimum": 1, "maximum": 10_000}


def duration_schema(title: str, description: str, example: str) -> dict[str, Any]:
    """The JSON Schema of a duration."""
    said = {"title": title, "description": description, "examples": [example]}
    return {**said, "type": "string", "pattern": "^[0-9]{1,5}[dh]$"}
