"""The settings of repositories on the registry in memory, as Amazon ECR keeps and checks them."""

# The parameters bear the names of the ECR API, so that callers of boto3 need no change.
# ruff: noqa: N803

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Unpack

from ecr_steward.words.calls import API_CALL, OF_REPOSITORIES, OF_THE_REGISTRY
from ecr_steward_cli.in_memory import cloudtrail, documents, grammar
from ecr_steward_cli.in_memory.documents import PreviewImage
from ecr_steward_cli.in_memory.grammar import Filters
from ecr_steward_cli.in_memory.images import ImagesSetup, MemoryEcr
from ecr_steward_cli.in_memory.operations import Reply, api_operation
from ecr_steward_cli.in_memory.paging import counted_page
from ecr_steward_cli.in_memory.refusals import RefusedError, invalid_parameter
from ecr_steward_cli.in_memory.repositories import HeldRepository

SOMEBODY = "arn:aws:sts::123456789012:assumed-role/Developer/somebody"
"""Who calls where nobody else is named."""

_TEMPLATE = frozenset(
    {
        "description",
        "encryptionConfiguration",
        "resourceTags",
        "imageTagMutability",
        "imageTagMutabilityExclusionFilters",
        "repositoryPolicy",
        "lifecyclePolicy",
        "customRoleArn",
    }
)
"""What may stand in a creation template (ECR API: RepositoryCreationTemplate)."""


@dataclass(slots=True)
class _Kept:
    """The settings of one repository beside its mutability."""

    scan_on_push: bool = False
    encryption: str = "AES256"
    policy: str | None = None
    lifecycle: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    preview: str | None = None
    polls: int = 0


class MemorySettings(MemoryEcr):
    """`MemoryEcr` with the settings calls of the boto3 client, refusing what ECR refuses.

    `caller` is the ARN of whoever calls; `trail` gets the event of every call that changes a
    setting, as CloudTrail sends it through EventBridge. `strangers` are principals that ECR does
    not know: a policy that names one is refused, as is one that names a principal by its id.
    `preview_polls` is how often a lifecycle preview is asked for before it is complete.

    A policy that keeps everybody from setting another needs `force`: here a `Deny` of
    SetRepositoryPolicy to `*` without a condition; ECR does not say how it finds out.
    """

    def __init__(
        self,
        *,
        trail: Callable[[dict[str, Any]], None] | None = None,
        preview_polls: int = 0,
        **given: Unpack[ImagesSetup],
    ) -> None:
        super().__init__(**given)
        self.trail = trail
        self.caller = SOMEBODY
        self.strangers: set[str] = set()
        self.preview_polls = preview_polls
        self._kept: dict[str, _Kept] = {}
        self._scanning: dict[str, Any] = {"scanType": "BASIC", "rules": []}
        self._templates: dict[str, dict[str, Any]] = {}
        self._registry_policy: str | None = None
        self._replication: dict[str, Any] = {"rules": []}
        self._exclusions: set[str] = set()

    # Repositories

    @api_operation("CreateRepository")
    def create_repository(
        self,
        *,
        repositoryName: str,
        imageTagMutability: str = "MUTABLE",
        imageTagMutabilityExclusionFilters: Filters | None = None,
        imageScanningConfiguration: Mapping[str, bool] | None = None,
        encryptionConfiguration: Mapping[str, str] | None = None,
        tags: Sequence[Mapping[str, str]] = (),
    ) -> Reply:
        """A repository with its first settings (ECR API: CreateRepository)."""
        repository = self._create(
            repositoryName, imageTagMutability, imageTagMutabilityExclusionFilters
        )
        kept = self._of(repositoryName)
        kept.scan_on_push = bool((imageScanningConfiguration or {}).get("scanOnPush"))
        kept.encryption = (encryptionConfiguration or {}).get("encryptionType", "AES256")
        kept.tags = {each["Key"]: each["Value"] for each in tags}
        return {"repository": self._shown(repository)}

    # Repository policy

    @api_operation("GetRepositoryPolicy")
    def get_repository_policy(self, *, repositoryName: str, registryId: str | None = None) -> Reply:
        """The policy's text (ECR API: GetRepositoryPolicy)."""
        return self._policy_reply(repositoryName, registryId)

    @api_operation("SetRepositoryPolicy")
    def set_repository_policy(
        self,
        *,
        repositoryName: str,
        policyText: str,
        registryId: str | None = None,
        force: bool = False,
    ) -> Reply:
        """Put the whole policy in place of the old one (ECR API: SetRepositoryPolicy)."""
        kept = self._settings(repositoryName, registryId)
        documents.check_policy(policyText, self.strangers, force=force)
        kept.policy = policyText
        return self._policy_reply(repositoryName)

    @api_operation("DeleteRepositoryPolicy")
    def delete_repository_policy(
        self, *, repositoryName: str, registryId: str | None = None
    ) -> Reply:
        """Take the policy away (ECR API: DeleteRepositoryPolicy)."""
        reply = self._policy_reply(repositoryName, registryId)
        self._of(repositoryName).policy = None
        return reply

    # Lifecycle policy

    @api_operation("GetLifecyclePolicy")
    def get_lifecycle_policy(self, *, repositoryName: str, registryId: str | None = None) -> Reply:
        """The lifecycle policy's text (ECR API: GetLifecyclePolicy)."""
        return self._lifecycle_reply(repositoryName, registryId)

    @api_operation("PutLifecyclePolicy")
    def put_lifecycle_policy(
        self, *, repositoryName: str, lifecyclePolicyText: str, registryId: str | None = None
    ) -> Reply:
        """Put a lifecycle policy in place of the old one (ECR API: PutLifecyclePolicy)."""
        kept = self._settings(repositoryName, registryId)
        documents.check_lifecycle(lifecyclePolicyText)
        kept.lifecycle = documents.in_order(lifecyclePolicyText)
        return self._lifecycle_reply(repositoryName)

    @api_operation("DeleteLifecyclePolicy")
    def delete_lifecycle_policy(
        self, *, repositoryName: str, registryId: str | None = None
    ) -> Reply:
        """Take the lifecycle policy away (ECR API: DeleteLifecyclePolicy)."""
        reply = self._lifecycle_reply(repositoryName, registryId)
        self._of(repositoryName).lifecycle = None
        return reply

    @api_operation("StartLifecyclePolicyPreview")
    def start_lifecycle_policy_preview(
        self,
        *,
        repositoryName: str,
        lifecyclePolicyText: str | None = None,
        registryId: str | None = None,
    ) -> Reply:
        """Begin a preview, of the policy that is set if none is given.

        ECR API: StartLifecyclePolicyPreview.
        """
        kept = self._settings(repositoryName, registryId)
        text = lifecyclePolicyText
        if text is None:
            text = self._lifecycle_reply(repositoryName)["lifecyclePolicyText"]
        documents.check_lifecycle(text)
        if kept.preview is not None and kept.polls > 0:
            raise RefusedError(
                "LifecyclePolicyPreviewInProgressException",
                f"The lifecycle policy preview of '{repositoryName}' is in progress",
            )
        kept.preview, kept.polls = documents.in_order(text), self.preview_polls
        return {
            **self._text_reply(repositoryName, lifecyclePolicyText=kept.preview),
            "status": "IN_PROGRESS",
        }

    @api_operation("GetLifecyclePolicyPreview")
    def get_lifecycle_policy_preview(
        self,
        *,
        repositoryName: str,
        registryId: str | None = None,
        nextToken: str | None = None,
        maxResults: int = 100,
        filter: Mapping[str, str] | None = None,  # noqa: A002
    ) -> Reply:
        """How far a preview is, and what it found (ECR API: GetLifecyclePolicyPreview)."""
        kept = self._settings(repositoryName, registryId)
        if kept.preview is None:
            raise RefusedError(
                "LifecyclePolicyPreviewNotFoundException",
                f"There is no dry run for the repository '{repositoryName}'",
            )
        reply = self._text_reply(repositoryName, lifecyclePolicyText=kept.preview)
        if kept.polls > 0:
            kept.polls -= 1
            return {**reply, "status": "IN_PROGRESS"}
        rules, now = json.loads(kept.preview)["rules"], self._clock()
        due = list(documents.taken(rules, self._images(repositoryName), now))
        wanted = (filter or {}).get("tagStatus", "ANY")
        shown = [
            each for each in due if wanted == "ANY" or bool(each[0].tags) == (wanted == "TAGGED")
        ]
        page, more = counted_page(shown, nextToken, maxResults)
        return {
            **reply,
            "status": "COMPLETE",
            "previewResults": [_previewed(image, rule) for image, rule in page],
            "summary": {
                "expiringImageTotalCount": sum(r["action"]["type"] == "expire" for _, r in due)
            },
            **more,
        }

    # The other settings of a repository

    @api_operation("PutImageScanningConfiguration")
    def put_image_scanning_configuration(
        self,
        *,
        repositoryName: str,
        imageScanningConfiguration: Mapping[str, bool],
        registryId: str | None = None,
    ) -> Reply:
        """Scan what is pushed, or not (ECR API: PutImageScanningConfiguration)."""
        kept = self._settings(repositoryName, registryId)
        kept.scan_on_push = bool(imageScanningConfiguration.get("scanOnPush"))
        return {
            "registryId": self.account,
            "repositoryName": repositoryName,
            "imageScanningConfiguration": {"scanOnPush": kept.scan_on_push},
        }

    @api_operation("ListTagsForResource")
    def list_tags_for_resource(self, *, resourceArn: str) -> Reply:
        """The resource tags (ECR API: ListTagsForResource)."""
        tags = self._settings(self._named(resourceArn)).tags
        return {"tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    @api_operation("TagResource")
    def tag_resource(self, *, resourceArn: str, tags: Sequence[Mapping[str, str]]) -> Reply:
        """Add resource tags, and give those that are there a new value (ECR API: TagResource)."""
        kept = self._settings(self._named(resourceArn))
        after = {**kept.tags, **{each["Key"]: each["Value"] for each in tags}}
        grammar.check_resource_tags(len(after))
        kept.tags = after
        return {}

    @api_operation("UntagResource")
    def untag_resource(self, *, resourceArn: str, tagKeys: Sequence[str]) -> Reply:
        """Take resource tags off (ECR API: UntagResource)."""
        kept = self._settings(self._named(resourceArn))
        kept.tags = {key: value for key, value in kept.tags.items() if key not in tagKeys}
        return {}

    # The registry

    @api_operation("GetRegistryScanningConfiguration")
    def get_registry_scanning_configuration(self) -> Reply:
        """What is scanned, and how (ECR API: GetRegistryScanningConfiguration)."""
        return {"registryId": self.account, "scanningConfiguration": _copy(self._scanning)}

    @api_operation("PutRegistryScanningConfiguration")
    def put_registry_scanning_configuration(
        self, *, scanType: str = "BASIC", rules: Sequence[Mapping[str, Any]] = ()
    ) -> Reply:
        """Say what is scanned (ECR API: PutRegistryScanningConfiguration)."""
        grammar.check_scanning(scanType, rules)
        self._scanning = _copy({"scanType": scanType, "rules": list(rules)})
        return {"registryScanningConfiguration": _copy(self._scanning)}

    @api_operation("BatchGetRepositoryScanningConfiguration")
    def batch_get_repository_scanning_configuration(
        self, *, repositoryNames: Sequence[str]
    ) -> Reply:
        """How often repositories are scanned (ECR API: BatchGetRepositoryScanningConfiguration)."""
        known = [name for name in repositoryNames if name in self._repositories]
        return {
            "scanningConfigurations": [self._scanned(name) for name in known],
            "failures": [
                {"repositoryName": name, "failureCode": "REPOSITORY_NOT_FOUND"}
                for name in repositoryNames
                if name not in known
            ],
        }

    def _scanned(self, name: str) -> Reply:
        on_push = self._settings(name).scan_on_push
        rules = (each for each in self._scanning["rules"] if _is_of(each, name))
        rule: Mapping[str, Any] = next(rules, {})
        alone = "SCAN_ON_PUSH" if on_push and self._scanning["scanType"] == "BASIC" else "MANUAL"
        return {
            "repositoryArn": self._shown(self._repository(name, None))["repositoryArn"],
            "repositoryName": name,
            "scanOnPush": on_push,
            "scanFrequency": rule.get("scanFrequency", alone),
            "appliedScanFilters": list(rule.get("repositoryFilters", ())),
        }

    @api_operation("GetRegistryPolicy")
    def get_registry_policy(self) -> Reply:
        """The registry's policy (ECR API: GetRegistryPolicy)."""
        return self._registry_policy_reply()

    def _registry_policy_reply(self) -> Reply:
        if self._registry_policy is None:
            raise RefusedError("RegistryPolicyNotFoundException", "The registry has no policy")
        return {"registryId": self.account, "policyText": self._registry_policy}

    @api_operation("PutRegistryPolicy")
    def put_registry_policy(self, *, policyText: str) -> Reply:
        """Put the whole policy in place of the old one (ECR API: PutRegistryPolicy)."""
        documents.check_registry_policy(policyText, self.strangers)
        self._registry_policy = policyText
        return self._registry_policy_reply()

    @api_operation("DeleteRegistryPolicy")
    def delete_registry_policy(self) -> Reply:
        """Take the registry's policy away (ECR API: DeleteRegistryPolicy)."""
        reply = self._registry_policy_reply()
        self._registry_policy = None
        return reply

    @api_operation("DescribeRegistry")
    def describe_registry(self) -> Reply:
        """Where images are copied to (ECR API: DescribeRegistry)."""
        return {"registryId": self.account, "replicationConfiguration": _copy(self._replication)}

    @api_operation("PutReplicationConfiguration")
    def put_replication_configuration(
        self, *, replicationConfiguration: Mapping[str, Any]
    ) -> Reply:
        """Say where images are copied to (ECR API: PutReplicationConfiguration)."""
        self._replication = _copy(replicationConfiguration)
        return {"replicationConfiguration": _copy(self._replication)}

    @api_operation("ListPullTimeUpdateExclusions")
    def list_pull_time_update_exclusions(
        self, *, maxResults: int = 100, nextToken: str | None = None
    ) -> Reply:
        """Whose pulls do not count (ECR API: ListPullTimeUpdateExclusions)."""
        return {"pullTimeUpdateExclusions": sorted(self._exclusions)}

    @api_operation("RegisterPullTimeUpdateExclusion")
    def register_pull_time_update_exclusion(self, *, principalArn: str) -> Reply:
        """Let somebody's pulls not count (ECR API: RegisterPullTimeUpdateExclusion)."""
        if principalArn in self._exclusions:
            raise RefusedError("ExclusionAlreadyExistsException", f"{principalArn} is excluded")
        self._exclusions.add(principalArn)
        return {"principalArn": principalArn, "createdAt": self._clock()}

    @api_operation("DescribeRepositoryCreationTemplates")
    def describe_repository_creation_templates(
        self,
        *,
        prefixes: Sequence[str] | None = None,
        nextToken: str | None = None,
        maxResults: int = 100,
    ) -> Reply:
        """The creation templates, by page (ECR API: DescribeRepositoryCreationTemplates)."""
        names = sorted(name for name in self._templates if prefixes is None or name in prefixes)
        page, more = counted_page(names, nextToken, maxResults)
        return {
            "registryId": self.account,
            "repositoryCreationTemplates": [_copy(self._templates[name]) for name in page],
            **more,
        }

    @api_operation("CreateRepositoryCreationTemplate", _TEMPLATE)
    def create_repository_creation_template(
        self, *, prefix: str, appliedFor: Sequence[str], **settings: Any
    ) -> Reply:
        """A new creation template (ECR API: CreateRepositoryCreationTemplate)."""
        # ECR keeps no `/` at the end, and finds no template by a prefix that has one.
        bare = prefix.removesuffix("/")
        if bare in self._templates:
            raise RefusedError("TemplateAlreadyExistsException", f"'{prefix}' has a template")
        return self._keep_template(bare, {"appliedFor": appliedFor, **settings})

    @api_operation("UpdateRepositoryCreationTemplate", {"appliedFor", *_TEMPLATE})
    def update_repository_creation_template(self, *, prefix: str, **settings: Any) -> Reply:
        """Other settings for a creation template (ECR API: UpdateRepositoryCreationTemplate)."""
        if prefix not in self._templates:
            raise RefusedError("TemplateNotFoundException", f"'{prefix}' has no template")
        return self._keep_template(prefix, settings)

    @api_operation("DeleteRepositoryCreationTemplate")
    def delete_repository_creation_template(self, *, prefix: str) -> Reply:
        """Take a creation template away (ECR API: DeleteRepositoryCreationTemplate)."""
        if prefix not in self._templates:
            raise RefusedError("TemplateNotFoundException", f"'{prefix}' has no template")
        gone = self._templates.pop(prefix)
        return {"registryId": self.account, "repositoryCreationTemplate": gone}

    # How it works

    def forget_principal(self, arn: str, unique_id: str) -> None:
        """Delete a principal: in policies its id takes the place of its name (IAM User Guide: AWS
        JSON policy elements: Principal), and no policy with either is taken any more."""
        self.strangers.add(arn)
        for kept in self._kept.values():
            if kept.policy is not None:
                kept.policy = kept.policy.replace(f'"{arn}"', f'"{unique_id}"')

    def _keep_template(self, prefix: str, asked: Mapping[str, Any]) -> Reply:
        settings = {**self._templates.get(prefix, {}), **asked}
        documents.check_template(settings)
        self._templates[prefix] = _copy({"prefix": prefix, **settings})
        return {
            "registryId": self.account,
            "repositoryCreationTemplate": _copy(self._templates[prefix]),
        }

    def _perform(
        self, name: str, parameters: dict[str, Any], carry_out: Callable[[], Reply]
    ) -> Reply:
        try:
            reply = super()._perform(name, parameters, carry_out)
        except Exception as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code")
            if code is not None:
                self._send_call(name, parameters, {"errorCode": code})
            raise
        self._send_call(name, parameters, {"responseElements": _response(name, reply)})
        return reply

    def _send_call(self, name: str, parameters: dict[str, Any], more: Mapping[str, Any]) -> None:
        if self.trail is None or name not in OF_REPOSITORIES | OF_THE_REGISTRY:
            return
        now = self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.trail(
            {
                "version": "0",
                "id": self._ids(),
                "detail-type": API_CALL,
                "source": "aws.ecr",
                "account": self.account,
                "time": now,
                "region": self.region,
                "resources": [],
                "detail": {
                    "eventSource": "ecr.amazonaws.com",
                    "eventName": name,
                    "eventType": "AwsApiCall",
                    "eventTime": now,
                    "userIdentity": cloudtrail.identity(self.caller),
                    "requestParameters": dict(parameters),
                    **more,
                },
            }
        )

    def _remove(self, name: str, registry: str | None, *, force: bool) -> HeldRepository:
        repository = super()._remove(name, registry, force=force)
        self._kept.pop(name, None)
        return repository

    def _of(self, name: str) -> _Kept:
        return self._kept.setdefault(name, _Kept())

    def _settings(self, name: str, registry: str | None = None) -> _Kept:
        return self._of(self._repository(name, registry).name)

    def _named(self, arn: str) -> str:
        _, found, name = arn.partition(f":ecr:{self.region}:{self.account}:repository/")
        if not found:
            raise invalid_parameter("resourceArn", "must be the ARN of a repository")
        return name

    def _images(self, name: str) -> list[PreviewImage]:
        images = self._repositories[name].images.values()
        # ECR spares what an index needs.
        return [
            PreviewImage(
                each.digest,
                tuple(each.tags),
                each.activated_at or each.pushed_at,
                archived_at=None if each.status == "ACTIVE" else each.archived_at,
            )
            for each in images
            if not each.parents
        ]

    def _shown(self, repository: HeldRepository) -> Reply:
        kept = self._kept.get(repository.name, _Kept())
        return {
            **super()._shown(repository),
            "imageScanningConfiguration": {"scanOnPush": kept.scan_on_push},
            "encryptionConfiguration": {"encryptionType": kept.encryption},
        }

    def _policy_reply(self, name: str, registry: str | None = None) -> Reply:
        text = self._settings(name, registry).policy
        return self._text_reply(name, policyText=_held(text, name, "Repository policy"))

    def _lifecycle_reply(self, name: str, registry: str | None = None) -> Reply:
        text = self._settings(name, registry).lifecycle
        return self._text_reply(name, lifecyclePolicyText=_held(text, name, "Lifecycle policy"))

    def _text_reply(self, name: str, **text: str) -> Reply:
        return {"registryId": self.account, "repositoryName": name, **text}


def _response(name: str, reply: Reply) -> dict[str, Any] | None:
    if name != "CreateRepository":
        return None
    made = reply["repository"]
    return {"repository": {key: made[key] for key in ("repositoryArn", "repositoryName")}}


def _is_of(rule: Mapping[str, Any], repository: str) -> bool:
    """Whether a rule of the registry's scanning is for a repository."""
    pattern = grammar.wildcards(rule["repositoryFilters"])
    return pattern is not None and pattern.fullmatch(repository) is not None


def _copy(document: Any) -> Any:
    return json.loads(json.dumps(document))


def _held(text: str | None, name: str, what: str) -> str:
    """The text of a repository's policy. Raises RefusedError if it has none."""
    if text is None:
        code = f"{what.title().replace(' ', '')}NotFoundException"
        raise RefusedError(code, f"{what} does not exist for the repository with name '{name}'")
    return text


def _previewed(image: PreviewImage, rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "imageTags": list(image.tags),
        "imageDigest": image.digest,
        "imagePushedAt": image.pushed_at,
        "action": {key: str(value).upper() for key, value in rule["action"].items()},
        "appliedRulePriority": int(rule["rulePriority"]),
    }
