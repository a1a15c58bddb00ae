"""The images of a repository that what runs needs, and how a lifecycle policy sees them.

While an index is there ECR takes nothing that it lists (ECR User Guide: Lifecycle policy evaluation
rules). So of a child that runs its index decides, which is needed as much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ecr_steward.history.running import RunningImages
from ecr_steward.history.table import Table
from ecr_steward.settings.lifecycle import TaggedRunning

Detail = Mapping[str, Any]
Workloads = Mapping[str, Sequence[str]]
Names = dict[str, None]
"""The names of workloads, each once, in order."""


class NeededImages:
    """What history and ECR know of it; `grace` is how long a workload that ended counts.

    `client` makes boto3's ECR client, `clock` tells the time (UTC). Nothing that is asked of ECR is
    a pull: what indexes list is known as far as rounds over images have read them.
    """

    def __init__(
        self,
        table: Table,
        grace: timedelta,
        client: Callable[[], Any],
        clock: Callable[[], datetime],
    ) -> None:
        self._table = table
        self._running = RunningImages(table, grace)
        self._client = client
        self._clock = clock

    def workloads(self, repository: str) -> Workloads:
        """By digest the workloads that need an image, or a child that it is known to list."""
        running = self._running.workloads(repository, self._clock())
        return _with_indexes(running, self._children(repository)) if running else {}

    def tagged(self, repository: str, workloads: Workloads) -> list[TaggedRunning]:
        """Those of these images that are there and for themselves, with all their tags; raises
        RegistryError.

        An image without a tag may be a child of each index that no round has read: these count,
        too.
        """
        from ecr_steward.ecr.images import EcrRegistry
        from ecr_steward.ecr.inventory import indexes, united

        registry, children = EcrRegistry(self._client()), self._children(repository)
        details = _by_digest(united(registry.details_there(repository, workloads)))
        listed = {child for digest in details for child in children.get(digest, ())}
        needs: dict[str, Names] = {
            digest: dict.fromkeys(workloads[digest])
            for digest, each in details.items()
            if _tags(each) or digest not in listed
        }
        sure = {*needs}
        bare = [d for d in needs if not _tags(details[d]) and not indexes([details[d]])]
        if bare:
            details = _by_digest(united(registry.details_of_all(repository))) | details
            theirs = {name: None for digest in bare for name in needs[digest]}
            for index in sorted(set(indexes(details.values())) - children.keys()):
                needs[index] = needs.get(index, {}) | theirs
        return [
            replace(_tagged(details[digest], names), perhaps=digest not in sure)
            for digest, names in needs.items()
        ]

    def _children(self, repository: str) -> Mapping[str, Sequence[str]]:
        # Most starts of a function never come here.
        from ecr_steward.history.expiries import Expiries

        return Expiries(self._table).children(repository)


def _with_indexes(running: Workloads, children: Mapping[str, Sequence[str]]) -> Workloads:
    above: dict[str, list[str]] = {}
    for index, some in children.items():
        for child in some:
            above.setdefault(child, []).append(index)
    found = {digest: dict.fromkeys(names) for digest, names in running.items()}
    for digest, names in running.items():
        for index in _reached(digest, above):
            found.setdefault(index, {}).update(dict.fromkeys(names))
    return {digest: list(names) for digest, names in found.items()}


def _reached(digest: str, above: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Every index that lists an image, directly or through another: no image lists itself, for its
    digest is made of what it lists."""
    for index in above.get(digest, ()):
        yield index
        yield from _reached(index, above)


def _by_digest(details: Iterable[Detail]) -> dict[str, Detail]:
    return {each["imageDigest"]: each for each in details}


def _tags(detail: Detail) -> tuple[str, ...]:
    return tuple(detail.get("imageTags", ()))


def _tagged(detail: Detail, workloads: Iterable[str]) -> TaggedRunning:
    from ecr_steward.images.state import ARCHIVED

    archived = detail.get("imageStatus") in ARCHIVED
    return TaggedRunning(detail["imageDigest"], _tags(detail), tuple(workloads), archived)
