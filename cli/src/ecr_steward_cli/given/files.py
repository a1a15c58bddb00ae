"""Files that a command reads, by the name that somebody typed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click

from ecr_steward_cli.terminal.errors import Refusal


class WholeNumber(click.IntRange):
    """A whole number in a range, and named so where it is none."""

    name = "whole number"


@contextlib.contextmanager
def text_of(name: str) -> Iterator[IO[str]]:
    """The text in a file, or standard input for `-`; raises Refusal, also for what is no UTF-8."""
    try:
        with _opened(name) as file:
            yield file
    except UnicodeDecodeError as error:
        if name == "-":
            raise Refusal("-: Standard input is not UTF-8 text.") from error
        sentence = "The file is not UTF-8 text from here on; save it as UTF-8."
        raise Refusal(f"{name}:{_odd_line(Path(name).read_bytes())}: {sentence}") from error


def _odd_line(content: bytes) -> int:
    """The first line that is no UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        content = content[: error.start]
    return content.count(b"\n") + 1


@contextlib.contextmanager
def _opened(name: str) -> Iterator[IO[str]]:
    if name == "-":
        reconfigure = getattr(sys.stdin, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="strict")
        yield sys.stdin
        return
    try:
        file = Path(name).open(encoding="utf-8-sig")  # noqa: SIM115
    except FileNotFoundError as error:
        raise Refusal(f"{name}: There is no such file.") from error
    except IsADirectoryError as error:
        raise Refusal(f"{name}: This is a directory; name a file.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        said = getattr(error, "strerror", None) or error
        raise Refusal(f"{name}: The file cannot be read: {said}.") from error
    with file:
        yield file
