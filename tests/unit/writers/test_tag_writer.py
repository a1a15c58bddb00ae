"""Tags and expiry tags in one visit, and what a plan that narrows it leaves."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_steward.doors.pushes import check
from ecr_steward.history.planned import Planned
from ecr_steward.rules import Mode
from ecr_steward.tags.plan import TagChange
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from tests.support.retention_world import RULE, RetentionWorld, expiry_tags
from tests.support.world import REPOSITORY

PLAN = "hand-20261128"


def hint(world: RetentionWorld, action: Action, plan: str | None = None) -> Hint:
    cause = Cause(f"{plan or action.value}/{REPOSITORY}", "Sweep")
    return Hint(REPOSITORY, action, None, None, cause, world.now, plan=plan)


def keep(world: RetentionWorld, *tags: str) -> None:
    """Keep a plan of what a sweep would do with these tags."""
    world.set_rule(RULE, Mode.AUDIT)
    found = world.tagger.visit(REPOSITORY, [hint(world, Action.SWEEP)]).changes
    world.set_rule(RULE)
    changes: Sequence[TagChange] = [each for each in found if each.writes and each.tag in tags]
    planned = {REPOSITORY: Planned(tuple(each.key for each in changes))}
    world.history.planned.keep(PLAN, planned, world.rules.fingerprint, world.now)


def two_that_go() -> tuple[RetentionWorld, str, str]:
    """1.4.1 and pr-1 have expiry tags, and 1.4.2 lost its name: `1.4` goes back to 1.4.1."""
    world = RetentionWorld()
    old = world.push("1.4.1", "old")
    world.push("1.4.2", "new")
    other = world.push("pr-1", "other")
    world.settle()
    world.wait(4)
    for _ in range(2):
        world.look()
        world.round()
        world.wait(2)
    world.look()
    world.settle()
    assert going(world) == {old, other}
    world.delete("1.4.2")
    world.events.clear()
    return world, old, other


def going(world: RetentionWorld) -> set[str]:
    found = world.details().items()
    return {digest for digest, (tags, _) in found if list(expiry_tags(tags))}


def test_an_image_that_gets_a_stable_tag_by_a_plan_loses_its_expiry_tag_and_no_other_does() -> None:
    world, old, other = two_that_go()
    keep(world, "1.4")
    forged = world.ecr.tags(REPOSITORY)["latest"]
    world.forge(forged)
    world.events.clear()
    world.start("ecs:prod/web", other)
    world.retag_queue.clear()
    world.visit([hint(world, Action.SWEEP, PLAN)])
    assert world.ecr.tags(REPOSITORY)["1.4"] == old
    assert going(world) == {other, forged}
    world.sweep()
    assert going(world) == set()


def test_a_push_beside_a_plan_in_one_batch_finds_no_more_than_alone() -> None:
    world, old, _ = two_that_go()
    keep(world)
    world.push("main", "other")
    world.forge(forged := world.ecr.tags(REPOSITORY)["latest"])
    check(world.events[0], world.rules, world.retag_queue.append)
    world.visit([hint(world, Action.SWEEP, PLAN), *world.retag_queue])
    assert going(world) == {old, forged}


def test_a_plan_that_moves_nothing_asks_nothing_of_expiry_tags() -> None:
    world, old, other = two_that_go()
    keep(world)
    world.ecr.calls.clear()
    world.visit([hint(world, Action.SWEEP, PLAN)])
    assert going(world) == {old, other}
    assert world.ecr.calls.keys() == {"DescribeImages"}


def test_a_look_beside_a_plan_in_one_batch_puts_what_is_due() -> None:
    world = RetentionWorld()
    world.push("1.4.2", "stays")
    due = world.push("pr-1", "goes")
    world.settle()
    world.wait(4)
    world.look()
    world.round()
    world.wait(2)
    world.round()
    world.retag_queue.clear()
    world.look()
    keep(world)
    world.visit([hint(world, Action.SWEEP, PLAN), *world.retag_queue])
    assert going(world) == {due}
