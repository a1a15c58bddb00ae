"""What the functions write: logs a person can search, metrics that stay few, no secret."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ecr_steward.start import observe, sandbox
from ecr_steward.words.facts import FactKind
from tests.handlers.functions import ENVIRONMENT, SECRETS, Aws, Context, Function, event
from tests.support.facts import returned
from tests.support.pages import read
from tests.support.settings_world import ANYONE
from tests.template import support

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
LAG = 90.0
NONE_FAILED = {name: [0.0] for name in ("MessagesPutOff", "MessagesGivenUp")}
COUNTED = {
    "retag": {"TagsMoved": [1.0] * 4, "PushLag": [LAG] * 3, **NONE_FAILED},
    "enforce_settings": {"SettingsCorrected": [1.0], **NONE_FAILED},
    "check_running": {"ImagesLost": [0.0]},
    "look_running": {"ImagesLost": [0.0]},
    "retain_images": NONE_FAILED,
    "notify": {"RetriesLate": [0.0], "MessagesSent": [1.0, 1.0]},
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


def failing(operation: str, asked: dict[str, Any]) -> None:
    raise RuntimeError("the registry does not answer")


def test_every_function_has_its_work() -> None:
    assert WORK.keys() == ENVIRONMENT.keys()
    assert COUNTED.keys() == observe.COUNTED.keys()


def test_twenty_metrics_at_most_are_paid_for() -> None:
    assert sum(map(len, observe.COUNTED.values())) <= 20


def test_facts_are_counted_by_their_kinds_and_by_metrics_of_some_function() -> None:
    assert set(observe.OF_FACTS) <= set(FactKind)
    assert set(observe.OF_FACTS.values()) < {
        each for name in observe.COUNTED.values() for each in name
    }


@pytest.mark.parametrize("name", sorted(WORK.keys() - COUNTED.keys()))
def test_what_aws_counts_by_itself_is_not_counted_again(
    aws: Aws, start: Start, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    world(aws)
    start(name).invoke(event(WORK[name]))
    assert "CloudWatchMetrics" not in capsys.readouterr().out


@pytest.mark.parametrize("name", COUNTED)
def test_metrics_have_one_namespace_and_no_dimension_but_the_function(
    aws: Aws,
    start: Start,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    world(aws)
    pushed = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
    monkeypatch.setattr(sandbox, "now", lambda: pushed + timedelta(seconds=LAG))
    start(name).invoke(event(WORK[name]))
    document = metrics(capsys.readouterr().out)
    (described,) = document["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == "EcrSteward"
    assert described["Dimensions"] == [["service"]]
    assert document["service"] == name
    assert COUNTED[name].keys() <= set(observe.COUNTED[name])
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

    aws.ecr.before = failing
    function = start("retag")
    asked = event("retag_batch_one")
    assert len(returned(function.invoke(asked))) == 1
    (line,) = [line for line in function.logs() if line["level"] == "ERROR"]
    assert line["repository"] == "base/redis"
    assert line["tries"] == 1
    assert "the registry does not answer" in line["message"]


@pytest.mark.parametrize("name", WORK)
def test_every_line_of_the_log_names_its_cause(aws: Aws, start: Start, name: str) -> None:
    world(aws)
    function = start(name)
    function.invoke(event(WORK[name]))
    lines = list(function.logs())
    assert lines
    assert [line for line in lines if not line.get("cause")] == []


def test_a_line_of_a_visit_names_the_causes_of_its_repository_and_no_other(
    aws: Aws, start: Start
) -> None:
    world(aws)
    function = start("retag")
    asked = event(WORK["retag"])
    function.invoke(asked)
    hints = [json.loads(record["body"]) for record in asked["Records"]]
    for line in function.logs():
        causes = [each["cause"]["id"] for each in hints if each["repository"] == line["repository"]]
        assert sorted(line["cause"].split()) == sorted(causes)


def test_a_message_that_fails_is_logged_with_its_own_cause(aws: Aws, start: Start) -> None:
    aws.ecr.before = failing
    function = start("retag")
    asked = event(WORK["retag"])
    returned(function.invoke(asked))
    failed = [line["cause"] for line in function.logs() if line["level"] == "ERROR"]
    causes = [json.loads(record["body"])["cause"]["id"] for record in asked["Records"]]
    assert sorted(failed) == sorted(causes)


def test_the_door_names_a_push_as_the_hint_does_that_it_sends(aws: Aws, start: Start) -> None:
    world(aws)
    push = event("ecr_push_version")
    door = start("check_tags")
    door.invoke(push)
    (hint,) = aws.sqs.hints()
    assert {line["cause"] for line in door.logs()} == {push["id"]} == {hint["cause"]["id"]}


QUERY = re.compile(r"```text\n((?:fields|filter) .+?)```", re.S)
KNOWN = {"@timestamp", "ispresent", "count", "max", "latest", "like", "and", "or", "as", "by",
         "asc", "desc", "sort", "fields", "filter", "stats", "times", "most", "last"}  # fmt: skip


def test_queries_of_the_runbook_ask_for_fields_that_the_log_has(aws: Aws, start: Start) -> None:
    world(aws)
    written: set[str] = set()
    for name, work in WORK.items():
        function = start(name)
        function.invoke(event(work))
        written |= {key for line in function.logs() for key in line}
    aws.ecr.before = failing
    function = start("retag")
    function.invoke(event(WORK["retag"]))
    written |= {key for line in function.logs() for key in line}
    queries = [*QUERY.findall(read("docs/operate.md")), *logged_widgets()]
    assert len(queries) > 5
    for query in queries:
        asked = set(re.findall(r"[@\w]+", re.sub(r"\"[^\"]*\"|SOURCE '[^']*'|\d+", "", query)))
        assert asked - KNOWN - written - {"limit"} == set(), query


def logged_widgets() -> list[str]:
    """The queries on the dashboard."""
    return [
        each["properties"]["query"]
        for each in json.loads(template()["DashboardBody"]["Fn::Sub"])["widgets"]
        if each["type"] == "log"
    ]


def template() -> dict[str, Any]:
    found: dict[str, Any] = support.source()["Resources"]["Dashboard"]["Properties"]
    return found


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
