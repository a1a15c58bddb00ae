"""Drift: where a repository's settings differ from the baseline, and what puts them right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_steward.settings.baseline import Baseline, Settings
from ecr_steward.settings.kinds import Around, named
from ecr_steward.settings.state import SettingAction, SettingChange


def drift(baseline: Baseline, actual: Settings, around: Around) -> tuple[SettingChange, ...]:
    """Every difference between `actual` and `baseline`, as if the rule enforced."""
    return tuple(
        change
        for kind, wish in baseline.stated()
        for change in kind.drift(wish, actual.of(kind), around)
    )


@dataclass(frozen=True)
class Correction:
    """The values to set, complete, by the name of each setting that is to be set."""

    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sets(self) -> frozenset[str]:
        return frozenset(self.values)

    def applied(self, actual: Settings) -> Settings:
        """The settings once all of it is set."""
        return actual.but(self.values)


def correction(actual: Settings, changes: Sequence[SettingChange]) -> Correction:
    """What to set so that no change of `changes` is left to correct."""
    made = [each for each in changes if each.action is SettingAction.CORRECT]
    values = {}
    for name in dict.fromkeys(each.setting for each in made):
        kind = named(name)
        about = [each for each in made if each.setting == name]
        values[name] = kind.corrected(actual.of(kind), about)
    return Correction(values)
