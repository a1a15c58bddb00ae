"""The settings of repositories, checked where moto takes what ECR refuses.

moto checks lifecycle policies by the grammar of 2023, takes a repository policy without a principal
and exclusion filters that do not fit, knows other names of repositories and no limits. What stands
here follows the ECR API reference.
"""

from __future__ import annotations

from typing import Any

from moto.ecr.exceptions import RepositoryAlreadyExistsException
from moto.ecr.models import ECRBackend, Repository

from ecr_steward_cli.in_memory import documents, grammar
from local.ecr.refusals import refusing

Answer = dict[str, Any]


class CheckedSettings(ECRBackend):
    """moto's backend, refusing the settings that ECR refuses."""

    __module__ = ECRBackend.__module__

    def create_repository(
        self,
        repository_name: str,
        registry_id: str | None,
        encryption_config: dict[str, str],
        image_scan_config: Any,
        image_tag_mutability: str,
        tags: list[dict[str, str]],
        image_tag_mutability_exclusion_filters: Any = None,
    ) -> Repository:
        """An empty repository; see ECR API: CreateRepository."""
        filters = image_tag_mutability_exclusion_filters
        with refusing():
            grammar.check_repository_name(repository_name)
            grammar.check_mutability(image_tag_mutability or "MUTABLE", filters)
            grammar.check_resource_tags(len(tags))
        if repository_name in self.repositories:
            raise RepositoryAlreadyExistsException(repository_name, self.account_id)
        # Not moto's own: its pattern refuses names that ECR takes.
        repository = Repository(  # type: ignore[abstract]  # as moto itself does
            account_id=self.account_id,
            region_name=self.region_name,
            repository_name=repository_name,
            registry_id=registry_id,
            encryption_config=encryption_config,
            image_scan_config=image_scan_config,
            image_tag_mutability=image_tag_mutability,
            image_tag_mutability_exclusion_filters=filters,
        )
        # Of what moto answers and what is read later, only the seconds would be the same.
        repository.created_at = repository.created_at.replace(microsecond=0)
        self.repositories[repository_name] = repository
        self.tagger.tag_resource(repository.arn, tags)
        return repository

    def set_policy(self, repository_name: str, policy_text: str, *, force: bool) -> Repository:
        """Put the whole policy in place of the old one; see ECR API: SetRepositoryPolicy."""
        repository = self._get_repository(repository_name)
        with refusing():
            documents.check_policy(policy_text, force=force)
        repository.policy = policy_text
        return repository

    def put_lifecycle_policy(
        self, registry_id: str, repository_name: str, lifecycle_policy_text: str
    ) -> Answer:
        """Put a lifecycle policy in place of the old one; see ECR API: PutLifecyclePolicy."""
        repository = self._get_repository(repository_name, registry_id)
        with refusing():
            documents.check_lifecycle(lifecycle_policy_text)
        repository.lifecycle_policy = documents.in_order(lifecycle_policy_text)
        return {
            "registryId": repository.registry_id,
            "repositoryName": repository_name,
            "lifecyclePolicyText": repository.lifecycle_policy,
        }

    def put_image_tag_mutability(
        self,
        registry_id: str,
        repository_name: str,
        image_tag_mutability: str,
        image_tag_mutability_exclusion_filters: Any = None,
    ) -> Answer:
        """Say which tags may move; see ECR API: PutImageTagMutability."""
        filters = image_tag_mutability_exclusion_filters
        with refusing():
            grammar.check_mutability(image_tag_mutability, filters)
        answer = super().put_image_tag_mutability(
            registry_id, repository_name, image_tag_mutability, filters
        )
        return {**answer, "imageTagMutabilityExclusionFilters": filters}

    def put_registry_scanning_configuration(
        self, scan_type: str | None, rules: list[dict[str, Any]] | None
    ) -> None:
        """Say what is scanned; see ECR API: PutRegistryScanningConfiguration."""
        with refusing():
            grammar.check_scanning(scan_type or "BASIC", rules or [])
        super().put_registry_scanning_configuration(scan_type or "BASIC", rules or [])

    def tag_resource(self, arn: str, tags: list[dict[str, str]]) -> None:
        """Add resource tags, or give them new values; see ECR API: TagResource."""
        there = {each["Key"] for each in self.list_tags_for_resource(arn)["tags"]}
        with refusing():
            grammar.check_resource_tags(len(there | {each["Key"] for each in tags}))
        super().tag_resource(arn, tags)
