"""The operations of the ECR API that moto lacks, or answers without filters, pages and `force`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from moto.ecr.exceptions import LifecyclePolicyNotFoundException
from moto.ecr.models import Repository

from ecr_steward_cli.in_memory import documents, grammar, manifests, paging
from ecr_steward_cli.in_memory.documents import PreviewImage
from ecr_steward_cli.in_memory.refusals import RefusedError
from local.ecr.backend import (
    LocalEcr,
    LocalImage,
    described,
    failed,
    images_in,
    look_up,
    parents,
)
from local.ecr.events import ImageAction
from local.ecr.refusals import refusing

Answer = dict[str, Any]

_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class _Row:
    """Something to page through, in the order of `number`."""

    number: int
    content: Any


class ServedOperations:
    """Operations by their name, on one registry."""

    def __init__(self, ecr: LocalEcr) -> None:
        parts = (Images(ecr), Repositories(ecr), Previews(ecr), Templates(ecr))
        self._lock = ecr.lock
        self._operations: Final[Mapping[str, Callable[[Answer], Answer]]] = {
            name: operation for part in parts for name, operation in part.operations().items()
        }

    def has(self, operation: str) -> bool:
        """Whether the operation is one of these."""
        return operation in self._operations

    def call(self, operation: str, asked: Answer) -> Answer:
        """The operation's answer; raises ServiceException."""
        with self._lock, refusing():
            return self._operations[operation](asked)


class Images:
    """What is read of images, and where they are kept."""

    def __init__(self, ecr: LocalEcr) -> None:
        self._ecr = ecr

    def operations(self) -> dict[str, Callable[[Answer], Answer]]:
        return {
            "BatchGetImage": self._get,
            "DescribeImages": self._describe,
            "ListImages": self._list,
            "UpdateImageStorageClass": self._update_storage_class,
        }

    def _get(self, asked: Answer) -> Answer:
        grammar.check_batch("imageIds", asked["imageIds"])
        accepted = asked.get("acceptedMediaTypes")
        if accepted is not None:
            grammar.check_batch("acceptedMediaTypes", accepted)
        repository = self._repository(asked)
        images, failures = [], []
        for image_id in asked["imageIds"]:
            image, failure = look_up(repository, image_id)
            if image is not None and image.status != "ACTIVE":
                image, failure = None, failed(image_id, "ImageInaccessible", "It is archived")
            if image is None:
                failures.append(failure)
            else:
                images.append(_pulled(repository, image, image_id, accepted or ()))
        return {"images": images, "failures": failures}

    def _describe(self, asked: Answer) -> Answer:
        ids = asked.get("imageIds")
        grammar.check_exclusive("imageIds", ids, asked.get("nextToken"), asked.get("maxResults"))
        repository = self._repository(asked)
        if ids is not None:
            found = {image.number: image for image in (described(repository, i) for i in ids)}
            kept = _filtered(found.values(), asked)
            return {"imageDetails": [_detail(repository, image) for image in kept]}
        rows = [_Row(image.number, image) for image in _filtered(images_in(repository), asked)]
        page, token = _page(f"DescribeImages {repository.name}", rows, asked)
        return {"imageDetails": [_detail(repository, image) for image in page], **token}

    def _list(self, asked: Answer) -> Answer:
        repository = self._repository(asked)
        rows = list(_entries(_filtered(images_in(repository), asked)))
        page, token = _page(f"ListImages {repository.name}", rows, asked)
        return {"imageIds": page, **token}

    def _update_storage_class(self, asked: Answer) -> Answer:
        name, target = asked["repositoryName"], asked["targetStorageClass"]
        image = self._ecr.move_to(target, name, asked["imageId"])
        digest = image.get_image_digest()
        self._ecr.announce(
            ImageAction(
                "UPDATE_STORAGE_CLASS",
                name,
                digest,
                None,
                image.contents.media_type,
                image.contents.artifact_media_type,
                target,
            )
        )
        return {
            "registryId": self._ecr.account_id,
            "repositoryName": name,
            "imageId": {"imageDigest": digest},
            "imageStatus": "ARCHIVED" if target == "ARCHIVE" else "ACTIVATING",
        }

    def _repository(self, asked: Answer) -> Repository:
        return self._ecr.repository(asked["repositoryName"], asked.get("registryId"))


def _filtered(images: Iterable[LocalImage], asked: Answer) -> list[LocalImage]:
    tag_status, status = grammar.wanted_statuses(asked.get("filter"))
    return [
        image
        for image in images
        if status in ("ANY", image.status)
        and tag_status in ("ANY", "TAGGED" if image.image_tags else "UNTAGGED")
    ]


def _entries(images: Iterable[LocalImage]) -> Iterator[_Row]:
    """One entry for each tag, and for each image without one."""
    for image in images:
        digest = {"imageDigest": image.get_image_digest()}
        entries = [{**digest, "imageTag": tag} for tag in image.image_tags] or [digest]
        for place, entry in enumerate(entries):
            yield _Row(image.number * grammar.MAX_TAGS_PER_IMAGE + place, entry)


def _page(scope: str, rows: Sequence[_Row], asked: Answer) -> tuple[list[Any], Answer]:
    """The contents of the rows of one page, and `nextToken` if there are more."""
    limit = asked.get("maxResults", _PAGE)
    grammar.check_page(limit)
    page, token = paging.numbered_page(scope, rows, asked.get("nextToken"), limit)
    return [row.content for row in page], token


def _pulled(
    repository: Repository, image: LocalImage, image_id: Answer, accepted: Sequence[str]
) -> Answer:
    text, media_type = image.image_manifest, image.contents.media_type
    if "imageDigest" not in image_id:
        text, media_type = manifests.translated(text, media_type, accepted) or (text, media_type)
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageId": {**image_id, "imageDigest": manifests.sha256(text)},
        "imageManifest": text,
        "imageManifestMediaType": media_type,
    }


def _detail(repository: Repository, image: LocalImage) -> Answer:
    detail = {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageDigest": image.get_image_digest(),
        "imageTags": list(image.image_tags) or None,
        "imageSizeInBytes": image.size,
        "imagePushedAt": image.pushed_at.timestamp(),
        "imageManifestMediaType": image.contents.media_type,
        "artifactMediaType": image.contents.artifact_media_type,
        "imageStatus": image.status,
        "lastArchivedAt": image.archived_at and image.archived_at.timestamp(),
        "lastActivatedAt": image.activated_at and image.activated_at.timestamp(),
    }
    return {name: value for name, value in detail.items() if value is not None}


class Repositories:
    """What is read of repositories, and the policy that `force` decides on."""

    def __init__(self, ecr: LocalEcr) -> None:
        self._ecr = ecr

    def operations(self) -> dict[str, Callable[[Answer], Answer]]:
        return {
            "DescribeRepositories": self._describe,
            "DescribePullThroughCacheRules": self._cache_rules,
            "SetRepositoryPolicy": self._set_policy,
        }

    def _describe(self, asked: Answer) -> Answer:
        names, registry = asked.get("repositoryNames"), asked.get("registryId")
        grammar.check_exclusive(
            "repositoryNames", names, asked.get("nextToken"), asked.get("maxResults")
        )
        if names is not None:
            found = [self._ecr.repository(name, registry) for name in names]
            return {"repositories": [_shown(each) for each in found]}
        rows = [
            _Row(number, each)
            for number, each in enumerate(self._ecr.repositories.values())
            if registry in (None, each.registry_id)
        ]
        page, token = _page("DescribeRepositories", rows, asked)
        return {"repositories": [_shown(each) for each in page], **token}

    def _cache_rules(self, asked: Answer) -> Answer:
        prefixes = asked.get("ecrRepositoryPrefixes")
        grammar.check_exclusive(
            "ecrRepositoryPrefixes", prefixes, asked.get("nextToken"), asked.get("maxResults")
        )
        if prefixes is not None:
            raise RefusedError(
                "PullThroughCacheRuleNotFoundException",
                f"The pull through cache rule with repository prefix '{prefixes[0]}' does not "
                f"exist in the registry with id '{self._ecr.account_id}'",
            )
        page, token = _page("DescribePullThroughCacheRules", [], asked)
        return {"pullThroughCacheRules": page, **token}

    def _set_policy(self, asked: Answer) -> Answer:
        name, text = asked["repositoryName"], asked["policyText"]
        repository = self._ecr.set_policy(name, text, force=asked.get("force", False))
        return {
            "registryId": repository.registry_id,
            "repositoryName": name,
            "policyText": text,
        }


def _shown(repository: Repository) -> Answer:
    shown = {
        "repositoryArn": repository.arn,
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "repositoryUri": repository.uri,
        "createdAt": repository.created_at.replace(tzinfo=UTC).timestamp(),
        "imageTagMutability": repository.image_tag_mutability,
        "imageTagMutabilityExclusionFilters": repository.image_tag_mutability_exclusion_filters,
        "imageScanningConfiguration": repository.image_scanning_configuration,
        "encryptionConfiguration": repository.encryption_configuration,
    }
    return {name: value for name, value in shown.items() if value is not None}


class Previews:
    """Previews of lifecycle policies: complete as soon as they are asked for."""

    def __init__(self, ecr: LocalEcr) -> None:
        self._ecr = ecr
        self._texts: dict[str, str] = {}

    def operations(self) -> dict[str, Callable[[Answer], Answer]]:
        return {
            "StartLifecyclePolicyPreview": self._start,
            "GetLifecyclePolicyPreview": self._get,
        }

    def _start(self, asked: Answer) -> Answer:
        repository = self._ecr.repository(asked["repositoryName"])
        given = asked.get("lifecyclePolicyText") or repository.lifecycle_policy
        if given is None:
            raise LifecyclePolicyNotFoundException(repository.name, repository.registry_id)
        documents.check_lifecycle(given)
        text = self._texts[_id_of(repository)] = documents.in_order(given)
        return {**_preview_of(repository, text), "status": "IN_PROGRESS"}

    def _get(self, asked: Answer) -> Answer:
        repository = self._ecr.repository(asked["repositoryName"])
        text = self._texts.get(_id_of(repository))
        if text is None:
            raise RefusedError(
                "LifecyclePolicyPreviewNotFoundException",
                f"There is no dry run for the repository '{repository.name}'",
            )
        due = _due(repository, text)
        wanted = (asked.get("filter") or {}).get("tagStatus", "ANY")
        rows = [
            _Row(number, _previewed(image, rule))
            for number, (image, rule) in enumerate(due)
            if wanted in ("ANY", "TAGGED" if image.tags else "UNTAGGED")
        ]
        page, token = _page(f"GetLifecyclePolicyPreview {repository.name}", rows, asked)
        return {
            **_preview_of(repository, text),
            "status": "COMPLETE",
            "previewResults": page,
            "summary": {
                "expiringImageTotalCount": sum(r["action"]["type"] == "expire" for _, r in due)
            },
            **token,
        }


def _id_of(repository: Repository) -> str:
    """Another one for a repository that is made anew."""
    return f"{repository.name} {id(repository)}"


def _preview_of(repository: Repository, text: str) -> Answer:
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "lifecyclePolicyText": text,
    }


def _due(repository: Repository, text: str) -> list[tuple[PreviewImage, Mapping[str, Any]]]:
    images = [
        PreviewImage(image.get_image_digest(), tuple(image.image_tags), image.pushed_at)
        for image in images_in(repository)
        # ECR spares what an index needs.
        if not parents(repository, image)
    ]
    return list(documents.taken(json.loads(text)["rules"], images, datetime.now(UTC)))


def _previewed(image: PreviewImage, rule: Mapping[str, Any]) -> Answer:
    return {
        "imageTags": list(image.tags),
        "imageDigest": image.digest,
        "imagePushedAt": image.pushed_at.timestamp(),
        "action": {key: str(value).upper() for key, value in rule["action"].items()},
        "appliedRulePriority": int(rule["rulePriority"]),
    }


class Templates:
    """Repository creation templates, by their prefix."""

    def __init__(self, ecr: LocalEcr) -> None:
        self._registry = ecr.account_id
        self._templates: dict[str, Answer] = {}

    def operations(self) -> dict[str, Callable[[Answer], Answer]]:
        return {
            "DescribeRepositoryCreationTemplates": self._describe,
            "CreateRepositoryCreationTemplate": self._create,
            "UpdateRepositoryCreationTemplate": self._update,
            "DeleteRepositoryCreationTemplate": self._delete,
        }

    def _describe(self, asked: Answer) -> Answer:
        wanted = asked.get("prefixes")
        rows = [
            _Row(number, template)
            for number, (prefix, template) in enumerate(sorted(self._templates.items()))
            if wanted is None or prefix in wanted
        ]
        page, token = _page("DescribeRepositoryCreationTemplates", rows, asked)
        return {"registryId": self._registry, "repositoryCreationTemplates": page, **token}

    def _create(self, asked: Answer) -> Answer:
        # ECR keeps no `/` at the end, and finds no template by a prefix that has one.
        bare = asked["prefix"].removesuffix("/")
        if bare in self._templates:
            raise RefusedError(
                "TemplateAlreadyExistsException", f"'{asked['prefix']}' has a template"
            )
        return self._keep({**asked, "prefix": bare})

    def _update(self, asked: Answer) -> Answer:
        return self._keep({**self._template(asked), **asked})

    def _delete(self, asked: Answer) -> Answer:
        return self._answer(self._templates.pop(self._template(asked)["prefix"]))

    def _template(self, asked: Answer) -> Answer:
        if asked["prefix"] not in self._templates:
            raise RefusedError("TemplateNotFoundException", f"'{asked['prefix']}' has no template")
        return self._templates[asked["prefix"]]

    def _keep(self, template: Answer) -> Answer:
        documents.check_template(template)
        self._templates[template["prefix"]] = template
        return self._answer(template)

    def _answer(self, template: Answer) -> Answer:
        return {"registryId": self._registry, "repositoryCreationTemplate": template}
