from __future__ import annotations

import pytest

from ecr_steward.tags.kinds import make
from ecr_steward.tags.versions import Variants


@pytest.mark.parametrize(
    "tag",
    ["1.4.2", "v1.4.2", "0.0.0", "1.4.2-rc.1", "1.4.2_linux", "1.4.2-rc.1_linux", "10.20.30"],
)
def test_semver_takes_three_part_versions(tag: str) -> None:
    unique = make("semver", Variants())(tag)
    assert unique is not None
    assert unique.tag == tag
    assert unique.version is not None


@pytest.mark.parametrize(
    "tag",
    [
        "1", "1.4", "1.4.2.1", "01.4.2", "1.04.2", "1.4.02", "V1.4.2", "vv1.4.2", "version1.4.2",
        "1.4.2-", "1.4.2-rc..1", "1.4.2-rc.01", "1.4.2_", "1.4.x", "latest", "", "v",
    ],
)  # fmt: skip
def test_semver_takes_nothing_else(tag: str) -> None:
    assert make("semver", Variants())(tag) is None


@pytest.mark.parametrize(
    "tag",
    [
        "9f1c2ab",
        "abcdefa",
        "000000a",
        "a" * 40,
        "0123456789abcdef0123456789abcdef01234567",
        "sha-9f1c2ab",
        "git-9f1c2ab",
    ],
)
def test_sha_takes_commits_and_they_carry_no_version(tag: str) -> None:
    unique = make("sha", Variants())(tag)
    assert unique is not None
    assert unique.tag == tag
    assert unique.version is None


@pytest.mark.parametrize(
    "tag",
    [
        "9f1c2a", "a" * 41, "1234567", "20261123", "sha-1234567", "9F1C2AB", "sha-", "sha-9f1c2a",
        "sha256-9f1c2ab", "commit-9f1c2ab", "sha-git-9f1c2ab", "9f1c2ag", "9f1c2ab-dirty", "",
    ],
)  # fmt: skip
def test_sha_takes_nothing_else(tag: str) -> None:
    assert make("sha", Variants())(tag) is None
