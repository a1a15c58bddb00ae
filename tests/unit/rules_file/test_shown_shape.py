"""The patterns for tags of one shape."""

from __future__ import annotations

import pytest

from ecr_steward_cli.rules_file.shown_shape import TagShape, shapes, unordered

VARIANT = "(?:-(?P<variant>[A-Za-z].*))?"

PATTERNS: list[tuple[str, str, tuple[str, ...]]] = [
    # the tags, the pattern, and the stable tags that go with it
    ("8u472-b08 8u462-b08 8u452-b09", "(?P<version>[0-9]+)u(?P<revision>[0-9]+-b[0-9]+)", ()),
    ("8u472-b08 8u462-b08 8u452-b09 8", "(?P<version>[0-9]+)u(?P<revision>[0-9]+-b[0-9]+)",
     ("{major}",)),
    ("1a-2 1b-3 2c-1", "(?P<version>[0-9]+)(?P<revision>[a-z]-[0-9]+)", ()),
    ("r1a-u r2a-u r3b-u r1a", "r(?P<version>[0-9]+)(?P<revision>[a-z]-u)", ()),
    ("x-1 x-2 x-3", "x-(?P<version>[0-9]+)", ()),
    ("a.b-1 a.b-2 a.b-3", "a[.]b-(?P<version>[0-9]+)", ()),
    ("r1. r2. r3.", "r(?P<version>[0-9]+)[.]", ()),
    ("4lts 5lts 6lts", "(?P<version>[0-9]+)lts", ()),
    ("4u 5u 6u", "(?P<version>[0-9]+)(?P<revision>[a-z])", ()),
    ("25_36 24_36 23_37", "(?P<version>[0-9]+)_(?P<revision>[0-9]+)", ()),
    ("5u3rc2 5u2rc1 5u4rc1", "(?P<version>[0-9]+)u(?P<revision>[0-9]+)(?P<prerelease>rc[0-9]+)",
     ()),
    ("5-rc.2 5-rc.1 6-rc.1", "(?P<version>[0-9]+)-(?P<prerelease>rc[.][0-9]+)", ()),
    ("5u3-rc2 5u2-rc1 5u4-rc1", "(?P<version>[0-9]+)u(?P<revision>[0-9]+)-(?P<prerelease>rc[0-9]+)",
     ()),
    ("1.1.1w 1.1.1k 3.0.2b", "(?P<version>[0-9]+[.][0-9]+[.][0-9]+)(?P<revision>[a-z])", ()),
    ("1.1.1W 1.1.1K 3.0.2B", "(?P<version>[0-9]+[.][0-9]+[.][0-9]+)(?P<revision>[A-Z])", ()),
    ("1.2.3.4b5 1.2.3.4b6 1.2.4.1b1 1.2.3 1",
     "(?P<version>[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+)b(?P<revision>[0-9]+)",
     ("{major}.{minor}.{patch}", "{major}")),
    ("1.2.3.4b5 1.2.3.4b6 1.2.4.1b1 1.2.3.4",
     "(?P<version>[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+)b(?P<revision>[0-9]+)", ()),
    ("v4b5 v4b6 v5b1 v4", "v(?P<version>[0-9]+)b(?P<revision>[0-9]+)", ("v{major}",)),
    ("24.04-20261101 24.04-20261001 22.04-20261003",
     "(?P<version>[0-9]+[.][0-9]+)-(?P<revision>20[0-9]{6})", ()),
    ("a2026-1 a2026-2 a2025-7", "a(?P<version>20[0-9]{2})-(?P<revision>[0-9]+)", ()),
    ("a1926-1 a2026-2 a2025-7", "a(?P<version>[0-9]{4})-(?P<revision>[0-9]+)", ()),
    ("a201-1 a202-2 a203-7", "a(?P<version>[0-9]+)-(?P<revision>[0-9]+)", ()),
    ("a20111-1 a20222-2 a20333-7", "a(?P<version>[0-9]{5})-(?P<revision>[0-9]+)", ()),
    ("release-42.1 release-42.2 release-43.0 release-42",
     "release-(?P<version>[0-9]+[.][0-9]+)", ("release-{major}",)),
    ("r2026a-u2 r2026a-u1 r2025b-u7", "r(?P<version>20[0-9]{2})(?P<revision>[a-z]-u[0-9]+)", ()),
    ("r2026a-u2 r2026a-u1 r2025b-u7 r2026a",
     "(?P<release>r20[0-9]{2}[a-z])-u(?P<version>[0-9]+)", ("{release}",)),
    ("r2026a-u2.1 r2026a-u1.3 r2025b-u7.0 r2025b",
     "(?P<release>r20[0-9]{2}[a-z])-u(?P<version>[0-9]+[.][0-9]+)", ("{release}",)),
    ("r2026a-5 r2026a-6 r2025b-1 r2026a",
     "(?P<release>r20[0-9]{2}[a-z])-(?P<version>[0-9]+)", ("{release}",)),
    ("x1b5 x1b6 x2b7 x1b", "(?P<release>x[0-9]+b)(?P<version>[0-9]+)", ("{release}",)),
    ("r-43.1 r-43.0 r-43 r-43.1-rc1 r-42.7-rc1 r-42.7-m.2",
     "r-(?P<version>[0-9]+[.][0-9]+)(?:-(?P<prerelease>m[.][0-9]+|rc[0-9]+))?", ("r-{major}",)),
    ("8u4 8u3 8u5-ea 8u5-EA", "(?P<version>[0-9]+)u(?P<revision>[0-9]+)(?:-(?P<prerelease>EA|ea))?",
     ()),
    ("8u4-jdk 8u3-jre 8u5-rc1-jdk 8u4-jre",
     f"(?P<version>[0-9]+)u(?P<revision>[0-9]+)(?:-(?P<prerelease>rc[0-9]+))?{VARIANT}", ()),
    ("8u472-jdk 8u472-jre 8u462-jdk 8u462-jre 8-jre",
     f"(?P<version>[0-9]+)u(?P<revision>[0-9]+){VARIANT}", ("{major}",)),
]  # fmt: skip


@pytest.mark.parametrize(("tags", "pattern", "stable"), PATTERNS)
def test_numbers_in_the_same_places_are_a_pattern(
    tags: str, pattern: str, stable: tuple[str, ...]
) -> None:
    (found,) = shapes(tags.split(), tags.split(), ())
    assert (found.pattern, found.stable) == (pattern, stable)
    assert found.lines_alone == ("{release}" in stable)


@pytest.mark.parametrize(
    "tags",
    [
        "8u472-b08 8u462-b08",  # two are no shape
        "8u472-jdk 8u472-jre",
        "x7k2a 9ab3c qq77s",
        "JIRA-123-fix JIRA-124-login JIRA-77-menu",  # words of one tag alone are no variants
        "22.04 24.04 25.10",  # the numbers of a version, which kinds take
        "main edge stable",
    ],
)
def test_there_are_tags_without_a_shape(tags: str) -> None:
    assert shapes(tags.split(), tags.split(), ()) == []


def test_a_shape_is_one_of_a_twentieth_of_all_tags() -> None:
    tags = ["8u472-b08", "8u462-b08", "8u452-b09"]
    others = [f"1.{n}.0" for n in range(57)]
    assert len(shapes(tags, [*tags, *others], ())) == 1
    assert shapes(tags, [*tags, *others, "1.57.0"], ()) == []


def test_one_release_in_three_variants_is_enough() -> None:
    tags = ["25_36-jdk", "25_36-jre", "25_36-jdk-noble"]
    (found,) = shapes(tags, tags, ["jdk", "jre", "jdk-noble"])
    assert found.variants == ("jdk", "jdk-noble", "jre")
    assert shapes(tags[:2], tags, ["jdk", "jre"]) == []


def test_a_variant_may_have_numbers_where_several_releases_have_it() -> None:
    tags = [f"8u{n}-b08{end}" for n in (1, 2, 3) for end in ("", "-jdk", "-jdk-ubi9-minimal")]
    (found,) = shapes(tags, tags, ())
    assert found.variants == ("jdk", "jdk-ubi9-minimal")
    assert len(found.tags) == 9


def test_the_shape_of_most_tags_is_first() -> None:
    tags = ["a1b1", "a1b2", "a1b3", "c1d1", "c1d2", "c1d3", "c1d4"]
    assert [len(each.tags) for each in shapes(tags, tags, ())] == [4, 3]


def test_a_version_that_stands_alone_is_known() -> None:
    tags = ["24.04-20261101", "24.04-20261001", "22.04-20261003", "24.04", "24"]
    (found,) = shapes(tags[:3], tags, ())
    assert (found.bare, found.stable) == (("24.04",), ("{major}.{minor}", "{major}"))


def test_without_an_order_the_pattern_has_its_variants_alone() -> None:
    shape = TagShape(f"(?P<version>[0-9]+)u(?P<revision>[0-9]+){VARIANT}", ("8u1-jdk",), ("jdk",))
    assert unordered(shape) == TagShape(f"[0-9]+u[0-9]+{VARIANT}", ("8u1-jdk",), ("jdk",))
    assert shape.is_ordered
    assert not unordered(shape).is_ordered


def test_candidates_of_what_has_no_order_are_the_same_tags() -> None:
    shape = TagShape("x-(?P<version>[0-9]+)(?:-(?P<prerelease>m[0-9]+|rc))?", ("x-1",))
    assert unordered(shape).pattern == "x-[0-9]+(?:-(?:m[0-9]+|rc))?"
