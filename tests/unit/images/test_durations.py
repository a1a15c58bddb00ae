"""Durations as people write and read them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ecr_steward.images.durations import ago


@pytest.mark.parametrize(
    ("hours", "said"),
    [(0.9, "0 hours"), (1, "1 hour"), (47.9, "47 hours"), (48, "2 days"), (71, "2 days"),
     (24_000, "1,000 days")],
)  # fmt: skip
def test_a_time_is_said_in_hours_below_two_days_and_in_days_from_then_on(
    hours: float, said: str
) -> None:
    assert ago(timedelta(hours=hours)) == said
