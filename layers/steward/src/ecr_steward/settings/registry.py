"""Settings of the registry itself: what the rules say of them, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecr_steward.settings.kinds import Around
from ecr_steward.settings.registry_kinds import REGISTRY_KINDS, Governs, RegistryKind
from ecr_steward.settings.state import BaselineError, SettingChange, SettingsError


@dataclass(frozen=True)
class RegistrySettings:
    """What the registry has, by the name of each setting."""

    found: Mapping[str, Any] = field(default_factory=dict)

    def of(self, kind: RegistryKind[Any, Any]) -> Any:
        return self.found.get(kind.name, kind.unset)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RegistrySettings:
        """From what the AWS CLI prints, by the keys of the rules; raises SettingsError."""
        known = {kind.name: kind for kind in REGISTRY_KINDS}
        for key in document:
            if key not in known:
                there = ", ".join(known)
                raise SettingsError(f"`registry.{key}` is no field; there are {there}.")
        try:
            return cls(
                {
                    key: known[key].from_answer(_printed(value, known[key].printed))
                    for key, value in document.items()
                    if value is not None
                }
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise SettingsError(f"`registry` is not as the AWS CLI prints it: {error}.") from error


def _printed(value: Any, key: str) -> Any:
    """What the AWS CLI prints under a key, with or without what it puts around."""
    return value[key] if isinstance(value, Mapping) and key in value else value


@dataclass(frozen=True)
class RegistryBaseline:
    """What `registry:` says, by the name of each setting that it says something of."""

    wishes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_document(cls, registry: Mapping[str, Any], governs: Governs) -> RegistryBaseline:
        """Build it from the mapping under `registry:`; raises BaselineError."""
        wishes = {}
        for kind in REGISTRY_KINDS:
            if kind.name in registry:
                try:
                    wishes[kind.name] = kind.wish(registry[kind.name], governs)
                except BaselineError as error:
                    raise BaselineError(str(error), (kind.name, *error.path)) from error
        return cls(wishes)

    def stated(self) -> Iterator[tuple[RegistryKind[Any, Any], Any]]:
        """Each setting that it says something of, and what."""
        return ((k, self.wishes[k.name]) for k in REGISTRY_KINDS if k.name in self.wishes)


_NOTHING_ELSE = Around()


def registry_drift(
    baseline: RegistryBaseline, actual: RegistrySettings, around: Around = _NOTHING_ELSE
) -> tuple[SettingChange, ...]:
    """Every difference of the registry's own settings, as if the rules enforced."""
    return tuple(
        change
        for kind, wish in baseline.stated()
        for change in kind.drift(wish, actual.of(kind), around)
    )
