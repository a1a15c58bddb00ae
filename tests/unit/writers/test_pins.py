"""Pins: every image keeps a name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ecr_steward.rules import Mode
from ecr_steward.words.facts import FactKind
from tests.support.stage import PIN, RESTORE, Stage
from tests.support.world import image


@pytest.mark.parametrize("tag", ["main", "latest"])
def test_an_image_that_only_a_stable_tag_names_gets_its_pin(tag: str) -> None:
    stage = Stage(PIN)
    digest = stage.push(tag, "new")
    stage.settle()
    pin = f"{tag}-20261123T022401Z-{digest[7:19]}"
    assert stage.tags() == {tag: digest, pin: digest}
    assert [(fact.tag, fact.digest) for fact in stage.of(FactKind.PIN)] == [(pin, digest)]
    assert stage.of(FactKind.PIN)[0].reason == f"Only stable tags name the image (`{tag}`)."


def test_without_a_template_such_an_image_gets_none() -> None:
    stage = Stage({})
    stage.push("main", "new")
    assert stage.calls(stage.settle) == {}
    assert set(stage.tags()) == {"main"}


def test_repeated_and_late_events_give_the_same_pin() -> None:
    stage = Stage(PIN)
    digest = stage.push("main", "new")
    pushed = stage.events[0]
    stage.settle()
    pins = stage.pins_of(digest)
    stage.now += timedelta(days=3)
    stage.deliver(pushed)
    assert stage.pins_of(digest) == pins
    stage.delete(tag=pins[0])
    stage.settle()
    stage.deliver(pushed)
    stage.look_all_over()
    assert stage.pins_of(digest) == pins


def test_an_image_that_another_push_outran_gets_the_pin_that_it_would_have_got() -> None:
    in_time, late = Stage(PIN), Stage(PIN)
    for stage in (in_time, late):
        for name in ("first", "second", "third"):
            stage.push("main", name)
            if stage is in_time:
                stage.settle()
        stage.settle()
    assert late.tags() == in_time.tags()
    assert len(late.pins_of(image("first"))) == 1


def test_the_sweep_pins_what_no_event_told_of_and_nothing_twice() -> None:
    stage = Stage(PIN)
    digest = stage.push("main", "new")
    stage.push("buildcache-1", "new")
    stage.events.clear()
    assert stage.look_all_over()["PutImage"] == 1
    assert "PutImage" not in stage.look_all_over()
    assert len(stage.pins_of(digest)) == 1


@pytest.mark.parametrize(("tags", "tag"), [(PIN, "main"), (RESTORE, "1.4.2")])
def test_an_image_that_another_push_outran_gets_its_pin_with_a_sweep_in_the_batch_too(
    tags: dict[str, Any], tag: str
) -> None:
    stage = Stage(tags)
    outrun = stage.push(tag, "first")
    if tag == "1.4.2":
        stage.settle()
        outrun = stage.push(tag, "second")
    stage.push(tag, "third")
    stage.look_at_events_and_all_over()
    assert stage.pins_of(outrun)


def test_what_is_pushed_while_a_repository_is_swept_first_is_told() -> None:
    stage = Stage({})
    stage.push("odd")
    stage.events.clear()
    stage.push("nightly")
    stage.look_at_events_and_all_over()
    assert [fact.tag for fact in stage.of(FactKind.REJECT)] == ["nightly"]


@pytest.mark.parametrize("other", ["1.4.2", "nightly"])
def test_an_image_that_another_tag_names_needs_no_pin(other: str) -> None:
    stage = Stage(PIN)
    stage.push(other, "new")
    stage.push("main", "new")
    stage.settle()
    stage.look_all_over()
    assert stage.of(FactKind.PIN) == []


def test_in_audit_a_pin_is_only_told() -> None:
    stage = Stage(PIN, Mode.AUDIT)
    stage.push("main", "new")
    stage.settle()
    assert set(stage.tags()) == {"main"}
    assert [fact.mode for fact in stage.of(FactKind.PIN)] == ["audit"]


def test_a_stable_tag_of_128_characters_leaves_room_for_the_rest_of_its_pin() -> None:
    name = "b" * 128
    stage = Stage({**PIN, "stable": [{"tag": name}]})
    digest = stage.push(name, "new")
    stage.settle()
    (pin,) = stage.pins_of(digest)
    assert len(pin) == 128
    stage.look_all_over()
    assert stage.pins_of(digest) == [pin]


def test_the_pin_of_a_withdrawn_image_does_not_bring_it_back() -> None:
    stage = Stage({})
    older = stage.push("1.4.1", "older")
    stage.settle()
    bad = stage.push("1.4.2", "bad")
    stage.settle()
    stage.delete(tag="1.4.2")
    stage.settle()
    stage.look_all_over()
    assert {stage.tags()[tag] for tag in ("1.4", "1", "latest")} == {older}
    assert len(stage.pins_of(bad)) == 1
