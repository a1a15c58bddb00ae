"""An event's `detail`, cut to what can be carried.

What takes the most room and tells the least goes first: the lines of a difference, which stand in
`before` and `after` once more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MOST = 200_000
"""Most bytes of a `detail`. EventBridge took entries of 256 KB, and so do SNS, older queues and the
stand-ins of all of them; since 2026 EventBridge and SQS take 1 MB (EventBridge API: PutEvents)."""

_TAGS = 20
_CHARACTERS = 1_000
_NOTE = 200
"""Room for what says that something was cut."""


def fitted(detail: Mapping[str, Any], most: int = MOST) -> dict[str, Any]:
    """`detail` in at most `most` bytes of JSON; its `cut` then names what was cut."""
    kept = dict(detail)
    for key, shorter in _SHORTER:
        if size(kept) <= most:
            break
        value = kept.get(key)
        short = shorter(value, most - size({**kept, key: None}) - _NOTE) if value else value
        if short != value:
            kept |= {key: short, "cut": [*kept.get("cut", ()), key]}
    return kept


def size(value: Any) -> int:
    """How many bytes a value has as JSON of ASCII alone."""
    return len(json.dumps(value))


def _lines(lines: Sequence[str], room: int) -> list[str]:
    for i, line in enumerate(lines):
        room -= size(line) + 2
        if room < 0:
            return [*lines[:i], f"… and {len(lines) - i:,} more lines"]
    return list(lines)


def _nothing(value: Any, room: int) -> None:
    """Part of a document would be another document."""


def _few(tags: Sequence[str], room: int) -> list[str]:
    return list(tags[:_TAGS])


def _beginning(text: str, room: int) -> str:
    return text if len(text) <= _CHARACTERS else text[: _CHARACTERS - 1] + "…"


_SHORTER: Sequence[tuple[str, Callable[[Any, int], Any]]] = (
    ("difference", _lines),
    ("before", _nothing),
    ("after", _nothing),
    ("from_tags", _few),
    ("to_tags", _few),
    ("rule", _beginning),
    ("reason", _beginning),
    ("subject", _beginning),
)
