"""`ecr-steward sweep`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ecr_steward.sweep.send import PORTION
from ecr_steward.words.facts import Fact
from ecr_steward_cli.deployed.stack import (
    Outside,
    Stack,
    aws,
    console,
    pass_outside,
    stack_option,
    timeout_option,
)
from ecr_steward_cli.deployed.sweeps import (
    Narrowing,
    NothingMatches,
    SweepProgress,
    follow,
    send,
    writers_paused,
)
from ecr_steward_cli.terminal.errors import NeedsAttention
from ecr_steward_cli.terminal.text import say

if TYPE_CHECKING:
    from ecr_steward_cli.live.sweep_plan import PlanOfStack


def _bar(label: str) -> Progress:
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    screen = console(stderr=True)
    return Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal)


def _sent(
    stack: Stack, glob: str, timeout: timedelta, narrowing: Narrowing | None, *, wait: bool
) -> SweepProgress:
    with _bar("Sent") as bar:
        task = bar.add_task("", total=None)

        def show(sending: SweepProgress) -> None:
            if sending.part == 1 and sending.parts > 1:
                bar.console.print(_notice(sending, wait=wait), soft_wrap=True)
            bar.update(task, completed=sending.sent, total=sending.matching)

        return send(stack, glob, timeout, show, narrowing)


def _notice(sending: SweepProgress, *, wait: bool) -> str:
    notice = (
        f"{sending.matching:,} repositories go to the writers {PORTION} at a time, so that pushes "
        "do not wait behind them."
    )
    if wait:
        return notice
    return f"{notice} The command ends when all are visited; with --no-wait, when all are sent."


def _planned(file: str, stack: Stack, glob: str) -> PlanOfStack:
    """What a plan has for the stack, once it is said; raises NothingMatches where it is nothing."""
    from ecr_steward_cli.live.sweep_plan import PlanOfStack  # only here: it looks at ECR

    kept = PlanOfStack.read(file, stack, glob)
    if not kept.repositories:
        raise NothingMatches(f"{file}: The plan changes nothing in a repository like `{glob}`.")
    with _bar("Looked at again") as bar, aws():
        task = bar.add_task("", total=len(kept.repositories))
        for line in kept.lines_before(lambda: bar.advance(task)):
            say(line)
    return kept


def _followed(stack: Stack, sending: SweepProgress, timeout: timedelta) -> Fact:
    with _bar("Visited") as bar:
        task = bar.add_task("", total=sending.sent)
        try:
            return follow(
                stack, sending.sweep, timeout, lambda done: bar.update(task, completed=done)
            )
        except KeyboardInterrupt:
            raise NeedsAttention(
                "Interrupted. Every repository was sent, and the sweep continues by itself; "
                "`ecr-steward status` shows what waits."
            ) from None


@click.command()
@click.argument("glob", default="*")
@click.option(
    "--wait/--no-wait",
    default=True,
    show_default=True,
    help="Wait until every repository is visited, or only until all are sent.",
)
@timeout_option(
    1, 900, "How long to wait: for room in the queue before each portion, and for the end."
)
@click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    type=click.Path(),
    help="Make only changes that are in this plan, which `plan --out` kept.",
)
@stack_option
@pass_outside
def sweep(
    outside: Outside,
    stack_name: str,
    glob: str,
    wait: bool,
    timeout: int,
    plan_file: str | None,
) -> None:
    """Send the repositories that GLOB matches (all by default) through the writers, now.

    The regular sweep reaches every repository by itself; this is for those who cannot wait.
    Many repositories are sent in portions, each when the writers have done most of the one before,
    so that pushes do not wait; the command has to run until the last is sent.

    With --plan every change is decided anew, and made if the plan has the very same one.

    \b
    Examples:
      ecr-steward sweep "base/*"
      ecr-steward sweep --plan plan.json
    """
    stack = Stack.find(stack_name, outside)
    patience = timedelta(seconds=timeout)
    kept = None if plan_file is None else _planned(plan_file, stack, glob)
    with aws():
        narrowing = None if kept is None else Narrowing(kept.rules.fingerprint, kept.planned)
        sending = _sent(stack, glob, patience, narrowing, wait=wait)
        say(f"{_counted(sending.sent)} sent to the writers, as sweep {sending.sweep}.")
        if not wait:
            return
        if writers_paused(stack):
            say("The writers are paused: the sweep begins with `ecr-steward resume`.")
            return
        fact = _followed(stack, sending, patience)
        audit = " Mode is audit: nothing was changed." if fact.mode == "audit" else ""
        say(f"{fact.reason}{audit}")
        if kept is not None:
            kept.say_how_much_is_done()
    if fact.totals.get("failed"):
        raise NeedsAttention("To see what failed: `ecr-steward history REPOSITORY`.")


def _counted(sent: int) -> str:
    return f"{sent:,} repository was" if sent == 1 else f"{sent:,} repositories were"
