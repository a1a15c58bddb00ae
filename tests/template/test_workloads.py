"""What an account with workloads deploys, and how it fits the steward's own stack."""

from __future__ import annotations

import json
from typing import Any

from cfnlint.decode.cfn_yaml import loads  # type: ignore[import-untyped]

from tests.template import support
from tests.template.patterns import matches
from tests.template.support import EVENTS, ROOT, listed
from tests.template.test_lint import _faults
from tests.template.test_patterns import event

TEMPLATE = (ROOT / "workloads/template.yaml").read_text(encoding="utf-8")
RESOURCES: dict[str, Any] = json.loads(json.dumps(loads(TEMPLATE)["Resources"]))
STEWARD = support.stack(RunningSources="ecs,lambda", WorkloadAccounts="210987654321")


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = RESOURCES[name]["Properties"]
    return found


def granted(statements: list[Any]) -> set[str]:
    """Every action, those under a condition too."""
    plain = [each["Fn::If"][1] if "Fn::If" in each else each for each in statements]
    return {action for each in plain for action in listed(each["Action"])}


def test_cfn_lint_finds_nothing() -> None:
    assert _faults(TEMPLATE) == []


def test_it_sends_the_events_that_the_bus_takes_and_no_others() -> None:
    pattern = properties("TaskChangeRule")["EventPattern"]
    sent = {path.stem for path in EVENTS.glob("*.json") if matches(pattern, event(path.stem))}
    assert sent == {
        "task_started",
        "task_started_without_digest",
        "task_started_elsewhere",
        "task_started_other_account",
        "task_stopped",
        "task_stopped_run_once",
    }


def test_the_role_has_the_name_and_the_id_that_the_look_comes_with() -> None:
    variables = STEWARD.properties("${LookRunningFunction}")["Environment"]["Variables"]
    role = properties("WorkloadsRole")
    assert role["RoleName"] == {"Fn::Sub": "${Steward}-workloads"}
    assert variables["WORKLOADS_ROLE"].endswith("::ACCOUNT:role/ecr-steward-workloads")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"AWS": {"Ref": "LookRunningRoleArn"}}
    assert trust["Condition"] == {
        "StringEquals": {"sts:ExternalId": {"Fn::Sub": "${StewardAccount}/${Steward}"}}
    }
    assert variables["EXTERNAL_ID"] == "123456789012/ecr-steward"


def test_the_role_reads_what_the_look_reads_at_home_and_nothing_more() -> None:
    (policy,) = properties("WorkloadsRole")["Policies"]
    away = granted(policy["PolicyDocument"]["Statement"])
    home = {
        action
        for role, each in STEWARD.statements()
        if role == "LookRunningRole" and each["Sid"] in ("LookAtEcs", "LookAtFunctions")
        for action in listed(each["Action"])
    }
    assert away == home
    assert all(action.split(":")[1].startswith(("List", "Describe", "Get")) for action in away)
