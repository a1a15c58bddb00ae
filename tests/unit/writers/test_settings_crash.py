"""Killed between any two calls and run again, the writer of settings loses and doubles nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ecr_steward.doors.calls import check
from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.rules import Mode
from ecr_steward.settings.settle import UNKNOWN
from ecr_steward.tags.settle import MADE
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.hints import Action, Hint
from tests.support.having import shown
from tests.support.settings_world import (
    ANYONE,
    BASELINE,
    LAMBDAS,
    MALLORY,
    OURS,
    ROLE,
    STEWARD,
    UNTAGGED_GO,
    SettingsWorld,
    rules_for,
)
from tests.support.world import REPOSITORY, Killed

Story = Callable[[SettingsWorld], None]


def _everything(world: SettingsWorld) -> None:
    """A new repository, far from its baseline."""


def _made_public(world: SettingsWorld) -> None:
    world.put_right()
    world.set_policy(ANYONE, LAMBDAS)


def _two_settings(world: SettingsWorld) -> None:
    world.put_right()
    world.ecr.put_image_tag_mutability(repositoryName=REPOSITORY, imageTagMutability="IMMUTABLE")
    world.trail.clear()
    world.set_policy(ANYONE)


def _one_that_cannot_be_changed(world: SettingsWorld) -> None:
    world.deploy(rules_for({**BASELINE, "encryption": "KMS"}), world.mode)


def _refused(world: SettingsWorld) -> None:
    world.ecr.strangers.add("111122223333")
    world.set_policy(ANYONE)
    world.trail[:-1] = []


def _beside_a_deleted_principal(world: SettingsWorld) -> None:
    former = "arn:aws:iam::123456789012:role/Former"
    theirs = {**OURS, "Sid": "Theirs", "Principal": {"AWS": [former, "111122223333"]}}
    world.put_right()
    world.set_policy(theirs, ANYONE)
    world.ecr.forget_principal(former, "AROAEXAMPLEEXAMPLE")


def _dropped(world: SettingsWorld) -> None:
    world.put_right()
    world.deploy(rules_for({**BASELINE, "policy": {"others": "keep"}}), world.mode)
    world.set_policy(OURS)


def _previewed(world: SettingsWorld) -> None:
    world.push("1.0.0", age=timedelta(days=60))
    world.deploy(rules_for({"lifecycle": UNTAGGED_GO}), world.mode)


STORIES = [
    _everything,
    _made_public,
    _two_settings,
    _one_that_cannot_be_changed,
    _refused,
    _beside_a_deleted_principal,
    _dropped,
    _previewed,
]


def _run(story: Story, mode: Mode, kill_at: int | None) -> tuple[SettingsWorld, int]:
    """Play `story`, kill the function at a step of what follows, and deliver its call again."""
    world = SettingsWorld(mode=mode)
    story(world)
    world.table.told.clear()
    event = world.trail.pop(0)
    world.arm(kill_at)
    with contextlib.suppress(Killed):
        world.deliver(event)
    steps = world.wire.steps
    world.arm(None)
    world.deliver(event)
    world.settle()
    # Nothing is said again, and nothing is left to do.
    hint = Hint(REPOSITORY, Action.SWEEP, None, None, Cause("s/r", "Sweep"), world.now)
    world.visit([hint])
    world.settle()
    return world, steps


def _outcome(world: SettingsWorld) -> tuple[Any, ...]:
    """The settings, the facts, and by cause how many facts the notifier is told to wait for."""
    settings = shown(EcrSettings(world.ecr.client), REPOSITORY)
    facts = sorted(
        (f.kind, f.id, f.reason.removesuffix(f" {MADE}"), f.mode, f.cause.by or "")
        for f in world.told()
    )
    sizes: dict[str, int] = {}
    for fact in world.told():
        sizes[fact.cause.id] = max(sizes.get(fact.cause.id, 0), fact.of)
    items = [(item.sk, item.body) for item in world.table.query(f"repo#{REPOSITORY}", "settings")]
    return settings, facts, sizes, items


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.AUDIT])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.strip("_"))
def test_killed_at_any_step_it_loses_no_correction_no_record_and_doubles_none(
    story: Story, mode: Mode
) -> None:
    undisturbed, steps = _run(story, mode, None)
    assert steps > 2
    for at in range(1, steps + 1):
        disturbed, reached = _run(story, mode, at)
        assert reached == at, "the wire did not trip"
        assert _outcome(disturbed) == _outcome(undisturbed), f"killed at step {at} of {steps}"
        ids = [fact.id for fact in disturbed.told()]
        assert len(ids) == len(set(ids)), f"killed at step {at}: something was told twice"


def test_the_stories_tell_something() -> None:
    for story in STORIES:
        world, _ = _run(story, Mode.ENFORCE, None)
        assert world.told(), story.__name__
        assert {fact.cause.by for fact in world.told()} <= {MALLORY, None}


# People who act before the retry

Meddle = Callable[[SettingsWorld], None]


def _leave_alone(world: SettingsWorld) -> None:
    pass


def _open_it_again(world: SettingsWorld) -> None:
    world.set_policy(ANYONE, LAMBDAS)


def _open_it_in_another_way(world: SettingsWorld) -> None:
    world.set_policy({**ANYONE, "Action": ["ecr:BatchGetImage"]}, LAMBDAS)


def _close_it(world: SettingsWorld) -> None:
    world.set_policy(OURS, LAMBDAS)


def _watched(world: SettingsWorld) -> list[str]:
    """Notes from now on each call of the steward that closes an open repository."""
    closed: list[str] = []
    open_before = [False]

    def is_open() -> bool:
        return '"*"' in (world.ecr._of(REPOSITORY).policy or "")

    def before(operation: str, asked: Any) -> None:
        world.wire.step()
        open_before[0] = is_open()

    def after(operation: str, asked: Any) -> None:
        if open_before[0] and not is_open() and world.ecr.caller == STEWARD:
            closed.append(operation)
        world.wire.step()

    world.ecr.before, world.ecr.after = before, after
    return closed


def _meddled(kill_at: int | None, meddle: Meddle) -> tuple[list[Fact], int, int]:
    """Open a repository, kill the function at a step, have somebody else set the policy, and
    deliver the call again with all that was told since.

    The facts of it, how often the steward closed it, and the steps there were."""
    world = SettingsWorld()
    _made_public(world)
    hints = _hints(world)
    world.arm(kill_at)
    closed = _watched(world)
    with contextlib.suppress(Killed):
        world.visit(hints)
    steps, world.wire.at = world.wire.steps, None
    meddle(world)
    world.visit([*hints, *_hints(world)])
    world.settle()
    public = [
        fact
        for fact in world.past()
        if fact.kind is FactKind.CORRECT and fact.difference and fact.difference.problem == "public"
    ]
    return public, len(closed), steps


def _hints(world: SettingsWorld) -> list[Hint]:
    found: list[Hint] = []
    while world.trail:
        check(world.trail.pop(0), world.rules, ROLE, found.append)
    return found


@pytest.mark.parametrize(
    "meddle",
    [_leave_alone, _open_it_again, _open_it_in_another_way, _close_it],
    ids=lambda meddle: meddle.__name__.strip("_"),
)
def test_whatever_people_do_before_the_retry_each_correction_has_its_record_and_no_record_lies(
    meddle: Meddle,
) -> None:
    _, _, steps = _meddled(None, meddle)
    for at in range(1, steps + 1):
        facts, closed, _ = _meddled(at, meddle)
        assert len({fact.id for fact in facts}) == len(facts), f"two facts have one id at {at}"
        surely = [fact for fact in facts if not fact.reason.endswith((MADE, UNKNOWN))]
        assert len(surely) <= closed <= len(facts), f"killed at step {at} of {steps}"
