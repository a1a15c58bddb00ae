"""What is wrong with `images:` of a rule."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.images.rule import faults


@pytest.mark.parametrize(
    ("prereleases", "wrong"),
    [(True, False), (["beta", "rc"], False), ([], True), (["rc.1"], True), ("rc", True)],
)
def test_the_pre_releases_of_a_keeper_are_words(prereleases: Any, wrong: bool) -> None:
    images = {"keep": [{"highest": 3, "prereleases": prereleases}]}
    said = [sentence for _, sentence in faults(images, {"unique": ["semver"]})]
    assert [each.startswith("`prereleases` must be true, false or a list") for each in said] == [
        True
    ] * wrong


@pytest.mark.parametrize(("at_most", "wrong"), [(0, True), (-1, True), (1, False), ("1%", False)])
def test_at_most_is_a_number_from_one_or_a_share(at_most: Any, wrong: bool) -> None:
    images = {"keep": [{"newest": 3}], "others": "expire", "at_most": at_most}
    paths = [path for path, _ in faults(images, {"unique": ["semver"]})]
    assert (("at_most",) in paths) is wrong


@pytest.mark.parametrize(("letters", "wrong"), [(128, False), (129, True)])
def test_a_glob_is_no_longer_than_a_tag(letters: int, wrong: bool) -> None:
    images = {"keep": [{"tags": ["a" * letters]}]}
    said = [sentence for _, sentence in faults(images, {"unique": ["semver"]})]
    assert any("can match no tags" in each for each in said) is wrong
