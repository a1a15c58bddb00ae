"""What was planned is what a sweep does once the stack enforces: change by change."""

from __future__ import annotations

from dataclasses import replace

from ruamel.yaml import YAML

from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.settings import SettingsHistory
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.settings import Enforcer
from ecr_steward_cli.in_memory.table import MemoryTable
from ecr_steward_cli.planning.read import Keeping, Progressing, RegistryPlace, RegistryReader
from tests.support.stage import KEEP, PIN, REMOVE, RESTORE, Stage
from tests.support.world import BEGINNING, REPOSITORY
from tests.unit.planning.registries import ACCOUNT, RULES, behind

Change = tuple[str, str | None, str | None, str | None]


def planned(stage: Stage) -> set[Change]:
    """The plan's changes of tags that write."""
    reader = RegistryReader(stage.rules, lambda: stage.now, lambda seconds: None, at_once=1)
    place = RegistryPlace(ACCOUNT, "eu-west-1", stage.ecr.client, stage.table)
    (found,) = reader.read(place, "*", Keeping(), Progressing()).repositories
    return {each.same_as for each in found.changes if each.writes}


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
    registry, history = behind(), SettingsHistory(MemoryTable())
    rules = Ruleset.from_document(YAML(typ="safe").load(RULES))
    rules = replace(rules, rules=tuple(replace(each, mode=Mode.ENFORCE) for each in rules.rules))
    reader = RegistryReader(rules, lambda: BEGINNING, lambda seconds: None)
    place = RegistryPlace(ACCOUNT, registry.region, registry.ecr.client)
    (plan,) = reader.read(place, REPOSITORY, Keeping(), Progressing()).repositories
    enforcer = Enforcer(
        rules=rules,
        cap=Mode.ENFORCE,
        registry=EcrSettings(registry.ecr.client),
        history=history,
        clock=lambda: BEGINNING,
        account=ACCOUNT,
        region=registry.region,
        tagger="",
    )
    hint = Hint(REPOSITORY, Action.SWEEP, None, None, Cause("sweep", "Sweep"), BEGINNING)
    made = [fact.difference for fact in enforcer.visit(REPOSITORY, [hint]).facts]
    assert [(d.setting, d.problem, d.subject) for d in made if d] == [
        (each["setting"], each["problem"], each["subject"]) for each in plan.settings
    ]
    assert len(made) == 1
