"""Events that never came: a sweep finds what they would have caused."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator

import pytest

from ecr_steward.queues.hints import HintQueue
from ecr_steward.start import sandbox
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import IMAGE_ACTION, Action, Hint
from tests.e2e.deployed import Deployed

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


@contextlib.contextmanager
def events_lost(stack: Deployed) -> Iterator[None]:
    """ECR's events reach nobody; they are best effort (ECR User Guide: EventBridge)."""
    events, rule = stack.cloud.client("events"), stack.id("ImagePushRule")
    events.disable_rule(Name=rule)
    try:
        yield
        stack.rest()
    finally:
        events.enable_rule(Name=rule)


def lose(stack: Deployed, group: str) -> dict[str, str]:
    """Two repositories whose pushes nobody heard of; the newest image of each."""
    newest = {}
    with events_lost(stack):
        for name in (f"base/{group}-a", f"base/{group}-b"):
            stack.push(f"{name}:1.4.1")
            newest[name] = stack.push(f"{name}:1.4.2").digest
            assert set(stack.tags(name)) == {"1.4.1", "1.4.2"}
    return newest


def healed(stack: Deployed, newest: dict[str, str]) -> bool:
    return all(
        stack.tags(name).get(tag) == digest
        for name, digest in newest.items()
        for tag in ("1.4", "1", "latest")
    )


def test_the_sweep_command_heals_what_lost_events_left_undone(stack: Deployed) -> None:
    newest = lose(stack, "lost")
    run = stack.steward("sweep", "base/lost-*", "--timeout", "150")
    assert run.returncode == 0, run.stderr
    assert "2 repositories were sent" in run.stdout
    assert "6 tags moved" in run.stdout
    stack.rest()
    assert healed(stack, newest)


def test_what_a_writer_gave_up_goes_back_with_redrive_and_is_done_then(stack: Deployed) -> None:
    newest = lose(stack, "redriven")
    url = stack.id("RetagFailureQueue")
    given_up = HintQueue(lambda: stack.cloud.client("sqs"), url)
    for name, digest in newest.items():
        cause = Cause(str(uuid.uuid4()), IMAGE_ACTION)
        given_up.send(Hint(name, Action.PUSH, "1.4.2", digest, cause, sandbox.now()))
    run = stack.steward("redrive", "RetagFailureQueue", "--send")
    assert run.returncode == 0, run.stderr
    assert "RetagFailureQueue: 2 messages. The way back: moved to RetagQueue." in run.stdout
    stack.rest()
    assert healed(stack, newest)
    assert stack.depth("RetagFailureQueue") == 0


def test_a_sweep_by_hand_is_told_once_with_its_totals_and_a_second_finds_nothing(
    stack: Deployed,
) -> None:
    newest = lose(stack, "forgotten")
    sweeps = [uuid.uuid4().hex, uuid.uuid4().hex]
    for sweep in sweeps:
        for _ in range(2):  # asked twice, as a retry of Lambda's would
            asked = {"glob": "base/forgotten-*", "id": sweep}
            assert stack.invoke("SweepFunction", asked)["sent"] == 2
        stack.rest()
        assert healed(stack, newest)
    assert stack.writes() == 6
    completed = {
        sweep: [
            event["detail"]["totals"]
            for event in stack.events()
            if event["detail-type"] == "Sweep Completed"
            and event["detail"]["cause"]["id"] == f"hand-{sweep}"
        ]
        for sweep in sweeps
    }
    seen = {"repositories": 2, "images": 4, "missing": 0}
    assert completed == {
        sweeps[0]: [{**seen, "moved": 6, "first_sight": 2}],
        sweeps[1]: [seen],
    }
    for sweep in sweeps:
        (message,) = stack.messages(f"hand-{sweep}")
        assert "2 repositories swept" in message.subject
    for name in newest:
        (message,) = stack.messages(name)
        assert json.dumps(message.subject).endswith('put on 1.4.2"')
