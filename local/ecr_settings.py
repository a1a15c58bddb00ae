"""The settings of repositories, corrected where moto differs from ECR, and what moto lacks.

moto checks lifecycle policies by the grammar of 2023, takes a repository policy without a principal
and exclusion filters that do not fit, has no lifecycle previews and no repository creation
templates. What stands here follows the ECR API reference, by the checks of the steward's own
registry in memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import InvalidParameterException
from moto.ecr.models import ECRBackend

from ecr_steward_cli.in_memory import settings as memory

if TYPE_CHECKING:
    from local.ecr_backend import LocalEcr

Answer = dict[str, Any]


class PreviewNotFoundException(ServiceException):
    """Nobody asked for a preview."""

    code = "LifecyclePolicyPreviewNotFoundException"


class TemplateAlreadyExistsException(ServiceException):
    """The prefix has a template."""

    code = "TemplateAlreadyExistsException"


class TemplateNotFoundException(ServiceException):
    """The prefix has no template."""

    code = "TemplateNotFoundException"


class CheckedSettings(ECRBackend):
    """moto's backend, refusing the settings that ECR refuses."""

    __module__ = ECRBackend.__module__

    def set_repository_policy(
        self, registry_id: str, repository_name: str, policy_text: str
    ) -> Answer:
        """Put the whole policy in place of the old one; see ECR API: SetRepositoryPolicy."""
        repository = self._get_repository(repository_name, registry_id)
        if not memory.is_policy(policy_text):
            raise _invalid("PolicyText", "Invalid repository policy provided")
        if not memory.names_known(policy_text):
            raise _invalid("PolicyText", "Principal not found")
        repository.policy = policy_text
        return {
            "registryId": repository.registry_id,
            "repositoryName": repository_name,
            "policyText": policy_text,
        }

    def put_lifecycle_policy(
        self, registry_id: str, repository_name: str, lifecycle_policy_text: str
    ) -> Answer:
        """Put a lifecycle policy in place of the old one; see ECR API: PutLifecyclePolicy."""
        repository = self._get_repository(repository_name, registry_id)
        _check(memory.check_lifecycle, lifecycle_policy_text)
        repository.lifecycle_policy = lifecycle_policy_text
        return {
            "registryId": repository.registry_id,
            "repositoryName": repository_name,
            "lifecyclePolicyText": lifecycle_policy_text,
        }

    def put_image_tag_mutability(
        self,
        registry_id: str,
        repository_name: str,
        image_tag_mutability: str,
        image_tag_mutability_exclusion_filters: Any = None,
    ) -> dict[str, str]:
        """Say which tags may move; see ECR API: PutImageTagMutability."""
        _check(
            memory.check_mutability, image_tag_mutability, image_tag_mutability_exclusion_filters
        )
        return super().put_image_tag_mutability(
            registry_id,
            repository_name,
            image_tag_mutability,
            image_tag_mutability_exclusion_filters,
        )


class MoreSettings:
    """The operations of the ECR API that moto does not have, on a registry of moto's."""

    def __init__(self, ecr: LocalEcr) -> None:
        self._ecr = ecr
        self._previews: dict[str, str] = {}
        self._templates: dict[str, Answer] = {}
        self._operations: Final[Mapping[str, Callable[[Answer], Answer]]] = {
            "DescribePullThroughCacheRules": lambda asked: {"pullThroughCacheRules": []},
            "StartLifecyclePolicyPreview": self._start_preview,
            "GetLifecyclePolicyPreview": self._preview,
            "DescribeRepositoryCreationTemplates": self._describe_templates,
            "CreateRepositoryCreationTemplate": self._create_template,
            "UpdateRepositoryCreationTemplate": self._update_template,
            "DeleteRepositoryCreationTemplate": self._delete_template,
        }

    def has(self, operation: str) -> bool:
        """Whether the operation is one of these."""
        return operation in self._operations

    def call(self, operation: str, asked: Answer) -> Answer:
        """The operation's answer; raises ServiceException."""
        with self._ecr.lock:
            return self._operations[operation](asked)

    def _start_preview(self, asked: Answer) -> Answer:
        name, text = asked["repositoryName"], asked["lifecyclePolicyText"]
        self._ecr.images_of(name)
        _check(memory.check_lifecycle, text)
        self._previews[name] = text
        return {"repositoryName": name, "lifecyclePolicyText": text, "status": "IN_PROGRESS"}

    def _preview(self, asked: Answer) -> Answer:
        name = asked["repositoryName"]
        images = [
            memory.PreviewImage(image.get_image_digest(), tuple(image.image_tags), _pushed(image))
            for image in self._ecr.images_of(name)
        ]
        text = self._previews.get(name)
        if text is None:
            raise PreviewNotFoundException(f"There is no dry run for the repository '{name}'")
        due = list(memory.expiring(json.loads(text)["rules"], images, datetime.now(UTC)))
        tagged = (asked.get("filter") or {}).get("tagStatus") == "TAGGED"
        return {
            "repositoryName": name,
            "lifecyclePolicyText": text,
            "status": "COMPLETE",
            "previewResults": [
                {
                    "imageTags": list(image.tags),
                    "imageDigest": image.digest,
                    "imagePushedAt": image.pushed_at.timestamp(),
                    "action": {"type": "EXPIRE"},
                    "appliedRulePriority": priority,
                }
                for image, priority in due
                if image.tags or not tagged
            ],
            "summary": {"expiringImageTotalCount": len(due)},
        }

    def _describe_templates(self, asked: Answer) -> Answer:
        prefixes = asked.get("prefixes")
        found = [t for p, t in sorted(self._templates.items()) if prefixes is None or p in prefixes]
        return {"repositoryCreationTemplates": found}

    def _create_template(self, asked: Answer) -> Answer:
        if asked["prefix"] in self._templates:
            raise TemplateAlreadyExistsException(f"'{asked['prefix']}' has a template")
        return self._keep(asked)

    def _update_template(self, asked: Answer) -> Answer:
        return self._keep({**self._template(asked), **asked})

    def _delete_template(self, asked: Answer) -> Answer:
        return {"repositoryCreationTemplate": self._templates.pop(self._template(asked)["prefix"])}

    def _template(self, asked: Answer) -> Answer:
        if asked["prefix"] not in self._templates:
            raise TemplateNotFoundException(f"'{asked['prefix']}' has no template")
        return self._templates[asked["prefix"]]

    def _keep(self, template: Answer) -> Answer:
        self._templates[template["prefix"]] = template
        return {"repositoryCreationTemplate": template}


def _pushed(image: Any) -> datetime:
    return datetime.fromtimestamp(float(image.image_pushed_at), UTC)


def _check(check: Callable[..., None], *given: Any) -> None:
    try:
        check(*given)
    except memory.RefusedError as refused:
        raise InvalidParameterException(refused.message) from refused


def _invalid(parameter: str, constraint: str) -> InvalidParameterException:
    return InvalidParameterException(
        f"Invalid parameter at '{parameter}' failed to satisfy constraint: '{constraint}'"
    )
