"""A look that is narrowed to a kept plan: never wider, and no change without what it hangs on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from ecr_steward.history.planned import KEPT, Planned
from ecr_steward.rules import Mode
from ecr_steward.tags.plan import TIMES, TagChange
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.tags import WRITES_PER_VISIT, next_visits
from tests.support.stage import KEEP, REMOVE, RESTORE, Stage
from tests.support.world import REPOSITORY, image

PLAN = "hand-20261128"


def would_make(stage: Stage) -> list[TagChange]:
    """What a sweep would make; a stack in audit says it and leaves the rest as it is."""
    stage.set_mode(Mode.AUDIT)
    found = stage.retagger.visit(REPOSITORY, [hint(stage, None)]).changes
    stage.set_mode(Mode.ENFORCE)
    return [each for each in found if each.writes]


def hint(stage: Stage, plan: str | None, action: Action = Action.SWEEP) -> Hint:
    stage.swept += 1
    cause = Cause(f"{plan or 'sweep'}-{stage.swept}/{REPOSITORY}", "Sweep")
    return Hint(REPOSITORY, action, None, None, cause, stage.now, plan=plan)


def keep(stage: Stage, changes: Iterable[TagChange], rules: str | None = None) -> None:
    planned = {REPOSITORY: Planned(tuple(each.key for each in changes))}
    fingerprint = stage.rules.fingerprint if rules is None else rules
    stage.history.planned.keep(PLAN, planned, fingerprint, stage.now)


def made(stage: Stage, *hints: Hint) -> list[tuple[str, str | None]]:
    """What a batch of these hints makes."""
    told = len(stage.told())
    stage.visit(list(hints or [hint(stage, PLAN)]))
    kinds = (FactKind.MOVE, FactKind.PIN, FactKind.RESTORE, FactKind.REMOVE)
    return [(each.kind.value, each.tag) for each in stage.told()[told:] if each.kind in kinds]


def behind(**tags: object) -> Stage:
    """`1.4` and `latest` are behind."""
    stage = Stage({**REMOVE, **tags})
    for tag in ("1.4.1", "1.4", "latest"):
        stage.push(tag, "old")
    stage.settle()
    stage.push("1.4.2", "new")
    stage.events.clear()
    return stage


def only(changes: list[TagChange], *tags: str) -> list[TagChange]:
    return [each for each in changes if each.tag in tags]


def test_only_what_the_plan_has_is_made_and_a_second_message_makes_nothing() -> None:
    stage = behind()
    keep(stage, only(would_make(stage), "1.4"))
    assert made(stage) == [("move", "1.4")]
    assert made(stage) == []
    assert made(stage, hint(stage, None)) == [("move", "1"), ("move", "latest")]


def test_a_change_that_is_decided_otherwise_now_is_left() -> None:
    stage = behind()
    keep(stage, would_make(stage))
    stage.push("1.4.3", "newest")
    stage.events.clear()
    assert made(stage) == []


def test_a_plan_of_other_rules_an_expired_one_and_one_that_is_not_there_allow_nothing() -> None:
    stage = behind()
    keep(stage, would_make(stage), rules="other")
    assert made(stage) == []
    keep(stage, would_make(stage))
    late = hint(stage, PLAN)
    stage.now += KEPT + timedelta(seconds=1)
    assert made(stage, late, hint(stage, "hand-other")) == []


def test_a_push_in_the_same_batch_is_not_narrowed() -> None:
    stage = behind()
    keep(stage, ())
    push = Hint(REPOSITORY, Action.PUSH, "1.4.2", image("new"), Cause("e", "Push"), stage.now)
    assert set(made(stage, push, hint(stage, PLAN))) >= {("move", "1.4"), ("move", "latest")}


def test_an_image_that_does_not_get_its_pin_keeps_its_tags() -> None:
    stage = behind()
    stage.delete(tag="1.4.1")
    stage.events.clear()
    planned = would_make(stage)
    assert {each.kind for each in planned} == {FactKind.MOVE, FactKind.PIN}
    keep(stage, [each for each in planned if each.kind is FactKind.MOVE])
    assert made(stage) == []
    assert stage.tags()["1.4"] == stage.tags()["latest"] == image("old")


def test_where_a_unique_tag_does_not_go_back_no_stable_tag_moves_and_nothing_is_told_of_it() -> (
    None
):
    stage = behind(**RESTORE)
    stage.push("1.4.1", "newcomer")
    stage.events.clear()
    planned = would_make(stage)
    assert FactKind.RESTORE in {each.kind for each in planned}
    keep(stage, [each for each in planned if each.kind is not FactKind.RESTORE])
    told = len(stage.told())
    assert {kind for kind, _ in made(stage)} <= {"pin"}
    assert FactKind.OVERWRITE not in {fact.kind for fact in stage.told()[told:]}
    assert stage.history.recall(REPOSITORY, (), ["1.4.1"]).known["1.4.1"] == image("old")


def test_an_image_that_is_to_keep_a_name_is_not_forgotten_before_it_has_one() -> None:
    stage = behind(**KEEP)
    stage.push("1.4.1", "newcomer")
    stage.events.clear()
    keep(stage, ())
    visit = stage.retagger.visit(REPOSITORY, [hint(stage, PLAN)])
    assert not visit.unfinished
    assert [kind for kind, _ in made(stage, hint(stage, None))].count("pin") == 1


def test_a_tag_that_somebody_took_counts_when_it_is_put_back() -> None:
    stage = behind()
    stage.look_all_over()
    keep(stage, ())
    for _ in range(TIMES + 1):
        stage.push("latest", "stray")
        stage.events.clear()
        assert made(stage) == []
    assert not stage.history.holds.all()
    assert ("move", "latest") in made(stage, hint(stage, None))


def test_what_does_not_fit_in_one_visit_goes_on_narrowed() -> None:
    stage = Stage({})
    for number in range(WRITES_PER_VISIT + 5):
        stage.push(f"{number}.0.0", "app")
    stage.events.clear()
    planned = would_make(stage)
    keep(stage, only(planned, *(f"{number}.0" for number in range(WRITES_PER_VISIT + 5))))
    visit = stage.retagger.visit(REPOSITORY, [hint(stage, None, Action.CALL), hint(stage, PLAN)])
    (rest,) = next_visits(visit.rest)
    assert (rest.plan, rest.action) == (PLAN, Action.SWEEP)
    assert len(made(stage, rest)) == 5
    assert "0" not in stage.tags()
