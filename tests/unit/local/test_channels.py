"""The demo's receiver and channels: what arrives is kept, shown as text, and counted once."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from ecr_steward_cli.rules_file.load import inspect
from local import channels
from local.receiver import Answer, ReceivedRequest, Receiver

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "unit" / "messages" / "golden"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def post(
    receiver: Receiver,
    path: str,
    timeout: float = 60,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> int:
    request = urllib.request.Request(receiver.url(path), b"{}", dict(headers), method="POST")  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.enable_socket
def test_the_receiver_answers_as_its_script_says_and_then_takes_everything(
    receiver: Receiver,
) -> None:
    receiver.script("/a", [Answer(500), Answer(429, {"Retry-After": "3"})])
    assert [post(receiver, "/a") for _ in range(3)] == [500, 429, 200]
    assert post(receiver, "/b") == 200
    assert [each.accepted for each in receiver.received("/a")] == [False, False, True]
    assert len(receiver.received()) == 4


def event(receiver: Receiver, id_: str) -> int:
    return post(receiver, "/a", headers={"webhook-id": id_})


@pytest.mark.enable_socket
def test_a_script_for_the_first_event_meets_no_other_that_comes_in_between(
    receiver: Receiver,
) -> None:
    receiver.script_first("/a", [Answer(404), lambda: Answer(503)])
    came = [event(receiver, each) for each in ("one", "two", "one", "two", "one")]
    assert came == [404, 200, 503, 200, 200]


@pytest.mark.enable_socket
def test_what_is_answered_too_late_or_not_at_all_was_not_accepted(receiver: Receiver) -> None:
    receiver.script("/late", [Answer(pause=60)])
    receiver.script("/none", [Answer(hang_up=True)])
    with pytest.raises(TimeoutError):
        post(receiver, "/late", timeout=0.1)
    with pytest.raises(OSError, match=r".*"):
        post(receiver, "/none")
    assert [each.accepted for each in receiver.received()] == [False, False]


@pytest.mark.enable_socket
def test_a_receiver_that_is_not_there_yet_refuses_at_its_own_port() -> None:
    late = Receiver()
    port = late.port
    with pytest.raises(urllib.error.URLError, match="refused"):
        post(late, "/")
    with late:
        assert late.port == port
        assert post(late, "/") == 200
    with pytest.raises(urllib.error.URLError, match="refused"):
        post(late, "/")


def arrived(path: str, name: str) -> ReceivedRequest:
    body = (GOLDEN / name).read_bytes()
    content = json.loads(body)
    if isinstance(content, list):
        body = json.dumps(content[0]).encode()
    return ReceivedRequest(path, {}, body, Answer(), 0)


def test_a_slack_message_is_shown_as_text() -> None:
    message = arrived("/team", "slack/tag_moved.json")
    assert channels.headline(message) == message.json()["text"]
    shown = "\n".join(channels.lines(message))
    for said in ("1.4", "→", "ecr-steward"):
        assert said in shown
    assert '"type"' not in shown


def test_a_webhook_is_shown_by_its_type_and_subject() -> None:
    message = arrived("/programs", "webhook/tag_moved.json")
    assert channels.headline(message) == "ecr-steward.tag.moved base/redis:1 a65384e8eaf9"


def test_the_demos_rules_are_those_that_are_shipped_with_channels(tmp_path: Path) -> None:
    shipped = ROOT / "layers" / "rules" / "rules.yaml"
    loaded = inspect(channels.rules(shipped, tmp_path / "rules.yaml"))
    assert set(loaded.document["channels"]) == {"team", "programs"}
    base, apps = loaded.document["rules"]
    assert apps.pop("images")["others"] == "expire"
    assert [base, apps] == inspect(shipped).document["rules"]
