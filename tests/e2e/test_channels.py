"""The deployed stack delivers to a real HTTP server through every way to fail: nothing is lost,
nothing is told twice, and no channel holds up another."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table
from standardwebhooks import Webhook

from local.cloud import Inbox, LocalCloud
from local.receiver import Answer, ReceivedRequest, Receiver, Script
from tests.e2e.deployed import Deployed

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e: other stacks")]

RULES = Path(__file__).with_name("channels.yaml")
KEY = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, or so").decode()
REPOSITORY = "chan/app"
WEBHOOKS = (
    "well", "broken", "throttled", "dated", "silent", "hanging-up", "down", "slow", "gone", "moved",
)  # fmt: skip
REST = 8
"""How many seconds two of the channels ask to be left in peace."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def late() -> Receiver:
    """One that is not there yet; its port is known, and refuses connections."""
    return Receiver()


@pytest.fixture(scope="module")
def stack(cloud: LocalCloud, receiver: Receiver, late: Receiver) -> Deployed:
    ssm = cloud.client("ssm")
    for name in (*WEBHOOKS, "people", "cards"):
        at = late if name == "down" else receiver
        ssm.put_parameter(
            Name=f"/ecr-steward/e2e/{name}", Type="SecureString", Value=at.url(f"/{name}")
        )
    cloud.client("secretsmanager").create_secret(
        Name="ecr-steward/e2e", SecretString=json.dumps({"key": KEY})
    )
    template = cloud.sam_build(build_dir=cloud.home / "build-channels", rules=RULES)
    stack = Deployed(cloud, "e2e-channels", template, RepositoryPattern="chan/*")
    stack.deploy("enforce")
    stack.listen()
    return stack


def failing(receiver: Receiver) -> None:
    """Have each channel fail in its own way at the first event it gets, and take all others."""
    scripts: Mapping[str, Script] = {
        "broken": [Answer(500), Answer(503)],
        "throttled": [Answer(429, {"Retry-After": str(REST)})],
        "dated": [lambda: Answer(503, {"Retry-After": in_seconds(REST + 1)})],
        "silent": [Answer(pause=60)],
        "hanging-up": [Answer(hang_up=True)],
        "slow": [Answer(body=b"x" * 30, drip=0.05)],
        # Each refusal is tried once more at once, with the address read anew.
        "gone": [Answer(404), Answer(404)],
        "moved": [Answer(301, {"Location": receiver.url("/elsewhere")})] * 2,
    }
    for name, script in scripts.items():
        receiver.script_first(f"/{name}", script)


def in_seconds(seconds: int) -> str:
    """A date so far away, or up to a second less: dates have whole seconds."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@dataclass(frozen=True)
class Row:
    """What happened on one channel to the events of the pushes: how many requests with them
    arrived there, and how many of them were taken."""

    fault: str
    events: int
    sent: int
    received: int
    duplicated: int
    lost: int


FAULTS = {
    "well": "none",
    "broken": "500, then 503",
    "throttled": "429, Retry-After in seconds",
    "dated": "503, Retry-After as a date",
    "silent": "no answer in time",
    "hanging-up": "connection closed without an answer",
    "down": "connection refused",
    "slow": "the answer's body trickles",
    "gone": "404: the channel is wrong",
    "moved": "301: a redirect",
}


def counted(name: str, arrived: list[ReceivedRequest], facts: set[str]) -> Row:
    sent = [each for each in arrived if each.headers["webhook-id"] in facts]
    taken = Counter(each.headers["webhook-id"] for each in sent if each.accepted)
    return Row(
        fault=FAULTS[name],
        events=len(facts),
        sent=len(sent),
        received=len(taken),
        duplicated=sum(taken.values()) - len(taken),
        lost=len(facts - taken.keys()),
    )


def shown(rows: Mapping[str, Row]) -> Table:
    table = Table("channel", "fault", "events", "sent", "received", "duplicated", "lost")
    for name, row in rows.items():
        values = (row.events, row.sent, row.received, row.duplicated, row.lost)
        table.add_row(name, row.fault, *map(str, values))
    return table


def test_each_event_reaches_each_channel_once_through_every_fault(
    stack: Deployed, receiver: Receiver, late: Receiver
) -> None:
    room = Inbox(stack.cloud, stack.id("ChatTopic"))
    failing(receiver)
    for moves, version in ((3, "1.4.1"), (6, "1.4.2")):
        stack.push(f"{REPOSITORY}:{version}")
        stack.until(
            lambda: len(stack.facts(REPOSITORY)), f"{version} moves three tags", moves.__eq__
        )
    facts = {fact.id for fact in stack.facts(REPOSITORY)}
    # Who is well is told while the others are waited for, one of which refuses all.
    stack.until(lambda: events_at(receiver, "well"), "who is well is told", facts.issubset)
    stack.until(lambda: stack.logged("NotifyLogGroup", "down did not take a message"), "down fails")
    with late:
        stack.rest()
        arrived = {name: receiver.received(f"/{name}") for name in WEBHOOKS}
        arrived["down"] = late.received("/down")
    rows = {name: counted(name, arrived[name], facts) for name in WEBHOOKS}
    Console(width=110).print(shown(rows))

    assert {name: row.lost for name, row in rows.items()} == dict.fromkeys(WEBHOOKS, 0)
    assert {name: row.duplicated for name, row in rows.items()} == dict.fromkeys(WEBHOOKS, 0)
    for name in ("broken", "silent", "hanging-up", "gone", "moved"):
        assert rows[name].sent > rows["well"].sent, f"{name} did not fail"
    assert receiver.received("/elsewhere") == [], "a redirect was followed"
    _expect_waits(receiver)
    _expect_faults_told_once(stack, receiver)
    _expect_people_told(stack, receiver, list(room))
    assert stack.failures() == {}


def events_at(receiver: Receiver, name: str) -> set[str]:
    """The events that have come to a channel so far."""
    return {each.headers["webhook-id"] for each in receiver.received(f"/{name}")}


def _expect_waits(receiver: Receiver) -> None:
    """What asked for time was left in peace for as long, by the event that it refused."""
    for name in ("throttled", "dated"):
        refused, again = _tries(receiver, name)
        assert again - refused >= REST


def _tries(receiver: Receiver, name: str) -> list[float]:
    """When the first event that a channel refused came, and came again."""
    arrived = receiver.received(f"/{name}")
    first = arrived[0].headers["webhook-id"]
    return [each.at for each in arrived if each.headers["webhook-id"] == first]


def _expect_faults_told_once(stack: Deployed, receiver: Receiver) -> None:
    """That a channel is wrong reached each other channel once, and itself never."""
    told = [each.json() for each in receiver.received("/well")]
    failed = [event for event in told if event["type"] == "ecr-steward.steward.failed"]
    broken = [event["data"]["cause"]["id"].split("/")[1] for event in failed]
    assert sorted(broken) == ["gone", "moved"]
    for event in failed:
        name = event["data"]["cause"]["id"].split("/")[1]
        ids = [each.headers["webhook-id"] for each in receiver.received(f"/{name}")]
        assert event["id"] not in ids
        assert f"The channel `{name}` is down." in event["data"]["reason"]
    assert stack.faults() == []


def _expect_people_told(stack: Deployed, receiver: Receiver, room: list[Any]) -> None:
    """One message a push, and one for each of the two channels that are wrong."""
    slack, teams = receiver.received("/people"), receiver.received("/cards")
    assert (len(slack), len(teams), len(room)) == (4, 4, 4)
    assert all(each.json()["blocks"] for each in slack)
    assert all(each.json()["attachments"] for each in teams)
    assert all(json.loads(each.body)["source"] == "custom" for each in room)
    assert len(stack.messages(REPOSITORY)) == 2
    for each in receiver.received("/well"):
        Webhook(KEY).verify(each.body, dict(each.headers))  # raises where it is not the key's


def test_a_channel_is_tried_by_hand(stack: Deployed, receiver: Receiver) -> None:
    before = len(receiver.received("/people"))
    run = stack.steward("notify-test", "people")
    assert (run.returncode, run.stdout) == (0, "`people` accepted the sample: 200 ok.\n")
    arrived = receiver.received("/people")[before:]
    assert len(arrived) == 1
    assert "This is a test of the channel" in arrived[0].body.decode()

    receiver.script("/people", [Answer(410)] * 2)
    run = stack.steward("notify-test", "people")
    assert run.returncode == 1
    assert run.stderr.startswith("`people` did not accept the sample. It answered 410: ")

    run = stack.steward("notify-test", "nobody")
    assert run.returncode == 2
    assert "there is broken, cards, dated" in run.stderr


def test_an_address_that_is_changed_is_found_by_the_next_message(
    stack: Deployed, receiver: Receiver
) -> None:
    receiver.script("/people", [Answer(404)] * 9)
    stack.cloud.client("ssm").put_parameter(
        Name="/ecr-steward/e2e/people",
        Type="SecureString",
        Value=receiver.url("/new-people"),
        Overwrite=True,
    )
    run = stack.steward("notify-test", "people")
    assert run.returncode == 0, run.stderr
    assert len(receiver.received("/new-people")) == 1
