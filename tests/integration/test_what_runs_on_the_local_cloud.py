"""What runs stands in the way of a lifecycle policy: the writer's function, over the local cloud's
ECR and moto's DynamoDB."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.running import RunningImages
from ecr_steward.history.tags import History
from ecr_steward.rules import compiled
from ecr_steward.start import clients, sandbox
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.running import Running
from ecr_steward_cli.rules_file import load
from tests.handlers.functions import ENVIRONMENT, TABLE, Function, Sqs
from tests.support.dynamodb import create_history_table
from tests.support.facts import returned, sqs_record
from tests.support.local_ecr import REGION, client_of, local_ecr
from tests.support.world import REPOSITORY, image, index_manifest, manifest

RULES = """\
version: 1
rules:
  - repositories: ["base/*"]
    mode: enforce
    tags: {unique: [semver]}
    repository:
      lifecycle:
        rules:
          - rulePriority: 1
            selection: {tagStatus: tagged, tagPatternList: ["1.*"], countType: sinceImagePushed,
                        countUnit: days, countNumber: 365}
            action: {type: expire}
"""
WEEK = timedelta(days=7)


class Cloud:
    """A repository, history, and the writer of settings as it is deployed."""

    def __init__(self, ecr: Any, dynamodb: Any) -> None:
        self.ecr, self.dynamodb, self.sqs = ecr, dynamodb, Sqs()
        self.table = DynamoTable(dynamodb, TABLE)
        self.now = datetime.now(UTC).replace(microsecond=0)
        ecr.create_repository(repositoryName=REPOSITORY)

    def client(self, service: str) -> Any:
        return getattr(self, service)

    def push(self, text: str, **tag: str) -> None:
        self.ecr.put_image(repositoryName=REPOSITORY, imageManifest=text, **tag)

    def runs(self, name: str, *, ended: bool = False) -> None:
        """A task runs an image, or has just ended."""
        at = self.now
        end = at if ended else None
        record = Running(REPOSITORY, image(name), "ecs", "ecs:prod/web", "", at, at, end)
        RunningImages(self.table, WEEK).saw([record])

    def sweep(self) -> list[str]:
        """What a visit of the writer tells, by problem and what is done about it."""
        before = len(self.facts())
        cause = Cause(f"sweep/{self.now}", "Sweep")
        body = Hint(REPOSITORY, Action.SWEEP, None, None, cause, self.now).to_message()
        answer = Function("enforce_settings").invoke({"Records": [sqs_record(body, "m")]})
        assert returned(answer) == []
        new = [fact.difference for fact in self.facts()[before:]]
        return sorted(f"{each.problem} {each.action}" for each in new if each is not None)

    def facts(self) -> list[Fact]:
        return sorted(History(self.table).facts(REPOSITORY), key=lambda fact: fact.time)

    def policy(self) -> Any:
        try:
            found = self.ecr.get_lifecycle_policy(repositoryName=REPOSITORY)
        except ClientError:
            return None
        return json.loads(found["lifecyclePolicyText"])


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    (tmp_path / "rules.yaml").write_text(RULES)
    built = tmp_path / compiled.FILE
    built.write_text(compiled.dumps(load.inspect(tmp_path / "rules.yaml").document))
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "123456789012")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "enforce_settings")
    monkeypatch.setenv("STEWARD_RULES", str(built))
    for key, value in ENVIRONMENT["enforce_settings"].items():
        monkeypatch.setenv(key, value)
    with mock_aws(), local_ecr(tmp_path / "ecr", lambda event: None) as server:
        dynamodb: Any = boto3.client("dynamodb", REGION)
        create_history_table(dynamodb, TABLE)
        made = Cloud(client_of(server), dynamodb)
        monkeypatch.setattr(clients, "client", made.client)
        monkeypatch.setattr(sandbox, "now", lambda: made.now)
        sandbox.rules.cache_clear()
        yield made
        sandbox.rules.cache_clear()


def test_a_policy_is_not_set_while_it_could_take_what_runs_and_is_once_it_ran_long_ago(
    cloud: Cloud,
) -> None:
    cloud.push(manifest("1.4.2"), imageTag="1.4.2")
    cloud.runs("1.4.2")
    assert cloud.sweep() == ["expires_running refuse", "missing refuse"]
    assert cloud.policy() is None
    (said,) = [fact.reason for fact in cloud.facts() if "ecs:prod/web" in fact.reason]
    assert said.startswith(
        "The lifecycle rule 1 can expire 1 image from which ecs:prod/web can start again: deploy "
        'another image there, put a rule above it with tagPatternList: ["1.4.2"]'
    )
    assert cloud.sweep() == []
    cloud.runs("1.4.2", ended=True)
    cloud.now += WEEK
    assert cloud.sweep() == []
    assert cloud.policy() is None
    cloud.now += timedelta(hours=1)
    assert cloud.sweep() == ["missing correct"]
    assert cloud.policy()["rules"][0]["selection"]["countNumber"] == 365


def test_of_an_index_the_child_runs_and_the_tag_is_held_against_the_policy(cloud: Cloud) -> None:
    for each in ("amd", "arm"):
        cloud.push(manifest(each))
    cloud.push(index_manifest("amd", "arm"), imageTag="1.4.2")
    cloud.runs("arm")
    assert cloud.sweep() == ["expires_running refuse", "missing refuse"]


def test_what_no_rule_can_take_lets_the_policy_be_set(cloud: Cloud) -> None:
    cloud.push(manifest("2.0.0"), imageTag="2.0.0")
    cloud.runs("2.0.0")
    assert cloud.sweep() == ["missing correct"]
    assert cloud.policy() is not None
