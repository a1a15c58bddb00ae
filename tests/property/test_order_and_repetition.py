"""Order and repetition do not matter: any story ends in the state that all tags together imply."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import event, given, note
from hypothesis import strategies as st

from ecr_steward.events import Kind
from tests.world import REPOSITORY, Killed, World, image

NAMES = ["a", "b", "c", "d"]
TAGS = [
    "0.1.0",
    "0.2.0",
    "1.0.0",
    "1.0.1",
    "v1.0.1",
    "1.0.1_b2",
    "1.0.10",
    "1.1.0-rc.1",
    "1.1.0",
    "2.0.0",
    "1.0",
    "1",
    "latest",
    "main",
    "nightly",
    "buildcache-1",
]

_RELEASE = re.compile(r"v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:_[0-9A-Za-z.-]+)?")


def version_of(tag: str) -> tuple[int, int, int] | None:
    match = _RELEASE.fullmatch(tag)
    return None if match is None else (int(match[1]), int(match[2]), int(match[3]))


def line_of(version: tuple[int, int, int]) -> list[str]:
    major, minor, _ = version
    return [f"{major}.{minor}", *([str(major)] if major else []), "latest"]


def oracle(world: World) -> dict[str, str]:
    """Where every stable tag belongs, computed naively from all tags of the repository."""
    pushed = {
        detail["imageDigest"]: detail["imagePushedAt"]
        for detail in world.ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]
    }
    best: dict[str, tuple[object, ...]] = {}
    for tag, digest in world.tags().items():
        version = version_of(tag)
        for stable in line_of(version) if version else []:
            order = (version, pushed[digest], digest)
            best[stable] = max(best.get(stable, ()), order)
    return {stable: str(order[2]) for stable, order in best.items()}


def assert_at_rest(world: World) -> None:
    expected = oracle(world)
    actual = world.tags()
    assert {tag: actual.get(tag) for tag in expected} == expected


versions = st.tuples(st.just("push"), st.sampled_from(TAGS[:10]), st.sampled_from(NAMES))
pushes = versions | st.tuples(st.just("push"), st.sampled_from(TAGS), st.sampled_from(NAMES))
rests = st.tuples(st.just("rest"), st.just(""), st.just(""))
untags = st.tuples(st.just("untag"), st.sampled_from(TAGS), st.just(""))
deletes = st.tuples(st.just("delete"), st.just(""), st.sampled_from(NAMES))
deliveries = st.tuples(
    st.sampled_from(["deliver", "deliver last", "twice", "kill"]), st.just(""), st.just("")
)
lost = st.tuples(st.just("lose"), st.just(""), st.just(""))
Step = tuple[str, str, str]


def untagged(world: World) -> set[str]:
    details = world.ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]
    return {detail["imageDigest"] for detail in details if not detail.get("imageTags")}


def deliver(world: World, at: int, kill_at: int | None = None) -> None:
    """Deliver the event `at`, and check what the steward must never do."""
    what = world.events.pop(at)
    bare, told = untagged(world), len(world.told())
    world.arm(kill_at)
    try:
        world.deliver(what)
    except Killed:
        event("killed")
        world.events.append(what)
    world.arm(None)
    assert untagged(world) <= bare, "an image lost its last tag"
    for fact in world.told()[told:]:
        if fact.kind is Kind.MOVE:
            assert_forward(fact.tag or "", fact.before_tags, fact.after_tags)


def assert_forward(tag: str, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    def highest(tags: tuple[str, ...]) -> tuple[int, int, int]:
        versions = [version for each in tags if (version := version_of(each))]
        return max((each for each in versions if tag in line_of(each)), default=(-1, -1, -1))

    assert highest(after) >= highest(before), f"{tag} went back from {before} to {after}"


def play(world: World, step: Step, kill_at: int) -> None:
    what, tag, name = step
    if what == "push":
        world.push(tag, name)
    elif what == "untag" and tag in world.tags():
        world.delete(tag=tag)
    elif what == "delete" and image(name) in world.tags().values():
        world.delete(digest=image(name))
    elif what == "rest":
        settle(world)
    elif world.events:
        _deliver_somehow(world, what, kill_at)


def _deliver_somehow(world: World, what: str, kill_at: int) -> None:
    if what == "lose":
        world.events.pop(0)
        return
    if what == "twice":
        world.events.append(world.events[0])
    if what in ("deliver", "deliver last", "twice", "kill"):
        at = -1 if what == "deliver last" else 0
        deliver(world, at, kill_at if what == "kill" else None)


def settle(world: World) -> None:
    for _ in range(500):
        if not world.events:
            return
        deliver(world, 0)
    raise AssertionError("the steward does not come to rest")


@given(st.lists(pushes | rests | untags | deletes | deliveries, max_size=25), st.integers(1, 25))
def test_without_lost_events_the_system_alone_ends_where_all_tags_say(
    steps: list[Step], kill_at: int
) -> None:
    world = World()
    world._need(REPOSITORY)
    for step in steps:
        play(world, step, kill_at)
    settle(world)
    note(str(world.tags()))
    assert_at_rest(world)
    assert_quiet(world)


@given(
    st.lists(pushes | rests | untags | deletes | deliveries | lost, max_size=25), st.integers(1, 25)
)
def test_with_lost_events_one_sweep_ends_there_too_and_a_second_writes_nothing(
    steps: list[Step], kill_at: int
) -> None:
    world = World()
    world._need(REPOSITORY)
    for step in steps:
        play(world, step, kill_at)
    world.events.clear()
    world.sweep()
    assert_at_rest(world)
    assert_quiet(world)


def assert_quiet(world: World) -> None:
    """A further sweep writes nothing to ECR and tells nothing but that it is complete."""
    told = [fact for fact in world.told() if fact.kind is not Kind.SWEPT]
    calls: Mapping[str, int] = world.calls(world.sweep)
    assert "PutImage" not in calls
    assert [fact for fact in world.told() if fact.kind is not Kind.SWEPT] == told


@given(st.permutations(["1.0.0", "1.0.1", "1.1.0", "2.0.0", "0.9.0", "1.1.0-rc.1"]))
def test_any_order_of_pushes_costs_the_same_bounded_number_of_reads(order: list[str]) -> None:
    world = World()
    for tag in order:
        world.push(tag, tag)
        calls = world.calls(lambda: world.deliver(world.events.pop(0)))
        assert calls.get("BatchGetImage", 0) <= 2
        assert calls.get("DescribeImages", 0) <= 2
        assert calls.get("ListImages", 0) <= 1
        while world.events:
            echo = world.calls(lambda: world.deliver(world.events.pop(0)))
            assert sum(echo.values()) <= 1, f"an echo cost {echo}"
    assert_at_rest(world)


def test_the_oracle_knows_where_a_stable_tag_belongs() -> None:
    world = World()
    world.push("1.0.1", "a")
    world.push("1.1.0-rc.1", "b")
    assert oracle(world) == dict.fromkeys(["1.0", "1", "latest"], image("a"))
    with pytest.raises(AssertionError):
        assert_at_rest(world)
