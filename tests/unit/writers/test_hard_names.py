"""The longest names, and tags that are left alone."""

from __future__ import annotations

from ecr_steward.words.facts import FactKind
from tests.support.stage import PIN, RESTORE, Stage
from tests.support.world import VERSIONS, image


def test_tags_of_128_characters_and_repositories_of_256_are_like_any_other() -> None:
    repository = "base/" + "r" * 251
    variant = "a" * 122
    stage = Stage({"variants": ["a*"], **PIN})
    digest = stage.push(f"1.4.2-{variant}", "new", repository=repository)
    stage.settle()
    named = {f"1.4.2-{variant}", f"1.4-{variant}", f"1-{variant}", variant}
    assert stage.tags(repository) == dict.fromkeys(named, digest)
    stage.look_all_over(repository)
    assert stage.of(FactKind.FAILED) == []


def test_a_name_that_would_be_too_long_fails_nothing() -> None:
    variant = "a" * 122
    stable = [*VERSIONS["tags"]["stable"], {"tag": "nightly", "follows": "highest"}]
    stage = Stage({"variants": ["a*"], "stable": stable})
    stage.push(f"1.4.2-{variant}", "new")
    stage.settle()
    assert variant in stage.tags()
    assert stage.of(FactKind.FAILED) == []


def test_referrers_pins_and_ignored_tags_are_left_alone() -> None:
    stage = Stage({"unknown": "remove", **PIN, **RESTORE})
    stage.push("1.4.2", "new")
    stage.settle()
    told = len(stage.told())
    for tag in (
        f"sha256-{image('new')[7:]}",
        f"sha256-{image('new')[7:]}.sig",
        "buildcache-1",
        f"1.4.2-20261123T022400Z-{image('pinned')[7:19]}",
    ):
        name = "pinned" if tag.startswith("1.4.2") else f"of {tag}"
        stage.push(tag, name)
        assert stage.calls(stage.settle) == {}
        assert stage.tags()[tag] == image(name)
    stage.look_all_over()
    assert len(stage.told()) == told
