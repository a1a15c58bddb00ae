"""What a round over the images of a repository costs, and what the starts of tasks do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from bench.report import Row
from ecr_steward.history.running import RunningImages
from ecr_steward.words.running import Running
from ecr_steward.words.tasks import OwnRegistry
from ecr_steward.workloads.ecs import EcsWorkloads
from ecr_steward.writers.retention import MANIFESTS_PER_VISIT
from tests.support.counted_table import CountedTable
from tests.support.retention_world import ACCOUNT, REGION, RetentionWorld
from tests.support.world import BEGINNING, REPOSITORY

IMAGES = 100_000
SERVICES, TASKS, CLUSTERS = 1_000, 10_000, 10
ECS_RATE = 20
"""Calls a second that ECS refills for each kind of read (Amazon ECS API: request throttling)."""
ECR_CALL = 0.06
"""Seconds that ECR takes for a read."""

_PAGE, _BATCH = 1_000, 100
_INDEX = 10
"""So many images come with one index over two of them."""
_OTHERS = 3
"""The lifecycle policy, the replication, and one call more where a page is full."""
_LISTED = 100
"""Most ARNs in one page of a list of ECS."""
_CONTAINER = {
    "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:1.4",
    "imageDigest": f"sha256:{'0' * 64}",
}
_LONGEST = 300
_GROUP = "retention"


def measure(images: int, progress: Callable[[str], None]) -> list[Row]:
    """The rows of the report."""
    progress(f"rounds over {images:,} images")
    world = _filled(images)
    world.look()
    pages, manifests = -(-images // _PAGE), -(-images // _INDEX // _BATCH)
    visits = -(-images // _INDEX // MANIFESTS_PER_VISIT)
    what = f"a first round over {images:,} images, a tenth of them indexes"
    first, seconds = _round(world)
    again, _ = _round(world)
    whole = first * ECR_CALL + seconds
    return [
        _within(what, first, "ECR calls", visits * pages + manifests + _OTHERS),
        Row(_GROUP, f"the same, at 60 ms a call, in {visits} visits", whole, "s",
            goal=f"≤ {_LONGEST}", met=whole <= _LONGEST),
        _within("each round after it, once in RetentionDays", again, "ECR calls", pages + _OTHERS),
        _starts(progress),
        *_look(progress),
    ]  # fmt: skip


def _within(what: str, value: float, unit: str, most: int) -> Row:
    return Row(_GROUP, what, value, unit, goal=f"≤ {most:,}", met=value <= most)


def _round(world: RetentionWorld) -> tuple[int, float]:
    """The calls of a round, and its seconds without those of ECR."""
    world.ecr.calls.clear()
    began = time.perf_counter()
    world.round()
    return sum(world.ecr.calls.values()), time.perf_counter() - began


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
    return _within(f"{TASKS:,} tasks of {SERVICES:,} services start", writes, "records", SERVICES)


class _Ecs:
    """ECS with services and tasks in several clusters, in pages as its API has them."""

    def __init__(self) -> None:
        self.calls = 0

    def get_paginator(self, operation: str) -> Any:
        many = {"list_clusters": CLUSTERS, "list_services": SERVICES, "list_tasks": TASKS}
        key = {"list_clusters": "cluster", "list_services": "service", "list_tasks": "task"}
        each = many[operation] if operation == "list_clusters" else many[operation] // CLUSTERS
        name = key[operation]
        return SimpleNamespace(paginate=lambda **asked: self._pages(f"{name}Arns", name, each))

    def _pages(self, key: str, name: str, count: int) -> Iterator[Any]:
        for start in range(0, count, _LISTED):
            self.calls += 1
            yield {key: [f"arn:aws:ecs::1:{name}/{n}" for n in range(start, count)[:_LISTED]]}

    def describe_services(self, cluster: str, services: list[str]) -> Any:
        self.calls += 1
        found = [
            {
                "currentServiceRevisions": [{"arn": f"{cluster}/{each}/2"}],
                "currentServiceDeployment": f"{cluster}/{each}",
            }
            for each in services
        ]
        return {"services": found}

    def describe_service_deployments(self, serviceDeploymentArns: list[str]) -> Any:  # noqa: N803
        self.calls += 1
        return {
            "serviceDeployments": [
                {"sourceServiceRevisions": [{"arn": f"{arn}/1"}]} for arn in serviceDeploymentArns
            ]
        }

    def describe_service_revisions(self, serviceRevisionArns: list[str]) -> Any:  # noqa: N803
        self.calls += 1
        return {
            "serviceRevisions": [
                {"serviceArn": arn.rpartition("/")[0], "containerImages": [_CONTAINER]}
                for arn in serviceRevisionArns
            ]
        }

    def describe_tasks(self, cluster: str, tasks: list[str]) -> Any:
        self.calls += 1
        task = {"clusterArn": cluster, "group": "service:web", "containers": [_CONTAINER]}
        return {"tasks": [task for _ in tasks]}


def _look(progress: Callable[[str], None]) -> Iterator[Row]:
    """The daily look: how often ECS is asked, and how long that takes at its steady rate."""
    progress(f"a look at {SERVICES:,} services and {TASKS:,} tasks")
    ecs = _Ecs()
    found = list(EcsWorkloads(ecs, ACCOUNT, OwnRegistry(ACCOUNT, REGION)).look(BEGINNING))
    clusters = f"{SERVICES:,} services and {TASKS:,} tasks in {CLUSTERS} clusters"
    yield _within(f"the daily look at {clusters}", ecs.calls, "ECS calls", 1_000)
    met = len(found) == 2 * SERVICES + TASKS
    yield Row(_GROUP, "what it finds", len(found), "sights of an image", goal="all", met=met)
    seconds = ecs.calls / ECS_RATE
    yield _within("the same, at the 20 calls a second that ECS refills", seconds, "s", 60)
