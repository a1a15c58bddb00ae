"""A batch may hold anything: what its pushes led to is seen whatever else is in it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.doors.pushes import check
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from tests.property.stories import thousands
from tests.support.world import REPOSITORY, VERSIONS, World, ruleset

TAGS = {**VERSIONS["tags"], "pin": "{tag}-{digest}", "overwritten": "restore"}
pushes = st.tuples(st.sampled_from(["main", "1.4.2", "1.4.3", "odd"]), st.sampled_from("abcd"))
batches = st.tuples(st.lists(pushes, max_size=5), st.none() | st.integers(0, 5))


def hints_of(world: World, events: list[dict[str, Any]]) -> list[Hint]:
    found: list[Hint] = []
    for event in events:
        check(event, world.rules, found.append)
    return found


def swept(number: int, world: World) -> Hint:
    cause = Cause(f"sweep-{number}/{REPOSITORY}", "Sweep")
    return Hint(REPOSITORY, Action.SWEEP, None, None, cause, world.now)


@thousands
@given(st.lists(batches, min_size=1, max_size=6))
def test_every_pushed_image_keeps_a_name_and_every_odd_tag_is_told_with_a_sweep_in_the_batch_or_not(
    happens: list[tuple[list[tuple[str, str]], int | None]],
) -> None:
    world = World(ruleset({**VERSIONS, "tags": TAGS}))
    world._need(REPOSITORY)
    for number, (pushed, sweep_at) in enumerate(happens):
        for tag, name in pushed:
            # An image that loses an unknown tag to another is nobody's: each has its own.
            world.push(f"odd-{name}" if tag == "odd" else tag, name)
        hints = hints_of(world, world.events)
        world.events.clear()
        if sweep_at is not None:
            hints.insert(min(sweep_at, len(hints)), swept(number, world))
        if hints:
            world.retagger.visit(REPOSITORY, hints)
    world.settle()
    details = world.ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]
    assert all(detail.get("imageTags") for detail in details), "an image has no tag left"
    odd = {tag for tag in world.tags() if tag.startswith("odd")}
    assert sorted(
        fact.tag or "" for fact in world.told() if fact.kind is FactKind.REJECT
    ) == sorted(odd)
