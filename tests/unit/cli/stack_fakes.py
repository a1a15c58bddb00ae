"""A deployed stack for the commands that operate one: hand-written clients, a clock that waits."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import click
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result

from ecr_steward.history.tags import History
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.reading import iso
from ecr_steward_cli.deployed.stack import Outside, Stack
from ecr_steward_cli.in_memory.images import MemoryEcr
from ecr_steward_cli.in_memory.table import MemoryTable

NOW = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
QUEUES = (
    "RetagQueue",
    "SettingsQueue",
    "NotifyQueue",
    "RetryQueue",
    "SettingsFailureQueue",
    "CheckSettingsFailureQueue",
    "RetagFailureQueue",
    "RetentionFailureQueue",
    "StewardEventsFailureQueue",
    "NotifyFailureQueue",
    "CheckTagsFailureQueue",
    "PublishFailureQueue",
    "SweepFailureQueue",
    "CheckRunningFailureQueue",
    "LookRunningFailureQueue",
)
RETAG = "11111111-2222-3333-4444-555555555555"
POLICY = "66666666-7777-8888-9999-000000000000"
RULES_LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:ecr-steward-rules:7"
ADA = "arn:aws:iam::123456789012:user/ada"
RULES_URL = "https://layers.example/rules.zip"

Refusals = dict[str, ClientError]


def refusal(code: str, operation: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def denied(operation: str) -> ClientError:
    return refusal("AccessDeniedException", operation, f"not authorized to perform {operation}")


class Client:
    """A client that refuses the operations named in `refusals` (by method)."""

    def __init__(self, refusals: Refusals) -> None:
        self.meta = SimpleNamespace(region_name="eu-west-1")
        self._refusals = refusals

    def answer(self, method: str) -> None:
        if method in self._refusals:
            raise self._refusals[method]


class CloudFormation(Client):
    def __init__(self, refusals: Refusals, name: str, created: datetime) -> None:
        super().__init__(refusals)
        self.stack: dict[str, Any] = {
            "StackName": name,
            "StackStatus": "UPDATE_COMPLETE",
            "CreationTime": created,
        }
        self.outputs = {
            "Mode": "enforce",
            "Version": "0.1.0",
            "RepositoryPattern": "*",
            "HistoryTableName": "history",
            "NotificationTopicArn": "arn:aws:sns:eu-west-1:123456789012:messages",
            "CheckTagsFunctionName": "check_tags",
            "CheckSettingsFunctionName": "check_settings",
            "EnforceSettingsFunctionName": "enforce_settings",
            "RetagFunctionName": "retag",
            "SweepFunctionName": "sweep",
            "NotifyFunctionName": "notify",
            "PublishFunctionName": "publish",
            "CheckRunningFunctionName": "check_running",
            "LookRunningFunctionName": "look_running",
            "RetainImagesFunctionName": "retain_images",
            "SettingsMode": "audit",
            "RetagEventSource": RETAG,
            "SettingsEventSource": POLICY,
            **{f"{name}Url": f"https://sqs.example/123456789012/{name}" for name in QUEUES},
        }
        self.parameters = {
            "SweepHours": "24",
            "RunningSources": "ecs,eks-prod",
            "WorkloadAccounts": "",
            "RunningGraceDays": "7",
        }

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        self.answer("describe_stacks")
        if StackName != self.stack["StackName"]:
            message = f"Stack with id {StackName} does not exist"
            raise refusal("ValidationError", "DescribeStacks", message)
        outputs = [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]
        parameters = [{"ParameterKey": k, "ParameterValue": v} for k, v in self.parameters.items()]
        return {"Stacks": [{**self.stack, "Outputs": outputs, "Parameters": parameters}]}


class Lambda(Client):
    """Lambda with two event source mappings, each takes `slowness` looks to change its state.

    SweepFunction sends portions of the `matching` repositories and tells `answered` how many, or
    replies `reply`.
    """

    def __init__(self, refusals: Refusals) -> None:
        super().__init__(refusals)
        self.states = {RETAG: "Enabled", POLICY: "Enabled"}
        self.slowness = 0
        self.changes: list[tuple[str, bool]] = []
        self.invoked: list[dict[str, Any]] = []
        self.matching = 2
        self.reply: dict[str, Any] = {}
        self.answered: Callable[[int], object] = lambda sent: None
        self.error: str | None = None
        self.layers = [
            "arn:aws:lambda:eu-west-1:123456789012:layer:StewardLayer:3",
            RULES_LAYER,
        ]
        self._looks = dict.fromkeys(self.states, 0)

    @property
    def state(self) -> str:
        """The state of both mappings, in which they must agree."""
        (state,) = set(self.states.values())
        return state

    @state.setter
    def state(self, state: str) -> None:
        self.states = dict.fromkeys(self.states, state)

    def get_event_source_mapping(self, UUID: str) -> dict[str, Any]:  # noqa: N803
        self.answer("get_event_source_mapping")
        if self.states[UUID] in ("Enabling", "Disabling"):
            self._looks[UUID] -= 1
            if self._looks[UUID] < 0:
                settled = {"Enabling": "Enabled", "Disabling": "Disabled"}
                self.states[UUID] = settled[self.states[UUID]]
        return {"UUID": UUID, "State": self.states[UUID]}

    def update_event_source_mapping(self, UUID: str, Enabled: bool) -> dict[str, Any]:  # noqa: N803
        self.answer("update_event_source_mapping")
        if self.states[UUID] not in ("Enabled", "Disabled"):
            raise refusal("ResourceInUseException", "UpdateEventSourceMapping")
        self.changes.append((UUID, Enabled))
        self.states[UUID] = "Enabling" if Enabled else "Disabling"
        self._looks[UUID] = self.slowness
        return {"UUID": UUID, "State": self.states[UUID]}

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        self.answer("get_function_configuration")
        return {"FunctionName": FunctionName, "Layers": [{"Arn": arn} for arn in self.layers]}

    def get_layer_version_by_arn(self, Arn: str) -> dict[str, Any]:  # noqa: N803
        self.answer("get_layer_version_by_arn")
        return {"Content": {"Location": RULES_URL if Arn == RULES_LAYER else "https://other"}}

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        self.answer("invoke")
        self.invoked.append({"function": FunctionName, **json.loads(Payload)})
        reply = self.reply or self._portion(self.invoked[-1].get("part", 0))
        self.answered(reply.get("sent", 0))
        answer = {"Payload": io.BytesIO(json.dumps(reply).encode())}
        return answer | ({"FunctionError": self.error} if self.error else {})

    def _portion(self, part: int) -> dict[str, Any]:
        sent = 0 if part < 0 else max(0, min(50, self.matching - 50 * part))
        return {"sent": sent, "parts": -(-self.matching // 50), "matching": self.matching}


class Sqs(Client):
    """Queues whose depths are (waiting, in flight, delayed); they keep what they are `sent`.

    `held` are the messages of each queue; a move takes `slowness` looks and ends in `outcome`.
    """

    def __init__(self, refusals: Refusals) -> None:
        super().__init__(refusals)
        self.depths: dict[str, tuple[int, int, int]] = {}
        self.sent: list[dict[str, Any]] = []
        self.held: dict[str, list[dict[str, Any]]] = {}
        self.hidden: set[str] = set()
        self.moves: list[tuple[str, str]] = []
        self.outcome: dict[str, str] = {"Status": "COMPLETED"}
        self.slowness = 2

    def hold(self, queue: str, body: Any, **attributes: str) -> str:
        """Put a message in a queue; returns its id."""
        text = body if isinstance(body, str) else json.dumps(body)
        messages = self.held.setdefault(queue, [])
        name = f"{queue}-{len(messages) + 1}"
        messages.append(
            {
                "MessageId": name,
                "ReceiptHandle": name,
                "Body": text,
                "Attributes": {"SentTimestamp": str(int(NOW.timestamp() * 1000))},
                "MessageAttributes": {k: {"StringValue": v} for k, v in attributes.items()},
            }
        )
        return name

    def send_message(self, **asked: Any) -> dict[str, Any]:
        self.answer("send_message")
        self.sent.append(asked)
        return {"MessageId": "1"}

    def receive_message(self, **asked: Any) -> dict[str, Any]:
        self.answer("receive_message")
        held = self.held.get(_name(asked["QueueUrl"]), [])
        visible = [each for each in held if each["MessageId"] not in self.hidden]
        received = visible[: asked["MaxNumberOfMessages"]]
        self.hidden |= {each["MessageId"] for each in received}
        return {"Messages": received} if received else {}

    def delete_message(self, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803
        self.answer("delete_message")
        held = self.held[_name(QueueUrl)]
        held[:] = [each for each in held if each["ReceiptHandle"] != ReceiptHandle]

    def change_message_visibility_batch(
        self,
        QueueUrl: str,  # noqa: N803
        Entries: list[dict[str, Any]],  # noqa: N803
    ) -> dict[str, Any]:
        self.hidden -= {each["ReceiptHandle"] for each in Entries}
        return {}

    def start_message_move_task(self, SourceArn: str, DestinationArn: str) -> dict[str, str]:  # noqa: N803
        self.answer("start_message_move_task")
        self.moves.append((_name(SourceArn), _name(DestinationArn)))
        self.held.pop(_name(SourceArn), None)
        return {"TaskHandle": "1"}

    def list_message_move_tasks(self, SourceArn: str, MaxResults: int) -> dict[str, Any]:  # noqa: N803
        moved = [each for each in self.moves if each[0] == _name(SourceArn)]
        self.slowness -= len(moved)
        running = {"Status": "RUNNING"}
        return {"Results": [running if self.slowness > 0 else self.outcome] if moved else []}

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        name = _name(QueueUrl)
        self.answer(name)
        if AttributeNames == ["QueueArn"]:
            return {"Attributes": {"QueueArn": f"arn:aws:sqs:eu-west-1:123456789012/{name}"}}
        depths = map(str, self.depths.get(name, (len(self.held.get(name, ())), 0, 0)))
        return {"Attributes": dict(zip(AttributeNames, depths, strict=True))}


def _name(address: str) -> str:
    """The queue's name at the end of its URL or ARN."""
    return address.rpartition("/")[2]


class Stream(Client):
    """The history's stream, whose records have the sequence numbers 1, 2, 3, …"""

    def __init__(self, refusals: Refusals) -> None:
        super().__init__(refusals)
        self.records: list[dict[str, Any]] = []

    def get_shard_iterator(self, **asked: str) -> dict[str, str]:
        self.answer("get_shard_iterator")
        return {"ShardIterator": asked["SequenceNumber"]}

    def get_records(self, ShardIterator: str, Limit: int) -> dict[str, Any]:  # noqa: N803
        return {"Records": self.records[int(ShardIterator) - 1 :][:Limit]}


class CloudWatch(Client):
    """Ages of the oldest message by queue, and sums by function and metric; minute by minute."""

    def __init__(self, refusals: Refusals) -> None:
        super().__init__(refusals)
        self.ages: dict[str, list[tuple[datetime, float]]] = {}
        self.sums: dict[tuple[str, str], dict[datetime, int]] = {}

    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        self.answer("get_metric_statistics")
        ages = self.ages.get(asked["Dimensions"][0]["Value"], [])
        return {
            "Datapoints": [
                {"Timestamp": time, "Maximum": age}
                for time, age in ages
                if asked["StartTime"] <= time <= asked["EndTime"]
            ]
        }

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        self.answer("get_metric_data")
        results = []
        for query in asked["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            sums = self.sums.get((metric["Dimensions"][0]["Value"], metric["MetricName"]), {})
            inside = {t: n for t, n in sums.items() if asked["StartTime"] <= t <= asked["EndTime"]}
            values = list(map(float, inside.values()))
            results.append({"Id": query["Id"], "Timestamps": list(inside), "Values": values})
        return {"MetricDataResults": results}


class Sns(Client):
    """The topic of messages and alarms."""

    def __init__(self, refusals: Refusals) -> None:
        super().__init__(refusals)
        self.attributes = {"SubscriptionsConfirmed": "1", "SubscriptionsPending": "0"}

    def get_topic_attributes(self, TopicArn: str) -> dict[str, Any]:  # noqa: N803
        self.answer("get_topic_attributes")
        return {"Attributes": self.attributes}


class Sts(Client):
    """Ada gives the commands."""

    def get_caller_identity(self) -> dict[str, str]:
        self.answer("get_caller_identity")
        return {"Account": "123456789012", "Arn": ADA, "UserId": "AIDA"}


class Deployed:
    """A stack with everything in it; `at(seconds)` plans what happens while a command waits."""

    def __init__(self, name: str = "ecr-steward", created: datetime = NOW) -> None:
        self.now = NOW
        self.refusals: Refusals = {}
        self.cloudformation = CloudFormation(self.refusals, name, created)
        self.functions = Lambda(self.refusals)
        self.sqs = Sqs(self.refusals)
        self.stream = Stream(self.refusals)
        self.cloudwatch = CloudWatch(self.refusals)
        self.sns = Sns(self.refusals)
        self.sts = Sts(self.refusals)
        self.ecr = MemoryEcr(clock=lambda: self.now)
        self.table = MemoryTable()
        self.history = History(self.table)
        self.layer = rules_layer("3a92dae3b84f")
        self._plans: list[tuple[datetime, Callable[[], object]]] = []
        self.outside = Outside(
            client=self._client,
            now=lambda: self.now,
            sleep=self._sleep,
            download=self._download,
            open_table=lambda client, name: self.table,
        )

    def stack(self) -> Stack:
        return Stack.find(str(self.cloudformation.stack["StackName"]), self.outside)

    def run(self, command: click.Command, *arguments: str, **env: str) -> Result:
        """The command as it is typed, its stack's name given by nothing else."""
        given: Mapping[str, str | None] = {"ECR_STEWARD_STACK": None, **env}
        return CliRunner().invoke(command, arguments, obj=self.outside, env=given)

    def at(self, seconds: float, happening: Callable[[], object]) -> None:
        self._plans.append((self.now + timedelta(seconds=seconds), happening))

    def _client(self, service: str) -> Any:
        return {
            "cloudformation": self.cloudformation,
            "lambda": self.functions,
            "sqs": self.sqs,
            "dynamodbstreams": self.stream,
            "cloudwatch": self.cloudwatch,
            "sns": self.sns,
            "sts": self.sts,
            "ecr": self.ecr,
            "dynamodb": None,
        }[service]

    def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        for plan in [each for each in self._plans if each[0] <= self.now]:
            self._plans.remove(plan)
            plan[1]()

    def _download(self, url: str) -> bytes:
        if url != RULES_URL:
            raise OSError(f"nothing is at {url}")
        return self.layer


def rules_layer(fingerprint: str, document: Mapping[str, Any] | None = None) -> bytes:
    """The rules layer's archive, as `sam build` makes it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as files:
        text = json.dumps({"document": document or {}, "fingerprint": fingerprint})
        files.writestr("python/steward_rules/rules.json", text)
    return content.getvalue()


def digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


def fact(kind: FactKind = FactKind.MOVE, time: datetime = NOW, **given: Any) -> Fact:
    defaults: dict[str, Any] = {
        "cause": Cause("11111111", "ECR Image Action"),
        "account": "123456789012",
        "region": "eu-west-1",
        "repository": "base/redis",
        "mode": "enforce",
        "rule": "0: base/*",
        "rules": "3a92dae3b84f",
        "reason": "1.4.2 is the highest of 1.4.*.",
        "time": iso(time),
    }
    return Fact(kind=kind, **(defaults | given))


def swept(sweep: str, time: datetime, **given: Any) -> Fact:
    """What a complete sweep says."""
    said: dict[str, Any] = {
        "cause": Cause(sweep, "Sweep"),
        "repository": "",
        "reason": "2 repositories swept.",
        "totals": {"repositories": 2, "missing": 0},
    }
    return fact(FactKind.SWEPT, time, **(said | given))
