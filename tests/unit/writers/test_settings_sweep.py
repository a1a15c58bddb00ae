"""Sweeps through the settings: whom they send, what they count, and the registry's own."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.tags import History
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.settings.registry_kinds.scanning import Scanning
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import REGISTRY, Hint
from tests.support.facts import faults
from tests.support.having import of_registry
from tests.support.settings_world import TAGS, SettingsWorld, rules_for
from tests.support.world import REPOSITORY

SCAN_ALL = {"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["*"]}]}
OWN = {
    "scanning": SCAN_ALL,
    "creation_templates": [{"prefix": "base/", "applied_for": ["CREATE_ON_PUSH"]}],
}
SCANNED = Scanning("BASIC", {"SCAN_ON_PUSH": frozenset({"*"})})
PLAIN = {"scan_on_push": True, "immutability": "IMMUTABLE"}


def by_hand(
    world: SettingsWorld,
    glob: str = "*",
    part: int = 0,
    id: str = "x",  # noqa: A002
) -> tuple[list[Hint], list[Hint]]:
    """What a sweep by hand sends to the writer of tags, and to the writer of settings."""
    tags: list[Hint] = []
    settings: list[Hint] = []
    registry = EcrRegistry(world.ecr.client)
    world.sweeper.by_hand(registry, tags.extend, glob, id, part, settings.extend)
    return tags, settings


def names(hints: list[Hint]) -> set[str]:
    return {hint.repository for hint in hints}


def swept(world: SettingsWorld) -> list[Any]:
    return [fact for fact in world.table.told if fact.kind is FactKind.SWEPT]


def two_kinds() -> Ruleset:
    """Repositories with tags alone, with settings alone, with both, with neither."""
    rules: list[dict[str, Any]] = [
        {"repositories": ["both/*"], "tags": TAGS, "repository": PLAIN},
        {"repositories": ["tags/*"], "tags": TAGS},
        {"repositories": ["settings/*"], "repository": PLAIN},
        {"repositories": ["neither/*"]},
    ]
    return Ruleset.from_document({"version": 1, "rules": rules})


def of_all_kinds(mode: Mode = Mode.AUDIT) -> SettingsWorld:
    world = SettingsWorld(two_kinds(), mode)
    for kind in ("both", "tags", "settings", "neither"):
        world.ecr.create_repository(repositoryName=f"{kind}/x")
    world.trail.clear()
    return world


def test_each_repository_goes_to_the_writers_that_its_rule_needs() -> None:
    tags, settings = by_hand(of_all_kinds())
    assert names(tags) == {"both/x", "tags/x"}
    assert names(settings) == {"both/x", "settings/x"}
    causes = [hint.cause.id for hint in (*tags, *settings)]
    assert len(causes) == len(set(causes))


def test_where_settings_are_off_none_is_sent() -> None:
    tags, settings = by_hand(of_all_kinds(Mode.OFF))
    assert (names(tags), names(settings)) == ({"both/x", "tags/x"}, set())


def test_a_repository_with_two_visits_counts_once_and_both_are_waited_for() -> None:
    world = of_all_kinds()
    tags, settings = by_hand(world)
    history = History(world.table)
    for hint in settings:
        world.visit([hint])
    assert swept(world) == []
    assert history.sweeps.totals("hand-x")["expected"] == 4
    for hint in tags:
        history.sweeps.swept(
            "hand-x", hint.cause.id.partition("/")[2], {"repositories": 1}, world.now
        )
    world.tally.complete_if_done("hand-x")
    (fact,) = swept(world)
    assert fact.totals == {"repositories": 3, "drifted": 4, "first_sight": 1, "missing": 0}
    assert fact.reason == ("3 repositories swept: 4 settings drifted; 1 seen for the first time.")
    assert list(faults(fact.detail_type, fact.to_detail())) == []


def test_a_visit_that_is_delivered_twice_counts_once() -> None:
    world = of_all_kinds()
    _, settings = by_hand(world)
    for hint in settings * 2:
        world.visit([hint])
    assert History(world.table).sweeps.totals("hand-x")["drifted"] == 4


def test_what_was_set_back_is_in_the_summary() -> None:
    world = SettingsWorld(rules_for(PLAIN, tags=None))
    world.trail.clear()
    world.sweep()
    (fact,) = swept(world)
    assert fact.totals == {
        "repositories": 1, "corrected": 2, "first_sight": 1, "missing": 0,
    }  # fmt: skip
    assert "2 settings corrected" in fact.reason


# ---------------------------------------------------------------------------- the registry's own
def with_registry(mode: Mode = Mode.ENFORCE, **own: Any) -> SettingsWorld:
    return SettingsWorld(rules_for(PLAIN, tags=None, registry=own or OWN), mode)


def test_one_message_a_sweep_is_about_the_registry() -> None:
    world = with_registry()
    assert [hint.repository for hint in world.swept()].count(REGISTRY) == 1
    assert names(by_hand(world, "*")[1]) == {REGISTRY, REPOSITORY}
    assert names(by_hand(world, "base/*", id="y")[1]) == {REPOSITORY}


def test_no_message_is_about_a_registry_that_the_rules_say_nothing_of() -> None:
    world = SettingsWorld(rules_for(PLAIN, tags=None))
    assert REGISTRY not in names(world.swept())


def test_the_registrys_own_settings_are_set_and_told_once() -> None:
    world = with_registry()
    world.put_right()
    world.sweep()
    registry = world.enforcer.setup.registry
    assert of_registry(registry)["scanning"] == SCANNED
    template = of_registry(registry)["creation_templates"]["base"]
    assert template.to_request()["imageTagMutability"] == "IMMUTABLE"
    facts = world.told()
    assert {(f.kind.value, f.difference.setting) for f in facts if f.difference} == {
        ("correct", "scanning"),
        ("correct", "creation_templates"),
    }
    assert {(fact.repository, fact.rule) for fact in facts} == {("", "registry")}
    for fact in facts:
        assert list(faults(fact.detail_type, fact.to_detail())) == []
    world.sweep()
    assert world.told() == facts


def test_the_registrys_policy_replication_and_exclusions_are_set_and_told_once() -> None:
    statement = {
        "Sid": "Replicate",
        "Effect": "Allow",
        "Principal": {"AWS": "111122223333"},
        "Action": ["ecr:ReplicateImage"],
        "Resource": ["arn:aws:ecr:eu-west-1:123456789012:repository/*"],
    }
    copies = {"rules": [{"destinations": [{"region": "us-east-1", "registryId": "111122223333"}]}]}
    world = with_registry(
        policy={"statements": [statement], "others": "remove"},
        replication=copies,
        pull_time_exclusions=["self"],
    )
    world.put_right()
    world.sweep()
    found = of_registry(world.enforcer.setup.registry)
    assert found["policy"]["Statement"] == [statement]
    assert found["replication"] == copies
    assert found["pull_time_exclusions"] == {world.enforcer.setup.tagger}
    facts = world.told()
    assert {f.difference.setting for f in facts if f.difference} == {
        "policy",
        "replication",
        "pull_time_exclusions",
    }
    for fact in facts:
        assert list(faults(fact.detail_type, fact.to_detail())) == []
    world.sweep()
    assert world.told() == facts


def test_in_audit_the_registrys_drift_is_kept_for_the_summary_and_changed_by_nobody() -> None:
    world = with_registry(Mode.AUDIT)
    world.trail.clear()
    world.sweep()
    assert of_registry(world.enforcer.setup.registry)["scanning"] == Scanning("BASIC")
    assert world.told() == []
    (fact,) = swept(world)
    assert fact.totals["drifted"] == 3  # one of the repository, two of the registry


def test_a_call_that_changes_the_registry_leads_to_a_look_at_it() -> None:
    world = with_registry()
    world.put_right()
    world.sweep()
    world.table.told.clear()
    world.ecr.put_registry_scanning_configuration(scanType="BASIC", rules=[])
    world.settle()
    assert of_registry(world.enforcer.setup.registry)["scanning"] == SCANNED
    (fact,) = world.told()
    assert fact.kind is FactKind.CORRECT
    assert fact.cause.by is not None


@pytest.mark.parametrize(
    ("own", "reads"),
    [
        ({"scanning": SCAN_ALL}, {"GetRegistryScanningConfiguration"}),
        (
            {"creation_templates": OWN["creation_templates"]},
            {"DescribeRepositoryCreationTemplates"},
        ),
    ],
)
def test_of_the_registry_only_what_is_stated_is_read(own: Any, reads: set[str]) -> None:
    world = with_registry(**own)
    world.put_right()
    world.sweep()
    (hint,) = [each for each in world.swept() if each.repository == REGISTRY]
    assert world.calls(lambda: world.visit([hint])).keys() == reads


def test_a_template_of_tagged_repositories_is_put_with_its_role() -> None:
    world = SettingsWorld(
        rules_for(
            {"resource_tags": {"owner": "platform"}},
            tags=None,
            registry={
                "creation_templates": [
                    {
                        "prefix": "base/",
                        "applied_for": ["CREATE_ON_PUSH"],
                        "role": "arn:aws:iam::123456789012:role/templates",
                    }
                ]
            },
        )
    )
    world.put_right()
    world.sweep()
    template = of_registry(world.enforcer.setup.registry)["creation_templates"]["base"]
    assert template.made["resource_tags"] == {"owner": "platform"}
    assert template.role == "arn:aws:iam::123456789012:role/templates"
