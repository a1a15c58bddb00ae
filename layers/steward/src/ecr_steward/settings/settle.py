"""What became of corrections that were announced and not closed: as for tags, see `tags.settle`.

A setting shows no more than a tag who set it, or when: how it differs now, and when somebody last
called to set it, says whether it was corrected, was not, or whether nobody can know.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ecr_steward.tags.settle import MADE
from ecr_steward.words.facts import Difference, Fact
from ecr_steward.words.reading import parse_time

UNKNOWN = (
    "The steward was interrupted, and somebody set it before it looked again: whether the steward "
    "had done it is not known."
)

About = tuple[str, str, str]
"""What a difference is about, whatever its values are."""

SetCall = tuple[str, str]
"""A call that set something: the setting, and the id of the cause that it is."""


def about(difference: Difference) -> About:
    return difference.setting, difference.problem, difference.subject


def settle(
    announced: Iterable[Fact], differing: Iterable[Difference], set_at: Mapping[SetCall, datetime]
) -> list[Fact]:
    """The facts that go on record of what was announced.

    `differing` is what is to be corrected now, `set_at` when calls of somebody set a setting. The
    call that a correction answers was before it, whatever the clocks say.
    """
    now = {about(each): each for each in differing}
    judged = (
        (fact, _judge(fact, fact.difference, now, set_at))
        for fact in announced
        if fact.difference is not None
    )
    return [
        replace(fact, reason=f"{fact.reason} {words}")
        for fact, words in judged
        if words is not None
    ]


def _judge(
    fact: Fact,
    announced: Difference,
    now: Mapping[About, Difference],
    set_at: Mapping[SetCall, datetime],
) -> str | None:
    """The words that the record ends with; None where the correction was not made."""
    differs = now.get(about(announced))
    if differs is None:
        return MADE
    touched = any(
        setting == announced.setting and cause != fact.cause.id and time > parse_time(fact.time)
        for (setting, cause), time in set_at.items()
    )
    stayed = _text(differs.before) == _text(announced.before)
    return None if stayed and not touched else UNKNOWN


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
