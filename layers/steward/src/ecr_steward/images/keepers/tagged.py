"""The keeper `tags`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

from ecr_steward.images.keepers.keeper import Fault, Keeper
from ecr_steward.images.state import Inventory
from ecr_steward.words.globs import glob_regex


class Tagged(Keeper):
    """What has a tag that one of the globs matches."""

    name = "tags"
    by = "tags"
    description = "What has a tag that one of these globs matches."
    example = MappingProxyType({"tags": ["keep-*"]})

    def __init__(self, globs: Sequence[str]) -> None:
        self._globs = tuple(globs)
        self._regex = glob_regex(self._globs)

    @classmethod
    def schema(cls) -> dict[str, Any]:
        said = {"title": "Tags", "description": cls.description, "examples": [["keep-*"]]}
        return {cls.name: {**said, "type": "array", "minItems": 1, "items": GLOB}}

    @classmethod
    def faults(cls, entry: Mapping[str, Any], tags: Mapping[str, Any]) -> Iterator[Fault]:
        yield from glob_faults(entry[cls.name], (cls.name,))

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        return cls(entry[cls.name])

    def kept(self, inventory: Inventory) -> Iterator[tuple[str, str]]:
        for image in inventory.images:
            tag = next(filter(self._regex.fullmatch, image.tags), None)
            if tag is not None:
                yield image.digest, f"It has the tag `{tag}`, which the rule keeps."

    def unknown(self, inventory: Inventory) -> Iterator[tuple[str, str]]:
        yield from ()

    def words(self) -> str:
        return "what has a tag like " + " or ".join(f"`{glob}`" for glob in self._globs)


GLOB = {"type": "string", "maxLength": 128, "pattern": "^[A-Za-z0-9_.*-]+$"}


def glob_faults(value: Any, path: tuple[str | int, ...]) -> Iterator[Fault]:
    """What is wrong with a list of globs on tags."""
    if not isinstance(value, list | tuple) or not value:
        yield path, f'`{path[-1]}` must be a list of globs on tags, such as ["keep-*"].'
        return
    for i, each in enumerate(value):
        if not isinstance(each, str):
            yield (
                (*path, i),
                f'An entry of `{path[-1]}` must be a string; put it in quotes: "{each}"',
            )
        elif not 0 < len(each) <= 128 or not _is_glob(each):
            said = "letters, digits, `.`, `_`, `-` and `*`"
            yield (*path, i), f"`{each}` can match no tags; use {said}."


def _is_glob(text: str) -> bool:
    return text.isascii() and all(each.isalnum() or each in "_.*-" for each in text)
