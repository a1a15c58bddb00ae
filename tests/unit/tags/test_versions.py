from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.tags.kinds import Unique, make
from ecr_steward.tags.suffixes import Suffixes, of_all_platforms
from ecr_steward.tags.versions import Version


def unique_of(
    tag: str, variants: Sequence[str] = (), revisions: Sequence[str] = (), kind: Any = "semver"
) -> Unique:
    found = make(kind, Suffixes(tuple(variants), tuple(revisions))).read(tag)
    assert found is not None, tag
    return found


def read(tag: str, *variants: str) -> Version:
    version = unique_of(tag, variants).version
    assert version is not None
    return version


@pytest.mark.parametrize(
    ("tag", "written", "prerelease"),
    [
        ("1.4.2", ("1", "4", "2"), None),
        ("v1.4.2", ("1", "4", "2"), None),
        ("1.4.2-rc.1", ("1", "4", "2"), "rc.1"),
        ("1.4.2_linux", ("1", "4", "2"), None),
        ("1.4.2-rc.1_linux.7", ("1", "4", "2"), "rc.1"),
        ("1.4.2--x", ("1", "4", "2"), "-x"),
    ],
)
def test_a_version_has_its_numbers_as_written_and_its_pre_release(
    tag: str, written: tuple[str, ...], prerelease: str | None
) -> None:
    version = read(tag)
    assert version.written == written
    assert version.prerelease == prerelease


# SemVer 2.0.0, item 11, then what differs from it here: a trailing number counts as a number.
ORDERS = [
    ["1.0.0", "2.0.0", "2.1.0", "2.1.1", "2.1.9", "2.1.10", "2.9.0", "2.10.0", "10.0.0"],
    [
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
        "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",
    ],
    ["1.4.2-rc", "1.4.2-rc1", "1.4.2-rc9", "1.4.2-rc10", "1.4.2-rc10.1", "1.4.2", "1.4.3-rc1"],
    ["1.4.2-1", "1.4.2-9", "1.4.2-10", "1.4.2-a"],
    ["1.4.2-beta2", "1.4.2-beta10", "1.4.2-rc1"],
]  # fmt: skip


@pytest.mark.parametrize(
    ("lower", "higher"),
    [pair for order in ORDERS for pair in itertools.combinations(order, 2)],
)
def test_versions_are_in_order_of_precedence(lower: str, higher: str) -> None:
    assert read(lower).precedence < read(higher).precedence
    assert not read(higher).precedence < read(lower).precedence


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.4.2", "v1.4.2"),
        ("1.4.2", "1.4.2_linux"),
        ("1.4.2_amd64", "1.4.2_arm64"),
        ("1.4.2", "1.4.2_gabc1234"),
        ("1.4.2_9f1c2ab", "1.4.2_0781498"),
        ("1.4.2", "1.4.2_git.9f1c2ab"),
        ("1.4.2", "1.4.2_7.gabc1234"),
        ("1.4.2-rc1", "1.4.2-RC1"),
        ("1.4.2-rc.1", "v1.4.2-rc.1_x"),
    ],
)
def test_a_leading_v_and_build_metadata_without_numbers_have_no_part_in_precedence(
    one: str, other: str
) -> None:
    assert read(one).precedence == read(other).precedence


SUFFIXES = [
    ("1.4.2-alpine", None, "alpine"),
    ("1.4.2-rc.1-alpine", "rc.1", "alpine"),
    ("1.4.2-alpine-rc.1", "rc.1", "alpine"),
    ("1.4.2-rc-1-alpine", "rc-1", "alpine"),
    ("1.4.2-alpine-rc-1", "rc-1", "alpine"),
    ("1.4.2-alpine3.20", None, "alpine3.20"),
    ("1.4.2-rc1-alpine3.20", "alpine3.20", "rc1"),
    ("1.4.2-slim-bookworm", None, "slim-bookworm"),
    ("1.4.2-rc.1-slim-bookworm", "rc.1", "slim-bookworm"),
    ("1.4.2-bookworm", "bookworm", None),
    ("1.4.2-alpine2", "alpine2", None),
    ("1.4.2-Alpine", "Alpine", None),
    ("1.4.2-rc1", None, "rc1"),
    ("1.4.2-rc.1", "rc.1", None),
    ("2.3.0-scala_2.12", None, "scala_2.12"),
    ("2.3.0-rc.1-scala_2.12", "rc.1", "scala_2.12"),
    ("2.3.0-scala_2.13", "scala", None),
    ("1.4.2_b7", None, None),
    ("1.4.2-rc.1_b7", "rc.1", None),
    ("1.4.2-alpine_b7", None, "alpine"),
    ("1.4.2_b7-alpine", None, "alpine"),
    ("1.4.2-rc.1-alpine_b7", "rc.1", "alpine"),
    ("1.4.2-rc.1_b7-alpine", "rc.1", "alpine"),
    ("1.4.2-alpine-rc.1_b7", "rc.1", "alpine"),
    ("1.4.2_b7-slim-bookworm", None, "slim-bookworm"),
    ("1.4.2_b-7", None, None),
]


@pytest.mark.parametrize(("tag", "prerelease", "variant"), SUFFIXES)
def test_a_suffix_is_a_variant_if_the_rule_names_it_and_else_a_pre_release(
    tag: str, prerelease: str | None, variant: str | None
) -> None:
    unique = unique_of(tag, ["alpine", "alpine3.*", "slim-*", "rc1", "scala_2.12"])
    assert unique.version is not None
    assert (unique.version.prerelease, unique.variant) == (prerelease, variant)


@pytest.mark.parametrize(("tag", "prerelease", "variant"), SUFFIXES)
def test_versions_of_any_number_of_parts_have_the_same_suffixes(
    tag: str, prerelease: str | None, variant: str | None
) -> None:
    variants = ["alpine", "alpine3.*", "slim-*", "rc1", "scala_2.12"]
    for beginning, parts in (("24.04", 2), ("24.04.1.0", 4), ("7", 1)):
        unique = unique_of(beginning + tag[5:], variants, kind={"version": {"parts": parts}})
        assert unique.version is not None
        assert unique.version.written == tuple(beginning.split("."))
        assert (unique.version.prerelease, unique.variant) == (prerelease, variant)


@pytest.mark.parametrize(
    "tag",
    ["1.4.2--alpine", "1.4.2-alpine-", "1.4.2_-alpine", "1.4.2-rc..1-alpine", "1.4.2_a_b",
     "1.4.2-rc.01-alpine", "1.4.2-alpine-rc.01", "1.4.2_b7.", "1.4.2-alpine_"],
)  # fmt: skip
def test_what_semver_refuses_is_refused_beside_a_variant_too(tag: str) -> None:
    assert make("semver", Suffixes(("alpine",))).read(tag) is None


@pytest.mark.parametrize(
    ("globs", "suffix", "prerelease", "variant"),
    [
        # Only a variant without a star takes in what is plainly a pre-release.
        (["alpine*"], "alpine-rc.1", "rc.1", "alpine"),
        (["alpine*"], "alpine3.20-rc1", "rc1", "alpine3.20"),
        (["alpine*"], "beta.2-alpine3.20", "beta.2", "alpine3.20"),
        (["*-slim"], "bookworm-slim-rc.1", "rc.1", "bookworm-slim"),
        (["slim", "slim-*"], "slim-rc.1", "rc.1", "slim"),
        (["slim", "slim-*"], "rc.1-slim", "rc.1", "slim"),
        (["slim-*"], "slim-bookworm-rc.1", "rc.1", "slim-bookworm"),
        (["slim", "slim-*"], "slim-bookworm-RC1", "RC1", "slim-bookworm"),
        (["a-rc.1"], "a-rc.1", None, "a-rc.1"),
        (["a", "a-rc.1"], "a-rc.1", None, "a-rc.1"),
        # What is left would be no variant, or what leaves is no plain pre-release.
        (["slim-*"], "slim-rc.1", None, "slim-rc.1"),
        (["alpine*"], "alpine-dev", None, "alpine-dev"),
        (["alpine*"], "alpine-rcx", None, "alpine-rcx"),
        (["alpine*"], "rc.1", "rc.1", None),
        (["rc*"], "rc.1", None, "rc.1"),
        (["*"], "rc.1-alpine-rc.2", "rc.1-rc.2", "alpine"),
        # A name wins wherever it stands, but for a star that takes it in and more.
        (["alpine"], "foo-alpine-bar", "foo-bar", "alpine"),
        (["alpine"], "rc.1-alpine-foo", "rc.1-foo", "alpine"),
        (["slim", "slim-*"], "slim-bookworm", None, "slim-bookworm"),
        (["slim", "alpine*"], "slim-alpine3.20", "alpine3.20", "slim"),
        # No star takes in what stands after a `_`, unless its glob has one.
        (["jdk*"], "jdk_9", None, "jdk"),
        (["jdk_*"], "jdk_21", None, "jdk_21"),
        (["scala_*"], "scala_2.12-rc.1", "rc.1", "scala_2.12"),
    ],
)
def test_where_a_variant_and_a_pre_release_could_both_be_meant(
    globs: list[str], suffix: str, prerelease: str | None, variant: str | None
) -> None:
    unique = unique_of(f"1.4.2-{suffix}", globs)
    assert unique.version is not None
    assert (unique.version.prerelease, unique.variant) == (prerelease, variant)


def test_the_whole_suffix_is_a_variant_first_and_then_its_longest_end() -> None:
    assert unique_of("1.4.2-slim-alpine", ["alpine", "slim-alpine"]).variant == "slim-alpine"
    assert unique_of("1.4.2-x-slim-alpine", ["alpine", "slim-alpine"]).variant == "slim-alpine"
    assert unique_of("1.4.2-slim-alpine", ["alpine", "slim"]).variant == "alpine"
    assert read("1.4.2-slim-alpine", "alpine", "slim").prerelease == "slim"
    assert read("1.4.2-slim-rc.1-slim", "slim").prerelease == "slim-rc.1"


@pytest.mark.parametrize(
    ("tag", "parts", "read_as"),
    [
        ("24.04", 2, True),
        ("v24.04", 2, True),
        ("24.04.1", 2, False),
        ("24", 2, False),
        ("1.2.3.4", 4, True),
        ("1.2.3", 4, False),
        ("24.4x", 2, False),
        ("24..04", 2, False),
    ],
)
def test_a_version_of_parts_has_exactly_so_many_numbers(
    tag: str, parts: int, read_as: bool
) -> None:
    found = make({"version": {"parts": parts}}, Suffixes()).read(tag)
    assert (found is not None) is read_as


def dotted(tag: str) -> Version:
    version = unique_of(tag, kind={"version": {"parts": list(range(1, 9))}}).version
    assert version is not None
    return version


@pytest.mark.parametrize(
    ("lower", "higher"),
    [("9.6.15", "10.10"), ("16", "16.1"), ("16-beta3", "16"), ("16.4", "16.4.0.1"),
     ("24.04", "24.10"), ("24.04", "24.04.1"), ("9.9.9.9", "10.0.0.0"), ("22.10", "24.04")],
)  # fmt: skip
def test_versions_of_different_parts_are_in_one_order(lower: str, higher: str) -> None:
    assert dotted(lower).precedence < dotted(higher).precedence


@pytest.mark.parametrize(
    ("one", "other"), [("24.04", "24.4"), ("16.4", "16.4.0"), ("v16", "16.0.0.0"), ("007", "7")]
)
def test_leading_zeros_and_missing_numbers_have_no_part_in_precedence(one: str, other: str) -> None:
    assert dotted(one).precedence == dotted(other).precedence
    assert dotted(one).written != dotted(other).written


REVISIONS = ["r*", "k3s*", "hotfix", "up*"]


@pytest.mark.parametrize(
    ("suffix", "prerelease", "before", "revisions", "after", "build"),
    [
        ("r9", None, (), ("r9",), (), None),
        ("r", None, (), ("r",), (), None),
        ("r.9", None, (), ("r.9",), (), None),
        ("r_9", None, (), ("r_9",), (), None),
        ("rc.1", "rc.1", (), (), (), None),
        ("rhel9", "rhel9", (), (), (), None),
        ("hotfix2", "hotfix2", (), (), (), None),
        ("hotfix", None, (), ("hotfix",), (), None),
        ("rc2-k3s1", "rc2", (), ("k3s1",), (), None),
        ("k3s1-rc2", "rc2", (), ("k3s1",), (), None),
        ("r1-k3s2", None, (), ("r1", "k3s2"), (), None),
        ("r1_b7", None, (), ("r1",), (), "b7"),
        ("5-gabc1234", None, (5,), (), (), None),
        ("0-gabc1234", None, (0,), (), (), None),
        ("rc.1-3-gabc1234", "rc.1", (3,), (), (), None),
        ("5-gabc1234-r1", None, (5,), ("r1",), (), None),
        ("r1-2-gabc1234", None, (), ("r1",), (2,), None),
        ("5-gabc", "5-gabc", (), (), (), None),
        ("5-gxyz1234", "5-gxyz1234", (), (), (), None),
        ("beta-4", "beta-4", (), (), (), None),
        ("SNAPSHOT-r2", "SNAPSHOT", (), ("r2",), (), None),
    ],
)
def test_revisions_and_commits_are_taken_out_of_a_suffix(
    suffix: str,
    prerelease: str | None,
    before: tuple[int, ...],
    revisions: tuple[str, ...],
    after: tuple[int, ...],
    build: str | None,
) -> None:
    version = unique_of(f"1.4.2-{suffix}", revisions=REVISIONS).version
    assert version == Version(("1", "4", "2"), prerelease, before, revisions, after, build)


@pytest.mark.parametrize(
    ("suffix", "variant", "revisions", "platform", "build"),
    [
        ("_9-jdk", "jdk", (), None, "9"),
        ("_alpine", "alpine", (), None, None),
        ("_up1.0.10", None, ("up1.0.10",), None, None),
        ("_r2", None, ("r2",), None, None),
        ("_b7-rc.1", None, (), None, "b7-rc.1"),
        ("_5-gabc1234", None, (), None, "5-gabc1234"),
        ("_x86_64", None, (), "x86_64", None),
        ("_b7-arm64", None, (), "arm64", "b7"),
        ("_linux", None, (), None, "linux"),
        ("_alpine-foo", "alpine", (), None, "foo"),
        ("-alpine_foo", "alpine", (), None, "foo"),
        ("-alpine_5-gabc1234", "alpine", (), None, "5-gabc1234"),
    ],
)
def test_after_an_underscore_there_is_no_pre_release(
    suffix: str,
    variant: str | None,
    revisions: tuple[str, ...],
    platform: str | None,
    build: str | None,
) -> None:
    unique = unique_of(f"1.4.2{suffix}", ["alpine", "jdk*"], REVISIONS)
    assert unique.version == Version(("1", "4", "2"), revisions=revisions, build=build)
    assert (unique.variant, unique.platform) == (variant, platform)


@pytest.mark.parametrize(
    ("suffix", "platform"),
    [
        ("arm64", "arm64"), ("linux-amd64", "linux-amd64"), ("linux_amd64", "linux_amd64"),
        ("arm64v8", "arm64v8"), ("linux-arm-v7", "linux-arm-v7"), ("x86_64", "x86_64"),
        ("aarch64", "aarch64"), ("s390x", "s390x"), ("ppc64le", "ppc64le"), ("AMD64", "AMD64"),
        ("linux-386", "linux-386"), ("riscv64", "riscv64"), ("windows-amd64", "windows-amd64"),
        ("rc.1-arm64", "arm64"), ("arm64-rc.1", "arm64"), ("alpine-arm64", "arm64"),
        ("linux-arm", "linux-arm"), ("wasi-wasm", "wasi-wasm"), ("arm", None), ("wasm", None),
        ("linux", None), ("386", None), ("armada", None), ("x", None), ("amd", None),
    ],
)  # fmt: skip
def test_a_platform_is_known_by_its_name(suffix: str, platform: str | None) -> None:
    assert unique_of(f"1.4.2-{suffix}", ["alpine"]).platform == platform


@pytest.mark.parametrize(
    ("variants", "revisions", "suffix", "variant"),
    [
        # Names win over all that could be taken out, a variant's over a revision's.
        (["arm64"], [], "arm64", "arm64"),
        (["r1"], ["r*"], "r1", "r1"),
        (["r1"], ["r1"], "r1", "r1"),
        (["*"], ["hotfix"], "hotfix", None),
        # A star gets back what was taken out, where it takes nothing without it.
        (["slim-*"], ["r*"], "slim-r9", "slim-r9"),
        (["slim-*"], [], "slim-arm64", "slim-arm64"),
        (["slim-*"], ["r*"], "slim-rc.1-r9", "slim-rc.1"),
        (["debian-*"], ["r*"], "debian-12-r9", "debian-12"),
        (["rc*"], [], "rc.1", "rc.1"),
        (["alpine*"], ["r*"], "r9-alpine3.20", "alpine3.20"),
        # A star takes the longest end, else the longest beginning.
        (["*-x"], [], "slim-x-foo", "slim-x"),
        (["*m"], [], "slim-foo-bar", "slim"),
        (["*m"], [], "slim-foom-bar-x", "slim-foom"),
        # Beside a name it has to take that in, and more.
        (["alpine", "slim-*"], [], "slim-x-alpine", "slim-x-alpine"),
        (["alpine", "slim-*"], [], "alpine-slim-xyz", "alpine"),
        (["alpine", "*-x"], [], "slimmer-x-alpine", "alpine"),
        (["alpine", "alpin*"], [], "alpine", "alpine"),
        # Of several names the one at the end, else at the beginning, else the longest, the first.
        (["a", "b"], [], "a-b", "b"),
        (["a", "b-c"], [], "a-b-c-d", "a"),
        (["b", "c-d"], [], "a-b-c-d-e", "c-d"),
        (["b", "c"], [], "a-b-c-d", "b"),
        (["a-b", "b"], [], "a-b", "a-b"),
    ],
)
def test_what_wins_where_several_could_be_meant(
    variants: list[str], revisions: list[str], suffix: str, variant: str | None
) -> None:
    assert unique_of(f"1.4.2-{suffix}", variants, revisions).variant == variant


@pytest.mark.parametrize(
    ("revisions", "suffix", "found"),
    [
        (["a-b", "b"], "a-b", ("a-b",)),
        (["a-b", "b"], "a-b-b", ("a-b", "b")),
        (["a", "r*"], "r2-a-r3", ("r2", "a", "r3")),
        (["a", "a-b"], "a-b", ("a-b",)),
    ],
)
def test_revisions_are_taken_from_left_to_right_the_longest_first(
    revisions: list[str], suffix: str, found: tuple[str, ...]
) -> None:
    version = unique_of(f"1.4.2-{suffix}", revisions=revisions).version
    assert version is not None
    assert version.revisions == found


@pytest.mark.parametrize(
    ("suffix", "plain"),
    [("", True), ("-alpine", True), ("-arm64", True), ("-r2", True), ("-rc.1", False),
     ("_b7", False),
     ("-5-gabc1234", False), ("-r2-5-gabc1234", False), ("-0-gabc1234", False)],
)  # fmt: skip
def test_a_suffix_that_says_nothing_of_a_version_is_plain(suffix: str, plain: bool) -> None:
    read = Suffixes(("alpine",), ("r*",)).read(suffix)
    assert read.is_plain is plain


@pytest.mark.parametrize(
    ("tag", "bases"),
    [
        ("1.4-alpine", [("1.4", "alpine")]),
        ("1.4-slim-x", [("1.4", "slim-x")]),
        ("1.4-slim-alpine", [("1.4", "slim-alpine"), ("1.4-slim", "alpine")]),
        ("1.4_alpine", []),
        ("1.4-alpin", []),
        ("alpine", []),
    ],
)
def test_a_stable_tag_is_read_with_each_variant_that_it_ends_with(
    tag: str, bases: list[tuple[str, str]]
) -> None:
    assert list(Suffixes(("alpine", "slim-*")).variants.bases(tag)) == bases
    assert not list(Suffixes().variants.bases(tag))


@pytest.mark.parametrize(
    ("tag", "without"),
    [
        ("latest-arm64", ["latest"]),
        ("latest_arm64", ["latest"]),
        ("1.4-arm64-alpine", ["1.4-alpine"]),
        ("1.4-windows-amd64", ["1.4", "1.4-windows"]),
        (
            "1.4-linux-x86_64-v3",
            ["1.4", "1.4-linux", "1.4-linux-v3", "1.4-linux_64-v3", "1.4-v3", "1.4_64-v3"],
        ),
        ("arm64", []),
        ("-arm64", []),
        ("latest", []),
    ],
)
def test_a_stable_tag_is_read_without_each_platform_in_it(tag: str, without: list[str]) -> None:
    assert sorted(set(of_all_platforms(tag))) == sorted(without)


def test_an_underscore_within_a_variant_begins_no_build_metadata() -> None:
    unique = unique_of("1.4.2-a_b-rc.1", ["a_b"])
    assert unique.variant == "a_b"
    assert unique.version == Version(("1", "4", "2"), "rc.1")


@pytest.mark.parametrize(
    ("version", "is_one"),
    [
        (Version(("1",)), False),
        (Version(("1",), "rc"), True),
        (Version(("1",), before=(0,)), True),
        (Version(("1",), after=(2,)), True),
        (Version(("1",), revisions=("r1",), build="7"), False),
    ],
)
def test_commits_after_a_version_make_it_no_release(version: Version, is_one: bool) -> None:
    assert version.is_prerelease is is_one


@pytest.mark.parametrize(
    "ascending",
    [
        ["alpha", "alpha1", "beta", "beta2", "beta10", "rc1", "rc2", "zeta"],
        ["1", "2", "10", "a", "a.1", "a.2", "a.b", "a1"],
    ],
)
def test_pre_releases_are_in_the_order_of_their_words_and_numbers(ascending: list[str]) -> None:
    keys = [Version(("1",), each).precedence for each in (*ascending, None)]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("build", "placed"),
    [
        (None, False), ("linux", False), ("7", True), ("b7", True), ("b7.1", True), ("123456",
         True),
        # Seven digits may be a commit, unless they are a date; hex digits are one.
        ("1234567", False), ("20261123", True), ("20261323", False), ("202611230224", True),
        ("20261123022459", True), ("20261123022499", False), ("9f1c2ab", False),
    ],
)  # fmt: skip
def test_build_metadata_has_a_place_where_it_is_a_number_and_no_commit(
    build: str | None, placed: bool
) -> None:
    without, found = Version(("1",)), Version(("1",), build=build)
    assert (found.precedence > without.precedence) is placed
    assert (found.precedence == without.precedence) is not placed


def test_build_numbers_are_in_order() -> None:
    builds = ["b7", "b7.1", "b10", "c1"]
    keys = [Version(("1",), build=each).precedence for each in builds]
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("prerelease", "channel"),
    [("rc.1", "rc"), ("RC1", "rc"), ("beta4", "beta"), ("1", ""), ("alpha-2.x", "alpha"),
     (".dev4", "dev"), (None, "")],
)  # fmt: skip
def test_the_channel_is_the_word_that_a_pre_release_begins_with(
    prerelease: str | None, channel: str
) -> None:
    assert Version(("1",), prerelease).channel == channel


NUMBER = st.integers(min_value=0, max_value=10**9).map(str)
IDENTIFIER = NUMBER | st.from_regex(r"[a-z]{1,6}", fullmatch=True)
TAGS = st.builds(
    lambda numbers, identifiers: (
        ".".join(numbers) + "-" * bool(identifiers) + ".".join(identifiers)
    ),
    st.tuples(NUMBER, NUMBER, NUMBER),
    st.lists(IDENTIFIER, max_size=3),
)


@given(TAGS, TAGS)
def test_where_no_identifier_mixes_letters_and_digits_the_order_is_that_of_semver(
    one: str, other: str
) -> None:
    expected = semver.Version.parse(one).compare(other)
    a, b = read(one).precedence, read(other).precedence
    assert (a > b) - (a < b) == expected


@given(st.text(alphabet="0123456789.-_vrc", max_size=20))
def test_no_text_makes_reading_a_version_fail(text: str) -> None:
    unique = make("semver", Suffixes(("r*", "*v"), ("c*", "v"))).read(text)
    assert unique is None or unique.version is not None
