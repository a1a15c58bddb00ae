"""Whether the images that run are still there, and by which tags."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.ecr import ImageGone, RepositoryGone, call

_IMAGES = 100
"""Most images in one question (ECR API: DescribeImages, imageIds)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An image that is there; an `archived` one cannot be pulled."""

    tags: tuple[str, ...]
    archived: bool = False


class RunningInEcr:
    """The images that run, over boto3's ECR client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def standing(self, repository: str, digests: Collection[str]) -> dict[str, Standing]:
        """Those of the images that are there, by digest: one `DescribeImages` per 100 of them,
        and a few more for each that is gone, for ECR then answers for none."""
        asked = sorted(digests)
        found: dict[str, Standing] = {}
        for at in range(0, len(asked), _IMAGES):
            found |= self._some(repository, asked[at : at + _IMAGES])
        return found

    def _some(self, repository: str, digests: list[str]) -> dict[str, Standing]:
        try:
            answer = call(
                "DescribeImages",
                self._client.describe_images,
                repositoryName=repository,
                imageIds=[{"imageDigest": digest} for digest in digests],
                filter={"imageStatus": "ANY"},
            )
        except RepositoryGone:
            return {}
        except ImageGone:
            half = len(digests) // 2
            if half == 0:
                return {}
            return self._some(repository, digests[:half]) | self._some(repository, digests[half:])
        return dict(_read(answer["imageDetails"]))


def _read(details: Collection[Mapping[str, Any]]) -> Iterator[tuple[str, Standing]]:
    for each in details:
        archived = each.get("imageStatus", "ACTIVE") != "ACTIVE"
        yield each["imageDigest"], Standing(tuple(each.get("imageTags", ())), archived)
