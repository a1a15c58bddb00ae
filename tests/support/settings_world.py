"""A small world for the tests of settings: ECR in memory with its trail, and history."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ecr_steward.doors.calls import CallAnswer, check
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.running import RunningImages
from ecr_steward.history.settings import SettingsHistory
from ecr_steward.history.tags import History
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.sweep.send import Sweeper
from ecr_steward.sweep.tally import Tally
from ecr_steward.words.facts import Fact, FactKind, FactMaker
from ecr_steward.words.hints import Hint
from ecr_steward.words.running import Running
from ecr_steward.writers.needed import NeededImages
from ecr_steward.writers.settings import Enforcer, SettingsVisit
from ecr_steward.writers.settings_setup import SettingsSetup
from ecr_steward_cli.in_memory.settings import MemorySettings
from tests.support.having import shown
from tests.support.world import BEGINNING, REPOSITORY, Tripwire, WatchedTable, image, manifest

ACCOUNT = "123456789012"
GRACE = timedelta(days=7)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/EnforceSettingsRole"
TAGGER = f"arn:aws:iam::{ACCOUNT}:role/RetagRole"
STEWARD = f"arn:aws:sts::{ACCOUNT}:assumed-role/EnforceSettingsRole/enforce"
MALLORY = f"arn:aws:sts::{ACCOUNT}:assumed-role/Developer/mallory"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"

PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
OURS = {
    "Sid": "OrgPull",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": PULL,
}
ANYONE = {"Sid": "Everybody", "Effect": "Allow", "Principal": "*", "Action": PULL}
LAMBDAS = {
    "Sid": "LambdaECRImageRetrievalPolicy",
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": PULL,
}
UNTAGGED_GO = {
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
}
TAGS = {"unique": ["semver"], "stable": [{"tag": "latest", "follows": "highest"}]}
BASELINE: dict[str, Any] = {
    "policy": {"statements": [OURS], "others": "keep", "public": "remove"},
    "lifecycle": UNTAGGED_GO,
    "immutability": "MUTABLE",
    "scan_on_push": True,
    "resource_tags": {"owner": "platform"},
}


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def rules_for(
    baseline: Mapping[str, Any],
    *,
    mode: str = "enforce",
    tags: Mapping[str, Any] | None = TAGS,
    registry: Mapping[str, Any] | None = None,
    images: Mapping[str, Any] | None = None,
) -> Ruleset:
    rule: dict[str, Any] = {"repositories": ["base/*"], "mode": mode, "repository": dict(baseline)}
    rule |= {} if images is None else {"images": images}
    document: dict[str, Any] = {
        "version": 1,
        "rules": [rule if tags is None else {**rule, "tags": dict(tags)}],
    }
    return Ruleset.from_document(
        document if registry is None else {**document, "registry": registry}
    )


class SettingsWorld:
    """Settings, and what the steward makes of them.

    Calls wait in `trail` until `settle` delivers them. `arm` counts the steps over all calls to ECR
    and the table.
    """

    def __init__(self, rules: Ruleset | None = None, mode: Mode = Mode.ENFORCE) -> None:
        self.now = BEGINNING
        self.wire = Tripwire()
        self.trail: list[dict[str, Any]] = []
        self.ecr = MemorySettings(clock=lambda: self.now, trail=self.trail.append)
        self.ecr.caller = MALLORY
        self.table = WatchedTable(self.wire)
        self.slept: list[float] = []
        self.answers: list[CallAnswer] = []
        self.deploy(rules or rules_for(BASELINE), mode)
        self.ecr.create_repository(repositoryName=REPOSITORY)

    def deploy(self, rules: Ruleset, mode: Mode = Mode.ENFORCE, expiry: bool | None = None) -> None:
        """Deploy the stack (again), with these rules, this mode for settings, and whether images
        may expire."""
        self.rules, self.mode = rules, mode
        maker = FactMaker(ACCOUNT, "eu-west-1", lambda: self.now, rules.fingerprint)
        common: dict[str, Any] = {"rules": rules, "maker": maker}
        needed = NeededImages(self.table, GRACE, lambda: self.ecr.client, lambda: self.now)
        self.enforcer = Enforcer(
            SettingsSetup(
                cap=mode,
                registry=EcrSettings(self.ecr.client, self.slept.append),
                history=SettingsHistory(self.table),
                role=ROLE,
                tagger=TAGGER,
                expiry=expiry,
                running=needed.workloads,
                tagged=needed.tagged,
                sleep=self.slept.append,
                **common,
            )
        )
        history = History(self.table)
        self.tally = Tally(cap=Mode.ENFORCE, sweeps=history.sweeps, **common)
        self.sweeper = Sweeper(
            rules=rules,
            cap=Mode.ENFORCE,
            settings_cap=mode,
            expires=bool(expiry),
            history=history,
            tally=self.tally,
            clock=lambda: self.now,
        )

    def put_right(self) -> None:
        """Let the steward bring the new repository to its baseline, and forget what it said."""
        self.settle()
        self.table.told.clear()

    def set_policy(self, *statements: Mapping[str, Any], by: str = MALLORY) -> None:
        self.now += timedelta(seconds=1)
        self.ecr.caller = by
        self.ecr.set_repository_policy(repositoryName=REPOSITORY, policyText=policy(*statements))

    def push(self, tag: str, age: timedelta = timedelta()) -> None:
        """An image of its own under `tag`, pushed some time ago."""
        self.now -= age
        self.put(tag, tag)
        self.now += age

    def put(self, name: str, tag: str | None) -> None:
        """Push the image `name` under a tag, or without one."""
        named: dict[str, Any] = {} if tag is None else {"imageTag": tag}
        self.ecr.put_image(repositoryName=REPOSITORY, imageManifest=manifest(name), **named)

    def runs(self, workload: str, name: str) -> None:
        """A workload runs the image `name`."""
        running = Running(REPOSITORY, image(name), "ecs", workload, "", self.now, self.now)
        RunningImages(self.table, GRACE).saw([running])

    def ends(self, workload: str, name: str) -> None:
        """It runs the image no more, from now on."""
        self.now += timedelta(seconds=1)
        ended = Running(
            REPOSITORY, image(name), "ecs", workload, "", self.now, self.now, ended=self.now
        )
        RunningImages(self.table, GRACE).saw([ended])

    def policy(self) -> list[dict[str, Any]]:
        """The statements of the repository policy, none if there is no policy."""
        found = shown(EcrSettings(self.ecr.client), REPOSITORY)["policy"]
        return [] if found is None else list(found["Statement"])

    def deliver(self, event: dict[str, Any]) -> None:
        """One call through the door and, if it gets in, to the writer."""
        hints: list[Hint] = []
        self.answers.append(check(event, self.rules, ROLE, hints.append)[1])
        for hint in hints:
            self.visit([hint])

    def visit(self, hints: Sequence[Hint]) -> SettingsVisit:
        self.ecr.caller = STEWARD
        try:
            visit = self.enforcer.visit(hints[0].repository, hints)
            self.tally.settings_visited(hints, visit)
            return visit
        finally:
            self.ecr.caller = MALLORY

    def settle(self, limit: int = 200) -> None:
        """Deliver every call until nothing is left to do."""
        for _ in range(limit):
            if not self.trail:
                return
            self.deliver(self.trail.pop(0))
        raise AssertionError(f"The steward does not come to rest within {limit} calls.")

    def swept(self) -> list[Hint]:
        """What a whole sweep sends to the writer of settings."""
        self.now += timedelta(seconds=-self.now.timestamp() % 3600)
        hints: list[Hint] = []
        for _ in range(12):
            self.sweeper.tick(EcrRegistry(self.ecr.client), list, 1, hints.extend)
            self.now += timedelta(minutes=5)
        return hints

    def sweep(self) -> None:
        """One whole sweep, and whatever follows from it."""
        for hint in self.swept():
            self.visit([hint])
        self.settle()

    def calls(self, do: Callable[[], object]) -> dict[str, int]:
        """The ECR calls that `do` makes."""
        before = self.ecr.calls.copy()
        do()
        return dict(self.ecr.calls - before)

    def told(self, kind: FactKind | None = None) -> list[Fact]:
        """What was told of settings so far, in order."""
        facts = [fact for fact in self.table.told if fact.kind is not FactKind.SWEPT]
        return [fact for fact in facts if kind is None or fact.kind is kind]

    def about(self) -> Counter[tuple[str, str, str]]:
        """What was told so far: how often which kind, of which setting, with which problem."""
        return Counter(
            (fact.kind.value, fact.difference.setting, fact.difference.problem)
            for fact in self.told()
            if fact.difference is not None
        )

    def past(self) -> list[Fact]:
        """Everything recorded of the repository, quietly or not."""
        return list(History(self.table).facts(REPOSITORY))

    def arm(self, at: int | None) -> None:
        """Kill at the `at`-th step from now, or never."""
        self.wire.steps, self.wire.at = 0, at
        self.ecr.before = self.ecr.after = lambda operation, asked: self.wire.step()
