"""Pages of rows: a token names the first row of the next, so that rows deleted meanwhile do no
harm."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from ecr_steward_cli.in_memory.refusals import invalid_parameter


class Numbered(Protocol):
    """A row with its place among all rows."""

    @property
    def number(self) -> int: ...


_Row = TypeVar("_Row")
_Numbered = TypeVar("_Numbered", bound=Numbered)


def token(scope: str, number: int, tag: int) -> str:
    return base64.urlsafe_b64encode(f"{scope} {number} {tag}".encode()).decode()


def start(given: str | None, scope: str) -> tuple[int, int]:
    """Where the page of a token starts. Raises RefusedError for one of another scope."""
    if given is None:
        return 0, 0
    try:
        text = base64.b64decode(given, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    found = re.fullmatch(rf"{re.escape(scope)} ([0-9]+) ([0-9]+)", text)
    if found is None:
        raise invalid_parameter("nextToken", "Invalid token")
    return int(found[1]), int(found[2])


def page(rows: Iterable[_Row], limit: int) -> tuple[list[_Row], _Row | None]:
    """The first `limit` rows, and the one after them if there is one."""
    found = list(itertools.islice(rows, limit + 1))
    return found[:limit], found[limit] if len(found) > limit else None


def numbered_page(
    scope: str, rows: Iterable[_Numbered], given: str | None, limit: int
) -> tuple[list[_Numbered], dict[str, str]]:
    """A page of rows in the order of their numbers, and `nextToken` if there are more."""
    first, _ = start(given, scope)
    found, after = page((row for row in rows if row.number >= first), limit)
    return found, {} if after is None else {"nextToken": token(scope, after.number, 0)}


def counted_page(
    rows: Sequence[_Row], given: str | None, limit: int
) -> tuple[Sequence[_Row], dict[str, str]]:
    """A page of rows by their place in the list, and `nextToken` if there are more."""
    first = int(given or 0)
    after = first + limit
    return rows[first:after], {"nextToken": str(after)} if after < len(rows) else {}
