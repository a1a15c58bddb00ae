"""Stable tags that are left on an image of which nothing is in their line."""

from __future__ import annotations

import pytest

from ecr_steward.words.facts import FactKind
from tests.support.stage import Stage


@pytest.mark.parametrize("swept", [False, True])
def test_stable_tags_that_are_left_on_an_image_of_no_version_are_told_once(swept: bool) -> None:
    stage = Stage({})
    digest = stage.push("9.9.9", "only")
    stage.settle()
    stage.look_all_over()
    stage.delete(tag="9.9.9")
    if swept:
        stage.events.clear()
        stage.look_all_over()
    stage.settle()
    stage.look_all_over()
    assert {(f.tag, f.digest) for f in stage.of(FactKind.STALE)} == {
        (tag, digest) for tag in ("9.9", "9", "latest")
    }
    assert len(stage.of(FactKind.STALE)) == 3
    reason = stage.of(FactKind.STALE)[0].reason
    assert reason.startswith("9.9.9 is gone and nothing leads ")
    assert reason.endswith("stays on an image without a version of it.")


def test_a_stable_tag_that_somebody_holds_is_not_told_as_stale() -> None:
    stage = Stage({})
    stage.push("9.9.9", "only")
    stage.settle()
    stage.hold("latest")
    stage.delete(tag="9.9.9")
    stage.settle()
    assert {fact.tag for fact in stage.of(FactKind.STALE)} == {"9.9", "9"}
