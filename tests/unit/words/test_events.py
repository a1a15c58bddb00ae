"""What events are called, and which are loud."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecr_steward.words.events import EVENTS, FAMILIES, event_name, family, is_loud
from ecr_steward.words.facts import Difference, FactKind
from tests.support.facts import MOVED


def test_an_event_is_called_by_its_kind_and_belongs_to_a_family() -> None:
    assert event_name(FactKind.ON_STABLE) == "workload.on.stable.tag"
    assert family("workload.on.stable.tag") == "workload.*"
    assert EVENTS["tag.moved"] is FactKind.MOVE
    assert FAMILIES[:2] == ("tag.*", "image.*")


QUIET = {"move", "pin", "on_stable", "behind", "expiry_set", "expiry_cleared"}
SOMETIMES = {"held", "expiring", "drift", "correct"}


@pytest.mark.parametrize("kind", [each for each in FactKind if each not in SOMETIMES])
def test_all_but_what_is_done_as_announced_is_loud(kind: FactKind) -> None:
    assert is_loud(replace(MOVED, kind=kind)) is (kind not in QUIET)


@pytest.mark.parametrize("contested", [True, False])
def test_a_held_tag_is_loud_where_somebody_keeps_taking_it(contested: bool) -> None:
    assert is_loud(replace(MOVED, kind=FactKind.HELD, contested=contested)) is contested


@pytest.mark.parametrize(
    ("totals", "loud"), [({}, False), ({"braked": 0}, False), ({"braked": 3}, True)]
)
def test_images_that_go_are_loud_where_none_may(totals: dict[str, int], loud: bool) -> None:
    assert is_loud(replace(MOVED, kind=FactKind.EXPIRING, totals=totals)) is loud


@pytest.mark.parametrize("kind", [FactKind.DRIFT, FactKind.CORRECT])
@pytest.mark.parametrize(
    ("problem", "loud"),
    [("public", True), ("foreign", True), ("locks_out", True), ("expires_stable", True),
     ("archives_stable", True), ("expires_running", True), ("differs", False), (None, False)],
)  # fmt: skip
def test_a_setting_is_loud_where_its_problem_is_grave(
    kind: FactKind, problem: str | None, loud: bool
) -> None:
    difference = None if problem is None else Difference("policy", problem, "", "report")
    assert is_loud(replace(MOVED, kind=kind, difference=difference)) is loud
