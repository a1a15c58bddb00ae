"""Unique tags that were put on another image: reported, or put back."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.words.facts import FactKind
from tests.support.stage import RESTORE, Stage, overwritten
from tests.support.world import REPOSITORY, image


def test_an_overwritten_tag_goes_back_and_the_newcomer_keeps_a_name() -> None:
    stage = Stage(RESTORE)
    first, second = overwritten(stage)
    stage.settle()
    tags = stage.tags()
    assert {tags[tag] for tag in ("1.4.2", "1.4", "1", "latest")} == {first}
    assert stage.pins_of(second) == [f"1.4.2-20261123T022402Z-{second[7:19]}"]
    (told,) = stage.of(FactKind.OVERWRITE)
    assert (told.before, told.digest) == (first, second)
    assert told.reason.endswith("was put on another image than it named before; it is put back.")
    (back,) = stage.of(FactKind.RESTORE)
    assert (back.before, back.digest) == (second, first)
    assert "PutImage" not in stage.look_all_over()
    assert {fact.of for fact in stage.told()[-3:]} == {3}


def test_an_overwritten_tag_costs_two_reads_and_its_echo_one() -> None:
    stage = Stage(RESTORE)
    overwritten(stage)
    event = stage.events.pop()
    calls = stage.calls(lambda: stage.deliver(event))
    assert calls == {"BatchGetImage": 1, "DescribeImages": 1, "PutImage": 2}
    assert stage.calls(stage.settle) == {"BatchGetImage": 1}


def test_a_restore_onto_an_older_image_leaves_the_line_to_a_twin_that_was_not_looked_at() -> None:
    stage = Stage({**RESTORE, "stable": [{"tag": "1.4", "follows": "highest"}]})
    stage.push("1.4.2", "first")
    stage.push("buildcache-1", "first")
    stage.settle()
    stage.push("v1.4.2", "twin")
    stage.push("1.4.2", "second")
    stage.events.reverse()
    restoring = stage.events.pop(0)
    stage.delete(tag="1.4")
    stage.settle()
    assert stage.tags()["1.4"] == image("second"), "the overwrite is not known yet"
    stage.deliver(restoring)
    assert stage.tags()["1.4.2"] == image("first")
    assert stage.tags()["1.4"] == image("twin")


@pytest.mark.parametrize("in_time", [True, False])
def test_two_overwrites_in_a_row_end_with_the_first_owner_and_two_named_newcomers(
    in_time: bool,
) -> None:
    stage = Stage(RESTORE)
    first, second = overwritten(stage)
    if in_time:
        stage.settle()
    third = stage.push("1.4.2", "third")
    stage.settle()
    assert stage.tags()["1.4.2"] == stage.tags()["latest"] == first
    assert len(stage.pins_of(second)) == len(stage.pins_of(third)) == 1
    assert "PutImage" not in stage.look_all_over()


def test_the_same_image_that_overwrites_again_is_put_back_and_told_again() -> None:
    stage = Stage(RESTORE)
    first, _ = overwritten(stage)
    stage.settle()
    stage.push("1.4.2", "second")
    stage.settle()
    assert stage.tags()["1.4.2"] == first
    assert len(stage.of(FactKind.RESTORE)) == len(stage.of(FactKind.OVERWRITE)) == 2


def test_a_tag_whose_image_is_gone_stays_on_the_newcomer_and_that_is_said_once() -> None:
    stage = Stage(RESTORE)
    first = stage.push("1.4.2", "first")
    stage.settle()
    stage.delete(digest=first)
    stage.events.clear()
    second = stage.push("1.4.2", "second")
    stage.settle()
    stage.look_all_over()
    assert {stage.tags()[tag] for tag in ("1.4.2", "1.4", "latest")} == {second}
    (told,) = stage.of(FactKind.OVERWRITE)
    assert told.reason.endswith("; that image is gone, so it cannot be put back.")
    assert stage.of(FactKind.RESTORE) == []


def freeze_unique_tags(stage: Stage) -> None:
    stage.ecr.put_image_tag_mutability(
        repositoryName=REPOSITORY,
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[
            {"filterType": "WILDCARD", "filter": each} for each in ("1", "1.4", "latest", "*Z-*")
        ],
    )


def test_a_restore_that_immutability_refuses_is_said_and_the_tags_follow_what_ecr_has() -> None:
    stage = Stage(RESTORE)
    _, second = overwritten(stage)
    freeze_unique_tags(stage)
    stage.settle()
    assert {stage.tags()[tag] for tag in ("1.4.2", "1.4", "1", "latest")} == {second}
    (told,) = stage.of(FactKind.OVERWRITE)
    assert told.reason.endswith("; ECR does not let it be put back.")
    (failed,) = stage.of(FactKind.FAILED)
    assert "`1.4.2` could not be put on its image: ImageTagAlreadyExistsException" in failed.reason
    facts, tags = list(stage.told()), stage.tags()
    stage.push("1.4.1", "older")
    stage.settle()
    for _ in range(2):
        stage.look_all_over()
        assert stage.tags() == {**tags, "1.4.1": image("older")}
    assert stage.told() == facts


def test_a_restore_waits_until_immutability_lets_it() -> None:
    stage = Stage(RESTORE)
    first, second = overwritten(stage)
    freeze_unique_tags(stage)
    stage.settle()
    stage.ecr.put_image_tag_mutability(repositoryName=REPOSITORY, imageTagMutability="MUTABLE")
    stage.look_all_over()
    assert {stage.tags()[tag] for tag in ("1.4.2", "1.4", "1", "latest")} == {first}
    assert stage.pins_of(second)


def test_a_restore_onto_an_archived_image_is_said_and_its_owner_is_not_forgotten() -> None:
    stage = Stage(RESTORE)
    first, second = overwritten(stage)
    stage.ecr.archive(REPOSITORY, first)
    stage.settle()
    assert stage.tags()["1.4.2"] == second
    (told,) = stage.of(FactKind.OVERWRITE)
    assert told.reason.endswith("; ECR does not let it be put back.")
    assert stage.history.recall(REPOSITORY, (), ["1.4.2"]).known == {"1.4.2": first}
    for _ in range(2):
        stage.look_all_over()
        # An archived image can get no pin, so it keeps the tags it has.
        assert {stage.tags()[tag] for tag in ("1.4", "1", "latest")} == {first}
        assert stage.tags()["1.4.2"] == second
    assert len(stage.of(FactKind.OVERWRITE)) == 1


def test_where_overwrites_are_reported_an_archived_image_gives_its_tag_up_like_any_other() -> None:
    stage = Stage({})
    first, second = overwritten(stage)
    stage.ecr.archive(REPOSITORY, first)
    stage.settle()
    (told,) = stage.of(FactKind.OVERWRITE)
    assert told.reason.endswith("was put on another image than it named before.")
    assert stage.history.recall(REPOSITORY, (), ["1.4.2"]).known == {"1.4.2": second}


def test_an_image_that_gets_its_unique_tag_back_needs_no_pin_when_its_stable_tags_go() -> None:
    stage = Stage(RESTORE)
    first, _ = overwritten(stage)
    stage.push("1.4.3")
    stage.deliver(*stage.events)
    assert [tag for tag, held in stage.tags().items() if held == first] == ["1.4.2"]


def test_a_newcomer_that_cannot_be_pinned_keeps_the_tag() -> None:
    stage = Stage(RESTORE)
    _, second = overwritten(stage)

    def refuse(operation: str, asked: Any) -> None:
        if operation == "PutImage":
            stage.ecr.before = None
            raise ClientError(
                {"Error": {"Code": "LimitExceededException", "Message": "no"}}, operation
            )

    stage.ecr.before = refuse
    stage.deliver(stage.events.pop(0))
    assert stage.tags()["1.4.2"] == second
    assert stage.tags()["latest"] == second
    assert [fact.kind for fact in stage.of(FactKind.FAILED)] == [FactKind.FAILED]


def test_many_overwrites_are_undone_in_visits_that_fit_one_transaction() -> None:
    stage = Stage(RESTORE)
    for patch in range(120):
        stage.push(f"1.4.{patch}", f"old {patch}")
    stage.settle()
    for patch in range(120):
        stage.push(f"1.4.{patch}", f"new {patch}")
    stage.events.clear()
    stage.look_all_over()
    tags = stage.tags()
    assert all(tags[f"1.4.{patch}"] == image(f"old {patch}") for patch in range(120))
    assert tags["latest"] == image("old 119")
    assert len(stage.of(FactKind.OVERWRITE)) == len(stage.of(FactKind.RESTORE)) == 120


def test_overwritten_tags_that_the_rule_allows_are_not_told() -> None:
    stage = Stage({"overwritten": "allow"})
    _, second = overwritten(stage)
    stage.settle()
    stage.look_all_over()
    assert stage.of(FactKind.OVERWRITE) == []
    assert {stage.tags()[tag] for tag in ("1.4.2", "1.4", "1", "latest")} == {second}
