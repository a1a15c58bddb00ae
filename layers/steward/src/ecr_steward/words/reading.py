"""Reading what others wrote: of JSON, each fault is one sentence that names its key; of text, what
is no character is shown as an escape."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class MalformedEvent(ValueError):
    """An event or message that cannot be understood; the sentence says what is wrong with it."""


def printable(text: str) -> str:
    """`text` on one line: what is no printable character becomes an escape of JSON.

    Among these are line breaks and controls, what turns the direction of writing, and what has no
    width. The text of a JSON document stays a JSON document that says the same.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


@functools.lru_cache(64)
def iso(time: datetime) -> str:
    """`time` in UTC as `2026-11-23T02:24:00Z`, with milliseconds only where there are any."""
    # All facts of a visit are of one time.
    utc = time.astimezone(UTC)
    text = utc.isoformat(timespec="milliseconds" if utc.microsecond >= 1000 else "seconds")
    return text.replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 time with a zone, as UTC; raises ValueError, which names `text`."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        said = str(error)  # such as: day is out of range for month
        why = f"time: {said}" if _DAY.match(text) and "isoformat" not in said else "ISO 8601 time"
        raise ValueError(f"`{text}` is no {why}") from error
    if time.tzinfo is None:
        raise ValueError(f"`{text}` has no time zone; end it with Z")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"`{text}` is before the year 1 or after 9999 in UTC") from error


def as_object(document: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise MalformedEvent(f"{name} is not a JSON object.")
    return document


def mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    if not isinstance(value, Mapping):
        raise MalformedEvent(f"`{key}` is missing or not an object.")
    return value


def text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise MalformedEvent(f"`{key}` is missing or not a text.")
    return value


def optional(document: Mapping[str, Any], key: str) -> str | None:
    value = document.get(key)
    if value is not None and not isinstance(value, str):
        raise MalformedEvent(f"`{key}` is not a text.")
    return value or None


def texts(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = document.get(key, ())
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise MalformedEvent(f"`{key}` is not a list of texts.")
    return tuple(value)


def number(document: Mapping[str, Any], key: str, default: int) -> int:
    value = document.get(key, default)
    if type(value) is not int or value < 0:
        raise MalformedEvent(f"`{key}` is not a whole number.")
    return value


def numbers(document: Mapping[str, Any], key: str) -> dict[str, int]:
    values = as_object(document.get(key, {}), f"`{key}`")
    return {name: number(values, name, 0) for name in values}


def digest(document: Mapping[str, Any], key: str) -> str | None:
    digest = optional(document, key)
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise MalformedEvent(f"`{key}` is not `sha256:` and 64 hex digits: `{digest}`.")
    return digest


def time(document: Mapping[str, Any], key: str) -> datetime:
    try:
        return parse_time(text(document, key))
    except ValueError as error:
        raise MalformedEvent(f"`{key}` is not a time: {error}.") from error
