"""An image that runs and goes: check_running, with ECR as it is then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.running import RunningImages
from ecr_steward.history.tags import History
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.running import Running
from tests.handlers.functions import TABLE, Aws, Function, event
from tests.support.world import image

Start = Callable[[str], Function]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def runs(aws: Aws, version: str) -> None:
    images = RunningImages(DynamoTable(aws.dynamodb, TABLE), timedelta(days=7))
    images.saw([Running("base/redis", image(version), "ecs", "ecs:prod/web", "", NOON, NOON)])


def lost(aws: Aws) -> list[Fact]:
    facts = History(DynamoTable(aws.dynamodb, TABLE)).facts("base/redis")
    return [fact for fact in facts if fact.kind is FactKind.LOST]


def test_an_image_that_runs_and_was_deleted_is_told_with_who_did_it(aws: Aws, start: Start) -> None:
    aws.hold("base/redis", "1.4.1")
    runs(aws, "1.4.2")
    function = start("check_running")
    for _ in range(2):  # an event may come twice
        assert function.invoke(event("deleted_image"))["answer"] == "LOST"
    (fact,) = lost(aws)
    assert str(fact.cause.by).endswith("/mallory")
    assert (fact.digest, fact.workloads) == (image("1.4.2"), ("ecs:prod/web",))
    assert fact.reason.endswith(
        "was deleted by arn:aws:sts::123456789012:assumed-role/Developer/mallory."
    )


def test_a_tag_that_was_taken_off_an_image_loses_nothing(aws: Aws, start: Start) -> None:
    aws.hold("base/redis", "1.4.2")
    runs(aws, "1.4.2")
    assert start("check_running").invoke(event("deleted_version"))["answer"] == "KEPT"
    assert lost(aws) == []


def test_an_image_that_runs_and_was_archived_is_told(aws: Aws, start: Start) -> None:
    aws.hold("base/redis", "1.4.2")
    runs(aws, "1.4.2")
    aws.ecr.update_image_storage_class(
        repositoryName="base/redis",
        imageId={"imageDigest": image("1.4.2")},
        targetStorageClass="ARCHIVE",
    )
    assert start("check_running").invoke(event("ecr_archive_version"))["answer"] == "LOST"
    assert "was archived" in lost(aws)[0].reason


@pytest.mark.parametrize("name", ["deleted_image", "ecr_delete_untagged", "ecr_archive_version"])
def test_an_image_that_nothing_runs_costs_no_call_of_ecr(aws: Aws, start: Start, name: str) -> None:
    assert start("check_running").invoke(event(name))["answer"] == "UNUSED"
    assert aws.ecr.calls == {}
