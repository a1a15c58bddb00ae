"""The forms: what their readers accept, read by the libraries that know them, and what may never
arise from anything that came from outside."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from ecr_steward.messages.channels import chat, slack, teams, webhook
from ecr_steward.messages.channels.channel import Payload
from ecr_steward.messages.channels.table import channel_types
from ecr_steward.messages.say.message import Message, digest, story
from ecr_steward.words.causes import Cause
from ecr_steward.words.events import EVENTS, event_name
from ecr_steward.words.facts import Difference, Fact
from ecr_steward_cli.schemas import event_schema
from tests.support import messages
from tests.support.facts import DRIFTED, EVERY_KIND, MOVED, REJECTED
from tests.support.facts import story as moves
from tests.support.messages import FORMS, write

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
JSON_FORMS = [form for form in FORMS if form != "text"]
HOSTILE = (
    "<!channel> <@U123> @here <https://evil.example|a> [a](https://evil.example) `x` *b* _i_ ~s~ "
    "{{DATE(2026-11-23T02:24:06Z)}} <at>everyone</at> \x00\x1b[31m\r\n\u2028 \ud800 \"'\\ :tada: &"
)


def only(form: str, message: Message) -> Payload:
    (payload,) = write(form, message)
    return payload


def body(form: str, message: Message) -> dict[str, Any]:
    return dict(json.loads(only(form, message).body))


def inside(value: Any) -> Iterator[Any]:
    """The value and all that it holds."""
    yield value
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from inside(each)


def texts(value: Any) -> list[str]:
    return [each for each in inside(value) if isinstance(each, str)]


def objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in inside(value) if isinstance(each, dict)]


def filled(fact: Fact, text: str) -> Fact:
    """The fact with `text` wherever something came from outside."""
    difference = fact.difference and Difference("policy", "public", text, "correct", text, None)
    # Names and ids come without surrogates.
    name = text.encode(errors="replace").decode()
    return replace(
        fact,
        tag=fact.tag and name,
        repository=fact.repository and name,
        rule=text,
        reason=f"`{text}` is {text}.",
        before_tags=(text, "1.4.1"),
        after_tags=(text,),
        cause=Cause(name or "x", "ECR Image Action", by=text or None),
        difference=difference,
    )


facts = st.lists(st.sampled_from(EVERY_KIND), min_size=1, max_size=6)
outside = st.text(max_size=400) | st.just(HOSTILE)


def made(chosen: list[Fact], text: str) -> list[Message]:
    told = [filled(fact, text) for fact in chosen]
    return [story(told), digest(told, HOUR)]


def big() -> list[Message]:
    """Messages of more than any form takes."""
    many = [
        replace(MOVED, tag=f"{'t' * 100}-{n}", reason=f"{'A long reason. ' * 20}{n}")
        for n in range(400)
    ]
    policy = {"Statement": [{"Sid": f"Statement{n}", "Action": "ecr:*"} for n in range(300)]}
    drifted = replace(DRIFTED, difference=Difference("policy", "extra", "", "correct", policy, 1))
    return [story(many), story(moves(*(f"1.{n}" for n in range(500)))), story([drifted] * 8)]


def huge() -> list[Message]:
    """Messages of facts that are each as large as no event is."""
    text = "a `b` " * 50_000
    tags = tuple(f"1.{n}-{'t' * 100}" for n in range(2_000))
    found = Difference("policy", "extra", text, "correct", {text: [text] * 3}, [text] * 3)
    moved = replace(MOVED, reason=text, rule=text, before_tags=tags, after_tags=tags)
    moved = replace(moved, cause=replace(moved.cause, by=text))
    facts = [moved, replace(DRIFTED, reason=text, rule=text, difference=found)]
    return [story(facts[:1]), story(facts[1:]), story(facts), digest(facts * 6, HOUR)]


@pytest.mark.parametrize("message", huge(), ids=["moved", "drifted", "both", "digest"])
def test_whatever_facts_hold_every_form_stays_within_what_its_channel_takes(
    message: Message,
) -> None:
    fits_slack(message)
    fits_teams(message)
    for each in channel_types():
        for form, render in each.forms.items():
            for payload in render(message):
                assert len(payload.body.encode()) <= each.size, form
                assert len(payload.subject) < 100


# Slack


@pytest.mark.parametrize("name", messages.messages("slack"))
def test_slacks_own_library_reads_every_block(name: str) -> None:
    blocks = body("slack", messages.messages("slack")[name])["blocks"]
    for block in blocks:
        read = Block.parse(block)
        assert read is not None
        assert type(read) is not Block
        read.validate_json()
        assert read.to_dict() == block


def fits_slack(message: Message) -> None:
    sent = body("slack", message)
    blocks = sent["blocks"]
    assert len(blocks) <= slack.BLOCKS
    assert len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) <= 13_000
    assert len(blocks[0]["text"]["text"]) <= slack.HEADER
    assert all(
        0 < len(each["text"]) <= slack.TEXT
        for each in objects(blocks)
        if "style" in each and isinstance(each.get("text"), str)
    )
    for block in blocks:
        if block["type"] == "context":
            assert 1 <= len(block["elements"]) <= 10


@pytest.mark.parametrize("message", big(), ids=["parts", "tags", "differences"])
def test_slack_gets_no_more_than_it_takes_and_is_told_so(message: Message) -> None:
    fits_slack(message)
    assert re.search(r"and\s[0-9]+\smore", only("slack", message).body)


@given(facts, outside)
def test_nothing_from_outside_can_be_markup_in_slack(chosen: list[Fact], text: str) -> None:
    for message in made(chosen, text):
        fits_slack(message)
        sent = only("slack", message).body
        assert "<" not in sent
        assert ">" not in sent
        assert re.search(r":[a-z0-9_+'-]+:", json.loads(sent)["text"]) is None
        kinds = {each["type"] for each in objects(json.loads(sent)) if "type" in each}
        assert kinds <= {
            "header", "plain_text", "rich_text", "rich_text_section", "rich_text_preformatted",
            "rich_text_list", "text", "link", "context",
        }  # fmt: skip


# Teams


TEXT_KEYS = {"text", "title", "fallbackText"}
ELEMENTS = {"AdaptiveCard", "Container", "RichTextBlock", "TextRun", "Action.OpenUrl", "message"}


@pytest.mark.parametrize("name", messages.messages("teams"))
def test_teams_gets_one_card_in_the_envelope_of_a_workflow(name: str) -> None:
    sent = body("teams", messages.messages("teams")[name])
    assert sent["type"] == "message"
    (attachment,) = sent["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.5")
    assert card["body"][0]["inlines"][0]["text"]


def fits_teams(message: Message) -> None:
    assert len(only("teams", message).body.encode()) <= teams.SIZE


@pytest.mark.parametrize("message", big(), ids=["parts", "tags", "differences"])
def test_teams_gets_no_more_than_it_takes_and_is_told_so(message: Message) -> None:
    fits_teams(message)
    assert re.search(r"and\s[0-9]+\smore", only("teams", message).body)


@given(facts, outside)
def test_nothing_from_outside_can_be_markup_in_teams(chosen: list[Fact], text: str) -> None:
    for message in made(chosen, text):
        fits_teams(message)
        card = body("teams", message)
        assert {each["type"] for each in objects(card) if "type" in each} <= ELEMENTS
        assert not re.search(r"[<>]|\{\{", "\n".join(texts(card)))
        assert "entities" not in card["attachments"][0]["content"]["msteams"]


# Amazon Q Developer in chat applications


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.S)


@pytest.mark.parametrize("name", messages.messages("chat"))
def test_amazon_q_gets_its_custom_notification(name: str) -> None:
    sent = body("chat", messages.messages("chat")[name])
    assert (sent["version"], sent["source"]) == ("1.0", "custom")
    assert set(sent["content"]) == {"textType", "title", "description", "nextSteps", "keywords"}
    assert sent["content"]["textType"] == "client-markdown"
    assert set(sent["metadata"]) == {
        "threadId", "summary", "eventType", "relatedResources", "additionalContext",
    }  # fmt: skip
    assert sent["metadata"]["eventType"] in EVENTS
    assert all(isinstance(value, str) for value in sent["metadata"]["additionalContext"].values())


@pytest.mark.parametrize("message", big(), ids=["parts", "tags", "differences"])
def test_amazon_q_gets_no_more_than_chats_take_and_is_told_so(message: Message) -> None:
    sent = body("chat", message)
    assert len(sent["content"]["description"]) <= chat.DESCRIPTION
    assert re.search(r"and\s[0-9]+\smore", sent["content"]["description"])


@given(facts, outside)
def test_nothing_from_outside_leaves_code_in_amazon_q(chosen: list[Fact], text: str) -> None:
    for message in made(chosen, text):
        sent = body("chat", message)
        content = sent["content"]
        assert len(content["description"]) <= chat.DESCRIPTION
        assert all(len(each) <= 75 for each in content["keywords"])
        assert all(len(each) <= 350 for each in content["nextSteps"])
        shown = [content["title"], content["description"], *content["nextSteps"]]
        for each in (*shown, *content["keywords"], sent["metadata"]["summary"]):
            bare = without_code(each)
            assert "`" not in bare
            assert bare.strip() in ("", "⚠") or bare == each or each in shown
        links = re.findall(r"https?://\S+", without_code(content["description"]))
        assert links == ([message.link] if message.link else [])
        assert without_code(content["title"]).strip() in ("", "⚠")
        assert not {"<", ">"} & set(json.dumps(sent))


# Webhook


def event(payload: Payload) -> Any:
    headers = {"content-type": payload.content_type}
    return from_structured_event(HTTPMessage(headers=headers, body=payload.body.encode()))


@pytest.mark.parametrize("name", messages.messages("webhook"))
def test_the_library_of_cloudevents_reads_every_event(name: str) -> None:
    message = messages.messages("webhook")[name]
    payloads = write("webhook", message)
    for payload in payloads:
        read = event(payload)
        assert read.get_id() == payload.id
        assert read.get_source() == "/ecr-steward/123456789012/eu-west-1"
        assert read.get_specversion() == "1.0"
    if message.every is None:
        assert [payload.id for payload in payloads] == [fact.id for fact in message.facts]
        assert [event(payload).get_data() for payload in payloads] == [
            json.loads(json.dumps(fact.to_detail())) for fact in message.facts
        ]


@pytest.mark.parametrize("fact", EVERY_KIND, ids=lambda fact: str(fact.kind))
def test_an_event_names_its_schema_by_the_schemas_own_id(fact: Fact) -> None:
    read = event(only("webhook", story([fact])))
    assert read.get_dataschema() == event_schema(fact.detail_type)["$id"]
    assert read.get_type() == f"ecr-steward.{event_name(fact.kind)}"


def test_a_digest_is_one_event_with_counts() -> None:
    payload = only("webhook", messages.DIGESTS["digest_of_a_storm"])
    data = event(payload).get_data()
    assert data["events"] == 480
    assert data["counts"] == {"tag.moved": 240, "tag.overwritten": 60, "tag.rejected": 180}
    assert len(data["repositories"]) == 30
    assert data["loudest"][0]["type"] == "ecr-steward.tag.overwritten"


@given(facts, outside)
def test_whatever_facts_hold_an_event_is_one(chosen: list[Fact], text: str) -> None:
    for message in made(chosen, text):
        for payload in write("webhook", message):
            assert event(payload).get_id() == payload.id
            payload.body.encode()


SECRETS = [f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2)]


@pytest.mark.parametrize("secret", SECRETS)
def test_the_library_of_standard_webhooks_accepts_the_signature(secret: str) -> None:
    payload = only("webhook", story([REJECTED]))
    headers = webhook.sign(payload, datetime.now(UTC), " ".join(SECRETS))
    read = standardwebhooks.Webhook(secret).verify(payload.body, headers)
    assert read["id"] == payload.id == headers["webhook-id"]


def test_a_signature_is_what_the_library_of_standard_webhooks_signs() -> None:
    payload = only("webhook", story([REJECTED]))
    headers = webhook.sign(payload, NOW, SECRETS[0])
    signed = standardwebhooks.Webhook(SECRETS[0]).sign(payload.id, NOW, payload.body)
    assert headers["webhook-signature"] == signed
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))


def test_another_secret_and_another_body_are_refused() -> None:
    payload = only("webhook", story([REJECTED]))
    headers = webhook.sign(payload, datetime.now(UTC), SECRETS[0])
    for secret, sent in ((SECRETS[1], payload.body), (SECRETS[0], payload.body + " ")):
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            standardwebhooks.Webhook(secret).verify(sent, headers)


@pytest.mark.parametrize("secret", ["", " ", "whsec_", "whsec_c2hvcnQ=", "hunter2", "whsec_é"])
def test_a_secret_that_signs_nothing_is_refused_and_not_repeated(secret: str) -> None:
    payload = only("webhook", story([REJECTED]))
    with pytest.raises(webhook.SecretError) as refused:
        webhook.sign(payload, NOW, secret)
    assert not secret.strip() or secret not in str(refused.value).replace("`whsec_`", "")


# All


@pytest.mark.parametrize("form", ["text", "slack", "teams", "chat"])
@pytest.mark.parametrize("message", made(list(EVERY_KIND), HOSTILE), ids=["story", "digest"])
def test_what_is_no_character_is_shown_as_an_escape(form: str, message: Message) -> None:
    written = only(form, message).body
    shown = [written] if form == "text" else texts(json.loads(written))
    text = "\n".join(shown).replace("\N{NO-BREAK SPACE}", " ")
    assert "\\u0000\\u001b[31m\\r\\n\\u2028" in text
    assert [each for each in text if not each.isprintable() and each != "\n"] == []


@pytest.mark.parametrize("form", list(FORMS))
def test_the_same_facts_make_the_same_letters(form: str) -> None:
    message = story(moves("1", "1.4"))
    assert write(form, message) == write(form, story(moves("1", "1.4")))
    assert len({payload.id for payload in write(form, message)}) == len(write(form, message))


@pytest.mark.parametrize("form", JSON_FORMS)
def test_every_form_but_plain_text_is_json(form: str) -> None:
    for payload in write(form, story(list(EVERY_KIND))):
        assert isinstance(json.loads(payload.body), dict)
        assert payload.content_type.partition(";")[0].endswith("json")


def test_a_form_is_loaded_when_it_is_first_needed() -> None:
    code = (
        "import sys; from ecr_steward.messages.channels import table; "
        "from ecr_steward.messages.say import message; "
        "from ecr_steward.messages.whom import recipients; "
        "print(*(name for name in sys.modules if name.startswith('ecr_steward.messages.')))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.rpartition(".")[2] for name in run.stdout.split()}
    assert {"table", "message", "recipients"} <= loaded
    assert loaded.isdisjoint({"slack", "teams", "webhook", "email", "chat", "own_facts"})
