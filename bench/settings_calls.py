"""ECR calls per look at the settings of a repository, counted on the registry in memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bench.report import Row
from ecr_steward.doors.calls import check
from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.settings import SettingsHistory
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactMaker
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.settings import Enforcer
from ecr_steward.writers.settings_setup import SettingsSetup
from ecr_steward_cli.in_memory.settings import MemorySettings
from ecr_steward_cli.in_memory.table import MemoryTable

REPOSITORIES = 1_000
ROLE = "arn:aws:iam::123456789012:role/EnforceSettingsRole"
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
RULES = Ruleset.from_document(
    {
        "version": 1,
        "rules": [
            {
                "repositories": ["base/*"],
                "mode": "enforce",
                "repository": {
                    "policy": {
                        "statements": [
                            {
                                "Sid": "TeamPull",
                                "Effect": "Allow",
                                "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                                "Action": PULL,
                            }
                        ],
                        "others": "keep",
                        "public": "remove",
                    },
                    "lifecycle": {
                        "rules": [
                            {
                                "rulePriority": 1,
                                "selection": {
                                    "tagStatus": "untagged",
                                    "countType": "sinceImagePushed",
                                    "countUnit": "days",
                                    "countNumber": 14,
                                },
                                "action": {"type": "expire"},
                            }
                        ]
                    },
                    "immutability": "IMMUTABLE",
                    "scan_on_push": True,
                    "resource_tags": {"owner": "platform"},
                },
            }
        ],
    }
)


class Registry:
    """Repositories at their baseline, and the steward beside them."""

    def __init__(self, repositories: int = 1) -> None:
        self.trail: list[dict[str, Any]] = []
        self.ecr = MemorySettings(trail=self.trail.append)
        self._now = datetime(2026, 11, 23, tzinfo=UTC)
        self._enforcer = Enforcer(
            SettingsSetup(
                rules=RULES,
                cap=Mode.ENFORCE,
                registry=EcrSettings(self.ecr.client),
                history=SettingsHistory(MemoryTable()),
                maker=FactMaker("123456789012", "eu-west-1", lambda: self._now, RULES.fingerprint),
                role=ROLE,
            )
        )
        self.names = [f"base/{number:04}" for number in range(repositories)]
        for name in self.names:
            self.ecr.create_repository(repositoryName=name)
        self.deliver()

    def deliver(self) -> Counter[str]:
        """Give every call to the door, and what it lets in to the writer; the calls it costs."""
        self.ecr.calls.clear()
        while self.trail:
            hints: list[Hint] = []
            check(self.trail.pop(0), RULES, ROLE, hints.append)
            for hint in hints:
                self._visit(hint)
        return Counter(self.ecr.calls)

    def sweep(self) -> Counter[str]:
        """Visit every repository as a sweep does; the calls it costs."""
        self.ecr.calls.clear()
        for name in self.names:
            self._visit(Hint(name, Action.SWEEP, None, None, Cause(name, "Sweep"), self._now))
        return Counter(self.ecr.calls)

    def _visit(self, hint: Hint) -> None:
        self.ecr.caller = "arn:aws:sts::123456789012:assumed-role/EnforceSettingsRole/enforce"
        self._enforcer.visit(hint.repository, [hint])
        self.ecr.caller = "arn:aws:sts::123456789012:assumed-role/Developer/somebody"


@dataclass(frozen=True, slots=True)
class SettingsScenario:
    """Something that happens to the settings of a repository, and what a look may cost."""

    what: str
    happen: Callable[[Registry], Counter[str]]
    calls: int


def unchanged(registry: Registry) -> Counter[str]:
    return registry.sweep()


def made_public(registry: Registry) -> Counter[str]:
    statement = {"Sid": "Anyone", "Effect": "Allow", "Principal": "*", "Action": PULL}
    kept = json.loads(
        registry.ecr.get_repository_policy(repositoryName=registry.names[0])["policyText"]
    )
    text = json.dumps({**kept, "Statement": [*kept["Statement"], statement]})
    registry.ecr.set_repository_policy(repositoryName=registry.names[0], policyText=text)
    return registry.deliver()


def own_call(registry: Registry) -> Counter[str]:
    registry.ecr.caller = "arn:aws:sts::123456789012:assumed-role/EnforceSettingsRole/enforce"
    registry.ecr.put_image_scanning_configuration(
        repositoryName=registry.names[0], imageScanningConfiguration={"scanOnPush": True}
    )
    return registry.deliver()


def another_lifecycle(registry: Registry) -> Counter[str]:
    registry.ecr.delete_lifecycle_policy(repositoryName=registry.names[0])
    return registry.deliver()


SCENARIOS = (
    SettingsScenario("unchanged repository", unchanged, 4),
    SettingsScenario("made public, corrected and read again", made_public, 6),
    SettingsScenario("lifecycle policy, previewed and corrected", another_lifecycle, 9),
    SettingsScenario("the steward's own call", own_call, 0),
)


def count(progress: Callable[[str], None]) -> list[Row]:
    """The rows of the report."""
    group = "ECR calls for settings"
    rows = []
    for scenario in SCENARIOS:
        progress(scenario.what)
        calls = sum(scenario.happen(Registry()).values())
        met = calls <= scenario.calls
        goal = f"≤ {scenario.calls}"
        rows.append(Row(group, scenario.what, calls, "calls", goal=goal, met=met))
    progress("a sweep over the settings of many")
    calls = sum(Registry(REPOSITORIES).sweep().values())
    most = 4 * REPOSITORIES
    what = f"a sweep over {REPOSITORIES:,} repositories"
    return [*rows, Row(group, what, calls, "calls", goal=f"≤ {most:,}", met=calls <= most)]
