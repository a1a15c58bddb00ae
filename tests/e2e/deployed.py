"""A stack as `sam deploy` left it on the local cloud, and what it does to the registry."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from ecr_steward.ecr.images import MEDIA_TYPES
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.tags import History
from ecr_steward.words.calls import API_CALL
from ecr_steward.words.facts import Fact
from ecr_steward.words.hints import IMAGE_ACTION
from local import images
from local.cloud import ACCOUNT, REGION, ROOT, Inbox, LocalCloud, QueuedMessage
from local.ecr.events import DEFAULT_SOURCE
from local.images import BuiltImage, Media
from tests.support.facts import faults
from tests.support.waiting import PATIENCE, eventually

T = TypeVar("T")

_CLI = (sys.executable, "-m", "ecr_steward_cli.main")
_DEPTHS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
# SNS and EventBridge write in their own name.
_ANYBODYS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        ],
    }
)
_FAILURE_QUEUES = (
    "CheckTagsFailureQueue",
    "RetagFailureQueue",
    "CheckSettingsFailureQueue",
    "SettingsFailureQueue",
    "PublishFailureQueue",
    "StewardEventsFailureQueue",
    "NotifyFailureQueue",
    "SweepFailureQueue",
    "CheckRunningFailureQueue",
    "LookRunningFailureQueue",
    "RetentionFailureQueue",
)


class Deployed:
    """One deployed stack. `deploy` once before everything else."""

    def __init__(self, cloud: LocalCloud, name: str, template: Path, **parameters: str) -> None:
        self.cloud = cloud
        self.name = name
        self.mode = ""
        """The stack's `Mode`, empty while it is not deployed."""
        self.template = template
        self._parameters = {"SettleSeconds": "0", "NotifyWindowSeconds": "1", **parameters}
        self._ids: dict[str, str] = {}
        self._messages: list[QueuedMessage] = []
        self._events: list[dict[str, Any]] = []

    # ------------------------------------------------------------------ the stack

    def deploy(self, mode: str) -> None:
        """Bring the stack to this `Mode`; the first time by `sam deploy`."""
        if mode == self.mode:
            return
        if self.mode:
            self.cloud.change(self.name, {"Mode": mode})
        else:
            self.cloud.sam_deploy(self.name, {**self._parameters, "Mode": mode}, self.template)
        self.mode = mode

    @contextlib.contextmanager
    def parameter(self, **given: str) -> Iterator[None]:
        """Give the stack other parameters, and the old ones back."""
        self.cloud.change(self.name, given)
        try:
            yield
        finally:
            self.cloud.change(self.name, {name: self._parameters[name] for name in given})

    def listen(self) -> None:
        """Begin to keep what goes to people, and what goes over the steward's bus."""
        self._inbox = Inbox(self.cloud, self.id("NotificationTopic"))
        sqs, events = self.cloud.client("sqs"), self.cloud.client("events")
        self._bus_queue = sqs.create_queue(QueueName=f"{self.name}-listener")["QueueUrl"]
        inboxes = sqs.list_queues(QueueNamePrefix="inbox-")["QueueUrls"]
        for url in (self._bus_queue, *inboxes):
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _ANYBODYS})
        arn = sqs.get_queue_attributes(QueueUrl=self._bus_queue, AttributeNames=["QueueArn"])
        bus = self.id("StewardBus")
        events.put_rule(
            Name="listener", EventBusName=bus, EventPattern='{"source": ["ecr-steward"]}'
        )
        target = {"Id": "listener", "Arn": arn["Attributes"]["QueueArn"]}
        events.put_targets(Rule="listener", EventBusName=bus, Targets=[target])  # type: ignore[list-item]

    def id(self, logical_id: str) -> str:
        """The physical id of a resource of the stack."""
        if logical_id not in self._ids:
            self._ids[logical_id] = self.cloud.resource(self.name, logical_id)
        return self._ids[logical_id]

    def invoke(self, logical_id: str, event: object, kind: str = "RequestResponse") -> Any:
        """Invoke a function; its answer, where it gives one at once. Fails where it raises."""
        answer = self.cloud.client("lambda").invoke(
            FunctionName=self.id(logical_id),
            InvocationType=kind,  # type: ignore[arg-type]
            Payload=json.dumps(event).encode(),
        )
        payload = answer["Payload"].read()
        assert "FunctionError" not in answer, payload
        return json.loads(payload) if payload else None

    def steward(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the `ecr-steward` command line against this stack."""
        return subprocess.run(
            [*_CLI, command, *arguments, "--stack", self.name],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", **self.cloud.environment()},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """`ecr-steward pause` before, `ecr-steward resume` after."""
        self._switch("pause", "Paused")
        try:
            yield
        finally:
            self._switch("resume", "Running")

    def _switch(self, command: str, said: str) -> None:
        run = self.steward(command)
        assert run.returncode == 0, run.stderr
        assert run.stdout.startswith(f"{said}: ")

    def role_actions(self, logical_id: str) -> set[str]:
        """What the deployed role may do, as IAM has it."""
        iam, role = self.cloud.client("iam"), self.id(logical_id)
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        policies = [
            iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names
        ]
        actions = [statement["Action"] for each in policies for statement in each["Statement"]]
        return {one for each in actions for one in ([each] if isinstance(each, str) else each)}

    # ------------------------------------------------------------------ the registry

    def push(
        self,
        reference: str,
        name: str | None = None,
        *,
        arch: tuple[str, ...] = ("amd64",),
        media: Media = Media.OCI,
        layers: bool = False,
    ) -> BuiltImage:
        """Push the image `name` (the reference's own if not given) as `repository:tag`."""
        repository = reference.partition(":")[0]
        self.cloud.create_repository(repository)
        image = images.build(f"{repository}:{name or reference}", arch, media)
        self.cloud.push(reference, image, layers=layers)
        return image

    def tags(self, repository: str) -> dict[str, str]:
        """Every tag of the repository and its digest."""
        return self.cloud.tags(repository)

    def manifests(self, repository: str, *tags: str) -> set[tuple[str, str]]:
        """The manifests, byte for byte, and media types that these tags name."""
        answer = self.cloud.client("ecr").batch_get_image(
            repositoryName=repository,
            imageIds=[{"imageTag": tag} for tag in tags],
            acceptedMediaTypes=list(MEDIA_TYPES),
        )
        assert not answer["failures"]
        return {
            (each["imageManifest"], each["imageManifestMediaType"]) for each in answer["images"]
        }

    def event_again(self, repository: str, tag: str, digest: str) -> None:
        """Put a PUSH event for what was pushed before on the default bus."""
        detail = {
            "result": "SUCCESS",
            "repository-name": repository,
            "image-digest": digest,
            "action-type": "PUSH",
            "image-tag": tag,
        }
        self.cloud.client("events").put_events(
            Entries=[
                {"Source": DEFAULT_SOURCE, "DetailType": IMAGE_ACTION, "Detail": json.dumps(detail)}
            ]
        )

    def policy(self, repository: str) -> list[dict[str, Any]]:
        """The statements of a repository's policy; none where there is no policy."""
        ecr = self.cloud.client("ecr")
        try:
            text = ecr.get_repository_policy(repositoryName=repository)["policyText"]
        except ecr.exceptions.RepositoryPolicyNotFoundException:
            return []
        statements: list[dict[str, Any]] = json.loads(text)["Statement"]
        return statements

    def made(self, operation: str) -> int:
        """How often the functions called an operation of ECR since `cloud.reset_calls`."""
        return self.cloud.calls().get("functions", {}).get(operation, 0)

    def writes(self) -> int:
        """How many images the functions have put since `cloud.reset_calls`."""
        return self.cloud.calls().get("functions", {}).get("PutImage", 0)

    # ------------------------------------------------------------------ what came of it

    def logged(self, logical_id: str, words: str) -> list[str]:
        """What stands in a log group with these words in it."""
        logs = self.cloud.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=self.id(logical_id))
        found = (event["message"] for page in pages for event in page["events"])
        return [message for message in found if words in message]

    def rest(self) -> None:
        """Wait until nothing moves any more: what has not happened then does not happen."""
        self.cloud.settle(PATIENCE)

    def until(
        self, look: Callable[[], T], what: str, holds: Callable[[T], object] = lambda seen: seen
    ) -> T:
        """Wait until what is seen holds, which is `what`; it is returned.

        In vain it fails with what was seen last, and what the functions logged.
        """
        seen = eventually(look, holds)
        if not holds(seen):
            pytest.fail(
                f"Not in {PATIENCE:.0f} s: {what}. Seen last: {seen!r}\n{self.cloud.last_words()}"
            )
        return seen

    def history(self) -> History:
        return History(DynamoTable(self.cloud.client("dynamodb"), self.id("HistoryTable")))

    def facts(self, repository: str) -> list[Fact]:
        """The past of a repository, as history has it."""
        return list(self.history().facts(repository))

    def messages(self, word: str) -> list[QueuedMessage]:
        """What people were sent so far that has a line ending in `word`, such as a repository."""
        self._messages += self._inbox
        return [
            each
            for each in self._messages
            if any(line.endswith(f" {word}") for line in each.body.splitlines())
        ]

    def events(self) -> list[dict[str, Any]]:
        """What went over the steward's bus so far."""
        sqs = self.cloud.client("sqs")
        while True:
            received = sqs.receive_message(QueueUrl=self._bus_queue, MaxNumberOfMessages=10)
            for each in received.get("Messages", ()):
                sqs.delete_message(QueueUrl=self._bus_queue, ReceiptHandle=each["ReceiptHandle"])
                self._events.append(json.loads(each["Body"]))
            if not received.get("Messages"):
                return self._events

    def faults(self) -> list[str]:
        """Where the events that went over the bus so far are not what their schemas want."""
        details = ((event["detail-type"], event["detail"]) for event in self.events())
        return [f"{kind}: {fault}" for kind, detail in details for fault in faults(kind, detail)]

    def depth(self, logical_id: str) -> int:
        """How many messages a queue holds, whether they can be received now or not."""
        attributes = self.cloud.client("sqs").get_queue_attributes(
            QueueUrl=self.id(logical_id), AttributeNames=list(_DEPTHS)
        )["Attributes"]
        return sum(int(attributes[name]) for name in _DEPTHS)

    def failures(self) -> dict[str, int]:
        """The failure queues that hold something."""
        depths = {name: self.depth(name) for name in _FAILURE_QUEUES}
        return {name: depth for name, depth in depths.items() if depth}

    def take(self, logical_id: str) -> list[str]:
        """The bodies of a queue's messages, which are taken out of it."""
        sqs, url = self.cloud.client("sqs"), self.id(logical_id)
        bodies: list[str] = []
        while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for each in received:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
                bodies.append(each["Body"])
        return bodies


def ecr_event(**detail: object) -> dict[str, Any]:
    """An `ECR Image Action` as EventBridge hands it over, with this `detail`."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": IMAGE_ACTION,
        "source": "aws.ecr",
        "account": ACCOUNT,
        "region": REGION,
        "time": "2026-11-23T02:24:00Z",
        "resources": [],
        "detail": detail,
    }


def call_event(name: str, **asked: object) -> dict[str, Any]:
    """A call of the ECR API as CloudTrail has it and EventBridge hands it over."""
    return {
        **ecr_event(),
        "detail-type": API_CALL,
        "detail": {
            "eventSource": "ecr.amazonaws.com",
            "eventName": name,
            "userIdentity": {"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root"},
            "requestParameters": asked,
        },
    }


def by_tag(facts: list[Fact], kind: str) -> Mapping[str | None, Fact]:
    """The facts of one kind, by tag."""
    return {fact.tag: fact for fact in facts if fact.kind == kind}
