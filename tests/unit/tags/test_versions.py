from __future__ import annotations

import itertools

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.tags.versions import Variants, Version, parse_dotted, parse_semver


def read(tag: str, *variants: str) -> Version:
    version = parse_semver(tag, Variants(variants))
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
        ("1.4.2-rc.1", "v1.4.2-rc.1_x"),
    ],
)
def test_a_leading_v_and_build_metadata_have_no_part_in_precedence(one: str, other: str) -> None:
    assert read(one).precedence == read(other).precedence


SUFFIXES = [
    ("1.4.2-alpine", None, "alpine"),
    ("1.4.2-rc.1-alpine", "rc.1", "alpine"),
    ("1.4.2-alpine-rc.1", "rc.1", "alpine"),
    ("1.4.2-rc-1-alpine", "rc-1", "alpine"),
    ("1.4.2-alpine-rc-1", "rc-1", "alpine"),
    ("1.4.2-alpine3.20", None, "alpine3.20"),
    ("1.4.2-rc1-alpine3.20", "rc1", "alpine3.20"),
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
    version = read(tag, "alpine", "alpine3.*", "slim-*", "rc1", "scala_2.12")
    assert (version.prerelease, version.variant) == (prerelease, variant)


@pytest.mark.parametrize(("tag", "prerelease", "variant"), SUFFIXES)
def test_versions_of_any_number_of_parts_have_the_same_suffixes(
    tag: str, prerelease: str | None, variant: str | None
) -> None:
    variants = Variants(("alpine", "alpine3.*", "slim-*", "rc1", "scala_2.12"))
    for beginning, parts in (("24.04", 2), ("24.04.1.0", 4), ("7", 1)):
        version = parse_dotted(beginning + tag[5:], frozenset({parts}), variants)
        assert version is not None
        assert version.written == tuple(beginning.split("."))
        assert (version.prerelease, version.variant) == (prerelease, variant)


@pytest.mark.parametrize(
    "tag",
    ["1.4.2--alpine", "1.4.2-alpine-", "1.4.2_-alpine", "1.4.2-rc..1-alpine", "1.4.2_a_b",
     "1.4.2-rc.01-alpine", "1.4.2-alpine-rc.01", "1.4.2_b7.", "1.4.2-alpine_"],
)  # fmt: skip
def test_what_semver_refuses_is_refused_beside_a_variant_too(tag: str) -> None:
    assert parse_semver(tag, Variants(("alpine",))) is None


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
        (["*"], "rc.1-alpine-rc.2", "rc.1", "alpine-rc.2"),
    ],
)
def test_where_a_variant_and_a_pre_release_could_both_be_meant(
    globs: list[str], suffix: str, prerelease: str | None, variant: str | None
) -> None:
    version = read(f"1.4.2-{suffix}", *globs)
    assert (version.prerelease, version.variant) == (prerelease, variant)


def test_the_whole_suffix_is_a_variant_first_and_then_its_longest_end() -> None:
    assert read("1.4.2-slim-alpine", "alpine", "slim-alpine").variant == "slim-alpine"
    assert read("1.4.2-x-slim-alpine", "alpine", "slim-alpine").variant == "slim-alpine"
    ended = read("1.4.2-slim-alpine", "alpine", "slim")
    assert (ended.variant, ended.prerelease) == ("alpine", "slim")
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
    assert (parse_dotted(tag, frozenset({parts}), Variants()) is not None) is read_as


def dotted(tag: str) -> Version:
    version = parse_dotted(tag, frozenset(range(1, 9)), Variants())
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
    version = parse_semver(text, Variants(("r*", "*v")))
    assert version is None or len(version.written) == 3
