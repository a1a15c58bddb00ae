"""A plan narrowed to what somebody asked for: no change without what it hangs on."""

from __future__ import annotations

import pytest

from ecr_steward.tags.narrow import narrowed
from ecr_steward.tags.plan import Plan, TagChange
from tests.support.planning import NOW, plan, words

SETTLED = ("1.4 = 1.4.1 on a", "1 = 1.4.1 on a", "latest = 1.4.1 on a")
RESTORED = plan(
    ["a: 1.4 1 latest", "b: 1.4.1 nightly", "c: 1.4.2"],
    ["1.4.1 on b", "nightly on b", "1.4.2 on c"],
    SETTLED,
    {"overwritten": "restore", "unknown": "remove"},
)
KEPT = plan(["a: 1.4 1 latest", "b: 1.4.1"], ["1.4.1 on b"], SETTLED, {"overwritten": "keep"})
TAKEN = plan(["a: 1.4.1 1.4 1", "b: latest"], ["latest on b"], SETTLED)
CONTESTED = plan(
    ["a: 1.4.1 1.4 1", "b: latest 1.4.0"], ["latest on b"], SETTLED, taken={"latest": (NOW, NOW)}
)
HELD = plan(
    ["a: 1.4.1 1.4 1", "b: latest 1.4.0"], ["latest on b"], SETTLED, holds={"latest": "by ada"}
)
TWO = plan(
    ["a: 1.4.1", "b: 1.4.0 latest", "c: 1.4 1.3.0"],
    ["latest on b", "1.4 on c"],
    SETTLED,
    holds={"latest": "by ada"},
)
PIN, RESTORE, OVERWRITE = "pin PIN: - > b", "restore 1.4.1: b > a", "overwrite 1.4.1: a > b"
REMOVE = "remove nightly: b > -"
MOVES = ["move 1.4: a > c", "move 1: a > c", "move latest: a > c"]
MOVES_TO_B = ["move 1.4: a > b", "move 1: a > b", "move latest: a > b"]


@pytest.mark.parametrize(
    ("whole", "kinds", "left"),
    [
        # An image that does not get its pin keeps its tags; no stable tag moves before a unique
        # tag is back.
        (RESTORED, "pin restore move remove", [PIN, RESTORE, *MOVES, REMOVE, OVERWRITE]),
        (RESTORED, "pin restore move", [PIN, RESTORE, *MOVES, OVERWRITE]),
        (RESTORED, "pin restore remove", [PIN, RESTORE, REMOVE, OVERWRITE]),
        (RESTORED, "pin restore", [PIN, RESTORE, OVERWRITE]),
        (RESTORED, "pin move remove", [PIN]),
        (RESTORED, "restore move remove", []),
        (RESTORED, "move", []),
        (RESTORED, "", []),
        (KEPT, "pin move", ["pin PIN: - > a", *MOVES_TO_B]),
        (KEPT, "pin", ["pin PIN: - > a"]),
        (KEPT, "move", []),
        (TAKEN, "pin move", [PIN, "move latest: b > a"]),
        (TAKEN, "pin", [PIN]),
        (TAKEN, "move", []),
        # What nobody has to do is told; not who took a tag that does not go back now.
        (HELD, "", ["held latest: b > a"]),
        (CONTESTED, "move", []),
        (TWO, "move", ["move 1.4: c > a", "held latest: b > a"]),
        (TWO, "", ["held latest: b > a"]),
    ],
)
def test_a_narrowed_plan_has_what_is_wanted_and_hangs_on_nothing_else(
    whole: Plan, kinds: str, left: list[str]
) -> None:
    made = narrowed(whole, lambda change: change.kind.value in kinds.split())
    assert [words(each) for each in made.changes] == left


def is_pin(change: TagChange) -> bool:
    return change.kind.value == "pin"


def test_a_unique_tag_is_not_accepted_elsewhere_without_the_pin_of_the_image_before() -> None:
    assert narrowed(KEPT, is_pin).known == KEPT.known
    assert narrowed(KEPT, is_pin).kept == KEPT.kept
    without = narrowed(KEPT, lambda change: not is_pin(change))
    assert (without.known, without.kept) == ({}, {})
    assert set(narrowed(RESTORED, lambda _: False).known) == {"1.4.2"}


@pytest.mark.parametrize(
    ("kinds", "marks", "taken"),
    [("pin move", ["latest"], ["latest"]), ("pin", [], []), ("move", [], [])],
)
def test_who_took_a_tag_is_remembered_only_where_it_goes_back(
    kinds: str, marks: list[str], taken: list[str]
) -> None:
    made = narrowed(TAKEN, lambda change: change.kind.value in kinds.split())
    assert [each.tag for each in made.marks] == marks
    assert [each.mark.tag for each in made.taken] == taken
