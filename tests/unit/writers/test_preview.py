"""Previews of lifecycle policies: begun once, waited for briefly, believed for a while."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from ecr_steward.ecr.settings import EcrSettings, Preview
from ecr_steward.history.settings import Judged, Known
from ecr_steward.settings.lifecycle import Expiring
from ecr_steward.writers.preview import POLLS, Previewer, words

NOW = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
SECOND, KEPT, JUDGED = timedelta(seconds=1), timedelta(hours=1), timedelta(hours=20)


def document(count: int = 10, priority: int = 1) -> dict[str, Any]:
    selection = {
        "tagStatus": "any",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": count,
    }
    return {
        "rules": [{"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}]
    }


class Previews:
    """ECR's previews of one repository: the last one that was begun, done after some looks."""

    def __init__(self, there: Preview | None = None, *, looks: int = 0) -> None:
        self.there, self.left = there, looks
        self.started: list[Mapping[str, Any]] = []
        self.asked: list[Collection[str]] = []

    def preview(self, repository: str, running: Collection[str] = ()) -> Preview | None:
        self.asked.append(running)
        if self.there is None or self.there.done:
            return self.there
        self.left -= 1
        return Preview(self.there.document, done=self.left < 0)

    def start_preview(self, repository: str, document: Mapping[str, Any]) -> None:
        self.started.append(document)
        self.there = Preview(document, done=False)


def previewer(previews: Previews, now: datetime = NOW) -> tuple[Previewer, list[float]]:
    slept: list[float] = []
    return Previewer(cast(EcrSettings, previews), lambda: now, slept.append), slept


RUNNING, DONE = Preview(document(), done=False), Preview(document(), done=True)
BEGUN: list[tuple[Preview | None, timedelta | None, bool]] = [
    # What ECR has, how long ago an earlier visit began one, and whether one is begun now.
    (None, None, True),
    (DONE, None, True),
    (DONE, timedelta(0), False),
    (DONE, KEPT - SECOND, False),
    (DONE, KEPT, True),
    (RUNNING, None, False),
    (RUNNING, KEPT, False),
    (Preview(document(11), done=True), timedelta(0), True),
    (Preview(document(11), done=False), timedelta(0), True),
    (Preview(document(priority=2), done=True), timedelta(0), True),
]


@pytest.mark.parametrize(("there", "ago", "begun"), BEGUN)
def test_a_preview_is_begun_where_none_of_the_policy_is_there_that_counts(
    there: Preview | None, ago: timedelta | None, begun: bool
) -> None:
    previews = Previews(there, looks=int(there == RUNNING))
    runner, slept = previewer(previews)
    found = runner.preview("base/redis", document(), None if ago is None else NOW - ago, ["x"])
    assert previews.started == [document()] * begun
    assert found.done
    assert slept == []
    assert {*map(tuple, previews.asked)} == {("x",)}


@pytest.mark.parametrize(("looks", "done", "slept"), [(0, True, 0), (1, True, 1), (2, True, 2),
                                                      (3, False, 3), (9, False, 3)])  # fmt: skip
def test_a_preview_is_looked_at_three_times_a_second_apart(
    looks: int, done: bool, slept: int
) -> None:
    previews = Previews(looks=looks)
    runner, pauses = previewer(previews)
    found = runner.preview("base/redis", document(), None)
    assert (found.done, pauses) == (done, [1.0] * slept)
    assert len(previews.asked) == 1 + min(looks + 1, POLLS)


def test_a_preview_of_another_policy_that_is_begun_meanwhile_is_not_believed() -> None:
    others = Preview(document(11), done=True)

    class Shared(Previews):
        def start_preview(self, repository: str, document: Mapping[str, Any]) -> None:
            self.there = others

    runner, slept = previewer(Shared())
    assert runner.preview("base/redis", document(), None) == Preview(document(), done=False)
    assert len(slept) == POLLS


def test_a_preview_that_ecr_does_not_show_yet_is_waited_for() -> None:
    class Slow(Previews):
        def start_preview(self, repository: str, document: Mapping[str, Any]) -> None:
            self.started.append(document)

    runner, slept = previewer(Slow())
    assert not runner.preview("base/redis", document(), None).done
    assert len(slept) == POLLS


RUNS = ("sha256:1",)
GOES = Expiring("sha256:1", ("main",), 1)
OTHER = Expiring("sha256:2", ("x",), 1)


def judged(
    there: Preview | None, known: Known, running: Collection[str] = RUNS, now: datetime = NOW
) -> tuple[Known, int]:
    previews = Previews(there, looks=99)
    runner, _ = previewer(previews, now)
    return runner.judge("base/redis", document(17), running, known), len(previews.asked)


def test_a_policy_in_place_is_asked_about_a_week_ahead_and_once_for_what_runs() -> None:
    week_ahead = Preview(document(10), done=True, tagged=(GOES, OTHER))
    first, asked = judged(week_ahead, Known(previewed=NOW))
    assert first.judged is not None
    assert (first.judged.takes, first.judged.at, first.previewed) == ((GOES,), NOW, None)
    assert asked == 1
    assert judged(week_ahead, first, now=NOW + JUDGED - SECOND) == (first, 0)
    for later, running in ((JUDGED, RUNS), (SECOND, ("sha256:3",)), (SECOND, (*RUNS, "sha256:3"))):
        _, asked = judged(week_ahead, first, running, NOW + later)
        assert asked > 0


def test_where_nothing_runs_nothing_is_asked_and_nothing_is_known() -> None:
    before = Known(judged=Judged("state", NOW, (GOES,)), previewed=NOW)
    assert judged(None, before, ()) == (Known(), 0)


@pytest.mark.parametrize("since", [None, NOW - timedelta(hours=30)])
def test_a_preview_that_takes_long_is_waited_for_from_when_it_began(since: datetime | None) -> None:
    found, _ = judged(Preview(document(10), done=False), Known(previewed=since))
    assert found == Known(previewed=since or NOW)


def test_a_preview_that_was_waited_for_counts_for_two_days() -> None:
    week_ahead = Preview(document(10), done=True, tagged=(GOES,))
    for ago, asked in ((timedelta(days=2) - SECOND, 1), (timedelta(days=2), 4)):
        assert judged(week_ahead, Known(previewed=NOW - ago))[1] == asked


def tags(count: int) -> tuple[Expiring, ...]:
    return tuple(Expiring(f"sha256:{i}", (f"t{i:02}",), 1) for i in range(count))


TEN = "t00, t01, t02, t03, t04, t05, t06, t07, t08, t09"
WORDS: list[tuple[int, tuple[Expiring, ...], int, str]] = [
    (0, (), 0, "no image would expire now."),
    (0, (), 7, "no image would expire within 7 days."),
    (1, (), 0, "1 image would expire now, none with a tag."),
    (1_200, (), 7, "1,200 images would expire within 7 days, none with a tag."),
    (1, tags(1), 0, "1 image would expire now, among them t00."),
    (12, tags(10), 0, f"12 images would expire now, among them {TEN}."),
    (12, tags(11), 7, f"12 images would expire within 7 days, among them {TEN} and 1 more."),
]


@pytest.mark.parametrize(("images", "tagged", "days", "said"), WORDS)
def test_what_a_preview_showed_is_a_sentence(
    images: int, tagged: tuple[Expiring, ...], days: int, said: str
) -> None:
    found = Preview(document(), done=True, images=images, tagged=tagged)
    assert words(found, days) == f"ECR's preview says that {said}"
