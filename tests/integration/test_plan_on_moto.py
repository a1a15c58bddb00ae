"""`ecr-steward plan` with boto3's own clients, over moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws

from ecr_steward_cli.main import main
from ecr_steward_cli.stack import Clients, Login, Outside
from tests.support.world import MEDIA_TYPE, manifest
from tests.unit.planning.registries import ACCOUNT, OPEN, RULES


class WithCaches:
    """moto's ECR with the one read that moto does not have."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def describe_pull_through_cache_rules(self, **asked: Any) -> dict[str, Any]:
        return {"pullThroughCacheRules": []}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def login(login: Login) -> Clients:
    clients = Outside().login(login)
    return lambda service: WithCaches(clients(service)) if service == "ecr" else clients(service)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A registry in which `1.4` is behind and a policy is public, and a folder for the command."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_REGION", "eu-west-1"),
        ("XDG_CACHE_HOME", str(tmp_path)),
    ):
        monkeypatch.setenv(name, value)
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    with mock_aws():
        ecr = boto3.client("ecr", "eu-west-1")
        ecr.create_repository(repositoryName="base/redis")
        ecr.set_repository_policy(repositoryName="base/redis", policyText=OPEN)
        for tag, name in (("1.4.1", "old"), ("1.4", "old"), ("1.4.2", "new")):
            ecr.put_image(
                repositoryName="base/redis",
                imageManifest=manifest(name),
                imageManifestMediaType=MEDIA_TYPE,
                imageTag=tag,
            )
        yield tmp_path


def test_each_region_is_read_with_the_callers_own_credentials(folder: Path) -> None:
    regions = ("--region", "eu-west-1", "--region", "eu-central-1")
    given = ["plan", "--rules", str(folder / "rules.yaml"), "--json", *regions]
    result = CliRunner().invoke(main, given, obj=Outside(login=login))
    assert result.exit_code == 1, result.output
    found = json.loads(result.stdout)["accounts"][ACCOUNT]
    assert found["eu-central-1"]["repositories"] == {}
    plan = found["eu-west-1"]["repositories"]["base/redis"]
    moves = {each["tag"]: each["to"] for each in plan["changes"] if each["kind"] == "move"}
    new = plan["tags"]["1.4.2"]
    assert moves == {"1.4": new, "latest": new}
    assert [each["problem"] for each in plan["settings"]] == ["public"]


def test_an_accounts_file_names_roles_to_assume(folder: Path) -> None:
    accounts = folder / "accounts.yaml"
    role = "arn:aws:iam::210987654321:role/Read"
    accounts.write_text(f"- {{role: '{role}', regions: [us-east-1]}}", encoding="utf-8")
    given = ["plan", "--rules", str(folder / "rules.yaml"), "--json", "--accounts", str(accounts)]
    result = CliRunner().invoke(main, given, obj=Outside(login=login))
    assert result.exit_code == 0, result.output
    assert list(json.loads(result.stdout)["accounts"]["210987654321"]) == ["us-east-1"]
