"""Languages of tags: what globs and regular expressions can write, and what several have in common.

A language is an automaton over the 65 letters that a tag can have. It is made deterministic state
by state as a question needs it, so that the product of fifty of them is never built, only walked.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecr_steward.words import grammar

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-"
"""What a tag is made of; what a search finds prefers those that come first."""

_BITS = {letter: 1 << i for i, letter in enumerate(LETTERS)}
_ALL = (1 << len(LETTERS)) - 1
_FIRST = _ALL & ~_BITS["."] & ~_BITS["-"]
_MOST_STATES = 4_000
"""More states of one automaton than any sensible expression has."""

DEAD = 0
"""The state of a language from which nothing more can come."""

MOST_STEPS = 50_000
"""After so many states of a product a search gives up."""


class NotRegular(ValueError):
    """An expression that says more than an automaton can: a look-around, a back reference."""


class GaveUp(Exception):
    """The search for what languages have in common took too many steps."""


# ---------------------------------------------------------------------------- expressions
@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression in Python's syntax that matches the whole of a text."""

    text: str


@dataclass(frozen=True, slots=True)
class Then:
    """One part after the other."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any one of the parts."""

    parts: tuple[Expression, ...]


Expression = Regex | Then | Either

ANY_TEXT = Regex("[0-9A-Za-z_.-]*")


def literal(text: str) -> Regex:
    return Regex(re.escape(text))


@functools.lru_cache(4096)
def of_glob(text: str) -> Language:
    """The language of a glob."""
    return Language(glob(text))


def glob(text: str) -> Regex:
    """What a glob matches: `*` is any run of characters, all else is literal."""
    return Regex(".*".join(map(re.escape, re.sub(r"\*+", "*", text).split("*"))))


# ---------------------------------------------------------------------------- automata
class Language:
    """All texts that an expression can write; raises NotRegular.

    With `loose` perhaps more: look-arounds hold everywhere, and back references are any text.
    """

    def __init__(self, expression: Expression, *, loose: bool = False) -> None:
        self._loose = loose
        self._moves: list[list[tuple[int, int]]] = []
        self._free: list[list[int]] = []
        start = self._state()
        self._end = self._build(expression, start)
        self.masks = frozenset(mask for moves in self._moves for mask, _ in moves)
        self._ids: dict[frozenset[int], int] = {}
        self._states: list[frozenset[int]] = []
        self._steps: dict[tuple[int, str], int] = {}
        self._named(frozenset())
        self.start = self._named(self._closed({start}))

    def step(self, state: int, letter: str) -> int:
        """The state after one more letter."""
        after = self._steps.get((state, letter))
        if after is None:
            bit = _BITS[letter]
            to = {
                target
                for each in self._states[state]
                for mask, target in self._moves[each]
                if mask & bit
            }
            after = self._steps[state, letter] = self._named(self._closed(to))
        return after

    def accepts(self, state: int) -> bool:
        return self._end in self._states[state]

    def has(self, text: str) -> bool:
        state = self.start
        for letter in text:
            state = self.step(state, letter) if letter in _BITS else DEAD
        return self.accepts(state)

    def _named(self, states: frozenset[int]) -> int:
        if states not in self._ids:
            self._ids[states] = len(self._states)
            self._states.append(states)
        return self._ids[states]

    def _closed(self, states: set[int]) -> frozenset[int]:
        """These states, and those that are reached from them for nothing."""
        left, found = list(states), set(states)
        while left:
            for each in self._free[left.pop()]:
                if each not in found:
                    found.add(each)
                    left.append(each)
        return frozenset(found)

    def _state(self) -> int:
        if len(self._moves) >= _MOST_STATES:
            raise NotRegular("it counts too far")
        self._moves.append([])
        self._free.append([])
        return len(self._moves) - 1

    def _build(self, expression: Expression, start: int) -> int:
        """Adds what `expression` writes from the state `start` on; returns where it ends."""
        if isinstance(expression, Regex):
            parsed, flags = _parsed(expression.text)
            return self._sequence(parsed, start, flags)
        if isinstance(expression, Then):
            for part in expression.parts:
                start = self._build(part, start)
            return start
        return self._either(
            [functools.partial(self._build, each) for each in expression.parts], start
        )

    def _either(self, ways: Iterable[Any], start: int) -> int:
        end = self._state()
        for build in ways:
            begin = self._state()
            self._free[start].append(begin)
            self._free[build(begin)].append(end)
        return end

    def _sequence(self, parsed: Iterable[Any], start: int, flags: int) -> int:
        for operation, argument in parsed:
            start = self._operation(str(operation), argument, start, flags)
        return start

    def _operation(self, name: str, argument: Any, start: int, flags: int) -> int:
        if name in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            end = self._state()
            read = tuple(argument) if isinstance(argument, list) else argument
            mask = _mask(name, read, bool(flags & re.IGNORECASE))
            if mask:
                self._moves[start].append((mask, end))
            return end
        if name == "BRANCH":
            ways = [
                lambda begin, each=each: self._sequence(each, begin, flags) for each in argument[1]
            ]
            return self._either(ways, start)
        if name == "SUBPATTERN":
            _, more, fewer, parsed = argument
            return self._sequence(parsed, start, (flags | more) & ~fewer)
        if name == "ATOMIC_GROUP":
            return self._sequence(argument, start, flags)
        if name.endswith("_REPEAT"):
            return self._repeated(argument, start, flags)
        if name == "AT":
            return start
        return self._beyond(name, start)

    def _beyond(self, name: str, start: int) -> int:
        """What an automaton cannot follow, as far as it may be taken for more than it is."""
        if not self._loose:
            raise NotRegular("it has a look-around or a back reference")
        return self._build(ANY_TEXT, start) if name.startswith("GROUPREF") else start

    def _repeated(self, argument: Any, start: int, flags: int) -> int:
        least, most, parsed = argument
        for _ in range(min(int(least), grammar.MAX_LENGTH + 1)):
            start = self._sequence(parsed, start, flags)
        if int(most) > grammar.MAX_LENGTH:
            loop = self._state()
            self._free[start].append(loop)
            self._free[self._sequence(parsed, loop, flags)].append(loop)
            return loop
        ends = [start]
        for _ in range(int(most) - int(least)):
            start = self._sequence(parsed, start, flags)
            ends.append(start)
        end = self._state()
        for each in ends:
            self._free[each].append(end)
        return end


def _parsed(text: str) -> tuple[Any, int]:
    """The tree that Python itself reads an expression as, and its flags."""
    parser: Any = importlib.import_module("re._parser")
    try:
        tree = parser.parse(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise NotRegular("it is no regular expression") from error
    return tree, tree.state.flags


@functools.lru_cache(1024)
def _mask(name: str, argument: Any, folded: bool) -> int:
    """The letters that one character of an expression can be."""
    if name == "ANY":
        return _ALL
    found = sum(_BITS[each] for each in LETTERS if _is_one(name, argument, each, folded))
    return found if name != "NOT_LITERAL" else _ALL & ~found


def _is_one(name: str, argument: Any, letter: str, folded: bool) -> bool:
    same = (letter, letter.swapcase()) if folded else (letter,)
    if name != "IN":
        return argument in map(ord, same)
    negated = any(str(kind) == "NEGATE" for kind, _ in argument)
    return negated is not any(_is_in(each, one) for each in argument for one in same)


def _is_in(entry: Any, letter: str) -> bool:
    kind, value = str(entry[0]), entry[1]
    if kind == "LITERAL":
        return bool(value == ord(letter))
    if kind == "RANGE":
        return bool(value[0] <= ord(letter) <= value[1])
    if kind == "CATEGORY":
        name = str(value).removeprefix("CATEGORY_")
        inside = _CATEGORIES[name.removeprefix("NOT_")](letter)
        return inside is not name.startswith("NOT_")
    return False


def _is_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


_CATEGORIES: Mapping[str, Callable[[str], bool]] = {
    "DIGIT": str.isdecimal,
    "SPACE": str.isspace,
    "WORD": _is_word,
}


# ---------------------------------------------------------------------------- questions
def common(yes: Sequence[Language], no: Sequence[Language] = ()) -> str | None:
    """A shortest tag that all of `yes` can write and none of `no`; None if there is none.

    Raises GaveUp.
    """
    letters = tuple(_different((*yes, *no)))
    start = _starts(yes), _starts(no)
    seen, left = {start}, deque([(*start, "")])
    while left:
        wanted, unwanted, text = left.popleft()
        if text and _accept(yes, wanted, all) and not _accept(no, unwanted, any):
            return text
        if len(text) == grammar.MAX_LENGTH:
            return None
        for letter in letters if text else (each for each in letters if _FIRST & _BITS[each]):
            after = _stepped(yes, wanted, letter)
            if any(state == DEAD for state in after):
                continue
            both = after, _stepped(no, unwanted, letter)
            if both not in seen:
                seen.add(both)
                left.append((*both, text + letter))
        if len(seen) > MOST_STEPS:
            raise GaveUp
    return None


_States = tuple[int, ...]


def _starts(languages: Sequence[Language]) -> _States:
    return tuple([each.start for each in languages])


def _stepped(languages: Sequence[Language], states: _States, letter: str) -> _States:
    return tuple([each.step(state, letter) for each, state in zip(languages, states, strict=True)])


def _accept(
    languages: Sequence[Language], states: _States, how: Callable[[Iterable[bool]], bool]
) -> bool:
    return how(each.accepts(state) for each, state in zip(languages, states, strict=True))


def _different(languages: Sequence[Language]) -> Iterator[str]:
    """One letter of each kind that these languages tell apart; first letters apart from others."""
    masks = sorted(frozenset({_FIRST}).union(*(each.masks for each in languages)))
    seen = set()
    for letter in LETTERS:
        kind = tuple(bool(mask & _BITS[letter]) for mask in masks)
        if kind not in seen:
            seen.add(kind)
            yield letter
