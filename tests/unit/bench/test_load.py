"""The simulation of load keeps the rates it is given, and says what the documentation says."""

from __future__ import annotations

import pytest

from bench.load import (
    BATCH,
    CONCURRENCY,
    MOVES,
    SETTLE,
    SHAPES,
    Capacity,
    Shape,
    TokenBucket,
    simulate,
)
from bench.load_page import deployed
from tests.support.pages import read, row, table
from tests.template import support

ONE, MANY, MULTI_ARCH, WAVE = SHAPES


def test_it_simulates_what_the_template_deploys() -> None:
    source = support.source()
    events = source["Resources"]["RetagFunction"]["Properties"]["Events"]
    assert events["RetagEventSource"]["Properties"]["BatchSize"] == BATCH
    assert source["Parameters"]["RetagConcurrency"]["Default"] == CONCURRENCY
    assert source["Parameters"]["SettleSeconds"]["Default"] == SETTLE


def test_a_bucket_never_gives_more_than_its_rate_and_one_second_of_burst() -> None:
    bucket = TokenBucket(10)
    granted = [bucket.grant(0.0) for _ in range(100)]
    for second in range(9):
        assert sum(each < second for each in granted) <= 10 * (second + 1)
    assert bucket.grant(1000.0) == 1000.0


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_push_gets_its_stable_tags_and_none_before_it_has_settled(shape: Shape) -> None:
    outcome = simulate(shape, 2_000)
    assert len(outcome.lags) == 2_000
    assert min(outcome.lags) > SETTLE
    assert outcome.moves <= 2_000 * MOVES


def test_no_more_is_put_in_all_than_the_quota_allows() -> None:
    outcome = simulate(MULTI_ARCH, 5_000)
    puts = 5_000 * MULTI_ARCH.puts + outcome.moves
    assert puts <= 10 * (outcome.end + 1)


def test_what_waits_for_one_repository_is_put_once() -> None:
    assert simulate(WAVE, 1_000).saved == 0
    assert simulate(ONE, 20_000, Capacity(settle=0)).saved > 0.4


def test_more_quota_makes_late_tags_early_and_needs_more_writers() -> None:
    late = simulate(WAVE, 3_000).lag(99)
    assert late > 60
    assert simulate(WAVE, 3_000, Capacity(quota=100, concurrency=10)).lag(99) < 10


def test_an_idle_deployment_is_late_by_settling_and_a_second() -> None:
    assert SETTLE < simulate(MANY, 100).lag(99) < SETTLE + 1


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_the_page_says_what_the_simulation_says(shape: Shape) -> None:
    page = read("docs/limits.md")
    assert row(*deployed(shape, 1_000)) in page


def test_the_page_has_a_row_for_each_shape() -> None:
    shown = table(read("docs/limits.md"), "Pushes", "The default quota carries")
    assert [each for each, _ in shown] == [shape.name for shape in SHAPES]
