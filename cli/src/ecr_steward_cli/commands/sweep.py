"""`ecr-steward sweep`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ecr_steward.history.planned import Planned
from ecr_steward.sweep.send import LOOK, PORTION
from ecr_steward.sweep.tally import visits
from ecr_steward.words.facts import Fact
from ecr_steward_cli.deployed.stack import (
    Outside,
    Stack,
    aws,
    console,
    is_paused,
    pass_outside,
    sentence,
    stack_option,
    timeout_option,
)
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.text import say

if TYPE_CHECKING:
    from ecr_steward_cli.live.sweep_plan import PlanOfStack

_INTERVAL = 1.0
_SHORT = 20
"""From this many messages on, a writer's queue is too long for another portion."""


class NothingMatches(NeedsAttention):
    """No rule says anything about a repository that the glob matches, or there is none."""


@dataclass(slots=True)
class SweepProgress:
    """How far a sweep by hand has been sent: `sent` of `matching` repositories.

    `sweep` is its id in the history, `part` the next of its `parts` portions.
    """

    sweep: str
    sent: int = 0
    matching: int = 0
    part: int = 0
    parts: int = 1
    under_way: bool = False

    def left(self) -> str:
        """What was sent and what was not, where the sending ends early."""
        if self.sent:
            unsure = "; whether the next portion was is not known" if self.under_way else ""
            begun = f"{self.sent:,} of {self.matching:,} repositories were sent, as sweep "
            begun += f"{self.sweep}{unsure}"
        elif self.under_way:
            begun = "Whether the first portion was sent is not known"
        else:
            return "No repository was sent: the regular sweep reaches them all."
        return f"{begun}. The rest was not sent: the regular sweep reaches it."


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a sweep is narrowed to: the changes that a plan has for each repository, which was made
    by the rules of this fingerprint."""

    rules: str
    changes: Mapping[str, Planned]


def send(
    stack: Stack,
    glob: str,
    timeout: timedelta,
    progress: Callable[[SweepProgress], None] = lambda sending: None,
    narrowing: Narrowing | None = None,
) -> SweepProgress:
    """Send the repositories that `glob` matches to the writers, portion after portion.

    Each portion waits until the writers' queues are short, so that live pushes do not wait behind
    the sweep; `timeout` is how long one may wait, and `progress` is told of each that was sent.
    With `narrowing` only its repositories are sent, for its changes alone.
    Raises NeedsAttention where nothing matches, the function failed, or the sending ended early,
    which says how far it came; Refusal where `Mode` is off, or the writers are paused and more
    than one portion matches.
    """
    if stack.output("Mode") == "off":
        raise Refusal(
            f"Stack `{stack.name}` has Mode=off, so nothing is swept: deploy it with Mode=audit or "
            "Mode=enforce."
        )
    now = stack.outside.now()
    asked: dict[str, Any] = {"glob": glob, "id": f"{now:%Y%m%dT%H%M%S.%fZ}"}
    sending = SweepProgress(f"hand-{asked['id']}")
    if narrowing is not None:
        asked["planned"] = sorted(narrowing.changes)
        planned = stack.history().planned
        planned.keep(sending.sweep, narrowing.changes, narrowing.rules, now)
    paused = _paused(stack)
    if paused:
        _refuse_portions(stack, asked)
    with _told_how_far(sending):
        while sending.part < sending.parts:
            if sending.part or not paused:
                _await_room(stack, sending.part, timeout)
            _send_portion(stack, asked, sending)
            progress(sending)
    if not sending.sent:
        raise NothingMatches(
            f"No repository was sent: none that a rule says something about matches `{glob}`, as "
            f"far as this stack's RepositoryPattern `{stack.output('RepositoryPattern')}` goes."
        )
    return sending


@contextlib.contextmanager
def _told_how_far(sending: SweepProgress) -> Iterator[None]:
    """Whatever ends the sending early says how far it came, once there is something to say."""
    try:
        yield
    except KeyboardInterrupt:
        raise NeedsAttention(f"Interrupted. {sending.left()}") from None
    except (NeedsAttention, ClientError, BotoCoreError) as error:
        if not sending.sent:
            raise
        why = error.message if isinstance(error, NeedsAttention) else sentence(error)
        raise NeedsAttention(f"{why} {sending.left()}") from error


def _refuse_portions(stack: Stack, asked: Mapping[str, Any]) -> None:
    """Portions wait for the writers to take up those before, which paused ones never do."""
    found = _invoke(stack, {**asked, "part": LOOK})
    if found["parts"] > 1:
        raise Refusal(
            f"The writers are paused, and {found['matching']:,} repositories are more than the "
            f"{PORTION} that are sent at once, so none was sent: `ecr-steward resume` first, or "
            "name fewer with GLOB."
        )


def _await_room(stack: Stack, part: int, timeout: timedelta) -> None:
    """Wait until both writers' queues are short. Raises NeedsAttention if that takes too long."""
    outside = stack.outside
    end = outside.now() + timeout
    if part:
        outside.sleep(_INTERVAL)  # SQS counts late what it has just been sent
    # What is delayed waits, too: a portion would look done until SettleSeconds have passed.
    while (longest := _longest(stack))[0] >= _SHORT:
        if _paused(stack):
            raise NeedsAttention("The writers were paused, so no more is sent.")
        if outside.now() >= end:
            raise NeedsAttention(
                f"{longest[1]} still has {longest[0]:,} messages after "
                f"{timeout.total_seconds():.0f} seconds, so no more is sent: `ecr-steward status` "
                "says what waits."
            )
        outside.sleep(_INTERVAL)


def _longest(stack: Stack) -> tuple[int, str]:
    """The messages of the writers' longest queue, and its name."""
    return max((sum(stack.depths(queue)), queue) for queue in stack.switches())


def _send_portion(stack: Stack, asked: Mapping[str, Any], sending: SweepProgress) -> None:
    sending.under_way = True
    said = _invoke(stack, {**asked, "part": sending.part})
    sending.under_way = False
    sending.sent += said["sent"]
    sending.matching, sending.parts = said["matching"], said["parts"]
    sending.part += 1


def _invoke(stack: Stack, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """What SweepFunction replies. Raises NeedsAttention if it fails."""
    answer = stack.client("lambda").invoke(
        FunctionName=stack.output("SweepFunctionName"), Payload=json.dumps(asked).encode()
    )
    said: Mapping[str, Any] = json.loads(answer["Payload"].read() or b"{}")
    if answer.get("FunctionError"):
        raise NeedsAttention(
            f"{stack.output('SweepFunctionName')} failed: {said.get('errorMessage', said)} "
            "See its log."
        )
    return said


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
        totals = history.sweeps.totals(sweep)
        progress(totals.get("repositories", 0))
        fact = history.sweeps.completed(sweep)
        if fact is not None:
            return fact
        if outside.now() >= end:
            raise NeedsAttention(_unfinished(totals, timeout))
        outside.sleep(_INTERVAL)


def _unfinished(totals: Mapping[str, int], timeout: timedelta) -> str:
    visited, expected = visits(totals), totals.get("expected", 0)
    return (
        f"After {timeout.total_seconds():.0f} seconds {visited:,} of {expected:,} visits were "
        "made. The sweep continues by itself; `ecr-steward status` shows what waits."
    )


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
        if _paused(stack):
            say("The writers are paused: the sweep begins with `ecr-steward resume`.")
            return
        fact = _followed(stack, sending, patience)
        audit = " Mode is audit: nothing was changed." if fact.mode == "audit" else ""
        say(f"{fact.reason}{audit}")
        if kept is not None:
            kept.say_how_much_is_done()
    if fact.totals.get("failed"):
        raise NeedsAttention("To see what failed: `ecr-steward history REPOSITORY`.")


def _paused(stack: Stack) -> bool:
    """Whether the writers are known to be paused; who may not ask goes on."""
    with contextlib.suppress(Refusal), aws():
        return is_paused(stack.writers())
    return False


def _counted(sent: int) -> str:
    return f"{sent:,} repository was" if sent == 1 else f"{sent:,} repositories were"
