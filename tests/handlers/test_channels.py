"""The notifier with channels: what it reads, posts, owes and says, as it is wired."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.messages import deliver
from ecr_steward.messages.deliver import NOTE_WITHIN, SEND_WITHIN
from ecr_steward.messages.send import http
from ecr_steward.messages.send.http import Http, Response, Unreachable
from ecr_steward.rules import compiled
from ecr_steward.start import clients, sandbox
from tests.handlers.functions import CHAT_TOPIC, RETRY_QUEUE, TABLE, Aws, Function, event
from tests.support.facts import letter, returned, sqs_record, story

Start = Callable[[str], Function]

SLACK = "https://hooks.example/services/T000SECRET/B000SECRET"
HOOK = "https://audit.example/in?key=HOOKSECRET"
KEY = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
RULES = {
    "version": 1,
    "channels": {
        "platform": {"type": "slack", "url": "ssm:/ecr-steward/slack"},
        "audit": {
            "type": "webhook",
            "url": "secretsmanager:ecr-steward/hook#url",
            "secret": "secretsmanager:ecr-steward/hook#key",
        },
        "room": {"type": "sns", "form": "chat"},
    },
    "rules": [
        {
            "repositories": ["*"],
            "notify": [{"on": ["*"], "to": ["platform", "audit", "room"]}],
        }
    ],
}


class Stores:
    """Systems Manager, Secrets Manager and the resource tags of ECR, in one."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.slack = SLACK
        self.tags: dict[str, str] = {}
        self.fault: Exception | None = None

    def list_tags_for_resource(self, *, resourceArn: str) -> dict[str, Any]:  # noqa: N803
        self.asked.append(resourceArn)
        if self.fault is not None:
            raise self.fault
        return {"tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]}

    def get_parameter(self, **asked: Any) -> dict[str, Any]:
        assert asked == {"Name": "/ecr-steward/slack", "WithDecryption": True}
        return {"Parameter": {"Value": self.slack}}

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803
        assert SecretId == "ecr-steward/hook"
        return {"SecretString": json.dumps({"url": HOOK, "key": KEY})}


class Channels:
    """What is posted, and what is answered."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, Any, Mapping[str, str]]] = []
        self.answers: dict[str, Iterator[Response | Exception]] = {}

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Response:
        self.posted.append((url, json.loads(body), headers))
        answer = next(self.answers.get(url, iter(())), Response(200, None, b"ok"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def to(self, url: str) -> int:
        return sum(each[0] == url for each in self.posted)


@pytest.fixture
def stores() -> Stores:
    return Stores()


@pytest.fixture
def channels(stores: Stores, aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Channels:
    file = tmp_path / compiled.FILE
    file.write_text(compiled.dumps(RULES))
    monkeypatch.setenv("STEWARD_RULES", str(file))
    world = Channels()

    def client(service: str) -> Any:
        return aws.client(service) if service in ("sns", "sqs") else stores

    monkeypatch.setattr(clients, "quick_client", client)
    monkeypatch.setattr(Http, "post", lambda self, *asked: world.post(*asked))
    return world


def retries(aws: Aws) -> list[dict[str, Any]]:
    sent = [each for each in aws.sqs.sent if each["QueueUrl"] == RETRY_QUEUE]
    return [json.loads(each["MessageBody"])["retry"] for each in sent]


def retry_event(aws: Aws, receives: int = 1) -> dict[str, Any]:
    """What Lambda hands over of the retries that were sent, whose time has come."""
    records = []
    for n, retry in enumerate(retries(aws)):
        retry.pop("after", None)
        records.append(sqs_record(json.dumps({"retry": retry}), f"retry-{n}", receives))
    return {"Records": records}


def test_a_story_reaches_every_channel_in_its_form(
    aws: Aws, start: Start, channels: Channels
) -> None:
    function = start("notify")
    for _ in range(2):
        assert returned(function.invoke(event("notify_batch_moved"))) == []
    assert channels.to(SLACK) == 1
    assert channels.to(HOOK) == 3, "an event for each fact"
    (slack,) = [body for url, body, _ in channels.posted if url == SLACK]
    assert slack["blocks"]
    for url, body, headers in channels.posted:
        if url == HOOK:
            assert headers["webhook-id"] == body["id"]
            assert headers["webhook-signature"].startswith("v1,")
    (room,) = aws.sns.messages
    assert room["TopicArn"] == CHAT_TOPIC
    assert json.loads(room["Message"])["source"] == "custom"
    assert retries(aws) == []


def test_what_a_channel_does_not_take_is_a_retry_that_brings_it_later(
    aws: Aws, start: Start, channels: Channels
) -> None:
    channels.answers[SLACK] = iter([Unreachable("It did not answer."), Response(500, None, b"")])
    function = start("notify")
    assert returned(function.invoke(event("notify_batch_moved"))) == []
    (retry,) = retries(aws)
    assert retry["channel"] == "platform"
    assert aws.sqs.sent[0]["DelaySeconds"] == 5
    assert channels.to(HOOK) == 3
    assert returned(function.invoke(retry_event(aws))) == ["retry-0"]
    assert aws.sqs.waits == {"receipt-retry-0": 10}
    assert returned(function.invoke(retry_event(aws, 2))) == []
    assert channels.to(SLACK) == 3
    assert channels.to(HOOK) == 3


def test_retry_after_is_how_long_the_retry_waits(
    aws: Aws, start: Start, channels: Channels
) -> None:
    channels.answers[SLACK] = iter([Response(429, "120", b"")])
    start("notify").invoke(event("notify_batch_moved"))
    assert aws.sqs.sent[0]["DelaySeconds"] == 120


def test_a_channel_that_is_wrong_is_a_fact_of_the_history(
    aws: Aws, start: Start, channels: Channels
) -> None:
    channels.answers[SLACK] = iter([Response(404, None, b"no_service")] * 9)
    function = start("notify")
    function.invoke(event("notify_batch_moved"))
    function.invoke(event("notify_batch_two_causes"))
    found = aws.dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": "channel#platform"}, ":sk": {"S": "fact#"}},
    )["Items"]
    (fact,) = [json.loads(item["body"]["S"]) for item in found]
    assert fact["detail-type"] == "Steward Failed"
    assert fact["detail"]["reason"].startswith("The channel `platform` is down. ")
    assert "`ecr-steward notify-test platform`" in fact["detail"]["reason"]
    record = {"detail-type": "Steward Failed", "detail": fact["detail"]}
    asked = event("notify_batch_moved")
    asked["Records"] = [{**asked["Records"][0], "body": json.dumps(record)}]
    before = channels.to(SLACK)
    assert returned(function.invoke(asked)) == []
    assert channels.to(SLACK) == before
    assert channels.posted[-1][0] == HOOK


def test_no_address_and_no_secret_is_ever_written(
    aws: Aws, start: Start, channels: Channels, capsys: pytest.CaptureFixture[str]
) -> None:
    faults: list[Response | Exception] = [
        Response(404, None, SLACK.encode()),
        ValueError(f"Invalid header value for {SLACK}"),
        Unreachable("It did not answer."),
        Response(301, None, b""),
    ]
    function = start("notify")
    for n, fault in enumerate(faults):
        channels.answers = {SLACK: iter([fault] * 2), HOOK: iter([fault] * 6)}
        asked = event("notify_batch_two_causes")
        text = json.dumps(asked).replace("7d2c60a1", f"7d2c60a{n}")
        function.invoke(json.loads(text))
        assert function.invoke({"test": "audit"})["channel"] == "audit"
    captured = capsys.readouterr()
    written = function.output() + captured.out + captured.err + json.dumps(retries(aws))
    stored = json.dumps(aws.dynamodb.scan(TableName=TABLE)["Items"])
    for secret in (SLACK, HOOK, KEY, "T000SECRET", "HOOKSECRET", "hooks.example"):
        assert secret not in written
        assert secret not in stored


# Trying a channel


@pytest.mark.parametrize("name", ["platform", "audit", "room", "email"])
def test_a_sample_reaches_the_channel_that_is_named_and_no_other(
    aws: Aws, start: Start, channels: Channels, name: str
) -> None:
    answer = start("notify").invoke({"test": name})
    assert (answer["channel"], answer["sent"]) == (name, True)
    assert len(channels.posted) + len(aws.sns.messages) == 1


def test_a_sample_that_is_refused_says_why(aws: Aws, start: Start, channels: Channels) -> None:
    channels.answers[SLACK] = iter([Response(403, None, b"")] * 2)
    answer = start("notify").invoke({"test": "platform"})
    assert not answer["sent"]
    assert answer["answer"].startswith("It answered 403: ")
    assert retries(aws) == []


def test_a_sample_goes_to_the_address_as_it_is_now(
    start: Start, channels: Channels, stores: Stores
) -> None:
    channels.answers[SLACK] = iter([Unreachable("It did not answer.")])
    function = start("notify")
    assert not function.invoke({"test": "platform"})["sent"]
    stores.slack = "https://hooks.example/services/T001/B001"
    assert function.invoke({"test": "platform"})["sent"]
    assert [url for url, *_ in channels.posted] == [SLACK, stores.slack]


def test_a_channel_there_is_not_is_answered_with_those_there_are(
    aws: Aws, start: Start, channels: Channels
) -> None:
    answer = start("notify").invoke({"test": "nobody"})
    assert answer == {"channel": "nobody", "known": ["audit", "email", "platform", "room"]}


# Resource tags


def test_a_repositorys_tags_are_asked_for_once_and_what_they_add_is_told(
    start: Start,
    stores: Stores,
    channels: Channels,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    file = tmp_path / compiled.FILE
    rule = {"repositories": ["*"], "notify": [{"on": ["*"], "to": ["platform"]}]}
    file.write_text(compiled.dumps({**RULES, "rules": [rule]}))
    stores.tags = {"steward:notify": "audit"}
    start("notify").invoke(event("notify_batch_two_causes"))
    assert stores.asked == ["arn:aws:ecr:eu-west-1:123456789012:repository/base/redis"]
    assert channels.to(SLACK) == 2
    assert channels.to(HOOK) == 1, "what is loud at once, the rest once an hour"


def test_tags_that_cannot_be_read_stop_no_message(
    start: Start, stores: Stores, channels: Channels
) -> None:
    stores.fault = ClientError({"Error": {"Code": "AccessDeniedException"}}, "ListTags")
    assert returned(start("notify").invoke(event("notify_batch_moved"))) == []
    assert channels.to(SLACK) == 1


def test_where_e_mail_is_all_there_is_no_tags_are_asked_for(aws: Aws, start: Start) -> None:
    start("notify").invoke(event("notify_batch_moved"))
    assert aws.ecr.calls == {}


def test_a_story_that_was_begun_ends_within_the_functions_time() -> None:
    """Two tries of the slowest channel, and what is read before them."""
    assert SEND_WITHIN + 2 * http.SECONDS + 3 * 13 <= 90
    assert SEND_WITHIN + 2 * http.SECONDS < NOTE_WITHIN
    assert NOTE_WITHIN + 3 * 13 <= 90


def test_a_storm_becomes_ten_messages_and_a_summary_of_all_the_rest(
    aws: Aws, start: Start, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [datetime(2026, 11, 23, 2, 24, tzinfo=UTC)]
    monkeypatch.setattr(sandbox, "now", lambda: now[0])
    facts = [fact for n in range(60) for fact in story("1.4", cause=f"push-{n}")]
    function = start("notify")
    monkeypatch.setattr(deliver, "SEND_WITHIN", 600)  # however slow this machine is
    letters = [letter(fact, f"message-{n}") for n, fact in enumerate(facts)]
    assert returned(function.invoke({"Records": letters})) == []
    assert channels.to(SLACK) == 10
    assert channels.to(HOOK) == 60
    timers = retries(aws)
    assert sorted(timer["channel"] for timer in timers) == ["platform", "room"]
    asked = retry_event(aws)
    for record, timer in zip(asked["Records"], timers, strict=True):
        record["body"] = json.dumps({"retry": timer})
    assert returned(function.invoke(asked)) == ["retry-0", "retry-1"], "not due yet"
    now[0] += timedelta(minutes=10)
    for _ in range(2):
        assert returned(function.invoke(asked)) == []
    assert channels.to(SLACK) == 11
    assert "50 moved" in json.dumps(channels.posted[-1][1])
    assert len(aws.sns.messages) == 11
