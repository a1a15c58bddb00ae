"""`ecr-steward redrive`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from ecr_steward.words.reading import iso
from ecr_steward_cli.deployed.failure_queues import FailedMessage, looked_at, names
from ecr_steward_cli.deployed.stack import Outside, Stack, aws, pass_outside, stack_option
from ecr_steward_cli.deployed.ways_back import MOST, WAYS, send_back
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.text import say


def _sent_back(stack: Stack, queue: str, *, discard: bool) -> Mapping[str, str]:
    """What stays of a queue, and why: all of it where AWS refuses, which costs no other queue."""
    try:
        with aws():
            return send_back(stack, queue, discard=discard)
    except (NeedsAttention, Refusal) as stuck:
        return {queue: stuck.message}


def _show(queue: str, messages: Sequence[FailedMessage], held: int) -> None:
    way = WAYS[queue].said if queue in WAYS else "not known"
    say(f"{queue}: {held} {'message' if held == 1 else 'messages'}. The way back: {way}.")
    for each in messages:
        say(f"  since {iso(each.since)}: {each.what}. Why: {each.why}")
    if held > len(messages):
        say(f"  and {held - len(messages)} more")


def _chosen(stack: Stack, asked: Sequence[str]) -> list[str]:
    there = names(stack)
    for each in asked:
        if each not in there:
            raise Refusal(f"`{each}` is no failure queue of this stack: {', '.join(there)}.")
    return [each for each in there if not asked or each in asked]


@click.command()
@click.argument("queues", metavar="[QUEUE]…", nargs=-1)
@click.option("--send", is_flag=True, help="Send the messages back; without it they are shown.")
@click.option("--discard", is_flag=True, help="With --send, delete what has no way back.")
@stack_option
@pass_outside
def redrive(
    outside: Outside, stack_name: str, queues: tuple[str, ...], send: bool, discard: bool
) -> None:
    """Show what lies in the failure queues, why and since when; with --send, send it back.

    QUEUE names failure queues, such as RetagFailureQueue; all by default. Remove the cause first.
    Exit code 1 if something lies there, or stays.

    \b
    Examples:
      ecr-steward redrive
      ecr-steward redrive RetagFailureQueue --send
    """
    if discard and not send:
        raise click.UsageError("--discard goes with --send.")
    stack = Stack.find(stack_name, outside)
    with aws():
        left = [each for each in _chosen(stack, queues) if _handled(stack, each, send, discard)]
    if left:
        raise NeedsAttention("" if send else "`ecr-steward redrive --send` sends them back.")
    say("Nothing is left in the failure queues.")


def _handled(stack: Stack, queue: str, send: bool, discard: bool) -> bool:
    """Show a queue, and send back what lies in it if that is asked for; whether something stays."""
    with looked_at(stack, queue, MOST) as messages:
        held = max(sum(stack.depths(queue)), len(messages))
    if not held:
        return False
    _show(queue, messages, held)
    if not send:
        return True
    if queue not in WAYS:
        say("  nothing is sent: this release knows no way back for this queue")
        return True
    stay = _sent_back(stack, queue, discard=discard)
    for why in sorted(set(stay.values())):
        say(f"  stays: {why}")
    more = held > len(messages) and not WAYS[queue].to
    if more:
        say("  there is more: repeat the command")
    return bool(stay) or more
