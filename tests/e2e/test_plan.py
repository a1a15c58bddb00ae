"""A plan of the deployed stack in audit, and what the stack does once it enforces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.cloud import ACCOUNT, REGION
from tests.e2e.deployed import Deployed
from tests.support.planned import made, wanted
from tests.support.settings_world import ANYONE, policy

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

RULES = Path(__file__).with_name("rules.yaml")
TAGGED, SET = "base/planned-{}", "base/settings-planned-{}"
PARTS = ("swept", "narrowed")


@pytest.fixture
def registry(stack: Deployed) -> Deployed:
    """The stack in audit, which has told of two repositories with tags to move and of two with
    settings to correct, one of each for either sweep."""
    stack.deploy("audit")
    # An event that finds no function waiting starts one more: all pushes at once would start forty.
    stack.push("base/first:1.4.1")
    stack.rest()
    for part in PARTS:
        for version in ("1.4.1", "1.4.2", "1.3.9"):
            stack.push(f"{TAGGED.format(part)}:{version}")
        stack.push(f"{TAGGED.format(part)}:latest", "1.3.9")
        name = SET.format(part)
        stack.cloud.create_repository(name)
        stack.cloud.client("ecr").set_repository_policy(
            repositoryName=name, policyText=policy(ANYONE)
        )
    stack.rest()
    return stack


def planned(stack: Deployed, file: Path) -> dict[str, Any]:
    """What `plan --out` keeps of these repositories."""
    options = ("--rules", str(RULES), "--repository", "base/*planned-*", "--out", str(file))
    run = stack.steward("plan", *options)
    assert run.returncode == 1, run.stderr
    found: dict[str, Any] = json.loads(file.read_text())["accounts"][ACCOUNT][REGION]
    return found


def of(part: str, plan: dict[str, Any]) -> dict[str, Any]:
    """What a plan has for the repositories of one sweep."""
    every = plan["repositories"].items()
    return {**plan, "repositories": {name: each for name, each in every if name.endswith(part)}}


def done(stack: Deployed, part: str) -> list[str]:
    names = (TAGGED.format(part), SET.format(part))
    return made(fact for name in names for fact in stack.facts(name))


def test_what_was_planned_is_what_the_stack_does_once_it_enforces(
    registry: Deployed, tmp_path: Path
) -> None:
    plan = planned(registry, tmp_path / "plan.json")
    registry.deploy("enforce")
    for part, options in (("swept", ()), ("narrowed", ("--plan", str(tmp_path / "plan.json")))):
        assert done(registry, part) == []
        run = registry.steward("sweep", f"base/*planned-{part}", *options)
        assert (run.returncode, run.stderr) == (0, "")
        assert done(registry, part) == wanted(of(part, plan))
        assert len(done(registry, part)) == 9
    assert "Of the plan, 9 of 9 changes were made.\n" in run.stdout
