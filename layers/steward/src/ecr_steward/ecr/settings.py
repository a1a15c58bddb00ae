"""The settings of repositories and of the registry: what we ask of ECR, and how it is asked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ecr_steward.ecr import Refused, call
from ecr_steward.settings import policies
from ecr_steward.settings.lifecycle import Expiring

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

    from ecr_steward.settings.registry import Scanning, Template
Document = Mapping[str, Any]

PROPAGATION = (2.0, 4.0)
"""Seconds before a refused repository policy is set again: a principal made a moment ago may not
be known to ECR yet (IAM User Guide: Changes that I make are not always immediately visible)."""

_OPAQUE = {
    "Invalid repository policy provided": (
        "ECR says no more; mostly a principal does not exist (any more), its account has not "
        "enabled this Region, or the policy would keep the steward from setting another"
    ),
    "Principal not found": (
        "ECR does not say which; mostly a principal does not exist (any more), or its account has "
        "not enabled this Region"
    ),
}
"""What ECR says of a policy that it may take a moment later, and what that means."""

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Described:
    """What `DescribeRepositories` says of one repository, in ECR's words."""

    arn: str
    created: datetime
    mutability: str
    filters: tuple[str, ...]
    scan_on_push: bool
    encryption: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a lifecycle policy would do now.

    `images` is how many images would expire, `tagged` are those of them that have tags. While it is
    not `done` the preview is still running.
    """

    document: Document
    done: bool
    images: int = 0
    tagged: tuple[Expiring, ...] = ()


class EcrSettings:
    """Reads and writes of settings over boto3's ECR client, one call each.

    Every method raises RegistryError. `sleep` waits between the tries of a policy that
    ECR refuses without saying why.
    """

    def __init__(self, client: ECRClient, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def describe(self, repository: str) -> Described:
        """Raises RepositoryGone."""
        answer = call(
            "DescribeRepositories",
            self._client.describe_repositories,
            repositoryNames=[repository],
        )
        (found,) = answer["repositories"]
        filters = found.get("imageTagMutabilityExclusionFilters", ())
        return Described(
            arn=found["repositoryArn"],
            created=found["createdAt"],
            mutability=found["imageTagMutability"],
            filters=tuple(each["filter"] for each in filters),
            scan_on_push=found.get("imageScanningConfiguration", {}).get("scanOnPush", False),
            encryption=found.get("encryptionConfiguration", {}).get("encryptionType", "AES256"),
        )

    def policy(self, repository: str) -> Document | None:
        return self._document(
            "GetRepositoryPolicy",
            self._client.get_repository_policy,
            "policyText",
            "RepositoryPolicyNotFoundException",
            repositoryName=repository,
        )

    def lifecycle(self, repository: str) -> Document | None:
        return self._document(
            "GetLifecyclePolicy",
            self._client.get_lifecycle_policy,
            "lifecyclePolicyText",
            "LifecyclePolicyNotFoundException",
            repositoryName=repository,
        )

    def resource_tags(self, arn: str) -> dict[str, str]:
        answer = call("ListTagsForResource", self._client.list_tags_for_resource, resourceArn=arn)
        return {each["Key"]: each["Value"] for each in answer.get("tags", ())}

    def set_policy(self, repository: str, document: Document | None) -> None:
        """Set the whole repository policy, or take it away. Never by `force`."""
        if document is None:
            self._absent(
                "DeleteRepositoryPolicy",
                self._client.delete_repository_policy,
                "RepositoryPolicyNotFoundException",
                repositoryName=repository,
            )
            return
        for wait in PROPAGATION:
            try:
                self._set_policy(repository, document)
            except Refused as error:
                if _meaning(error) is None:
                    raise
                self._sleep(wait)
            else:
                return
        try:
            self._set_policy(repository, document)
        except Refused as error:
            meaning = _meaning(error)
            if meaning is None:
                raise
            said = f"{error.message}. {meaning}"
            raise Refused(error.operation, error.code, said) from error

    def set_lifecycle(self, repository: str, document: Document | None) -> None:
        if document is None:
            self._absent(
                "DeleteLifecyclePolicy",
                self._client.delete_lifecycle_policy,
                "LifecyclePolicyNotFoundException",
                repositoryName=repository,
            )
            return
        call(
            "PutLifecyclePolicy",
            self._client.put_lifecycle_policy,
            repositoryName=repository,
            lifecyclePolicyText=policies.dumps(document),
        )

    def set_mutability(self, repository: str, mutability: str, filters: Sequence[str]) -> None:
        listed = [{"filterType": "WILDCARD", "filter": each} for each in filters]
        call(
            "PutImageTagMutability",
            self._client.put_image_tag_mutability,
            repositoryName=repository,
            imageTagMutability=mutability,
            # ECR refuses an empty list, and any list without an exclusion to list.
            **({"imageTagMutabilityExclusionFilters": listed} if listed else {}),
        )

    def set_scan_on_push(self, repository: str, *, on: bool) -> None:
        call(
            "PutImageScanningConfiguration",
            self._client.put_image_scanning_configuration,
            repositoryName=repository,
            imageScanningConfiguration={"scanOnPush": on},
        )

    def add_resource_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        call(
            "TagResource",
            self._client.tag_resource,
            resourceArn=arn,
            tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )

    def start_preview(self, repository: str, document: Document) -> None:
        """Begin to find out what a lifecycle policy would do; one that runs already goes on."""
        try:
            call(
                "StartLifecyclePolicyPreview",
                self._client.start_lifecycle_policy_preview,
                repositoryName=repository,
                lifecyclePolicyText=policies.dumps(document),
            )
        except Refused as error:
            if error.code != "LifecyclePolicyPreviewInProgressException":
                raise

    def preview(self, repository: str) -> Preview | None:
        """How far the last preview is; None if there is none."""
        pages = self._pages(
            "GetLifecyclePolicyPreview",
            self._client.get_lifecycle_policy_preview,
            repositoryName=repository,
            # The others are only counted, and that is in the summary.
            filter={"tagStatus": "TAGGED"},
        )
        try:
            page = next(pages)
        except Refused as error:
            if error.code == "LifecyclePolicyPreviewNotFoundException":
                return None
            raise
        document = json.loads(page["lifecyclePolicyText"])
        if page["status"] == "IN_PROGRESS":
            return Preview(document, done=False)
        if page["status"] != "COMPLETE":
            return None
        images = page.get("summary", {}).get("expiringImageTotalCount", 0)
        return Preview(document, done=True, images=images, tagged=tuple(_expiring(page, pages)))

    def pull_through_prefixes(self) -> tuple[str, ...]:
        """The prefixes of the repositories that pull-through-cache rules make."""
        pages = self._pages(
            "DescribePullThroughCacheRules",
            self._client.describe_pull_through_cache_rules,
            maxResults=_PAGE,
        )
        rules = (each for page in pages for each in page["pullThroughCacheRules"])
        return tuple(each["ecrRepositoryPrefix"] for each in rules)

    def scanning(self) -> Scanning:
        """The registry's scanning configuration."""
        answer = call(
            "GetRegistryScanningConfiguration", self._client.get_registry_scanning_configuration
        )
        from ecr_steward.settings.registry import Scanning

        return Scanning.from_response(answer["scanningConfiguration"])

    def set_scanning(self, configuration: Document) -> None:
        """Set the whole scanning configuration, in the API's words."""
        call(
            "PutRegistryScanningConfiguration",
            self._client.put_registry_scanning_configuration,
            **configuration,
        )

    def templates(self) -> dict[str, Template]:
        """The registry's repository creation templates, by prefix."""
        pages = self._pages(
            "DescribeRepositoryCreationTemplates",
            self._client.describe_repository_creation_templates,
            maxResults=_PAGE,
        )
        every = (each for page in pages for each in page["repositoryCreationTemplates"])
        from ecr_steward.settings.registry import Template

        return {each["prefix"]: Template.from_response(each) for each in every}

    def put_template(self, template: Document, *, new: bool) -> None:
        """Create a repository creation template, or change it to this, in the API's words."""
        operation, method = (
            ("CreateRepositoryCreationTemplate", self._client.create_repository_creation_template)
            if new
            else (
                "UpdateRepositoryCreationTemplate",
                self._client.update_repository_creation_template,
            )
        )
        call(operation, method, **template)

    def _set_policy(self, repository: str, document: Document) -> None:
        call(
            "SetRepositoryPolicy",
            self._client.set_repository_policy,
            repositoryName=repository,
            policyText=policies.dumps(document),
        )

    def _pages(self, operation: str, method: Callable[..., Any], **asked: Any) -> Iterator[Any]:
        token: str | None = None
        while True:
            page = call(
                operation, method, **asked, **({} if token is None else {"nextToken": token})
            )
            yield page
            token = page.get("nextToken")
            if not token:
                return

    def _document(
        self, operation: str, method: Callable[..., Any], key: str, absent: str, **asked: Any
    ) -> Document | None:
        try:
            answer = call(operation, method, **asked)
        except Refused as error:
            if error.code == absent:
                return None
            raise
        return policies.parse(answer[key])

    def _absent(
        self, operation: str, method: Callable[..., Any], absent: str, **asked: Any
    ) -> None:
        try:
            call(operation, method, **asked)
        except Refused as error:
            if error.code != absent:
                raise


def _meaning(error: Refused) -> str | None:
    """What an answer means that says too little; None for any other answer."""
    return next((means for said, means in _OPAQUE.items() if said in error.message), None)


def _expiring(first: Any, rest: Iterator[Any]) -> Iterator[Expiring]:
    for page in (first, *rest):
        for each in page.get("previewResults", ()):
            if each["action"]["type"] == "EXPIRE":
                tags = tuple(each.get("imageTags", ()))
                yield Expiring(each["imageDigest"], tags, each["appliedRulePriority"])
