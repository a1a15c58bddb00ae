"""A sweep by hand: sent portion after portion, and followed until it is complete."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ecr_steward.history.planned import Planned
from ecr_steward.sweep.send import LOOK, PORTION
from ecr_steward.sweep.tally import visits
from ecr_steward.words.facts import Fact
from ecr_steward_cli.deployed.stack import Stack, aws, is_paused, sentence
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal

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
    paused = writers_paused(stack)
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
        if writers_paused(stack):
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


def writers_paused(stack: Stack) -> bool:
    """Whether the writers are known to be paused; who may not ask goes on."""
    with contextlib.suppress(Refusal), aws():
        return is_paused(stack.writers())
    return False
