"""What goes on record of a correction that was announced and not closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ecr_steward.settings.settle import UNKNOWN, settle
from ecr_steward.tags.settle import MADE
from ecr_steward.words.facts import Fact
from ecr_steward.words.reading import parse_time
from tests.support.facts import CORRECTED

assert CORRECTED.difference is not None
DIFFERENCE = CORRECTED.difference
LATER = parse_time(CORRECTED.time) + timedelta(seconds=1)


def because(words: str) -> list[Fact]:
    return [replace(CORRECTED, reason=f"{CORRECTED.reason} {words}")]


def test_what_differs_no_more_is_on_record_and_says_that_it_was_found() -> None:
    another = replace(DIFFERENCE, subject="Another")
    assert settle([CORRECTED], [another], {}) == because(MADE)


def test_what_differs_as_it_did_was_not_corrected() -> None:
    asked_for_now = replace(DIFFERENCE, after="something else since")
    assert settle([CORRECTED], [DIFFERENCE], {}) == []
    assert settle([CORRECTED], [asked_for_now], {}) == []


def test_what_differs_in_another_way_is_on_record_as_not_known() -> None:
    otherwise = replace(DIFFERENCE, before="something else")
    assert settle([CORRECTED], [otherwise], {}) == because(UNKNOWN)


def test_what_somebody_set_again_as_it_was_is_on_record_as_not_known() -> None:
    assert settle([CORRECTED], [DIFFERENCE], {(DIFFERENCE.setting, "another"): LATER}) == because(
        UNKNOWN
    )


def test_the_call_that_it_answers_shows_nothing_whatever_its_clock_says() -> None:
    assert (
        settle([CORRECTED], [DIFFERENCE], {(DIFFERENCE.setting, CORRECTED.cause.id): LATER}) == []
    )


@pytest.mark.parametrize(("setting", "seconds"), [(DIFFERENCE.setting, -1), ("encryption", 0)])
def test_calls_from_before_and_of_other_settings_show_nothing(setting: str, seconds: int) -> None:
    when = LATER + timedelta(seconds=seconds)
    assert settle([CORRECTED], [DIFFERENCE], {(setting, "another"): when}) == []
