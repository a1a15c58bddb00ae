"""What ECS runs, and would start again: its tasks, and the revisions of its services."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ecr_steward.words.running import ECS, Running, source_of, workload_of
from ecr_steward.words.tasks import OwnRegistry, images, is_of_service, task_name

_SERVICES = 10
"""Most services in one question (ECS API: DescribeServices)."""
_REVISIONS = 20
"""Most revisions, or deployments, in one question (ECS API: DescribeServiceRevisions)."""
_TASKS = 100
"""Most tasks in one question (ECS API: DescribeTasks)."""


class EcsWorkloads:
    """The workloads of one account's ECS in one Region, over its client."""

    def __init__(self, client: Any, account: str, registry: OwnRegistry) -> None:
        self._client = client
        self._registry = registry
        self._source = source_of(ECS, account, registry.account)
        self._account = account

    def look(self, now: datetime) -> Iterator[Running]:
        """Every workload with each image that it runs or would be started from, as of `now`.

        A service has its current revisions and the one before, to which a rollback goes: these
        have digests also where no task runs.
        """
        for cluster in self._all("list_clusters", "clusterArns"):
            yield from self._services(cluster, now)
            yield from self._tasks(cluster, now)

    def _services(self, cluster: str, now: datetime) -> Iterator[Running]:
        arns = self._all("list_services", "serviceArns", cluster=cluster)
        for some in _portions(arns, _SERVICES):
            asked = self._client.describe_services(cluster=cluster, services=some)
            revisions = set(self._revisions(asked["services"]))
            for part in _portions(sorted(revisions), _REVISIONS):
                answer = self._client.describe_service_revisions(serviceRevisionArns=part)
                for each in answer["serviceRevisions"]:
                    name = "/".join(each["serviceArn"].split("/")[-2:])
                    if each["serviceArn"].count("/") < 2:  # an ARN of before 2018 has no cluster
                        name = f"{cluster.rpartition('/')[2]}/{name.rpartition('/')[2]}"
                    yield from self._records(name, each.get("containerImages"), now)

    def _revisions(self, services: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        deployments: list[str] = []
        for service in services:
            yield from (each["arn"] for each in service.get("currentServiceRevisions", ()))
            deployments += filter(None, [service.get("currentServiceDeployment")])
        for some in _portions(deployments, _REVISIONS):
            answer = self._client.describe_service_deployments(serviceDeploymentArns=some)
            for each in answer["serviceDeployments"]:
                yield from (source["arn"] for source in each.get("sourceServiceRevisions", ()))
                if "targetServiceRevision" in each:
                    yield each["targetServiceRevision"]["arn"]

    def _tasks(self, cluster: str, now: datetime) -> Iterator[Running]:
        for some in _portions(self._all("list_tasks", "taskArns", cluster=cluster), _TASKS):
            for task in self._client.describe_tasks(cluster=cluster, tasks=some)["tasks"]:
                if is_of_service(task) or task.get("lastStatus") != "STOPPED":
                    yield from self._records(task_name(task), task.get("containers"), now)

    def _records(self, name: str, containers: Any, now: datetime) -> Iterator[Running]:
        workload = workload_of(ECS, self._account, self._registry.account, name)
        for repository, digest, written in images(containers, self._registry):
            yield Running(repository, digest, self._source, workload, written, now, now)

    def _all(self, operation: str, key: str, **asked: Any) -> Iterator[str]:
        for page in self._client.get_paginator(operation).paginate(**asked):
            yield from page[key]


def _portions(items: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(items)
    while some := list(itertools.islice(rest, size)):
        yield some
