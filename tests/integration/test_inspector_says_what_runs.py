"""The look at Inspector over boto3's client: botocore's model judges what is asked and answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from ecr_steward.history.running import RunningImages
from ecr_steward.words.running import Running
from ecr_steward.words.tasks import OwnRegistry
from ecr_steward.workloads.looks import Look, LookFailed, look_at, looks_of
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.facts import NEW, OLD

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
REGISTRY = OwnRegistry("123456789012", "eu-west-1", ())
ASKED: dict[str, Any] = {
    "filterCriteria": {
        "resourceType": [{"comparison": "EQUALS", "value": "AWS_ECR_CONTAINER_IMAGE"}],
        "ecrImageInUseCount": [{"lowerInclusive": 1}],
    }
}


def covered(digest: str, registry: str = "123456789012", region: str = "eu-west-1") -> Any:
    """An image that two pods or tasks use, as Inspector lists it."""
    in_use = {"tags": ["1.4"], "lastInUseAt": NOON, "imagePulledAt": NOON, "inUseCount": 2}
    return {
        "resourceType": "AWS_ECR_CONTAINER_IMAGE",
        "resourceId": f"arn:aws:ecr:{region}:{registry}:repository/team/redis/{digest}",
        "accountId": registry,
        "scanType": "PACKAGE",
        "scanStatus": {"statusCode": "ACTIVE", "reason": "SUCCESSFUL"},
        "resourceMetadata": {"ecrImage": in_use},
    }


@pytest.fixture
def inspector() -> Iterator[tuple[Look, Stubber]]:
    """The look, and what Inspector answers."""
    client: Any = boto3.client(
        "inspector2", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    look = looks_of(["inspector"], REGISTRY, lambda service: client, lambda account, service: None)
    with Stubber(client) as stubber:
        yield look["inspector"], stubber
        stubber.assert_no_pending_responses()


def test_every_page_is_asked_for_and_the_images_of_this_registry_are_taken(
    inspector: tuple[Look, Stubber],
) -> None:
    look, stubber = inspector
    elsewhere = [covered(NEW, registry="210987654321"), covered(NEW, region="eu-central-1")]
    first = {"coveredResources": [covered(OLD), *elsewhere], "nextToken": "more"}
    stubber.add_response("list_coverage", first, ASKED)
    last = {"coveredResources": [covered(NEW)]}
    stubber.add_response("list_coverage", last, {**ASKED, "nextToken": "more"})
    assert list(look(NOON)) == [
        Running("team/redis", each, "inspector", "inspector:123456789012", "", NOON, NOON)
        for each in (OLD, NEW)
    ]


def test_what_inspector_lists_is_needed_until_a_grace_after_it_lists_it_no_more(
    inspector: tuple[Look, Stubber],
) -> None:
    look, stubber = inspector
    images, day = RunningImages(MemoryTable(), timedelta(days=7)), timedelta(days=1)
    for found in ([covered(NEW)], []):
        stubber.add_response("list_coverage", {"coveredResources": found}, ASKED)
    look_at({"inspector": look}, images, lambda: NOON)
    look_at({"inspector": look}, images, lambda: NOON + day)
    assert images.workloads("team/redis", NOON + 7 * day) == {NEW: ["inspector:123456789012"]}
    assert images.workloads("team/redis", NOON + 9 * day) == {}
    assert images.is_known(["inspector"], NOON + 2 * day)


def test_where_inspector_refuses_nothing_ends_and_it_is_not_known_what_runs(
    inspector: tuple[Look, Stubber],
) -> None:
    look, stubber = inspector
    images = RunningImages(MemoryTable(), timedelta(days=7))
    stubber.add_response("list_coverage", {"coveredResources": [covered(NEW)]}, ASKED)
    look_at({"inspector": look}, images, lambda: NOON)
    stubber.add_client_error("list_coverage", "AccessDeniedException", "not enabled", 403)
    later = NOON + timedelta(days=3)
    with pytest.raises(LookFailed, match="not known of inspector:"):
        look_at({"inspector": look}, images, lambda: later)
    assert images.workloads("team/redis", later).keys() == {NEW}
    assert images.unknown(["inspector"], later) == ["inspector"]
