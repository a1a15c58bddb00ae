"""What goes on record of a change that was announced and not closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ecr_steward.tags.settle import MADE, UNKNOWN, settle
from ecr_steward.tags.state import Image
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import iso
from tests.support.facts import MOVED, NEW, OLD, OTHER

ANNOUNCED = datetime(2026, 11, 23, 2, 24, 6, 400_000, tzinfo=UTC)
MOVE = replace(MOVED, tag="1.4", before=OLD, digest=NEW, time=iso(ANNOUNCED))
PIN = replace(MOVE, kind=FactKind.PIN, tag="1.4-pin", before=None)
REMOVE = replace(MOVE, kind=FactKind.REMOVE, tag="nightly", before=OLD, digest=None)
RESTORE = replace(MOVE, kind=FactKind.RESTORE, tag="1.4.2", before=NEW, digest=OLD)
OVERWRITE = replace(RESTORE, kind=FactKind.OVERWRITE, before=OLD, digest=NEW)


def on(digest: str | None, tag: str) -> list[Image]:
    """A repository of three images, with the tag on one of them or on none."""
    return [Image(each, (tag,) if each == digest else (), ANNOUNCED) for each in (OLD, NEW, OTHER)]


def told(tag: str, digest: str | None, seconds: float, action: Action = Action.PUSH) -> Hint:
    """An event of that tag, so long after the announcement, in full seconds as ECR has them."""
    time = (ANNOUNCED + timedelta(seconds=seconds)).replace(microsecond=0)
    return Hint("base/redis", action, tag, digest, Cause("event", "ECR Image Action"), time)


@pytest.mark.parametrize("fact", [MOVE, PIN, REMOVE, RESTORE], ids=lambda fact: fact.kind)
def test_what_ecr_shows_is_on_record_and_says_that_it_was_found(fact: Fact) -> None:
    found = settle([fact], on(fact.digest, fact.tag or ""), [])
    assert found == [replace(fact, reason=f"{fact.reason} {MADE}")]


@pytest.mark.parametrize("fact", [MOVE, PIN, REMOVE, RESTORE, OVERWRITE], ids=lambda f: f.kind)
def test_where_the_tag_stayed_nothing_was_done(fact: Fact) -> None:
    stayed = fact.digest if fact.kind is FactKind.OVERWRITE else fact.before
    assert settle([fact], on(stayed, fact.tag or ""), []) == []


@pytest.mark.parametrize("fact", [MOVE, PIN, REMOVE, RESTORE], ids=lambda fact: fact.kind)
def test_where_the_tag_is_elsewhere_it_is_on_record_that_nobody_knows(fact: Fact) -> None:
    found = settle([fact], on(OTHER, fact.tag or ""), [])
    assert found == [replace(fact, reason=f"{fact.reason} {UNKNOWN}")]


def test_a_tag_that_is_on_no_image_any_more_is_elsewhere() -> None:
    (found,) = settle([MOVE], on(None, "1.4"), [])
    assert found.reason.endswith(UNKNOWN)


@pytest.mark.parametrize("now", [OLD, OTHER, None])
def test_an_echo_shows_that_it_was_done_wherever_the_tag_is_now(now: str | None) -> None:
    (found,) = settle([MOVE], on(now, "1.4"), [told("1.4", NEW, 0)])
    assert found.reason.endswith(MADE)


@pytest.mark.parametrize(
    "hint",
    [
        told("1.4", OLD, 1),
        told("1.4", OTHER, 1),
        told("1.4", None, 1, Action.DELETE),
        told("1.4", NEW, 1, Action.DELETE),
    ],
)
def test_a_tag_that_came_back_to_where_it_was_is_on_record(hint: Hint) -> None:
    (found,) = settle([MOVE], on(OLD, "1.4"), [hint])
    assert found.reason.endswith(UNKNOWN)


@pytest.mark.parametrize(
    "hint",
    [
        told("1.4", NEW, -1),
        told("1.4", OLD, 0),
        told("1", NEW, 1),
        told("1", OLD, 1),
    ],
    ids=["before it was announced", "in the same second", "another tag", "another tag's"],
)
def test_events_from_before_and_of_other_tags_show_nothing(hint: Hint) -> None:
    assert settle([MOVE], on(OLD, "1.4"), [hint]) == []


def test_an_event_of_the_very_time_was_before_it() -> None:
    whole = ANNOUNCED.replace(microsecond=0)
    assert settle([replace(MOVE, time=iso(whole))], on(OLD, "1.4"), [told("1.4", OLD, 0)]) == []


@pytest.mark.parametrize("now", [OLD, OTHER, None])
def test_an_overwrite_is_told_as_it_was_found_with_its_restore(now: str | None) -> None:
    restored, overwritten = settle([RESTORE, OVERWRITE], on(now, "1.4.2"), [])
    assert restored.reason.endswith(MADE if now == OLD else UNKNOWN)
    assert overwritten == OVERWRITE
