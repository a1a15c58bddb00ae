"""The settings calls of the local ECR: refused where ECR refuses, and told as CloudTrail tells."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_steward.words.calls import Call
from local.ecr.events import entry
from local.ministack_server import as_role, on_repositories
from tests.support.local_ecr import CALLER
from tests.support.settings_world import ANYONE, policy
from tests.unit.local.conftest import Ecr

REPOSITORY = "base/redis"


def test_a_call_that_changes_a_setting_is_told_with_who_made_it(ecr: Ecr) -> None:
    ecr.call("SetRepositoryPolicy", repositoryName=REPOSITORY, policyText=policy(ANYONE))
    (told,) = ecr.trail
    sent = entry(told, "ecr-steward.replay", told.time)
    event = {
        "id": "1",
        "detail-type": sent["DetailType"],
        "time": told.time.isoformat(),
        "detail": json.loads(sent["Detail"]),
    }
    call = Call.from_cloudtrail(event)
    assert call is not None
    assert (call.name, call.repository, call.failed) == ("SetRepositoryPolicy", REPOSITORY, False)
    assert call.cause.by == CALLER.format("123456789012")
    assert call.role == "arn:aws:iam::123456789012:role/Of-123456789012"


def test_a_call_that_is_refused_is_told_as_failed_and_a_read_is_not_told(ecr: Ecr) -> None:
    refused = ecr.call("SetRepositoryPolicy", repositoryName="no/such", policyText=policy(ANYONE))
    ecr.call("GetLifecyclePolicy", repositoryName=REPOSITORY)
    ecr.call("DescribeRepositories")
    assert refused["error"] == "RepositoryNotFoundException"
    assert [call.error for call in ecr.trail] == ["RepositoryNotFoundException"]


def test_a_new_repository_is_named_in_the_answer_too(ecr: Ecr) -> None:
    ecr.call("CreateRepository", repositoryName="base/nginx")
    (told,) = ecr.trail
    assert told.answered is not None
    assert told.answered["repository"]["repositoryName"] == "base/nginx"


def test_calls_for_templates_are_told(ecr: Ecr) -> None:
    ecr.call("CreateRepositoryCreationTemplate", prefix="base", appliedFor=["CREATE_ON_PUSH"])
    ecr.call("DescribeRepositoryCreationTemplates")
    ecr.call("UpdateRepositoryCreationTemplate", prefix="absent")
    assert [(call.name, call.error) for call in ecr.trail] == [
        ("CreateRepositoryCreationTemplate", None),
        ("UpdateRepositoryCreationTemplate", "TemplateNotFoundException"),
    ]


FUNCTION = {
    "FunctionName": "enforce",
    "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:enforce",
    "Role": "arn:aws:iam::123456789012:role/path/EnforceSettingsRole",
}


def test_a_function_calls_as_a_session_of_its_role() -> None:
    known: dict[str, dict[str, str]] = {}
    given = {"AWS_ACCESS_KEY_ID": "123456789012", "AWS_SECRET_ACCESS_KEY": "local"}
    credentials = as_role(lambda config: dict(given), known.__setitem__)(FUNCTION)
    session = known[credentials["AWS_ACCESS_KEY_ID"]]
    assert session["Arn"] == "arn:aws:sts::123456789012:assumed-role/EnforceSettingsRole/enforce"
    assert credentials["AWS_SESSION_TOKEN"] == session["SessionToken"]


def test_a_session_that_ministack_made_itself_stays() -> None:
    given = {"AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "local"}
    assert as_role(lambda config: given, lambda key, session: None)(FUNCTION) is given


@pytest.mark.parametrize(
    ("service", "asked", "resource"),
    [
        ("ecr", {"repositoryNames": ["base/redis"]}, "repository/base/redis"),
        ("ecr", {"resourceArn": "arn:aws:ecr:eu-west-1:1:repository/base/x"}, "repository/base/x"),
        ("ecr", {"repositoryNames": ["a", "b"]}, "*"),
        ("ecr", {}, "*"),
        ("sqs", {"repositoryNames": ["base/redis"]}, "*"),
    ],
)
def test_rights_are_checked_against_the_repository_that_a_call_names(
    service: str, asked: dict[str, Any], resource: str
) -> None:
    extract = on_repositories(lambda *given: "*")
    body = json.dumps(asked).encode()
    found = extract(service, "POST", "/", {}, body, {}, "eu-west-1", "123456789012")
    assert found.endswith(resource)
