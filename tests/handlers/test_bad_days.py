"""What the functions do with wrong input, a wrong deployment, and a registry that refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.tags import History
from ecr_steward.rules import RulesError
from ecr_steward.start import writer
from ecr_steward.start.environment import Misconfigured
from ecr_steward.words.facts import FactKind
from ecr_steward.words.reading import MalformedEvent
from tests.handlers.functions import ENVIRONMENT, TABLE, Aws, Function, event
from tests.support.facts import returned
from tests.support.world import image

# Powertools warns where a function fails before it has counted anything.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

Start = Callable[[str], Function]

OPTIONAL = ("ACCOUNTS", "SOURCES")
"""Lists, which may be empty."""
NEEDED = [
    (name, variable)
    for name, variables in ENVIRONMENT.items()
    for variable in variables
    if variable not in OPTIONAL
]


def receipts(asked: dict[str, Any]) -> list[str]:
    return [record["messageId"] for record in asked["Records"]]


def test_what_there_is_no_time_for_is_sent_again_and_not_returned(
    aws: Aws, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BEGIN_WITHIN", 0)
    asked = event("retag_batch_two_repositories")
    bodies = {record["messageId"]: record["body"] for record in asked["Records"]}
    aws.hold("base/redis", "1.4.2", "1.3.9")
    assert returned(start("retag").invoke(asked)) == []
    (again,) = aws.sqs.sent
    assert again["MessageBody"] == bodies[again["MessageDeduplicationId"]]
    first = {"DataType": "String", "StringValue": again["MessageDeduplicationId"]}
    assert again["MessageAttributes"]["First"] == first


# ---------------------------------------------------------------------------- malformed


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"detail": None}, "`detail` is missing or not an object."),
        ({"detail": "PUSH"}, "`detail` is missing or not an object."),
        ({"id": None}, "`id` is missing or not a text."),
        ({"id": 7}, "`id` is missing or not a text."),
        ({"time": "yesterday"}, "`time` is not a time"),
        ({"repository-name": ["base/redis"]}, "`repository-name` is missing or not a text."),
        ({"image-tag": 1.4}, "`image-tag` is not a text."),
        ({"image-digest": "sha256:abc"}, "`image-digest` is not `sha256:` and 64 hex digits"),
    ],
)
def test_the_door_names_what_is_wrong_with_a_malformed_event(
    aws: Aws, start: Start, change: dict[str, Any], sentence: str
) -> None:
    asked = event("ecr_push_version")
    for field, value in change.items():
        (asked if field in asked else asked["detail"])[field] = value
    function = start("check_tags")
    with pytest.raises(MalformedEvent) as caught:
        function.invoke(asked)
    assert str(caught.value).startswith(sentence)
    assert aws.calls() == {}


@pytest.mark.parametrize("asked", [[], "event", None])
def test_the_door_refuses_what_is_no_event_at_all(aws: Aws, start: Start, asked: object) -> None:
    with pytest.raises(MalformedEvent, match="not a JSON object"):
        start("check_tags").invoke(asked)
    assert aws.calls() == {}


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '{"repository": "base/redis"}', '{"action": "EXPLODE"}']
)
def test_a_message_nobody_can_read_goes_back_alone(aws: Aws, start: Start, body: str) -> None:
    asked = event("retag_batch_two_repositories")
    asked["Records"][1]["body"] = body
    aws.hold("base/redis", "1.4.2", "1.3.9")
    assert returned(start("retag").invoke(asked)) == [receipts(asked)[1]]
    assert aws.ecr.tags("base/redis")["latest"] == image("1.4.2")


def test_a_stream_record_that_holds_no_fact_goes_to_the_failure_queue_and_the_rest_to_the_bus(
    aws: Aws, start: Start
) -> None:
    asked = event("stream_history_facts")
    asked["Records"][2]["dynamodb"]["NewImage"]["body"] = {"S": '{"detail-type": "Nonsense"}'}
    assert returned(start("publish").invoke(asked)) == []
    assert aws.calls() == {"PutEvents": 1, "SendMessage": 1}
    (sent,) = aws.sqs.sent
    assert sent["QueueUrl"] == ENVIRONMENT["publish"]["FAILURE_QUEUE_URL"]
    said = json.loads(sent["MessageBody"])
    keys = asked["Records"][2]["dynamodb"]["Keys"]
    assert said["fact"] == {name: value["S"] for name, value in keys.items()}
    assert said["reason"].endswith("`Nonsense` is no event of the steward's.")


# ---------------------------------------------------------------------------- misconfigured


@pytest.mark.parametrize(("name", "variable"), NEEDED)
def test_a_missing_variable_is_named_in_one_sentence(
    aws: Aws, start: Start, monkeypatch: pytest.MonkeyPatch, name: str, variable: str
) -> None:
    function = start(name)
    monkeypatch.delenv(variable)
    with pytest.raises(Misconfigured) as caught:
        function.invoke({"Records": []})
    assert str(caught.value) == (
        f"The environment variable {variable} is missing; template.yaml sets it."
    )
    assert aws.calls() == {}


@pytest.mark.parametrize(
    ("name", "variable", "value", "sentence"),
    [
        ("retag", "STEWARD_MODE", "on", "STEWARD_MODE must be one of off, audit, enforce: `on`."),
        ("retag", "MAX_TRIES", "five", "MAX_TRIES must be a whole number: `five`."),
        ("sweep", "SWEEP_HOURS", "-1", "SWEEP_HOURS must be a whole number: `-1`."),
    ],
)
def test_a_variable_that_means_nothing_is_named_with_its_value(
    aws: Aws,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    variable: str,
    value: str,
    sentence: str,
) -> None:
    function = start(name)
    monkeypatch.setenv(variable, value)
    with pytest.raises(Misconfigured) as caught:
        function.invoke({"Records": []})
    assert sentence in str(caught.value)


def test_in_lambda_a_missing_variable_stops_the_function_while_it_starts(
    aws: Aws, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    start("check_tags")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "check-tags")
    monkeypatch.delenv("RETAG_QUEUE_URL")
    with pytest.raises(Misconfigured, match="RETAG_QUEUE_URL"):
        Function("check_tags")


# ---------------------------------------------------------------------------- wrong rules


BROKEN = {
    "not JSON": "{",
    "no rules": "{}",
    "changed afterwards": '{"document": {"version": 1, "rules": []}, "fingerprint": "0123456789"}',
    "missing": None,
}


@pytest.fixture(params=BROKEN)
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A compiled rules file that says nothing a function could go by."""
    file, content = tmp_path / "rules.json", BROKEN[request.param]
    if content is not None:
        file.write_text(content)
    return file


@pytest.mark.parametrize(
    ("name", "asked"),
    [("check_tags", "ecr_push_version"), ("sweep", "schedule_sweep"), ("sweep", "hand_sweep_glob")],
)
def test_with_a_broken_rules_file_a_function_fails_and_touches_nothing(
    aws: Aws,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    broken: Path,
    name: str,
    asked: str,
) -> None:
    aws.hold("base/redis", "1.4.2")
    function = start(name)
    monkeypatch.setenv("STEWARD_RULES", str(broken))
    for _ in range(2):  # the second time as well: nothing of it is kept
        with pytest.raises(RulesError) as caught:
            function.invoke(event(asked))
        assert str(broken) in str(caught.value)
        assert "ecr-steward compile" in str(caught.value)
    assert aws.calls() == {}


def test_with_a_broken_rules_file_the_writer_returns_every_message_and_touches_nothing(
    aws: Aws, start: Start, monkeypatch: pytest.MonkeyPatch, broken: Path
) -> None:
    aws.hold("base/redis", "1.4.2")
    before = aws.ecr.tags("base/redis")
    function = start("retag")
    monkeypatch.setenv("STEWARD_RULES", str(broken))
    asked = event("retag_batch_two_repositories")
    assert sorted(returned(function.invoke(asked))) == sorted(receipts(asked))
    assert aws.calls() == {"UpdateItem": len(receipts(asked))}, "its tries are counted"
    assert aws.ecr.tags("base/redis") == before
    assert str(broken) in function.output()


# ---------------------------------------------------------------------------- mode off, refusals


def test_with_mode_off_the_writer_returns_every_message_untouched(
    aws: Aws, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.hold("base/redis", "1.4.2")
    before = aws.ecr.tags("base/redis")
    function = start("retag")
    monkeypatch.setenv("STEWARD_MODE", "off")
    asked = event("retag_batch_two_repositories")
    assert sorted(returned(function.invoke(asked))) == sorted(receipts(asked))
    assert aws.calls() == {}
    assert aws.ecr.tags("base/redis") == before


def test_with_mode_off_the_schedule_sends_nobody(
    aws: Aws, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.hold("base/redis", "1.4.2")
    function = start("sweep")
    monkeypatch.setenv("STEWARD_MODE", "off")
    assert function.invoke(event("schedule_sweep")) == {"sent": 0, "rounds": 0}
    assert aws.calls() == {}


def test_with_mode_audit_the_writer_says_what_it_would_do_and_does_not(
    aws: Aws, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.hold("base/redis", "1.4.2")
    function = start("retag")
    monkeypatch.setenv("STEWARD_MODE", "audit")
    assert returned(function.invoke(event("retag_batch_one"))) == []
    assert aws.ecr.tags("base/redis") == {"1.4.2": image("1.4.2")}
    facts = list(History(DynamoTable(aws.dynamodb, TABLE)).facts("base/redis"))
    assert {(fact.tag, fact.mode, fact.kind) for fact in facts} == {
        (tag, "audit", FactKind.MOVE) for tag in ("1.4", "1", "latest")
    }


def failing(code: str) -> Callable[[str, dict[str, Any]], None]:
    def fail(operation: str, asked: dict[str, Any]) -> None:
        if operation == "PutImage":
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)

    return fail


@pytest.mark.parametrize("code", ["AccessDeniedException", "ImageTagAlreadyExistsException"])
def test_a_refusal_that_time_does_not_cure_is_recorded_once_and_acknowledged(
    aws: Aws, start: Start, code: str
) -> None:
    aws.hold("base/redis", "1.4.2")
    aws.ecr.before = failing(code)
    function = start("retag")
    for _ in range(2):
        assert returned(function.invoke(event("retag_batch_one"))) == []
    facts = list(History(DynamoTable(aws.dynamodb, TABLE)).facts("base/redis"))
    assert sorted((fact.kind, fact.tag) for fact in facts) == [
        (FactKind.FAILED, tag) for tag in ("1", "1.4", "latest")
    ]
    assert all(code in fact.reason for fact in facts)


@pytest.mark.parametrize("code", ["ThrottlingException", "ServerException"])
def test_a_passing_fault_brings_the_message_back_soon_and_leaves_no_trace(
    aws: Aws, start: Start, code: str
) -> None:
    aws.hold("base/redis", "1.4.2")
    aws.ecr.before = failing(code)
    function = start("retag")
    asked = event("retag_batch_one")
    assert returned(function.invoke(asked)) == receipts(asked)
    assert list(aws.sqs.waits.values()) == [2]
    assert list(History(DynamoTable(aws.dynamodb, TABLE)).facts("base/redis")) == []
    aws.ecr.before = None
    assert returned(function.invoke(asked)) == []
    assert aws.ecr.tags("base/redis")["latest"] == image("1.4.2")


def test_one_repositorys_trouble_costs_no_other_its_push(aws: Aws, start: Start) -> None:
    aws.hold("base/redis", "1.4.2", "1.3.9")

    def fail(operation: str, asked: dict[str, Any]) -> None:
        if asked["repositoryName"] == "apps/shop":
            raise ConnectionError("the registry does not answer")

    aws.ecr.before = fail
    asked = event("retag_batch_two_repositories")
    assert returned(start("retag").invoke(asked)) == [receipts(asked)[1]]
    assert aws.ecr.tags("base/redis")["latest"] == image("1.4.2")
