"""A few hundred pushes, and changes of settings beside them, under everything that can go wrong,
judged by an oracle of its own.

`make soak` plays thirty thousand. Where one fails, its message has the seed, what was expected
and the time line of the repository; `python -m tests.soak --pushes N --repositories N --seed N`
plays it again.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.soak.faults import CALM, Rates
from tests.soak.run import play

PUSHES, REPOSITORIES = 600, 10


def test_nothing_goes_wrong_and_everything_is_right() -> None:
    played = play(1, PUSHES, REPOSITORIES, CALM)
    assert not played.divergences, played.explain()
    assert not played.figures["failed"] + played.figures["kills"]


@pytest.mark.parametrize("seed", range(1, 9))
def test_calls_fail_functions_are_killed_and_everything_comes_right(seed: int) -> None:
    played = play(seed, PUSHES, REPOSITORIES, Rates())
    assert not played.divergences, played.explain()
    assert played.figures["failed"] > 100
    assert played.figures["kills"] > 10
    assert played.figures["corrections"] > 10


@pytest.mark.parametrize("seed", range(9, 13))
def test_many_functions_are_killed_and_everything_comes_right(seed: int) -> None:
    played = play(seed, PUSHES, REPOSITORIES, replace(Rates(), fail=0, kill=0.02))
    assert not played.divergences, played.explain()
    assert played.figures["kills"] > 50


def test_a_seed_plays_the_same_soak_again() -> None:
    one, other = (play(13, 100, 5, Rates()) for _ in range(2))
    assert one.figures == other.figures
    assert one.divergences == other.divergences
