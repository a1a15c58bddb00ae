"""Tasks of ECS: what they are called, and which images of the registry they were started from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.words.image_uris import image_in
from ecr_steward.words.reading import text

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class OwnRegistry:
    """The registry whose images matter: `accounts` are those of workloads beside its own."""

    account: str
    region: str
    accounts: tuple[str, ...] = ()

    def hears(self, account: str) -> bool:
        return account == self.account or account in self.accounts


def images(containers: Any, registry: OwnRegistry) -> Iterator[tuple[str, str, str]]:
    """Repository, digest and image as written of the containers that have an image of the
    registry's; a managed sidecar has none, and one that never pulled has no digest."""
    for each in containers if isinstance(containers, Iterable) else ():
        written = each.get("image") if isinstance(each, Mapping) else None
        image = image_in(written, registry.account, registry.region)
        if image is None:
            continue
        digest = each.get("imageDigest") or image.digest
        if isinstance(digest, str) and _DIGEST.fullmatch(digest):
            yield image.repository, digest, str(written)


def task_name(task: Mapping[str, Any]) -> str:
    """`CLUSTER/SERVICE` of a service's task, else `CLUSTER/FAMILY` of its task definition."""
    cluster = text(task, "clusterArn").rpartition("/")[2]
    if is_of_service(task):
        return f"{cluster}/{str(task['group']).removeprefix('service:')}"
    family = text(task, "taskDefinitionArn").rpartition("/")[2].rpartition(":")[0]
    return f"{cluster}/{family}"


def is_of_service(task: Mapping[str, Any]) -> bool:
    return str(task.get("group", "")).startswith("service:")
