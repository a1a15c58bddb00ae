from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.tags.kinds import KindError, Unique, make
from ecr_steward.tags.versions import Variants, Version


@pytest.mark.parametrize(
    "tag",
    ["1.4.2", "v1.4.2", "0.0.0", "1.4.2-rc.1", "1.4.2_linux", "1.4.2-rc.1_linux", "10.20.30"],
)
def test_semver_takes_three_part_versions(tag: str) -> None:
    unique = make("semver", Variants()).read(tag)
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
    assert make("semver", Variants()).read(tag) is None


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
    unique = make("sha", Variants()).read(tag)
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
    assert make("sha", Variants()).read(tag) is None


@pytest.mark.parametrize(
    "tag",
    ["1187", "0", "build-1187", "main-42", "v2-7", "Build.x_y-1", "20261123", "1234567"],
)
def test_build_takes_numbers_with_or_without_a_word(tag: str) -> None:
    unique = make("build", Variants()).read(tag)
    assert unique is not None
    assert unique.version is None


@pytest.mark.parametrize(
    "tag", ["build", "build-", "-7", "1.4", "build-7a", "7-8", "my-build-7", "build7x", "", "7-"]
)
def test_build_takes_nothing_else(tag: str) -> None:
    assert make("build", Variants()).read(tag) is None


@pytest.mark.parametrize(
    "tag",
    [
        "20261123", "2026-11-23", "20261123T0224Z", "20261123T022400Z", "2026-11-23T02-24-00Z",
        "2026-11-23_02-24-00", "20261123-022400", "20261123.0224", "20261123022400",
        "2026-11-23T02.24.00", "20240229",
    ],
)  # fmt: skip
def test_timestamp_takes_times_in_utc_however_they_are_divided(tag: str) -> None:
    unique = make("timestamp", Variants()).read(tag)
    assert unique is not None
    assert unique.version is None


@pytest.mark.parametrize(
    "tag",
    [
        "20261323", "20261100", "20230229", "20261123T2460Z", "20261123T2500Z", "2026112",
        "20261123Z", "20261123T02Z", "2026.11.23", "26-11-23", "20261123T0224Zx", "x20261123",
        "00001123", "",
    ],
)  # fmt: skip
def test_timestamp_takes_nothing_else(tag: str) -> None:
    assert make("timestamp", Variants()).read(tag) is None


@pytest.mark.parametrize(
    ("parts", "taken", "left"),
    [
        (2, ["24.04", "v24.4", "16.4-rc1", "16.4_b7"], ["24", "24.04.1", "24.4-", "a24.4"]),
        (1, ["17", "v17", "0017"], ["17.1", "v", "17a"]),
        (4, ["1.2.3.4"], ["1.2.3", "1.2.3.4.5"]),
        ([2, 4], ["24.04", "1.2.3.4"], ["1.2.3", "7"]),
        (8, ["1.2.3.4.5.6.7.8"], ["1.2.3.4.5.6.7"]),
    ],
)
def test_version_takes_so_many_dotted_numbers(
    parts: Any, taken: list[str], left: list[str]
) -> None:
    kind = make({"version": {"parts": parts}}, Variants())
    for tag in taken:
        unique = kind.read(tag)
        assert unique is not None, tag
        assert unique.version is not None
    assert [tag for tag in left if kind.read(tag) is not None] == []


PATTERNS: list[tuple[str, str, Version | None]] = [
    (r"release-(?P<version>\d+\.\d+)", "release-1.4", Version(("1", "4"))),
    (r"(?P<version>v\d+)", "v7", Version(("7",))),
    (
        r"(?P<version>\d+\.\d+\.\d+)(?P<prerelease>rc\d+)?",
        "1.4.2rc10",
        Version(("1", "4", "2"), "rc10"),
    ),
    (
        r"(?P<version>\d+\.\d+)(?:-(?P<variant>\w+))?",
        "1.4-alpine",
        Version(("1", "4"), None, "alpine"),
    ),
    (r"(?P<version>\d+\.\d+)(?:-(?P<variant>\w+))?", "1.4", Version(("1", "4"))),
    (r"commit_[a-z]+", "commit_abc", None),
    (r"(?P<version>[a-z]+)", "abc", None),
    (r"(?P<version>\d+)?x", "x", None),
    (r"(?P<variant>[a-z]+)", "abc", None),
]


@pytest.mark.parametrize(("expression", "tag", "version"), PATTERNS)
def test_a_pattern_takes_what_it_matches_whole_and_named_groups_give_the_order(
    expression: str, tag: str, version: Version | None
) -> None:
    kind = make({"pattern": expression}, Variants())
    assert kind.read(tag) == Unique(tag, version)
    assert kind.read(f"{tag}-{tag}") is None
    assert kind.read(f"_{tag}") is None


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("calver", "`calver` is not a kind of unique tag; there are semver, sha, build, timestamp"),
        ({"semver": True}, "is not a kind of unique tag"),
        ({"version": 3}, "is not a kind of unique tag"),
        ({"version": {"parts": 0}}, "`parts` takes whole numbers from 1 to 8; it is `0`."),
        ({"version": {"parts": 9}}, "it is `9`."),
        ({"version": {"parts": []}}, "it is `[]`."),
        ({"version": {"parts": [2, "4"]}}, "it is `[2, '4']`."),
        ({"version": {"parts": True}}, "it is `True`."),
        ({"version": {"parts": 2, "x": 1}}, "is not a kind of unique tag"),
        ({"pattern": "("}, "`(` is no regular expression"),
        ({"pattern": "(?P<major>[0-9]+)"}, "The group `major` means nothing here"),
        ({"pattern": "[0-9]*"}, "matches the empty tag"),
    ],
)
def test_a_kind_that_means_nothing_is_refused_with_the_way_out(definition: Any, said: str) -> None:
    with pytest.raises(KindError) as caught:
        make(definition, Variants())
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "beginning"),
    [
        ("release-[0-9]+", "release-"),
        ("^release-[0-9]+", "release-"),
        (r"r\.[0-9]+", "r."),
        ("release?x", "releas"),
        ("releas*x", "relea"),
        ("release{2}", "releas"),
        ("release+x", "release"),
        ("a-(b|c)", "a-"),
        ("a-[|]", "a-"),
        ("a-[]|]", "a-"),
        (r"a-\|", "a-"),
        ("a-1|b", ""),
        ("a-(x(y|z))|b", ""),
        ("(?i)abc", ""),
        ("(?P<version>[0-9]+)", ""),
        (r"\d+", ""),
    ],
)
def test_the_beginning_of_an_expression_is_what_is_sure(expression: str, beginning: str) -> None:
    assert make({"pattern": expression}, Variants()).beginning == beginning
