"""How far a long command is: one line on a terminal that writes over itself, nothing elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

_AFTER = 1.0
"""Seconds before anything is said, and between two words."""


class Progress:
    """Counts steps; says how many and how fast where standard error is a terminal."""

    def __init__(
        self, what: str, of: str, clock: Callable[[], float] = time.monotonic, *,
        shown: bool | None = None,
    ) -> None:  # fmt: skip
        self._what, self._of, self._clock = what, of, clock
        self._shown = sys.stderr.isatty() if shown is None else shown
        self._began = self._said = clock()
        self._count, self._drawn = 0, False

    def step(self) -> None:
        self._count += 1
        if not self._shown or self._count % 64:
            return
        now = self._clock()
        if now - self._said >= _AFTER:
            self._said, self._drawn = now, True
            rate = self._count / (now - self._began)
            said = f"{self._what}: {self._count:,} {self._of}, {rate:,.0f} a second"
            print(f"\r\x1b[K{said}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Take the line away."""
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
