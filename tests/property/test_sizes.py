"""Sizes: whatever names, tags and policies there are, the table takes what is written down."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ecr_steward.rules import Ruleset
from ecr_steward.words.facts import FactKind
from ecr_steward.writers.tags import WRITES_PER_VISIT
from tests.support.settings_world import OURS, SettingsWorld, rules_for
from tests.support.world import REPOSITORY, VERSIONS, World, ruleset


def names(count: int, length: int) -> list[str]:
    """Names of repositories, with one that matches at their end."""
    return [f"{n:03}".ljust(length, "n") for n in range(count)] + [REPOSITORY]


@settings(max_examples=10, deadline=None)
@example(count=200, length=200, digits=60, images=45)
@given(
    count=st.integers(0, 300),
    length=st.sampled_from([3, 36, 200, 256]),
    digits=st.integers(1, 60),
    images=st.integers(1, 60),
)
def test_a_repository_with_many_tags_to_place_is_served_whatever_the_names_are(
    count: int, length: int, digits: int, images: int
) -> None:
    rule = VERSIONS | {"repositories": names(count, length)}
    world = World(ruleset(rule))
    for n in range(images):
        world.push(f"{'9' * (digits - 1)}{n + 1}.{'8' * digits}.0")
    world.events.clear()
    world.sweep()
    assert len(world.tags()) == 3 * images + 1


def test_a_visit_places_as_many_tags_under_a_rule_of_many_long_names() -> None:
    world = World(ruleset(VERSIONS | {"repositories": names(200, 200)}))
    for n in range(WRITES_PER_VISIT // 2):
        world.push(f"{n}.{'8' * 60}.0", f"image-{n}")
    world.deliver(*world.events)
    assert len(world.told()) >= WRITES_PER_VISIT


LONGEST = 30_700
FILLERS = st.sampled_from(["x", "\N{SNOWMAN}", "\N{GRINNING FACE}", "\\", "\x01", "prefixes"])
LENGTHS = st.sampled_from([400, 10_000, LONGEST])


def policy_of(filler: str, length: int, days: int) -> dict[str, Any]:
    """A lifecycle policy of about `length` characters, most of them in a description of `filler`,
    or in the short prefixes that make the most lines."""
    selection: dict[str, Any] = {"tagStatus": "untagged"}
    if filler == "prefixes":
        selection = {"tagStatus": "tagged", "tagPrefixList": [f"p{n}" for n in range(length // 9)]}
    rule: dict[str, Any] = {
        "rulePriority": 1,
        "selection": selection
        | {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days},
        "action": {"type": "expire"},
    }
    if filler != "prefixes":
        rule["description"] = filler * ((length - 300) // len(text(filler)[1:-1]))
    return {"rules": [rule]}


def text(document: Any) -> str:
    """A document as ECR has it, which counts characters."""
    return json.dumps(document, ensure_ascii=False)


@settings(max_examples=20, deadline=None)
@example(found=("\N{GRINNING FACE}", LONGEST), wanted=("\N{SNOWMAN}", LONGEST))
@example(found=("prefixes", LONGEST), wanted=("x", LONGEST))
@given(found=st.tuples(FILLERS, LENGTHS), wanted=st.tuples(FILLERS, LENGTHS))
def test_any_lifecycle_policy_that_ecr_takes_is_set_back_and_told(
    found: tuple[str, int], wanted: tuple[str, int]
) -> None:
    world = SettingsWorld(rules_for({"lifecycle": policy_of(*wanted, 14)}))
    world.put_right()
    policy = text(policy_of(*found, 7))
    world.ecr.put_lifecycle_policy(repositoryName=REPOSITORY, lifecyclePolicyText=policy)
    world.settle()
    (told,) = world.told(FactKind.CORRECT)
    assert told.id in {fact.id for fact in world.past()}


def fifty(days: int) -> Ruleset:
    """Rules of fifty templates, each with a lifecycle policy as long as ECR takes."""
    prefixes = [f"p{n:02}" for n in range(50)]
    repository = {"lifecycle": policy_of("x", LONGEST, days)}
    return Ruleset.from_document(
        {
            "version": 1,
            "rules": [
                {"repositories": [f"{each}/*"], "mode": "enforce", "repository": repository}
                for each in prefixes
            ],
            "registry": {
                "creation_templates": [
                    {"prefix": each, "applied_for": ["CREATE_ON_PUSH"]} for each in prefixes
                ]
            },
        }
    )


def test_fifty_templates_with_all_that_ecr_takes_are_set_in_one_visit() -> None:
    world = SettingsWorld(fifty(14))
    for days in (14, 7):
        world.deploy(fifty(days))
        world.table.told.clear()
        world.sweep()
        assert len(world.told(FactKind.CORRECT)) == 50
        assert [item.sk for item in world.table.query("repo#")] == [
            *(item.sk for item in world.table.query("repo#", "fact#")),
            "settings",
            *(item.sk for item in world.table.query("repo#", "settings-led#")),
        ]  # fmt: skip


def test_a_policy_of_many_foreign_statements_is_set_back_in_one_visit() -> None:
    world = SettingsWorld(rules_for({"policy": {"statements": [OURS], "others": "remove"}}))
    world.put_right()
    grant = {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "ecr:ListImages"}
    world.set_policy(OURS, *({**grant, "Sid": f"S{n}"} for n in range(90)))
    world.settle()
    told = Counter(
        fact.difference and fact.difference.problem for fact in world.told(FactKind.CORRECT)
    )
    assert told == {"extra": 90, "foreign": 90}
    assert world.policy() == [OURS]
