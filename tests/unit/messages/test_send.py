"""One payload to one channel: what is sent, and what the answer means."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ecr_steward.messages.channels.channel import Channel, Payload
from ecr_steward.messages.channels.reference import Secret
from ecr_steward.messages.channels.sns import EMAIL
from ecr_steward.messages.channels.table import channel_type
from ecr_steward.messages.send.http import Forbidden, Response, Unreachable
from ecr_steward.messages.send.outcome import Delivered, Later, Outcome, Undeliverable
from ecr_steward.messages.send.references import References
from ecr_steward.messages.send.send import Sender, judge, retry_after
from tests.unit.messages.test_references import Stores, refused

NOW = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
ADDRESS = "https://hooks.example/services/T000SECRET/B000SECRET"
KEY = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
URL = "ssm:/ecr-steward/url"
SLACK = Channel("platform", channel_type("slack"), {"url": URL})
UNSIGNED = Channel("audit", channel_type("webhook"), {"url": URL})
HOOK = replace(UNSIGNED, values={"url": URL, "secret": "secretsmanager:key"})
PAYLOAD = Payload("an-id", '{"text": "hello"}')

Posted = tuple[str, bytes, dict[str, str]]


class World:
    """A channel's address that answers as it is told, and a topic."""

    def __init__(self) -> None:
        self.stores = Stores()
        self.stores.values = {"/ecr-steward/url": ADDRESS, "key": KEY}
        self.answers: Iterator[Response | Exception] = iter(())
        self.posted: list[Posted] = []
        self.published: list[dict[str, Any]] = []
        self.fault: Exception | None = None
        self.sender = Sender(
            references=References(self.stores.client),
            sns=lambda: self,
            topics={"text": "arn:text", "chat": "arn:chat"},
            clock=lambda: NOW,
            post=self.post,
        )

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Response:
        self.posted.append((url, body, dict(headers)))
        answer = next(self.answers, Response(200, None, b"ok"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def publish(self, **asked: Any) -> None:
        if self.fault is not None:
            raise self.fault
        self.published.append(asked)

    def send(self, channel: Channel, *answers: Response | Exception) -> Outcome:
        self.answers = iter(answers)
        return self.sender.send(channel, PAYLOAD)


@pytest.fixture
def world() -> World:
    return World()


def answered(status: int, retry_after: str | None = None, body: bytes = b"") -> Response:
    return Response(status, retry_after, body)


def test_a_payload_goes_to_the_address_of_the_channel(world: World) -> None:
    assert world.send(SLACK, answered(200, body=b"ok")) == Delivered("200 ok")
    headers = {"Content-Type": "application/json"}
    assert world.posted == [(ADDRESS, b'{"text": "hello"}', headers)]


def test_a_webhook_is_signed_and_its_id_is_that_of_the_payload(world: World) -> None:
    world.send(HOOK)
    ((_, _, headers),) = world.posted
    assert headers["webhook-id"] == "an-id"
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert headers["webhook-signature"].startswith("v1,")


def test_a_webhook_without_a_secret_has_the_id_all_the_same(world: World) -> None:
    world.send(UNSIGNED)
    ((_, _, headers),) = world.posted
    assert headers["webhook-id"] == "an-id"
    assert "webhook-signature" not in headers


def test_a_secret_that_signs_nothing_is_refused_by_its_reference(world: World) -> None:
    world.stores.values["key"] = "hunter2"
    outcome = world.send(HOOK)
    assert isinstance(outcome, Undeliverable)
    assert outcome.reason.startswith("`secretsmanager:key`: ")
    assert "hunter2" not in outcome.reason
    assert world.posted == []


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_an_answer_that_passes_is_for_later_and_asked_once(world: World, status: int) -> None:
    outcome = world.send(SLACK, answered(status, "30"))
    assert outcome == Later(f"It answered {status}.", timedelta(seconds=30))
    assert len(world.posted) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_a_refusal_has_the_references_read_anew_and_is_tried_once_more(
    world: World, status: int
) -> None:
    assert isinstance(world.send(SLACK, *[answered(status)] * 3), Undeliverable)
    assert len(world.posted) == 2
    assert world.stores.asked == ["/ecr-steward/url"] * 2


def test_an_address_that_was_changed_is_found_by_a_refusal(world: World) -> None:
    world.send(HOOK)
    world.stores.values["/ecr-steward/url"] = "https://new.example/"
    assert isinstance(world.send(HOOK, answered(404), answered(200)), Delivered)
    assert [url for url, _, _ in world.posted] == [ADDRESS, ADDRESS, "https://new.example/"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused_with_the_way_out(world: World, status: int) -> None:
    outcome = world.send(SLACK, *[answered(status)] * 2)
    assert isinstance(outcome, Undeliverable)
    assert "store the final address" in outcome.reason


def test_what_cannot_be_reached_is_for_later_and_what_is_forbidden_is_refused(
    world: World,
) -> None:
    assert world.send(SLACK, Unreachable("No.")) == Later("No.")
    refused_ = world.send(SLACK, *[Forbidden("It is not public.")] * 2)
    assert refused_ == Undeliverable("The address in `ssm:/ecr-steward/url`: It is not public.")


def test_a_reference_that_cannot_be_read_for_good_is_refused_and_else_for_later(
    world: World,
) -> None:
    world.stores.fault = refused("AccessDeniedException")
    assert isinstance(world.send(SLACK), Undeliverable)
    world.stores.fault = refused("ThrottlingException")
    assert isinstance(world.send(SLACK), Later)
    assert world.posted == []


# Topics


def test_text_goes_to_the_topic_of_the_stack_or_of_the_channel(world: World) -> None:
    payload = Payload("i", "body", "text/plain", "subject")
    assert isinstance(world.sender.send(EMAIL, payload), Delivered)
    own = Channel("ops", EMAIL.type, {"topic": "arn:own"})
    world.sender.send(own, payload)
    world.sender.send(Channel("chat", EMAIL.type, {"form": "chat"}), Payload("i", "{}"))
    assert world.published == [
        {"TopicArn": "arn:text", "Message": "body", "Subject": "subject"},
        {"TopicArn": "arn:own", "Message": "body", "Subject": "subject"},
        {"TopicArn": "arn:chat", "Message": "{}"},
    ]


@pytest.mark.parametrize(
    ("code", "kind"),
    [("AuthorizationError", Undeliverable), ("NotFound", Undeliverable), ("Throttled", Later)],
)
def test_what_sns_refuses_for_good_is_refused(world: World, code: str, kind: type) -> None:
    world.fault = ClientError({"Error": {"Code": code}}, "Publish")
    assert isinstance(world.send(EMAIL), kind)


def test_sns_out_of_reach_is_for_later(world: World) -> None:
    world.fault = EndpointConnectionError(endpoint_url="https://sns")
    assert isinstance(world.send(EMAIL), Later)


# What is known of when


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 5 ", 5),
        ("Mon, 23 Nov 2026 02:25:00 GMT", 60),
        ("Monday, 23-Nov-26 02:25:00 GMT", 60),
        ("Mon, 23 Nov 2026 03:25:00 +0100", 3600 - 3540),
        ("Mon, 23 Nov 2026 02:23:00 GMT", 0),
        ("Mon, 23 Nov 2026 02:25:00", 60),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: int) -> None:
    assert retry_after(header, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1.5", "9" * 40, "Mon, 99 Nov 2026"])
def test_retry_after_that_means_nothing_is_none(header: str | None) -> None:
    assert retry_after(header, NOW) is None


# What is never said


@pytest.mark.parametrize(
    "body",
    [
        b"The requested URL /services/T000SECRET/B000SECRET was not found",
        b"T000SECRET",
        b"<html>\n<body>",
        b"\x1b[31mred",
        b"x" * 101,
        b"\xff\xfe",
        b"",
    ],
)
def test_words_of_an_answer_that_hold_the_address_or_more_than_a_line_are_left_out(
    body: bytes,
) -> None:
    assert judge(Response(200, None, body), [Secret(ADDRESS)], NOW) == Delivered("200")


@pytest.mark.parametrize(
    "fault",
    [
        ValueError(f"Invalid header {KEY!r} for {ADDRESS}"),
        UnicodeError(ADDRESS),
        RuntimeError(KEY),
        Forbidden("It is no URL."),
        answered(404, body=ADDRESS.encode()),
        answered(500, body=KEY.encode()),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_no_log_and_no_outcome_holds_an_address_or_a_secret(
    world: World, caplog: pytest.LogCaptureFixture, fault: Response | Exception
) -> None:
    with caplog.at_level(logging.DEBUG):
        outcome = world.send(HOOK, fault, fault)
    assert not isinstance(outcome, Delivered)
    for hidden in (ADDRESS, KEY, "T000SECRET", "hooks.example"):
        assert hidden not in caplog.text
        assert hidden not in repr(outcome)
