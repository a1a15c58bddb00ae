"""What the functions write: logs a person can search, metrics that stay few, no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.handlers.functions import ENVIRONMENT, SECRETS, Aws, Context, Function, event
from tests.support.facts import returned
from tests.support.settings_world import ANYONE

Start = Callable[[str], Function]

WORK = {
    "check_tags": "ecr_push_version",
    "retag": "retag_batch_two_repositories",
    "check_settings": "call_set_repository_policy",
    "enforce_settings": "enforce_batch_call",
    "sweep": "hand_sweep_glob",
    "publish": "stream_history_facts",
    "notify": "notify_batch_two_causes",
    "check_running": "task_started",
    "retain_images": "retain_batch_one",
    "look_running": "schedule_look_running",
}
NONE_FAILED = {name: [0.0] for name in ("MessagesFailed", "MessagesPutOff", "MessagesGivenUp")}
COUNTED = {
    "check_tags": {"EventsReceived": [1.0], "EventsQueued": [1.0]},
    "retag": {"TagMoved": [1.0] * 4, **NONE_FAILED},
    "check_settings": {"CallsReceived": [1.0], "CallsQueued": [1.0]},
    "enforce_settings": {"RepositoryCorrected": [1.0], **NONE_FAILED},
    "sweep": {"RepositoriesSent": [1.0]},
    "publish": {"RecordsRead": [3.0]},
    "check_running": {"StartsReceived": [1.0], "StartsSeen": [2.0]},
    "look_running": {"WorkloadsSeen": [0.0]},
    "retain_images": {"ImagesJudged": [0.0], "ImagesDue": [0.0], **NONE_FAILED},
    "notify": {"EventsReceived": [4.0], "RetriesLate": [0.0], "MessagesSent": [1.0, 1.0]},
}


def metrics(captured: str) -> dict[str, Any]:
    """The one metric document that an invocation prints (CloudWatch: embedded metric format)."""
    (found,) = [line for line in captured.splitlines() if '"CloudWatchMetrics"' in line]
    document: dict[str, Any] = json.loads(found)
    return document


def world(aws: Aws) -> None:
    aws.hold("base/redis", "1.3.9", "1.4.2")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [ANYONE]})
    aws.ecr.set_repository_policy(repositoryName="base/redis", policyText=policy)
    aws.hold("apps/shop", "9f3c2ab")
    aws.hold("sandbox/notes")


def test_every_function_has_its_work() -> None:
    assert WORK.keys() == COUNTED.keys() == ENVIRONMENT.keys()


@pytest.mark.parametrize("name", WORK)
def test_metrics_have_one_namespace_and_no_dimension_but_the_function(
    aws: Aws, start: Start, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    world(aws)
    start(name).invoke(event(WORK[name]))
    document = metrics(capsys.readouterr().out)
    (described,) = document["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == "EcrSteward"
    assert described["Dimensions"] == [["service"]]
    assert document["service"] == name
    assert {each["Name"]: document[each["Name"]] for each in described["Metrics"]} == COUNTED[name]
    assert "base/redis" not in json.dumps(document)


@pytest.mark.parametrize("name", WORK)
def test_every_line_of_the_log_is_json_and_names_its_request(
    aws: Aws, start: Start, name: str
) -> None:
    world(aws)
    function = start(name)
    function.invoke(event(WORK[name]))
    for line in function.logs():
        assert line["service"] == name
        assert line["function_request_id"] == Context.aws_request_id
        assert line["level"] == "INFO"


def test_the_door_logs_repository_tag_and_answer(aws: Aws, start: Start) -> None:
    function = start("check_tags")
    function.invoke(event("ecr_push_version"))
    function.invoke(event("ecr_push_ignored"))
    said = [(line["repository"], line["tag"], line["message"]) for line in function.logs()]
    assert said == [
        ("base/redis", "1.4.2", "there is something to look at"),
        ("base/redis", "buildcache-amd64", "the rule ignores the tag, or it belongs to a referrer"),
    ]


def test_the_writer_logs_each_move_with_repository_tag_and_reason(aws: Aws, start: Start) -> None:
    world(aws)
    function = start("retag")
    function.invoke(event("retag_batch_one"))
    moves = {line["tag"]: line for line in function.logs() if line.get("kind") == "move"}
    assert moves.keys() == {"1.4", "1", "latest"}
    for line in moves.values():
        assert line["repository"] == "base/redis"
        assert line["mode"] == "enforce"
        assert line["message"].endswith(".")


def test_the_writer_logs_a_failure_with_repository_and_tries(aws: Aws, start: Start) -> None:
    world(aws)

    def fail(operation: str, asked: dict[str, Any]) -> None:
        raise RuntimeError("the registry does not answer")

    aws.ecr.before = fail
    function = start("retag")
    asked = event("retag_batch_one")
    assert len(returned(function.invoke(asked))) == 1
    (line,) = [line for line in function.logs() if line["level"] == "ERROR"]
    assert line["repository"] == "base/redis"
    assert line["tries"] == 1
    assert "the registry does not answer" in line["message"]


@pytest.mark.parametrize("name", WORK)
def test_no_secret_and_no_whole_event_is_written(
    aws: Aws, start: Start, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    world(aws)
    function = start(name)
    function.invoke(event(WORK[name]))
    captured = capsys.readouterr()
    written = function.output() + captured.out + captured.err
    assert written
    for secret in (*SECRETS, "receiptHandle", "AQEBreceipt", "SenderId"):
        assert secret not in written
