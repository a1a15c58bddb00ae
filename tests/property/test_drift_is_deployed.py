"""What `ecr-steward drift` prints of what the AWS CLI prints is what the deployed steward finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ecr_steward.rules import Mode
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from ecr_steward_cli.main import main
from ecr_steward_cli.rules_file.load import RulesFault, load
from tests.property.test_settings_fixpoint import ARN, DEEDS, _spoil
from tests.support.settings_world import ACCOUNT, OURS, ROLE, TAGS, UNTAGGED_GO, SettingsWorld
from tests.support.world import REPOSITORY

DENY = {"Sid": "Deny", "Effect": "Deny", "Principal": "*", "Action": ["ecr:PutImage"]}
SPARED = {"ArnNotEquals": {"aws:PrincipalArn": [ROLE]}}
OTHERS = {"ArnNotEquals": {"aws:PrincipalArn": [f"{ROLE}-2"]}}
GO = {"rules": [{**UNTAGGED_GO["rules"][0], "rulePriority": 7}]}
ALL_GO = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {
                "tagStatus": "any",
                "countType": "sinceImagePulled",
                "countUnit": "days",
                "countNumber": 90,
            },
            "action": {"type": "transition", "targetStorageClass": "archive"},
        }
    ]
}
BASELINES = st.fixed_dictionaries(
    {},
    optional={
        "policy": st.fixed_dictionaries(
            {
                "statements": st.sampled_from(
                    [[], [OURS], [DENY], [OURS, {**DENY, "Condition": SPARED}],
                     [{**DENY, "Condition": OTHERS}]]
                )
            },
            optional={
                "others": st.sampled_from(["keep", "report", "remove"]),
                "public": st.sampled_from(["allow", "report", "remove"]),
                "foreign": st.sampled_from(["report", "remove"]),
                "accounts": st.sampled_from([[], ["999999999999"], {"pull": ["999999999999"]}]),
            },
        ),
        "lifecycle": st.sampled_from([GO, ALL_GO, {"rules": []}, {**GO, "when": "absent"}]),
        "immutability": st.sampled_from(["scheme", "MUTABLE", {"immutable_except": ["latest"]}]),
        "scan_on_push": st.booleans(),
        "resource_tags": st.just({"owner": "platform"}),
        "required_tags": st.just(["owner", "CostCenter"]),
        "encryption": st.sampled_from(["AES256", "KMS", {"type": ["KMS", "AES256"]}]),
    },
)  # fmt: skip


def printed(ecr: Any) -> str:
    """What the AWS CLI prints of the repository, one answer after the other."""
    name = {"repositoryName": REPOSITORY}
    answers = [ecr.describe_repositories(repositoryNames=[REPOSITORY])]
    for ask in (ecr.get_repository_policy, ecr.get_lifecycle_policy):
        answers += _asked(ask, **name)
    tags = ecr.list_tags_for_resource(resourceArn=ARN)
    answers.append({"tags": tags["tags"]})
    return "\n".join(json.dumps(each, indent=4, default=str) for each in answers)


def _asked(ask: Callable[..., Any], **asked: Any) -> list[Any]:
    try:
        return [ask(**asked)]
    except ClientError:
        return []


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drift") / "rules.yaml"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BASELINES, DEEDS)
def test_drift_prints_what_the_deployed_steward_finds(
    file: Path, baseline: dict[str, Any], deeds: list[tuple[str, Any]]
) -> None:
    rule = {"repositories": ["base/*"], "mode": "enforce", "repository": baseline, "tags": TAGS}
    file.write_text(json.dumps({"version": 1, "rules": [rule]}), "utf-8")
    try:
        rules = load(file)
    except RulesFault:
        return
    world = SettingsWorld(rules, Mode.AUDIT)
    world.enforcer.setup.tagger = ROLE
    for deed in deeds:
        _spoil(world, deed)
    hint = Hint(REPOSITORY, Action.SWEEP, None, None, Cause("s/r", "Sweep"), world.now)
    world.visit([hint])
    found = {_key(f.difference, f.reason) for f in world.past() if f.difference is not None}
    command = ["drift", "--rules", str(file), "--json", "--account", ACCOUNT, "--role", ROLE, "-"]
    result = CliRunner().invoke(main, command, input=printed(world.ecr))
    said = json.loads(result.stdout)["changes"]
    assert {_key(None, each["reason"], each) for each in said} == found
    event(f"{len(found)} differences")


def _rule(priority: int, status: str, *patterns: str, **more: Any) -> dict[str, Any]:
    counted = {"countType": "imageCountMoreThan", "countNumber": 3}
    globs = {"tagPatternList": list(patterns)} if patterns else {}
    action = more.pop("action", {"type": "expire"})
    selection = {"tagStatus": status, **globs, **counted, **more}
    return {"rulePriority": priority, "selection": selection, "action": action}


DAYS = {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": 30}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}
POLICIES = st.lists(
    st.sampled_from(
        [
            _rule(1, "tagged", "1.0.*", countNumber=9999),
            _rule(2, "tagged", "pr-*"),
            _rule(3, "tagged", "1.*", "pr-*", action=ARCHIVE),
            _rule(4, "untagged", **DAYS),
            _rule(5, "tagged", "latest"),
            _rule(6, "any", **DAYS),
            _rule(7, "any", storageClass="archive", countType="sinceImageTransitioned",
                  countUnit="days", countNumber=90),
        ]
    ),
    unique_by=lambda each: each["rulePriority"], min_size=1,
)  # fmt: skip
IMAGES = st.lists(
    st.tuples(st.sets(st.sampled_from(["1.0.0", "1.1.0", "pr-1", "latest"])), st.booleans()),
    max_size=5,
)
"""The tags that each image is pushed under, and whether something runs it."""


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(POLICIES, IMAGES, st.sampled_from([TAGS, {"unique": ["semver"]}]))
def test_drift_refuses_what_the_deployed_steward_refuses_for_what_runs(
    file: Path, policy: list[Any], images: list[tuple[set[str], bool]], tags: dict[str, Any]
) -> None:
    baseline = {"lifecycle": {"rules": policy}}
    rule = {"repositories": ["base/*"], "mode": "enforce", "repository": baseline, "tags": tags}
    file.write_text(json.dumps({"version": 1, "rules": [rule]}), "utf-8")
    world = SettingsWorld(load(file))
    for number, (names, runs) in enumerate(images):
        for name in [None, *sorted(names)]:
            world.put(str(number), name)
        if runs:
            world.runs("ecs:prod/web", str(number))
    hint = Hint(REPOSITORY, Action.SWEEP, None, None, Cause("s/r", "Sweep"), world.now)
    running = [
        {"digest": each["imageDigest"], "tags": each.get("imageTags", [])}
        for each in world.ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]
        if each["imageDigest"] in world.enforcer.setup.running(REPOSITORY)
    ]
    given = json.dumps({"repository": REPOSITORY, "running": running})
    result = CliRunner().invoke(main, ["drift", "--rules", str(file), "--json", "-"], input=given)
    world.visit([hint])
    found = {_key(fact.difference, "") for fact in world.past() if fact.difference is not None}
    assert {_key(None, "", each) for each in json.loads(result.stdout)["changes"]} == found
    event("refused" if any("refuse" in each[3] for each in found) else "set")


def _key(difference: Any, reason: str, said: Any = None) -> tuple[str, ...]:
    keys = ("setting", "problem", "subject", "action", "before", "after")
    each = said or {key: getattr(difference, key) for key in keys}
    return (*(json.dumps(each[key], sort_keys=True) for key in keys), reason)
