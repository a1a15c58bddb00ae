from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ecr_steward.tags.kinds import KindError, Unique, make
from ecr_steward.tags.kinds.strings import strings
from ecr_steward.tags.suffixes import Suffixes
from ecr_steward.tags.versions import Version


@pytest.mark.parametrize(
    "tag",
    ["1.4.2", "v1.4.2", "0.0.0", "1.4.2-rc.1", "1.4.2_linux", "1.4.2-rc.1_linux", "10.20.30"],
)
def test_semver_takes_three_part_versions(tag: str) -> None:
    unique = make("semver", Suffixes()).read(tag)
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
    assert make("semver", Suffixes()).read(tag) is None


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
        "1234567",
        "20261123",
        "sha-0781498",
    ],
)
def test_sha_takes_commits_and_they_carry_no_version(tag: str) -> None:
    unique = make("sha", Suffixes()).read(tag)
    assert unique is not None
    assert unique.tag == tag
    assert unique.version is None


@pytest.mark.parametrize(
    "tag",
    [
        "9f1c2a", "a" * 41, "123456", "9F1C2AB", "sha-", "sha-9f1c2a",
        "sha256-9f1c2ab", "commit-9f1c2ab", "sha-git-9f1c2ab", "9f1c2ag", "9f1c2ab-dirty", "",
    ],
)  # fmt: skip
def test_sha_takes_nothing_else(tag: str) -> None:
    assert make("sha", Suffixes()).read(tag) is None


@pytest.mark.parametrize(
    "tag",
    ["1187", "0", "build-1187", "main-42", "v2-7", "Build.x_y-1", "20261123", "1234567"],
)
def test_build_takes_numbers_with_or_without_a_word(tag: str) -> None:
    unique = make("build", Suffixes()).read(tag)
    assert unique is not None
    assert unique.version is None


@pytest.mark.parametrize(
    "tag", ["build", "build-", "-7", "1.4", "build-7a", "7-8", "my-build-7", "build7x", "", "7-"]
)
def test_build_takes_nothing_else(tag: str) -> None:
    assert make("build", Suffixes()).read(tag) is None


@pytest.mark.parametrize(
    "tag",
    [
        "20261123", "2026-11-23", "20261123T0224Z", "20261123T022400Z", "2026-11-23T02-24-00Z",
        "2026-11-23_02-24-00", "20261123-022400", "20261123.0224", "20261123022400",
        "2026-11-23T02.24.00", "20240229",
    ],
)  # fmt: skip
def test_timestamp_takes_times_in_utc_however_they_are_divided(tag: str) -> None:
    unique = make("timestamp", Suffixes()).read(tag)
    assert unique is not None
    assert unique.version is not None
    assert unique.version.numbers[0] > 2020


@pytest.mark.parametrize(
    "tag",
    [
        "20261323", "20261100", "20230229", "20261123T2460Z", "20261123T2500Z", "2026112",
        "20261123Z", "20261123T02Z", "2026.11.23", "26-11-23", "20261123T0224Zx", "x20261123",
        "00001123", "",
    ],
)  # fmt: skip
def test_timestamp_takes_nothing_else(tag: str) -> None:
    assert make("timestamp", Suffixes()).read(tag) is None


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
    kind = make({"version": {"parts": parts}}, Suffixes())
    for tag in taken:
        unique = kind.read(tag)
        assert unique is not None, tag
        assert unique.version is not None
    assert [tag for tag in left if kind.read(tag) is not None] == []


PATTERNS: list[tuple[str, str, Unique]] = [
    (r"release-(?P<version>\d+\.\d+)", "release-1.4", Unique("", Version(("1", "4")))),
    (r"(?P<version>v\d+)", "v7", Unique("", Version(("7",)))),
    (
        r"(?P<version>\d+\.\d+\.\d+)(?P<prerelease>rc\d+)?",
        "1.4.2rc10",
        Unique("", Version(("1", "4", "2"), "rc10")),
    ),
    (
        r"(?P<version>\d+\.\d+)(?:-(?P<variant>\w+))?",
        "1.4-alpine",
        Unique("", Version(("1", "4")), "alpine"),
    ),
    (r"(?P<version>\d+\.\d+)(?:-(?P<variant>\w+))?", "1.4", Unique("", Version(("1", "4")))),
    (
        r"(?P<version>\d+\.\d+)-(?P<revision>\d+)",
        "1.4-17",
        Unique("", Version(("1", "4"), revisions=("17",))),
    ),
    (r"r_(?P<version>[0-9_]+)", "r_1_2_10", Unique("", Version(("1", "2", "10")))),
    (r"(?P<version>[0-9-]+)", "20220209-04", Unique("", Version(("20220209", "04")))),
    (
        r"R[.](?P<version>[0-9TZ-]+)",
        "R.2024-01-01T00-00-00Z",
        Unique("", Version(("2024", "01", "01", "00", "00", "00"))),
    ),
    (
        r"(?P<component>[a-z]+)-(?P<version>\d+)",
        "api-7",
        Unique("", Version(("7",)), groups=(("component", "api"),)),
    ),
    (r"(?P<branch>[a-z]+)-[0-9a-f]{7}", "main-9f1c2ab", Unique("", groups=(("branch", "main"),))),
    (r"(?:(?P<branch>[a-z]+)-)?[0-9a-f]{7}", "9f1c2ab", Unique("")),
    (r"commit_[a-z]+", "commit_abc", Unique("")),
    (r"(?P<version>[a-z]+)", "abc", Unique("")),
    (r"(?P<version>[0-9.]+)", "1..2", Unique("")),
    (r"(?P<version>[0-9.]+)", "1.", Unique("")),
    (r"(?P<version>\d+)?x", "x", Unique("")),
    (r"(?P<variant>[a-z]+)", "abc", Unique("", variant="abc")),
]


@pytest.mark.parametrize(("expression", "tag", "unique"), PATTERNS)
def test_a_pattern_takes_what_it_matches_whole_and_named_groups_say_what_it_is(
    expression: str, tag: str, unique: Unique
) -> None:
    kind = make({"pattern": expression}, Suffixes())
    assert kind.read(tag) == replace(unique, tag=tag)
    assert kind.read(f"{tag}_{tag}") is None
    assert kind.read(f"+{tag}") is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("(?P<a>api|web)-x", "(?:api|web)"),
        ("(?P<a>(?P<b>x)|(y)|[)])-x", "(?:(?:x)|(?:y)|[)])"),
        (r"(?P<a>\)|[\])(]+)-x", r"(?:\)|[\])(]+)"),
        ("(?i)(?P<a>api)-x", "(?i:api)"),
        ("(?P<b>x)(?P<a>(?P=b)y)", "[A-Za-z0-9_.-]+"),
    ],
)
def test_a_placeholder_can_stand_for_what_its_group_can_match(expression: str, said: str) -> None:
    assert make({"pattern": expression}, Suffixes()).placeholders["a"] == said


@pytest.mark.parametrize(
    ("kind", "tag", "variant", "platform"),
    [
        ("sha", "9f1c2ab-alpine", "alpine", None),
        ("sha", "sha-0781498-alpine", "alpine", None),
        ("sha", "9f1c2ab-arm64", None, "arm64"),
        ("sha", "9f1c2ab-alpine-linux-amd64", "alpine", "linux-amd64"),
        ("sha", "9f1c2ab-r2", None, None),
        ("build", "build-1187-alpine", "alpine", None),
        ("build", "1187-arm64", None, "arm64"),
        ("timestamp", "20261123T0224Z-alpine", "alpine", None),
        ("timestamp", "2026-11-23-arm64", None, "arm64"),
    ],
)
def test_every_kind_has_variants_platforms_and_revisions(
    kind: str, tag: str, variant: str | None, platform: str | None
) -> None:
    unique = make(kind, Suffixes(("alpine",), ("r*",))).read(tag)
    assert unique is not None
    assert (unique.variant, unique.platform) == (variant, platform)


@pytest.mark.parametrize(
    ("kind", "tag"),
    [("sha", "9f1c2ab-rc.1"), ("sha", "9f1c2ab_b7"), ("sha", "9f1c2ab-3-gabc1234"),
     ("build", "1187-slim"), ("timestamp", "20261123-1"), ("timestamp", "20261123-slim")],
)  # fmt: skip
def test_what_is_no_version_has_no_pre_release(kind: str, tag: str) -> None:
    assert make(kind, Suffixes(("alpine",))).read(tag) is None


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
        (
            {"pattern": "(?P<major>[0-9]+)"},
            "The group `major` is none of a pattern: write one group",
        ),
        ({"pattern": "(?<version>[0-9]+)"}, "In Python a named group is written `(?P<name>…)`."),
        ({"pattern": "[0-9]*"}, "matches the empty tag"),
    ],
)
def test_a_kind_that_means_nothing_is_refused_with_the_way_out(definition: Any, said: str) -> None:
    with pytest.raises(KindError) as caught:
        make(definition, Suffixes())
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
    assert make({"pattern": expression}, Suffixes()).beginning == beginning


@pytest.mark.parametrize(
    ("kind", "tags", "numbers"),
    [
        ("semver", ["1.4.2", "0.0.1-rc.1"], {3}),
        ("timestamp", ["20261123", "20261123T0224Z", "20261123T022406Z"], {3, 5, 6}),
    ],
)
def test_a_kind_says_how_many_numbers_its_versions_have(
    kind: str, tags: list[str], numbers: set[int]
) -> None:
    made = make(kind, Suffixes())
    read = [made.read(tag) for tag in tags]
    assert {len(each.version.numbers) for each in read if each and each.version} == numbers
    assert made.counts == numbers


def test_the_examples_of_an_expression_are_of_every_length_that_it_takes() -> None:
    assert strings("[a]{1,3}") == ("a", "aa", "aaa")
