"""Tasks of ECS: their names, and the images that they were started from."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.words.tasks import OwnRegistry, images, is_of_service, task_name

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ONE, TWO = (f"sha256:{letter * 64}" for letter in "ab")
REGISTRY = OwnRegistry("123456789012", "eu-west-1", ("210987654321",))


@pytest.mark.parametrize(
    ("containers", "found"),
    [
        (None, []),
        (5, []),
        (["redis"], []),
        ([{}], []),
        ([{"image": f"{HOST}/redis:1", "imageDigest": ONE}],
         [("redis", ONE, f"{HOST}/redis:1")]),
        ([{"image": f"{HOST}/redis@{TWO}"}], [("redis", TWO, f"{HOST}/redis@{TWO}")]),
        ([{"image": f"{HOST}/redis@{TWO}", "imageDigest": ONE}],
         [("redis", ONE, f"{HOST}/redis@{TWO}")]),
        ([{"image": f"{HOST}/redis:1"}], []),
        ([{"image": f"{HOST}/redis:1", "imageDigest": "sha256:1"}], []),
        ([{"image": f"{HOST}/redis:1", "imageDigest": 5}], []),
        ([{"image": "public.ecr.aws/redis:1", "imageDigest": ONE},
          {"image": f"{HOST}/web:1", "imageDigest": TWO}],
         [("web", TWO, f"{HOST}/web:1")]),
    ],
)  # fmt: skip
def test_the_images_of_the_registry_are_those_that_a_digest_is_known_of(
    containers: Any, found: list[tuple[str, str, str]]
) -> None:
    assert list(images(containers, REGISTRY)) == found


CLUSTER = {"clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/prod"}
FAMILY = "arn:aws:ecs:eu-west-1:123456789012:task-definition/report:7"


@pytest.mark.parametrize(
    ("task", "name", "of_service"),
    [
        ({"group": "service:web"}, "prod/web", True),
        ({"group": "family:report", "taskDefinitionArn": FAMILY}, "prod/report", False),
        ({"taskDefinitionArn": FAMILY}, "prod/report", False),
    ],
)
def test_a_task_is_called_by_its_service_else_by_its_family(
    task: dict[str, Any], name: str, of_service: bool
) -> None:
    assert task_name(CLUSTER | task) == name
    assert is_of_service(task) is of_service


@pytest.mark.parametrize(
    ("account", "heard"),
    [("123456789012", True), ("210987654321", True), ("111111111111", False)],
)
def test_accounts_of_workloads_are_heard(account: str, heard: bool) -> None:
    assert REGISTRY.hears(account) is heard
