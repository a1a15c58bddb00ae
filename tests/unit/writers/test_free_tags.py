"""Unique tags that somebody deleted, and that are free for another image."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ecr_steward.words.facts import FactKind
from tests.support.stage import KEEP, RESTORE, Stage
from tests.support.world import REPOSITORY


@pytest.mark.parametrize("tags", [{}, RESTORE, KEEP], ids=["report", "restore", "keep"])
@pytest.mark.parametrize("seen_by", ["event", "late event", "sweep"])
def test_a_unique_tag_that_was_deleted_belongs_to_what_is_pushed_next(
    tags: dict[str, Any], seen_by: str
) -> None:
    stage = Stage(tags)
    first = stage.push("1.4.2", "first")
    stage.settle()
    stage.delete(tag="1.4.2")
    if seen_by == "event":
        stage.settle()
    elif seen_by == "sweep":
        stage.events.clear()
        stage.look_all_over()
    second = stage.push("1.4.2", "second")
    stage.settle()
    assert {stage.tags()[tag] for tag in ("1.4.2", "1.4", "1", "latest")} == {second}
    assert stage.of(FactKind.OVERWRITE) == stage.of(FactKind.RESTORE) == []
    (kept,) = [f for f in stage.history.facts(REPOSITORY) if f.kind is FactKind.OVERWRITE]
    assert (kept.before, kept.digest) == (first, second)
    stage.push("1.4.2", "third")
    stage.settle()
    assert (stage.tags()["1.4.2"] == second) is (tags == RESTORE)


def test_a_late_word_of_a_deletion_frees_nothing_that_was_pushed_since() -> None:
    stage = Stage(RESTORE)
    stage.push("1.4.2", "first")
    stage.settle()
    stage.delete(tag="1.4.2")
    late = stage.events.pop()
    stage.events.append(late)
    stage.settle()
    second = stage.push("1.4.2", "second")
    stage.settle()
    stage.push("1.4.2", "third")
    stage.deliver(late, *stage.events)
    stage.events.clear()
    stage.settle()
    assert stage.tags()["1.4.2"] == second


def test_a_tag_that_came_back_on_its_own_image_is_not_free() -> None:
    stage = Stage(RESTORE)
    first = stage.push("1.4.2", "first")
    stage.push("1.4.2-other", "first")
    stage.settle()
    stage.delete(tag="1.4.2")
    stage.push("1.4.2", "first")
    stage.settle()
    stage.push("1.4.2", "second")
    stage.settle()
    assert stage.tags()["1.4.2"] == first


def test_a_deletion_of_what_history_does_not_know_costs_nothing() -> None:
    stage = Stage({"unique": ["semver", "sha"]})
    stage.push("9f1c2ab", "commit")
    stage.events.clear()
    stage.delete(tag="9f1c2ab")
    assert stage.calls(stage.settle) == {}


def without_tags(stage: Stage, digest: str) -> dict[str, Any]:
    """Delete an image; the one event that names no tag."""
    stage.delete(digest=digest)
    event = stage.events[0]
    stage.events.clear()
    event["detail"].pop("image-tag", None)
    return event


def test_an_image_that_was_deleted_without_naming_its_tags_frees_what_led_a_line() -> None:
    stage = Stage(RESTORE)
    first = stage.push("1.4.2", "first")
    stage.settle()
    stage.deliver(without_tags(stage, first))
    second = stage.push("1.4.2", "second")
    stage.settle()
    assert stage.tags()["1.4.2"] == stage.tags()["latest"] == second
    assert stage.of(FactKind.OVERWRITE) == []


BUILDS = {"unique": ["semver", "build"]}


@pytest.mark.parametrize("tags", [{}, RESTORE, KEEP], ids=["report", "restore", "keep"])
@pytest.mark.parametrize("together", [False, True])
def test_it_frees_also_the_unique_tags_that_led_nothing(
    tags: dict[str, Any], *, together: bool
) -> None:
    stage = Stage({**BUILDS, **tags})
    first = stage.push("build-7", "first")
    stage.settle()
    gone = without_tags(stage, first)
    if not together:
        stage.deliver(gone)
    second = stage.push("build-7", "second")
    stage.deliver(*([gone] if together else []), stage.events.pop())
    stage.settle()
    assert stage.tags()["build-7"] == second
    assert stage.of(FactKind.OVERWRITE) == []
    (kept,) = [f for f in stage.history.facts(REPOSITORY) if f.kind is FactKind.OVERWRITE]
    assert (kept.before, kept.digest) == (first, second)


def test_an_image_that_was_pushed_again_owns_its_tags_again() -> None:
    stage = Stage({**BUILDS, **RESTORE})
    first = stage.push("build-7", "first")
    stage.settle()
    stage.deliver(without_tags(stage, first))
    stage.push("build-7", "first")
    stage.settle()
    stage.push("build-7", "second")
    stage.settle()
    assert stage.tags()["build-7"] == first


def test_a_tag_that_left_its_image_before_that_was_deleted_was_overwritten() -> None:
    stage = Stage(BUILDS)
    first = stage.push("build-7", "first")
    stage.settle()
    second = stage.push("build-7", "second")
    late = stage.events.pop(0)
    stage.now += timedelta(minutes=1)
    stage.deliver(without_tags(stage, first))
    stage.deliver(late)
    (told,) = stage.of(FactKind.OVERWRITE)
    assert (told.before, told.digest) == (first, second)
