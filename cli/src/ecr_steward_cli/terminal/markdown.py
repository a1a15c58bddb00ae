"""Tables in Markdown: for a terminal, and for whoever pastes them into a pull request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ecr_steward_cli.terminal.text import printable


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, its columns aligned for those who read it in a terminal."""
    held = list(rows)
    return "\n".join(lines(headings, lambda: held))


def lines(headings: Sequence[str], rows: Callable[[], Iterable[Sequence[str]]]) -> Iterator[str]:
    """The lines of a table that can be too long to be held whole.

    `rows` is asked twice: first for the widths, then for the lines.
    """
    widths = list(map(len, headings))
    for row in map(_cells, rows()):
        widths = list(map(max, widths, map(len, row)))
    yield _line(headings, widths)
    yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    yield from (_line(row, widths) for row in map(_cells, rows()))


def _cells(row: Sequence[str]) -> list[str]:
    return [printable(each).replace("|", "\\|") for each in row]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return f"| {' | '.join(map(str.ljust, cells, widths))} |"
