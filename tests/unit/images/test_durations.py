"""Durations as people write and read them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ecr_steward.images.durations import ago, duration


@pytest.mark.parametrize(
    ("hours", "said"),
    [(0.9, "0 hours"), (1, "1 hour"), (47.9, "47 hours"), (48, "2 days"), (71, "2 days"),
     (24_000, "1,000 days")],
)  # fmt: skip
def test_a_time_is_said_in_hours_below_two_days_and_in_days_from_then_on(
    hours: float, said: str
) -> None:
    assert ago(timedelta(hours=hours)) == said


@pytest.mark.parametrize(
    ("written", "time"),
    [("30d", timedelta(days=30)), ("12h", timedelta(hours=12)), ("0h", timedelta()),
     ("99999d", timedelta(days=99_999)), ("100000d", None), ("d", None), ("3w", None),
     ("3d ", None), (30, None), (None, None)],
)  # fmt: skip
def test_a_duration_is_a_number_of_days_or_hours(written: Any, time: timedelta | None) -> None:
    assert duration(written) == time
