"""`ecr-steward sweep`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ecr_steward.cli.errors import NeedsAttention, Refused
from ecr_steward.cli.stack import (
    Outside,
    Stack,
    aws,
    console,
    is_paused,
    pass_outside,
    stack_option,
)
from ecr_steward.events import Fact

_INTERVAL = 1.0


def send(stack: Stack, glob: str) -> tuple[str, int]:
    """Send the repositories that `glob` matches to the writers: the sweep's id, and how many.

    Raises NeedsAttention where none matches or the function failed, Refused where `Mode` is off.
    """
    if stack.output("Mode") == "off":
        raise Refused(
            f"Stack `{stack.name}` has Mode=off, so nothing is swept: deploy it with Mode=audit or "
            "Mode=enforce."
        )
    asked = {"glob": glob, "id": f"{stack.outside.now():%Y%m%dT%H%M%S.%fZ}"}
    answer = stack.client("lambda").invoke(
        FunctionName=stack.output("SweepFunctionName"), Payload=json.dumps(asked).encode()
    )
    said = json.loads(answer["Payload"].read() or b"{}")
    if answer.get("FunctionError"):
        raise NeedsAttention(
            f"{stack.output('SweepFunctionName')} failed: {said.get('errorMessage', said)} "
            "Its log says more."
        )
    if not said["sent"]:
        raise NeedsAttention(
            f"No repository was sent: none that a rule says something about matches `{glob}`, as "
            f"far as this stack's RepositoryPattern `{stack.output('RepositoryPattern')}` goes."
        )
    return f"hand-{asked['id']}", int(said["sent"])


def follow(
    stack: Stack,
    sweep: str,
    timeout: timedelta,
    progress: Callable[[int], None] = lambda visited: None,
) -> Fact:
    """Wait until a sweep is complete and return what it says; `progress` gets the visited ones.

    Raises NeedsAttention where it is not complete in time: it goes on without us.
    """
    history, outside = stack.history(), stack.outside
    end = outside.now() + timeout
    while True:
        totals = history.totals(sweep)
        progress(totals.get("repositories", 0))
        fact = history.completed(sweep)
        if fact is not None:
            return fact
        if outside.now() >= end:
            raise NeedsAttention(_unfinished(totals, timeout))
        outside.sleep(_INTERVAL)


def _unfinished(totals: Mapping[str, int], timeout: timedelta) -> str:
    visited, expected = totals.get("repositories", 0), totals.get("expected", 0)
    return (
        f"After {timeout.total_seconds():.0f} seconds {visited} of {expected} repositories were "
        "visited. The sweep goes on by itself; `ecr-steward status` says what waits."
    )


def _followed(stack: Stack, sweep: str, sent: int, timeout: timedelta) -> Fact:
    columns = (TextColumn("Visited"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    screen = console(stderr=True)
    bar = Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal)
    with bar:
        task = bar.add_task("", total=sent)
        return follow(stack, sweep, timeout, lambda done: bar.update(task, completed=done))


@click.command()
@click.argument("glob", default="*")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until it is done.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.IntRange(min=1),
    default=900,
    show_default=True,
    help="How long to wait.",
)
@stack_option
@pass_outside
def sweep(outside: Outside, stack_name: str, glob: str, wait: bool, timeout: int) -> None:
    """Send the repositories that GLOB matches (all by default) through the writers, now.

    The regular sweep comes round to every repository by itself; this is for those who cannot wait.
    """
    stack = Stack.find(stack_name, outside)
    with aws():
        sweep_id, sent = send(stack, glob)
        click.echo(f"{_counted(sent)} sent to the writers, as sweep {sweep_id}.")
        if not wait:
            return
        if _paused(stack):
            click.echo("The writers are paused: it begins with `ecr-steward resume`.")
            return
        fact = _followed(stack, sweep_id, sent, timedelta(seconds=timeout))
    audit = " Mode is audit: this is what would have been done." if fact.mode == "audit" else ""
    click.echo(f"{fact.reason}{audit}")
    if fact.totals.get("failed"):
        raise NeedsAttention("Look at what failed: `ecr-steward history REPOSITORY`.")


def _paused(stack: Stack) -> bool:
    with contextlib.suppress(Refused), aws():
        return is_paused(stack.writers())
    return False


def _counted(sent: int) -> str:
    return f"{sent} repository was" if sent == 1 else f"{sent} repositories were"
