"""How the registry scans images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_steward.settings.kinds import Around, EcrRequest, Read
from ecr_steward.settings.registry_kinds.kind import Governs, RegistryKind
from ecr_steward.settings.state import BaselineError, Problem, SettingAction, SettingChange

FREQUENCIES: Mapping[str, tuple[str, ...]] = {
    "BASIC": ("SCAN_ON_PUSH", "MANUAL"),
    "ENHANCED": ("SCAN_ON_PUSH", "CONTINUOUS_SCAN"),
}
_FILTER = re.compile(r"(?=.{1,255}\Z)[a-z0-9*]+(?:[._/-][a-z0-9*]+)*")
MOST_FILTERS = 100
"""ECR API: RegistryScanningRule, ScanningRepositoryFilter."""


@dataclass(frozen=True, slots=True)
class Scanning:
    """How images are scanned: by frequency, the globs of the repositories it holds for."""

    type: str
    rules: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def to_request(self) -> dict[str, Any]:
        """The arguments of `PutRegistryScanningConfiguration`."""
        rules = [
            {
                "scanFrequency": frequency,
                "repositoryFilters": [
                    {"filter": each, "filterType": "WILDCARD"} for each in sorted(filters)
                ],
            }
            for frequency, filters in sorted(self.rules.items())
        ]
        return {"scanType": self.type, "rules": rules}

    @classmethod
    def from_response(cls, configuration: Mapping[str, Any]) -> Scanning:
        """From `scanningConfiguration` of `GetRegistryScanningConfiguration`."""
        rules: dict[str, frozenset[str]] = {}
        for each in configuration.get("rules", ()):
            filters = frozenset(str(entry["filter"]) for entry in each.get("repositoryFilters", ()))
            frequency = str(each["scanFrequency"])
            rules[frequency] = rules.get(frequency, frozenset()) | filters
        return cls(configuration.get("scanType", "BASIC"), rules)


SCHEMA: Mapping[str, Any] = {
    "title": "Scanning",
    "description": "How the registry scans images.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "type": {
            "title": "Scan type",
            "description": "`BASIC` is ECR's own scanning, `ENHANCED` that of Amazon Inspector.",
            "enum": ["BASIC", "ENHANCED"],
            "default": "BASIC",
            "examples": ["BASIC", "ENHANCED"],
        },
        "rules": {
            "title": "Scanning rules",
            "description": "At most one rule for each frequency.",
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["frequency", "filters"],
                "properties": {
                    "frequency": {
                        "title": "Frequency",
                        "description": (
                            "When images are scanned. `CONTINUOUS_SCAN` needs type "
                            "`ENHANCED`, `MANUAL` type `BASIC`."
                        ),
                        "enum": ["SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"],
                        "examples": ["SCAN_ON_PUSH"],
                    },
                    "filters": {
                        "title": "Filters",
                        "description": "Globs of repositories.",
                        "type": "array",
                        "uniqueItems": True,
                        "items": {
                            "type": "string",
                        },
                        "examples": [["*"], ["base/*"]],
                    },
                },
            },
            "default": [],
            "examples": [
                [
                    {
                        "frequency": "SCAN_ON_PUSH",
                        "filters": ["*"],
                    },
                ],
            ],
        },
    },
    "examples": [
        {
            "type": "BASIC",
            "rules": [
                {
                    "frequency": "SCAN_ON_PUSH",
                    "filters": ["*"],
                },
            ],
        },
    ],
}


class RegistryScanning(RegistryKind[Scanning, Scanning]):
    name = "scanning"
    schema = SCHEMA
    read = Read("GetRegistryScanningConfiguration", alone=True)
    printed = "scanningConfiguration"
    unset = Scanning("BASIC")

    def wish(self, stated: Any, governs: Governs) -> Scanning:
        return _scanning(stated)

    def from_answer(self, answer: Any) -> Scanning:
        return Scanning.from_response(answer)

    def drift(self, wish: Scanning, found: Scanning, around: Around) -> Iterator[SettingChange]:
        return _scanning_drift(wish, found)

    def requests(self, found: Scanning, changes: Sequence[SettingChange]) -> Iterator[EcrRequest]:
        yield EcrRequest("PutRegistryScanningConfiguration", changes[0].after)


def _scanning_drift(wanted: Scanning, found: Scanning) -> Iterator[SettingChange]:
    if wanted != found:
        yield SettingChange(
            setting="scanning",
            problem=Problem.DIFFERENT,
            subject="scanning",
            action=SettingAction.CORRECT,
            before=found.to_request(),
            after=wanted.to_request(),
            reason=f"The registry's scanning is {_words(found)}, where the rules have "
            f"{_words(wanted)}.",
        )


def _words(scanning: Scanning) -> str:
    rules = "; ".join(
        f"{frequency} for {', '.join(sorted(filters))}"
        for frequency, filters in sorted(scanning.rules.items())
    )
    return f"{scanning.type} ({rules or 'of no repository'})"


def _scanning(value: Mapping[str, Any]) -> Scanning:
    kind = value.get("type", "BASIC")
    rules: dict[str, frozenset[str]] = {}
    for i, rule in enumerate(value.get("rules", ())):
        path = ("rules", i)
        frequency = rule.get("frequency")
        if frequency not in FREQUENCIES.get(kind, ()):
            known = ", ".join(FREQUENCIES.get(kind, ()))
            raise BaselineError(
                f"With scanning of type {kind} a frequency is one of {known}; it is `{frequency}`.",
                (*path, "frequency"),
            )
        if frequency in rules:
            raise BaselineError(f"{frequency} has a rule above; add the filters there.", path)
        rules[frequency] = frozenset(rule.get("filters", ()))
        if len(rules[frequency]) > MOST_FILTERS:
            said = f"ECR takes {MOST_FILTERS} filters; these are {len(rules[frequency])}."
            raise BaselineError(said, (*path, "filters"))
        for j, each in enumerate(rule.get("filters", ())):
            if not _FILTER.fullmatch(each):
                raise BaselineError(
                    f"`{each}` can match no repository; use lowercase letters, digits, `.`, `_`, "
                    "`-`, `/` and `*`.",
                    (*path, "filters", j),
                )
    return Scanning(kind, rules)
