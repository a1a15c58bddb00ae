"""The door for what runs."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from typing import Any

import pytest

from ecr_steward.doors.running import RunAnswer, check
from ecr_steward.history.running import RunningImages
from ecr_steward.words.reading import MalformedEvent, parse_time
from ecr_steward.words.tasks import OwnRegistry
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.pages import ROOT

REGISTRY = OwnRegistry("123456789012", "eu-west-1")


def sample(name: str, **detail: Any) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / f"events/{name}.json").read_text(encoding="utf-8"))
    event["detail"].update(detail)
    return event


def test_a_started_task_says_when_and_by_which_reference() -> None:
    (first, _), answer = check(sample("task_started"), REGISTRY)
    assert answer is RunAnswer.SEEN
    assert first.written == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/base/redis:1.4"
    assert first.first_seen == parse_time("2026-11-23T02:23:50Z")
    assert first.last_seen == parse_time("2026-11-23T02:24:00Z")


def test_the_end_of_a_task_ends_what_runs_once_and_no_service() -> None:
    ((service,), _), ((once,), _) = (
        check(sample(name), REGISTRY) for name in ("task_stopped", "task_stopped_run_once")
    )
    assert service.runs
    assert not once.runs


def test_the_start_and_the_end_of_a_task_mean_the_same_in_any_order_and_number() -> None:
    began = sample("task_stopped_run_once", lastStatus="RUNNING")
    began["time"] = "2026-11-23T02:23:55Z"
    events = [began, sample("task_stopped_run_once"), began]
    for order in itertools.permutations(events):
        images = RunningImages(MemoryTable(), timedelta(days=7))
        for each in order:
            images.saw(check(each, REGISTRY)[0])
        (record,) = images.all()
        assert (record.runs, record.first_seen) == (False, parse_time("2026-11-23T02:23:50Z"))


def test_an_account_that_nobody_named_is_not_heard() -> None:
    with pytest.raises(MalformedEvent, match="WorkloadAccounts"):
        check(sample("task_started_other_account"), REGISTRY)


@pytest.mark.parametrize(
    "detail",
    [
        {"containers": None},
        {"containers": ["app"]},
        {"containers": [{"image": 7, "imageDigest": []}]},
        {"containers": "app"},
    ],
)
def test_containers_that_cannot_be_read_are_no_images(detail: dict[str, Any]) -> None:
    assert check(sample("task_started", **detail), REGISTRY) == ([], RunAnswer.NO_IMAGE)


def test_a_task_without_a_cluster_is_malformed() -> None:
    with pytest.raises(MalformedEvent, match="clusterArn"):
        check(sample("task_started", clusterArn=None), REGISTRY)
