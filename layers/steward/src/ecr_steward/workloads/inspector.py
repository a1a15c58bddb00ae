"""What Amazon Inspector knows to be in use: EKS pods and ECS tasks, where it scans continuously."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ecr_steward.words.running import INSPECTOR, Running
from ecr_steward.words.tasks import OwnRegistry

_IMAGE = re.compile(
    r"arn:[a-z-]+:ecr:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):repository/"
    r"(?P<repository>.+)/(?P<digest>sha256:[0-9a-f]{64})"
)
"""`resourceId` of an image (Amazon Inspector API: CoveredResource)."""


class InspectorWorkloads:
    """The images in use, over Inspector's client; it says that they are, not by whom."""

    def __init__(self, client: Any, registry: OwnRegistry) -> None:
        self._client = client
        self._registry = registry

    def look(self, now: datetime) -> Iterator[Running]:
        """Each image that is in use, as of when Inspector last saw that; it looks once a day."""
        criteria = {
            "resourceType": [{"comparison": "EQUALS", "value": "AWS_ECR_CONTAINER_IMAGE"}],
            "ecrImageInUseCount": [{"lowerInclusive": 1}],
        }
        pages = self._client.get_paginator("list_coverage").paginate(filterCriteria=criteria)
        for page in pages:
            for each in page["coveredResources"]:
                image = _IMAGE.fullmatch(each["resourceId"])
                ours = (self._registry.account, self._registry.region)
                if image is not None and (image["account"], image["region"]) == ours:
                    yield Running(
                        image["repository"], image["digest"], INSPECTOR,
                        f"inspector:{each['accountId']}", "", now, now,
                    )  # fmt: skip
