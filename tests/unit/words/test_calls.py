"""Reading calls of the ECR API as CloudTrail tells them."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.queues.hints import group_id
from ecr_steward.words.calls import (
    OF_REPOSITORIES,
    OF_THE_REGISTRY,
    SERVICE_EVENT,
    Call,
    deletions,
)
from ecr_steward.words.hints import REGISTRY, Action, Hint
from ecr_steward.words.reading import MalformedEvent
from tests.support.facts import NEW

ARN = "arn:aws:ecr:eu-west-1:123456789012:repository/base/redis"
NAMED = {"repositoryName": "base/redis"}
MALLORY = "arn:aws:sts::123456789012:assumed-role/Developer/mallory"
ROLE = "arn:aws:iam::123456789012:role/Developer"


def event(name: str = "SetRepositoryPolicy", **detail: Any) -> dict[str, Any]:
    return {
        "id": "c5d1a0b7",
        "detail-type": "AWS API Call via CloudTrail",
        "time": "2026-11-23T02:24:00Z",
        "detail": {
            "eventName": name,
            "userIdentity": {
                "type": "AssumedRole",
                "arn": MALLORY,
                "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE}},
            },
            "requestParameters": {"repositoryName": "base/redis"},
            **detail,
        },
    }


def read(name: str = "SetRepositoryPolicy", **detail: Any) -> Call:
    call = Call.from_cloudtrail(event(name, **detail))
    assert call is not None
    return call


def test_a_call_that_deletes_images_is_a_hint_for_each_of_them_and_no_other_call_is() -> None:
    gone = {"imageIds": [{"imageTag": "1.4.2", "imageDigest": NEW}, {"imageDigest": NEW}]}
    hints = deletions(event("BatchDeleteImage", responseElements=gone))
    assert [(each.action, each.tag, each.digest) for each in hints] == [
        (Action.DELETE, "1.4.2", NEW),
        (Action.DELETE, None, NEW),
    ]
    assert [each.cause.id for each in hints] == ["c5d1a0b7", "c5d1a0b7/1"]
    assert deletions(event("BatchDeleteImage", responseElements=gone, errorCode="no")) == []
    assert deletions(event("PutImage", responseElements=gone)) == []


def test_a_call_names_its_repository_its_caller_and_the_role_behind_it() -> None:
    call = read()
    assert (call.name, call.repository, call.failed) == ("SetRepositoryPolicy", "base/redis", False)
    assert (call.cause.id, call.cause.by, call.role) == ("c5d1a0b7", MALLORY, ROLE)


@pytest.mark.parametrize("name", sorted(OF_REPOSITORIES))
def test_every_call_that_changes_a_setting_is_read(name: str) -> None:
    assert read(name).repository == "base/redis"


@pytest.mark.parametrize("name", sorted(OF_THE_REGISTRY))
def test_a_call_about_the_registry_is_about_no_repository(name: str) -> None:
    assert read(name, requestParameters={"prefix": "base/"}).repository == REGISTRY


@pytest.mark.parametrize("name", ["PutImage", "GetRepositoryPolicy", "PolicyExecutionEvent"])
def test_any_other_call_is_none(name: str) -> None:
    assert Call.from_cloudtrail(event(name)) is None


@pytest.mark.parametrize(
    "detail",
    [
        {"requestParameters": {"resourceArn": ARN}},
        {"requestParameters": None, "serviceEventDetails": NAMED},
        {"requestParameters": None, "responseElements": {"repository": NAMED}},
        {"requestParameters": {"repositoryName": ""}, "serviceEventDetails": NAMED},
    ],
)
def test_the_repository_is_found_wherever_the_call_names_it(detail: dict[str, Any]) -> None:
    assert read("CreateRepository", **detail).repository == "base/redis"


def test_a_call_by_ecr_itself_has_no_caller() -> None:
    document = event("CreateRepository", userIdentity={"invokedBy": "ecr.amazonaws.com"})
    call = Call.from_cloudtrail({**document, "detail-type": SERVICE_EVENT})
    assert call is not None
    assert (call.cause.by, call.role, call.cause.type) == (None, None, SERVICE_EVENT)


def test_a_caller_whose_name_is_no_text_is_none() -> None:
    assert read(userIdentity={"arn": 5}).cause.by is None


def test_a_call_whose_name_is_no_text_cannot_be_read() -> None:
    with pytest.raises(MalformedEvent, match="is missing or not a text"):
        Call.from_cloudtrail(event(5))  # type: ignore[arg-type]


def test_a_call_that_failed_says_so() -> None:
    assert read(errorCode="AccessDenied").failed


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ({}, "`detail` is missing"),
        ({**event(), "detail": {}}, "`detail.eventName` is missing"),
        ({**event(), "time": "yesterday"}, "`time` is not a time"),
        ({**event(), "id": ""}, "`id` is missing"),
        (event(requestParameters={}), "SetRepositoryPolicy names no repository"),
        (event(requestParameters={"resourceArn": "arn:aws:ecr:::repository/"}), "names no repos"),
    ],
)
def test_what_cannot_be_read_is_said(spoiled: dict[str, Any], said: str) -> None:
    with pytest.raises(MalformedEvent, match=said):
        Call.from_cloudtrail(spoiled)


def test_a_hint_keeps_the_call_on_its_way_through_the_queue() -> None:
    hint = read().hint()
    assert (hint.action, hint.call) == (Action.CALL, "SetRepositoryPolicy")
    assert Hint.from_message(hint.to_message()) == hint


def test_the_registry_has_a_group_of_its_own_among_the_repositories() -> None:
    assert group_id(REGISTRY) == "registry"
