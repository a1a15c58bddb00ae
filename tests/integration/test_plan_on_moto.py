"""`ecr-steward plan` with boto3's own clients, over moto."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws

from ecr_steward_cli.deployed.stack import Outside
from ecr_steward_cli.live.accounts import AccountRole
from ecr_steward_cli.main import main
from tests.support.world import MEDIA_TYPE, manifest

ACCOUNT, OTHER = "123456789012", "210987654321"
RULES = """
version: 1
rules:
  - repositories: ["base/*"]
    tags:
      unique: [semver]
      stable: [{tag: "{major}.{minor}", follows: highest}]
"""


class WithCaches:
    """moto's ECR with the one read that moto does not have."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def describe_pull_through_cache_rules(self, **asked: Any) -> dict[str, Any]:
        return {"pullThroughCacheRules": []}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def with_caches(clients: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda service: WithCaches(clients(service)) if service == "ecr" else clients(service)


def elsewhere(profile: str | None, region: str | None) -> Callable[[str], Any]:
    return with_caches(Outside().at(profile, region).client)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A registry in which `1.4` is behind, and a folder for the command."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    with mock_aws():
        ecr = boto3.client("ecr", "eu-west-1")
        ecr.create_repository(repositoryName="base/redis")
        for tag, name in (("1.4.1", "old"), ("1.4", "old"), ("1.4.2", "new")):
            ecr.put_image(
                repositoryName="base/redis",
                imageManifest=manifest(name),
                imageManifestMediaType=MEDIA_TYPE,
                imageTag=tag,
            )
        yield tmp_path


def accounts(folder: Path, *options: str) -> Any:
    """What `plan --json` says of each account."""
    given = ["plan", "--rules", str(folder / "rules.yaml"), "--json", *options]
    result = CliRunner().invoke(main, given, obj=Outside(elsewhere=elsewhere))
    return json.loads(result.stdout)["accounts"]


def test_each_region_is_read_with_the_callers_own_credentials(folder: Path) -> None:
    found = accounts(folder, "--region", "eu-west-1", "--region", "eu-central-1")[ACCOUNT]
    assert found["eu-central-1"]["repositories"] == {}
    plan = found["eu-west-1"]["repositories"]["base/redis"]
    moves = {each["tag"]: each["to"] for each in plan["changes"] if each["kind"] == "move"}
    assert moves == {"1.4": plan["tags"]["1.4.2"]}


def test_an_accounts_file_names_roles_to_assume(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = AccountRole.clients
    monkeypatch.setattr(AccountRole, "clients", lambda role, sts: with_caches(clients(role, sts)))
    file = folder / "accounts.yaml"
    file.write_text(f"- {{role: 'arn:aws:iam::{OTHER}:role/Read', regions: [us-east-1]}}")
    assert list(accounts(folder, "--accounts", str(file))[OTHER]) == ["us-east-1"]
