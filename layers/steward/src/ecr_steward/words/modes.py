"""How far the steward goes."""

from __future__ import annotations

import enum


class Mode(enum.StrEnum):
    """How far the steward goes: `off` < `audit` (decide and report) < `enforce` (and do)."""

    OFF = "off"
    AUDIT = "audit"
    ENFORCE = "enforce"

    def capped(self, cap: Mode) -> Mode:
        """The lower of this mode and `cap`."""
        order = list(Mode)
        return min(self, cap, key=order.index)
