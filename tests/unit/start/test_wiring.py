"""The seam between the functions and the world."""

from __future__ import annotations

import json
import logging

import pytest

from ecr_steward.start import wiring
from ecr_steward.words.hints import Hint
from tests.support.world import World


def _hint() -> Hint:
    world = World()
    world.push("1.4.2")
    hint = Hint.from_ecr(world.events[0])
    assert hint is not None
    return hint


def test_sam_local_invoke_logs_the_hint_where_there_is_no_queue(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_SAM_LOCAL", "true")
    monkeypatch.setattr(logging.getLogger("ecr_steward"), "propagate", True)
    with caplog.at_level(logging.INFO, logger="ecr_steward"):
        wiring._door("RetagQueue")(_hint())
    said, brace, rest = caplog.messages[-1].partition("{")
    assert said == "No queue here; it would get "
    assert json.loads(brace + rest)["tag"] == "1.4.2"


@pytest.mark.parametrize(
    ("local", "url"),
    [("true", "http://queue"), (None, "https://queue"), (None, "RetagQueue"), ("false", "x")],
)
def test_everywhere_else_the_hint_goes_to_the_queue(
    monkeypatch: pytest.MonkeyPatch, local: str | None, url: str
) -> None:
    sent: list[tuple[str, str]] = []

    class Client:
        def send_message(self, **asked: str) -> None:
            sent.append((asked["QueueUrl"], asked["MessageGroupId"]))

    if local is not None:
        monkeypatch.setenv("AWS_SAM_LOCAL", local)
    else:
        monkeypatch.delenv("AWS_SAM_LOCAL", raising=False)
    monkeypatch.setattr(wiring, "client", lambda service: Client())
    wiring._queue.cache_clear()
    wiring._door(url)(_hint())
    wiring._queue.cache_clear()
    assert sent == [(url, "base/redis")]
