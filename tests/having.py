"""Settings of repositories as tests write them, and as they stand in a registry."""

from __future__ import annotations

from typing import Any

from ecr_steward.ecr.settings import SettingsRegistry
from ecr_steward.settings.baseline import Settings
from ecr_steward.settings.kinds import DESCRIBED, KINDS, named
from ecr_steward.settings.state import Problem


def having(*, mutability: str = "MUTABLE", filters: Any = (), **given: Any) -> Settings:
    """The settings of a repository, by the keys that `ecr-steward drift` takes."""
    word = {"imageTagMutability": mutability, "imageTagMutabilityExclusionFilters": list(filters)}
    return Settings.from_document({"mutability": word, **given})


def shown(registry: SettingsRegistry, repository: str) -> dict[str, Any]:
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


def put(
    registry: SettingsRegistry, repository: str, setting: str, given: Any, arn: str = ""
) -> None:
    """Set something, as `ecr-steward drift` takes it; None takes it away."""
    kind = named(setting)
    value = kind.unset if given is None else kind.from_given(given)
    parts = given.items() if setting == "resource_tags" else [(setting, given)]
    changes = [kind.change(Problem.DIFFERENT, None, each, "", subject=key) for key, each in parts]
    registry.send(kind.request(repository, arn, value, changes))
