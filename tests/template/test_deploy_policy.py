"""The policy for whoever deploys: what CloudFormation does with each resource, and nothing more."""

from __future__ import annotations

import json
from fnmatch import fnmatch

from tests.support.pages import ROOT
from tests.template import support

POLICY = json.loads((ROOT / "docs" / "deploy-policy.json").read_text("utf-8"))
SAM = ("cloudformation", "s3")  # what `sam deploy` itself calls
MADE_BY = {
    "AWS::CloudWatch::Dashboard": ("cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"),
    "AWS::CloudWatch::Alarm": ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"),
    "AWS::DynamoDB::Table": ("dynamodb:CreateTable", "dynamodb:UpdateTable"),
    "AWS::Events::EventBus": ("events:CreateEventBus", "events:DeleteEventBus"),
    "AWS::Events::Rule": ("events:PutRule", "events:PutTargets", "events:DeleteRule"),
    "AWS::IAM::Role": ("iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRole", "iam:PassRole"),
    "AWS::Lambda::EventInvokeConfig": (
        "lambda:PutFunctionEventInvokeConfig",
        "lambda:DeleteFunctionEventInvokeConfig",
    ),
    "AWS::Lambda::EventSourceMapping": (
        "lambda:CreateEventSourceMapping",
        "lambda:DeleteEventSourceMapping",
    ),
    "AWS::Lambda::Function": ("lambda:CreateFunction", "lambda:DeleteFunction"),
    "AWS::Lambda::LayerVersion": ("lambda:PublishLayerVersion", "lambda:DeleteLayerVersion"),
    "AWS::Lambda::Permission": ("lambda:AddPermission", "lambda:RemovePermission"),
    "AWS::Logs::LogGroup": ("logs:CreateLogGroup", "logs:PutRetentionPolicy"),
    "AWS::SNS::Subscription": ("sns:Subscribe", "sns:Unsubscribe"),
    "AWS::SNS::Topic": ("sns:CreateTopic", "sns:DeleteTopic"),
    "AWS::SNS::TopicPolicy": ("sns:SetTopicAttributes",),
    "AWS::SQS::Queue": ("sqs:CreateQueue", "sqs:DeleteQueue"),
    "AWS::SQS::QueuePolicy": ("sqs:SetQueueAttributes",),
    "AWS::Scheduler::Schedule": ("scheduler:CreateSchedule", "scheduler:DeleteSchedule"),
}


def _types() -> set[str]:
    stack = support.stack(Mode="enforce", NotificationEmail="you@example.org")
    return {resource["Type"] for resource in stack.resources.values()}


def _allowed() -> set[str]:
    return {action for each in POLICY["Statement"] for action in each["Action"]}


def test_whoever_deploys_may_make_and_remove_each_resource_of_the_stack() -> None:
    needed = {action for kind in _types() for action in MADE_BY[kind]}
    assert needed - _allowed() == set()


def test_the_policy_names_no_service_that_the_stack_does_not_use() -> None:
    used = {action.partition(":")[0] for kind in _types() for action in MADE_BY[kind]}
    assert {action.partition(":")[0] for action in _allowed()} == used | set(SAM)
    assert not any(fnmatch(action, "*:[*]*") for action in _allowed())


def test_only_the_stacks_own_roles_can_be_changed_and_passed() -> None:
    (roles,) = (each for each in POLICY["Statement"] if each["Sid"] == "Roles")
    assert roles["Resource"] == ["arn:aws:iam::*:role/ecr-steward-*"]
    assert [each for each in POLICY["Statement"] if each["Resource"] == ["*"]] == [
        each for each in POLICY["Statement"] if each["Sid"] in ("EventSources", "LogsAndAlarms")
    ]
