"""One order: the tables of docs/tags.md, and what makes it an order at all."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecr_steward.tags.kinds import make
from ecr_steward.tags.suffixes import Suffixes
from tests.support.world import World, image, ruleset

DOCS = (Path(__file__).parents[2] / "docs" / "tags.md").read_text("utf-8")
TABLES = [
    [re.findall(r"`([^`]+)`", row.split("|")[1]) for row in table.splitlines()]
    for table in re.findall(r"^\| Tags \| Why .*\n\|---\|---\|\n((?:\|.*\n)+)", DOCS, re.M)
]
REVISIONS = ["r*", "hotfix", "hotfix*"]
KINDS: list[Any] = ["timestamp", "semver", {"version": {"parts": [1, 2, 4]}}]


def precedence(tag: str) -> tuple[Any, ...]:
    suffixes = Suffixes(("alpine",), tuple(REVISIONS))
    found = (unique for kind in KINDS if (unique := make(kind, suffixes).read(tag)))
    version = next(found).version
    assert version is not None
    return version.precedence


def test_the_docs_have_the_order_of_versions_and_that_of_dates() -> None:
    assert [len(table) for table in TABLES] == [30, 5]


@pytest.mark.parametrize("table", TABLES)
def test_sorting_a_shuffled_table_of_the_docs_gives_it_back(table: list[list[str]]) -> None:
    for seed in range(20):
        shuffled = [tag for row in table for tag in row]
        random.Random(seed).shuffle(shuffled)  # noqa: S311
        keys = itertools.groupby(sorted(shuffled, key=precedence), key=precedence)
        assert [sorted(tags) for _, tags in keys] == [sorted(row) for row in table]


NUMBERS = st.sampled_from(["1.4.2", "1.4.10", "01.4", "1.4.2.0", "0.0.0", "2", "1.4"])
PIECES = st.sampled_from(
    ["rc.1", "rc9", "RC10", "beta", "x", "1", "5-gabc1234", "10-gdef5678", "0-g0000000", "r1", "r",
     "r9", "r10", "hotfix", "hotfix2", "alpine", "arm64", "a.b.1", "r.1"]
)  # fmt: skip
BUILDS = st.sampled_from(
    ["", "", "_b7", "_b10", "_9", "_linux", "_up1.0.10", "_20261123", "_gabc123"]
)
TAGS = st.one_of(
    st.builds(
        lambda numbers, pieces, build: "-".join([numbers, *pieces]) + build,
        NUMBERS,
        st.lists(PIECES, max_size=3),
        BUILDS,
    ).filter(lambda tag: any(make(kind, Suffixes()).read(tag) for kind in KINDS)),
    st.sampled_from(["20261123", "20261123T0224Z", "2026-11-24", "20261123-r2"]),
)


@given(TAGS, TAGS, TAGS)
def test_the_order_is_total_and_transitive(one: str, two: str, three: str) -> None:
    a, b, c = precedence(one), precedence(two), precedence(three)
    assert (a < b) + (a == b) + (a > b) == 1
    assert not (a <= b and b <= c) or a <= c
    assert sorted([a, b, c]) == sorted([c, a, b])


@given(st.lists(TAGS, min_size=2, max_size=5, unique_by=precedence), st.randoms())
def test_whatever_the_order_of_pushes_the_highest_leads(
    tags: list[str], shuffling: random.Random
) -> None:
    rule = {"unique": KINDS, "revisions": REVISIONS,
            "stable": [{"tag": "next", "follows": "highest", "prereleases": True,
                        "of": ["*"]}]}  # fmt: skip
    able = [tag for tag in tags if not re.search("alpine|arm64", tag)]
    assume(able)
    world = World(ruleset({"repositories": ["base/*"], "mode": "enforce", "tags": rule}))
    shuffling.shuffle(able)
    for tag in able:
        world.push(tag, tag)
        world.settle()
    assert world.tags()["next"] == image(max(able, key=precedence))
