"""Slows the writes of a visit where ECR pushes back: its quota is shared with everybody's CI."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from ecr_steward.ecr import RegistryError, Unavailable
from ecr_steward.tags.plan import TagChange
from ecr_steward.writers.apply import Spread, Write

SHORTEST, LONGEST = 1.0, 8.0
"""Seconds between two writes once ECR pushes back: twice as many each time it does, half as many
each time it does not, until writes go side by side again."""

PATIENCE = 25.0
"""Seconds for which writes of one kind go slowly; the rest is left to a later visit, which must not
wait for the function's time to be over (template.yaml: RetagFunction, Timeout)."""


class Brake:
    """Makes writes side by side, `at_once` of them, until ECR pushes back, and then one by one.

    `spread` makes writes in parallel. `pull` says that ECR pushed back; it may be called from any
    thread. What it learned holds for the visits that follow, too.
    """

    def __init__(
        self,
        spread: Spread,
        at_once: int,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._spread = spread
        self._at_once = at_once
        self._monotonic = monotonic
        self._sleep = sleep
        self._pause = 0.0
        self._pulled = False

    @classmethod
    def on_threads(
        cls, at_once: int, monotonic: Callable[[], float], sleep: Callable[[float], None]
    ) -> Brake:
        """One that makes `at_once` writes at the same time, each on a thread."""
        pool = concurrent.futures.ThreadPoolExecutor(at_once)
        return cls(pool.map, at_once, monotonic, sleep)

    def pull(self) -> None:
        """ECR pushed back: it throttled, broke down or could not be reached."""
        self._pulled = True

    def __call__(
        self, write: Write, changes: Iterable[TagChange]
    ) -> Iterator[RegistryError | None]:
        """What came of each write, in order; those that were left out are Unavailable."""
        until = self._monotonic() + PATIENCE
        left = iter(changes)
        while some := list(islice(left, 1 if self._pause else self._at_once)):
            alone = self._pause > 0
            if alone:
                self._sleep(self._pause)
            outcomes = list(self._spread(write, some))
            self._learn()
            yield from outcomes
            if self._pause and (self._monotonic() >= until or (alone and _failed(outcomes))):
                yield from (_left_out() for _ in left)

    def _learn(self) -> None:
        if self._pulled:
            self._pause = min(max(self._pause * 2, SHORTEST), LONGEST)
        else:
            self._pause = self._pause / 2 if self._pause > SHORTEST else 0.0
        self._pulled = False


def _failed(outcomes: Sequence[RegistryError | None]) -> bool:
    return any(isinstance(each, Unavailable) for each in outcomes)


def _left_out() -> Unavailable:
    return Unavailable("PutImage", "PushedBack", "ECR pushes back; a later visit does the rest")
