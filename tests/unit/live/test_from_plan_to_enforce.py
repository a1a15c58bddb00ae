"""What was planned is what a sweep does once the stack enforces: change by change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.settings import SettingsHistory
from ecr_steward.history.table import Table
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.settings import Enforcer
from ecr_steward_cli.in_memory.settings import MemorySettings
from ecr_steward_cli.in_memory.table import MemoryTable
from ecr_steward_cli.live.look import LiveRegistry, Look, RepositoryPlan
from ecr_steward_cli.live.overlay import Overlay
from tests.support.settings_world import ACCOUNT, ANYONE, policy, rules_for
from tests.support.stage import KEEP, PIN, REMOVE, RESTORE, Stage
from tests.support.world import BEGINNING, REPOSITORY

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
        rules=rules,
        cap=Mode.ENFORCE,
        registry=EcrSettings(registry.client),
        history=SettingsHistory(MemoryTable()),
        clock=lambda: BEGINNING,
        account=ACCOUNT,
        region="eu-west-1",
    )
    hint = Hint(REPOSITORY, Action.SWEEP, None, None, Cause("sweep", "Sweep"), BEGINNING)
    made = [fact.difference for fact in enforcer.visit(REPOSITORY, [hint]).facts]
    assert [(d.setting, d.problem, d.subject) for d in made if d] == [
        (each.setting, each.problem, each.subject) for each in plan.settings
    ]
    assert len(made) == 2
