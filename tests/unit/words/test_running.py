from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ecr_steward.words.running import LOOK_COUNTS, Running, source_of, workload_of

STARTED = datetime(2026, 11, 1, 12, tzinfo=UTC)
GRACE = timedelta(days=7)


def running(ended: datetime | None = None) -> Running:
    digest = "sha256:" + "a" * 64
    written = "base/redis:1.4"
    return Running(
        "base/redis", digest, "ecs", "ecs:prod/payments", written, STARTED, STARTED, ended
    )


def test_what_runs_needs_its_image_however_long_ago_it_was_seen() -> None:
    assert running().needs_image(STARTED + timedelta(days=400), GRACE)


def test_what_ended_needs_its_image_for_the_grace_and_no_longer() -> None:
    ended = STARTED + timedelta(hours=1)
    assert running(ended).needs_image(ended + GRACE, GRACE)
    assert not running(ended).needs_image(ended + GRACE + timedelta(seconds=1), GRACE)


@pytest.mark.parametrize(
    ("account", "source", "workload"),
    [
        ("123456789012", "ecs", "ecs:prod/payments"),
        ("210987654321", "210987654321", "ecs:210987654321/prod/payments"),
    ],
)
def test_what_another_account_runs_is_named_with_it(
    account: str, source: str, workload: str
) -> None:
    assert source_of("ecs", account, "123456789012") == source
    assert workload_of("ecs", account, "123456789012", "prod/payments") == workload


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("ended", "runs", "last"),
    [
        (None, True, STARTED),
        (STARTED - HOUR, True, STARTED),
        (STARTED, False, STARTED),
        (STARTED + HOUR, False, STARTED + HOUR),
    ],
)
def test_what_was_seen_after_it_ended_runs(
    ended: datetime | None, runs: bool, last: datetime
) -> None:
    assert (running(ended).runs, running(ended).last) == (runs, last)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ({}, {}, {}),
        ({"written": ""}, {}, {}),
        ({"written": ""}, {"written": ""}, {"written": ""}),
        ({"last_seen": STARTED + HOUR, "written": ""}, {}, {"last_seen": STARTED + HOUR}),
        ({"last_seen": STARTED + HOUR, "written": "late"}, {"written": "z"},
         {"last_seen": STARTED + HOUR, "written": "late"}),
        ({"written": "b"}, {"written": "a"}, {"written": "b"}),
        ({"first_seen": STARTED - HOUR}, {}, {"first_seen": STARTED - HOUR}),
        ({"ended": STARTED}, {}, {"ended": STARTED}),
        ({"ended": STARTED}, {"ended": STARTED + HOUR}, {"ended": STARTED + HOUR}),
    ],
)  # fmt: skip
def test_two_looks_at_one_workload_are_one_in_whatever_order(
    one: dict[str, object], other: dict[str, object], both: dict[str, object]
) -> None:
    first, second, merged = (replace(running(), **each) for each in (one, other, both))  # type: ignore[arg-type]
    assert first.merged(second) == second.merged(first) == merged


def test_a_look_counts_for_two_days() -> None:
    assert timedelta(days=2) == LOOK_COUNTS
