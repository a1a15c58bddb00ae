"""What the functions call of AWS; the layer ships the SDK's data of these alone (cut.py there)."""

from __future__ import annotations

from collections.abc import Mapping

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "cloudtrail": ("LookupEvents",),
    "dynamodb": (
        "BatchGetItem", "BatchWriteItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem",
    ),
    "ecr": (
        "BatchDeleteImage", "BatchGetImage", "CreateRepositoryCreationTemplate",
        "DeleteLifecyclePolicy", "DeleteRegistryPolicy", "DeleteRepositoryPolicy", "DescribeImages",
        "DescribePullThroughCacheRules", "DescribeRegistry", "DescribeRepositories",
        "DescribeRepositoryCreationTemplates", "GetLifecyclePolicy", "GetLifecyclePolicyPreview",
        "GetRegistryPolicy", "GetRegistryScanningConfiguration", "GetRepositoryPolicy",
        "ListImages", "ListPullTimeUpdateExclusions", "ListTagsForResource", "PutImage",
        "PutImageScanningConfiguration", "PutImageTagMutability", "PutLifecyclePolicy",
        "PutRegistryPolicy", "PutRegistryScanningConfiguration", "PutReplicationConfiguration",
        "RegisterPullTimeUpdateExclusion", "SetRepositoryPolicy", "StartLifecyclePolicyPreview",
        "TagResource", "UpdateRepositoryCreationTemplate",
    ),
    "ecs": (
        "DescribeServiceDeployments", "DescribeServiceRevisions", "DescribeServices",
        "DescribeTasks", "ListClusters", "ListServices", "ListTasks",
    ),
    "events": ("PutEvents",),
    "inspector2": ("ListCoverage",),
    "lambda": ("GetFunction", "ListFunctions"),
    "secretsmanager": ("GetSecretValue",),
    "sns": ("Publish",),
    "sqs": ("ChangeMessageVisibility", "SendMessage", "SendMessageBatch"),
    "ssm": ("GetParameter",),
    "sts": ("AssumeRole",),
}  # fmt: skip
