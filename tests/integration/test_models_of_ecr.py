"""Two models of ECR, held to the same facts: the registry in memory and the local cloud's.

Both answer through the methods of boto3's client; the local cloud's is asked by boto3 itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ecr_steward_cli.in_memory.settings import MemorySettings
from tests.support import ecr_images_contract, ecr_settings_contract
from tests.support.ecr_images_contract import (
    REDIS,
    BatchDeleteImageContract,
    BatchGetImageContract,
    DescribeAndListContract,
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


@pytest.fixture
def memory() -> ECRClient:
    return MemorySettings().client


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ECRClient]:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    with local_ecr(tmp_path, lambda _event: None) as server:
        yield client_of(server)


@pytest.fixture(params=["memory", "local"])
def ecr(request: pytest.FixtureRequest) -> ECRClient:
    client: ECRClient = request.getfixturevalue(request.param)
    client.create_repository(repositoryName=REDIS)
    return client


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
