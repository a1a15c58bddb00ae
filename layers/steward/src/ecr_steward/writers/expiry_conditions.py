"""What must hold before an image may get an expiry tag, asked of ECR and of history."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.running import RunningImages
from ecr_steward.images import ImagesRule
from ecr_steward.images.keepers.within import PulledWithin
from ecr_steward.rules import Rule
from ecr_steward.settings import expiry_rule, policies
from ecr_steward.settings.kinds import Read
from ecr_steward.settings.state import SettingsError
from ecr_steward.words.running import source_at

_LIFECYCLE = Read("GetLifecyclePolicy", absent="LifecyclePolicyNotFoundException")
_REGISTRY = Read("DescribeRegistry", alone=True)
_EXCLUSIONS = Read("ListPullTimeUpdateExclusions", alone=True, pages="pullTimeUpdateExclusions")


class ExpiryConditions:
    """Says why no image of a repository may get an expiry tag now.

    `region` is the registry's. `sources` are where what runs is known from, `readers` the ARNs of
    the steward's roles that read manifests, which counts as a pull.
    """

    def __init__(
        self,
        *,
        registry: EcrSettings,
        region: str,
        running: RunningImages,
        sources: Collection[str],
        readers: Collection[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._registry = registry
        self._region = region
        self._running = running
        self._sources = sources
        self._readers = readers
        self._clock = clock

    def missing(self, repository: str, rule: Rule) -> list[str]:
        """What is missing, each as the rest of a sentence; empty where nothing is.

        Raises RegistryError where ECR does not say.
        """
        found = [*self._unknown(), *self._rule(repository), *self._replicas(repository)]
        keepers = ImagesRule.from_document(rule.images or {}).keepers
        if any(isinstance(each, PulledWithin) for each in keepers):
            found += self._pulls()
        return found

    def _unknown(self) -> Iterator[str]:
        if not self._sources:
            yield "the parameter RunningSources is empty, so nobody knows what runs"
        for each in self._running.unknown(self._sources, self._clock()):
            yield f"what `{each}` runs is not known, for no look at it was completed lately"

    def _rule(self, repository: str) -> Iterator[str]:
        answer = self._registry.read(_LIFECYCLE, repository, "")
        try:
            document = None if answer is None else policies.parse(answer["lifecyclePolicyText"])
        except SettingsError:
            document = None
        if not expiry_rule.holds(document):
            yield (
                "the repository's lifecycle policy has no rule for expiry tags yet, which "
                "SettingsMode enforce puts there"
            )

    def _replicas(self, repository: str) -> Iterator[str]:
        answer = self._registry.read(_REGISTRY, "", "") or {}
        rules = answer.get("replicationConfiguration", {}).get("rules", ())
        for account, region in sorted(set(_destinations(rules, repository))):
            source = source_at(account, region)
            looked_at = region == self._region and account in self._sources
            if not looked_at and source not in self._sources:
                yield (
                    f"the repository is replicated to {account} in {region}, and nobody knows what "
                    f"runs there: name {source} in RunningSources, and import what does"
                )

    def _pulls(self) -> Iterator[str]:
        answer = self._registry.read(_EXCLUSIONS, "", "") or {}
        excluded = set(answer.get("pullTimeUpdateExclusions", ()))
        for each in self._readers:
            if each not in excluded:
                yield (
                    f"`pulled_within` counts the steward's own pulls until {each} is among the "
                    "registry's pull-time exclusions"
                )


def _destinations(rules: Iterable[Mapping[str, Any]], repository: str) -> Iterator[tuple[str, str]]:
    """Where a repository's images are copied to: account and Region (ECR API:
    ReplicationRule; a rule without filters covers every repository)."""
    for rule in rules:
        prefixes = [each["filter"] for each in rule.get("repositoryFilters", ())]
        if not prefixes or repository.startswith(tuple(prefixes)):
            for each in rule["destinations"]:
                yield each["registryId"], each["region"]
