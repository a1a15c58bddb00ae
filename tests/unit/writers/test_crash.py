"""Killed between any two calls, or with any call failing or its answer lost, and run again, the
writer loses nothing and doubles nothing."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.doors.pushes import check
from ecr_steward.ecr import Unavailable
from ecr_steward.rules import Mode
from ecr_steward.tags.plan import WRITES
from ecr_steward.tags.settle import MADE, UNKNOWN
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact
from ecr_steward.words.hints import Action, Hint
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
    return World(ruleset({**VERSIONS, "tags": tags}), mode, allow_removal=True)


def _batch(story: Callable[[World], None], world: World) -> list[Hint]:
    """What is delivered first of all that waits."""
    together = story.__dict__.get("together", False)
    events = world.events[:] if together else world.events[:1]
    del world.events[: len(events)]
    cause = Cause(f"sweep/{REPOSITORY}", "Sweep")
    sweep = [Hint(REPOSITORY, Action.SWEEP, None, None, cause, world.now)] if together else []
    return sweep + [hint for event in events for hint in _hints(world, event)]


def _hints(world: World, event: dict[str, Any]) -> list[Hint]:
    found: list[Hint] = []
    check(event, world.rules, found.append)
    return found


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
    counted = [world.history.recall(REPOSITORY, ["latest"], ()).taken, world.history.holds.all()]
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


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.strip("_"))
def test_no_story_leaves_an_image_without_a_name(story: Callable[[World], None]) -> None:
    world, _ = _run(story, Mode.ENFORCE, None)
    details = world.ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]
    assert all(detail.get("imageTags") for detail in details)


# People who act before the retry

Deeds = Counter[tuple[str, str | None]]
"""What became of tags: each with the image that it was put on, None where it was taken off."""


def _watched(world: World) -> Deeds:
    """Counts from now on what is done to tags; the tripwire is stepped over as before."""
    deeds: Deeds = Counter()
    held: dict[str, str] = {}

    def before(operation: str, asked: Any) -> None:
        world.wire.step()
        held.clear()
        held.update(world.tags())

    def after(operation: str, asked: Any) -> None:
        now = world.tags()
        changed = {tag for tag in now.keys() | held.keys() if now.get(tag) != held.get(tag)}
        deeds.update((tag, now.get(tag)) for tag in changed)
        world.wire.step()

    world.ecr.before, world.ecr.after = before, after
    return deeds


Meddle = Callable[[World, str, str | None], None]
"""What somebody does with a tag that was on that image, or on none."""


def _leave_alone(world: World, tag: str, was_on: str | None) -> None:
    pass


def _move_away(world: World, tag: str, was_on: str | None) -> None:
    world.push(tag, name="stranger")


def _move_back(world: World, tag: str, was_on: str | None) -> None:
    if was_on is None:
        _take_off(world, tag, was_on)
    else:
        names = ("new", "old", "first", "second", "third", "stray", "n")
        world.push(tag, name=next(name for name in names if image(name) == was_on))


def _take_off(world: World, tag: str, was_on: str | None) -> None:
    # A pin that is taken off again leaves no trace: nobody is told of events of pins.
    if tag in world.tags() and not _is_pin(world, tag):
        world.delete(tag=tag)


def _is_pin(world: World, tag: str) -> bool:
    scheme = world.rules.rules[0].tags
    return scheme is not None and scheme.is_pin(tag, world.tags().get(tag))


def _meddled(
    story: Callable[[World], None],
    fail_at: int | None,
    error: Callable[[], BaseException],
    meddle: Meddle,
) -> tuple[list[Fact], Deeds, int]:
    """Play `story`, end the function at a step, have somebody else act on every tag that it was at,
    and deliver its batch again with all that was told since."""
    world = _world(story, Mode.ENFORCE)
    story(world)
    began, told = world.tags(), {fact.id for fact in world.history.facts(REPOSITORY)}
    world.arm(fail_at, error)
    deeds, batch = _watched(world), _batch(story, world)
    with contextlib.suppress(Killed, Unavailable, ClientError):
        world.visit(batch)
    steps, world.wire.at = world.wire.steps, None
    announced = {fact.tag for fact in world.history.recall_all(REPOSITORY).open if fact.tag}
    world.ecr.before = world.ecr.after = None
    for tag in sorted(announced | {tag for tag, _ in deeds}):
        meddle(world, tag, began.get(tag))
    later = _watched(world)
    world.visit([*batch, *(hint for event in world.events for hint in _hints(world, event))])
    world.settle()
    facts = [fact for fact in world.history.facts(REPOSITORY) if fact.id not in told]
    return facts, deeds + later, steps


def _recorded(facts: list[Fact], *, surely: bool) -> Deeds:
    """What the steward did by these records; `surely` without what they do not claim."""
    doubts = (UNKNOWN, MADE, "stays away.") if surely else ()
    return Counter(
        (fact.tag or "", fact.digest)
        for fact in facts
        if fact.kind in WRITES and not fact.reason.endswith(doubts)
    )


@pytest.mark.parametrize("error", [Killed, throttled], ids=["killed", "failed"])
@pytest.mark.parametrize(
    "meddle", [_leave_alone, _move_away, _move_back, _take_off], ids=lambda meddle: meddle.__name__
)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.strip("_"))
def test_whatever_people_do_before_the_retry_each_deed_has_its_record_and_no_record_lies(
    story: Callable[[World], None],
    meddle: Meddle,
    error: Callable[[], BaseException],
) -> None:
    _, _, steps = _meddled(story, None, error, _leave_alone)
    for at in range(1, steps + 1):
        facts, deeds, _ = _meddled(story, at, error, meddle)
        assert len({fact.id for fact in facts}) == len(facts), f"two facts have one id at {at}"
        missing = deeds - _recorded(facts, surely=False)
        assert not missing, f"no record of {missing} after step {at}"
        false = _recorded(facts, surely=True) - deeds
        assert not false, f"a record of {false}, which was not done, after step {at}"
