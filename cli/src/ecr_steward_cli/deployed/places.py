"""Where tags are in ECR, and what in the stack keeps one where it is."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from ecr_steward.messages.say.wording import short
from ecr_steward_cli.deployed.stack import Outside, Stack, aws, is_paused
from ecr_steward_cli.terminal.errors import Refusal

_INTERVAL = 1.0


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
