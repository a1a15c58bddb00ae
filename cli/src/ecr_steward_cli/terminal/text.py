"""Text from people and from AWS, as a terminal may show it: as text, never as commands to it."""

from __future__ import annotations

import codecs
import json
import sys
import textwrap

from ecr_steward.words.reading import printable as printable

_PLAIN = {
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{EN DASH}": "-",
    "\N{MIDDLE DOT}": ".",
    "\N{MULTIPLICATION SIGN}": "x",
}


def lines(text: str) -> str:
    """`text` with its line breaks; whatever else would command the terminal is an escape."""
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))


def say(text: str, *, err: bool = False) -> None:
    """Print lines of text; whatever else in them would command the terminal is an escape."""
    # click.echo would write UTF-8 to a terminal that says it takes ASCII.
    print(lines(text), file=sys.stderr if err else sys.stdout)


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


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that an output has no codes for."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(_PLAIN.get(each) or json.dumps(each)[1:-1] for each in found), error.end


def encode_all() -> None:
    """Have both outputs take every character, whatever their encoding has."""
    codecs.register_error("ecr-steward", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="ecr-steward")
