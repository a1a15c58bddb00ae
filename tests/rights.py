"""Least privilege, tried: each action of each role is taken away in turn, and put back.

`make rights` runs it against moto, which then asks IAM, and writes what came of it into
docs/permissions.md. Without an action the one act that needs it must be refused and no other, and
with it none. An act is a call of AWS; that the functions make it, tests/template/test_rights.py
reads from their code. moto looks at actions alone: resources and conditions are held there, too.
"""

from __future__ import annotations

import functools
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unittest import mock

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError
from moto import mock_aws
from moto.core import enable_iam_authentication

from tests.support.tables import RIGHTS, DocsTable
from tests.template import support
from tests.template.support import ACCOUNT, REGION, listed

REPOSITORY = "base/redis"
DIGEST = f"sha256:{'0' * 64}"
QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/queue"
TABLE, KEY = "history", {"pk": {"S": "a"}, "sk": {"S": "b"}}
STREAM = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{TABLE}/stream/2026"
REPOSITORY_ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{REPOSITORY}"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})
IN_REPOSITORY = {"repositoryName": REPOSITORY}
MESSAGE = {"QueueUrl": QUEUE, "ReceiptHandle": "none"}
LOG = {"logGroupName": "group", "logStreamName": "stream"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/other"
CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/default"

Acts = Mapping[str, tuple[str, Mapping[str, Any]]]

ACTS: Acts = {
    "cloudtrail:LookupEvents": ("lookup_events", {}),
    "dynamodb:BatchGetItem": ("batch_get_item", {"RequestItems": {TABLE: {"Keys": [KEY]}}}),
    "dynamodb:BatchWriteItem": (
        "batch_write_item",
        {"RequestItems": {TABLE: [{"PutRequest": {"Item": KEY}}]}},
    ),
    "dynamodb:DeleteItem": ("delete_item", {"TableName": TABLE, "Key": KEY}),
    "dynamodb:PutItem": ("put_item", {"TableName": TABLE, "Item": KEY}),
    "dynamodb:Query": (
        "query",
        {
            "TableName": TABLE,
            "KeyConditionExpression": "pk = :a",
            "ExpressionAttributeValues": {":a": {"S": "a"}},
        },
    ),
    "dynamodb:UpdateItem": ("update_item", {"TableName": TABLE, "Key": KEY}),
    "dynamodb:DescribeStream": ("describe_stream", {"StreamArn": STREAM}),
    "dynamodb:GetRecords": ("get_records", {"ShardIterator": "none"}),
    "dynamodb:GetShardIterator": (
        "get_shard_iterator",
        {"StreamArn": STREAM, "ShardId": "s" * 28, "ShardIteratorType": "LATEST"},
    ),
    "dynamodb:ListStreams": ("list_streams", {}),
    "ecr:BatchDeleteImage": (
        "batch_delete_image",
        {**IN_REPOSITORY, "imageIds": [{"imageDigest": DIGEST}]},
    ),
    "ecr:BatchGetImage": (
        "batch_get_image",
        {**IN_REPOSITORY, "imageIds": [{"imageDigest": DIGEST}]},
    ),
    "ecr:CreateRepository": ("create_repository", {"repositoryName": "made"}),
    "ecr:CreateRepositoryCreationTemplate": (
        "create_repository_creation_template",
        {"prefix": "a", "appliedFor": ["REPLICATION"]},
    ),
    "ecr:DeleteLifecyclePolicy": ("delete_lifecycle_policy", IN_REPOSITORY),
    "ecr:DeleteRegistryPolicy": ("delete_registry_policy", {}),
    "ecr:DeleteRepositoryPolicy": ("delete_repository_policy", IN_REPOSITORY),
    "ecr:DescribeImages": ("describe_images", IN_REPOSITORY),
    "ecr:DescribePullThroughCacheRules": ("describe_pull_through_cache_rules", {}),
    "ecr:DescribeRegistry": ("describe_registry", {}),
    "ecr:DescribeRepositories": ("describe_repositories", {}),
    "ecr:DescribeRepositoryCreationTemplates": ("describe_repository_creation_templates", {}),
    "ecr:GetLifecyclePolicy": ("get_lifecycle_policy", IN_REPOSITORY),
    "ecr:GetLifecyclePolicyPreview": ("get_lifecycle_policy_preview", IN_REPOSITORY),
    "ecr:GetRegistryPolicy": ("get_registry_policy", {}),
    "ecr:GetRegistryScanningConfiguration": ("get_registry_scanning_configuration", {}),
    "ecr:GetRepositoryPolicy": ("get_repository_policy", IN_REPOSITORY),
    "ecr:ListImages": ("list_images", IN_REPOSITORY),
    "ecr:ListPullTimeUpdateExclusions": ("list_pull_time_update_exclusions", {}),
    "ecr:ListTagsForResource": ("list_tags_for_resource", {"resourceArn": REPOSITORY_ARN}),
    "ecr:PutImage": ("put_image", {**IN_REPOSITORY, "imageManifest": "{}", "imageTag": "1.4"}),
    "ecr:PutImageScanningConfiguration": (
        "put_image_scanning_configuration",
        {**IN_REPOSITORY, "imageScanningConfiguration": {"scanOnPush": True}},
    ),
    "ecr:PutImageTagMutability": (
        "put_image_tag_mutability",
        {**IN_REPOSITORY, "imageTagMutability": "MUTABLE"},
    ),
    "ecr:PutLifecyclePolicy": (
        "put_lifecycle_policy",
        {**IN_REPOSITORY, "lifecyclePolicyText": '{"rules": []}'.ljust(100)},
    ),
    "ecr:PutRegistryPolicy": ("put_registry_policy", {"policyText": POLICY}),
    "ecr:PutRegistryScanningConfiguration": ("put_registry_scanning_configuration", {}),
    "ecr:PutReplicationConfiguration": (
        "put_replication_configuration",
        {"replicationConfiguration": {"rules": []}},
    ),
    "ecr:RegisterPullTimeUpdateExclusion": (
        "register_pull_time_update_exclusion",
        {"principalArn": ROLE},
    ),
    "ecr:SetRepositoryPolicy": ("set_repository_policy", {**IN_REPOSITORY, "policyText": POLICY}),
    "ecr:StartLifecyclePolicyPreview": ("start_lifecycle_policy_preview", IN_REPOSITORY),
    "ecr:TagResource": (
        "tag_resource",
        {"resourceArn": REPOSITORY_ARN, "tags": [{"Key": "a", "Value": "b"}]},
    ),
    "ecr:UpdateRepositoryCreationTemplate": (
        "update_repository_creation_template",
        {"prefix": "a"},
    ),
    "ecs:DescribeServiceDeployments": (
        "describe_service_deployments",
        {"serviceDeploymentArns": [CLUSTER]},
    ),
    "ecs:DescribeServiceRevisions": (
        "describe_service_revisions",
        {"serviceRevisionArns": [CLUSTER]},
    ),
    "ecs:DescribeServices": ("describe_services", {"services": ["web"]}),
    "ecs:DescribeTasks": ("describe_tasks", {"tasks": ["a"]}),
    "ecs:ListClusters": ("list_clusters", {}),
    "ecs:ListServices": ("list_services", {}),
    "ecs:ListTasks": ("list_tasks", {}),
    "events:PutEvents": (
        "put_events",
        {"Entries": [{"Source": "ecr-steward", "DetailType": "a", "Detail": "{}"}]},
    ),
    "kms:Decrypt": ("decrypt", {"CiphertextBlob": b"none"}),
    "logs:CreateLogStream": ("create_log_stream", LOG),
    "logs:PutLogEvents": (
        "put_log_events",
        {**LOG, "logEvents": [{"timestamp": 0, "message": "a"}]},
    ),
    "secretsmanager:GetSecretValue": ("get_secret_value", {"SecretId": "none"}),
    "sns:Publish": (
        "publish",
        {"TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:topic", "Message": "a"},
    ),
    "sqs:ChangeMessageVisibility": (
        "change_message_visibility",
        {**MESSAGE, "VisibilityTimeout": 1},
    ),
    "sqs:DeleteMessage": ("delete_message", MESSAGE),
    "sqs:GetQueueAttributes": ("get_queue_attributes", {"QueueUrl": QUEUE}),
    "sqs:ReceiveMessage": ("receive_message", {"QueueUrl": QUEUE}),
    "sqs:SendMessage": ("send_message", {"QueueUrl": QUEUE, "MessageBody": "a"}),
    "ssm:GetParameter": ("get_parameter", {"Name": "none"}),
    "sts:AssumeRole": ("assume_role", {"RoleArn": ROLE, "RoleSessionName": "ecr-steward"}),
}
"""The act that needs each action: a call of boto3, by its method and what is asked."""

_OF_STREAMS = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}
"""Actions of DynamoDB that have a client of their own."""

NOT_JUDGED: Mapping[str, str] = {
    action: f"not judged: {why}"
    for why, actions in {
        "asked for beside another call (ECR User Guide: Creating a repository creation template)": [
            "iam:CreateServiceLinkedRole",
            "iam:PassRole",
        ],
        "asked for beside another call (ECR User Guide: Enhanced scanning)": [
            "inspector2:Enable",
            "inspector2:ListAccountPermissions",
        ],
        "moto does not ask IAM here (AWS Service Authorization Reference: Amazon Inspector2)": [
            "inspector2:ListCoverage"
        ],
        "moto does not ask IAM here (AWS Service Authorization Reference: AWS Lambda)": [
            "lambda:GetFunction",
            "lambda:InvokeFunction",
            "lambda:ListFunctions",
        ],
        "moto asks IAM for another name (AWS X-Ray Developer Guide: AWSXRayDaemonWriteAccess)": [
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        ],
    }.items()
    for action in actions
}
"""What cannot be tried here, and the document of AWS that says it is needed."""

REFUSAL = "is not authorized to perform"
"""What moto's IAM says whatever the service, with the action that was missing."""

ALLOWED, REFUSED = "allowed", "refused"
NEEDED = "refused without it, allowed with it"


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one action of one role."""

    role: str
    action: str
    verdict: str


def main() -> int:
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    with mock.patch.dict(os.environ, AWS_DEFAULT_REGION=REGION), mock_aws():
        judged = [each for role, actions in granted().items() for each in judge(role, actions)]
    wrong = [each for each in judged if each.verdict != expected(each.action)]
    for each in wrong:
        print(f"{each.role}, {each.action}: {each.verdict}")
    if not wrong:
        verdicts = {f"`{each.action}`": each.verdict for each in judged}
        _written([[*cells, verdicts[cells[0]]] for cells in RIGHTS.rows()])
    proven = sum(each.verdict == NEEDED for each in judged)
    print(f"{len(judged)} rights of {len(granted())} roles: {proven} are needed, ", end="")
    print(f"{len(judged) - proven - len(wrong)} are not judged here, {len(wrong)} are wrong.")
    return 1 if wrong else 0


def expected(action: str) -> str:
    """What has to come of an action that a role has."""
    return NOT_JUDGED.get(action, NEEDED)


def _written(rows: list[list[str]]) -> None:
    DocsTable(RIGHTS.page, RIGHTS.headings, lambda: rows).write()


def granted() -> dict[str, list[str]]:
    """The actions of each role of the stack that has every right it can have."""
    found: dict[str, dict[str, None]] = {}
    for role, statement in support.stack(**support.EVERYTHING).statements():
        found.setdefault(role, {}).update(dict.fromkeys(listed(statement["Action"])))
    return {role: list(actions) for role, actions in found.items()}


def judge(role: str, actions: Sequence[str], acts: Acts = ACTS) -> Iterator[Judged]:
    """Each action of a role, taken away while all others are there."""
    keys = _assumed(role)
    tried = {action: acts[action] for action in actions if action not in NOT_JUDGED}
    whole = _outcomes(role, keys, actions, tried)
    for action in actions:
        left = [each for each in actions if each != action]
        refused = {
            each
            for each, outcome in _outcomes(role, keys, left, tried).items()
            if outcome == REFUSED
        }
        yield Judged(role, action, _verdict(action, whole, refused))


def _verdict(action: str, whole: Mapping[str, str], refused: set[str]) -> str:
    if REFUSED in whole.values():
        return f"{sorted(each for each in whole if whole[each] == REFUSED)} are refused with it"
    if action in NOT_JUDGED:
        return NOT_JUDGED[action]
    return NEEDED if refused == {action} else f"without it {sorted(refused)} are refused"


def _outcomes(
    role: str, keys: tuple[str, str, str], actions: Sequence[str], acts: Acts
) -> dict[str, str]:
    """Do each of the acts with a role that has these actions."""
    document = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    boto3.client("iam").put_role_policy(
        RoleName=role,
        PolicyName="rights",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [document]}),
    )
    with enable_iam_authentication():
        return {
            action: _outcome(_client(_service(action), *keys), *act) for action, act in acts.items()
        }


def _outcome(client: Any, method: str, asked: Mapping[str, Any]) -> str:
    try:
        getattr(client, method)(**asked)
    except ClientError as error:
        return REFUSED if REFUSAL in str(error) else ALLOWED
    except ParamValidationError:
        raise
    except Exception:  # moto let it through, and does not know the call
        return ALLOWED
    return ALLOWED


def _service(action: str) -> str:
    return "dynamodbstreams" if action in _OF_STREAMS else action.partition(":")[0]


@functools.cache
def _client(service: str, key: str, secret: str, token: str) -> Any:
    return boto3.client(  # type: ignore[call-overload]  # mypy: the service is any text
        service,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        # moto does not know the addresses that have an account in their name.
        config=Config(retries={"max_attempts": 0}, account_id_endpoint_mode="disabled"),
    )


def _assumed(role: str) -> tuple[str, str, str]:
    """Make a role that anybody of the account may assume, and assume it: its keys."""
    iam, sts = boto3.client("iam"), boto3.client("sts")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)
    answer = sts.assume_role(RoleArn=made["Role"]["Arn"], RoleSessionName="rights")
    keys = answer["Credentials"]
    return keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]


if __name__ == "__main__":
    raise SystemExit(main())
