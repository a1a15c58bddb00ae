"""Whatever people do, whatever is lost: nothing that is needed has an expiry tag when ECR
evaluates, and what nothing keeps is gone at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from ecr_steward.tags.scheme import Verdict
from tests.support.retention_world import RULE, RetentionWorld, expiry_tags
from tests.support.world import REPOSITORY

NAMES = ["a", "b", "c", "d", "e"]
TAGS = ["1.0.0", "1.0.1", "2.0.0", "main", "cache-1", "pr-1", "pr-2", "pr-3"]
WORKLOADS = ["ecs:prod/web", "ecs:prod/jobs"]

OPERATIONS = st.one_of(
    st.tuples(st.just("push"), st.sampled_from(TAGS), st.sampled_from(NAMES), st.booleans()),
    st.tuples(st.just("index"), st.sampled_from(TAGS), st.sampled_from(NAMES), st.booleans()),
    st.tuples(st.just("start"), st.sampled_from(WORKLOADS), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("stop"), st.sampled_from(WORKLOADS)),
    st.tuples(st.just("hold"), st.sampled_from(["main", "1.0"])),
    st.tuples(st.just("forge"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("untag"), st.sampled_from(TAGS)),
)
FEW = st.lists(OPERATIONS, max_size=3)
CYCLE = st.tuples(FEW, FEW, FEW, FEW)
"""What happens in a day before the round, before the look, before ECR evaluates, and after it."""

RULES = deepcopy(RULE)
RULES["images"] |= {"keep": [{"pushed_within": "1d"}], "notice": "1d"}


@dataclass
class Story:
    """A registry under random operations, and what the steward could not know of."""

    world: RetentionWorld = field(default_factory=lambda: RetentionWorld(RULES))
    unseen_start: set[str] = field(default_factory=set)
    unseen_push: set[str] = field(default_factory=set)
    counted: int = 0

    def do(self, operation: tuple[Any, ...]) -> None:
        getattr(self, f"_{operation[0]}")(*operation[1:])

    def _push(self, tag: str, name: str, lost: bool) -> None:
        self._told(self.world.push(tag, name), lost=lost)

    def _index(self, tag: str, name: str, lost: bool) -> None:
        self._told(self.world.push_index(tag, name, f"{name}2"), lost=lost)

    def _told(self, digest: str, *, lost: bool) -> None:
        if lost:
            self.world.events.clear()
            self.unseen_push.add(digest)
        self.world.settle()

    def _start(self, workload: str, which: int, lost: bool) -> None:
        digests = self._interesting()
        if digests:
            digest = digests[which % len(digests)]
            self.world.start(workload, digest, lost=lost)
            self.unseen_start.update({digest} if lost else ())
            self.world.settle()

    def _interesting(self) -> list[str]:
        """The images, those that go first, each as often as it is likely to show a fault."""
        details = self.world.details()
        going = [each for each, (tags, _) in details.items() if list(expiry_tags(tags))]
        due = [each for each in self.world.expiries.going(REPOSITORY) if each in details]
        return [*sorted(going), *sorted(due), *sorted(details)]

    def _stop(self, workload: str) -> None:
        self.world.stop(workload)

    def _hold(self, tag: str) -> None:
        self.world.hold(tag)

    def _forge(self, which: int, lost: bool) -> None:
        digests = sorted(self.world.details())
        if digests:
            digest = digests[which % len(digests)]
            self.world.forge(digest)
            self._told(digest, lost=lost)

    def _untag(self, tag: str) -> None:
        self.world.delete(tag)
        self.world.settle()

    def cycle(self, slots: Sequence[Sequence[tuple[Any, ...]]]) -> None:
        """A day: a sweep, a round, a look, and ECR evaluates, with what people do in between."""
        steps = (self._round, self._look, self._evaluate, self._sweep)
        for operations, step in zip(slots, steps, strict=True):
            for operation in operations:
                self.do(operation)
            step()
        self.world.wait(1)

    def _round(self) -> None:
        self.world.round()
        self.world.settle()

    def _look(self) -> None:
        self.world.look()
        self.world.settle()
        self.unseen_start.clear()

    def _sweep(self) -> None:
        self.world.sweep()
        self.unseen_push.clear()

    def _evaluate(self) -> None:
        for digest, why in self._wrong():
            unseen = self.unseen_start | self.unseen_push
            assert self.family(digest) & unseen, f"{digest} has an expiry tag: {why}"
            self.counted += 1
        taken = set(self.world.evaluate())
        for workload, digest in list(self.world.running.items()):
            if digest in taken:
                self.world.stop(workload)

    def _wrong(self) -> Iterator[tuple[str, str]]:
        """The images that must not have their expiry tag, and why: by ECR and what really runs."""
        details = self.world.details()
        for digest, (tags, _) in details.items():
            if not list(expiry_tags(tags)):
                continue
            for member in self.family(digest):
                why = self.needed(member, details.get(member, ([], None))[0], own=member == digest)
                if why:
                    yield digest, f"{member}: {why}"

    def needed(self, digest: str, tags: list[str], *, own: bool) -> str | None:
        running = [name for name, each in self.world.running.items() if each == digest]
        if running:
            return f"{running[0]} runs it"
        scheme = self.world.rules.rules[0].tags
        assert scheme is not None
        kept = (Verdict.STABLE, Verdict.IGNORED)
        named = next((tag for tag in tags if scheme.judge(tag, digest) in kept), None)
        # An index keeps its children; a child that has a tag keeps no index.
        return f"`{named}` is on it" if named and (own or self._is_index(digest)) else None

    def _is_index(self, digest: str) -> bool:
        return bool(self._children(digest))

    def family(self, digest: str) -> set[str]:
        """The image, its children, and the indexes that list it."""
        parents = {each for each in self.world.details() if digest in self._children(each)}
        return {digest, *self._children(digest), *parents}

    def _children(self, digest: str) -> set[str]:
        held = self.world.ecr._repositories[REPOSITORY].images.get(digest)
        return set() if held is None else set(held.contents.children)


@settings(max_examples=100)
@given(st.lists(CYCLE, min_size=3, max_size=7))
def test_nothing_that_is_needed_has_an_expiry_tag_and_what_nothing_keeps_goes(
    cycles: list[tuple[list[tuple[Any, ...]], ...]],
) -> None:
    story = Story()
    for tag, name in (("1.0.0", "a"), ("pr-1", "b"), ("pr-2", "c")):
        story.do(("push", tag, name, False))
    story.do(("index", "pr-3", "d", False))
    for cycle in cycles:
        story.cycle(cycle)
    story.world.running.clear()
    for _ in range(8):
        story.cycle(((), (), (), ()))
    event(f"counted {min(story.counted, 3)}")
    assert not list(_unkept(story)), story.world.details()


def _unkept(story: Story) -> Iterator[str]:
    """The images that nothing keeps any more."""
    left = story.world.details()
    for digest in left:
        family = story.family(digest)
        if not any(story.needed(each, left[each][0], own=each == digest) for each in family):
            yield digest
