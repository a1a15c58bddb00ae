"""Times as people type them: a day, a time with its zone, or how long from now."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from ecr_steward.words.reading import parse_time
from ecr_steward_cli.terminal.errors import Refusal

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"([0-9]{1,4})([mhdw])")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def ahead(text: str, now: datetime, option: str) -> datetime:
    """The time after now that `text` names: `2h`, a day (its end, in UTC) or a time with a zone.

    Raises Refusal, which names the option.
    """
    found = _read(text, now, option, sign=1, clock=time.max)
    if found <= now:
        raise Refusal(f"`{text}` for {option} is not after now, {now:%Y-%m-%dT%H:%M:%SZ}.")
    return found


def first_of(text: str, now: datetime, option: str) -> datetime:
    """The time that `text` names: `2h` ago, the beginning of a day, or a time. Raises Refusal."""
    return _read(text, now, option, sign=-1, clock=time.min)


def last_of(text: str, now: datetime, option: str) -> datetime:
    """The time that `text` names: `2h` ago, the end of a day, or a time. Raises Refusal."""
    return _read(text, now, option, sign=-1, clock=time.max)


def _read(text: str, now: datetime, option: str, *, sign: int, clock: time) -> datetime:
    span = _SPAN.fullmatch(text)
    try:
        if span is not None:
            return now + sign * timedelta(**{_UNITS[span[2]]: int(span[1])})
        if _DAY.fullmatch(text):
            return datetime.combine(parse_time(f"{text}T00Z"), clock.replace(microsecond=0), UTC)
        return parse_time(text)
    except (ValueError, OverflowError) as error:
        said = str(error).replace(f"`{text}T00Z`", f"`{text}`")
        raise Refusal(
            f"{option}: {said}. Write 2h, 3d, a day such as 2026-12-24, or a time such as "
            "2026-12-24T18:00:00Z."
        ) from error
