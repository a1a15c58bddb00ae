"""What a round over the images of a repository costs, and what the starts of tasks do."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bench.report import Row
from ecr_steward.history.running import RunningImages
from ecr_steward.words.running import Running
from tests.support.counted_table import CountedTable
from tests.support.retention_world import RetentionWorld
from tests.support.world import REPOSITORY

IMAGES = 100_000
SERVICES, TASKS = 1_000, 10_000
ECR_CALL = 0.06
"""Seconds that ECR takes for a read."""

_PAGE, _BATCH = 1_000, 100
_INDEX = 10
"""So many images come with one index over two of them."""
_OTHERS = 3
"""The lifecycle policy, the replication, and one call more where a page is full."""
_LONGEST = 300
_GROUP = "retention"


def measure(images: int, progress: Callable[[str], None]) -> list[Row]:
    """The rows of the report."""
    progress(f"a round over {images:,} images")
    world = _filled(images)
    world.look()
    world.ecr.calls.clear()
    began = time.perf_counter()
    world.round()
    seconds = time.perf_counter() - began
    calls = sum(world.ecr.calls.values())
    most = -(-images // _PAGE) + -(-images // _INDEX // _BATCH) + _OTHERS
    whole = calls * ECR_CALL + seconds
    what = f"a round over {images:,} images, a tenth of them indexes"
    return [
        Row(_GROUP, what, calls, "ECR calls", goal=f"≤ {most:,}", met=calls <= most),
        Row(_GROUP, "the same, at 60 ms a call", whole, "s", goal=f"≤ {_LONGEST}",
            met=whole <= _LONGEST),
        _starts(progress),
    ]  # fmt: skip


def _filled(images: int) -> RetentionWorld:
    world = RetentionWorld()
    for i in range(images // _INDEX):
        for n in range(_INDEX - 3):
            world.push(f"build-{i}-{n}", f"{i}-{n}")
        world.push_index(f"index-{i}", f"{i}-amd64", f"{i}-arm64")
        world.events.clear()
    world.wait(30)
    return world


def _starts(progress: Callable[[str], None]) -> Row:
    """How often the history is written for the events of many tasks that start within minutes."""
    progress(f"{TASKS:,} tasks of {SERVICES:,} services")
    table, now = CountedTable(), datetime(2026, 11, 23, tzinfo=UTC)
    images = RunningImages(table, timedelta(days=7))
    for n in range(TASKS):
        service, at = f"ecs:prod/{n % SERVICES}", now + timedelta(milliseconds=30 * n)
        digest = f"sha256:{n % SERVICES:064x}"
        images.saw([Running(REPOSITORY, digest, "ecs", service, "", at, at)])
    writes = len(list(table.query("running")))
    what = f"{TASKS:,} tasks of {SERVICES:,} services start"
    return Row(_GROUP, what, writes, "records", goal=f"≤ {SERVICES:,}", met=writes <= SERVICES)
