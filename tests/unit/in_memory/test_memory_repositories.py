"""Repositories and pull-through cache rules of the registry in memory."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward_cli.in_memory.images import MemoryEcr
from tests.unit.in_memory.memory_images import Clock, image, push, refused, registry


def test_a_new_repository_is_shown_as_ecr_shows_it() -> None:
    """ECR API: Repository."""
    ecr = MemoryEcr(clock=Clock(), region="eu-central-1", account="111122223333")
    expected = {
        "repositoryArn": "arn:aws:ecr:eu-central-1:111122223333:repository/base/redis",
        "registryId": "111122223333",
        "repositoryName": "base/redis",
        "repositoryUri": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/base/redis",
        "createdAt": Clock().now,
        "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": False},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }
    assert ecr.create_repository(repositoryName="base/redis")["repository"] == expected
    assert ecr.describe_repositories()["repositories"] == [expected]


def test_a_repository_can_be_created_immutable() -> None:
    """ECR API: CreateRepository, imageTagMutability."""
    ecr = MemoryEcr()
    ecr.create_repository(repositoryName="redis", imageTagMutability="IMMUTABLE")
    push(ecr, image("old"), "8.0.1")
    with refused("PutImage", "ImageTagAlreadyExistsException"):
        push(ecr, image("new"), "8.0.1")


def test_a_repository_cannot_be_created_twice() -> None:
    """ECR API: CreateRepository, RepositoryAlreadyExistsException."""
    ecr = registry()
    with refused("CreateRepository", "RepositoryAlreadyExistsException"):
        ecr.create_repository(repositoryName="redis")


@pytest.mark.parametrize(
    "name", ["a", "", "Redis", "a//b", "/a", "a/", "a b", "-a", "a-", "a.-b", "aé", "a" * 257]
)
def test_a_name_outside_the_grammar_is_invalid(name: str) -> None:
    """ECR API: CreateRepository, pattern and length of repositoryName."""
    ecr = registry()
    with refused("CreateRepository", "InvalidParameterException"):
        ecr.create_repository(repositoryName=name)


@pytest.mark.parametrize("name", ["ab", "a/b", "a__b", "a--b", "base/redis.8_x-y", "a" * 256])
def test_a_name_inside_the_grammar_is_accepted(name: str) -> None:
    """ECR API: CreateRepository, pattern and length of repositoryName."""
    ecr = registry()
    assert ecr.create_repository(repositoryName=name)["repository"]["repositoryName"] == name


def test_a_repository_with_images_is_deleted_by_force_only() -> None:
    """ECR API: DeleteRepository, RepositoryNotEmptyException."""
    ecr = registry()
    push(ecr, image("8.0.1"), "8.0.1")
    with refused("DeleteRepository", "RepositoryNotEmptyException"):
        ecr.delete_repository(repositoryName="redis")
    ecr.delete_repository(repositoryName="redis", force=True)
    with refused("ListImages", "RepositoryNotFoundException"):
        ecr.list_images(repositoryName="redis")


def test_a_repository_created_again_is_empty() -> None:
    """ECR API: DeleteRepository."""
    ecr = registry()
    push(ecr, image("8.0.1"), "8.0.1")
    ecr.delete_repository(repositoryName="redis", force=True)
    ecr.create_repository(repositoryName="redis")
    assert ecr.tags("redis") == {}
    ecr.delete_repository(repositoryName="redis")


def test_repositories_are_described_by_name_in_the_order_asked_for() -> None:
    """ECR API: DescribeRepositories, repositoryNames."""
    ecr = registry()
    ecr.create_repository(repositoryName="valkey")
    answer = ecr.describe_repositories(repositoryNames=["valkey", "redis"])
    assert [each["repositoryName"] for each in answer["repositories"]] == ["valkey", "redis"]
    with refused("DescribeRepositories", "RepositoryNotFoundException"):
        ecr.describe_repositories(repositoryNames=["redis", "absent"])


def test_repositories_come_by_page() -> None:
    """ECR API: DescribeRepositories, 100 a page unless asked otherwise."""
    ecr = MemoryEcr()
    names = [f"team/{number}" for number in range(205)]
    for name in names:
        ecr.create_repository(repositoryName=name)
    pages: list[list[str]] = []
    more: dict[str, Any] = {}
    while True:
        answer = ecr.describe_repositories(**more)
        pages.append([each["repositoryName"] for each in answer["repositories"]])
        if "nextToken" not in answer:
            break
        more = {"nextToken": answer["nextToken"]}
    assert pages == [names[:100], names[100:200], names[200:]]


def test_names_and_paging_exclude_each_other() -> None:
    """ECR API: DescribeRepositories, maxResults "cannot be used" with repositoryNames."""
    ecr = registry()
    with refused("DescribeRepositories", "InvalidParameterException"):
        ecr.describe_repositories(repositoryNames=["redis"], maxResults=10)
    with refused("DescribeRepositories", "InvalidParameterException"):
        ecr.describe_repositories(repositoryNames=["redis"] * 101)


def test_another_registry_has_no_repositories_here() -> None:
    """ECR API: RepositoryNotFoundException names the registry that was searched."""
    ecr = registry()
    assert ecr.describe_repositories(registryId="999999999999")["repositories"] == []
    assert len(ecr.describe_repositories(registryId="123456789012")["repositories"]) == 1
    with refused("DeleteRepository", "RepositoryNotFoundException") as caught:
        ecr.delete_repository(repositoryName="redis", registryId="999999999999")
    assert "'999999999999'" in str(caught.value)
    with refused("PutImageTagMutability", "RepositoryNotFoundException"):
        ecr.put_image_tag_mutability(repositoryName="absent", imageTagMutability="MUTABLE")


def test_pull_through_cache_rules_are_described() -> None:
    """ECR API: DescribePullThroughCacheRules."""
    ecr = registry(clock=Clock())
    assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
    ecr.add_pull_through_cache_rule("docker-hub", "registry-1.docker.io")
    ecr.add_pull_through_cache_rule("quay", "quay.io")

    first = ecr.describe_pull_through_cache_rules(maxResults=1)
    assert first["pullThroughCacheRules"] == [
        {
            "ecrRepositoryPrefix": "docker-hub",
            "upstreamRegistryUrl": "registry-1.docker.io",
            "createdAt": Clock().now,
            "updatedAt": Clock().now,
            "registryId": "123456789012",
        }
    ]
    second = ecr.describe_pull_through_cache_rules(nextToken=first["nextToken"])
    named = ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=["quay"])
    assert second["pullThroughCacheRules"] == named["pullThroughCacheRules"]
    assert "nextToken" not in second


def test_a_prefix_without_rule_is_not_found() -> None:
    """ECR API: DescribePullThroughCacheRules, PullThroughCacheRuleNotFoundException."""
    ecr = registry()
    with refused("DescribePullThroughCacheRules", "PullThroughCacheRuleNotFoundException"):
        ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=["quay"])
