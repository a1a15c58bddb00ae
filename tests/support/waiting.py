"""How tests wait: for what they assert, as long as a busy machine may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

PATIENCE: Final = 180.0
"""Seconds after which what has not happened will not happen. No test counts on fewer."""

_LOOK_SECONDS: Final = 0.05


def eventually(look: Callable[[], T], holds: Callable[[T], object] = lambda seen: seen) -> T:
    """What is seen, as soon as it holds; what was seen last, where it never does."""
    deadline = time.monotonic() + PATIENCE
    while not holds(seen := look()) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    return seen
