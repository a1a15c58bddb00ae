"""What a page tells beside the changes: controls, and the repositories that no rule matches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_steward.ecr import Refused, RepositoryGone, call
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward_cli.live.controls import Met, met
from ecr_steward_cli.live.faults import FAULTS
from ecr_steward_cli.live.look import DescribedImages, RepositoryContents
from ecr_steward_cli.rules_file.shown_scheme import SeenRepository

_DESCRIBED_AT_ONCE = 100
_SCANNING_AT_ONCE = 25
"""Most names in one call (ECR API: DescribeRepositories, BatchGetRepositoryScanningConfiguration).
"""

Spread = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""As `map`, several at a time perhaps."""


@dataclass(frozen=True, slots=True)
class Ungoverned:
    """A repository that no rule matches: its tags, and what it holds."""

    seen: SeenRepository
    contents: RepositoryContents


@dataclass
class Further:
    """What was found: controls by repository, ungoverned repositories, and what could not be read,
    each with the first error."""

    controls: Mapping[str, Met] = field(default_factory=dict)
    ungoverned: Sequence[Ungoverned] = ()
    faults: dict[str, Exception] = field(default_factory=dict)


def look_further(
    ecr: Any,
    names: Sequence[str],
    without_rule: Sequence[str],
    spread: Spread,
    heard: Callable[[int, int], None],
) -> Further:
    """Reads of all `names` what the controls are about, and the images of those without a rule.

    `heard` hears of how many repositories of how many it was read.
    """
    further = Further()
    reader = _Reader(ecr, further.faults)
    described = reader.described(names)
    frequencies = reader.frequencies(names)
    controls: dict[str, Met] = {}
    lifecycles = zip(names, spread(reader.has_lifecycle, names), strict=True)
    for number, (name, lifecycle) in enumerate(lifecycles, start=1):
        if name in described:
            controls[name] = met(described[name], frequencies.get(name), lifecycle=lifecycle)
        heard(number, len(names))
    further.controls = controls
    ungoverned = spread(reader.ungoverned, without_rule)
    further.ungoverned = [each for each in ungoverned if each is not None]
    return further


class _Reader:
    """Reads, and notes what cannot be read instead of ending."""

    def __init__(self, ecr: Any, faults: dict[str, Exception]) -> None:
        self._ecr = ecr
        self._faults = faults

    def described(self, names: Sequence[str]) -> dict[str, Any]:
        """What `DescribeRepositories` says, by name."""
        found = self._batches(
            "the settings of repositories", "DescribeRepositories",
            self._ecr.describe_repositories, names, _DESCRIBED_AT_ONCE,
        )  # fmt: skip
        return {each["repositoryName"]: each for page in found for each in page["repositories"]}

    def frequencies(self, names: Sequence[str]) -> dict[str, str]:
        """How often each repository is scanned, by name."""
        found = self._batches(
            "which repositories are scanned", "BatchGetRepositoryScanningConfiguration",
            self._ecr.batch_get_repository_scanning_configuration, names, _SCANNING_AT_ONCE,
        )  # fmt: skip
        return {
            each["repositoryName"]: each["scanFrequency"]
            for page in found
            for each in page["scanningConfigurations"]
            if "scanFrequency" in each
        }

    def _batches(
        self, what: str, operation: str, method: Any, names: Sequence[str], at_once: int
    ) -> Iterator[Any]:
        for start in range(0, len(names), at_once):
            some = list(names[start : start + at_once])
            try:
                yield call(operation, method, repositoryNames=some)
            except FAULTS as error:
                self._faults.setdefault(what, error)

    def has_lifecycle(self, name: str) -> bool | None:
        try:
            call("GetLifecyclePolicy", self._ecr.get_lifecycle_policy, repositoryName=name)
        except Refused as error:
            if error.code == "LifecyclePolicyNotFoundException":
                return False
            self._faults.setdefault("lifecycle policies", error)
        except RepositoryGone:
            return None
        except FAULTS as error:
            self._faults.setdefault("lifecycle policies", error)
        else:
            return True
        return None

    def ungoverned(self, name: str) -> Ungoverned | None:
        seen = DescribedImages(self._ecr)
        try:
            images = tuple(
                each for each in EcrRegistry(seen.client).describe_all(name) if each.tags
            )
            return Ungoverned(SeenRepository(name, images, with_digests=True), seen.contents(name))
        except RepositoryGone:
            return None
        except FAULTS as error:
            self._faults.setdefault(name, error)
            return None
