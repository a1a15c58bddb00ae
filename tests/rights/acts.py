"""An act: one thing that AWS or a function does with the rights of a role, and that it is done."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.running import RunningImages
from ecr_steward.history.tags import History
from ecr_steward.queues.hints import group_id
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from tests.rights.rules import REGISTRY
from tests.rights.stage import Stage
from tests.support.world import image, manifest

REPOSITORY = "base/redis"
SETTINGS = "base/settings"
GOING = "base/going"

Play = Callable[[Stage], None]


@dataclass(frozen=True, slots=True)
class Act:
    """`does` is what is done in words, by whom in the role's name; `play` raises where it is not.

    `parameters` are those of the stack that it needs otherwise, `registry` what its rules state for
    the registry.
    """

    role: str
    does: str
    play: Play
    parameters: Mapping[str, str] = field(default_factory=dict)
    registry: Mapping[str, Any] = field(default_factory=lambda: REGISTRY)

    def __str__(self) -> str:
        return f"{self.role}: {self.does}"


class Acts(list[Act]):
    """Acts in the order in which they are written."""

    def by(
        self,
        role: str,
        does: str,
        *,
        parameters: Mapping[str, str] = MappingProxyType({}),
        registry: Mapping[str, Any] = REGISTRY,
    ) -> Callable[[Play], Play]:
        """Decorate what plays an act of a role."""

        def add(play: Play) -> Play:
            self.append(Act(role, does, play, parameters, registry))
            return play

        return add


# ---------------------------------------------------------------------------- what acts share
def hold(stage: Stage, repository: str, *tags: str) -> None:
    """Create a repository with images, each under its own name as tag."""
    stage.ecr.create_repository(repositoryName=repository)
    for tag in tags:
        put(stage, repository, tag, tag)


def put(stage: Stage, repository: str, tag: str, name: str) -> None:
    """Push the image `name` under a tag."""
    stage.ecr.put_image(repositoryName=repository, imageManifest=manifest(name), imageTag=tag)


def send(
    stage: Stage,
    queue: str,
    repository: str,
    action: Action,
    tag: str | None = None,
    name: str | None = None,
    call: str | None = None,
) -> None:
    """Put a hint into a queue of a writer."""
    digest = None if name is None else image(name)
    number = f"{repository}-{action}-{tag}-{name}-{depth(stage, queue)}"
    hint = Hint(repository, action, tag, digest, Cause(number, "Test"), stage.now(), call=call)
    stage.client("sqs").send_message(
        QueueUrl=stage.ref(queue),
        MessageBody=hint.to_message(),
        MessageGroupId=group_id(repository),
        MessageDeduplicationId=f"{number}-{stage.now().timestamp()}",
    )  # fmt: skip


def depth(stage: Stage, queue: str) -> int:
    """How many messages a queue has, hidden ones too."""
    kinds = [f"ApproximateNumberOfMessages{each}" for each in ("", "NotVisible", "Delayed")]
    found = stage.client("sqs").get_queue_attributes(
        QueueUrl=stage.ref(queue), AttributeNames=kinds
    )
    return sum(int(found["Attributes"][each]) for each in kinds)


def table(stage: Stage) -> DynamoTable:
    return DynamoTable(stage.client("dynamodb"), stage.ref("HistoryTable"))


def history(stage: Stage) -> History:
    return History(table(stage))


def running(stage: Stage) -> RunningImages:
    return RunningImages(table(stage), timedelta(days=7))


def kinds(stage: Stage, repository: str) -> list[str]:
    """The kinds of facts that history has of a repository."""
    return [fact.kind.value for fact in history(stage).facts(repository)]


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def failing(error: Exception) -> Any:
    """What has each call of ECR end with an error."""

    def fail(operation: str, asked: Mapping[str, Any]) -> None:
        raise error

    return fail
