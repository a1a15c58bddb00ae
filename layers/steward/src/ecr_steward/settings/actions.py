"""ECR's actions, and which right each of them is: to pull, to push, or to manage."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ecr_steward.words.globs import spread

RIGHTS = ("pull", "push", "manage")
"""From less to more: each includes those before it."""

_PULL = (
    "BatchCheckLayerAvailability", "BatchGetImage", "DescribeImageReplicationStatus",
    "DescribeImageScanFindings", "DescribeImageSigningStatus", "DescribeImages",
    "GetDownloadUrlForLayer", "ListImageReferrers", "ListImages",
)  # fmt: skip
_PUSH = (
    "BatchImportUpstreamImage", "CompleteLayerUpload", "InitiateLayerUpload", "PutImage",
    "ReplicateImage", "UploadLayerPart",
)  # fmt: skip
_MANAGE = (
    "BatchDeleteImage", "BatchGetRepositoryScanningConfiguration", "CreatePullThroughCacheRule",
    "CreateRepository", "CreateRepositoryCreationTemplate", "DeleteLifecyclePolicy",
    "DeletePullThroughCacheRule", "DeleteRegistryPolicy", "DeleteRepository",
    "DeleteRepositoryCreationTemplate", "DeleteRepositoryPolicy", "DeleteSigningConfiguration",
    "DeregisterPullTimeUpdateExclusion", "DescribePullThroughCacheRules", "DescribeRegistry",
    "DescribeReplicationBackfillResults", "DescribeRepositories",
    "DescribeRepositoryCreationTemplates", "GetAccountSetting", "GetAuthorizationToken",
    "GetLifecyclePolicy", "GetLifecyclePolicyPreview", "GetRegistryPolicy",
    "GetRegistryScanningConfiguration", "GetRepositoryPolicy", "GetSigningConfiguration",
    "ListPullTimeUpdateExclusions", "ListReplicationBackfills", "ListTagsForResource",
    "PutAccountSetting", "PutImageScanningConfiguration", "PutImageTagMutability",
    "PutLifecyclePolicy", "PutRegistryPolicy", "PutRegistryScanningConfiguration",
    "PutReplicationConfiguration", "PutSigningConfiguration", "RegisterPullTimeUpdateExclusion",
    "SetRepositoryPolicy", "StartImageScan", "StartLifecyclePolicyPreview",
    "StartReplicationBackfill", "StopReplicationBackfill", "TagResource", "UntagResource",
    "UpdateImageStorageClass", "UpdatePullThroughCacheRule", "UpdateRepositoryCreationTemplate",
    "ValidatePullThroughCacheRule",
)  # fmt: skip

ACTIONS: Mapping[str, str] = {
    f"ecr:{name}": right
    for right, names in zip(reversed(RIGHTS), (_MANAGE, _PUSH, _PULL), strict=True)
    for name in names
}
"""Which right each action of ECR is (Service Authorization Reference: Actions, resources, and
condition keys for Amazon Elastic Container Registry)."""


def matches(pattern: str, text: str) -> bool:
    """Whether an IAM pattern matches: `*` is any run of characters, `?` any one of them."""
    texts = (re.escape(each).replace(r"\?", ".") for each in pattern.split("*"))
    return re.fullmatch(spread(texts), text, re.DOTALL) is not None


def matched(pattern: Any) -> frozenset[str]:
    """The actions of ECR that an entry of `Action` stands for, whatever the case of its letters."""
    lower = str(pattern).lower()
    return frozenset(each for each in ACTIONS if matches(lower, each.lower()))


def right_of(patterns: Iterable[Any]) -> str:
    """The most that these entries of `Action` let one do; what grants nothing is a pull too."""
    rights = {ACTIONS[action] for pattern in patterns for action in matched(pattern)}
    return max(rights or {RIGHTS[0]}, key=RIGHTS.index)
