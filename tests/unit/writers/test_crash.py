"""Killed between any two calls, or with any call failing or its answer lost, and run again, the
writer loses nothing and doubles nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.doors.pushes import check
from ecr_steward.ecr import Unavailable
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.rules import Mode
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.tags import Retagger
from tests.support.world import REPOSITORY, VERSIONS, Killed, World, image, ruleset, throttled


def _first_push(world: World) -> None:
    world.push("1.4.2", name="new")


def _move_and_pin(world: World) -> None:
    world.push("1.4.2", name="new")
    world.settle()
    world.push("latest", name="stray")


def _newer(world: World) -> None:
    world.push("1.4.1", name="old")
    world.settle()
    world.push("1.4.2", name="new")


def _off_scheme(world: World) -> None:
    world.push("nightly", name="n")


def _overwrite(world: World) -> None:
    world.push("1.4.2", name="first")
    world.settle()
    world.push("1.4.2", name="second")


def _deleted(world: World) -> None:
    world.push("1.4.1", name="old")
    world.push("1.4.2", name="new")
    world.settle()
    world.delete(digest=image("new"))


def _with(**tags: Any) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """Play the story under a rule whose `tags:` has these entries too."""

    def mark(story: Callable[[World], None]) -> Callable[[World], None]:
        story.__dict__["tags"] = tags
        return story

    return mark


@_with(overwritten="restore")
def _restore(world: World) -> None:
    world.push("1.4.2", name="first")
    world.settle()
    world.push("1.4.2", name="second")


@_with(overwritten="restore")
def _restore_for_one_that_lost_it_already(world: World) -> None:
    world.push("1.4.2", name="first")
    world.settle()
    world.push("1.4.2", name="second")
    world.push("1.4.2", name="third")


@_with(unknown="remove")
def _remove(world: World) -> None:
    world.push("1.4.2", name="new")
    world.settle()
    world.push("nightly", name="new")


@_with(unknown="remove", pin="{tag}-{digest}")
def _remove_and_pin(world: World) -> None:
    world.push("main", name="new")
    world.events.clear()
    world.push("nightly", name="new")


@_with(pin="{tag}-{digest}")
def _pin_by_rule(world: World) -> None:
    world.push("main", name="new")


@_with(pin="{tag}-{digest}")
def _pin_for_one_that_lost_its_tag_already(world: World) -> None:
    world.push("main", name="first")
    world.push("main", name="second")


def _taken_away(world: World, times: int = 1) -> None:
    world.push("1.4.2", name="new")
    world.settle()
    for number in range(times - 1):
        world.push("latest", name=f"stray {number}")
        world.settle()
    world.push("latest", name="stray")


def _taken_away_three_times(world: World) -> None:
    _taken_away(world, 3)


def _in_one_batch(story: Callable[[World], None]) -> Callable[[World], None]:
    """Deliver all that waits at the end of the story together, and a sweep before it."""
    story.__dict__["together"] = True
    return story


@_in_one_batch
@_with(pin="{tag}-{digest}")
def _outrun(world: World) -> None:
    world.push("main", name="first")
    world.push("main", name="second")


@_in_one_batch
@_with(overwritten="restore")
def _overwritten_twice(world: World) -> None:
    _restore_for_one_that_lost_it_already(world)


@_in_one_batch
@_with(unknown="remove")
def _remove_what_is_told_twice(world: World) -> None:
    _remove(world)
    world.events += world.events


@_in_one_batch
def _off_scheme_at_first_sight(world: World) -> None:
    _off_scheme(world)


STORIES = [
    _taken_away,
    _taken_away_three_times,
    _first_push,
    _move_and_pin,
    _newer,
    _off_scheme,
    _overwrite,
    _deleted,
    _restore,
    _restore_for_one_that_lost_it_already,
    _remove,
    _remove_and_pin,
    _pin_by_rule,
    _pin_for_one_that_lost_its_tag_already,
    _outrun,
    _overwritten_twice,
    _remove_what_is_told_twice,
    _off_scheme_at_first_sight,
]


def _world(story: Callable[[World], None], mode: Mode) -> World:
    tags = {**VERSIONS["tags"], **story.__dict__.get("tags", {})}
    world = World(ruleset({**VERSIONS, "tags": tags}), mode)
    world.retagger = Retagger(
        rules=world.rules,
        cap=mode,
        registry=EcrRegistry(world.ecr.client),
        history=world.history,
        clock=lambda: world.now,
        account="123456789012",
        region="eu-west-1",
        allow_removal=True,
    )
    return world


def _batch(story: Callable[[World], None], world: World) -> list[Hint]:
    """What is delivered first of all that waits."""
    together = story.__dict__.get("together", False)
    events = world.events[:] if together else world.events[:1]
    del world.events[: len(events)]
    cause = Cause(f"sweep/{REPOSITORY}", "Sweep")
    hints = [Hint(REPOSITORY, Action.SWEEP, None, None, cause, world.now)] if together else []
    for event in events:
        check(event, world.rules, hints.append)
    return hints


def _run(
    story: Callable[[World], None],
    mode: Mode,
    fail_at: int | None,
    error: Callable[[], BaseException] = Killed,
) -> tuple[World, int]:
    """Play `story`, end the function at a step of what follows, and deliver its batch again."""
    world = _world(story, mode)
    story(world)
    told_before = len(world.told())
    world.arm(fail_at, error)
    batch = _batch(story, world)
    try:
        world.visit(batch)
    except (Killed, Unavailable, ClientError):
        steps = world.wire.steps
        world.arm(None)
        world.visit(batch)
    else:
        steps = world.wire.steps
        world.arm(None)
    world.settle()
    world.table.told = world.table.told[told_before:]
    return world, steps


def _outcome(world: World) -> tuple[dict[str, str], list[Any], dict[str, int], list[Any]]:
    """The tags, the facts, by cause how many facts the notifier is told to wait for, and what is
    counted of tags that were taken away."""
    facts = sorted((f.kind, f.tag, f.digest, f.before, f.mode, f.id) for f in world.told())
    sizes: dict[str, int] = {}
    for fact in world.told():
        sizes[fact.cause.id] = max(sizes.get(fact.cause.id, 0), fact.of)
    counted = [world.history.taken(REPOSITORY, ["latest"]), world.history.holds()]
    return world.tags(), facts, sizes, counted


@pytest.mark.parametrize("error", [Killed, throttled], ids=["killed", "failed"])
@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.AUDIT])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.strip("_"))
def test_ended_at_any_step_it_loses_no_move_no_record_and_doubles_none(
    story: Callable[[World], None], mode: Mode, error: Callable[[], BaseException]
) -> None:
    undisturbed, steps = _run(story, mode, None)
    assert steps > 2
    for at in range(1, steps + 1):
        disturbed, reached = _run(story, mode, at, error)
        assert reached >= at, "the wire did not trip"
        assert _outcome(disturbed) == _outcome(undisturbed), f"ended at step {at} of {steps}"
        ids = [fact.id for fact in disturbed.told()]
        assert len(ids) == len(set(ids)), f"ended at step {at}: something was told twice"
