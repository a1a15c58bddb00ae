"""Two models of ECR, held to the same facts: the registry in memory and the local cloud's.

Both answer through the methods of boto3's client; the local cloud's is asked by boto3 itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ecr_steward_cli.in_memory.settings import MemorySettings
from local.ecr.events import Event, ImageAction
from tests.support import ecr_images_contract, ecr_settings_contract
from tests.support.ecr_images_contract import (
    REDIS,
    BatchDeleteImageContract,
    BatchGetImageContract,
    DescribeAndListContract,
    Events,
    ImageEventsContract,
    PutImageContract,
    StorageClassContract,
)
from tests.support.ecr_settings_contract import (
    CreationTemplatesContract,
    LifecyclePolicyContract,
    PullThroughCacheContract,
    RepositoriesContract,
    RepositoryPolicyContract,
    ResourceTagsContract,
    ScanningContract,
    TagMutabilityContract,
)
from tests.support.local_ecr import ACCOUNT, client_of, local_ecr

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient


@dataclass
class Model:
    """A model's client, and the details of the events about images that it sent."""

    client: ECRClient
    details: list[dict[str, Any]]


@pytest.fixture
def memory() -> Model:
    details: list[dict[str, Any]] = []
    ecr = MemorySettings(emit=lambda event: details.append(event["detail"]))
    return Model(ecr.client, details)


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    details: list[dict[str, Any]] = []

    def keep(event: Event) -> None:
        if isinstance(event, ImageAction):
            details.append(event.detail())

    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    with local_ecr(tmp_path, keep) as server:
        yield Model(client_of(server), details)


@pytest.fixture(params=["memory", "local"])
def model(request: pytest.FixtureRequest) -> Model:
    model: Model = request.getfixturevalue(request.param)
    model.client.create_repository(repositoryName=REDIS)
    return model


@pytest.fixture
def ecr(model: Model) -> ECRClient:
    return model.client


@pytest.fixture
def events(model: Model) -> Events:
    return lambda: [{**each, "image-tag": each.get("image-tag") or None} for each in model.details]


class TestPutImage(PutImageContract):
    pass


class TestBatchGetImage(BatchGetImageContract):
    pass


class TestDescribeAndListImages(DescribeAndListContract):
    pass


class TestBatchDeleteImage(BatchDeleteImageContract):
    pass


class TestStorageClass(StorageClassContract):
    pass


class TestImageEvents(ImageEventsContract):
    pass


class TestRepositories(RepositoriesContract):
    pass


class TestTagMutability(TagMutabilityContract):
    pass


class TestRepositoryPolicy(RepositoryPolicyContract):
    pass


class TestLifecyclePolicy(LifecyclePolicyContract):
    pass


class TestScanning(ScanningContract):
    pass


class TestResourceTags(ResourceTagsContract):
    pass


class TestCreationTemplates(CreationTemplatesContract):
    pass


class TestPullThroughCache(PullThroughCacheContract):
    pass


def cases() -> Iterator[tuple[str, str | None]]:
    for module in (ecr_images_contract, ecr_settings_contract):
        for name, contract in inspect.getmembers(module, inspect.isclass):
            if name.endswith("Contract"):
                for case, body in inspect.getmembers(contract, inspect.isfunction):
                    if case.startswith("test_"):
                        yield f"{name}.{case}", body.__doc__


def test_each_case_cites_its_fact() -> None:
    uncited = [name for name, fact in cases() if not fact]
    assert uncited == []


def test_each_contract_is_held_against_the_models() -> None:
    held = {
        base.__name__
        for each in list(globals().values())
        if inspect.isclass(each) and each.__name__.startswith("Test")
        for base in each.__bases__
    }
    assert held == {name.partition(".")[0] for name, _ in cases()}
