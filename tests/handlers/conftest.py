"""Each test has an AWS of its own behind the functions' one seam: the client factory; none
reaches the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
import pytest_socket
from moto import mock_aws

from ecr_steward.rules import compiled
from ecr_steward.start import clients, observe, sandbox
from ecr_steward_cli.rules_file import load
from tests.handlers.functions import ENVIRONMENT, ROOT, SECRETS, TABLE, Aws, Function
from tests.support.dynamodb import OneAtATime, create_history_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def pytest_runtest_setup() -> None:
    pytest_socket.disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown() -> None:
    pytest_socket.enable_socket()


@pytest.fixture(scope="session")
def rules_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules that ship with the stack, as the rules layer carries them."""
    file = tmp_path_factory.mktemp("rules") / compiled.FILE
    loaded = load.inspect(ROOT / "layers/rules/rules.yaml")
    file.write_text(compiled.dumps(loaded.document))
    return file


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[DynamoDBClient]:
    with mock_aws():
        yield boto3.client("dynamodb", region_name="eu-west-1")


@pytest.fixture
def aws(
    dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch, rules_file: Path
) -> Iterator[Aws]:
    create_history_table(dynamodb, TABLE)
    world = Aws(OneAtATime(dynamodb))
    dynamodb.meta.events.register("before-call.dynamodb", world.count)
    monkeypatch.setenv("STEWARD_RULES", str(rules_file))
    monkeypatch.setattr(clients, "client", world.client)
    monkeypatch.setattr(clients, "quick_client", world.client)
    monkeypatch.setattr(clients, "patient", world.client)
    yield world
    dynamodb.meta.events.unregister("before-call.dynamodb", world.count)
    dynamodb.delete_table(TableName=TABLE)


@pytest.fixture
def start(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Function]]:
    """Cold-start a function with the environment of template.yaml."""

    def cold(name: str) -> Function:
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", name)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRETS[0])
        monkeypatch.setenv("AWS_SESSION_TOKEN", SECRETS[1])
        for variable, value in ENVIRONMENT[name].items():
            monkeypatch.setenv(variable, value)
        _forget()
        return Function(name)

    yield cold
    _forget()


def _forget() -> None:
    """What a sandbox keeps between invocations, a new one does not have."""
    sandbox.rules.cache_clear()
    observe.metrics.cache_clear()
