"""The kind `pattern`: tags that a regular expression matches."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, Self

from ecr_steward.tags.kinds.expressions import group_expression
from ecr_steward.tags.kinds.kind import NUMBERS, Kind, KindError, Unique, settings_schema
from ecr_steward.tags.kinds.numbers import WRITTEN, versions
from ecr_steward.tags.suffixes import Suffixes
from ecr_steward.tags.versions import Version

_GROUPS = ("version", "prerelease", "revision", "variant")
"""Groups that say something of the version; all others are placeholders of stable tags."""
_NUMBERS = re.compile(WRITTEN)
_ODD = re.compile(r"\(\?[^:P]|\(\?P=|[*+?}]\+|[$^]|\\[0-9AbBZ]")
"""What in an expression may match less than an automaton takes it to."""
_ANY_NUMBER = 64
"""More numbers than a version in a tag of 128 characters can have."""
_FEW, _MANY = 8, 60
"""How many tags of all that were drawn are examples, with usual numbers and as they are."""
_USUAL_COUNTS = (3, 2, 4, 1)
_LITERAL = re.compile(r"\^?((?:[A-Za-z0-9_-]|\\[._-])*)([?*{]?)")


class Pattern(Kind):
    """Tags that an expression of Python's `re` matches as a whole; its groups give the order."""

    name = "pattern"
    written = '{pattern: "…"}'
    synonyms = ("pattern", "regex")
    description = (
        "Tags that a regular expression (Python's `re`) matches as a whole. The named group "
        "`version` (numbers with `.`, `-`, `_` or `T` between them, optionally with a leading `v` "
        "and a `Z` at the end) gives them an order; `prerelease`, `revision` and `variant` then "
        "say more; a variant has stable tags only if a glob in `variants` matches it. Any other "
        "named group is a placeholder for stable tags. Such as `release-2026.11` with the "
        "expression of the example."
    )
    is_expression = True
    definitions = ({"pattern": "release-(?P<version>[0-9]{4}[.][0-9]{2})"},)

    def __init__(self, expression: str) -> None:
        self._expression = expression
        try:
            self._regex = re.compile(expression)
        except (re.error, OverflowError, RecursionError) as error:
            raise KindError(_no_expression(expression, error)) from error
        self.groups = frozenset(self._regex.groupindex)
        taken = [each for each in NUMBERS if each in self.groups]
        if taken:
            raise KindError(
                f"The group `{taken[0]}` is none of a pattern: write one group `version` around "
                f"all the numbers, and {{{taken[0]}}} in stable tags is one of them."
            )
        if self._regex.fullmatch(""):
            raise KindError(f"`{expression}` matches the empty tag, so it would match too much.")
        if "version" in self.groups:
            self.counts = frozenset(range(1, _ANY_NUMBER))
        self.has_variants = "variant" in self.groups
        self.has_prereleases = "prerelease" in self.groups
        others = sorted(self.groups - set(_GROUPS))
        self.placeholders = {name: group_expression(expression, name) for name in others}
        self.beginning = _beginning(expression)

    @classmethod
    def of(cls, definition: Any, suffixes: Suffixes) -> Self | None:
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
        return None if match is None else _named(tag, match.groupdict())

    def language(self) -> str:
        return self._expression

    def sure(self) -> str | None:
        return None if _ODD.search(self._expression) else self._expression

    def expression_of(self, name: str) -> str:
        return group_expression(self._expression, name)

    def words(self) -> str:
        ordered = ", versions by its group `version`" if self.counts else ""
        return f"pattern (tags that match `{self._expression}`{ordered})"

    def examples(self, prefix: str = "", suffix: str = "") -> Iterator[str]:
        # Only people ask for examples; functions that start must not wait for what makes them.
        from ecr_steward.tags.kinds.strings import strings

        drawn = strings(self._expression)
        few = _spread(drawn, _FEW)
        usual = (each for tag in few for each in self._with_usual_numbers(tag, prefix))
        tags = usual if prefix else itertools.chain(usual, _spread(drawn, _MANY))
        yield from (f"{tag}{suffix}" for tag in tags)

    def _with_usual_numbers(self, tag: str, prefix: str) -> Iterator[str]:
        """The tag with other numbers in its version; whether the expression takes them is tried."""
        match = self._regex.fullmatch(tag) if "version" in self.groups else None
        numbers = None if match is None else _NUMBERS.fullmatch(match["version"] or "")
        if match is None or numbers is None:
            return
        start, end = (match.start("version") + each for each in numbers.span(1))
        marks = re.findall("[._T-]", numbers[1])
        for count in dict.fromkeys((*_USUAL_COUNTS, len(marks) + 1)):
            between = marks if len(marks) == count - 1 else ["."] * (count - 1)
            for text in versions([count], prefix):
                parts = text.split(".")[:count]
                written = map("".join, zip(parts, [*between, ""], strict=True))
                found = f"{tag[:start]}{''.join(written)}{tag[end:]}"
                if self._regex.fullmatch(found):
                    yield found

    def advice(self) -> Iterator[str]:
        lost = [each for each in ("prerelease", "revision") if each in self.groups]
        if lost and "version" not in self.groups:
            yield f"The group `{lost[0]}` has no effect without the group `version`."

    def samples(self) -> Iterator[str]:
        from ecr_steward.tags.kinds.strings import strings

        yield from strings(self._expression)

    def may_begin(self, text: str) -> bool:
        return text.startswith(self.beginning) or self.beginning.startswith(text)


def _spread(tags: tuple[str, ...], most: int) -> tuple[str, ...]:
    """At most so many of the tags, from all over them."""
    return tags[:: -(-len(tags) // most) or 1]


def _no_expression(expression: str, error: Exception) -> str:
    sentence = f"`{expression}` is no regular expression: {error}."
    if "(?<" in expression.replace("(?<=", "").replace("(?<!", ""):
        sentence += " In Python a named group is written `(?P<name>…)`."
    return sentence


def _named(tag: str, groups: Mapping[str, str | None]) -> Unique:
    """The unique tag that named groups describe; without a version if they give no numbers."""
    match = _NUMBERS.fullmatch(groups.get("version") or "")
    others = {name: text for name, text in groups.items() if text and name not in _GROUPS}
    version = None
    if match is not None:
        revision = groups.get("revision")
        version = Version(
            tuple(re.split("[._T-]", match[1])),
            groups.get("prerelease") or None,
            revisions=(revision,) if revision else (),
        )
    variant = groups.get("variant") or None
    return Unique(tag, version, variant, groups=tuple(sorted(others.items())))


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
