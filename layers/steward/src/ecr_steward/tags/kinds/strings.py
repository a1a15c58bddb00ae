"""Some strings that a regular expression matches, for examples: drawn, and only then tried."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Mapping
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from ecr_steward.words import grammar

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ._-"
_CLASSES: Mapping[str, Callable[[str], bool]] = {
    "CATEGORY_DIGIT": str.isdigit,
    "CATEGORY_NOT_DIGIT": lambda each: not each.isdigit(),
    "CATEGORY_WORD": lambda each: each.isalnum() or each == "_",
    "CATEGORY_NOT_WORD": lambda each: not (each.isalnum() or each == "_"),
    "CATEGORY_SPACE": lambda each: False,
    "CATEGORY_NOT_SPACE": lambda each: True,
}
_DRAWN = 400


@functools.lru_cache(64)
def strings(expression: str) -> tuple[str, ...]:
    """Tags that `expression` (a valid one) matches as a whole: the same ones every time, the
    shorter first. There may be none although it matches some."""
    regex, draw = re.compile(expression), _Draw(expression)
    drawn = {draw.string() for _ in range(_DRAWN)}
    fitting = (each for each in drawn if grammar.is_tag(each) and regex.fullmatch(each))
    return tuple(sorted(fitting, key=lambda each: (len(each), each)))


class _Draw:
    def __init__(self, expression: str) -> None:
        self._tree = _parser.parse(expression)
        self._random = random.Random(expression)  # noqa: S311
        self._groups: dict[int, str] = {}
        self._sets: dict[int, str] = {}

    def string(self) -> str:
        self._groups = {}
        return self._all(self._tree)

    def _all(self, nodes: Any) -> str:
        return "".join(self._one(str(what), value) for what, value in nodes)

    def _one(self, what: str, value: Any) -> str:
        """What one node matches; what only looks around matches nothing by itself."""
        make = {
            "LITERAL": chr,
            "NOT_LITERAL": lambda code: self._random.choice(_ALPHABET.replace(chr(code), "")),
            "ANY": lambda _: self._random.choice(_ALPHABET),
            "IN": self._member,
            "BRANCH": lambda branch: self._all(self._random.choice(branch[1])),
            "SUBPATTERN": self._group,
            "MAX_REPEAT": self._repeated,
            "MIN_REPEAT": self._repeated,
            "POSSESSIVE_REPEAT": self._repeated,
            "ATOMIC_GROUP": self._all,
            "GROUPREF": lambda number: self._groups.get(number, ""),
            "GROUPREF_EXISTS": self._if_group,
        }.get(what)
        return "" if make is None else make(value)

    def _member(self, parts: Any) -> str:
        # The tree lives as long as its sets are known by their place.
        if id(parts) not in self._sets:
            self._sets[id(parts)] = _members(parts) or "?"
        return self._random.choice(self._sets[id(parts)])

    def _group(self, value: Any) -> str:
        number, *_, nodes = value
        self._groups[number] = self._all(nodes)
        return self._groups[number]

    def _if_group(self, value: Any) -> str:
        number, then, otherwise = value
        return self._all((then if number in self._groups else otherwise) or [])

    def _repeated(self, value: Any) -> str:
        least, most, nodes = value
        count = int(least)
        limit = min(int(most), count + 5)
        while count < limit and self._random.random() < 0.5:
            count += 1
        return "".join(self._all(nodes) for _ in range(count))


def _members(parts: Any) -> str:
    """The letters of a set, such as `[0-9a-f]`, that tags can have."""
    kinds = [(str(what), value) for what, value in parts]
    negated = bool(kinds) and kinds[0][0] == "NEGATE"
    return "".join(
        each for each in _ALPHABET if any(_is_in(each, *kind) for kind in kinds) is not negated
    )


def _is_in(letter: str, what: str, value: Any) -> bool:
    if what == "LITERAL":
        return letter == chr(value)
    if what == "RANGE":
        return bool(value[0] <= ord(letter) <= value[1])
    return what == "CATEGORY" and _CLASSES[str(value)](letter)
