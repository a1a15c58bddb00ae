"""Equal versions of different images."""

from __future__ import annotations

from datetime import timedelta

from ecr_steward.words.facts import FactKind
from tests.support.stage import Stage
from tests.support.world import image


def test_twins_end_with_the_image_pushed_later_in_any_order_and_are_reported_once() -> None:
    for order in ((0, 1), (1, 0)):
        stage = Stage({"variants": ["alpine"]})
        stage.push("1.4.2-alpine", "one")
        stage.push("v1.4.2-alpine", "other")
        first, second = (stage.events[i] for i in order)
        stage.events.clear()
        for each in (first, second, first):
            stage.deliver(each)
            stage.settle()
        stage.look_all_over()
        assert {stage.tags()[tag] for tag in ("1.4-alpine", "alpine")} == {image("other")}
        assert [fact.tag for fact in stage.of(FactKind.REJECT)] == ["1.4.2-alpine"]


def test_twins_pushed_at_once_end_with_the_higher_digest() -> None:
    stage = Stage({})
    stage.push("1.4.2", "one")
    stage.now -= timedelta(seconds=1)
    stage.push("v1.4.2", "other")
    stage.settle()
    assert stage.tags()["latest"] == max(image("one"), image("other"))
