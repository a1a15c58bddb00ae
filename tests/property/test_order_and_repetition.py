"""Order and repetition do not matter: any story ends in the state that all tags together imply."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import event, given, note
from hypothesis import strategies as st

from ecr_steward.ecr import Unavailable
from ecr_steward.words.facts import FactKind
from tests.property import kept
from tests.property.kept import played
from tests.property.stories import thousands
from tests.support.world import REPOSITORY, Killed, World, image, throttled

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

_RELEASE = re.compile(r"v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:_b([0-9]+))?")


Version = tuple[int, int, int, int]


def version_of(tag: str) -> Version | None:
    """The three numbers of a release and its build number, -1 for none."""
    match = _RELEASE.fullmatch(tag)
    if match is None:
        return None
    return (int(match[1]), int(match[2]), int(match[3]), int(match[4] or -1))


def line_of(version: Version) -> list[str]:
    major, minor, *_ = version
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


def assert_at_rest(world: World, held: Collection[str] = ()) -> None:
    """Every stable tag that is not held is where it belongs."""
    expected = oracle(world)
    actual = world.tags()
    free = expected.keys() - held
    assert {tag: actual.get(tag) for tag in free} == {tag: expected[tag] for tag in free}


STABLE = ["1.0", "1", "latest"]
versions = st.tuples(st.just("push"), st.sampled_from(TAGS[:10]), st.sampled_from(NAMES))
pushes = versions | st.tuples(st.just("push"), st.sampled_from(TAGS), st.sampled_from(NAMES))
hand_moves = st.tuples(st.just("push"), st.sampled_from(STABLE), st.sampled_from(NAMES))
rests = st.tuples(st.sampled_from(["rest", "wait"]), st.just(""), st.just(""))
untags = st.tuples(st.just("untag"), st.sampled_from(TAGS), st.just(""))
deletes = st.tuples(st.just("delete"), st.just(""), st.sampled_from(NAMES))
holds = st.tuples(
    st.sampled_from(["hold", "hold for a while", "release"]), st.sampled_from(STABLE), st.just("")
)
quarrels = st.tuples(st.just("quarrel"), st.sampled_from(STABLE), st.sampled_from(NAMES))
_DELIVERIES = ["deliver", "deliver last", "twice", "batch", "kill", "throttle", "lose"]
deliveries = st.tuples(
    st.sampled_from([*_DELIVERIES[:-1], "kill", "throttle"]),
    st.just(""),
    st.integers(1, 30).map(str),
)
lost = st.tuples(st.just("lose"), st.just(""), st.just("0"))
steps = st.one_of(
    pushes, pushes, hand_moves, quarrels, rests, untags, deletes, holds, deliveries, deliveries
)
Step = tuple[str, str, str]
_WHILE = timedelta(minutes=4)


class Story:
    """A world in which things happen, and what must never happen in it."""

    def __init__(self) -> None:
        self.world = World()
        self.world._need(REPOSITORY)
        self.hand_moves: Counter[str] = Counter()

    def play(self, step: Step) -> None:
        what, tag, name = step
        if what in _DELIVERIES:
            if self.world.events:
                self._deliver_somehow(what, int(name))
        elif what in ("untag", "delete"):
            self._lose_image(what, tag, name)
        elif what.startswith("hold"):
            self.world.hold(tag, self.world.now + _WHILE if what == "hold for a while" else None)
        else:
            getattr(self, f"_{what}")(tag, name)

    def _push(self, tag: str, name: str) -> None:
        before = self.world.tags().get(tag)
        self.world.push(tag, name)
        if before != image(name):
            self.hand_moves[tag] += 1

    def _quarrel(self, tag: str, name: str) -> None:
        for _ in range(2):
            self._push(tag, name)
            self.settle()

    def _wait(self, *_: str) -> None:
        self.world.now += _WHILE

    def _rest(self, *_: str) -> None:
        self.settle()

    def _release(self, tag: str, *_: str) -> None:
        self.world.release(tag)

    def _lose_image(self, what: str, tag: str, name: str) -> None:
        tags = self.world.tags()
        if what == "untag" and tag in tags:
            self.world.delete(tag=tag)
        elif what == "delete" and image(name) in tags.values():
            self.world.delete(digest=image(name))

    def _deliver_somehow(self, what: str, at: int) -> None:
        events = self.world.events
        if what == "lose":
            events.pop(0)
            return
        if what == "twice":
            events.append(events[0])
        if what == "batch":
            self.deliver(*(events.pop(0) for _ in range(min(4, len(events)))))
            return
        error: Callable[[], BaseException] | None = None
        if what in ("kill", "throttle"):
            error = Killed if what == "kill" else throttled
        self.deliver(events.pop(-1 if what == "deliver last" else 0), at=at, error=error)

    def deliver(
        self, *events: dict[str, Any], at: int = 0, error: Callable[[], BaseException] | None = None
    ) -> None:
        """Deliver these events, and check what the steward must never do."""
        world = self.world
        bare, told = untagged(world), len(world.told())
        held = {tag: world.tags().get(tag) for tag in world.held()}
        world.arm(None if error is None else at, error or Killed)
        try:
            world.deliver(*events)
        except (Killed, Unavailable, ClientError) as ended:
            event("killed" if isinstance(ended, Killed) else "throttled")
            world.events += events
        world.arm(None)
        assert untagged(world) <= bare, "an image lost its last tag"
        assert {tag: world.tags().get(tag) for tag in held} == held, "a held tag was moved"
        for fact in world.told()[told:]:
            event(fact.kind.value)
            if fact.kind is FactKind.MOVE:
                assert_forward(fact.tag or "", fact.before_tags, fact.after_tags)
        for tag in world.history.recall(REPOSITORY, STABLE, ()).contested - held.keys():
            event("held by itself")
            assert self.hand_moves[tag] >= 3, f"{tag} was taken away {self.hand_moves[tag]} times"
            self.hand_moves[tag] = 0

    def settle(self) -> None:
        for _ in range(500):
            if not self.world.events:
                return
            self.deliver(self.world.events.pop(0))
        raise AssertionError("the steward does not come to rest")


def untagged(world: World) -> set[str]:
    details = world.ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]
    return {detail["imageDigest"] for detail in details if not detail.get("imageTags")}


def assert_forward(tag: str, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    def highest(tags: tuple[str, ...]) -> Version:
        versions = [version for each in tags if (version := version_of(each))]
        return max((each for each in versions if tag in line_of(each)), default=(-1, -1, -1, -1))

    assert highest(after) >= highest(before), f"{tag} went back from {before} to {after}"


kept_stories = played([{"happens": story} for story in kept.ORDER.values()])


@thousands
@kept_stories
@given(happens=st.lists(steps, min_size=5, max_size=30))
def test_without_lost_events_the_system_alone_ends_where_all_tags_say(
    happens: list[Step],
) -> None:
    story = Story()
    for step in happens:
        story.play(step)
    story.settle()
    note(str(story.world.tags()))
    # A hold whose time is over is caught up by the next sweep, or by the next push in the line.
    held = {hold.tag for _, hold in story.world.history.holds.all()}
    assert_at_rest(story.world, held)
    for tag in held:
        story.play(("release", tag, ""))
    story.settle()
    assert_at_rest(story.world)
    assert_quiet(story.world)
    assert_told_apart(story.world)


@thousands
@kept_stories
@given(happens=st.lists(steps | lost, min_size=5, max_size=30))
def test_with_lost_events_one_sweep_ends_there_too_and_a_second_writes_nothing(
    happens: list[Step],
) -> None:
    story = Story()
    for step in happens:
        story.play(step)
    world = story.world
    world.events.clear()
    world.sweep_at_once()
    assert_at_rest(world, world.held())
    assert_quiet(world)
    for tag in world.held():
        world.release(tag)
    world.events.clear()
    world.sweep_at_once()
    assert not world.held()
    assert_at_rest(world)
    assert_quiet(world)


def assert_told_apart(world: World) -> None:
    """Whatever was delivered again, no two moves or pins are one fact."""
    ids = [fact.id for fact in world.told() if fact.kind in (FactKind.MOVE, FactKind.PIN)]
    assert len(ids) == len(set(ids))


def assert_quiet(world: World) -> None:
    """A further sweep writes nothing to ECR and tells nothing but that it is complete."""
    told = [fact for fact in world.told() if fact.kind is not FactKind.SWEPT]
    calls: Mapping[str, int] = world.calls(world.sweep_at_once)
    assert "PutImage" not in calls
    assert [fact for fact in world.told() if fact.kind is not FactKind.SWEPT] == told


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
