"""What a stable tag leaves keeps a name, whoever moved the tag, where the rule keeps it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from tests.support.retention_world import RULE, RetentionWorld
from tests.support.world import REPOSITORY


def replaced(**keeper: Any) -> RetentionWorld:
    rule = deepcopy(RULE)
    rule["images"] = {"keep": [{"replaced": 1, **keeper}], "others": "expire", "notice": "1d"}
    return RetentionWorld(rule)


def push(world: RetentionWorld, name: str, *, lost: bool = False) -> str:
    digest = world.push("main", name)
    if lost:
        world.events.clear()
    world.settle()
    return digest


@pytest.mark.parametrize("lost", [False, True])
def test_an_image_that_a_pipelines_tag_leaves_gets_a_pin(lost: bool) -> None:
    world = replaced()
    first = push(world, "first")
    push(world, "second", lost=lost)
    if lost:
        world.sweep()
    (pin,) = world.tags_of(first)
    assert pin.startswith("main-")
    assert world.history.left(REPOSITORY)[first].keys() == {"main"}
    assert [fact.kind for fact in world.told()] == [FactKind.PIN]


def test_a_pin_that_a_plan_leaves_out_is_made_by_the_next_sweep() -> None:
    world = replaced()
    first = push(world, "first")
    push(world, "second", lost=True)
    cause = Cause("hand-x/y", "Sweep")
    narrow = Hint(REPOSITORY, Action.SWEEP, None, None, cause, world.now, plan="hand-x")
    world.tagger.visit(REPOSITORY, [narrow])
    assert world.tags_of(first) == []
    world.sweep()
    assert len(world.tags_of(first)) == 1


def test_an_image_with_a_name_of_its_own_gets_none() -> None:
    world = replaced()
    first = push(world, "first")
    world.push("1.4.2", "first")
    push(world, "second")
    assert world.tags_of(first) == ["1.4.2", "1.4", "latest"]
    assert first in world.history.left(REPOSITORY)


def test_what_the_steward_moves_a_tag_from_is_known_too() -> None:
    world = replaced()
    first = world.push("1.4.2", "first")
    world.settle()
    world.push("1.4.3", "second")
    world.settle()
    assert world.history.left(REPOSITORY)[first].keys() == {"1.4", "latest"}


def test_a_look_at_a_pipelines_push_reads_ecr_twice_and_an_echo_once() -> None:
    world = replaced()
    push(world, "first")
    world.ecr.calls.clear()
    push(world, "second")
    assert world.ecr.calls["DescribeImages"] == 1
    assert world.ecr.calls["BatchGetImage"] <= 2


def test_without_replaced_a_pipelines_tag_is_its_own_business() -> None:
    world = RetentionWorld()
    first = push(world, "first")
    push(world, "second")
    assert world.tags_of(first) == []


def test_the_last_image_that_a_tag_left_stays_and_the_one_before_goes() -> None:
    world = replaced()
    digests = []
    for name in ("first", "second", "third"):
        digests.append(push(world, name))
        world.wait(1)
    for _ in range(5):
        world.day()
    left = world.details()
    assert [each in left for each in digests] == [False, True, True]
    assert not [digest for digest in world.history.left(REPOSITORY) if digest not in left]
