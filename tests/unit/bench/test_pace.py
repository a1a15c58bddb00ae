"""A plan asks ECR as fast as ECR lets it, and no answer is lost on the way."""

from __future__ import annotations

import pytest

from bench.pace import RATE, measure


def test_a_plan_takes_little_longer_than_the_rate_of_ecr_allows() -> None:
    (row,) = measure(60, lambda what: None)
    calls = 60 * 5
    assert row.what.startswith(f"{calls} calls, ")
    assert row.baseline == pytest.approx(calls / RATE)
    assert calls / RATE - 1 <= row.measured <= 1.25 * calls / RATE
