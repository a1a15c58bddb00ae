"""What a push costs in calls of ECR, and in round trips to the history."""

from __future__ import annotations

from functools import partial

import pytest

from ecr_steward.history.tags import History
from ecr_steward.rules import Mode
from tests.support.counted_table import CountedTable
from tests.support.stage import REMOVE, Stage


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
        (["buildcache-1"], {}),
    ],
    ids=["move", "none move", "reject", "move and reject", "move and overwrite", "held", "ignore"],
)
def test_a_push_costs_at_most_three_round_trips_to_the_history(
    pushed: list[str], round_trips: dict[str, int]
) -> None:
    stage, table = Stage({}), CountedTable()
    stage.history = History(table)
    stage.set_mode(Mode.ENFORCE)
    stage.push("1.4.2")
    stage.settle()
    stage.hold("latest")
    table.calls.clear()
    for tag in pushed:
        stage.push(tag)
    stage.deliver(*stage.events)
    assert table.calls == round_trips
