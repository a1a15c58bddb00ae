"""E-mail: what people read. The golden files are the messages, subject first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.messages.channels.channel import Payload
from ecr_steward.messages.channels.email import SUBJECT, payloads
from ecr_steward.messages.say.message import story as message_of
from ecr_steward.messages.say.wording import short
from ecr_steward.words.facts import Fact, FactKind
from tests.support.facts import EVERY_KIND, FAILED, GONE, MOVED, NEW, OLD, OTHER, SWEPT, story

GOLDEN = Path(__file__).parent / "golden"
EVENTS = Path(__file__).parents[3] / "events"
LONG = "team-a/" + "payments-" * 25 + "api"


def render(facts: Sequence[Fact]) -> Payload:
    (payload,) = payloads(message_of(facts))
    return payload


# The title


def test_the_title_says_what_moved_from_where_to_where() -> None:
    message = render(story("1", "1.4", "latest"))
    said = "base/redis: 1, 1.4, latest moved from 1.4.1 to 1.4.2"
    assert message.subject == f"[ECR Steward] {said}"
    assert message.body.startswith(f"{said}\n")


def test_audit_says_would_and_that_nothing_was_changed() -> None:
    message = render([replace(MOVED, mode="audit")])
    assert message.subject == "[ECR Steward, audit] base/redis: 1.4 would move from 1.4.1 to 1.4.2"
    assert "audit: nothing was changed" in message.body


def test_a_tag_that_is_gone_is_gone_in_audit_too() -> None:
    message = render([replace(GONE, mode="audit")])
    assert message.subject == "[ECR Steward, audit] base/redis: 1.4 gone"


def test_an_image_without_a_telling_tag_is_named_by_its_digest() -> None:
    moved = replace(MOVED, before_tags=("1.4",), after_tags=())
    assert render([moved]).subject.endswith(f"1.4 moved from {OLD[:19]} to {NEW[:19]}")


@pytest.mark.parametrize(
    ("tags", "named"),
    [
        (("1", "1.4", "1.4.1", "main"), "1.4.1"),
        ((f"latest-20261120T101500Z-{OTHER[7:19]}", "1.4.1"), "1.4.1"),
        (("stable", "1"), "1"),
        (("9f3c2ab", "production"), "9f3c2ab"),
        (("2.0.0", "1.9.9"), "1.9.9"),
    ],
)
def test_an_image_is_named_by_the_tag_that_tells_most(tags: tuple[str, ...], named: str) -> None:
    moved = replace(MOVED, tag="edge", before_tags=(*tags, "edge"))
    assert f"moved from {named} to" in render([moved]).subject


def test_tags_to_which_the_same_happened_stand_together() -> None:
    body = render(story("1", "1.4", "latest")).body
    assert body.count(MOVED.reason) == 1
    assert "\n1, 1.4, latest\n" in body


def test_every_tag_that_moved_is_in_the_body_however_many_there_are() -> None:
    facts = [replace(MOVED, tag=f"1.{n}") for n in range(90)]
    message = render(facts)
    assert "1.0, 1.1, 1.2, 1.3 and 86 more" in message.subject
    assert ", ".join(f"1.{n}" for n in range(90)) in message.body


# What SNS and mail programs accept


def accepted(subject: str) -> bool:
    return 0 < len(subject) <= SUBJECT and all(" " <= each <= "~" for each in subject)


@pytest.mark.parametrize(
    "facts",
    [
        [replace(MOVED, repository="r" * 256)],
        [replace(MOVED, tag="t" * 128)],
        [replace(MOVED, tag="t" * 128, repository=LONG, mode="audit", after_tags=("v" * 128,))],
        [replace(MOVED, tag=f"{n}-{'t' * 100}") for n in range(5)],
        [replace(SWEPT, reason="A long story. " * 40)],
    ],
    ids=["repository", "tag", "both", "tags", "reason"],
)
def test_a_long_name_is_cut_to_what_a_subject_holds(facts: list[Fact]) -> None:
    assert accepted(render(facts).subject)


def test_of_a_long_repository_the_end_is_kept_and_the_title_stays_whole() -> None:
    subject = render([replace(MOVED, repository=LONG)]).subject
    assert subject.endswith("-payments-api: 1.4 moved from 1.4.1 to 1.4.2")
    assert len(subject) == SUBJECT


def test_a_subject_is_below_the_hundred_characters_that_sns_names() -> None:
    assert SUBJECT < 100


HOSTILE = "All is well.\r\nBcc: someone@example.com\n\nmode        enforce\x00\x1b[31m\u2028\ud800"


@pytest.mark.parametrize("fact", [MOVED, FAILED, SWEPT], ids=lambda fact: str(fact.kind))
def test_a_hostile_reason_breaks_neither_the_subject_nor_the_body(fact: Fact) -> None:
    message = render([replace(fact, reason=HOSTILE)])
    assert accepted(message.subject)
    assert len(message.body.splitlines()) == len(render([fact]).body.splitlines())
    assert all(each.isprintable() for each in message.body.split("\n"))


@given(
    st.lists(st.sampled_from(EVERY_KIND), min_size=1, max_size=6),
    st.lists(st.text(max_size=300), min_size=5, max_size=5),
    st.sampled_from(["audit", "enforce", "off"]),
)
def test_whatever_facts_hold_the_message_can_be_sent(
    facts: list[Fact], texts: list[str], mode: str
) -> None:
    tag, repository, reason, rule, before = texts
    message = render(
        [
            replace(
                fact,
                tag=tag,
                repository=repository,
                reason=reason,
                rule=rule,
                before_tags=(before, tag),
                mode=mode,
            )
            for fact in facts
        ]
    )
    assert accepted(message.subject)
    assert message.body.endswith("\n")
    message.body.encode()
    assert all(each.isprintable() for each in message.body.split("\n"))


@pytest.mark.parametrize("fact", EVERY_KIND, ids=lambda fact: str(fact.kind))
def test_a_message_never_shows_a_value_that_is_not_there(fact: Fact) -> None:
    message = render([fact])
    assert "None" not in message.subject + message.body
    if fact.kind is not FactKind.SWEPT:
        assert fact.reason in message.body
    assert fact.cause.id in message.body


def test_sns_accepts_the_message() -> None:
    message = render([replace(MOVED, repository=LONG)])
    asked = {"TopicArn": "arn", "Subject": message.subject, "Message": message.body}
    client = boto3.client("sns")
    with Stubber(client) as stubber:
        stubber.add_response("publish", {"MessageId": "1"}, asked)
        client.publish(TopicArn="arn", Subject=message.subject, Message=message.body)


def test_the_sample_event_reads_as_a_message() -> None:
    records = json.loads((EVENTS / "notify_batch_moved.json").read_text())["Records"]
    events = [json.loads(record["body"]) for record in records]
    facts = [Fact.from_detail(each["detail-type"], each["detail"]) for each in events]
    assert render(facts).subject.endswith("moved from 1.4.1 to 1.4.2")


@pytest.mark.parametrize(
    ("digest", "text"),
    [(NEW, NEW[:19]), (OLD, OLD[:19]), (None, "no image")],
)
def test_a_digest_is_shortened_to_what_people_read(digest: str | None, text: str) -> None:
    assert short(digest) == text


def test_a_body_is_cut_where_sns_takes_no_more_and_says_so() -> None:
    long = "x" * 120
    facts = [
        replace(MOVED, tag=f"{long}{n:08}", reason=f"{long} {n}.", of=2000) for n in range(2000)
    ]
    body = render(facts).body
    assert len(body.encode()) < 256_000
    assert body.endswith("more lines: see `ecr-steward history`.\n")
