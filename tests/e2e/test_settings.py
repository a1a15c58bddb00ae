"""Settings changed by hand, and what the deployed stack makes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_steward.words.facts import Fact
from local.cloud import ACCOUNT
from tests.e2e.deployed import Deployed
from tests.support.settings_world import ANYONE, policy

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

TEAM = {
    "Sid": "TeamPull",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
}


def made(stack: Deployed, repository: str) -> str:
    """A new repository, once the steward is done with it."""
    stack.cloud.create_repository(repository)
    stack.rest()
    stack.cloud.reset_calls()
    return repository


def make_public(stack: Deployed, repository: str) -> None:
    stack.cloud.client("ecr").set_repository_policy(
        repositoryName=repository, policyText=policy(TEAM, ANYONE)
    )


def settings(facts: list[Fact]) -> list[tuple[str, str, str]]:
    """What was found or done: kind, setting and problem, in order."""
    found = ((f.kind.value, f.difference) for f in facts)
    return [(kind, each.setting, each.problem) for kind, each in found if each is not None]


def test_a_new_repository_gets_its_baseline_with_a_previewed_lifecycle_policy(
    stack: Deployed,
) -> None:
    repository = made(stack, "base/settings-full-new")
    ecr = stack.cloud.client("ecr")
    assert stack.policy(repository) == [TEAM]
    (described,) = ecr.describe_repositories(repositoryNames=[repository])["repositories"]
    assert described["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert described["imageScanningConfiguration"] == {"scanOnPush": True}
    found = ecr.list_tags_for_resource(resourceArn=described["repositoryArn"])
    assert found["tags"] == [{"Key": "owner", "Value": "platform"}]
    text = ecr.get_lifecycle_policy(repositoryName=repository)["lifecyclePolicyText"]
    assert json.loads(text)["rules"][0]["selection"]["tagStatus"] == "untagged"
    facts = stack.facts(repository)
    assert {kind for kind, _, _ in settings(facts)} == {"correct"}
    (lifecycle,) = (f for f in facts if f.difference and f.difference.setting == "lifecycle")
    assert lifecycle.reason.endswith("ECR's preview says that no image would expire now.")
    assert len(stack.messages(repository)) == 1


def test_a_repository_made_public_is_put_right_at_once_and_told_once(stack: Deployed) -> None:
    repository = made(stack, "base/settings-full-public")
    before = len(stack.facts(repository))
    make_public(stack, repository)
    stack.rest()  # no schedule runs here: the call itself has led to this
    assert stack.policy(repository) == [TEAM]
    facts = stack.facts(repository)[before:]
    assert settings(facts) == [("correct", "policy", "public")]
    assert facts[0].cause.by == f"arn:aws:iam::{ACCOUNT}:root"
    assert facts[0].cause.type == "AWS API Call via CloudTrail"
    message = stack.messages(repository)[-1]
    assert message.subject == f"[ECR Steward] {repository}: public access removed"
    # Once, and its own call led to nothing.
    assert stack.made("SetRepositoryPolicy") == 1
    assert stack.made("DescribeRepositories") == 1


def test_in_audit_it_is_reported_once_and_left_alone(stack: Deployed) -> None:
    repository = made(stack, "base/settings-full-audit")
    stack.deploy("audit")
    before = len(stack.facts(repository))
    make_public(stack, repository)
    stack.rest()
    assert stack.policy(repository) == [TEAM, ANYONE]
    assert settings(stack.facts(repository)[before:]) == [("drift", "policy", "public")]
    assert stack.messages(repository)[-1].subject == (
        f"[ECR Steward, audit] {repository}: public access"
    )
    swept = stack.steward("sweep", repository)
    assert swept.returncode == 0, swept.stderr
    assert "1 repository swept: 1 setting drifted" in swept.stdout
    assert len(stack.facts(repository)) == before + 1
    actions = stack.role_actions("EnforceSettingsRole")
    assert not {each for each in actions if each.startswith(("ecr:Set", "ecr:Put", "ecr:Delete"))}


def test_settings_can_stay_in_audit_while_tags_are_moved(stack: Deployed) -> None:
    repository = made(stack, "base/settings-full-half")
    with stack.parameter(SettingsMode="audit"):
        make_public(stack, repository)
        image = stack.push("base/half:1.4.2")
        stack.rest()
        assert stack.policy(repository) == [TEAM, ANYONE]
        assert stack.tags("base/half")["latest"] == image.digest
        run = stack.steward("status", "--json")
        assert json.loads(run.stdout)["settings_mode"] == "audit"


def test_a_lost_call_is_healed_by_a_sweep(stack: Deployed) -> None:
    repository = made(stack, "base/settings-full-lost")
    rule = stack.id("ApiCallRule")
    events = stack.cloud.client("events")
    events.disable_rule(Name=rule)
    try:
        make_public(stack, repository)
        stack.rest()
    finally:
        events.enable_rule(Name=rule)
    assert stack.policy(repository) == [TEAM, ANYONE]
    swept = stack.steward("sweep", "base/settings-full-l*")
    assert swept.returncode == 0, swept.stderr
    assert "1 repository swept: 1 setting corrected" in swept.stdout
    assert stack.policy(repository) == [TEAM]
    past = stack.steward("history", repository)
    assert "policy Everybody" in past.stdout


def test_what_is_changed_while_the_writers_are_paused_is_put_right_when_they_resume(
    stack: Deployed,
) -> None:
    repository = made(stack, "base/settings-paused")
    with stack.paused():
        make_public(stack, repository)
        stack.rest()
        assert stack.policy(repository) == [TEAM, ANYONE]
        assert stack.depth("SettingsQueue") == 1
    stack.rest()
    assert stack.policy(repository) == [TEAM]


def test_an_unchanged_repository_costs_four_reads(stack: Deployed) -> None:
    repository = made(stack, "base/settings-full-same")
    assert stack.steward("sweep", repository).returncode == 0
    stack.rest()
    calls: dict[str, Any] = stack.cloud.calls()["functions"]
    # The sweep itself lists the repositories and the caches.
    assert calls.pop("DescribePullThroughCacheRules") == 1
    tags = {"DescribeImages": calls.pop("DescribeImages", 0)}
    assert tags == {"DescribeImages": 1}
    assert calls == {
        "DescribeRepositories": 2,
        "GetRepositoryPolicy": 1,
        "GetLifecyclePolicy": 1,
        "ListTagsForResource": 1,
    }
