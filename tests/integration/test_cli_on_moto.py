"""The operating commands with real clients: botocore's parsing, the stack's outputs, the table."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.tags import History
from ecr_steward.rules import compiled
from ecr_steward.start import clients, sandbox
from ecr_steward.start.environment import Environment
from ecr_steward.sweep.send import LOOK
from ecr_steward.sweep.slices import Slice
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.hints import Hint
from ecr_steward.words.reading import iso
from ecr_steward_cli.deployed.stack import Outside, Stack
from ecr_steward_cli.deployed.sweeps import send
from ecr_steward_cli.in_memory.images import MemoryEcr
from ecr_steward_cli.main import main
from functions.sweep.app import handle as sweep_handler
from tests.unit.cli.stack_fakes import RULES_LAYER, RULES_URL, rules_layer

ROOT = Path(__file__).parents[2]

REGION = "eu-west-1"
NAME = "steward-of-team-a"
FAILURES = ("RetagFailureQueue", "NotifyFailureQueue", "SweepFailureQueue")
QUEUES = ("RetagQueue", "SettingsQueue", "NotifyQueue", "RetryQueue", *FAILURES)

MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {},
        "layers": [],
    }
)

FIFO = {
    name: {
        "Type": "AWS::SQS::Queue",
        "Properties": {"QueueName": f"{name}.fifo", "FifoQueue": True},
    }
    for name in ("RetagQueue", "SettingsQueue")
}

TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {"SweepHours": {"Type": "Number", "Default": 24}},
    "Resources": {
        "HistoryTable": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": "pk", "AttributeType": "S"},
                    {"AttributeName": "sk", "AttributeType": "S"},
                    {"AttributeName": "subject", "AttributeType": "S"},
                ],
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": "by-tag",
                        "KeySchema": [
                            {"AttributeName": "subject", "KeyType": "HASH"},
                            {"AttributeName": "sk", "KeyType": "RANGE"},
                        ],
                        "Projection": {"ProjectionType": "ALL"},
                    }
                ],
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic"},
        **{name: {"Type": "AWS::SQS::Queue"} for name in QUEUES},
        **FIFO,
    },
    "Outputs": {
        "Mode": {"Value": "enforce"},
        "SettingsMode": {"Value": "audit"},
        "Version": {"Value": "0.1.0"},
        "HistoryTableName": {"Value": {"Ref": "HistoryTable"}},
        "NotificationTopicArn": {"Value": {"Ref": "Topic"}},
        "RetagFunctionName": {"Value": "retag"},
        "SweepFunctionName": {"Value": "sweep"},
        "RetagEventSource": {"Value": "11111111-2222-3333-4444-555555555555"},
        "SettingsEventSource": {"Value": "66666666-7777-8888-9999-000000000000"},
        **{f"{name}Url": {"Value": {"Ref": name}} for name in QUEUES},
    },
}


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "ECR_STEWARD_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        boto3.client("cloudformation", REGION).create_stack(
            StackName=NAME, TemplateBody=json.dumps(TEMPLATE)
        )
        yield


@pytest.fixture
def stack() -> Stack:
    return Stack.find(NAME, Outside())


def client(service: str) -> Any:
    make: Any = boto3.client
    return make(service, REGION)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--stack", NAME])


def move(time: datetime, tag: str) -> Fact:
    return Fact(
        kind=FactKind.MOVE,
        cause=Cause(f"push of {tag}", "ECR Image Action"),
        account="123456789012",
        region=REGION,
        repository="base/redis",
        mode="enforce",
        rule="0: base/*",
        rules="3a92dae3b84f",
        reason=f"`{tag}` follows.",
        time=iso(time),
        tag=tag,
        digest=f"sha256:{64 * 'a'}",
        after_tags=("1.4.2",),
    )


def test_the_stacks_outputs_and_parameters_are_found(stack: Stack) -> None:
    assert stack.output("Mode") == "enforce"
    assert stack.parameter("SweepHours") == "24"
    assert stack.region == REGION
    assert stack.created.tzinfo is not None


def test_a_missing_stack_is_one_sentence() -> None:
    result = CliRunner().invoke(main, ["status", "--stack", "other"])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"There is no stack `other` in {REGION}: ")


def test_no_region_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    result = run("status")
    assert result.exit_code == 2
    assert result.stderr.startswith("You must specify a region: name the Region in AWS_RE")


def test_status_reads_depths_and_sweeps_and_names_what_is_refused(stack: Stack) -> None:
    sqs = boto3.client("sqs", REGION)
    for number in range(3):
        sqs.send_message(
            QueueUrl=stack.output("RetagQueueUrl"),
            MessageBody=str(number),
            MessageGroupId=str(number),
            MessageDeduplicationId=str(number),
        )
    sqs.send_message(QueueUrl=stack.output("NotifyQueueUrl"), MessageBody="later", DelaySeconds=600)
    sqs.send_message(QueueUrl=stack.output("SweepFailureQueueUrl"), MessageBody="failed")
    now = datetime.now(UTC)
    sweep = Slice.at(now, 24).sweep
    told = Fact(
        kind=FactKind.SWEPT, cause=Cause(sweep, "Sweep"), account="123456789012", region=REGION,
        repository="", mode="enforce", rule="", rules="3a92dae3b84f", time=iso(now),
        reason="7 repositories swept.", totals={"repositories": 7, "missing": 0},
    )  # fmt: skip
    history = stack.history()
    history.sweeps.expect(sweep, 0, 7, 288, now)
    assert history.sweeps.complete(sweep, told)

    result = run("status", "--json")
    said = json.loads(result.stdout)
    assert result.exit_code == 1
    empty = {"waiting": 0, "in_flight": 0, "delayed": 0, "oldest_seconds": None}
    assert said["queues"] == {
        "RetagQueue": {**empty, "waiting": 3},
        "SettingsQueue": empty,
        "NotifyQueue": {**empty, "delayed": 1},
        "RetryQueue": empty,
        **dict.fromkeys(FAILURES, empty),
        "SweepFailureQueue": {**empty, "waiting": 1},
    }
    assert said["sweep"] == {
        "hours": 24,
        "completed": iso(now),
        "totals": {"repositories": 7, "missing": 0},
        "parts_sent": 1,
        "parts": 288,
    }
    assert said["rules"] == "3a92dae3b84f"
    assert said["attention"] == [
        "It is not known whether the writers run.",
        f"SweepFailureQueue holds 1 message: {stack.output('SweepFailureQueueUrl')}",
    ]
    assert said["version"] == "0.1.0"
    assert set(said["unknown"]) == {"rules", "writers"}
    assert said["unknown"]["writers"].startswith("AWS refused GetEventSourceMapping: Resource")


def test_history_is_read_newest_first(stack: Stack) -> None:
    now = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
    facts = [move(now + timedelta(seconds=n), tag) for n, tag in enumerate(("1.4", "1", "latest"))]
    table = DynamoTable(boto3.client("dynamodb", REGION), stack.output("HistoryTableName"))
    History(table).findings.say(facts)
    result = run("history", "base/redis", "--json")
    assert result.exit_code == 0
    assert [fact["tag"] for fact in json.loads(result.stdout)["facts"]] == ["latest", "1", "1.4"]
    assert run("history", "base/redis:1").stdout.count("`1` follows.") == 1
    assert run("history", "base/nothing").exit_code == 1


def test_a_sweep_is_complete_when_its_fact_is_there(stack: Stack) -> None:
    history = stack.history()
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert history.sweeps.completed("hand-1") is None
    history.sweeps.expect("hand-1", 0, 1, 1, now)
    assert history.sweeps.completed("hand-1") is None
    history.sweeps.complete("hand-1", move(now, "1"))
    assert history.sweeps.completed("hand-1") == move(now, "1")
    assert history.sweeps.completed("hand-10") is None


@pytest.fixture
def ecr() -> MemoryEcr:
    """ECR for SweepFunction, which asks for pull-through caches; moto knows none."""
    return MemoryEcr()


@pytest.fixture
def function(
    stack: Stack, ecr: MemoryEcr, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> sandbox.Handler:
    """SweepFunction's handler, over the stack's table and queue."""
    document = {"version": 1, "rules": [{"repositories": ["*"], "tags": {"unique": ["semver"]}}]}
    rules = tmp_path / compiled.FILE
    rules.write_text(compiled.dumps(document))
    for name, value in {
        "STEWARD_RULES": str(rules),
        "STEWARD_MODE": "audit",
        "SETTINGS_MODE": "audit",
        "SETTINGS_QUEUE_URL": stack.output("SettingsQueueUrl"),
        "HISTORY_TABLE": stack.output("HistoryTableName"),
        "RETAG_QUEUE_URL": stack.output("RetagQueueUrl"),
        "RETENTION_QUEUE_URL": "no rule has images",
        "RETENTION_DAYS": "7",
        "ALLOW_EXPIRY": "false",
        "SWEEP_HOURS": "24",
        "REPOSITORY_PATTERN": "*",
        "ACCOUNT": "123456789012",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(clients, "client", lambda name: ecr if name == "ecr" else client(name))
    monkeypatch.setattr(sandbox, "rules", lambda: compiled.read(rules))
    build: Callable[[Environment], sandbox.Handler] = sweep_handler.__wrapped__  # type: ignore[attr-defined]
    return build(Environment(os.environ))


class Invoked:
    """Lambda, as far as it hands an event to SweepFunction and brings back its reply."""

    def __init__(self, function: sandbox.Handler) -> None:
        self._function = function

    def get_event_source_mapping(self, UUID: str) -> dict[str, str]:  # noqa: N803
        return {"UUID": UUID, "State": "Enabled"}

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "sweep"
        reply = self._function(json.loads(Payload))
        return {"Payload": io.BytesIO(json.dumps(reply).encode())}


def test_a_sweep_by_hand_goes_portion_by_portion_through_a_real_queue(
    function: sandbox.Handler, ecr: MemoryEcr
) -> None:
    sqs = boto3.client("sqs", REGION)
    for number in range(60):
        ecr.create_repository(repositoryName=f"base/{number:02}")
    clients: dict[str, Any] = {"lambda": Invoked(function)}
    waits: list[float] = []

    def take_up(seconds: float) -> None:
        """What the writers do while the command waits."""
        waits.append(seconds)
        taken = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in taken:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    outside = Outside(
        client=lambda service: clients.get(service) or client(service),
        sleep=take_up,
    )
    stack = Stack.find(NAME, outside)
    queue = stack.output("RetagQueueUrl")
    progress: list[tuple[int, int, int]] = []
    sending = send(
        stack,
        "base/*",
        timedelta(minutes=1),
        lambda sent: progress.append((sent.sent, sent.matching, len(waits))),
    )
    assert progress == [(50, 60, 0), (60, 60, 4)]
    assert stack.history().sweeps.totals(sending.sweep) == {"parts": 2, "of": 2, "expected": 60}
    assert sum(stack.depths("RetagQueue")) == 20


def test_a_sweep_function_is_asked_by_hand_as_the_sample_event_has_it(
    function: sandbox.Handler, ecr: MemoryEcr, stack: Stack
) -> None:
    ecr.create_repository(repositoryName="base/redis")
    event = json.loads((ROOT / "events/hand_sweep_glob.json").read_text(encoding="utf-8"))
    assert function({**event, "part": LOOK}) == {"sent": 0, "parts": 1, "matching": 1}
    assert stack.history().sweeps.totals(f"hand-{event['id']}") == {}
    assert function(event) == {"sent": 1, "parts": 1, "matching": 1}
    del event["part"]
    assert function(event) == {"sent": 1, "parts": 1, "matching": 1}
    totals = stack.history().sweeps.totals(f"hand-{event['id']}")
    assert totals == {"parts": 1, "of": 1, "expected": 1}


def test_wait_understands_ecrs_answers() -> None:
    ecr = boto3.client("ecr", REGION)
    ecr.create_repository(repositoryName="base/redis")
    for tag in ("1.4.2", "1.4"):
        ecr.put_image(
            repositoryName="base/redis",
            imageManifest=MANIFEST,
            imageTag=tag,
            imageDigest=f"sha256:{64 * 'a'}",
        )
    arrived = run("wait", "base/redis:1.4", "--for", "1.4.2")
    assert arrived.exit_code == 0
    assert arrived.stdout == f"base/redis:1.4 is on 1.4.2 (sha256:{12 * 'a'}).\n"
    assert run("wait", "base/redis:1", "--for", "1.4.2", "--timeout", "0").exit_code == 1
    nowhere = run("wait", "base/nothing:1", "--for", "1.4.2")
    assert nowhere.exit_code == 2
    assert nowhere.stderr.startswith("There is no repository `base/nothing` in this registry: ")


_LAYER = RULES_LAYER.replace("ecr-steward-rules", f"{NAME}-rules")


class Layers:
    """Lambda, as far as it says where the stack's rules are."""

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        return {"FunctionName": FunctionName, "Layers": [{"Arn": _LAYER}]}

    def get_layer_version_by_arn(self, Arn: str) -> dict[str, Any]:  # noqa: N803
        return {"Content": {"Location": RULES_URL}}

    def get_event_source_mapping(self, UUID: str) -> dict[str, str]:  # noqa: N803
        return {"UUID": UUID, "State": "Enabled"}


def test_a_hold_and_its_release_go_through_the_table_the_queue_and_sts(stack: Stack) -> None:
    rule = {"repositories": ["base/*"], "tags": {
        "unique": ["semver"], "stable": [{"tag": "latest", "follows": "highest"}]}}  # fmt: skip
    clients: dict[str, Any] = {"lambda": Layers()}
    outside = Outside(
        client=lambda service: clients.get(service) or client(service),
        download=lambda url: rules_layer("0", {"version": 1, "rules": [rule]}),
    )

    def typed(*arguments: str) -> Result:
        return CliRunner().invoke(main, [*arguments, "--stack", NAME], obj=outside)

    ecr = boto3.client("ecr", REGION)
    ecr.create_repository(repositoryName="base/redis")
    ecr.put_image(repositoryName="base/redis", imageManifest=MANIFEST, imageTag="latest")
    held = typed("hold", "base/redis:latest", "--until", "2h")
    assert held.exit_code == 0, held.stderr
    ((repository, hold),) = stack.history().holds.all()
    assert (repository, hold.tag) == ("base/redis", "latest")
    assert hold.by == client("sts").get_caller_identity()["Arn"]
    assert json.loads(typed("status", "--json").stdout)["holds"][0]["by"] == hold.by

    released = typed("release", "base/redis:latest")
    assert released.exit_code == 0, released.stderr
    assert stack.history().holds.all() == []
    (message,) = boto3.client("sqs", REGION).receive_message(
        QueueUrl=stack.output("RetagQueueUrl"), AttributeNames=["All"]
    )["Messages"]
    assert message["Attributes"]["MessageGroupId"] == "base/redis"
    hint = Hint.from_message(message["Body"])
    assert (hint.tag, hint.cause.type, hint.cause.by) == ("latest", "Release", hold.by)


def test_what_a_channel_did_not_take_goes_back_through_real_queues(stack: Stack) -> None:
    sqs = client("sqs")
    retry = json.dumps({"retry": {"channel": "team", "cause": "1"}})
    sqs.send_message(QueueUrl=stack.output("NotifyFailureQueueUrl"), MessageBody=retry)
    shown = run("redrive", "NotifyFailureQueue")
    assert "what channel `team` is owed" in shown.stdout
    assert run("redrive", "NotifyFailureQueue", "--send").exit_code == 0
    assert sum(stack.depths("NotifyFailureQueue")) == 0
    (back,) = sqs.receive_message(QueueUrl=stack.output("RetryQueueUrl"))["Messages"]
    assert back["Body"] == retry
