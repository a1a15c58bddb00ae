"""A visit to settings that is narrowed to a kept plan, and the sweep that sends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.planned import Planned
from ecr_steward.history.settings import key_of
from ecr_steward.rules import Mode
from ecr_steward.settings.state import SettingChange
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Difference, FactKind
from ecr_steward.words.hints import REGISTRY, Action, Hint
from tests.support.settings_world import ANYONE, OURS, SettingsWorld, policy, rules_for
from tests.support.world import REPOSITORY

PLAN = "hand-x"
WANTED: dict[str, Any] = {
    "policy": {"statements": [OURS], "public": "remove", "others": "keep"},
    "scan_on_push": True,
}
SCANNING = {"scanning": {"type": "BASIC", "rules": []}}


def world(**registry: Any) -> SettingsWorld:
    """A repository that anyone may pull from, whose policy lacks a statement, and that is not
    scanned."""
    made = SettingsWorld(rules_for(WANTED, registry=registry or None))
    made.ecr.set_repository_policy(repositoryName=REPOSITORY, policyText=policy(ANYONE))
    made.trail.clear()
    return made


def keep(world: SettingsWorld, *changes: SettingChange) -> None:
    keys = tuple(key_of(difference(each)) for each in changes)
    planned = world.enforcer.setup.history.planned
    planned.keep(PLAN, {REPOSITORY: Planned((), keys)}, world.rules.fingerprint, world.now)


def difference(change: SettingChange) -> Difference:
    found = change.to_document()
    del found["reason"]
    return Difference(**found)


def sweep(world: SettingsWorld, plan: str | None) -> Hint:
    cause = Cause(f"{plan}/{world.now}", "Sweep")
    return Hint(REPOSITORY, Action.SWEEP, None, None, cause, world.now, plan=plan)


def corrected(world: SettingsWorld, *hints: Hint) -> list[str]:
    """What a batch of these hints corrects."""
    facts = world.visit(hints).facts
    corrections = (fact.difference for fact in facts if fact.kind is FactKind.CORRECT)
    return [each.problem for each in corrections if each is not None]


def test_only_what_the_plan_has_is_corrected_within_one_policy_too() -> None:
    made = world()
    differing = {each.problem.value: each for each in made.enforcer.differing(REPOSITORY)}
    keep(made, differing["public"])
    assert corrected(made, sweep(made, PLAN)) == ["public"]
    assert made.policy() == []
    assert corrected(made, sweep(made, PLAN)) == []
    assert corrected(made, sweep(made, None)) == ["missing", "different"]


def test_what_is_only_reported_is_reported_whatever_the_plan_has() -> None:
    made = SettingsWorld(rules_for({**WANTED, "policy": {"others": "report"}}))
    made.ecr.set_repository_policy(repositoryName=REPOSITORY, policyText=policy(OURS))
    keep(made)
    facts = made.visit([sweep(made, PLAN)]).facts
    told = [(each.kind, each.difference.setting) for each in facts if each.difference is not None]
    assert told == [(FactKind.DRIFT, "policy"), (FactKind.DRIFT, "policy")]


def test_where_nothing_is_enforced_a_plan_narrows_nothing() -> None:
    made = world()
    made.deploy(made.rules, Mode.AUDIT)
    keep(made)
    facts = made.visit([sweep(made, PLAN)]).facts
    assert len([each for each in facts if each.kind is FactKind.DRIFT]) == 3


def test_where_no_rule_states_settings_nothing_differs() -> None:
    assert world().enforcer.differing("other") == ()


def test_a_call_in_the_same_batch_is_not_narrowed() -> None:
    made = world()
    call = Hint(REPOSITORY, Action.CALL, None, None, Cause("c", "Call"), made.now)
    assert len(corrected(made, call, sweep(made, PLAN))) == 3


def test_a_statement_that_the_plan_leaves_stays_known_as_the_stewards() -> None:
    made = SettingsWorld(rules_for(WANTED))
    made.put_right()
    dropped = {**WANTED, "policy": {**WANTED["policy"], "statements": []}}
    made.deploy(rules_for(dropped))
    made.ecr.put_image_scanning_configuration(
        repositoryName=REPOSITORY, imageScanningConfiguration={"scanOnPush": False}
    )
    (scanning,) = (c for c in made.enforcer.differing(REPOSITORY) if c.setting == "scan_on_push")
    keep(made, scanning)
    assert corrected(made, sweep(made, PLAN)) == ["different"]
    assert made.policy() == [OURS]
    assert "extra" in corrected(made, sweep(made, None))


def sent(world: SettingsWorld, planned: Iterable[str]) -> list[tuple[str, str | None]]:
    """What a sweep of a plan sends: whom, and what narrows the look."""
    hints: list[Hint] = []
    registry = EcrRegistry(world.ecr.client)
    names = frozenset(planned)
    world.sweeper.by_hand(registry, hints.extend, "*", "x", 0, hints.extend, names)
    return [(hint.repository, hint.plan) for hint in hints]


def test_a_sweep_of_a_plan_sends_its_repositories_alone_and_names_the_plan() -> None:
    made = world()
    made.ecr.create_repository(repositoryName="base/other")
    assert sent(made, [REPOSITORY, REGISTRY, "base/gone"]) == [(REPOSITORY, PLAN)] * 2


def test_a_sweep_of_a_plan_takes_the_registry_along_where_the_plan_has_it() -> None:
    made = world(**SCANNING)
    assert sent(made, [REGISTRY]) == [(REGISTRY, PLAN)]
    assert (REGISTRY, PLAN) not in sent(made, [REPOSITORY])


def test_a_rule_for_all_repositories_holds_where_no_cache_owns_them() -> None:
    made = world()
    rule = replace(made.rules.rules[0], repositories=("*",))
    made.deploy(replace(made.rules, rules=(rule,)))
    differing = [each.setting for each in made.enforcer.differing(REPOSITORY)]
    assert sorted(differing) == ["policy", "policy", "scan_on_push"]
    made.ecr.add_pull_through_cache_rule("base", "public.ecr.aws")
    made.sweep()
    assert made.enforcer.differing(REPOSITORY) == ()


@pytest.mark.parametrize(
    ("calls", "cause"),
    [
        (["SetRepositoryPolicy"], "call-0"),
        (["SetRepositoryPolicy", "PutLifecyclePolicy"], "call-0"),
        (["PutLifecyclePolicy", "SetRepositoryPolicy", "SetRepositoryPolicy"], "call-2"),
        (["PutLifecyclePolicy"], "sweep"),
        (["PutLifecyclePolicy", "CreateRepository"], "call-1"),
        ([None], "sweep"),
    ],
)
def test_a_correction_has_the_last_call_that_set_it_as_its_cause_or_else_the_sweep(
    calls: list[str | None], cause: str
) -> None:
    made = world()
    hints = [
        Hint(REPOSITORY, Action.CALL, None, None, Cause(f"call-{i}", "Call"), made.now, call=call)
        for i, call in enumerate(calls)
    ]
    swept = Hint(REPOSITORY, Action.SWEEP, None, None, Cause("sweep", "Sweep"), made.now)
    facts = made.visit([*hints, swept]).facts
    about = {each.difference.setting: each.cause.id for each in facts if each.difference}
    assert about["policy"] == cause
    by_call = cause if "CreateRepository" in calls else "sweep"
    assert about["scan_on_push"] == by_call
