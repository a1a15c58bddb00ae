"""`ecr-steward wait`: for the pipeline that pulls `1.4` right after it pushed `1.4.2`."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import click
from botocore.exceptions import ClientError

from ecr_steward.messages.say.wording import short
from ecr_steward.words.grammar import is_tag
from ecr_steward_cli.deployed.stack import (
    Outside,
    Stack,
    Subject,
    aws,
    is_paused,
    pass_outside,
    stack_option,
    timeout_option,
)
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.text import say

_INTERVAL = 1.0
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Place:
    """The image a tag is on."""

    digest: str
    tags: tuple[str, ...]

    def is_image(self, goal: str) -> bool:
        """Whether it is the image of the digest or unique tag `goal`."""
        return goal == self.digest or goal in self.tags

    def words(self, tag: str) -> str:
        others = ", ".join(each for each in self.tags if each != tag)
        return f"{others} ({short(self.digest)})" if others else short(self.digest)


def place(ecr: Any, repository: str, tag: str) -> Place | None:
    """Where `tag` is now; None if no image has it. Raises Refusal if there is no repository.

    The image's tags come with its digest, so that one call tells it all (ECR API: DescribeImages).
    """
    try:
        answer = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ImageNotFoundException":
            return None
        if code == "RepositoryNotFoundException":
            raise Refusal(
                f"There is no repository `{repository}` in this registry: check its name, and the "
                "account and Region of your credentials."
            ) from error
        raise
    found = answer["imageDetails"][0]
    return Place(found["imageDigest"], tuple(found.get("imageTags", ())))


def arrived(
    outside: Outside, repository: str, tag: str, goal: str, timeout: timedelta
) -> tuple[bool, Place | None]:
    """Whether `tag` came to the image of `goal` in time, and where it is; asks once a second."""
    ecr = outside.client("ecr")
    end = outside.now() + timeout
    while True:
        found = place(ecr, repository, tag)
        if found is not None and found.is_image(goal):
            return True, found
        if outside.now() >= end:
            return False, found
        outside.sleep(_INTERVAL)


def hindrance(stack_name: str, outside: Outside, repository: str, tag: str) -> str:
    """What in the stack keeps a tag where it is, as a sentence; nothing where that is unknown.

    A pipeline that may only ask ECR can wait all the same.
    """
    with contextlib.suppress(Refusal), aws():
        stack = Stack.find(stack_name, outside)
        mode = stack.output("Mode")
        if mode != "enforce":
            return f" Stack `{stack_name}` has Mode={mode}, which moves no tag."
        if is_paused(stack.writers()):
            return f" Stack `{stack_name}` is paused: `ecr-steward resume` continues."
        for _, hold in stack.history().holds.all(repository):
            if hold.tag == tag and hold.holds(outside.now()):
                return f" It is held {hold}: `ecr-steward release {repository}:{tag}` ends that."
    return ""


def image_named(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """The callback of an option that names an image by its digest or by a tag."""
    if value is not None and not (_DIGEST.fullmatch(value) or is_tag(value)):
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
