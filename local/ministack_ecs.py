"""ECS as far as it says what runs, which ministack's does not: the digest of each image, the
revisions of services, and an event for each task that starts or stops.

Loaded by ministack_server.py, with ministack's own interpreter. Tasks have no containers here.
"""

from __future__ import annotations

import base64
import contextlib
import json
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Answer = tuple[int, Any, Any]
Operation = Callable[[dict[str, Any]], Answer]

DigestOf = Callable[[str], str | None]
"""The digest that an image as a task definition writes it has now; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of a service: `images` are its containers' names, images and digests."""

    service: str
    deployment: str
    images: tuple[Mapping[str, str], ...]

    @property
    def arn(self) -> str:
        return self.arn_of("service-revision")

    def arn_of(self, kind: str) -> str:
        """ARN of the revision, or of the deployment that made it."""
        return f"{self.service.replace(':service/', f':{kind}/')}/{self.deployment}"


class Deployments:
    """The revisions of services. The first task of one settles the digests of its images, and
    every later task has these (Amazon ECS Developer Guide: container image resolution)."""

    def __init__(self, digest_of: DigestOf) -> None:
        self._digest_of = digest_of
        self._revisions: dict[str, list[Revision]] = {}

    def resolve(self, task: dict[str, Any], service: str | None) -> None:
        """Give each container of a new task the digest of its image."""
        found = self._images(task["containers"])
        if service is not None:
            deployment = str(task.get("_deployment_id", "")).rpartition("/")[2]
            known = self._revisions.setdefault(service, [])
            if not any(each.deployment == deployment for each in known):
                known.append(Revision(service, deployment, found))
            found = next(each.images for each in known if each.deployment == deployment)
        digests = {each["containerName"]: each.get("imageDigest") for each in found}
        for container in task["containers"]:
            container["imageDigest"] = digests[container["name"]]

    def _images(self, containers: Iterable[Mapping[str, str]]) -> tuple[Mapping[str, str], ...]:
        found = []
        for each in containers:
            digest = self._digest_of(each["image"])
            known = {} if digest is None else {"imageDigest": digest}
            found.append({"containerName": each["name"], "image": each["image"], **known})
        return tuple(found)

    def described(self, answer: Answer) -> Answer:
        """What DescribeServices answers, with the revision and the deployment of each service."""
        status, headers, body = answer
        document = json.loads(body)
        for service in document.get("services", ()):
            if known := self._revisions.get(service["serviceArn"]):
                service["currentServiceRevisions"] = [{"arn": known[-1].arn}]
                service["currentServiceDeployment"] = known[-1].arn_of("service-deployment")
        return status, headers, json.dumps(document).encode()

    def deployments(self, arns: Iterable[str]) -> Iterator[dict[str, Any]]:
        """The deployments of these ARNs, from which revision they came and to which they led."""
        for known in self._revisions.values():
            for before, each in zip([None, *known], known, strict=False):
                if (arn := each.arn_of("service-deployment")) in set(arns):
                    sources = [] if before is None else [{"arn": before.arn}]
                    target = {"arn": each.arn}
                    yield {
                        "serviceDeploymentArn": arn,
                        "serviceArn": each.service,
                        "sourceServiceRevisions": sources,
                        "targetServiceRevision": target,
                    }

    def revisions(self, arns: Iterable[str]) -> Iterator[dict[str, Any]]:
        """The revisions of these ARNs."""
        for each in (one for known in self._revisions.values() for one in known):
            if each.arn in set(arns):
                yield {
                    "serviceRevisionArn": each.arn,
                    "serviceArn": each.service,
                    "containerImages": [dict(image) for image in each.images],
                }


def digest_in(registry: str, password: str) -> DigestOf:
    """Asks the local registry, as a container agent asks the image's own; a digest that is written
    needs no asking."""
    credentials = base64.b64encode(f"AWS:{password}".encode()).decode()

    def digest_of(image: str) -> str | None:
        name, _, digest = image.partition("@")
        if digest:
            return digest
        repository, colon, tag = name.partition("/")[2].partition(":")
        url = f"{registry}/v2/{repository}/manifests/{tag if colon else 'latest'}"
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310  # http on loopback
        request.add_header("Authorization", f"Basic {credentials}")
        with contextlib.suppress(OSError):
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request, timeout=10) as answer:
                return str(answer.headers["Docker-Content-Digest"])
        return None

    return digest_of


def install(ecs: Any, events: Any, answer: Callable[[Any], Answer], digest_of: DigestOf) -> None:
    """Put it into ministack's modules of ECS and EventBridge; `answer` makes theirs of JSON."""
    deployments = Deployments(digest_of)
    run, stopped, describe = ecs._run_task, ecs._mark_task_stopped, ecs._describe_services

    def tell(task: Mapping[str, Any]) -> None:
        entry = {
            "Source": "aws.ecs",
            "DetailType": "ECS Task State Change",
            "Detail": json.dumps(ecs._sanitize(task)),
            "Resources": [task["taskArn"]],
        }
        events._put_events({"Entries": [entry]}, allow_aws_source=True)

    def run_task(asked: dict[str, Any]) -> Answer:
        before = set(ecs._tasks)
        made: Answer = run(asked)
        for arn in [each for each in ecs._tasks if each not in before]:
            task = ecs._tasks[arn]
            deployments.resolve(task, _service_of(task))
            tell(task)
        return made

    def mark_stopped(arn: str, task: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        done = stopped(arn, task, *args, **kwargs)
        if done:
            tell(task)
        return done

    ecs._run_task, ecs._mark_task_stopped = run_task, mark_stopped
    ecs._ACTION_MAP |= {
        "RunTask": run_task,
        "DescribeServices": lambda asked: deployments.described(describe(asked)),
        "DescribeServiceDeployments": lambda asked: answer(
            {"serviceDeployments": list(deployments.deployments(asked["serviceDeploymentArns"]))}
        ),
        "DescribeServiceRevisions": lambda asked: answer(
            {"serviceRevisions": list(deployments.revisions(asked["serviceRevisionArns"]))}
        ),
    }


def _service_of(task: Mapping[str, Any]) -> str | None:
    """ARN of the service that a task is of."""
    kind, _, name = str(task.get("group", "")).partition(":")
    if kind != "service":
        return None
    return f"{task['clusterArn'].replace(':cluster/', ':service/')}/{name}"
