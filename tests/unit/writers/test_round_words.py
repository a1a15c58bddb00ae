"""What a round says of the images that nothing keeps: whole sentences."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from ecr_steward.rules import Mode
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers import retention
from ecr_steward.writers.passing import StewardOff
from ecr_steward.writers.retention import RoundVisit
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
        (1, 999_999, "1 image of 1,000.0 KB: pr-0."),
        (1, 1_000_000, "1 image of 1.0 MB: pr-0."),
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


def test_where_a_rule_has_no_tags_no_tag_keeps_an_image() -> None:
    rule = {key: each for key, each in with_images(others="report").items() if key != "tags"}
    ((reason, _),) = round_over(RetentionWorld(rule), "pr-0")
    assert reason == f"Nothing keeps 2 images of 4 bytes: main, pr-0. {REPORTED}"


def visited(world: RetentionWorld, repository: str = REPOSITORY) -> RoundVisit:
    cause = Cause("retention", "Retention")
    hint = Hint(repository, Action.RETAIN, None, None, cause, world.now)
    return world.retainer.visit(repository, [hint])


SILENT = {key: each for key, each in RULE.items() if key != "images"}


@pytest.mark.parametrize(
    ("rule", "repository"),
    [(RULE, "other"), (SILENT, REPOSITORY), (with_images(others="keep"), REPOSITORY)],
)
def test_where_no_rule_judges_images_no_image_is_read(
    rule: dict[str, Any], repository: str
) -> None:
    world = RetentionWorld(rule)
    world.push("pr-0", "goes")
    calls = sum(world.ecr.calls.values())
    assert visited(world, repository) == RoundVisit()
    assert sum(world.ecr.calls.values()) == calls


def test_a_round_that_the_stack_forbids_is_left_in_its_queue() -> None:
    world = RetentionWorld()
    world.set_rule(RULE, Mode.OFF)
    with pytest.raises(StewardOff):
        visited(world)


def test_a_repository_that_is_gone_has_no_round() -> None:
    world = RetentionWorld()
    world.ecr.delete_repository(repositoryName=REPOSITORY, force=True)
    found = visited(world)
    assert found.facts == ()
    assert (found.next, found.rest) == (None, None)


@pytest.mark.parametrize(
    ("rule", "asks"),
    [
        (RULE, False),
        (with_images(others="report"), True),
        ({**RULE, "mode": "audit"}, True),
        (SILENT, True),
    ],
)
def test_a_round_has_expiry_tags_taken_off_only_where_the_rule_lets_no_image_go_any_more(
    rule: dict[str, Any], asks: bool
) -> None:
    world = RetentionWorld()
    round_over(world, "pr-0")
    world.wait(2)
    for each in (world.round, world.look, world.settle):
        each()
    assert any(tag.startswith("steward-expire-") for tag in world.ecr.tags(REPOSITORY))
    world.set_rule(rule)
    found = visited(world)
    assert (found.next is not None) is asks
    assert found.next is None or found.next.action is Action.NEED


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_round_that_has_more_to_read_goes_on_in_another_visit(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(retention, "MANIFESTS_PER_VISIT", most)
    world = RetentionWorld()
    for i in range(2):
        world.push_index(f"pr-{i}", f"{i}-amd64")
    world.settle()
    assert (visited(world).rest is not None) == (most < 2)


def test_a_round_does_not_wait_for_manifests_that_ecr_does_not_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "MANIFESTS_PER_VISIT", 1)
    world = RetentionWorld()
    indexes = [world.push_index(f"pr-{i}", f"{i}-amd64") for i in range(3)]
    world.settle()
    for each in indexes:
        world.ecr.archive(REPOSITORY, each)
    assert visited(world).rest is None


def test_where_no_image_has_an_expiry_tag_none_is_to_be_taken_off() -> None:
    world = RetentionWorld(with_images(others="report"))
    round_over(world, "pr-0")
    assert visited(world).next is None


def test_since_when_an_image_has_no_tag_is_kept_from_the_first_round_that_saw_it() -> None:
    world = RetentionWorld()
    world.push("main", "stays")
    bare = world.push(None, "bare")
    world.settle()
    visited(world)
    seen = world.now
    world.wait(1)
    visited(world)
    assert world.expiries.untagged(REPOSITORY) == {bare: seen}
