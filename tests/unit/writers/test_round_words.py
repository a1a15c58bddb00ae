"""What a round says of the images that nothing keeps: whole sentences."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from ecr_steward.rules import Mode
from ecr_steward.words.facts import FactKind
from tests.support.retention_world import RULE, RetentionWorld
from tests.support.world import REPOSITORY, manifest

TAGGED = "An expiry tag is put from 2026-11-29 on, and by it ECR expires the image."
REPORTED = "The rule only reports such images."


def told(world: RetentionWorld) -> list[tuple[str, Any]]:
    facts = [fact for fact in world.told() if fact.kind is FactKind.EXPIRING]
    return [(fact.reason, fact.totals) for fact in facts]


def with_images(**images: Any) -> dict[str, Any]:
    rule = deepcopy(RULE)
    rule["images"] |= images
    return rule


def round_over(world: RetentionWorld, *tags: str | None, size: int = 2) -> list[tuple[str, Any]]:
    """What is told of images of this size that nothing keeps, one for each of the tags."""
    world.push("main", "stays")
    for i, tag in enumerate(tags):
        text = json.loads(manifest(f"goes{i}"))
        text["config"]["size"] = size
        named = {} if tag is None else {"imageTag": tag}
        world.ecr.put_image(repositoryName=REPOSITORY, imageManifest=json.dumps(text), **named)
    world.settle()
    world.wait(4)
    world.look()
    world.round()
    return told(world)


@pytest.mark.parametrize(
    ("count", "size", "said"),
    [
        (1, 2, "1 image of 2 bytes: pr-0."),
        (2, 2, "2 images of 4 bytes: pr-0, pr-1."),
        (4, 2, "4 images of 8 bytes: pr-0, pr-1, pr-2, pr-3."),
        (5, 2, "5 images of 10 bytes: pr-0, pr-1, pr-2, pr-3 and 1 more."),
        (1, 999, "1 image of 999 bytes: pr-0."),
        (1, 1_000, "1 image of 1.0 KB: pr-0."),
        (1, 1_250_000, "1 image of 1.2 MB: pr-0."),
        (2, 500_000_000, "2 images of 1.0 GB: pr-0, pr-1."),
        (1, 1_234_500_000_000, "1 image of 1,234.5 GB: pr-0."),
    ],
)
def test_an_announcement_names_four_images_and_counts_the_bytes_of_all(
    count: int, size: int, said: str
) -> None:
    names = [f"pr-{i}" for i in range(count)]
    found = round_over(RetentionWorld(), *names, size=size)
    assert found == [(f"Nothing keeps {said} {TAGGED}", {"images": count, "bytes": count * size})]


@pytest.mark.parametrize(
    ("images", "allowed", "mode", "said"),
    [
        ({}, True, Mode.ENFORCE, TAGGED),
        ({"notice": "5d"}, True, Mode.ENFORCE, TAGGED.replace("2026-11-29", "2026-12-02")),
        ({"others": "report"}, True, Mode.ENFORCE, REPORTED),
        ({"others": "report"}, False, Mode.AUDIT, REPORTED),
        ({}, False, Mode.ENFORCE, "No expiry tag is put: the parameter AllowExpiry is false."),
        ({}, True, Mode.AUDIT, "No expiry tag is put: the steward does not enforce."),
    ],
)
def test_an_announcement_says_from_when_on_or_why_not(
    images: dict[str, Any], allowed: bool, mode: Mode, said: str
) -> None:
    world = RetentionWorld(with_images(**images), allowed=allowed)
    world.set_rule(with_images(**images), mode)
    ((reason, _),) = round_over(world, "pr-0")
    assert reason == f"Nothing keeps 1 image of 2 bytes: pr-0. {said}"
    (fact,) = (each for each in world.told() if each.kind is FactKind.EXPIRING)
    assert (fact.mode, fact.rule) == (mode.value, "0: base/*")


def test_a_round_that_is_braked_says_so_with_a_cause_of_its_own() -> None:
    world = RetentionWorld(with_images(at_most=1))
    braked = (
        "Nothing keeps 2 images, which is more than `at_most` lets go in one round: none of them "
        "gets an expiry tag. Raise `at_most`, or say what keeps them."
    )
    round_over(world, "pr-0", "pr-1")
    for _ in range(3):
        world.day()
    assert told(world)[-1] == (braked, {"images": 0, "bytes": 0, "braked": 2})
    causes = {fact.cause.id for fact in world.told() if fact.reason == braked}
    assert {each.rpartition("/")[2] for each in causes} == {"braked"}
