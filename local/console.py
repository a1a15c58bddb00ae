"""What the local cloud's commands show: steps with their seconds, errors, the way out."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ecr_steward_cli.terminal.text import lines
from local.processes import CloudError, WrongInput
from local.registry_client import PushError

console = Console(highlight=False, emoji=False)


def tell(text: str, style: str | None = None) -> None:
    """Print lines of text that may come from anywhere: no markup, no commands to the terminal."""
    console.print(lines(text), style=style, markup=False, soft_wrap=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Show that something is under way, and when it is done how many seconds it took."""
    begun = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    shown = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    try:
        with shown as progress:
            progress.add_task(title)
            yield
    except BaseException:
        console.print(f"[red]✗[/] {title}  [dim]{time.monotonic() - begun:.1f} s[/]")
        raise
    console.print(f"[green]✓[/] {title}  [dim]{time.monotonic() - begun:.1f} s[/]")


@contextlib.contextmanager
def command() -> Iterator[None]:
    """Run a command's body: known errors become one message and exit code 1, or 2 for what was
    typed.

    A request to end (SIGTERM, or SIGHUP of a terminal that is closed) becomes an exception like
    Ctrl-C, so that what was started is stopped on the way out.
    """

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        yield
    except (CloudError, PushError) as error:
        tell(str(error), style="red")
        sys.exit(2 if isinstance(error, WrongInput) else 1)
    except KeyboardInterrupt:
        tell("Interrupted. The same command can be repeated.")
        sys.exit(128 + signal.SIGINT)
