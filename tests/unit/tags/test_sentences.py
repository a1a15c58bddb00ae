"""What is said of a tag that nearly fits, and of an image that ECR had before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ecr_steward.tags.scheme import Scheme
from ecr_steward.words.facts import FactKind
from tests.support.world import World, ruleset


@pytest.mark.parametrize(
    ("unique", "tag", "said"),
    [
        ("semver", "2026.02.0",
         "it is no SemVer because of the leading zero: `{version: {parts: 3}}` takes it"),
        ("semver", "1.4.2-rc.01",
         "it is no SemVer because of the leading zero: `{version: {parts: 3}}` takes it"),
        ("semver", "1.4-rc1",
         "it has 2 numbers where SemVer has 3: `{version: {parts: 2}}` takes it"),
        ("semver", "17", "it has 1 number where SemVer has 3: `{version: {parts: 1}}` takes it"),
        ({"version": {"parts": [2, 4]}}, "1.4.2",
         "it has 3 numbers where the rule has 2 or 4: `{version: {parts: 3}}` takes it"),
        ("sha", "9F1C2AB", "commits are written in lowercase: 9f1c2ab is one"),
        ("sha", "9f1c2ab-slim",
         "`slim` after it is no variant, no revision and no platform of the rule"),
        ("timestamp", "20261323", "there is no such date and time"),
        ("semver", "nightly", None),
        ("semver", "1.4.2-", None),
        ("sha", "main", None),
        ({"pattern": "r-[0-9]+"}, "r-x", None),
    ],
)  # fmt: skip
def test_a_tag_that_nearly_fits_is_told_why_it_does_not(
    unique: Any, tag: str, said: str | None
) -> None:
    assert Scheme(unique=(unique,)).nearly(tag) == said


def world(**tags: Any) -> World:
    return World(ruleset({"repositories": ["base/*"], "mode": "enforce", "tags": tags}))


def test_a_refused_tag_says_why_where_it_nearly_fits() -> None:
    told = world(unique=["semver"])
    told.push("2026.02.0")
    told.settle()
    (fact,) = told.told()
    assert fact.kind is FactKind.REJECT
    assert fact.reason == (
        "`2026.02.0` is neither a unique nor a stable tag of this repository's rule (it is no "
        "SemVer because of the leading zero: `{version: {parts: 3}}` takes it)."
    )


def test_a_move_to_an_image_that_ecr_had_before_says_since_when() -> None:
    told = world(unique=["sha"], stable=[{"tag": "edge", "follows": "newest"}, {"tag": "main"}])
    told.push("main", "old")
    told.settle()
    told.now += timedelta(hours=1)
    told.push("9f1c2ab", "old")
    told.settle()
    (move,) = told.told()
    assert move.reason.endswith(
        " ECR has had the image of 9f1c2ab since 2026-11-23T02:24:01Z, which counts."
    )


def test_a_move_to_an_image_that_is_new_says_nothing_of_that() -> None:
    told = world(unique=["sha"], stable=[{"tag": "edge", "follows": "newest"}])
    told.push("9f1c2ab", "new")
    told.settle()
    assert "since" not in told.told()[0].reason


@pytest.mark.parametrize(
    ("prereleases", "said"),
    [
        (False, "all releases"),
        ([], "all releases"),
        (True, "all versions"),
        (["beta", "rc"], "all releases and beta, rc"),
    ],
)
def test_a_line_says_which_pre_releases_are_in_it(prereleases: Any, said: str) -> None:
    entry = {"tag": "next", "follows": "highest", "prereleases": prereleases}
    scheme = Scheme.from_document({"unique": ["semver"], "stable": [entry]})
    assert str(scheme.line("next")) == said
