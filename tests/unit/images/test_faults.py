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
