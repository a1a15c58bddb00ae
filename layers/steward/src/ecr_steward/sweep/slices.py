"""Which repositories are swept when: a slice every five minutes, all of them in a sweep's hours."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ecr_steward.words.reading import iso, parse_time

INTERVAL = timedelta(minutes=5)
"""Time between two slices: the schedule's rate."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Part `part` of the `of` parts of one sweep; `sweep` is the sweep's id."""

    sweep: str
    part: int
    of: int

    @classmethod
    def at(cls, time: datetime, hours: int) -> Slice:
        """The slice whose turn is at `time`, when a whole sweep takes `hours`."""
        of = max(1, int(timedelta(hours=hours) / INTERVAL))
        tick = int(time.timestamp() // INTERVAL.total_seconds())
        begin = datetime.fromtimestamp((tick - tick % of) * INTERVAL.total_seconds(), UTC)
        return cls(sweep=f"sweep-{iso(begin)}", part=tick % of, of=of)

    def previous(self) -> str:
        """The id of the sweep before this one."""
        begin = datetime.fromisoformat(self.sweep.removeprefix("sweep-"))
        return f"sweep-{iso(begin - self.of * INTERVAL)}"

    def holds(self, repository: str) -> bool:
        return zlib.crc32(repository.encode()) % self.of == self.part


def by_hand(sweep: str) -> str:
    """The id of a sweep that somebody asked for."""
    return f"hand-{sweep}"


def clock_of(event: Mapping[str, Any], now: Callable[[], datetime]) -> Callable[[], datetime]:
    """The time a schedule's event is for, so that a repeated event takes the same slice."""
    try:
        time = parse_time(str(event["time"]))
    except (KeyError, ValueError):
        return now
    return lambda: time
