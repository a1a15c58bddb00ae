from __future__ import annotations

import itertools

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.tags.versions import Version, parse_semver


def read(tag: str) -> Version:
    version = parse_semver(tag)
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
    version = parse_semver(text)
    assert version is None or len(version.written) == 3
