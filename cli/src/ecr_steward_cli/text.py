"""Text from people and from AWS, as a terminal may show it: as text, never as commands to it."""

from __future__ import annotations

import json
import textwrap

import click


def printable(text: str) -> str:
    """`text` on one line: what a terminal would not show as a character becomes an escape."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def lines(text: str) -> str:
    """`text` with its line breaks; whatever else would command the terminal is an escape."""
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))


def say(text: str, *, err: bool = False) -> None:
    """Print lines of text; whatever else in them would command the terminal is an escape."""
    click.echo(lines(text), err=err)


def wrapped(text: str, width: int, indent: str = "", later: str | None = None) -> str:
    """`text` in lines of at most `width` characters, as far as its words let it."""
    return textwrap.fill(
        text,
        max(width, len(indent) + 10),
        initial_indent=indent,
        subsequent_indent=indent if later is None else later,
        break_long_words=False,
        break_on_hyphens=False,
    )
