"""`ecr-steward hold` and `ecr-steward release`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import click

from ecr_steward.history.holds import Hold
from ecr_steward.queues.hints import HintQueue
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import iso
from ecr_steward_cli.deployed.governed import Governed, governed
from ecr_steward_cli.deployed.places import hindrance, place
from ecr_steward_cli.deployed.stack import Outside, Stack, Subject, aws, pass_outside, stack_option
from ecr_steward_cli.given import times
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.text import printable, say

_Command = TypeVar("_Command", bound=Callable[..., object])

LONGEST_REASON = 500
"""Most characters of why a tag is held: it stands in all that is told of the tag meanwhile."""


def until_words(until: datetime | None) -> str:
    return "until it is released" if until is None else f"until {iso(until)}"


def _brief(context: click.Context, option: click.Parameter, reason: str) -> str:
    brief = printable(" ".join(reason.split()))
    if len(brief) > LONGEST_REASON:
        raise click.BadParameter(
            f"{len(brief):,} characters, at most {LONGEST_REASON} are allowed."
        )
    return brief


def hold_options(command: _Command) -> _Command:
    """The options of every command that holds a tag."""
    for option in (
        click.option(
            "--reason",
            metavar="TEXT",
            default="",
            callback=_brief,
            help="Why; shown in status, history and messages.",
        ),
        click.option(
            "--until",
            metavar="TIME",
            help="When the hold ends: 2h, 3d, a day (its end, UTC), or a time such as "
            "2026-12-24T18:00:00Z.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("subject", metavar="REPOSITORY:TAG", type=Subject())
@hold_options
@click.option("--replace", "replacing", is_flag=True, help="Take the place of another's hold.")
@stack_option
@pass_outside
def hold(
    outside: Outside, stack_name: str, subject: tuple[str, str], until: str | None, reason: str,
    replacing: bool,
) -> None:  # fmt: skip
    """Keep a stable tag where it is.

    The steward then leaves it alone, and reports what it misses; `ecr-steward release` ends that.

    \b
    Example:
      ecr-steward hold base/redis:1.4 --until 3d --reason "1.4.3 leaks memory"
    """
    end = None if until is None else times.ahead(until, outside.now(), "--until")
    stack = Stack.find(stack_name, outside)
    with aws():
        held = governed(stack, *subject)
        found = place(stack.client("ecr"), *subject)
        if found is None:
            raise Refusal(f"No image of {held.repository} has the tag {held.tag}.")
        if not replacing:
            _refuse_second(stack, held, outside.now())
        by = stack.caller()["Arn"]
        stack.history().holds.put(held.repository, Hold(held.tag, outside.now(), end, by, reason))
        if stack.expiries().concerns(held.repository):
            cause = Cause(f"hold-{_stamp(outside)}", "Hold", by)
            needed = (held.repository, Action.NEED, held.tag, found.digest)
            _hand_on(stack, Hint(*needed, cause, outside.now()))
    say(
        f"{held} stays on {found.words(held.tag)} {until_words(end)}. "
        f"`ecr-steward release {held}` ends it and lets the tag catch up."
    )


def _refuse_second(stack: Stack, held: Governed, now: datetime) -> None:
    """Raises Refusal where a person holds the tag; the steward's own hold gives way to a person."""
    memory = stack.history().recall(held.repository, [held.tag], ())
    first = memory.holds.get(held.tag)
    if first is not None and first.holds(now) and not first.automatic:
        raise Refusal(f"{held} is held already, {first}. To hold it in its place add --replace.")


@click.command()
@click.argument("subject", metavar="REPOSITORY:TAG", type=Subject())
@stack_option
@pass_outside
def release(outside: Outside, stack_name: str, subject: tuple[str, str]) -> None:
    """End the hold of a stable tag, and have it catch up with what it missed.

    \b
    Example:
      ecr-steward release base/redis:1.4
    """
    repository, tag = subject
    name = f"{repository}:{tag}"
    stack = Stack.find(stack_name, outside)
    with aws():
        history = stack.history()
        held = {hold.tag: hold for _, hold in history.holds.all(repository)}.get(tag)
        if held is None:
            raise NeedsAttention(f"{name} is not held: `ecr-steward status` lists the holds.")
        by = stack.caller()["Arn"]
        history.holds.release(repository, tag)
    try:
        with aws():
            look_at(stack, repository, tag, Cause(f"release-{_stamp(outside)}", "Release", by))
    except Refusal as error:
        raise NeedsAttention(
            f"{name} is released, but the writer could not be notified: {error.message} The "
            "next sweep lets the tag catch up."
        ) from error
    say(
        f"{name} is released (it was held {held}); the writer checks it now."
        f"{hindrance(stack_name, outside, repository, tag)}"
    )


def look_at(stack: Stack, repository: str, tag: str, cause: Cause) -> None:
    """Have the writer look at a stable tag, as if it had been pushed."""
    _hand_on(stack, Hint(repository, Action.PUSH, tag, None, cause, stack.outside.now()))


def _hand_on(stack: Stack, hint: Hint) -> None:
    HintQueue(lambda: stack.client("sqs"), stack.output("RetagQueueUrl")).send(hint)


def _stamp(outside: Outside) -> str:
    return f"{outside.now():%Y%m%dT%H%M%S.%fZ}"
