"""Roles whose pulls do not count: an image that they alone pull was not used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ecr_steward.settings.kinds import Around, EcrRequest, Read
from ecr_steward.settings.registry_kinds.kind import Governs, RegistryKind
from ecr_steward.settings.state import (
    BaselineError,
    Problem,
    SettingAction,
    SettingChange,
    SettingsError,
)

SELF = "self"
"""Stands for the roles that read images for the steward."""

MOST = 100
"""Most exclusions of a registry (ECR User Guide: Pull-time update exclusions)."""

_ROLE = re.compile(r"arn:aws[a-z0-9-]*:iam::[0-9]{12}:(?:role|user)/[\x21-\x29\x2b-\x7e]{1,512}")

SCHEMA: Mapping[str, Any] = {
    "title": "Pull-time exclusions",
    "description": (
        "Roles whose pulls do not make an image look used: ARNs, or `self` for the roles that read "
        "images for the steward. Others that are there stay."
    ),
    "type": "array",
    "uniqueItems": True,
    "items": {"type": "string"},
    "default": [],
    "examples": [["self"]],
}


class PullTimeExclusions(RegistryKind[tuple[str, ...], frozenset[str]]):
    name = "pull_time_exclusions"
    schema = SCHEMA
    read = Read("ListPullTimeUpdateExclusions", alone=True, pages="pullTimeUpdateExclusions")
    printed = "pullTimeUpdateExclusions"
    unset: frozenset[str] = frozenset()

    def wish(self, stated: Any, governs: Governs) -> tuple[str, ...]:
        for i, each in enumerate(stated):
            if each != SELF and not _ROLE.fullmatch(each):
                raise BaselineError(
                    f"`{each}` is no ARN of a role or a user, and not `{SELF}`.", (i,)
                )
        if len(stated) > MOST:
            raise BaselineError(f"ECR takes {MOST} exclusions; these are {len(stated)}.")
        return tuple(stated)

    def from_answer(self, answer: Any) -> frozenset[str]:
        if not isinstance(answer, list) or not all(isinstance(each, str) for each in answer):
            raise SettingsError("`pull_time_exclusions` must be a list of texts.")
        return frozenset(answer)

    def drift(
        self, wish: tuple[str, ...], found: frozenset[str], around: Around
    ) -> Iterator[SettingChange]:
        for each in wish:
            own = (*(around.taggers or ()), *around.readers)
            for arn in own if each == SELF else (each,):
                if arn not in found:
                    reason = f"The pulls of {arn} count, where the rules exclude them."
                    yield SettingChange(
                        self.name, Problem.MISSING, arn, SettingAction.CORRECT, None, arn, reason
                    )

    def requests(
        self, found: frozenset[str], changes: Sequence[SettingChange]
    ) -> Iterator[EcrRequest]:
        for change in changes:
            yield EcrRequest(
                "RegisterPullTimeUpdateExclusion",
                {"principalArn": change.after},
                absent="ExclusionAlreadyExistsException",
            )
