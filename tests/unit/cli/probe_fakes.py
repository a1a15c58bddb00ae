"""An account that a probe asks: ECR in memory, and as much of other services as it needs."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from ecr_steward_cli.deployed.stack import Outside
from ecr_steward_cli.in_memory.settings import MemorySettings
from tests.unit.cli.stack_fakes import Sts, refusal

BEGAN = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
ACCOUNT = "123456789012"


class ProbedEcr(MemorySettings):
    """ECR that takes layers; it keeps none, as the one in memory does not ask for any."""

    def create_repository_creation_template(self, *, prefix: str, **asked: Any) -> Any:
        if prefix.endswith("/"):
            raise refusal("InvalidParameterException", "CreateRepositoryCreationTemplate")
        return super().create_repository_creation_template(prefix=prefix, **asked)

    def initiate_layer_upload(self, **asked: Any) -> dict[str, str]:
        return {"uploadId": "1"}

    def upload_layer_part(self, **asked: Any) -> None:
        assert asked["partLastByte"] == len(asked["layerPartBlob"]) - 1

    def complete_layer_upload(self, **asked: Any) -> None:
        raise refusal("LayerAlreadyExistsException", "CompleteLayerUpload")


class Iam:
    """Roles; a policy that names a deleted one shows its id."""

    def __init__(self, account: ProbedAccount) -> None:
        self.account = account
        self.roles: dict[str, str] = {}

    def create_role(self, RoleName: str, **asked: Any) -> dict[str, Any]:  # noqa: N803
        self.roles[RoleName] = f"arn:aws:iam::{ACCOUNT}:role/{RoleName}"
        return {"Role": {"Arn": self.roles[RoleName]}}

    def delete_role(self, RoleName: str) -> None:  # noqa: N803
        if RoleName not in self.roles:
            raise refusal("NoSuchEntity", "DeleteRole")
        self.account.ecr.forget_principal(self.roles.pop(RoleName), "AROAEXAMPLE123456789")


class Events:
    """One rule at a time; what it matches goes to the account's queue."""

    def __init__(self) -> None:
        self.rules: dict[str, dict[str, Any]] = {}

    def put_rule(self, Name: str, EventPattern: str) -> dict[str, str]:  # noqa: N803
        self.rules[Name] = json.loads(EventPattern)
        return {"RuleArn": f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/{Name}"}

    def put_targets(self, **asked: Any) -> None: ...

    def remove_targets(self, Rule: str, **asked: Any) -> None:  # noqa: N803
        if Rule not in self.rules:
            raise refusal("ResourceNotFoundException", "RemoveTargets")

    def delete_rule(self, Name: str) -> None:  # noqa: N803
        del self.rules[Name]


class Queues:
    """One queue, and the events that came."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.came: list[dict[str, Any]] = []

    def create_queue(self, QueueName: str) -> dict[str, str]:  # noqa: N803
        self.names.add(QueueName)
        return {"QueueUrl": QueueName}

    def get_queue_url(self, QueueName: str) -> dict[str, str]:  # noqa: N803
        if QueueName not in self.names:
            raise refusal("AWS.SimpleQueueService.NonExistentQueue", "GetQueueUrl")
        return {"QueueUrl": QueueName}

    def delete_queue(self, QueueUrl: str) -> None:  # noqa: N803
        self.names.remove(QueueUrl)

    def get_queue_attributes(self, **asked: Any) -> dict[str, Any]:
        return {"Attributes": {"QueueArn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:probe"}}

    def set_queue_attributes(self, **asked: Any) -> None: ...

    def receive_message(self, **asked: Any) -> dict[str, Any]:
        came, self.came = self.came[:10], self.came[10:]
        return {"Messages": [{"Body": json.dumps(event)} for event in came]}


class Functions:
    """One function, whose SDK lacks what `lacks` names."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.lacks: list[str] = []

    def create_function(self, FunctionName: str, **asked: Any) -> None:  # noqa: N803
        self.names.add(FunctionName)

    def delete_function(self, FunctionName: str) -> None:  # noqa: N803
        self.names.remove(FunctionName)

    def get_waiter(self, name: str) -> Functions:
        return self

    def wait(self, FunctionName: str) -> None: ...  # noqa: N803

    def invoke(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        said = {"version": "1.40.0", "lacks": self.lacks}
        return {"Payload": io.BytesIO(json.dumps(said).encode())}


class Tampered:
    """A client of which some methods, by name, are others; each gets the one that it replaces."""

    def __init__(self, client: Any, methods: Mapping[str, Callable[..., Any]]) -> None:
        self._client = client
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        original = getattr(self._client, name)
        method = self._methods.get(name)
        if method is None:
            return original
        return lambda **asked: method(original, **asked)


class ProbedAccount:
    """The services; `tampered` methods of ECR do not behave as expected."""

    def __init__(self) -> None:
        self.now = BEGAN
        self.iam = Iam(self)
        self.sqs = Queues()
        self.events = Events()
        self.functions = Functions()
        self.sends_events = True
        ids = itertools.count(1)
        self.ecr = ProbedEcr(
            emit=self._emit,
            after=self._after,
            clock=lambda: self.now,
            ids=lambda: str(next(ids)),
        )
        self.ecr.strangers = {"-nobody"}
        self.tampered: dict[str, Callable[..., Any]] = {}

    def outside(self) -> Outside:
        return Outside(client=self.client, now=lambda: self.now, sleep=self._sleep)

    def client(self, service: str) -> Any:
        clients = {
            "ecr": Tampered(self.ecr, self.tampered),
            "iam": self.iam,
            "sqs": self.sqs,
            "events": self.events,
            "lambda": self.functions,
            "sts": Sts({}),
        }
        return clients[service]

    def left(self) -> list[str]:
        """What is there beside what was there before."""
        repositories = self.ecr.describe_repositories()["repositories"]
        names = [each["repositoryName"] for each in repositories]
        return [*names, *self.iam.roles, *self.sqs.names, *self.events.rules, *self.functions.names]

    def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def _emit(self, event: Mapping[str, Any]) -> None:
        wanted = [rule["detail-type"][0] for rule in self.events.rules.values()]
        if self.sends_events and event["detail-type"] in wanted:
            self.sqs.came.append(dict(event))

    def _after(self, operation: str, asked: Mapping[str, Any]) -> None:
        detail = {"eventName": operation, "requestParameters": dict(asked)}
        self._emit({"detail-type": "AWS API Call via CloudTrail", "detail": detail})


def refuse(code: str) -> Callable[..., Any]:
    """A method that refuses with a code."""

    def refused(original: Any, **asked: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "Operation")

    return refused
