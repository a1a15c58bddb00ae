"""What was planned is what a sweep does once the stack enforces: change by change."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.running import RunningImages
from ecr_steward.history.settings import SettingsHistory
from ecr_steward.history.table import Table
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactMaker
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.running import Running
from ecr_steward.writers.settings import Enforcer
from ecr_steward.writers.settings_setup import SettingsSetup
from ecr_steward_cli.in_memory.settings import MemorySettings
from ecr_steward_cli.in_memory.table import MemoryTable
from ecr_steward_cli.live.look import LiveRegistry, Look, RepositoryPlan
from ecr_steward_cli.live.overlay import Overlay
from tests.support.settings_world import ACCOUNT, ANYONE, policy, rules_for
from tests.support.stage import KEEP, PIN, REMOVE, RESTORE, Stage
from tests.support.world import BEGINNING, REPOSITORY, image, manifest

Change = tuple[str, str | None, str | None, str | None]


def look(rules: Ruleset, ecr: Any, table: Table) -> RepositoryPlan:
    registry = LiveRegistry(ecr, ACCOUNT, "eu-west-1", lambda: Overlay(table))
    rule = rules.rule_for(REPOSITORY)
    assert rule is not None
    return Look(rules, registry, lambda: BEGINNING, timedelta(days=7)).at(REPOSITORY, rule)


def planned(stage: Stage) -> set[Change]:
    """The plan's changes of tags that write."""
    changes = look(stage.rules, stage.ecr.client, stage.table).changes
    return {(each.kind.value, each.tag, each.before, each.after) for each in changes if each.writes}


def done(stage: Stage) -> set[Change]:
    """What one sweep does to tags."""
    stage.events.clear()
    before = len(stage.told())
    stage.look_all_over()
    writes = ("move", "pin", "restore", "remove")
    new = stage.told()[before:]
    return {(f.kind.value, f.tag, f.before, f.digest) for f in new if f.kind.value in writes}


def in_audit(tags: dict[str, object]) -> Stage:
    """A stack in audit that has seen a registry in which much is wrong."""
    stage = Stage({**PIN, **REMOVE, **tags}, Mode.AUDIT)
    for tag, name in (("1.4.1", "old"), ("1.4", "old"), ("latest", "old"), ("main", "built")):
        stage.push(tag, name)
    stage.settle()
    stage.push("1.4.2", "new")
    stage.push("1.4.1", "newcomer")
    stage.push("wip", "new")
    return stage


def test_a_sweep_that_enforces_does_what_was_planned() -> None:
    for tags in ({}, RESTORE, KEEP):
        stage = in_audit(dict(tags))
        plan = planned(stage)
        stage.set_mode(Mode.ENFORCE)
        assert plan == done(stage)
        assert len(plan) >= 3
        assert planned(stage) == set()


def test_the_settings_that_are_set_back_are_those_that_were_planned() -> None:
    registry = MemorySettings(clock=lambda: BEGINNING)
    registry.create_repository(repositoryName=REPOSITORY)
    registry.set_repository_policy(repositoryName=REPOSITORY, policyText=policy(ANYONE))
    wanted = {"policy": {"public": "remove", "others": "keep"}, "scan_on_push": True}
    rules = rules_for(wanted, tags=None)
    plan = look(rules, registry.client, MemoryTable())
    enforcer = Enforcer(
        SettingsSetup(
            rules=rules,
            cap=Mode.ENFORCE,
            registry=EcrSettings(registry.client),
            history=SettingsHistory(MemoryTable()),
            maker=FactMaker(ACCOUNT, "eu-west-1", lambda: BEGINNING, rules.fingerprint),
        )
    )
    hint = Hint(REPOSITORY, Action.SWEEP, None, None, Cause("sweep", "Sweep"), BEGINNING)
    made = [fact.difference for fact in enforcer.visit(REPOSITORY, [hint]).facts]
    assert [(d.setting, d.problem, d.subject) for d in made if d] == [
        (each.setting, each.problem, each.subject) for each in plan.settings
    ]
    assert len(made) == 2


PR_GO = {"tagStatus": "tagged", "tagPatternList": ["pr-*"], "countType": "imageCountMoreThan"}
PR_GO_POLICY = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {**PR_GO, "countNumber": 1},
            "action": {"type": "expire"},
        }
    ]
}


def test_a_plan_shows_what_a_lifecycle_policy_would_take_of_what_runs() -> None:
    registry = MemorySettings(clock=lambda: BEGINNING)
    registry.create_repository(repositoryName=REPOSITORY)
    for tag in ("pr-1", "pr-2"):
        registry.put_image(repositoryName=REPOSITORY, imageManifest=manifest(tag), imageTag=tag)
    table, rules = MemoryTable(), rules_for({"lifecycle": PR_GO_POLICY})
    web = Running(REPOSITORY, image("pr-1"), "ecs", "ecs:prod/web", "", BEGINNING, BEGINNING)
    assert problems(look(rules, registry.client, table)) == ["missing correct"]
    RunningImages(table, timedelta(days=7)).saw([web])
    expected = ["missing refuse", "expires_running refuse"]
    assert problems(look(rules, registry.client, table)) == expected
    registry.put_lifecycle_policy(
        repositoryName=REPOSITORY, lifecyclePolicyText=json.dumps(PR_GO_POLICY)
    )
    assert problems(look(rules, registry.client, table)) == ["expires_running report"]
    assert registry.calls["StartLifecyclePolicyPreview"] == 0


def problems(plan: RepositoryPlan) -> list[str]:
    return [f"{each.problem} {each.action}" for each in plan.settings]
