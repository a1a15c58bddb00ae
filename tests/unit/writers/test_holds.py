"""A held tag stays where it is."""

from __future__ import annotations

from datetime import timedelta

from ecr_steward.history.holds import Hold
from ecr_steward.words.facts import FactKind
from tests.support.stage import Stage, held
from tests.support.world import REPOSITORY


def test_a_held_tag_stays_and_what_it_missed_is_said_once() -> None:
    stage = Stage({})
    old, new = held(stage)
    stage.push("1.4.2", "new")
    stage.look_all_over()
    tags = stage.tags()
    assert (tags["latest"], tags["1.4"], tags["1"]) == (old, new, new)
    (told,) = stage.of(FactKind.HELD)
    assert (told.tag, told.before, told.digest) == ("latest", old, new)
    assert told.reason == (
        "`latest` is held (by ada since 2026-11-23T02:24:01Z, until it is released) and does not "
        "go to 1.4.2."
    )
    third = stage.push("1.4.3", "third")
    stage.settle()
    assert [fact.digest for fact in stage.of(FactKind.HELD)] == [new, third]
    assert stage.tags()["latest"] == old


def test_a_held_tag_that_somebody_moves_stays_where_they_put_it() -> None:
    stage = Stage({})
    held(stage)
    stray = stage.push("latest", "stray")
    stage.settle()
    assert stage.tags()["latest"] == stray


def test_a_released_tag_catches_up() -> None:
    stage = Stage({})
    _, new = held(stage)
    stage.history.holds.release(REPOSITORY, "latest")
    stage.look_all_over()
    assert stage.tags()["latest"] == new
    assert (
        stage.of(FactKind.MOVE)[-1].reason
        == "`latest` goes to 1.4.2, the highest of all releases: 1.4.1 is lower."
    )


def test_a_hold_ends_by_itself_when_its_time_has_come() -> None:
    stage = Stage({})
    old, new = held(stage, timedelta(hours=1))
    assert "until 2026-11-23T03:24:01Z" in stage.of(FactKind.HELD)[0].reason
    stage.now += timedelta(minutes=59)
    stage.look_all_over()
    assert stage.tags()["latest"] == old
    stage.now += timedelta(minutes=1)
    stage.look_all_over()
    assert stage.tags()["latest"] == new


def test_every_hold_tells_anew_what_the_tag_misses() -> None:
    stage = Stage({})
    old, new = held(stage)
    stage.look_all_over()
    stage.history.holds.release(REPOSITORY, "latest")
    stage.history.holds.put(REPOSITORY, Hold("latest", stage.now, None, "grace"))
    stage.look_all_over()
    assert stage.tags()["latest"] == old
    assert [fact.digest for fact in stage.of(FactKind.HELD)] == [new, new]
    assert "by grace" in stage.of(FactKind.HELD)[1].reason
