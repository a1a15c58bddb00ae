"""The digests that a service of the local cloud keeps, whatever its tag names by now."""

from __future__ import annotations

import json
from typing import Any

from local.ministack_ecs import Deployments

CLUSTER = "arn:aws:ecs:eu-west-1:210987654321:cluster/prod"
SERVICE = "arn:aws:ecs:eu-west-1:210987654321:service/prod/web"


def task(deployment: str) -> dict[str, Any]:
    return {
        "clusterArn": CLUSTER,
        "_deployment_id": f"ecs-svc/{deployment}",
        "containers": [{"name": "app", "image": "host/base/redis:1.4"}],
    }


def test_later_tasks_of_a_deployment_have_the_digest_of_its_first() -> None:
    tags = {"host/base/redis:1.4": "sha256:old"}
    known = Deployments(tags.get)
    digests: list[Any] = []
    for deployment, now in (("1", "sha256:old"), ("1", "sha256:new"), ("2", "sha256:new")):
        tags["host/base/redis:1.4"] = now
        each = task(deployment)
        known.resolve(each, SERVICE)
        digests.append(each["containers"][0]["imageDigest"])
    assert digests == ["sha256:old", "sha256:old", "sha256:new"]
    asked = json.dumps({"services": [{"serviceArn": SERVICE}]}).encode()
    (service,) = json.loads(known.described((200, {}, asked))[2])["services"]
    (made,) = known.deployments([service["currentServiceDeployment"]])
    arns = [
        made["sourceServiceRevisions"][0]["arn"],
        made["targetServiceRevision"]["arn"],
    ]
    assert service["currentServiceRevisions"] == [{"arn": arns[1]}]
    images = [each["containerImages"][0]["imageDigest"] for each in known.revisions(arns)]
    assert images == ["sha256:old", "sha256:new"]


def test_an_image_of_another_registry_has_no_digest() -> None:
    alone = task("1")
    Deployments(lambda image: None).resolve(alone, None)
    assert alone["containers"][0]["imageDigest"] is None
