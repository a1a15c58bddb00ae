"""The resource tags of repositories: read once, kept for minutes, and never in a message's way."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ecr_steward.messages.whom.owners import MAX_AGE, OwnerTags
from tests.support.facts import MOVED, SWEPT

ARN = "arn:aws:ecr:eu-west-1:123456789012:repository/base/redis"


class Ecr:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fault: Exception | None = None
        self.tags = {"owner": "platform"}

    def list_tags_for_resource(self, *, resourceArn: str) -> dict[str, Any]:  # noqa: N803
        self.asked.append(resourceArn)
        if self.fault is not None:
            raise self.fault
        return {"tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]}


@pytest.fixture
def ecr() -> Any:
    return Ecr()


def test_tags_are_read_once_and_kept_for_minutes(ecr: Any) -> None:
    now = [0.0]
    tags = OwnerTags(lambda: ecr, clock=lambda: now[0])
    assert tags.of(MOVED) == {"owner": "platform"}
    ecr.tags = {"owner": "somebody else"}
    now[0] = MAX_AGE - 1
    assert tags.of(MOVED) == {"owner": "platform"}
    now[0] = MAX_AGE
    assert tags.of(MOVED) == {"owner": "somebody else"}
    assert ecr.asked == [ARN, ARN]


def test_each_repository_has_its_own(ecr: Any) -> None:
    tags = OwnerTags(lambda: ecr)
    tags.of(MOVED)
    tags.of(replace(MOVED, repository="apps/shop"))
    assert ecr.asked == [ARN, ARN.replace("base/redis", "apps/shop")]


def test_what_belongs_to_no_repository_has_none(ecr: Any) -> None:
    assert OwnerTags(lambda: ecr).of(SWEPT) == {}
    assert ecr.asked == []


@pytest.mark.parametrize(
    "fault",
    [
        ClientError({"Error": {"Code": "RepositoryNotFoundException"}}, "ListTagsForResource"),
        ReadTimeoutError(endpoint_url="https://ecr"),
    ],
    ids=["gone", "slow"],
)
def test_tags_that_cannot_be_read_are_none_and_are_not_asked_for_at_every_message(
    ecr: Any, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    tags = OwnerTags(lambda: ecr)
    ecr.fault = fault
    with caplog.at_level(logging.WARNING):
        assert tags.of(MOVED) == {}
        assert tags.of(MOVED) == {}
    assert len(ecr.asked) == 1
    assert f"The resource tags of {ARN} cannot be read" in caplog.text
