"""A tag that somebody else keeps taking away is held."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.ecr import Unavailable
from ecr_steward.rules import Mode
from ecr_steward.words.causes import Attribution
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Hint
from ecr_steward.words.reading import iso
from ecr_steward_cli.in_memory.retagger import retagger
from tests.support.stage import Stage, held
from tests.support.world import REPOSITORY, VERSIONS, image, ruleset


def contested(stage: Stage, times: int, every: timedelta = timedelta(minutes=1)) -> str:
    """Somebody else puts `latest` on a stray image again and again; the image it belongs on."""
    belongs = stage.push("1.4.2", "new")
    stage.settle()
    for _ in range(times):
        stage.now += every
        stage.push("latest", "stray")
        stage.settle()
    return belongs


def test_a_tag_taken_away_three_times_in_ten_minutes_is_held_and_the_message_names_who() -> None:
    stage = Stage({})
    asked: list[Any] = []

    def witness(*question: Any) -> Attribution:
        asked.append(question)
        return Attribution(f" by {MALLORY}", named=True)

    stage.set_mode(Mode.ENFORCE, witness=witness)
    belongs = contested(stage, 2)
    assert stage.tags()["latest"] == belongs
    assert (stage.of(FactKind.HELD), asked) == ([], [])
    contested(stage, 1)
    assert stage.tags()["latest"] == image("stray")
    (told,) = stage.of(FactKind.HELD)
    assert (told.tag, told.before, told.digest) == ("latest", image("stray"), belongs)
    since = stage.history.recall(REPOSITORY, ["latest"], ()).holds["latest"].since
    assert told.reason == (
        f"`latest` is held (by ECR Steward since {iso(since)}, until it is released: it was taken "
        "away three times within ten minutes by arn:aws:iam::123456789012:user/mallory) and does "
        "not go to 1.4.2."
    )
    first = stage.now - timedelta(minutes=2, seconds=3)
    assert asked == [(REPOSITORY, "latest", belongs, first - timedelta(minutes=10))]
    stage.look_all_over()
    assert len(asked) == 1, "it is known"


MALLORY = "arn:aws:iam::123456789012:user/mallory"


class LateTrail:
    """CloudTrail, which knows nothing until it is told; `asked` counts the questions."""

    def __init__(self) -> None:
        self.knows = False
        self.asked = 0

    def __call__(self, *question: Any) -> Attribution:
        self.asked += 1
        words = f" by {MALLORY}" if self.knows else "; CloudTrail does not know by whom yet"
        return Attribution(words, named=self.knows)


def test_who_it_was_is_told_as_soon_as_cloudtrail_knows() -> None:
    stage, trail = Stage({}), LateTrail()
    stage.set_mode(Mode.ENFORCE, witness=trail)
    contested(stage, 3)
    stage.look_all_over()
    (told,) = stage.of(FactKind.HELD)
    assert "does not know by whom yet" in told.reason
    trail.knows = True
    before = trail.asked
    stage.look_all_over()
    stage.look_all_over()
    assert [f"by {MALLORY}" in fact.reason for fact in stage.of(FactKind.HELD)] == [False, True]
    assert all(fact.contested for fact in stage.of(FactKind.HELD))
    assert trail.asked == before + 1
    assert stage.tags()["latest"] == image("stray")


def test_after_two_days_cloudtrail_is_asked_no_more() -> None:
    stage, trail = Stage({}), LateTrail()
    stage.set_mode(Mode.ENFORCE, witness=trail)
    contested(stage, 3)
    stage.now += timedelta(days=2, minutes=1)
    before = trail.asked
    stage.look_all_over()
    assert trail.asked == before


def test_a_tag_that_is_released_while_cloudtrail_is_asked_is_not_held_again() -> None:
    stage = Stage({})
    belongs = contested(stage, 3)

    def releasing(*question: Any) -> Attribution:
        stage.history.holds.release(REPOSITORY, "latest")
        return Attribution(f" by {MALLORY}", named=True)

    stage.set_mode(Mode.ENFORCE, witness=releasing)
    stage.look_all_over()
    assert stage.history.holds.all(REPOSITORY) == []
    stage.look_all_over()
    assert stage.tags()["latest"] == belongs


def test_a_hold_of_a_person_asks_nobody() -> None:
    stage, trail = Stage({}), LateTrail()
    stage.set_mode(Mode.ENFORCE, witness=trail)
    held(stage)
    stage.look_all_over()
    assert trail.asked == 0
    assert [fact.contested for fact in stage.of(FactKind.HELD)] == [False]


def test_such_a_hold_lasts_until_somebody_releases_it_and_then_it_is_counted_anew() -> None:
    stage = Stage({})
    belongs = contested(stage, 3)
    stage.now += timedelta(days=30)
    stage.look_all_over()
    assert stage.tags()["latest"] == image("stray")
    assert len(stage.of(FactKind.HELD)) == 1
    stage.history.holds.release(REPOSITORY, "latest")
    stage.look_all_over()
    assert stage.tags()["latest"] == belongs
    contested(stage, 2)
    assert stage.tags()["latest"] == belongs
    contested(stage, 1)
    assert stage.tags()["latest"] == image("stray")
    assert len(stage.of(FactKind.HELD)) == 2


def test_such_a_hold_holds_one_tag_and_not_the_others_of_its_repository() -> None:
    stage = Stage({})
    contested(stage, 3)
    newer = stage.push("1.4.3", "newer")
    stage.settle()
    assert {stage.tags()[tag] for tag in ("1.4", "1")} == {newer}
    assert stage.tags()["latest"] == image("stray")
    assert [fact.digest for fact in stage.of(FactKind.HELD)][-1] == newer


@pytest.mark.parametrize(("minutes", "stays"), [(4, True), (5, False)])
def test_three_times_count_only_within_ten_minutes(minutes: int, stays: bool) -> None:
    stage = Stage({})
    belongs = contested(stage, 6, timedelta(minutes=minutes))
    assert (stage.tags()["latest"] == belongs) is not stays


def test_what_the_sweep_finds_counts_like_what_events_tell() -> None:
    stage = Stage({})
    stage.push("1.4.2", "new")
    stage.settle()
    for _ in range(3):
        assert stage.tags()["latest"] == image("new")
        stage.push("latest", "stray")
        stage.events.clear()
        stage.look_all_over()
    assert stage.tags()["latest"] == image("stray")


def test_a_tag_that_has_yet_to_arrive_is_not_taken_away_however_often_it_is_looked_at() -> None:
    stage = Stage({})
    stage.push("1.4.1", "old")
    stage.settle()
    stage.push("1.4.2", "new")

    def throttle(operation: str, asked: Any) -> None:
        if operation == "PutImage":
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, operation)

    stage.ecr.before = throttle
    for _ in range(6):
        with pytest.raises(Unavailable):
            stage.deliver(stage.events[0])
    stage.ecr.before = None
    stage.settle()
    assert stage.tags()["latest"] == image("new")
    assert stage.history.holds.all() == []


def test_one_hand_move_is_counted_once_however_often_putting_it_back_is_tried() -> None:
    stage = Stage({})
    stage.push("1.4.2", "new")
    stage.settle()
    stage.push("latest", "stray")
    event = stage.events.pop(0)

    def throttle(operation: str, asked: Any) -> None:
        if operation == "PutImage" and asked["imageTag"] == "latest":
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, operation)

    stage.ecr.before = throttle
    for _ in range(6):
        with pytest.raises(Unavailable):
            stage.deliver(event)
    stage.ecr.before = None
    stage.deliver(event)
    stage.settle()
    assert stage.tags()["latest"] == image("new")
    assert stage.history.holds.all() == []


def test_in_audit_nothing_moves_so_nothing_is_held() -> None:
    stage = Stage({}, Mode.AUDIT)
    contested(stage, 5)
    for tag in ("1.4", "1", "latest"):
        stage.push(tag, "new")
    stage.settle()
    for _ in range(5):
        stage.push("latest", "stray")
        stage.settle()
        stage.push("latest", "new")
        stage.settle()
    assert stage.history.holds.all() == []
    assert stage.of(FactKind.HELD) == []


def test_a_tag_that_somebody_deletes_again_and_again_always_comes_back() -> None:
    stage = Stage({})
    new = stage.push("1.4.2", "new")
    stage.settle()
    for _ in range(5):
        stage.delete(tag="latest")
        stage.settle()
        assert stage.tags()["latest"] == new


def test_two_stewards_of_other_minds_end_their_quarrel() -> None:
    stage = Stage({})
    other = ruleset(
        {**VERSIONS, "tags": {"unique": ["semver"], "stable": [
            {"tag": "latest", "follows": "highest", "within": "1"}]}}
    )  # fmt: skip
    rival = retagger(stage.ecr, lambda: stage.now, other)
    stage.push("1.4.2", "one")
    stage.push("2.0.0", "two")
    moves = 0
    while stage.events and moves < 100:
        moves += 1
        event = stage.events.pop(0)
        stage.deliver(event)
        hint = Hint.from_ecr(event)
        assert hint is not None
        rival.visit(REPOSITORY, [hint])
    assert stage.events == []
    assert [hold.tag for _, hold in stage.history.holds.all()] == ["latest"]
