"""Globs on names of repositories and tags: `*` stands for any characters, `/` among them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


def glob_regex(globs: Iterable[str]) -> re.Pattern[str]:
    """One pattern for all `globs`."""
    return re.compile("|".join(spread(map(re.escape, glob.split("*"))) for glob in globs))


def spread(texts: Iterable[str]) -> str:
    """The expression of texts with any characters between them, each an expression of one length.

    A text between two others is taken where it is first found, for good (an atomic group): trying
    every other place too would take forever with many stars and change nothing.
    """
    start, *rest = texts
    if not rest:
        return start
    *between, end = rest
    return "".join([start, *(f"(?>.*?{text})" for text in between if text), ".*", end])


@dataclass(frozen=True, slots=True)
class PullThrough:
    """The prefixes of the registry's pull-through-cache rules."""

    prefixes: tuple[str, ...] = ()

    def owns(self, repository: str) -> bool:
        """Whether a pull-through cache owns the repository.

        The prefix `ROOT` stands for all repositories (ECR API: CreatePullThroughCacheRule).
        """
        prefixes = [prefix.rstrip("/") for prefix in self.prefixes]
        return any(each == "ROOT" or repository.startswith(f"{each}/") for each in prefixes)


class _Texts(Generic[_Value]):
    """Values by text. Only as many lengths are looked up as there are texts of."""

    __slots__ = ("_lengths", "_make", "_values")

    def __init__(self, make: Callable[[], _Value]) -> None:
        self._make = make
        self._values: dict[str, _Value] = {}
        self._lengths: set[int] = set()

    def at(self, text: str) -> _Value:
        """The value at `text`, made if there is none yet."""
        value = self._values.get(text)
        if value is None:
            self._lengths.add(len(text))
            value = self._values[text] = self._make()
        return value

    def beginning(self, name: str) -> list[tuple[str, _Value]]:
        """The texts that `name` begins with."""
        return self._among({name[:length] for length in self._lengths})

    def ending(self, name: str) -> list[tuple[str, _Value]]:
        """The texts that `name` ends with."""
        size = len(name)
        return self._among({name[size - each :] for each in self._lengths if each <= size})

    def within(self, name: str) -> list[tuple[str, _Value]]:
        """The texts that `name` contains."""
        size = len(name)
        return self._among(
            {name[i : i + each] for each in self._lengths for i in range(size - each + 1)}
        )

    def _among(self, texts: set[str]) -> list[tuple[str, _Value]]:
        return [(text, self._values[text]) for text in texts if text in self._values]


_Betweens = _Texts[list[tuple[int, tuple[str, ...]]]]
_Ends = _Texts[_Betweens]


def _betweens() -> _Betweens:
    return _Texts(list)


def _ends() -> _Ends:
    return _Texts(_betweens)


class Globs:
    """Many globs, each with a number: which is the first that matches a name?

    Globs without a star are looked up by the name itself. The others are kept by what stands before
    their first star, then by what stands after their last one, then by the longest text between:
    only those whose three texts the name has are tried.
    """

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self._starts: _Texts[_Ends] = _Texts(_ends)

    def add(self, glob: str, number: int) -> None:
        if "*" not in glob:
            self._names[glob] = min(number, self._names.get(glob, number))
            return
        start, *between, end = glob.split("*")
        between = [text for text in between if text]
        globs = self._starts.at(start).at(end).at(max(between, key=len, default=""))
        globs.append((number, tuple(between)))

    def first(self, name: str) -> int | None:
        """The lowest number of a glob that matches all of `name`; None if none does."""
        found = [self._names[name]] if name in self._names else []
        for start, ends in self._starts.beginning(name):
            left = name[len(start) :]
            for end, betweens in ends.ending(left):
                rest = left[: len(left) - len(end)]
                for _, globs in betweens.within(rest):
                    found += [number for number, texts in globs if _has_in_order(rest, texts)]
        return min(found, default=None)


def _has_in_order(name: str, texts: tuple[str, ...]) -> bool:
    at = 0
    for text in texts:
        found = name.find(text, at)
        if found < 0:
            return False
        at = found + len(text)
    return True
