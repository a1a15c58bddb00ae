"""Which actions each call of the library needs, and what AWS itself does with the roles."""

from __future__ import annotations

from collections.abc import Mapping

ASKED_WITH_A_TEMPLATE = {
    "ecr:CreateRepository",
    "ecr:SetRepositoryPolicy",
    "ecr:PutLifecyclePolicy",
    "iam:CreateServiceLinkedRole",
}
"""What AWS asks of whoever makes a creation template, beside the call (ECR User Guide: Creating a
repository creation template; Service-linked role for repository creation templates)."""

BY_LAMBDA = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "lambda:InvokeFunction",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
}
"""What Lambda and Scheduler do with a role of theirs, beside what the library calls."""

CALLS: Mapping[str, set[str]] = {
    "batch_get_item": {"dynamodb:BatchGetItem"},
    "batch_write_item": {"dynamodb:BatchWriteItem"},
    "update_item": {"dynamodb:UpdateItem"},
    "put_item": {"dynamodb:PutItem"},
    "query": {"dynamodb:Query"},
    "transact_write_items": {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"},
    "send_message": {"sqs:SendMessage"},
    "send_message_batch": {"sqs:SendMessage"},
    "change_message_visibility": {"sqs:ChangeMessageVisibility"},
    "batch_get_image": {"ecr:BatchGetImage"},
    "describe_images": {"ecr:DescribeImages"},
    "list_images": {"ecr:ListImages"},
    "put_image": {"ecr:PutImage"},
    "batch_delete_image": {"ecr:BatchDeleteImage"},
    "get_repository_policy": {"ecr:GetRepositoryPolicy"},
    "set_repository_policy": {"ecr:SetRepositoryPolicy"},
    "delete_repository_policy": {"ecr:DeleteRepositoryPolicy"},
    "get_lifecycle_policy": {"ecr:GetLifecyclePolicy"},
    "put_lifecycle_policy": {"ecr:PutLifecyclePolicy"},
    "delete_lifecycle_policy": {"ecr:DeleteLifecyclePolicy"},
    "start_lifecycle_policy_preview": {"ecr:StartLifecyclePolicyPreview"},
    "get_lifecycle_policy_preview": {"ecr:GetLifecyclePolicyPreview"},
    "put_image_tag_mutability": {"ecr:PutImageTagMutability"},
    "put_image_scanning_configuration": {"ecr:PutImageScanningConfiguration"},
    "list_tags_for_resource": {"ecr:ListTagsForResource"},
    "tag_resource": {"ecr:TagResource"},
    "get_registry_scanning_configuration": {"ecr:GetRegistryScanningConfiguration"},
    "put_registry_scanning_configuration": {
        "ecr:PutRegistryScanningConfiguration",
        "inspector2:Enable",
        "inspector2:ListAccountPermissions",
    },
    "describe_repository_creation_templates": {"ecr:DescribeRepositoryCreationTemplates"},
    # With a role of the template's own it is passed to ECR.
    "create_repository_creation_template": {
        "ecr:CreateRepositoryCreationTemplate",
        "iam:PassRole",
        *ASKED_WITH_A_TEMPLATE,
    },
    "update_repository_creation_template": {
        "ecr:UpdateRepositoryCreationTemplate",
        "iam:PassRole",
    },
    "describe_repositories": {"ecr:DescribeRepositories"},
    "describe_pull_through_cache_rules": {"ecr:DescribePullThroughCacheRules"},
    "get_registry_policy": {"ecr:GetRegistryPolicy"},
    "put_registry_policy": {"ecr:PutRegistryPolicy"},
    "delete_registry_policy": {"ecr:DeleteRegistryPolicy"},
    "describe_registry": {"ecr:DescribeRegistry"},
    "put_replication_configuration": {"ecr:PutReplicationConfiguration"},
    "list_pull_time_update_exclusions": {"ecr:ListPullTimeUpdateExclusions"},
    "register_pull_time_update_exclusion": {"ecr:RegisterPullTimeUpdateExclusion"},
    "list_clusters": {"ecs:ListClusters"},
    "list_services": {"ecs:ListServices"},
    "list_tasks": {"ecs:ListTasks"},
    "describe_services": {"ecs:DescribeServices"},
    "describe_service_deployments": {"ecs:DescribeServiceDeployments"},
    "describe_service_revisions": {"ecs:DescribeServiceRevisions"},
    "describe_tasks": {"ecs:DescribeTasks"},
    "list_functions": {"lambda:ListFunctions"},
    "get_function": {"lambda:GetFunction"},
    "list_coverage": {"inspector2:ListCoverage"},
    "assume_role": {"sts:AssumeRole"},
    "put_events": {"events:PutEvents"},
    "lookup_events": {"cloudtrail:LookupEvents"},
    "publish": {"sns:Publish"},
    "get_parameter": {"ssm:GetParameter"},
    "get_secret_value": {"secretsmanager:GetSecretValue"},
}
"""Calls of boto3 and the actions they need (Service Authorization Reference)."""
