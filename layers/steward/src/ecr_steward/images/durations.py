"""Durations as the rules file writes them: `30d`, `12h`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

_DURATION = re.compile(r"([0-9]{1,5})([dh])")

HINT = 'a number of days or hours such as "30d" or "12h"'


def duration(value: Any) -> timedelta | None:
    """The time that `value` stands for, or None where it is no duration."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    number = int(match[1])
    return timedelta(days=number) if match[2] == "d" else timedelta(hours=number)


def ago(time: timedelta) -> str:
    """A time in words for people: `3 days`, `5 hours`."""
    hours = int(time.total_seconds() // 3600)
    number, unit = (hours // 24, "day") if hours >= 48 else (hours, "hour")
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"
