"""What a push costs in calls of ECR, and in round trips to the history."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.history.tags import History
from ecr_steward.rules import Mode
from ecr_steward.words.facts import FactKind
from tests.support.counted_table import CountedTable
from tests.support.stage import PIN, REMOVE, Stage
from tests.support.world import REPOSITORY


@pytest.mark.parametrize("others", [0, 60])
def test_the_reads_for_a_push_of_a_variant_are_constant(others: int) -> None:
    stage = Stage({"variants": ["alpine", "slim-*"]})
    for minor in range(others):
        stage.push(f"0.{minor}.0-alpine")
        stage.push(f"0.{minor}.0-slim-x")
    stage.settle()
    stage.push("1.4.1-alpine", "old")
    stage.settle()
    stage.push("1.4.2-alpine", "new")
    event = stage.events.pop()
    assert stage.calls(lambda: stage.deliver(event)) == {
        "BatchGetImage": 1,
        "DescribeImages": 1,
        "PutImage": 3,
    }
    while stage.events:
        echo = partial(stage.deliver, stage.events.pop())
        assert stage.calls(echo) == {"BatchGetImage": 1}
    assert stage.calls(lambda: stage.deliver(event)) == {"BatchGetImage": 1}
    stage.push("alpine", "old")
    assert stage.calls(lambda: stage.deliver(stage.events.pop(0))) == {
        "BatchGetImage": 1,
        "DescribeImages": 1,
        "PutImage": 1,
    }
    stage.events.clear()
    stage.push("1.4.0-alpine", "late")
    assert stage.calls(stage.settle) == {"BatchGetImage": 1, "DescribeImages": 1}
    stage.push("buildcache-alpine", "cache")
    assert stage.calls(stage.settle) == {}


def test_a_refused_tag_costs_no_read_and_one_that_may_go_two() -> None:
    stage = Stage({})
    stage.push("nightly", "new")
    assert stage.calls(stage.settle) == {}
    stage = Stage(REMOVE)
    stage.push("nightly", "new")
    assert stage.calls(stage.settle) == {"BatchGetImage": 1, "DescribeImages": 1}


RECALL_AND_NOTE = {"get": 1, "transact": 1}
RECALL_ANNOUNCE_AND_CLOSE = {"get": 1, "put_all": 1, "transact": 1}


@pytest.mark.parametrize(
    ("pushed", "round_trips"),
    [
        (["1.4.3"], RECALL_ANNOUNCE_AND_CLOSE),
        (["1.4.1"], RECALL_AND_NOTE),
        (["nightly"], RECALL_AND_NOTE),
        (["1.4.3", "nightly"], RECALL_ANNOUNCE_AND_CLOSE),
        (["1.5.0", "1.4.2"], RECALL_ANNOUNCE_AND_CLOSE),
        (["2.0.0"], RECALL_ANNOUNCE_AND_CLOSE),
        (["v1.4.2"], RECALL_ANNOUNCE_AND_CLOSE),
        (["v1.4.2", "1.5.0", "nightly"], RECALL_ANNOUNCE_AND_CLOSE),
        (["buildcache-1"], {}),
    ],
    ids=[
        "move",
        "none move",
        "reject",
        "move and reject",
        "move and overwrite",
        "held",
        "twin",
        "all at once",
        "ignore",
    ],
)
def test_a_push_costs_at_most_three_round_trips_to_the_history(
    pushed: list[str], round_trips: dict[str, int]
) -> None:
    stage, table = counted({})
    stage.hold("latest")
    table.calls.clear()
    for tag in pushed:
        stage.push(tag)
    stage.deliver(*stage.events)
    assert table.calls == round_trips


def counted(tags: dict[str, Any]) -> tuple[Stage, CountedTable]:
    """A stage where `1.4.2` leads its lines, and the calls of its table from now on."""
    stage, table = Stage(tags), CountedTable()
    stage.history = History(table)
    stage.set_mode(Mode.ENFORCE)
    stage.push("1.4.2", "one")
    stage.settle()
    table.calls.clear()
    return stage, table


def found(stage: Stage, kind: FactKind) -> int:
    return sum(fact.kind is kind for fact in stage.history.facts(REPOSITORY))


def test_what_is_found_about_a_tag_that_no_event_named_is_told_once() -> None:
    stage = Stage({})
    stage.push("1.4.2", "one")
    stage.settle()
    stage.push("v1.4.2", "other")
    event = stage.events[0]
    stage.settle()
    stage.deliver(event)
    stage.look_all_over()
    stage.push("v1.4.2", "other")
    stage.settle()
    assert [fact.tag for fact in stage.of(FactKind.REJECT)] == ["1.4.2"]


def test_what_is_found_about_a_tag_that_no_event_named_is_told_once_whatever_is_pushed() -> None:
    stage = Stage({})
    stage.push("1.4.2", "one")
    stage.settle()
    stage.hold("1")
    for tag in ("v1.4.2", "1.3.0", "1.3.1", "1.2.0"):
        stage.push(tag, tag)
        stage.settle()
    assert [fact.tag for fact in stage.of(FactKind.REJECT)] == ["1.4.2"]


def test_what_a_sweep_told_first_is_read_where_nothing_is_announced() -> None:
    stage, table = counted({})
    stage.push("v1.4.2", "other")
    event = stage.events.pop()
    stage.look_all_over()
    table.calls.clear()
    stage.deliver(event)
    assert table.calls.total() <= 3
    assert found(stage, FactKind.REJECT) == 1


def test_a_pin_that_fails_costs_no_round_trip_more() -> None:
    stage, table = counted(PIN)
    stage.push("latest", "stray")

    def refuse(operation: str, asked: object) -> None:
        if operation == "PutImage":
            raise ClientError({"Error": {"Code": "LimitExceededException"}}, operation)

    stage.ecr.before = refuse
    stage.deliver(*stage.events)
    assert table.calls.total() == 3
    assert found(stage, FactKind.FAILED) == 1
