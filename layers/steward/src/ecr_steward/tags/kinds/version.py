"""The kind `version`: versions of so many dotted numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from ecr_steward.tags.kinds import numbers
from ecr_steward.tags.kinds.kind import Kind, KindError, Unique, either, settings_schema
from ecr_steward.tags.kinds.semver import Semver
from ecr_steward.tags.suffixes import Suffixes
from ecr_steward.tags.versions import Version, split

MOST_PARTS = 8
"""Most dotted numbers of a version."""


class Dotted(Kind):
    """Versions of as many dotted numbers as `parts` says, with an optional leading `v`."""

    name = "version"
    written = "{version: {parts: N}}"
    synonyms = ("calver", "parts", "version")
    description = (
        "Versions of as many numbers as `parts` says, optionally with a leading `v`; leading zeros "
        "are allowed. Such as `24.04` or `16.4` with 2 parts, `10.0.20348.1` with 4."
    )
    definitions = ({"version": {"parts": 2}}, {"version": {"parts": [2, 4]}})
    has_variants = has_prereleases = True

    def __init__(self, counts: list[int], suffixes: Suffixes) -> None:
        self._listed = counts
        self._suffixes = suffixes
        self.counts = frozenset(counts)
        self.shapes = self.whole = frozenset(("numbers", count) for count in counts)

    @classmethod
    def of(cls, definition: Any, suffixes: Suffixes) -> Self | None:
        value = definition.get(cls.name) if isinstance(definition, Mapping) else None
        if not isinstance(value, Mapping) or set(value) != {"parts"} or len(definition) != 1:
            return None
        parts = value["parts"]
        counts = parts if isinstance(parts, list) else [parts]
        if not counts or any(type(n) is not int or not 1 <= n <= MOST_PARTS for n in counts):
            raise KindError(f"`parts` takes whole numbers from 1 to {MOST_PARTS}; it is `{parts}`.")
        return cls(counts, suffixes)

    @classmethod
    def schema(cls) -> dict[str, Any]:
        count = {"type": "integer", "minimum": 1, "maximum": MOST_PARTS}
        parts = {
            "title": "Parts",
            "description": (
                f"How many numbers the version has, from 1 to {MOST_PARTS}, or a list of such "
                "counts."
            ),
            **count,
            "type": ["integer", "array"],
            "minItems": 1,
            "uniqueItems": True,
            "items": count,
            "examples": [2, [2, 4]],
        }
        settings = {
            "title": "Dotted version",
            "description": (
                "A version of other than three numbers, or of three numbers with leading zeros: "
                "calendar versions, two-part and four-part versions."
            ),
            "type": "object",
            "additionalProperties": False,
            "required": ["parts"],
            "properties": {"parts": parts},
            "examples": [each[cls.name] for each in cls.definitions],
        }
        return settings_schema(cls, settings)

    @classmethod
    def hint(cls, value: Any) -> str:
        return f"{{version: {{parts: {value if type(value) is int else 'N'}}}}}"

    def read(self, tag: str) -> Unique | None:
        parts = split(tag, self._suffixes)
        if parts is None or len(parts[0]) not in self.counts:
            return None
        suffix = parts[1]
        return Unique(tag, Version.of(*parts), suffix.variant, suffix.platform)

    def nearly(self, tag: str) -> str | None:
        parts = split(tag, self._suffixes)
        if parts is None:
            return None
        count, wanted = len(parts[0]), either(list(map(str, self._listed)))
        return (
            f"it has {count} number{'s' * (count > 1)} where the rule has {wanted}: "
            f"`{{version: {{parts: {count}}}}}` takes it"
        )

    def words(self) -> str:
        counts = either(list(map(str, self._listed)))
        said = "1 part" if self._listed == [1] else f"{counts} parts"
        return f"version of {said} (such as {either(list(map(numbers.usual, self._listed)))})"

    def examples(self, prefix: str = "", suffix: str = "") -> Iterator[str]:
        for text in numbers.versions(self._listed, prefix):
            yield from (f"{text}{suffix}", f"v{text}{suffix}")

    def language(self) -> str:
        return numbers.language(self.counts) + numbers.ANY_SUFFIX

    def sure(self) -> str | None:
        return numbers.language(self.counts) + self._suffixes.sure

    def may_begin(self, text: str) -> bool:
        return Semver.begins.fullmatch(text) is not None
