"""What comes of an attempt to send."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Delivered:
    """The channel took it; `answer` is what it said."""

    answer: str


@dataclass(frozen=True, slots=True)
class Later:
    """It did not work this time; `after` is how long a pause the channel asks for."""

    reason: str
    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """The channel, its address or its secret is wrong: trying again changes nothing by itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotTried:
    """There was no time left to ask the channel: that says nothing of it, and is no try."""


Outcome = Delivered | Later | Undeliverable
"""Reasons never hold an address or a secret, nor what a channel answered in its own words."""
