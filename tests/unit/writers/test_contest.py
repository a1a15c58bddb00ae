"""Who took a tag away is asked about until it is known, for two days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ecr_steward.history.holds import Hold
from ecr_steward.history.tags import History
from ecr_steward.tags.state import Mark
from ecr_steward.words.causes import Attribution
from ecr_steward.writers.contest import Contest, nobody
from ecr_steward_cli.in_memory.table import MemoryTable

NOW = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MARKS = {"latest": Mark("latest", "1.4.2", "sha256:1")}
UNNAMED = Hold("latest", NOW, None, "ECR Steward", automatic=True)
WORDS = "it was taken away three times within ten minutes"


def asked_again(
    hold: Hold, after: timedelta, *, known: bool = True
) -> tuple[list[Any], dict[str, Hold]]:
    """What CloudTrail is asked, and the holds that name somebody then."""
    history = History(MemoryTable())
    history.holds.put("base/redis", hold)
    asked: list[Any] = []

    def witness(*question: Any) -> Attribution:
        asked.append(question)
        return Attribution(" by mallory", named=True) if known else nobody(*question)

    named = Contest(history, witness).ask_again("base/redis", MARKS, {hold.tag: hold}, NOW + after)
    return asked, named


@pytest.mark.parametrize(
    ("hold", "after", "again"),
    [
        ({}, timedelta(0), True),
        ({}, timedelta(days=2), True),
        ({}, timedelta(days=2) + SECOND, False),
        ({"named": True}, SECOND, False),
        ({"automatic": False}, SECOND, False),
        ({"tag": "main"}, SECOND, False),
    ],
)
def test_who_it_was_is_asked_again_for_two_days(
    hold: dict[str, Any], after: timedelta, again: bool
) -> None:
    held = Hold(**{"tag": "latest", "since": NOW, "until": None, "by": "ECR Steward",
                      "automatic": True, **hold})  # fmt: skip
    asked, named = asked_again(held, after)
    began = NOW - timedelta(minutes=20)
    assert asked == [("base/redis", "latest", "sha256:1", began)] * again
    assert [(each.reason, each.named) for each in named.values()] == [
        (f"{WORDS} by mallory", True)
    ] * again


def test_who_is_not_known_yet_leaves_the_hold_as_it_is() -> None:
    asked, named = asked_again(UNNAMED, SECOND, known=False)
    assert (len(asked), named) == (1, {})
