"""How hints are visited: apart from each other, once more where there is no room, and what of it
moved an image."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ecr_steward.history.tags import Memory
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.tags.plan import Plan, Stay, TagChange
from ecr_steward.tags.state import Concern, Image, Mark, Observed
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers import tags as writer
from ecr_steward.writers.apply import Applied
from ecr_steward.writers.settings import _set_at
from ecr_steward.writers.survey import Survey
from ecr_steward.writers.tags import (
    Visit,
    _accepted,
    _apart,
    _learned,
    _log_plan,
    _Task,
    _todo,
    _together,
    _visit,
    next_visit,
)

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


# ---------------------------------------------------------------------------- one visit
FAILURE = change(FactKind.FAILED)
OVERWRITE = TagChange(FactKind.OVERWRITE, "1.4.2", "sha256:1", "sha256:2", "Overwritten.", hint())
RESTORE = TagChange(FactKind.RESTORE, "1.4.2", "sha256:2", "sha256:1", "Put back.", hint())
REJECT = TagChange(FactKind.REJECT, "1.4.2", None, "sha256:2", "Unknown.", hint())


def moves(count: int) -> tuple[TagChange, ...]:
    return tuple(change(FactKind.MOVE, f"sha256:{i}") for i in range(count))


@pytest.mark.parametrize(
    ("mode", "changes", "writes", "undone", "found"),
    [
        (Mode.AUDIT, (*moves(2), REJECT), 0, (), 4),
        (Mode.ENFORCE, (*moves(2), REJECT), 2, (), 2),
        (Mode.ENFORCE, moves(6), 6, (), 1),
        (Mode.ENFORCE, moves(7), 6, (), 1),
        (Mode.ENFORCE, (OVERWRITE, RESTORE, REJECT, *moves(4)), 3, (OVERWRITE,), 2),
        (Mode.ENFORCE, (OVERWRITE, *moves(2)), 2, (), 2),
    ],
)
def test_a_visit_writes_so_much_and_half_of_it_where_a_unique_tag_goes_back(
    monkeypatch: pytest.MonkeyPatch,
    mode: Mode,
    changes: tuple[TagChange, ...],
    writes: int,
    undone: tuple[TagChange, ...],
    found: int,
) -> None:
    monkeypatch.setattr(writer, "WRITES_PER_VISIT", 6)
    todo = _todo(mode, Plan(changes), [FAILURE])
    assert (len(todo.writes), todo.undone, len(todo.found)) == (writes, undone, found)
    assert FAILURE in todo.found


PIN = change(FactKind.PIN, "sha256:1")


@pytest.mark.parametrize(
    ("kept", "applied", "accepted"),
    [
        ({}, Applied(), True),
        ({"1.4.2": "sha256:1"}, Applied(), False),
        ({"1.4.2": "sha256:1"}, Applied(done=[PIN]), True),
        ({"1.4.2": "sha256:1"}, Applied(failed=[PIN]), True),
        ({"1.4.2": "sha256:3"}, Applied(done=[PIN]), False),
        ({"1.4.3": "sha256:3"}, Applied(), True),
    ],
)
def test_a_unique_tag_is_accepted_elsewhere_once_its_image_has_its_pin_or_cannot_get_it(
    kept: dict[str, str], applied: Applied, accepted: bool
) -> None:
    plan = Plan(known={"1.4.2": "sha256:2"}, kept=kept)
    assert bool(_accepted(plan, applied)) is accepted


LOOK = Survey(Concern(), Observed({}, {}, {}), Memory())
(RULE,) = Ruleset.from_document(
    {"version": 1, "rules": [{"repositories": ["base/*"], "tags": {"unique": ["semver"]}}]}
).rules
TAGGED = Image("sha256:1", ("1.4.2", "steward-expire-20261128-0123456789ab"), NOW)


def task(*hints: Hint) -> _Task:
    assert RULE.tags is not None
    return _Task("base/redis", RULE, RULE.tags, Mode.ENFORCE, hints)


MANY = {"1.4.2": "sha256:1", "1.4.3": "sha256:2", "1.4.4": "sha256:3"}
UNFINISHED: list[tuple[Plan, Applied, int, bool]] = [
    (Plan(), Applied(), 0, False),
    (Plan(), Applied(), 2, False),
    (Plan(), Applied(), 3, True),
    (Plan(known=dict([*MANY.items()][:2])), Applied(), 0, False),
    (Plan(known=MANY), Applied(), 0, True),
    (Plan(known={"1.4.2": "sha256:1"}, kept={"1.4.2": "sha256:9"}), Applied(), 0, True),
    (Plan(freed=dict([*MANY.items()][:2])), Applied(), 0, False),
    (Plan(freed=MANY), Applied(), 0, True),
    (Plan(moves(2)), Applied(done=[*moves(2)]), 0, False),
    (Plan(moves(3)), Applied(done=[*moves(2)]), 0, True),
    (Plan(moves(3)), Applied(failed=[*moves(2)]), 0, False),
]


@pytest.mark.parametrize(("plan", "applied", "new", "goes_on"), UNFINISHED)
def test_a_visit_goes_on_where_there_was_more_than_fits(
    monkeypatch: pytest.MonkeyPatch, plan: Plan, applied: Applied, new: int, goes_on: bool
) -> None:
    for name in ("WRITES_PER_VISIT", "FINDINGS_PER_VISIT", "KNOWN_PER_VISIT"):
        monkeypatch.setattr(writer, name, 2)
    todo = _todo(Mode.ENFORCE, plan, [FAILURE])
    found = _visit(task(hint()), LOOK, plan, todo, applied, (), new)
    assert found.rest == ((hint(),) if goes_on else ())
    assert (FAILURE in found.changes) is not goes_on
    assert found.unfinished is goes_on


@pytest.mark.parametrize(("asked", "expiring"), [(hint(), None), (SWEEP, (TAGGED,))])
def test_only_a_sweep_saw_all_images_with_an_expiry_tag(asked: Hint, expiring: Any) -> None:
    images = {"sha256:1": TAGGED, "sha256:2": Image("sha256:2", ("1.4.3",), NOW)}
    seen = Survey(Concern(), Observed(images, {}, {}), Memory(lets_go=True))
    found = _visit(task(asked), seen, Plan(), _todo(Mode.ENFORCE, Plan(), ()), Applied(), (), 0)
    assert (found.expiring, found.images, found.lets_go) == (expiring, 2, True)


def test_what_was_refused_ends_the_look_with_what_was_made() -> None:
    plan = Plan(moves(3))
    applied = Applied(done=[*moves(1)], failed=[FAILURE], refused=frozenset({"1.4.2"}))
    found = _visit(task(SWEEP), LOOK, plan, _todo(Mode.ENFORCE, plan, ()), applied, (), 0)
    assert found == Visit(changes=(*moves(1), FAILURE))


def test_the_looks_of_one_visit_are_told_as_one() -> None:
    alone = Visit(images=7)
    assert _together([alone]) is alone
    stay = Stay("latest", "sha256:1", "It is the highest.")
    first = Visit(changes=moves(1), rest=(hint(),), images=1, stays=(stay,), lets_go=None)
    second = Visit(changes=(REJECT,), images=5, lets_go=True, expiring=(TAGGED,))
    third = Visit(images=9, lets_go=False, first_sight=True)
    assert _together([first, second, third]) == Visit(
        changes=(*moves(1), REJECT),
        rest=(hint(),),
        images=9,
        stays=(stay,),
        lets_go=True,
        first_sight=True,
    )


@pytest.mark.parametrize(("asked", "told"), [(hint(), ["It stays."]), (SWEEP, [])])
def test_why_a_tag_stays_is_logged_for_a_push_and_not_for_every_sweep(
    caplog: pytest.LogCaptureFixture, asked: Hint, told: list[str]
) -> None:
    caplog.set_level("INFO")
    plan = Plan((REJECT,), stays=(Stay("latest", "sha256:1", "It stays."),))
    _log_plan(task(asked), plan)
    assert [each.message for each in caplog.records] == ["Unknown.", *told]


@pytest.mark.parametrize(
    ("before", "placed", "moved", "learned"),
    [
        (None, False, False, [False]),
        (None, True, False, [True]),
        (None, False, True, [True]),
        (True, True, False, []),
        (False, True, False, [True]),
        (False, False, False, []),
        (False, False, True, [True]),
    ],
)
def test_a_mark_is_learned_where_it_is_new_or_its_tag_was_put_there(
    before: bool | None, placed: bool, moved: bool, learned: list[bool]
) -> None:
    mark = Mark("latest", "1.4.2", "sha256:1", placed=placed)
    marks = {} if before is None else {"latest": Mark("latest", "1.4.2", "sha256:1", placed=before)}
    look = Survey(Concern(), Observed({}, marks, {}), Memory(marks))
    done = [change(FactKind.MOVE)] if moved else []
    found = _learned(Plan(marks=(mark,)), Applied(done=done), look)
    assert [each.placed for each in found.marks] == learned
