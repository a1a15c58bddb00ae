"""The kind `pattern`: tags that a regular expression matches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Self

from ecr_steward.tags.kinds import numbers
from ecr_steward.tags.kinds.kind import Kind, KindError, Unique, settings_schema
from ecr_steward.tags.versions import Variants, Version

_GROUPS = ("version", "variant", "prerelease")
_EVERY_TAG = frozenset({".+", "^.+", ".+$", "^.+$"})
_ANY_NUMBER = 64
"""More numbers than a version in a tag of 128 characters can have."""
_LITERAL = re.compile(r"\^?((?:[A-Za-z0-9_-]|\\[._-])*)([?*{]?)")


class Pattern(Kind):
    """Tags that an expression of Python's `re` matches as a whole; its groups give the order."""

    name = "pattern"
    written = '{pattern: "…"}'
    synonyms = ("pattern", "regex")
    description = (
        "Tags that a regular expression (Python's `re`) matches as a whole. The named group "
        "`version` (dotted numbers, optionally with a leading `v`) gives them an order; "
        "`prerelease` and `variant` then say more; a variant has stable tags only if a glob in "
        "`variants` matches it. Such as `release-2026.11` with the expression of the example."
    )
    is_expression = True
    definitions = ({"pattern": "release-(?P<version>[0-9]{4}[.][0-9]{2})"},)

    def __init__(self, expression: str) -> None:
        self._expression = expression
        try:
            self._regex = re.compile(expression)
        except (re.error, OverflowError, RecursionError) as error:
            raise KindError(f"`{expression}` is no regular expression: {error}.") from error
        self.groups = frozenset(self._regex.groupindex)
        strange = sorted(self.groups - set(_GROUPS))
        if strange:
            raise KindError(
                f"The group `{strange[0]}` means nothing here; there are {', '.join(_GROUPS)}."
            )
        if self._regex.fullmatch(""):
            raise KindError(f"`{expression}` matches the empty tag, so it would match too much.")
        if "version" in self.groups:
            self.counts = frozenset(range(1, _ANY_NUMBER))
        self.all_tags = expression in _EVERY_TAG
        self.beginning = _beginning(expression)

    @classmethod
    def of(cls, definition: Any, variants: Variants) -> Self | None:
        if not isinstance(definition, Mapping) or set(definition) != {cls.name}:
            return None
        return cls(str(definition[cls.name]))

    @classmethod
    def schema(cls) -> dict[str, Any]:
        settings = {
            "title": "Pattern",
            "description": (
                "The regular expression, best in single quotes, for in double quotes YAML reads "
                "`\\` itself."
            ),
            "type": "string",
            "examples": [
                "release-(?P<version>[0-9]{4}[.][0-9]{2})(?:-(?P<prerelease>rc[0-9]+))?",
                "nightly-[0-9]+",
            ],
        }
        return settings_schema(cls, settings)

    def read(self, tag: str) -> Unique | None:
        match = self._regex.fullmatch(tag)
        return None if match is None else Unique(tag, _named(match.groupdict()))

    def words(self) -> str:
        ordered = ", versions by its group `version`" if self.counts else ""
        return f"pattern (tags that match `{self._expression}`{ordered})"

    def examples(self, prefix: str = "", suffix: str = "") -> Iterator[str]:
        before, after = self._around()
        for text in numbers.versions([3, 2, 4, 1] if self.counts else [], prefix):
            yield f"{before}{text}{after}{suffix}"

    def _around(self) -> tuple[str, str]:
        """The plain text before and after the version, as far as it is plain."""
        expression = re.sub(r"\[([._-])\]|\\([._-])", r"\1\2", self._expression).strip("^$")
        before, _, rest = expression.partition("(?P<version>")
        depth, end = 1, 0
        while depth and end < len(rest):
            depth += {"(": 1, ")": -1}.get(rest[end], 0)
            end += 1
        after = re.match(r"(?:[\w.-](?![?*+{]))*", rest[end:])
        return re.sub(r"v\?$|\(.*?\)\?", "", before), after[0] if after else ""

    def may_begin(self, text: str) -> bool:
        return text.startswith(self.beginning) or self.beginning.startswith(text)


def _named(groups: Mapping[str, str | None]) -> Version | None:
    """The version that named groups give, or None if they give none that has an order."""
    written = tuple((groups.get("version") or "").removeprefix("v").split("."))
    if not all(part.isascii() and part.isdecimal() for part in written):
        return None
    return Version(written, groups.get("prerelease") or None, groups.get("variant") or None)


def _beginning(expression: str) -> str:
    """Plain text that all matches of a regular expression begin with; empty if in doubt."""
    rest = re.sub(r"\[\^?\]?[^]]*\]", "", re.sub(r"\\.", "", expression))
    while (less := re.sub(r"\([^()]*\)", "", rest)) != rest:
        rest = less
    match = _LITERAL.match(expression)
    if match is None or "|" in rest:
        return ""
    text = match[1].replace("\\", "")
    return text[:-1] if match[2] else text
