"""`ecr-steward rollback`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import click

from ecr_steward.ecr import RegistryError
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.holds import Hold
from ecr_steward_cli.commands.hold import hold_options, until_words
from ecr_steward_cli.commands.wait import image_named
from ecr_steward_cli.deployed.governed import governed
from ecr_steward_cli.deployed.places import place
from ecr_steward_cli.deployed.rollbacks import Rollback, aim, manifest_of, words
from ecr_steward_cli.deployed.stack import Outside, Stack, Subject, aws, pass_outside, stack_option
from ecr_steward_cli.given import times
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.text import say


@contextlib.contextmanager
def _ecr() -> Iterator[None]:
    try:
        yield
    except RegistryError as error:
        raise Refusal(
            f"ECR refused {error.operation}: {error.code}: {error.message.rstrip('.')}."
        ) from error


def _run(rollback: Rollback) -> None:
    """Once the hold is written, whatever goes wrong says that it is there."""
    try:
        with aws(), _ecr():
            rollback.run()
    except Refusal as error:
        raise NeedsAttention(
            f"{error.message} {rollback.subject} was not moved; it is held where it is: "
            f"`ecr-steward release {rollback.subject}` ends that."
        ) from error


@click.command()
@click.argument("subject", metavar="REPOSITORY:TAG", type=Subject())
@click.option(
    "--to",
    metavar="DIGEST|UNIQUE_TAG",
    callback=image_named,
    help="The image to go back to; without it, the one that the tag was on before.",
)
@hold_options
@stack_option
@pass_outside
def rollback(
    outside: Outside,
    stack_name: str,
    subject: tuple[str, str],
    to: str | None,
    until: str | None,
    reason: str,
) -> None:
    """Move a stable tag back to an earlier image, and hold it there.

    The hold comes first, or the steward would move the tag forward again. Your own credentials move
    the tag, whatever the stack's Mode.

    \b
    Examples:
      ecr-steward rollback base/redis:latest
      ecr-steward rollback base/redis:1.4 --to 1.4.1 --until 2d
    """
    end = None if until is None else times.ahead(until, outside.now(), "--until")
    stack = Stack.find(stack_name, outside)
    with aws(), _ecr():
        ecr = stack.client("ecr")
        registry, history = EcrRegistry(ecr), stack.history()
        held = governed(stack, *subject)
        start = place(ecr, held.repository, held.tag)
        goal = aim(ecr, registry, history, held, start, to)
        manifest = manifest_of(registry, held.repository, goal.digest)
        who = stack.caller()
    hold = Hold(held.tag, outside.now(), end, who["Arn"], reason)
    _run(Rollback(stack, held, registry, history, hold, who["Account"], start, goal, manifest))
    say(
        f"{held} is on {words(goal, held.tag)} and stays there {until_words(end)}. "
        f"`ecr-steward release {held}` ends it and lets the tag catch up."
    )
