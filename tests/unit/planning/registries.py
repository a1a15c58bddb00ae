"""Registries in memory for the tests of plans, and a way to log in to them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError
from click.testing import CliRunner, Result

from ecr_steward.history.table import Table
from ecr_steward_cli.in_memory.settings import MemorySettings
from ecr_steward_cli.in_memory.table import MemoryTable
from ecr_steward_cli.main import main
from ecr_steward_cli.stack import Login, Outside
from tests.support.world import BEGINNING, MEDIA_TYPE, manifest

ACCOUNT = "123456789012"
OTHER = "210987654321"
OPEN = (
    '{"Version": "2012-10-17", "Statement": [{"Sid": "All", "Effect": "Allow", "Principal": "*", '
    '"Action": ["ecr:BatchGetImage"]}]}'
)
RULES = """
version: 1
rules:
  - repositories: ["base/*"]
    mode: audit
    tags:
      unique: [semver]
      stable:
        - {tag: "{major}.{minor}", follows: highest}
        - {tag: latest, follows: highest}
      unknown: remove
    repository:
      policy: {public: remove, others: keep}
"""


@dataclass
class Registry:
    """One registry in memory, reached through a client with boto3's `meta`."""

    account: str = ACCOUNT
    region: str = "eu-west-1"
    before: Callable[[str, Mapping[str, Any]], None] = lambda operation, asked: None
    table: Table | None = None
    ecr: MemorySettings = field(init=False)

    def __post_init__(self) -> None:
        self.ecr = MemorySettings(
            clock=lambda: BEGINNING,
            account=self.account,
            region=self.region,
            before=lambda operation, asked: self.before(operation, asked),
        )

    def push(self, repository: str, tag: str, name: str) -> None:
        """Put a tag on the image `name`; the repository is made if there is none."""
        with contextlib.suppress(ClientError):
            self.ecr.client.create_repository(repositoryName=repository)
        self.ecr.client.put_image(
            repositoryName=repository,
            imageManifest=manifest(name),
            imageManifestMediaType=MEDIA_TYPE,
            imageTag=tag,
        )

    def client(self, service: str) -> Any:
        """As boto3 makes clients."""
        meta = SimpleNamespace(region_name=self.region, endpoint_url="https://ecr.example")
        if service == "sts":
            return SimpleNamespace(get_caller_identity=lambda: {"Account": self.account})
        if service == "cloudformation":
            return SimpleNamespace(describe_stacks=self._stacks)
        return _WithMeta(self.ecr.client, meta)

    def _stacks(self, StackName: str) -> Mapping[str, Any]:  # noqa: N803
        if self.table is None:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        output = {"OutputKey": "HistoryTableName", "OutputValue": "history"}
        return {"Stacks": [{"StackName": StackName, "Outputs": [output]}]}


class _WithMeta:
    def __init__(self, client: Any, meta: Any) -> None:
        self._client = client
        self.meta = meta

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@dataclass
class Registries:
    """Several registries, by profile or role; the usual one is that of None."""

    by_profile: Mapping[str | None, Registry]

    def outside(self) -> Outside:
        """What the command gets."""

        def login(login: Login) -> Callable[[str], Any]:
            return self.by_profile[login.role or login.profile].client

        def table(client: Any, name: str) -> Table:
            tables = [each.table for each in self.by_profile.values() if each.table is not None]
            return tables[0]

        return Outside(
            now=lambda: BEGINNING, sleep=lambda seconds: None, login=login, open_table=table
        )

    def plan(self, folder: Path, *arguments: str, rules: str = RULES) -> Result:
        """Run `ecr-steward plan`, with its cache in `folder`."""
        file = folder / "rules.yaml"
        file.write_text(rules, encoding="utf-8")
        given: Sequence[str] = ["plan", "--rules", str(file), *arguments]
        runner = CliRunner(env={"XDG_CACHE_HOME": str(folder / "cache"), "ECR_STEWARD_STACK": ""})
        return runner.invoke(main, given, obj=self.outside())


def one(registry: Registry) -> Registries:
    """The usual registry alone."""
    return Registries({None: registry})


def behind() -> Registry:
    """A registry whose `1.4` and `latest` are behind, with a tag that no scheme knows, a policy
    that is public, and a repository without a rule."""
    registry = Registry()
    registry.push("base/redis", "1.4.1", "old")
    registry.push("base/redis", "1.4", "old")
    registry.push("base/redis", "latest", "old")
    registry.push("base/redis", "1.4.2", "new")
    registry.push("base/redis", "wip", "new")
    registry.ecr.client.set_repository_policy(repositoryName="base/redis", policyText=OPEN)
    registry.push("team/app", "1.0.0", "app")
    return registry


def history() -> MemoryTable:
    """A history's table."""
    return MemoryTable()
