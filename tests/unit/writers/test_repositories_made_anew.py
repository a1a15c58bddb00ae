"""A repository that was deleted and made again has no owners of before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ecr_steward.words.facts import FactKind
from tests.support.stage import RESTORE, Stage, overwritten
from tests.support.world import REPOSITORY


def made_anew(stage: Stage) -> None:
    """Delete the repository with its images, as `1.4.2` is known in it, and make it again."""
    stage.push("1.4.2", "former")
    stage.settle()
    stage.look_all_over()
    stage.ecr.delete_repository(repositoryName=REPOSITORY, force=True)
    stage.now += timedelta(minutes=1)
    stage.ecr.create_repository(repositoryName=REPOSITORY)


@pytest.mark.parametrize("tags", [{}, RESTORE], ids=["report", "restore"])
@pytest.mark.parametrize("swept", [False, True])
def test_a_repository_that_was_made_anew_has_no_owners_of_before(
    tags: dict[str, Any], swept: bool
) -> None:
    stage = Stage(tags)
    made_anew(stage)
    digest = stage.push("1.4.2", "now")
    if swept:
        stage.events.clear()
        stage.look_all_over()
    calls = stage.calls(stage.settle)
    assert stage.of(FactKind.OVERWRITE) == []
    assert stage.history.recall(REPOSITORY, (), ["1.4.2"]).known == {"1.4.2": digest}
    assert calls.get("DescribeRepositories", 0) == int(not swept)


def test_an_image_that_is_in_the_new_repository_too_owns_there_what_it_was_pushed_under() -> None:
    stage = Stage(RESTORE)
    made_anew(stage)
    stage.push("1.4.1", "former")
    digest = stage.push("1.4.2", "now")
    stage.settle()
    assert stage.tags()["1.4.2"] == digest
    assert stage.of(FactKind.OVERWRITE) == []


def test_a_tag_whose_deletion_nobody_heard_is_overwritten_in_the_same_repository() -> None:
    stage = Stage({})
    first = stage.push("1.4.2", "first")
    stage.settle()
    stage.delete(digest=first)
    stage.events.clear()
    second = stage.push("1.4.2", "second")
    calls = stage.calls(stage.settle)
    assert [(each.before, each.digest) for each in stage.of(FactKind.OVERWRITE)] == [
        (first, second)
    ]
    assert calls["DescribeRepositories"] == 1


def test_whether_a_repository_was_made_anew_is_asked_only_where_an_owner_is_gone() -> None:
    stage = Stage(RESTORE)
    overwritten(stage)
    stage.push("1.4.3")
    assert "DescribeRepositories" not in stage.calls(stage.settle)
    assert stage.of(FactKind.OVERWRITE)
