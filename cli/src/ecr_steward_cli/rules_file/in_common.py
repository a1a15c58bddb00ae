"""What regular expressions of tags have in common, where that can be told for sure."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence

from ecr_steward.settings.languages import GaveUp, Language, NotRegular, Regex, common


class Unsure(Exception):
    """An expression says more than an automaton can, or there is too much to walk."""


def in_common(expressions: Iterable[str], without: Iterable[str] = ()) -> str | None:
    """A shortest tag that all of `expressions` match and none of `without`, None if there is none.

    Raises Unsure.
    """
    try:
        return common(
            [_language(each) for each in expressions], [_language(each) for each in without]
        )
    except (NotRegular, GaveUp) as error:
        raise Unsure from error


def have_nothing_in_common(*expressions: str) -> bool:
    """Whether it is sure that no tag matches all of them."""
    try:
        return in_common(expressions) is None
    except Unsure:
        return False


def is_regular(expression: str) -> bool:
    try:
        _language(expression)
    except NotRegular:
        return False
    return True


def are_all_in(expression: str, others: Iterable[str]) -> bool:
    """Whether it is sure that one of `others`, which are regular, matches each tag that
    `expression` does, whatever that is."""
    try:
        return common([_loose(expression)], [_language(each) for each in others]) is None
    except (NotRegular, GaveUp):
        return False


def tags_to_try(expressions: Sequence[str]) -> Iterator[str]:
    """Tags that all of `expressions` match, as far as an automaton can follow them, which do not
    begin alike; what comes of it is only tried."""
    found: list[str] = []
    try:
        for _ in range(_TRIED):
            begun = [_language(f"{re.escape(each[:_ALIKE])}.*") for each in found]
            tag = common([_loose(each) for each in expressions], begun)
            if tag is None:
                return
            found.append(tag)
            yield tag
    except (NotRegular, GaveUp):
        return


_TRIED, _ALIKE = 6, 2


@functools.lru_cache(256)
def _loose(expression: str) -> Language:
    return Language(Regex(expression), loose=True)


@functools.lru_cache(256)
def _language(expression: str) -> Language:
    return Language(Regex(expression))
