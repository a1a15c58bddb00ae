"""Tags off the scheme: reported, or removed where another tag stays."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.rules import Mode
from ecr_steward.words.facts import FactKind
from tests.support.stage import PIN, REMOVE, RESTORE, Stage, overwritten
from tests.support.world import image


def test_an_unknown_tag_is_removed_where_another_tag_stays() -> None:
    stage = Stage(REMOVE)
    digest = stage.push("1.4.2", "new")
    stage.settle()
    stage.push("nightly", "new")
    calls = stage.calls(stage.settle)
    assert stage.tags() == dict.fromkeys(["1.4.2", "1.4", "1", "latest"], digest)
    assert calls["BatchDeleteImage"] == 1
    (told,) = stage.of(FactKind.REMOVE)
    assert (told.tag, told.before, told.digest) == ("nightly", digest, None)
    assert stage.of(FactKind.REJECT) == []
    assert "BatchDeleteImage" not in stage.look_all_over()


def test_the_last_tag_of_an_image_stays_and_is_reported_once() -> None:
    stage = Stage(REMOVE)
    digest = stage.push("nightly", "new")
    stage.push("odd", "new")
    stage.settle()
    stage.look_all_over()
    assert stage.tags() == {"odd": digest}
    (told,) = stage.of(FactKind.REJECT)
    assert told.reason.endswith("; it stays, for it is the image's last tag.")


def test_an_unknown_tag_stays_when_the_others_are_about_to_leave() -> None:
    stage = Stage(REMOVE)
    stage.push("1.4.2", "new")
    stage.settle()
    stage.push("latest", "stray")
    stage.push("nightly", "stray")
    stage.events.clear()
    stage.look_all_over()
    assert stage.tags()["nightly"] == image("stray")
    assert stage.tags()["latest"] == image("new")
    assert stage.of(FactKind.REMOVE) == []


def test_an_unknown_tag_goes_at_once_from_a_newcomer_that_gets_its_pin() -> None:
    stage = Stage({**REMOVE, **RESTORE})
    _, second = overwritten(stage)
    stage.push("nightly", "second")
    stage.events.clear()
    stage.look_all_over()
    assert stage.tags()["1.4.2"] == image("first")
    assert [tag for tag, held in stage.tags().items() if held == second] == stage.pins_of(second)
    assert not stage.look_all_over().keys() & {"PutImage", "BatchDeleteImage"}


@pytest.mark.parametrize(
    "stage",
    [Stage(REMOVE, allow_removal=False), Stage(REMOVE, Mode.AUDIT), Stage({})],
    ids=["the stack does not allow it", "audit", "the rule reports"],
)
def test_an_unknown_tag_that_may_not_go_is_only_reported(stage: Stage) -> None:
    stage.push("1.4.2", "new")
    stage.settle()
    stage.push("nightly", "new")
    calls = stage.calls(stage.settle)
    assert "BatchDeleteImage" not in calls
    assert "nightly" in stage.tags()
    assert [fact.tag for fact in [*stage.of(FactKind.REJECT), *stage.of(FactKind.REMOVE)]] == [
        "nightly"
    ]


@pytest.mark.parametrize("pushes", [("main", "nightly"), ("nightly", "main")])
@pytest.mark.parametrize("lost", [True, False])
def test_an_image_that_a_removal_leaves_with_a_stable_tag_alone_is_pinned_under_it(
    pushes: tuple[str, str], lost: bool
) -> None:
    stage = Stage({**REMOVE, **PIN})
    for tag in pushes:
        digest = stage.push(tag, "new")
    if lost:
        stage.events.clear()
        stage.look_all_over()
    stage.settle()
    (pin,) = stage.pins_of(digest)
    assert pin.startswith("main-")
    assert set(stage.tags()) == {"main", pin}
    assert not stage.look_all_over().keys() & {"PutImage", "BatchDeleteImage"}


def test_an_unknown_tag_that_one_event_told_of_twice_is_removed_once() -> None:
    stage = Stage(REMOVE)
    stage.push("1.4.2", "new")
    stage.settle()
    stage.push("nightly", "new")
    (event,) = stage.events
    stage.deliver(event, event)
    assert "nightly" not in stage.tags()
    assert [fact.tag for fact in stage.of(FactKind.REMOVE)] == ["nightly"]


def test_an_unknown_tag_that_went_away_and_came_back_in_one_batch_is_removed_once() -> None:
    stage = Stage(REMOVE)
    for version, name in [("1.4.2", "a"), ("1.4.3", "b")]:
        stage.push(version, name)
        stage.settle()
    for name in ("a", "b", "a"):
        stage.push("nightly", name)
    stage.deliver(*stage.events)
    assert [(fact.tag, fact.before) for fact in stage.of(FactKind.REMOVE)] == [
        ("nightly", image("a"))
    ]


def test_a_tag_that_somebody_takes_off_first_leaves_the_image_its_last_one() -> None:
    stage = Stage(REMOVE)
    stage.push("1.4.2", "new")
    stage.settle()
    digest = stage.push("nightly", "new")
    looks: list[str] = []

    def take_off(operation: str, asked: Any) -> None:
        looks.append(operation)
        if looks.count("DescribeImages") == 2:
            stage.ecr.before = None
            for tag in ("1.4.2", "1.4", "1", "latest"):
                stage.delete(tag=tag)

    stage.ecr.before = take_off
    stage.deliver(stage.events.pop(0))
    assert stage.tags() == {"nightly": digest}
    (failed,) = stage.of(FactKind.FAILED)
    assert "`nightly` could not be taken off its image: LastTag" in failed.reason
