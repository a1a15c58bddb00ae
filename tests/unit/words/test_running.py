from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ecr_steward.words.running import Running

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
