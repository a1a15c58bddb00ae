"""A stable tag that somebody else keeps taking away: held, counted for the alarm, and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.tags import History
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from tests.handlers.functions import TABLE, Aws, Function
from tests.handlers.test_output import metrics
from tests.support.facts import returned, sqs_record
from tests.support.world import image, manifest

Start = Callable[[str], Function]
MALLORY = "arn:aws:iam::123456789012:user/mallory"


class CloudTrail:
    """The event history, in which Mallory put `latest` on the image of 1.3.9."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked = 0
        self._error = error

    def lookup_events(self, **_: Any) -> dict[str, Any]:
        self.asked += 1
        if self._error is not None:
            raise self._error
        call = {
            "userIdentity": {"arn": MALLORY},
            "requestParameters": {"repositoryName": "base/redis", "imageTag": "latest"},
            "responseElements": {"image": {"imageId": {"imageDigest": image("1.3.9")}}},
        }
        return {"Events": [{"CloudTrailEvent": json.dumps(call)}]}


def pushed(tag: str, version: str, number: int) -> dict[str, Any]:
    """The writer's batch for one push."""
    now = datetime.now(UTC)
    hint = Hint("base/redis", Action.PUSH, tag, image(version), Cause(f"e{number}", "Push"), now)
    return {"Records": [sqs_record(hint.to_message(), f"m{number}")]}


def quarrel(aws: Aws, function: Function, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Put `latest` elsewhere three times; the metrics of the last visit."""
    aws.hold("base/redis", "1.3.9", "1.4.2")
    assert returned(function.invoke(pushed("1.4.2", "1.4.2", 0))) == []
    for number in range(1, 4):
        aws.ecr.put_image(
            repositoryName="base/redis", imageManifest=manifest("1.3.9"), imageTag="latest"
        )
        capsys.readouterr()
        assert returned(function.invoke(pushed("latest", "1.3.9", number))) == []
    return metrics(capsys.readouterr().out)


def test_the_third_time_it_is_held_counted_and_told_with_who_it_was(
    aws: Aws, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.cloudtrail = CloudTrail()
    counted = quarrel(aws, start("retag"), capsys)
    assert (counted["TagsContested"], counted["TagsReported"]) == ([1.0], [1.0])
    assert aws.ecr.tags("base/redis")["latest"] == image("1.3.9")
    assert aws.cloudtrail.asked == 1
    history = History(DynamoTable(aws.dynamodb, TABLE))
    (told,) = [fact for fact in history.facts("base/redis") if fact.kind == "held"]
    assert f"three times within ten minutes by {MALLORY}) and does not go to 1.4.2." in told.reason


def test_a_right_that_is_missing_fails_nothing_and_is_said(
    aws: Aws, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = ClientError({"Error": {"Code": "AccessDeniedException"}}, "LookupEvents")
    aws.cloudtrail = CloudTrail(refused)
    assert quarrel(aws, start("retag"), capsys)["TagsContested"] == [1.0]
    ((_, hold),) = History(DynamoTable(aws.dynamodb, TABLE)).holds.all()
    assert hold.reason.endswith("; CloudTrail did not say by whom (AccessDeniedException)")


def test_what_nobody_took_away_asks_cloudtrail_nothing_and_rings_nothing(
    aws: Aws, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.cloudtrail = CloudTrail()
    aws.hold("base/redis", "1.3.9", "1.4.2")
    start("retag").invoke(pushed("1.4.2", "1.4.2", 0))
    assert "TagsContested" not in metrics(capsys.readouterr().out)
    assert aws.cloudtrail.asked == 0
