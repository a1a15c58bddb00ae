"""`ecr-steward wait`: for the pipeline that pulls `1.4` right after it pushed `1.4.2`."""

from __future__ import annotations

from datetime import timedelta

import click

from ecr_steward.words.grammar import is_tag
from ecr_steward_cli.deployed.places import arrived, hindrance, place
from ecr_steward_cli.deployed.stack import (
    Outside,
    Subject,
    aws,
    pass_outside,
    stack_option,
    timeout_option,
)
from ecr_steward_cli.given.names import is_digest
from ecr_steward_cli.terminal.errors import NeedsAttention
from ecr_steward_cli.terminal.text import say


def image_named(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """The callback of an option that names an image by its digest or by a tag."""
    if value is not None and not (is_digest(value) or is_tag(value)):
        raise click.BadParameter(f"`{value}` is neither a tag nor `sha256:` and 64 hex digits.")
    return value


@click.command()
@click.argument("subject", metavar="REPOSITORY:TAG", type=Subject())
@click.option(
    "--for",
    "goal",
    metavar="DIGEST|UNIQUE_TAG",
    required=True,
    callback=image_named,
    help="The image that the tag must be on.",
)
@timeout_option(0, 60, "How long to wait.")
@stack_option
@pass_outside
def wait(
    outside: Outside, stack_name: str, subject: tuple[str, str], goal: str, timeout: int
) -> None:
    """Wait until TAG is on the image of a digest or of a unique tag.

    It needs the right ecr:DescribeImages alone; the stack only helps to say why nothing moved.

    \b
    Example:
      ecr-steward wait base/redis:1.4 --for 1.4.2 --timeout 60
    """
    repository, tag = subject
    with aws():
        there, found = arrived(outside, repository, tag, goal, timedelta(seconds=timeout))
        where = found.words(tag) if found else ""
        if there:
            say(f"{repository}:{tag} is on {where}.")
            return
        absent = is_tag(goal) and place(outside.client("ecr"), repository, goal) is None
    state = f"is on {where}, not on {goal}" if found else "does not exist"
    why = f" No image has the tag {goal}: was it pushed?" if absent else ""
    raise NeedsAttention(
        f"After {timeout} seconds {repository}:{tag} {state}."
        f"{why or hindrance(stack_name, outside, repository, tag)}"
    )
