"""Whether the images that run are still there, and by which tags."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.ecr import RepositoryGone


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
        """Those of the images that are there, by digest."""
        from ecr_steward.ecr.images import EcrRegistry  # not where a function starts
        from ecr_steward.ecr.inventory import united

        try:
            there = EcrRegistry(self._client).details_there(repository, digests)
            return dict(_read(united(there)))
        except RepositoryGone:
            return {}


def _read(details: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Standing]]:
    for each in details:
        archived = each.get("imageStatus", "ACTIVE") != "ACTIVE"
        yield each["imageDigest"], Standing(tuple(each.get("imageTags", ())), archived)
