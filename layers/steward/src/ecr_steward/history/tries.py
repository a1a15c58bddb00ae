"""How often a writer tried each message; SQS counts every receive, also those that only waited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from ecr_steward.history.table import Add, Table, expiry

_KEPT = timedelta(days=15)
"""Longer than the fourteen days for which a queue keeps a message."""


class Tries:
    """The tries of each message, in an item of its own while it fails.

    A try is counted before it is made, so that one whose function is killed counts too, and taken
    back where a passing fault ended it.
    """

    def __init__(self, table: Table, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    def begin(self, message: str) -> int:
        """Count one more try of a message; returns which one it is."""
        return self._add(message, 1)

    def excuse(self, message: str) -> None:
        """Take the last try back."""
        self._add(message, -1)

    def _add(self, message: str, tries: int) -> int:
        one = Add(f"message#{message}", "tries", {"tries": tries})
        return self._table.count(one, expiry(self._clock(), _KEPT))["tries"]
