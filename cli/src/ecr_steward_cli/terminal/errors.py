"""How a command ends: 0 it is done, 1 what it found needs attention, 2 it was used wrongly.

Raise `Refusal` or `NeedsAttention` from a command; `ended` prints the message and gives the code.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import IO, Any

import click

from ecr_steward_cli.terminal.text import lines, say

INTERRUPTED = 130
"""What a shell takes for a command that Ctrl-C ended (128 and the number of SIGINT)."""

TRACEBACK = "ECR_STEWARD_TRACEBACK"
"""Environment variable that shows where ecr-steward itself failed."""


class _Ending(click.ClickException):
    def show(self, file: IO[Any] | None = None) -> None:
        if self.message:
            print(lines(self.message), file=file or sys.stderr)


class NeedsAttention(_Ending):
    """The command ran and found something that the caller must look at; exit code 1.

    `message`, if any, goes to stderr as it is.
    """

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(message)


class Refusal(_Ending):
    """Wrong usage or input; exit code 2. `message` goes to stderr as it is."""

    exit_code = 2


def ended(run: Callable[[], object]) -> int:
    """Run a command line; returns its exit code. Whatever happens is a sentence on stderr."""
    try:
        code = run()
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        say(error.format_message(), err=True)
        return error.exit_code
    except click.UsageError as error:
        say(_usage(error), err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("Interrupted.", err=True)
        return INTERRUPTED
    except OSError as error:
        return _unwritten(error)
    except Exception as error:
        return _failed(error)
    return code if isinstance(code, int) else 0


def _usage(error: click.UsageError) -> str:
    """One sentence, and where there is more."""
    said = error.format_message().rstrip()
    said = said if said.endswith((".", "?")) else f"{said}."
    if error.ctx is None:
        return said
    path = error.ctx.command_path
    return f"{path}: {said} `{path} --help` says how it is used."


def _unwritten(error: OSError) -> int:
    """The output that cannot be written, most often; a reader that went away is told nothing."""
    # What is still buffered must not be tried again when Python ends.
    _discard(sys.stdout)
    if error.errno == errno.EPIPE:
        _discard(sys.stderr)
        return 1
    where = f"{error.filename}: " if error.filename else "The output cannot be written: "
    say(f"{where}{error.strerror or error}.", err=True)
    return 2


def _discard(stream: IO[str]) -> None:
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):  # a stream that is no file, as in tests
        return


def _failed(error: Exception) -> int:
    if os.environ.get(TRACEBACK):
        raise error
    said = f"{type(error).__name__}: {error}"
    say(
        f"ecr-steward itself failed, which is a fault of it ({said}): please report it, with what "
        f"{TRACEBACK}=1 shows.",
        err=True,
    )
    return 2
