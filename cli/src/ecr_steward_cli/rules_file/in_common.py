"""What regular expressions of tags have in common, where that can be told for sure."""

from __future__ import annotations

import functools
from collections.abc import Iterable

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
        loose = Language(Regex(expression), loose=True)
        return common([loose], [_language(each) for each in others]) is None
    except (NotRegular, GaveUp):
        return False


@functools.lru_cache(256)
def _language(expression: str) -> Language:
    return Language(Regex(expression))
