"""A plan of many repositories at ECR's rate, in virtual time: how near it comes to that rate.

The looks and their pace are the command's own, in as many threads. ECR refuses what is over the
rate, and a clock goes on whenever all threads wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from bench.plan import ACCOUNT, REGION, RULES, fill
from bench.report import Row
from ecr_steward_cli.in_memory.settings import MemorySettings
from ecr_steward_cli.in_memory.table import MemoryTable
from ecr_steward_cli.live.look import LiveRegistry, Look
from ecr_steward_cli.live.pace import Pace, PacedClient
from ecr_steward_cli.live.survey import AT_ONCE
from ecr_steward_cli.rules_file.load import loads

RATE = 20.0
"""Calls a second that ECR lets through, of all operations together."""

LATENCY = 0.05
"""Seconds that ECR takes to answer; assumed."""

_TAGS = 30
_NEAR = 1.25


class VirtualClock:
    """A clock for threads, of which each waits for a time: it goes on to the nearest once nobody
    can do anything before. `work` is how many tasks are left to be done."""

    def __init__(self, work: int, limit: Callable[[], int]) -> None:
        self.now = 0.0
        self._work, self._limit = work, limit
        self._calling, self._waits = 0, [float("inf")]
        self._changed = threading.Condition()

    def call(self) -> None:
        """A call of ECR takes its time."""
        with self._changed:
            self._calling += 1
        self.sleep(LATENCY)
        with self._changed:
            self._calling -= 1

    def sleep(self, seconds: float) -> None:
        """Wait until so many seconds have passed."""
        with self._changed:
            end = self.now + seconds
            self._waits.append(end)
            while self.now < end:
                if self._is_stuck():
                    self.now = min(self._waits)
                    self._changed.notify_all()
                else:
                    self._changed.wait(0.05)
            self._waits.remove(end)
            self._changed.notify_all()

    def done(self) -> None:
        """A task is done."""
        with self._changed:
            self._work -= 1
            self._changed.notify_all()

    def _is_stuck(self) -> bool:
        """Whether every thread waits, for the time or for its turn to call."""
        waiting = len(self._waits) - 1
        ready = sum(end <= self.now for end in self._waits)
        full = self._calling >= self._limit()
        return not ready and (full or waiting >= min(AT_ONCE, self._work))


class RatedClient:
    """ECR in memory, which refuses calls beyond RATE a second, and beyond one second's at once."""

    def __init__(self, client: Any, clock: VirtualClock) -> None:
        self._client, self._clock = client, clock
        self._tokens, self._last = RATE, 0.0
        self._lock = threading.Lock()
        self.answered = self.refused = 0

    def __getattr__(self, name: str) -> Any:
        def call(**asked: Any) -> Any:
            self._clock.call()
            with self._lock:
                self._take(name)
                return getattr(self._client, name)(**asked)

        return call

    def _take(self, name: str) -> None:
        now = self._clock.now
        self._tokens = min(RATE, self._tokens + (now - self._last) * RATE)
        self._last = now
        if self._tokens < 1:
            self.refused += 1
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, name)
        self._tokens -= 1
        self.answered += 1


def measure(repositories: int, progress: Callable[[str], None]) -> list[Row]:
    """How long a plan of so many repositories takes where ECR answers RATE calls a second."""
    progress("a plan at ECR's rate, in virtual time")
    ecr = MemorySettings(clock=lambda: datetime(2026, 11, 23, tzinfo=UTC))
    names = [f"team/{number:04}" for number in range(repositories)]
    for name in names:
        ecr.create_repository(repositoryName=name)
        fill(lambda *given: _put(ecr, *given), name, _TAGS)
    clock, client = _look_at_all(ecr, names)
    least = client.answered / RATE
    group = f"plan, {repositories:,} repositories at {RATE:.0f} calls a second, virtual time"
    return [
        Row(
            group,
            f"{client.answered:,} calls, {client.refused:,} more were refused",
            clock.now,
            "s",
            baseline=least,
            goal=f"≤ {_NEAR} x",
            met=clock.now <= _NEAR * least,
        )
    ]


def _look_at_all(ecr: MemorySettings, names: list[str]) -> tuple[VirtualClock, RatedClient]:
    """Look at each repository, as many at once as the command does; raises where one is unread."""
    pace = Pace(AT_ONCE, lambda seconds: clock.sleep(seconds))
    clock = VirtualClock(len(names), lambda: pace.limit)
    client = RatedClient(ecr, clock)
    rules, noon = loads(RULES, "rules.yaml"), datetime(2026, 11, 28, tzinfo=UTC)
    registry = LiveRegistry(PacedClient(client, pace), ACCOUNT, REGION, MemoryTable)
    look = Look(rules, registry, lambda: noon, timedelta())

    def at(name: str) -> None:
        try:
            look.at(name, rules.rules[0])
        finally:
            clock.done()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(at, names))
    return clock, client


def _put(ecr: MemorySettings, repository: str, text: str, tag: str) -> None:
    ecr.put_image(repositoryName=repository, imageManifest=text, imageTag=tag)
