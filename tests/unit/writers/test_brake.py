"""Writes go side by side until ECR pushes back, and then slowly."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from ecr_steward.ecr import RegistryError, Unavailable
from ecr_steward.writers.brake import LONGEST, PATIENCE, SHORTEST, Brake

THROTTLED = Unavailable("PutImage", "ThrottlingException", "Rate exceeded")


class Writes:
    """Notes which writes were made side by side, and when; each takes a second."""

    def __init__(self, pulls: Iterable[int] = (), fails: Iterable[int] = ()) -> None:
        self.made: list[tuple[float, list[int]]] = []
        self.now = 0.0
        self._pulls, self._fails = set(pulls), set(fails)
        self.brake = Brake(self._together, 4, lambda: self.now, self._sleep)

    def make(self, *writes: int) -> list[RegistryError | None]:
        changes: Any = writes
        write: Any = self._write
        return list(self.brake(write, changes))

    def _together(self, write: Any, some: Any) -> list[RegistryError | None]:
        self.made.append((self.now, list(some)))
        self.now += 1
        return [write(each) for each in some]

    def _write(self, number: int) -> RegistryError | None:
        if number in self._pulls or number in self._fails:
            self.brake.pull()
        return THROTTLED if number in self._fails else None

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


def test_while_ecr_takes_them_writes_are_made_side_by_side() -> None:
    writes = Writes()
    assert writes.make(*range(9)) == [None] * 9
    assert writes.made == [(0, [0, 1, 2, 3]), (1, [4, 5, 6, 7]), (2, [8])]


def test_at_the_first_push_back_the_others_follow_one_by_one_after_a_pause() -> None:
    writes = Writes(pulls=[2, 4])
    assert writes.make(*range(6)) == [None] * 6
    assert [some for _, some in writes.made] == [[0, 1, 2, 3], [4], [5]]
    begun = [at for at, _ in writes.made]
    assert begun == [0, 1 + SHORTEST, 2 + SHORTEST + 2 * SHORTEST]


def test_pauses_double_up_to_a_limit_and_halve_until_writes_go_side_by_side_again() -> None:
    writes = Writes(pulls=range(100))
    for number in range(10):
        writes.make(number)
    waited = [later - at - 1 for (at, _), (later, _) in pairwise(writes.made)]
    assert waited == [1, 2, 4, *[LONGEST] * 6]
    writes.made.clear()
    writes.make(*range(100, 110))
    assert [len(some) for _, some in writes.made] == [1, 1, 1, 1, 4, 2]


def test_what_fails_alone_ends_the_writes_and_the_rest_is_left_to_a_later_visit() -> None:
    writes = Writes(fails=[1, 4])
    outcomes = writes.make(*range(8))
    assert [some for _, some in writes.made] == [[0, 1, 2, 3], [4]]
    assert [type(each) for each in outcomes[5:]] == [Unavailable] * 3
    assert [outcomes[0], outcomes[1], outcomes[4]] == [None, THROTTLED, THROTTLED]


def test_slow_writes_do_not_use_up_the_functions_time() -> None:
    writes = Writes(pulls=range(100))
    outcomes = writes.make(*range(100))
    assert len(outcomes) == 100
    assert writes.now <= PATIENCE + LONGEST + 1
    assert isinstance(outcomes[-1], Unavailable)


def test_writes_that_ecr_takes_are_all_made_however_long_they_take() -> None:
    writes = Writes()
    assert writes.make(*range(120)) == [None] * 120
    assert writes.now == 30 > PATIENCE


def test_on_threads_writes_are_made_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=5)
    brake = Brake.on_threads(2, lambda: 0.0, lambda seconds: None)
    changes: Any = range(2)

    def write(change: Any) -> None:
        both.wait()

    assert list(brake(write, changes)) == [None, None]
