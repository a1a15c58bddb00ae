"""What is deleted by hand: the highest that is left leads, or nothing."""

from __future__ import annotations

from ecr_steward.rules import Mode
from ecr_steward.words.facts import FactKind
from tests.support.stage import Stage
from tests.support.world import VERSIONS, image, ruleset


def test_a_stable_tag_goes_to_the_highest_image_left_by_event_and_by_sweep() -> None:
    for lost in (False, True):
        stage = Stage({"variants": ["alpine"]})
        for tag in ("1.4.0-alpine", "1.4.1-alpine", "1.4.2-alpine", "1.4.1"):
            stage.push(tag, tag)
        stage.settle()
        stage.delete(digest=image("1.4.2-alpine"))
        if lost:
            stage.events.clear()
            stage.look_all_over()
        stage.settle()
        for tag in ("1.4-alpine", "1-alpine", "alpine"):
            assert stage.tags()[tag] == image("1.4.1-alpine")
        assert stage.tags()["latest"] == image("1.4.1")


def test_a_mark_on_a_tag_that_is_no_version_does_not_keep_its_line_from_following_versions() -> (
    None
):
    kinds = {"unique": ["semver", "build"]}
    stage = Stage({**kinds, "stable": [{"tag": "latest", "follows": "newest"}]})
    stage.push("build-7")
    stage.settle()
    follows = {**kinds, "stable": [{"tag": "latest", "follows": "highest"}]}
    stage.rules = ruleset({**VERSIONS, "tags": follows})
    stage.set_mode(Mode.ENFORCE)
    digest = stage.push("1.4.2")
    stage.settle()
    assert stage.tags()["latest"] == digest
    assert stage.told()[-1].reason == (
        "`latest` goes to 1.4.2, the highest of all releases; the image that it was on has no "
        "version of it."
    )


def test_a_line_with_nothing_left_stays_away_and_is_reported_once() -> None:
    stage = Stage({})
    stage.push("2.0.0", "other")
    digest = stage.push("1.4.2", "new")
    stage.settle()
    stage.delete(digest=digest)
    stage.settle()
    stage.look_all_over()
    stage.look_all_over()
    assert set(stage.tags()) == {"2.0.0", "2.0", "2", "latest"}
    assert {(fact.tag, fact.before) for fact in stage.of(FactKind.REMOVE)} == {
        ("1.4", digest),
        ("1", digest),
    }
    assert len(stage.of(FactKind.REMOVE)) == 2
    assert stage.of(FactKind.REMOVE)[0].reason == (
        "1.4.2 is gone and nothing is left of 1.4.*: `1.4` stays away."
    )


def test_the_newest_line_falls_back_to_the_image_pushed_before() -> None:
    stage = Stage(
        {
            "unique": ["semver", "sha"],
            "variants": ["alpine"],
            "stable": [{"tag": "edge", "follows": "newest"}],
        }
    )
    for tag in ("2.0.0", "9f1c2ab", "1.0.0-rc.1", "3.0.0-alpine"):
        stage.push(tag, tag)
        stage.settle()
    assert stage.tags()["edge"] == image("1.0.0-rc.1")
    assert stage.tags()["edge-alpine"] == image("3.0.0-alpine")
    stage.delete(digest=image("1.0.0-rc.1"))
    calls = stage.calls(stage.settle)
    assert stage.tags()["edge"] == image("9f1c2ab")
    assert "ListImages" not in calls, "only DescribeImages says when an image was pushed"
    stage.push("2.0.0", "2.0.0")
    stage.push("0.1.0", "9f1c2ab")
    stage.settle()
    assert stage.tags()["edge"] == image("9f1c2ab"), "a new tag makes no image newer"
    stage.delete(tag="9f1c2ab")
    stage.delete(tag="0.1.0")
    stage.settle()
    assert stage.tags()["edge"] == image("2.0.0")
