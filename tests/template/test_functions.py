"""What the functions are given: code, runtime, environment, and the pace of their sources."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from ecr_steward.history.dynamo import BY_TAG, write
from ecr_steward.history.table import Item
from ecr_steward.messages.deliver import SEND_WITHIN, backoff
from ecr_steward.messages.ledger import LEASE
from ecr_steward.messages.notify import PATIENCE
from ecr_steward.messages.retries import LATE
from ecr_steward.messages.whom.routing import INTERVALS
from ecr_steward.start import clients
from ecr_steward.start.environment import Environment
from ecr_steward.writers.batch import LONGEST_WAIT
from tests.template import support
from tests.template.support import ROOT, Stack

FUNCTIONS = (
    "CheckTags", "Retag", "CheckSettings", "EnforceSettings", "Publish", "Notify", "Sweep",
    "CheckRunning", "LookRunning", "RetainImages",
)  # fmt: skip
LAYERS = ("StewardLayer", "RulesLayer")


def _folder(name: str) -> Path:
    code: str = support.source()["Resources"][f"{name}Function"]["Properties"]["CodeUri"]
    return ROOT / code


def _mapping(stack: Stack, source: str) -> dict[str, Any]:
    (found,) = (
        mapping
        for mapping in stack.of("AWS::Lambda::EventSourceMapping").values()
        if mapping["EventSourceArn"] == source
    )
    return found


def test_the_functions_are_these(audit: Stack) -> None:
    assert set(audit.of("AWS::Lambda::Function")) == {f"{name}Function" for name in FUNCTIONS}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_handler_imports(audit: Stack, name: str) -> None:
    module, _, attribute = audit.properties(f"${{{name}Function}}")["Handler"].rpartition(".")
    folder = _folder(name)
    assert (folder / f"{module}.py").is_file()
    imported = importlib.import_module(f"functions.{folder.name}.{module}")
    assert callable(getattr(imported, attribute))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_read_in_one_file_that_is_not_long(name: str) -> None:
    (file,) = _folder(name).glob("*.py")
    assert len(file.read_text().splitlines()) <= 84


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_brings_no_third_party_code_of_its_own(name: str) -> None:
    assert [path.name for path in _folder(name).glob("requirements*")] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_its_name_in_logs_and_metrics(audit: Stack, name: str) -> None:
    variables = audit.properties(f"${{{name}Function}}")["Environment"]["Variables"]
    assert variables["POWERTOOLS_SERVICE_NAME"] == _folder(name).name


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_runtime_architecture_and_layers_agree(architecture: str) -> None:
    stack = support.stack(Architecture=architecture)
    runtimes = set()
    for function in stack.of("AWS::Lambda::Function").values():
        assert function["Architectures"] == [architecture]
        assert len(function["Layers"]) == len(LAYERS)
        runtimes.add(function["Runtime"])
    for layer in stack.of("AWS::Lambda::LayerVersion").values():
        assert layer["CompatibleArchitectures"] == [architecture]
        runtimes.update(layer["CompatibleRuntimes"])
    assert runtimes == {"python3.13"}
    makefile = (ROOT / "layers" / "steward" / "Makefile").read_text(encoding="utf-8")
    assert "\nRUNTIME := 3.13\n" in makefile


def test_layers_are_built_by_make_for_the_architecture_of_the_functions() -> None:
    for name in LAYERS:
        metadata = support.source()["Resources"][name]["Metadata"]
        assert metadata == {
            "BuildMethod": "makefile",
            "BuildArchitecture": {"Ref": "Architecture"},
        }
        folder = ROOT / support.source()["Resources"][name]["Properties"]["ContentUri"]
        assert f"\nbuild-{name}:\n" in (folder / "Makefile").read_text(encoding="utf-8")


EVERYWHERE = {
    "STEWARD_MODE",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_METRICS_NAMESPACE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_ECR",
}


class _Noted(dict[str, str]):
    """An environment that notes what is read."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        super().__init__({name: str(value) for name, value in variables.items()})
        self.read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key)
        return super().get(key, default)


@pytest.mark.parametrize("mode", ["audit", "enforce", "off"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_given_what_it_reads_and_nothing_else(
    name: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = support.stack(Mode=mode)
    variables = stack.properties(f"${{{name}Function}}")["Environment"]["Variables"]
    environment = _Noted({**variables, "AWS_REGION": support.REGION})  # Lambda sets the Region
    app = importlib.import_module(f"functions.{_folder(name).name}.app")
    monkeypatch.setattr(clients, "client", lambda service: Mock())
    app.handle.__wrapped__(Environment(environment))
    assert set(variables) - EVERYWHERE == environment.read - {"AWS_REGION", "STEWARD_MODE"}
    assert variables["STEWARD_MODE"] == mode


def test_references_in_the_environment_are_to_the_right_things(audit: Stack) -> None:
    expected = {
        "RETAG_QUEUE_URL": "${RetagQueue}",
        "SETTINGS_QUEUE_URL": "${SettingsQueue}",
        "SETTINGS_ROLE_ARN": "${EnforceSettingsRole.Arn}",
        "RETAG_ROLE_ARN": "${RetagRole.Arn}",
        "NOTIFY_QUEUE_URL": "${NotifyQueue}",
        "HISTORY_TABLE": "${HistoryTable}",
        "BUS_NAME": "${StewardBus}",
        "TOPIC_ARN": "${NotificationTopic}",
        "ACCOUNT": support.ACCOUNT,
    }
    seen = set()
    for function in audit.of("AWS::Lambda::Function").values():
        for name, value in function["Environment"]["Variables"].items():
            if name in expected:
                assert value == expected[name]
                seen.add(name)
    assert seen == set(expected)


WRITERS = {"Retag": "Retag", "EnforceSettings": "Settings"}


@pytest.mark.parametrize(("name", "queue"), WRITERS.items())
def test_a_writer_gives_up_by_itself_before_sqs_does_and_after_hours(
    audit: Stack, name: str, queue: str
) -> None:
    variables = audit.properties(f"${{{name}Function}}")["Environment"]["Variables"]
    redrive = audit.properties(f"${{{queue}Queue}}")["RedrivePolicy"]
    receives = int(variables["MAX_RECEIVES"])
    assert receives == redrive["maxReceiveCount"]
    assert variables["FAILURE_QUEUE_URL"] == f"${{{queue}FailureQueue}}"
    waits = sum(min(2**n, LONGEST_WAIT) for n in range(1, receives))
    assert waits > timedelta(hours=20).total_seconds()
    assert waits < audit.properties(f"${{{queue}Queue}}")["MessageRetentionPeriod"]


def test_the_mode_for_settings_reaches_the_writer_and_the_sweep() -> None:
    stack = support.stack(SettingsMode="enforce")
    told = {
        name: function["Environment"]["Variables"].get("SETTINGS_MODE")
        for name, function in stack.of("AWS::Lambda::Function").items()
    }
    assert {name for name, mode in told.items() if mode} == {
        "EnforceSettingsFunction",
        "SweepFunction",
    }
    assert {mode for mode in told.values() if mode} == {"enforce"}


def test_another_endpoint_reaches_every_function() -> None:
    stack = support.stack(
        EndpointUrl="http://127.0.0.1:4566", EcrEndpointUrl="http://127.0.0.1:5000"
    )
    for function in stack.of("AWS::Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
        assert variables["AWS_ENDPOINT_URL_ECR"] == "http://127.0.0.1:5000"


@pytest.mark.parametrize("name", WRITERS.values())
def test_a_writers_queue_keeps_one_order_per_repository_and_never_compares_content(
    audit: Stack, name: str
) -> None:
    queue = audit.properties(f"${{{name}Queue}}")
    assert queue["FifoQueue"] is True
    assert queue["DeduplicationScope"] == "messageGroup"
    assert queue["FifoThroughputLimit"] == "perMessageGroupId"
    assert queue["ContentBasedDeduplication"] is False


def test_a_push_settles_and_a_call_does_not_wait() -> None:
    stack = support.stack(SettleSeconds=7)
    assert stack.properties("${RetagQueue}")["DelaySeconds"] == 7
    assert "DelaySeconds" not in stack.properties("${SettingsQueue}")


def test_the_writer_works_at_the_pace_it_is_given() -> None:
    mapping = _mapping(support.stack(RetagConcurrency=9), "${RetagQueue.Arn}")
    assert mapping["BatchSize"] == 10
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 9}
    assert "MaximumBatchingWindowInSeconds" not in mapping  # SQS refuses one on a FIFO queue


def test_the_writer_of_settings_takes_two_repositories_at_a_time(audit: Stack) -> None:
    mapping = _mapping(audit, "${SettingsQueue.Arn}")
    assert mapping["BatchSize"] == 10
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert "MaximumBatchingWindowInSeconds" not in mapping


def test_the_notifier_gathers_what_one_push_caused() -> None:
    mapping = _mapping(support.stack(NotifyWindowSeconds=33), "${NotifyQueue.Arn}")
    assert mapping["BatchSize"] == 100
    assert mapping["MaximumBatchingWindowInSeconds"] == 33


def test_the_publisher_reads_the_whole_stream_in_order(audit: Stack) -> None:
    mapping = _mapping(audit, "${HistoryTable.StreamArn}")
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["ParallelizationFactor"] == 1
    table = audit.properties("${HistoryTable}")
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert [each["AttributeName"] for each in table["KeySchema"]] == ["pk", "sk"]


def test_the_history_has_the_index_that_facts_of_a_tag_are_found_by(audit: Stack) -> None:
    (index,) = audit.properties("${HistoryTable}")["GlobalSecondaryIndexes"]
    item = write(Item("repo#base/redis", "fact#1", tag="1.4"))
    assert index["IndexName"] == BY_TAG
    assert [each["AttributeName"] for each in index["KeySchema"]] == ["subject", "sk"]
    assert item["subject"] == {"S": "repo#base/redis:1.4"}
    assert index["Projection"] == {"ProjectionType": "ALL"}


def test_off_stops_both_writers_and_the_sweep_and_nothing_that_empties_queues(off: Stack) -> None:
    assert _mapping(off, "${RetagQueue.Arn}")["Enabled"] is False
    assert _mapping(off, "${SettingsQueue.Arn}")["Enabled"] is False
    assert off.properties("${SweepFunctionSchedule}")["State"] == "DISABLED"
    for source in ("${NotifyQueue.Arn}", "${HistoryTable.StreamArn}"):
        assert _mapping(off, source).get("Enabled", True) is True


@pytest.mark.parametrize("mode", ["audit", "enforce"])
def test_both_writers_and_the_sweep_run_otherwise(mode: str) -> None:
    stack = support.stack(Mode=mode)
    assert _mapping(stack, "${RetagQueue.Arn}")["Enabled"] is True
    assert _mapping(stack, "${SettingsQueue.Arn}")["Enabled"] is True
    schedule = stack.properties("${SweepFunctionSchedule}")
    assert schedule["State"] == "ENABLED"
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
    assert schedule["Name"] == "ecr-steward"


def test_settings_alone_can_be_off() -> None:
    stack = support.stack(SettingsMode="off")
    assert _mapping(stack, "${RetagQueue.Arn}")["Enabled"] is True
    assert _mapping(stack, "${SettingsQueue.Arn}")["Enabled"] is False
    assert stack.of("AWS::Events::Rule")["ApiCallRule"]["State"] == "DISABLED"
    assert stack.of("AWS::CloudWatch::Alarm")["SettingsBacklogAlarm"]["Threshold"] > 900
    assert stack.of("AWS::CloudWatch::Alarm")["RetagBacklogAlarm"]["Threshold"] == 900


def test_a_repeated_tick_of_the_schedule_is_for_the_same_time(audit: Stack) -> None:
    target = audit.properties("${SweepFunctionSchedule}")["Target"]
    assert json.loads(target["Input"]) == {"time": "<aws.scheduler.scheduled-time>"}
    sample = json.loads((support.EVENTS / "schedule_sweep.json").read_text(encoding="utf-8"))
    assert sample.keys() == json.loads(target["Input"]).keys()


def test_a_sweep_ends_before_the_next_begins(audit: Stack) -> None:
    assert audit.properties("${SweepFunction}")["Timeout"] < 5 * 60


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_loads_nothing_that_the_layer_does_not_have(name: str) -> None:
    absent = ["ecr_steward_cli", "jsonschema", "pydantic", "aws_xray_sdk", "requests"]
    absent += ["click", "rich", "ruamel"]
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({absent!r}))\n"
        f"import functions.{_folder(name).name}.app as app; print(app.lambda_handler.__name__)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.strip() == "lambda_handler"


def test_a_claim_outlasts_the_notifier_and_what_fails_is_tried_for_two_hours(audit: Stack) -> None:
    timeout = audit.properties("${NotifyFunction}")["Timeout"]
    assert LEASE.total_seconds() > timeout
    assert timeout > 3 * SEND_WITHIN
    for queue in ("${RetryQueue}", "${NotifyQueue}"):
        tries = audit.properties(queue)["RedrivePolicy"]["maxReceiveCount"]
        waits = sum((backoff(n) for n in range(1, tries + 1)), timedelta())
        assert timedelta(hours=1.75) < waits < timedelta(hours=2.5)


def test_a_channel_that_waits_does_not_take_the_patience_of_a_story(audit: Stack) -> None:
    events = audit.properties("${NotifyQueue}")["RedrivePolicy"]
    retries = audit.properties("${RetryQueue}")["RedrivePolicy"]
    assert events["maxReceiveCount"] >= 2 * PATIENCE
    assert events["deadLetterTargetArn"] == retries["deadLetterTargetArn"]


def test_a_digest_of_a_day_is_no_backlog(audit: Stack) -> None:
    alarm = audit.properties("${RetryBacklogAlarm}")
    assert (alarm["MetricName"], alarm["Threshold"]) == ("RetriesLate", 1)
    assert (max(INTERVALS.values()) + 2 * LEASE) * 1.5 < LATE
