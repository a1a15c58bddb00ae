"""How hints are visited: apart from each other, once more where there is no room, and what of it
moved an image."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ecr_steward.tags.plan import TagChange
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.settings import _set_at
from ecr_steward.writers.tags import Visit, _apart, next_visit

NOW = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)


def hint(
    cause: str = "one",
    action: Action = Action.PUSH,
    plan: str | None = None,
    call: str | None = None,
) -> Hint:
    made = Cause(cause, "ECR Image Action")
    return Hint("base/redis", action, None, None, made, NOW, call=call, plan=plan)


SWEEP, NARROWED = hint("sweep", Action.SWEEP), hint("plan", Action.SWEEP, "p1")


@pytest.mark.parametrize(
    ("hints", "action", "cause", "plan"),
    [
        ([hint("one")], Action.SWEEP, "one/base/redis#2", None),
        ([hint("one#2")], Action.SWEEP, "one/base/redis#3", None),
        ([hint("a/b#9")], Action.SWEEP, "a/b#10", None),
        ([hint("one"), SWEEP], Action.SWEEP, "sweep/base/redis#2", None),
        ([hint("one"), SWEEP], Action.EXPIRE, "one/base/redis#2", None),
        ([NARROWED], Action.SWEEP, "plan/base/redis#2", "p1"),
    ],
)
def test_a_visit_that_goes_on_has_a_cause_of_its_own_with_a_number(
    hints: list[Hint], action: Action, cause: str, plan: str | None
) -> None:
    found = next_visit(hints, action)
    assert (found.repository, found.action, found.cause.id) == ("base/redis", action, cause)
    assert (found.plan, found.time, found.tag, found.digest) == (plan, NOW, None, None)


OTHER_PLAN = hint("other", Action.SWEEP, "p2")


@pytest.mark.parametrize(
    ("hints", "apart"),
    [
        ([hint()], [["one"]]),
        ([hint(), hint("two", Action.DELETE)], [["one", "two"]]),
        ([SWEEP, hint()], [["one"], ["sweep"]]),
        ([NARROWED, SWEEP, hint()], [["one"], ["sweep"], ["plan"]]),
        ([OTHER_PLAN, NARROWED], [["plan"], ["other"]]),
    ],
)
def test_events_come_first_then_the_sweep_and_what_a_plan_narrows_last(
    hints: list[Hint], apart: list[list[str]]
) -> None:
    assert [[each.cause.id for each in some] for some in _apart(hints)] == apart


def change(kind: FactKind, after: str | None = "sha256:1", **more: Any) -> TagChange:
    return TagChange(kind, "latest", None, after, "It is the highest.", hint(), **more)


@pytest.mark.parametrize(
    ("changes", "targets"),
    [
        ([change(FactKind.MOVE)], ("sha256:1",)),
        ([change(FactKind.MOVE, found=True)], ()),
        ([change(FactKind.PIN)], ()),
        ([change(FactKind.MOVE, None)], ()),
        ([change(FactKind.MOVE), change(FactKind.MOVE, "sha256:2")], ("sha256:1", "sha256:2")),
    ],
)
def test_what_a_stable_tag_was_put_on_is_what_the_steward_moved_it_to(
    changes: list[TagChange], targets: tuple[str, ...]
) -> None:
    assert Visit(changes=tuple(changes)).targets == targets


@pytest.mark.parametrize(
    ("call", "setting"),
    [("SetRepositoryPolicy", "policy"), ("PutImage", None), (None, None)],
)
def test_a_call_set_the_setting_that_it_is_for(call: str | None, setting: str | None) -> None:
    found = _set_at([hint(call=call)])
    assert found == ({} if setting is None else {(setting, "one"): NOW})
