"""Settings of repositories as tests write them, and as they stand in a registry."""

from __future__ import annotations

from typing import Any

from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.settings.baseline import Settings
from ecr_steward.settings.kinds import DESCRIBED, KINDS, named
from ecr_steward.settings.registry import RegistrySettings
from ecr_steward.settings.registry_kinds import REGISTRY_KINDS
from ecr_steward.settings.state import Problem


def having(*, mutability: str = "MUTABLE", filters: Any = (), **given: Any) -> Settings:
    """The settings of a repository, by the keys that `ecr-steward drift` takes."""
    word = {"imageTagMutability": mutability, "imageTagMutabilityExclusionFilters": list(filters)}
    return Settings.from_document({"mutability": word, **given})


def shown(registry: EcrSettings, repository: str) -> dict[str, Any]:
    """What a repository of a registry has, by the name of each setting."""
    described = registry.describe(repository)
    found = {}
    for kind in KINDS:
        answer = (
            described.answer
            if kind.read == DESCRIBED
            else registry.read(kind.read, repository, described.arn)
        )
        found[kind.name] = kind.unset if answer is None else kind.from_answer(answer)
    return found


def put(registry: EcrSettings, repository: str, setting: str, given: Any, arn: str = "") -> None:
    """Set something, as `ecr-steward drift` takes it; None takes it away."""
    kind = named(setting)
    value = kind.unset if given is None else kind.from_given(given)
    parts = given.items() if setting == "resource_tags" else [(setting, given)]
    changes = [kind.change(Problem.DIFFERENT, None, each, "", subject=key) for key, each in parts]
    registry.send(kind.request(repository, arn, value, changes))


def of_registry(registry: EcrSettings) -> dict[str, Any]:
    """What a registry itself has, by the name of each setting."""
    found = {}
    for kind in REGISTRY_KINDS:
        printed = (registry.read(kind.read, "", "") or {}).get(kind.printed)
        found[kind.name] = kind.unset if printed is None else kind.from_answer(printed)
    return found


def registry_having(**found: Any) -> RegistrySettings:
    """The settings of a registry, by name."""
    return RegistrySettings(found)
