"""Images that lost their unique tag to another build of the same commit, and keep a name."""

from __future__ import annotations

import contextlib

from botocore.exceptions import ClientError

from ecr_steward.ecr import Unavailable
from ecr_steward.words.facts import FactKind
from tests.support.stage import KEEP, Stage
from tests.support.world import throttled


def test_a_commit_that_is_built_again_has_the_new_image_and_the_one_before_a_pin() -> None:
    stage = Stage({**KEEP, "unique": ["sha"], "stable": [{"tag": "edge", "follows": "newest"}]})
    first = stage.push("9f1c2ab", "first")
    stage.settle()
    second = stage.push("9f1c2ab", "second")
    calls = stage.calls(stage.settle)
    assert stage.tags()["9f1c2ab"] == stage.tags()["edge"] == second
    assert len(stage.pins_of(first)) == 1
    assert {fact.kind for fact in stage.told()} == {FactKind.MOVE, FactKind.PIN}
    assert calls["PutImage"] == 2
    told = len(stage.told())
    stage.look_all_over()
    assert len(stage.told()) == told


def test_images_that_were_built_in_haste_are_all_kept() -> None:
    stage = Stage({**KEEP, "unique": ["sha"], "stable": []})
    images = [stage.push("9f1c2ab", name) for name in ("first", "second", "third")]
    stage.settle()
    assert stage.tags()["9f1c2ab"] == images[2]
    assert all(stage.pins_of(digest) for digest in images[:2])


def test_a_pin_that_could_not_be_made_yet_is_made_before_the_tag_is_accepted() -> None:
    stage = Stage({**KEEP, "unique": ["sha"], "stable": []})
    first = stage.push("9f1c2ab", "first")
    stage.settle()
    stage.push("9f1c2ab", "second")
    event = stage.events.pop()
    for at in range(1, 30):
        stage.arm(at, throttled)
        with contextlib.suppress(Unavailable, ClientError):
            stage.deliver(event)
    stage.arm(None)
    stage.deliver(event)
    assert len(stage.pins_of(first)) == 1
