"""How far a plan is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ecr_steward_cli.planning.read import Progressing
from ecr_steward_cli.stack import console

_EVERY = 100
"""Repositories between two lines where nobody looks at a bar."""


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.1f}/s")


class ShownProgress(Progressing):
    """Counts what was `read`, and shows it."""

    def __init__(self, screen: Console, bar: Progress) -> None:
        self.read = 0
        self._total = 0
        self._screen = screen
        self._bar = bar
        self._task = bar.add_task("", total=None)

    def expect(self, repositories: int) -> None:
        self._total += repositories
        self._bar.update(self._task, total=self._total)

    def advance(self) -> None:
        self.read += 1
        self._bar.advance(self._task)
        if not self._screen.is_terminal and self.read % _EVERY == 0:
            self._screen.print(f"Read {self.read:,} of {self._total:,} repositories.")


@contextlib.contextmanager
def shown() -> Iterator[ShownProgress]:
    """Progress on stderr."""
    screen = console(stderr=True)
    columns = (
        TextColumn("Read"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    terminal = screen.is_terminal
    with Progress(*columns, console=screen, transient=True, disable=not terminal) as bar:
        yield ShownProgress(screen, bar)
