"""Off and on again: whatever waited is served, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecr_steward_cli.rules_file.load import load
from tests.e2e.deployed import Deployed

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

RULES = Path(__file__).with_name("rules.yaml")


def pushed(stack: Deployed, repository: str) -> dict[str, str]:
    """Push two versions; the tags that must stand in the end, while none has moved yet."""
    old, new = (stack.push(f"{repository}:{version}") for version in ("1.4.1", "1.4.2"))
    stack.rest()
    assert stack.tags(repository) == {"1.4.1": old.digest, "1.4.2": new.digest}
    assert stack.depth("RetagQueue") == 2
    assert stack.writes() == 0
    return {"1.4.1": old.digest, **dict.fromkeys(["1.4.2", "1.4", "1", "latest"], new.digest)}


def status(stack: Deployed) -> tuple[int, dict[str, Any]]:
    run = stack.steward("status", "--json")
    document: dict[str, Any] = json.loads(run.stdout)
    return run.returncode, document


def test_what_is_pushed_while_mode_is_off_is_served_when_it_is_on_again(stack: Deployed) -> None:
    repository = "base/off"
    stack.deploy("off")
    expected = pushed(stack, repository)
    code, found = status(stack)
    assert (code, found["mode"], found["writers"]) == (1, "off", "Disabled")
    assert found["queues"]["RetagQueue"]["waiting"] == 2
    refused = stack.steward("resume")
    assert refused.returncode == 2
    assert "Mode=off" in refused.stderr
    stack.deploy("enforce")
    stack.rest()
    assert stack.tags(repository) == expected
    assert stack.depth("RetagQueue") == 0
    assert len({fact.id for fact in stack.facts(repository)}) == len(stack.facts(repository))


def test_what_is_pushed_while_the_writers_are_paused_is_served_when_they_resume(
    stack: Deployed,
) -> None:
    repository = "base/paused"
    with stack.paused():
        expected = pushed(stack, repository)
        code, found = status(stack)
        assert (code, found["mode"], found["writers"]) == (1, "enforce", "Disabled")
        assert found["queues"]["RetagQueue"]["waiting"] == 2
        (attention,) = found["attention"]
        assert "`ecr-steward resume` continues" in attention
    stack.rest()
    assert stack.tags(repository) == expected
    code, found = status(stack)
    assert (code, found["writers"], found["attention"]) == (0, "Enabled", [])
    assert {
        name: each["waiting"] for name, each in found["queues"].items() if each["waiting"]
    } == {}
    assert found["rules"] == load(RULES).fingerprint
    assert found["unknown"] == {}


def test_a_pipeline_can_wait_for_its_tag_and_people_can_ask_why_it_is_there(
    stack: Deployed,
) -> None:
    repository = "base/pipeline"
    stack.push(f"{repository}:1.4.2")
    waited = stack.steward("wait", f"{repository}:1.4", "--for", "1.4.2", "--timeout", "150")
    assert waited.returncode == 0, waited.stderr
    stack.rest()
    past = stack.steward("history", f"{repository}:1.4")
    assert past.returncode == 0, past.stderr
    assert "goes to 1.4.2, the highest of 1.4.*" in past.stdout
