"""Who took a tag away, as CloudTrail's event history tells it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ecr_steward.ecr.trail import Trail

SINCE = datetime(2026, 11, 23, 2, 4, tzinfo=UTC)
HERE, ELSEWHERE = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
ADA, EVE = (f"arn:aws:sts::123456789012:assumed-role/ci/{name}" for name in ("ada", "eve"))


def call(
    arn: str | None = ADA,
    *,
    repository: str = "base/redis",
    tag: str = "latest",
    digest: str | None = ELSEWHERE,
    **more: Any,
) -> dict[str, Any]:
    """One event of the history (CloudTrail API: LookupEvents), for a PutImage."""
    named = None if digest is None else {"image": {"imageId": {"imageDigest": digest}}}
    told = {
        "eventSource": "ecr.amazonaws.com",
        "eventName": "PutImage",
        "userIdentity": {"type": "AssumedRole", "principalId": "AROA:ada", "arn": arn},
        "requestParameters": {"repositoryName": repository, "imageTag": tag},
        "responseElements": named,
        **more,
    }
    return {"EventName": "PutImage", "CloudTrailEvent": json.dumps(told)}


class CloudTrail:
    def __init__(self, *pages: Sequence[dict[str, Any]]) -> None:
        self.pages = pages
        self.asked: list[dict[str, Any]] = []

    def lookup_events(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(dict(asked))
        at = int(asked.get("NextToken") or 0)
        more = {"NextToken": str(at + 1)} if at + 1 < len(self.pages) else {}
        return {"Events": self.pages[at], **more}


def said(client: Any) -> str:
    who = Trail(lambda: client).who_took("base/redis", "latest", HERE, SINCE)
    assert who.named == who.words.startswith(" by ")
    return who.words


def test_whoever_put_the_tag_on_another_image_is_named() -> None:
    client = CloudTrail([call()])
    assert said(client) == f" by {ADA}"
    (asked,) = client.asked
    assert asked == {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "PutImage"}],
        "StartTime": SINCE,
        "MaxResults": 50,
    }


def test_each_is_named_once_the_latest_first_and_pages_are_followed() -> None:
    client = CloudTrail([call(EVE), call(EVE)], [call(ADA), call(EVE)])
    assert said(client) == f" by {EVE} and {ADA}"


@pytest.mark.parametrize(
    "other",
    [
        call(repository="base/other"),
        call(tag="1.4"),
        call(digest=HERE),
        call(errorCode="ImageTagAlreadyExistsException"),
        call(requestParameters=None),
    ],
    ids=["repository", "tag", "the steward's own", "refused", "without parameters"],
)
def test_other_calls_name_nobody(other: dict[str, Any]) -> None:
    assert said(CloudTrail([other])) == "; CloudTrail does not know by whom yet"
    assert said(CloudTrail([other, call(EVE)])) == f" by {EVE}"


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        ({"type": "IAMUser", "arn": ADA, "principalId": "AIDA"}, ADA),
        ({"type": "AssumedRole", "principalId": "AROA:eve"}, "AROA:eve"),
        ({"type": "AWSService", "invokedBy": "replication.ecr.amazonaws.com"},
         "replication.ecr.amazonaws.com"),
        ({"type": "Unknown"}, "Unknown"),
    ],
)  # fmt: skip
def test_a_caller_without_an_arn_is_named_as_well_as_can_be(
    identity: dict[str, Any], name: str
) -> None:
    assert said(CloudTrail([call(userIdentity=identity)])) == f" by {name}"


def test_nothing_is_known_of_what_cloudtrail_has_not_got_yet() -> None:
    assert said(CloudTrail([])) == "; CloudTrail does not know by whom yet"


def test_a_busy_registry_is_asked_five_pages_and_no_more() -> None:
    client = CloudTrail(*[[call(tag="other")]] * 9)
    assert said(client) == "; CloudTrail does not know by whom yet"
    assert len(client.asked) == 5


class Broken:
    def __init__(self, answer: Exception | dict[str, Any]) -> None:
        self._answer = answer

    def lookup_events(self, **_: Any) -> dict[str, Any]:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "LookupEvents"),
         "AccessDeniedException"),
        (EndpointConnectionError(endpoint_url="https://cloudtrail"), "EndpointConnectionError"),
        ({"Events": [{"CloudTrailEvent": "{"}]}, "JSONDecodeError"),
        ({"Events": [{}]}, "KeyError"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said_and_fails_nothing(answer: Any, why: str) -> None:
    assert said(Broken(answer)) == f"; CloudTrail did not say by whom ({why})"


def test_a_client_that_cannot_be_made_is_said_too() -> None:
    def fail() -> Any:
        raise EndpointConnectionError(endpoint_url="https://cloudtrail")

    who = Trail(fail).who_took("base/redis", "latest", HERE, SINCE)
    assert not who.named
    assert who.words == "; CloudTrail did not say by whom (EndpointConnectionError)"
