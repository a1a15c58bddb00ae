"""The repositories of the registry in memory, and what ECR lets one say about them."""

# The parameters bear the names of the ECR API, so that callers of boto3 need no change.
# ruff: noqa: N803

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Unpack

from ecr_steward_cli.in_memory import grammar, paging
from ecr_steward_cli.in_memory.grammar import Filters
from ecr_steward_cli.in_memory.manifests import Contents
from ecr_steward_cli.in_memory.operations import MemoryRegistry, RegistrySetup, Reply, api_operation
from ecr_steward_cli.in_memory.refusals import RefusedError


@dataclass(slots=True, eq=False)
class StoredImage:
    """An image as its push left it, and what happened to it since."""

    number: int
    digest: str
    manifest: str
    contents: Contents
    size: int
    pushed_at: datetime
    # The tags in the order they were put, each with the registry's counter at that time.
    tags: dict[str, int] = field(default_factory=dict)
    parents: set[str] = field(default_factory=set)
    status: str = "ACTIVE"
    pulled_at: datetime | None = None
    archived_at: datetime | None = None
    activated_at: datetime | None = None
    gone: bool = False


class HeldRepository:
    """A repository with its images, and what is set for it."""

    def __init__(self, number: int, name: str, created_at: datetime) -> None:
        self.number = number
        self.name = name
        self.created_at = created_at
        self.mutability = "MUTABLE"
        self.filters: list[dict[str, str]] = []
        self.images: dict[str, StoredImage] = {}
        self.tags: dict[str, str] = {}
        self._wildcards: re.Pattern[str] | None = None
        # Every image ever pushed, oldest first, the deleted ones until half of it is dead: a page
        # then starts by bisection, and a push costs the same in a repository of any size.
        self._order: list[StoredImage] = []

    def freeze(self, mutability: str, filters: Filters) -> None:
        self.mutability = mutability
        self.filters = [dict(each) for each in filters]
        self._wildcards = grammar.wildcards(filters)

    def is_frozen(self, tag: str) -> bool:
        """Whether `tag` may not move."""
        return grammar.is_frozen(tag, self.mutability, self._wildcards)

    def add(self, image: StoredImage) -> None:
        self.images[image.digest] = image
        self._order.append(image)
        for child in image.contents.children:
            self.images[child].parents.add(image.digest)

    def tag(self, image: StoredImage, tag: str, number: int) -> None:
        """Put `tag` on `image`; the image it was on stays, without tag if it had no other."""
        owner = self.tags.get(tag)
        if owner is not None:
            del self.images[owner].tags[tag]
        self.tags[tag] = image.digest
        image.tags[tag] = number

    def untag(self, tag: str) -> None:
        del self.images[self.tags.pop(tag)].tags[tag]

    def remove(self, image: StoredImage) -> None:
        for tag in image.tags:
            del self.tags[tag]
        for child in image.contents.children:
            self.images[child].parents.discard(image.digest)
        del self.images[image.digest]
        image.gone = True
        if len(self._order) > 2 * len(self.images):
            self._order = [each for each in self._order if not each.gone]

    def images_from(self, number: int) -> Iterator[StoredImage]:
        start = bisect_left(self._order, number, key=lambda image: image.number)
        for index in range(start, len(self._order)):
            if not self._order[index].gone:
                yield self._order[index]


@dataclass(frozen=True, slots=True)
class _CacheRule:
    number: int
    prefix: str
    upstream: str
    created_at: datetime


class PagedSetup(RegistrySetup, total=False):
    """What a registry is made of that answers by page; see `MemoryEcr`."""

    page_limit: int


class MemoryRepositories(MemoryRegistry):
    """The repositories of a registry, and its pull-through cache rules."""

    def __init__(self, *, page_limit: int = 100, **given: Unpack[RegistrySetup]) -> None:
        super().__init__(**given)
        self._page_limit = page_limit
        self._repositories: dict[str, HeldRepository] = {}
        self._cache_rules: dict[str, _CacheRule] = {}

    @api_operation("CreateRepository")
    def create_repository(
        self,
        *,
        repositoryName: str,
        imageTagMutability: str = "MUTABLE",
        imageTagMutabilityExclusionFilters: Filters | None = None,
    ) -> Reply:
        """An empty repository (ECR API: CreateRepository)."""
        repository = self._create(
            repositoryName, imageTagMutability, imageTagMutabilityExclusionFilters
        )
        return {"repository": self._shown(repository)}

    @api_operation("DeleteRepository")
    def delete_repository(
        self, *, repositoryName: str, registryId: str | None = None, force: bool = False
    ) -> Reply:
        """Remove a repository, with its images only by `force` (ECR API: DeleteRepository)."""
        repository = self._remove(repositoryName, registryId, force=force)
        return {"repository": self._shown(repository)}

    @api_operation("DescribeRepositories")
    def describe_repositories(
        self,
        *,
        registryId: str | None = None,
        repositoryNames: Sequence[str] | None = None,
        nextToken: str | None = None,
        maxResults: int | None = None,
    ) -> Reply:
        """The repositories by name, or all of them by page (ECR API: DescribeRepositories)."""
        grammar.check_exclusive("repositoryNames", repositoryNames, nextToken, maxResults)
        limit = self._limit(maxResults)
        if repositoryNames is not None:
            found = [self._repository(name, registryId) for name in repositoryNames]
            return {"repositories": [self._shown(repository) for repository in found]}
        rows = self._repositories.values() if self._is_own(registryId) else ()
        page, token = paging.numbered_page("DescribeRepositories", rows, nextToken, limit)
        return {"repositories": [self._shown(repository) for repository in page]} | token

    @api_operation("PutImageTagMutability")
    def put_image_tag_mutability(
        self,
        *,
        repositoryName: str,
        imageTagMutability: str,
        registryId: str | None = None,
        imageTagMutabilityExclusionFilters: Filters | None = None,
    ) -> Reply:
        """Say which tags may move from now on (ECR API: PutImageTagMutability)."""
        grammar.check_mutability(imageTagMutability, imageTagMutabilityExclusionFilters)
        repository = self._repository(repositoryName, registryId)
        repository.freeze(imageTagMutability, imageTagMutabilityExclusionFilters or ())
        return {
            "registryId": self.account,
            "repositoryName": repositoryName,
            **_mutability(repository),
        }

    @api_operation("DescribePullThroughCacheRules")
    def describe_pull_through_cache_rules(
        self,
        *,
        registryId: str | None = None,
        ecrRepositoryPrefixes: Sequence[str] | None = None,
        nextToken: str | None = None,
        maxResults: int | None = None,
    ) -> Reply:
        """The pull-through cache rules (ECR API: DescribePullThroughCacheRules)."""
        grammar.check_exclusive(
            "ecrRepositoryPrefixes", ecrRepositoryPrefixes, nextToken, maxResults
        )
        limit = self._limit(maxResults)
        rules = self._cache_rules if self._is_own(registryId) else {}
        if ecrRepositoryPrefixes is not None:
            missing = [prefix for prefix in ecrRepositoryPrefixes if prefix not in rules]
            if missing:
                raise RefusedError(
                    "PullThroughCacheRuleNotFoundException",
                    f"The pull through cache rule with repository prefix '{missing[0]}' does not "
                    f"exist in the registry with id '{registryId or self.account}'",
                )
            page, token = [rules[prefix] for prefix in ecrRepositoryPrefixes], dict[str, str]()
        else:
            page, token = paging.numbered_page(
                "DescribePullThroughCacheRules", rules.values(), nextToken, limit
            )
        return {"pullThroughCacheRules": [self._shown_rule(rule) for rule in page]} | token

    def add_pull_through_cache_rule(self, prefix: str, upstream: str) -> None:
        """Cache the registry at `upstream` (a host name) in repositories named `prefix`/*.

        No call of the API, so neither counted nor hooked.
        """
        with self._lock:
            rule = _CacheRule(next(self._numbers), prefix, upstream, self._clock())
            self._cache_rules[prefix] = rule

    # What an operation is made of

    def _create(self, name: str, mutability: str, filters: Filters | None) -> HeldRepository:
        grammar.check_repository_name(name)
        grammar.check_mutability(mutability, filters)
        if name in self._repositories:
            raise RefusedError(
                "RepositoryAlreadyExistsException",
                f"The repository with name '{name}' already exists in the registry "
                f"with id '{self.account}'",
            )
        repository = HeldRepository(next(self._numbers), name, self._clock())
        repository.freeze(mutability, filters or ())
        self._repositories[name] = repository
        return repository

    def _remove(self, name: str, registry: str | None, *, force: bool) -> HeldRepository:
        repository = self._repository(name, registry)
        if repository.images and not force:
            raise RefusedError(
                "RepositoryNotEmptyException",
                f"The repository with name '{name}' in registry with id "
                f"'{self.account}' cannot be deleted because it still contains images",
            )
        return self._repositories.pop(name)

    def _is_own(self, registry: str | None) -> bool:
        return registry is None or registry == self.account

    def _repository(self, name: str, registry: str | None) -> HeldRepository:
        repository = self._repositories.get(name) if self._is_own(registry) else None
        if repository is None:
            raise RefusedError(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id "
                f"'{registry or self.account}'",
            )
        return repository

    def _limit(self, max_results: int | None) -> int:
        if max_results is None:
            return self._page_limit
        grammar.check_page(max_results)
        return max_results

    def _shown(self, repository: HeldRepository) -> Reply:
        host = f"{self.account}.dkr.ecr.{self.region}.amazonaws.com"
        return {
            "repositoryArn": (
                f"arn:aws:ecr:{self.region}:{self.account}:repository/{repository.name}"
            ),
            "registryId": self.account,
            "repositoryName": repository.name,
            "repositoryUri": f"{host}/{repository.name}",
            "createdAt": repository.created_at,
            **_mutability(repository),
            "imageScanningConfiguration": {"scanOnPush": False},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        }

    def _shown_rule(self, rule: _CacheRule) -> Reply:
        return {
            "ecrRepositoryPrefix": rule.prefix,
            "upstreamRegistryUrl": rule.upstream,
            "createdAt": rule.created_at,
            "updatedAt": rule.created_at,
            "registryId": self.account,
        }


def _mutability(repository: HeldRepository) -> Reply:
    shown: Reply = {"imageTagMutability": repository.mutability}
    if repository.filters:
        shown["imageTagMutabilityExclusionFilters"] = [dict(each) for each in repository.filters]
    return shown
