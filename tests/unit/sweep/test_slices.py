"""The sweep: slices, totals, first sight, and what a lost event costs nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.rules import Mode
from ecr_steward.sweep.send import LOOK, Portion
from ecr_steward.sweep.slices import Slice, clock_of
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.hints import Action, Hint
from tests.support.world import VERSIONS, World, ruleset

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def summaries(world: World) -> list[Fact]:
    return [fact for fact in world.told() if fact.kind is FactKind.SWEPT]


def test_every_repository_has_its_turn_once_in_a_sweep() -> None:
    names = [f"team-{n}/service-{n * 7}" for n in range(500)]
    turns = [Slice.at(NOON + timedelta(minutes=5 * n), 24) for n in range(288)]
    assert len({turn.part for turn in turns}) == 288
    for name in names:
        assert sum(turn.holds(name) for turn in turns) == 1


def test_slices_of_one_sweep_share_its_name_and_know_the_one_before() -> None:
    first = Slice.at(datetime(2026, 11, 23, tzinfo=UTC), 24)
    last = Slice.at(datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC), 24)
    assert first.sweep == last.sweep == "sweep-2026-11-23T00:00:00Z"
    assert (first.part, last.part) == (0, 287)
    assert first.previous() == "sweep-2026-11-22T00:00:00Z"


def test_a_repeated_schedule_event_takes_the_same_slice() -> None:
    clock = clock_of({"time": "2026-11-23T12:00:00Z"}, lambda: NOON + timedelta(hours=1))
    assert clock() == NOON
    late = clock_of({"time": "<aws.scheduler.scheduled-time>"}, lambda: NOON)
    assert late() == NOON


def test_a_large_registry_is_swept_calmly_and_told_in_one_summary() -> None:
    world = World(mode=Mode.AUDIT)
    for number in range(600):
        repository = f"base/service-{number}"
        world.push("1.0.0", name="app", repository=repository)
        world.push("strange", name="app", repository=repository)
    world.events.clear()
    before = world.ecr.calls.copy()
    world.sweep(hours=24)
    calls = world.ecr.calls - before
    assert calls["DescribeImages"] == 600, "one read for each repository"
    assert not {"BatchGetImage", "PutImage", "ListImages"} & set(calls)
    (summary,) = world.told()
    assert summary.kind is FactKind.SWEPT
    assert summary.totals["repositories"] == summary.totals["first_sight"] == 600
    assert summary.totals["moved"] == 1800
    assert summary.totals["rejected"] == 600
    assert summary.reason == (
        "600 repositories swept: 1,800 tags would move, 600 rejected; 600 seen for the first time."
    )
    world.sweep(hours=24)
    assert [fact.kind for fact in world.told()] == [FactKind.SWEPT, FactKind.SWEPT]


def test_no_slice_is_much_larger_than_the_others() -> None:
    names = [f"base/service-{n}" for n in range(2000)]
    parts = [Slice("sweep", n, 288) for n in range(288)]
    assert max(sum(part.holds(name) for name in names) for part in parts) < 25


def test_a_lost_push_heals() -> None:
    world = World()
    old = world.push("1.4.1")
    world.settle()
    new = world.push("1.4.2")
    world.events.clear()
    assert world.tags()["latest"] == old
    world.sweep()
    assert {world.tags()[tag] for tag in ("1.4", "1", "latest")} == {new}
    assert summaries(world)[0].totals["moved"] == 3


def test_what_is_new_after_the_first_sight_is_news() -> None:
    world = World(mode=Mode.AUDIT)
    world.push("1.4.1")
    world.events.clear()
    world.sweep()
    assert [fact.kind for fact in world.told()] == [FactKind.SWEPT]
    world.push("1.4.2")
    world.events.clear()
    world.sweep()
    told = [(fact.kind, fact.tag) for fact in world.told()[1:-1]]
    assert told == [(FactKind.MOVE, "1.4"), (FactKind.MOVE, "1"), (FactKind.MOVE, "latest")]


def test_repositories_of_another_stack_and_without_a_rule_are_left_alone() -> None:
    world = World(ruleset({**VERSIONS, "repositories": ["team-a/*", "team-b/*"]}))
    world.sweeper = world.sweeper_for("team-a/*")
    for repository in ("team-a/app", "team-b/app", "other"):
        world.push("1.0.0", repository=repository)
    world.events.clear()
    world.sweep()
    assert set(world.tags("team-a/app")) == {"1.0.0", "1.0", "1", "latest"}
    assert set(world.tags("team-b/app")) == {"1.0.0"}
    assert set(world.tags("other")) == {"1.0.0"}


def test_a_sweep_that_could_not_finish_says_what_is_missing() -> None:
    world = World()
    world.push("1.4.2")
    world.events.clear()
    world.now = NOON
    for _ in range(12):
        world.sweeper.tick(EcrRegistry(world.ecr.client), lambda hints: None, 1)
        world.now += timedelta(minutes=5)
    assert summaries(world) == []
    world.sweeper.tick(EcrRegistry(world.ecr.client), lambda hints: None, 1)
    (summary,) = summaries(world)
    assert (summary.totals["repositories"], summary.totals["missing"]) == (0, 1)
    assert summary.reason == "0 repositories swept; 1 not finished."


def summary_of(world: World, expected: int, **totals: int) -> str:
    """What a sweep of `expected` repositories says that found `totals`."""
    world.history.sweeps.expect("hand-x", 0, expected, 1, NOON)
    world.history.sweeps.swept("hand-x", "all", totals, NOON)
    world.tally.complete_if_done("hand-x")
    (summary,) = summaries(world)
    return summary.reason


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        ({"repositories": 1}, "1 repository swept."),
        ({"repositories": 2, "images": 9}, "2 repositories swept."),
        ({"repositories": 1, "moved": 1}, "1 repository swept: 1 tag moved."),
        ({"repositories": 2, "rejected": 2}, "2 repositories swept: 2 tags rejected."),
        ({"repositories": 2, "overwritten": 1}, "2 repositories swept: 1 tag overwritten."),
        (
            {"repositories": 2000, "moved": 6000, "rejected": 2000, "first_sight": 2000},
            (
                "2,000 repositories swept: 6,000 tags moved, 2,000 rejected; "
                "2,000 seen for the first time."
            ),
        ),
        (
            {"repositories": 1, "moved": 3, "overwritten": 1, "pinned": 1, "failed": 1},
            "1 repository swept: 3 tags moved, 1 overwritten, 1 image pinned, 1 change failed.",
        ),
        ({"repositories": 2, "first_sight": 1}, "2 repositories swept; 1 seen for the first time."),
    ],
)
def test_a_summary_reads_like_a_sentence(totals: dict[str, int], said: str) -> None:
    assert summary_of(World(), totals["repositories"], **totals) == said


def test_a_summary_in_audit_claims_no_move() -> None:
    said = summary_of(World(mode=Mode.AUDIT), 2, repositories=2, moved=1, pinned=2, rejected=1)
    assert said == "2 repositories swept: 1 tag would move, 1 rejected, 2 images would be pinned."


def test_a_summary_of_rules_that_are_all_in_audit_claims_no_move() -> None:
    world = World(ruleset({**VERSIONS, "mode": "audit"}))
    assert summary_of(world, 1, repositories=1, moved=2) == "1 repository swept: 2 tags would move."


def test_a_summary_of_rules_of_both_modes_leaves_open_which_of_them_moved() -> None:
    other = {**VERSIONS, "repositories": ["apps/*"], "mode": "audit"}
    said = summary_of(World(ruleset(VERSIONS, other)), 2, repositories=2, moved=6)
    assert said == "2 repositories swept: 6 tags moved or, by rules in audit mode, would move."


def test_a_visit_that_is_delivered_twice_is_counted_once() -> None:
    world = World()
    world.push("1.4.2")
    world.events.clear()
    hints: list[Hint] = []
    world.sweeper.by_hand(EcrRegistry(world.ecr.client), hints.extend, "base/*", "x")
    world.visit(hints)
    world.visit(hints)
    (summary,) = summaries(world)
    assert summary.totals["repositories"] == 1
    assert summary.cause == Cause("hand-x", "Sweep")


@pytest.mark.parametrize(("glob", "expected"), [("base/*", 2), ("base/a", 1), ("*", 2)])
def test_a_sweep_by_hand_takes_what_its_glob_matches(glob: str, expected: int) -> None:
    world = World()
    for name in ("base/a", "base/b", "nobody"):
        world.push("1.0.0", repository=name)
    world.events.clear()
    hints: list[Hint] = []
    sent = world.sweeper.by_hand(EcrRegistry(world.ecr.client), hints.extend, glob, "x")
    assert sent == Portion(expected, 1, expected)
    assert len(hints) == expected
    assert all(hint.action is Action.SWEEP for hint in hints)


def registry_of(count: int) -> World:
    """A world with this many repositories, base/000 and on, an image in each."""
    world = World()
    for number in range(count):
        world.push("1.0.0", name="app", repository=f"base/{number:03}")
    world.events.clear()
    return world


def by_hand(world: World, part: int = 0, glob: str = "*") -> tuple[Portion, list[Hint]]:
    hints: list[Hint] = []
    sent = world.sweeper.by_hand(EcrRegistry(world.ecr.client), hints.extend, glob, "x", part)
    return sent, hints


def visit_each(world: World, hints: list[Hint]) -> None:
    for hint in hints:
        world.visit([hint])


@pytest.mark.parametrize(("count", "sizes"), [(50, [50]), (51, [50, 1]), (120, [50, 50, 20])])
def test_a_sweep_by_hand_is_sent_in_portions(count: int, sizes: list[int]) -> None:
    world = registry_of(count)
    every: list[Hint] = []
    for part, size in enumerate(sizes):
        sent, hints = by_hand(world, part)
        assert sent == Portion(size, len(sizes), count)
        assert len(hints) == size
        every += hints
    assert [hint.repository for hint in every] == [f"base/{number:03}" for number in range(count)]


def test_a_sweep_by_hand_is_complete_after_its_last_portion_and_not_before() -> None:
    world = registry_of(51)
    _, first = by_hand(world, 0)
    visit_each(world, first)
    assert summaries(world) == []
    _, last = by_hand(world, 1)
    assert summaries(world) == []
    visit_each(world, last)
    (summary,) = summaries(world)
    assert summary.cause == Cause("hand-x", "Sweep")
    assert (summary.totals["repositories"], summary.totals["missing"]) == (51, 0)


def test_a_portion_that_is_sent_twice_is_expected_once_and_its_messages_are_the_same() -> None:
    world = registry_of(2)
    _, first = by_hand(world)
    _, again = by_hand(world)
    assert [hint.cause for hint in first] == [hint.cause for hint in again]
    visit_each(world, [*first, *again])
    (summary,) = summaries(world)
    assert summary.totals["repositories"] == 2


def test_a_repository_that_comes_between_two_portions_does_not_keep_the_sweep_open() -> None:
    world = registry_of(51)
    _, first = by_hand(world, 0)
    world.push("1.0.0", repository="base/0")
    sent, last = by_hand(world, 1)
    assert sent == Portion(2, 2, 52)
    assert last[0].repository == first[-1].repository
    visit_each(world, [*first, *last])
    assert len(summaries(world)) == 1


@pytest.mark.parametrize("left", [50, 0])
def test_repositories_that_go_between_two_portions_do_not_keep_the_sweep_open(left: int) -> None:
    world = registry_of(51)
    _, first = by_hand(world, 0)
    visit_each(world, first)
    for number in range(left, 51):
        world.ecr.delete_repository(repositoryName=f"base/{number:03}", force=True)
    sent, hints = by_hand(world, 1)
    assert sent == Portion(0, left // 50, left)
    assert hints == []
    assert len(summaries(world)) == 1


@pytest.mark.parametrize("part", [0, 3])
def test_a_sweep_by_hand_that_matches_nothing_records_and_tells_nothing(part: int) -> None:
    world = World()
    world.push("1.0.0", repository="nobody")
    world.events.clear()
    assert by_hand(world, part) == (Portion(0, 0, 0), [])
    assert world.history.sweeps.totals("hand-x") == {}
    assert world.told() == []


@pytest.mark.parametrize("part", [LOOK, -2])
def test_a_look_at_what_a_sweep_by_hand_would_send_sends_and_records_nothing(part: int) -> None:
    world = registry_of(51)
    assert by_hand(world, part) == (Portion(0, 2, 51), [])
    assert world.history.sweeps.totals("hand-x") == {}


def test_a_stack_that_is_off_sends_nothing() -> None:
    world = World()
    world.push("1.4.2")
    world.set_mode(Mode.OFF)
    hints: list[Hint] = []
    assert world.sweeper.tick(EcrRegistry(world.ecr.client), hints.extend, 1) == 0
    assert hints == []
