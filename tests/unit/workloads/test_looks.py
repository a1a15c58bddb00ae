"""Looks at ECS, Lambda and Inspector, over clients that answer as botocore's models say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.history.running import RunningImages
from ecr_steward.words.running import Running
from ecr_steward.words.tasks import OwnRegistry
from ecr_steward.workloads.looks import Look, LookFailed, look_at, looks_of
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.facts import NEW, OLD

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
REGISTRY = OwnRegistry("123456789012", "eu-west-1", ("210987654321",))
ARN = "arn:aws:ecs:eu-west-1:123456789012"


class Ecs:
    """One cluster with a service of which no task runs, and a task of no service."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def get_paginator(self, operation: str) -> Any:
        self.calls.append(operation)
        pages = {
            "list_clusters": {"clusterArns": [f"{ARN}:cluster/prod"]},
            "list_services": {"serviceArns": [f"{ARN}:service/prod/payments"]},
            "list_tasks": {"taskArns": [f"{ARN}:task/prod/1"]},
        }
        return Pages(pages[operation])

    def describe_services(self, cluster: str, services: list[str]) -> Any:
        current = {"arn": "revision-2", "runningTaskCount": 0}
        service = {"currentServiceRevisions": [current], "currentServiceDeployment": "deployment"}
        return {"services": [service]}

    def describe_service_deployments(self, serviceDeploymentArns: list[str]) -> Any:  # noqa: N803
        target, source = {"arn": "revision-2"}, {"arn": "revision-1"}
        each = {"targetServiceRevision": target, "sourceServiceRevisions": [source]}
        return {"serviceDeployments": [each]}

    def describe_service_revisions(self, serviceRevisionArns: list[str]) -> Any:  # noqa: N803
        digests = {"revision-1": OLD, "revision-2": NEW}
        return {
            "serviceRevisions": [
                {
                    "serviceArn": f"{ARN}:service/prod/payments",
                    "containerImages": [
                        {"image": f"{HOST}/base/redis:1.4", "imageDigest": digests[arn]}
                    ],
                }
                for arn in serviceRevisionArns
            ]
        }

    def describe_tasks(self, cluster: str, tasks: list[str]) -> Any:
        task = {
            "clusterArn": cluster,
            "taskDefinitionArn": f"{ARN}:task-definition/nightly:7",
            "group": "family:nightly",
            "lastStatus": "RUNNING",
            "containers": [{"image": f"{HOST}/base/redis:1.3", "imageDigest": OLD}],
        }
        return {"tasks": [task]}


class Pages:
    def __init__(self, page: Any) -> None:
        self._page = page

    def paginate(self, **asked: Any) -> Iterator[Any]:
        return iter([self._page])


class Lambda:
    class exceptions:  # noqa: N801
        class ResourceNotFoundException(Exception):
            pass

    def get_paginator(self, operation: str) -> Any:
        found = [
            {"FunctionName": "resize", "Version": "$LATEST", "PackageType": "Image"},
            {"FunctionName": "resize", "Version": "3", "PackageType": "Image"},
            {"FunctionName": "gone", "Version": "$LATEST", "PackageType": "Image"},
            {"FunctionName": "zipped", "Version": "$LATEST", "PackageType": "Zip"},
        ]
        return Pages({"Functions": found})

    def get_function(self, FunctionName: str, Qualifier: str) -> Any:  # noqa: N803
        if FunctionName == "gone":
            raise self.exceptions.ResourceNotFoundException
        digest = NEW if Qualifier == "$LATEST" else OLD
        uri = f"{HOST}/base/redis"
        return {"Code": {"ImageUri": f"{uri}:1.4", "ResolvedImageUri": f"{uri}@{digest}"}}


class Inspector:
    def get_paginator(self, operation: str) -> Any:
        def covered(account: str, name: str) -> dict[str, Any]:
            arn = f"arn:aws:ecr:eu-west-1:{account}:repository/{name}/{NEW}"
            return {"resourceId": arn, "accountId": account}

        ours, theirs = covered("123456789012", "team/redis"), covered("345678901234", "redis")
        return Pages({"coveredResources": [ours, theirs]})


CLIENTS = {"ecs": Ecs, "lambda": Lambda, "inspector2": Inspector}


def looks(*sources: str) -> dict[str, Look]:
    def client(service: str) -> Any:
        return CLIENTS[service]()

    return looks_of(sources, REGISTRY, client, lambda account, service: client(service))


def seen(look: Look) -> set[tuple[str, str]]:
    return {(each.workload, each.digest) for each in look(NOON)}


def test_a_service_needs_its_revision_and_the_one_before_with_no_task_running() -> None:
    assert seen(looks("ecs")["ecs"]) == {
        ("ecs:prod/payments", NEW),
        ("ecs:prod/payments", OLD),
        ("ecs:prod/nightly", OLD),
    }


def test_a_function_and_its_versions_need_their_images() -> None:
    assert seen(looks("lambda")["lambda"]) == {("lambda:resize", NEW), ("lambda:resize:3", OLD)}


def test_inspector_speaks_for_the_images_of_this_registry() -> None:
    (record,) = looks("inspector")["inspector"](NOON)
    assert (record.repository, record.digest) == ("team/redis", NEW)


def test_another_account_is_one_source_with_all_its_workloads() -> None:
    assert seen(looks("ecs", "lambda")["210987654321"]) == {
        ("ecs:210987654321/prod/payments", NEW),
        ("ecs:210987654321/prod/payments", OLD),
        ("ecs:210987654321/prod/nightly", OLD),
        ("lambda:210987654321/resize", NEW),
        ("lambda:210987654321/resize:3", OLD),
    }


def test_another_account_of_which_nothing_is_looked_at_is_not_known() -> None:
    assert looks("inspector").keys() == {"inspector"}
    assert looks("lambda").keys() == {"lambda", "210987654321"}


def test_a_source_that_cannot_be_seen_whole_ends_nothing_and_costs_no_other() -> None:
    images = RunningImages(MemoryTable(), timedelta(days=7))
    before = NOON - timedelta(days=1)
    images.saw([Running("redis", OLD, "ecs", "ecs:prod/web", "", before, before)])

    def denied(now: datetime) -> Iterator[Running]:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "ListClusters")

    with pytest.raises(LookFailed, match="not known of ecs:"):
        look_at({"ecs": denied, **looks("lambda")}, images, lambda: NOON)
    assert [each.runs for each in images.all("redis")] == [True]
    assert images.unknown(["ecs", "lambda"], NOON) == ["ecs"]


def test_what_a_look_no_longer_finds_has_ended() -> None:
    images = RunningImages(MemoryTable(), timedelta(days=7))
    look_at(looks("lambda"), images, lambda: NOON)
    look_at({"lambda": lambda now: []}, images, lambda: NOON + timedelta(days=1))
    assert {each.runs for each in images.all() if each.source == "lambda"} == {False}
