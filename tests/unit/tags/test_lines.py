"""Lines: what each holds, which is inside which, and how they read."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.stable import SchemeError, StableTag, Template

MINOR = {"tag": "{major}.{minor}", "follows": "highest"}
MAJOR = {"tag": "{major}", "follows": "highest"}
LATEST = {"tag": "latest", "follows": "highest"}
EDGE = {"tag": "edge", "follows": "newest"}
SERVICE = {"pattern": "(?P<service>api|web)-(?P<version>[0-9]+[.][0-9]+)"}


def scheme(*stable: dict[str, Any], **tags: Any) -> Scheme:
    return Scheme.from_document({"unique": ["semver"], "stable": list(stable), **tags})


@pytest.mark.parametrize(
    ("stable", "tags", "unique", "lines"),
    [
        # Platforms, pre-releases and the whole of major version 0.
        ([MAJOR, LATEST], {}, "1.4.2", "1 latest"),
        ([MAJOR, LATEST], {}, "1.4.2-arm64", ""),
        ([MAJOR, LATEST, EDGE], {}, "1.4.2-rc.1", "edge"),
        ([MAJOR | {"prereleases": True}], {}, "1.4.2-rc.1", "1"),
        ([MAJOR | {"prereleases": ["RC"]}], {}, "1.4.2-rc.1", "1"),
        ([MAJOR | {"prereleases": ["beta"]}], {}, "1.4.2-rc.1", ""),
        ([MAJOR, MINOR, LATEST], {}, "0.4.2", "0.4 latest"),
        ([MAJOR | {"within": "0"}], {}, "0.4.2", "0"),
        ([MAJOR | {"within": "0.4"}], {}, "0.4.2", ""),
        ([EDGE | {"tag": "{major}"}], {}, "0.4.2", ""),
        ([{"tag": "main"}, {"tag": "{major}"}], {}, "1.4.2", ""),
        # Limits.
        ([MAJOR | {"within": ["1.4", "2"]}], {}, "1.4.2", "1"),
        ([MAJOR | {"within": ["1.4", "2"]}], {}, "1.40.2", ""),
        ([MAJOR | {"within": ["1.4", "2"]}], {}, "2.0.0", "2"),
        ([MAJOR | {"not_within": "1.4"}], {}, "1.4.2", ""),
        ([MAJOR | {"not_within": "1.4"}], {}, "1.5.2", "1"),
        ([MAJOR | {"within": "1", "not_within": ["1.4"]}], {}, "1.4.2", ""),
        # Entries that take some unique tags only.
        ([LATEST | {"of": ["v*"]}], {}, "v1.4.2", "latest"),
        ([LATEST | {"of": ["v*"]}], {}, "1.4.2", ""),
        ([LATEST | {"of": ["x*", {"pattern": "1[.].*"}]}], {}, "1.4.2", "latest"),
        ([LATEST | {"of": ["x*", {"pattern": "1[.]"}]}], {}, "1.4.2", ""),
        ([LATEST | {"of": [{"pattern": "2.*"}, {"pattern": "1.*"}]}], {}, "1.4.2", "latest"),
        # What has no version, and dates.
        ([LATEST, EDGE], {"unique": ["sha"]}, "9f1c2ab", "edge"),
        ([EDGE | {"within": "1"}], {"unique": ["sha"]}, "9f1c2ab", ""),
        ([LATEST, EDGE], {"unique": ["timestamp"]}, "20261123", "latest edge"),
        ([LATEST, EDGE], {"unique": ["timestamp", "semver"]}, "20261123", "edge"),
        ([LATEST, EDGE], {"unique": ["timestamp", "sha"]}, "20261123", "latest edge"),
        ([LATEST | {"of": ["20*"]}], {"unique": ["timestamp", "semver"]}, "20261123", "latest"),
        ([LATEST | {"within": "2026"}], {"unique": ["timestamp"]}, "20261123", ""),
        ([MAJOR, EDGE], {"unique": ["timestamp"]}, "20261123", "edge"),
        # Variants, and the names that they give.
        ([MAJOR, LATEST], {"variants": ["alpine"]}, "1.4.2-alpine", "1-alpine alpine"),
        ([MAJOR, LATEST, EDGE], {"variants": ["alpine"], "variant_latest": "{tag}-{variant}"},
         "1.4.2-alpine", "1-alpine latest-alpine edge-alpine"),
        # What a placeholder asks for and a tag lacks.
        ([{"tag": "{service}-{major}", "follows": "highest"}], {"unique": [SERVICE]}, "api-1.4",
         "api-1"),
        ([{"tag": "{service}-{patch}", "follows": "highest"}], {"unique": [SERVICE]}, "api-1.4",
         ""),
    ],
)  # fmt: skip
def test_a_unique_tag_belongs_to_the_lines_that_take_it(
    stable: list[dict[str, Any]], tags: dict[str, Any], unique: str, lines: str
) -> None:
    asked = scheme(*stable, **tags)
    read = asked.read_unique(unique)
    assert read is not None
    assert " ".join(line.tag for line in asked.lines(read)) == lines


@pytest.mark.parametrize(
    ("inner", "outer", "inside"),
    [
        ({}, {}, True),
        # Both follow the same.
        ({"follows": "newest"}, {"follows": "newest"}, True),
        ({"follows": "newest"}, {}, False),
        ({}, {"follows": "newest"}, False),
        # Pre-releases: what follows the newest takes all.
        ({}, {"prereleases": True}, True),
        ({"prereleases": True}, {}, False),
        ({"prereleases": True}, {"prereleases": True}, True),
        ({"prereleases": ["rc"]}, {"prereleases": True}, True),
        ({"prereleases": True}, {"prereleases": ["rc"]}, False),
        ({"prereleases": ["rc"]}, {"prereleases": ["rc"]}, True),
        ({"prereleases": ["rc"]}, {"prereleases": ["beta", "rc"]}, True),
        ({"prereleases": ["beta", "rc"]}, {"prereleases": ["rc"]}, False),
        ({"prereleases": ["rc"]}, {}, False),
        ({}, {"prereleases": ["rc"]}, True),
        ({"prereleases": []}, {}, True),
        ({"prereleases": []}, {"prereleases": ["rc"]}, True),
        ({"follows": "newest", "prereleases": True}, {"follows": "newest"}, True),
        # Limits.
        ({"within": "1"}, {}, True),
        ({}, {"within": "1"}, False),
        ({"within": "1"}, {"within": "1"}, True),
        ({"within": "1"}, {"within": ["1", "2"]}, False),
        ({"not_within": "1.5"}, {}, True),
        ({}, {"not_within": "1.5"}, False),
        ({"not_within": ["1.5", "1.6"]}, {"not_within": "1.5"}, True),
        ({"not_within": "1.5"}, {"not_within": "1.5"}, True),
        # `of` could name dates, too.
        ({"of": ["1*"]}, {}, False),
        ({}, {"of": ["1*"]}, False),
        ({"of": ["1*"]}, {"of": ["1*"]}, True),
        ({"of": ["1*"]}, {"of": ["v*"]}, False),
    ],
)
def test_a_line_is_inside_a_wider_one_that_takes_all_that_it_takes(
    inner: dict[str, Any], outer: dict[str, Any], inside: bool
) -> None:
    asked = scheme(MINOR | inner, MAJOR | outer)
    line, wider = asked.line("1.4"), asked.line("1")
    assert line is not None
    assert wider is not None
    assert line.inside(wider) is inside
    assert wider.inside(line) is False


def test_a_line_of_another_variant_is_inside_none() -> None:
    asked = scheme(MINOR, MAJOR, variants=["alpine"])
    line, wider, plain = (asked.line(tag) for tag in ("1.4-alpine", "1-alpine", "1"))
    assert line is not None
    assert wider is not None
    assert plain is not None
    assert line.inside(wider)
    assert not line.inside(plain)


def test_a_line_of_dates_is_inside_none_that_has_no_dates() -> None:
    dates, versions = LATEST | {"tag": "day", "of": ["20*"]}, LATEST | {"of": ["20*"]}
    asked = scheme(dates, LATEST, unique=["timestamp", "semver"])
    day, latest = asked.line("day"), asked.line("latest")
    assert day is not None
    assert latest is not None
    assert not day.inside(latest)
    both = scheme(dates, versions, unique=["timestamp", "semver"])
    day, latest = both.line("day"), both.line("latest")
    assert day is not None
    assert latest is not None
    assert day.inside(latest)


def test_a_line_that_can_be_read_in_several_ways_is_inside_none_and_none_inside_it() -> None:
    parts = {"pattern": "(?P<b>[a-z-]+)[.](?P<c>[a-z-]+)[.](?P<version>[0-9]+)"}
    entry = {"tag": "{b}-{c}", "follows": "highest"}
    asked = scheme(entry, LATEST, unique=[parts])
    sole, several, latest = (asked.line(tag) for tag in ("x-y", "x-y-z", "latest"))
    assert sole is not None
    assert several is not None
    assert latest is not None
    assert (sole.inside(latest), several.inside(latest)) == (True, False)
    assert (latest.inside(several), sole.inside(several)) == (False, False)
    assert str(several) == "all releases"
    assert not several.is_major_zero


def test_major_version_zero_has_no_line_however_its_name_can_be_read() -> None:
    numbers = "(?P<version>[0-9]+[.][0-9]+[.][0-9]+)"
    before = scheme(
        {"tag": "{flavor}{major}", "follows": "highest"},
        unique=[{"pattern": f"(?P<flavor>[a-z]+[0-9]*)-{numbers}"}],
    )
    after = scheme(
        {"tag": "{major}-{flavor}", "follows": "highest"},
        unique=[{"pattern": f"{numbers}-(?P<flavor>[a-z]+(?:-[a-z]+)?)"}],
        variants=["*"],
    )
    lines = {
        tag: [line.tag for line in of.lines(unique)]
        for of in (before, after)
        for tag in ("x1-0.1.2", "1.1.2-foo-bar", "0.1.2-foo-bar")
        if (unique := of.read_unique(tag)) is not None
    }
    assert lines == {"x1-0.1.2": [], "1.1.2-foo-bar": ["1-foo-bar"], "0.1.2-foo-bar": []}


@pytest.mark.parametrize(
    ("stable", "tags", "tag", "words"),
    [
        (MINOR, {}, "1.4", "1.4.*"),
        ({"tag": "{patch}", "follows": "highest"}, {}, "4", "*.*.4.*"),
        (LATEST | {"prereleases": []}, {}, "latest", "all releases"),
        (LATEST | {"prereleases": ["beta", "rc"]}, {}, "latest", "all releases and beta, rc"),
        (LATEST | {"prereleases": True}, {}, "latest", "all versions"),
        (EDGE, {}, "edge", "all images"),
        (EDGE | {"of": ["v*", {"pattern": "1.*"}]}, {}, "edge", "all images among `v*` and `1.*`"),
        (MAJOR | {"within": ["1", "2"]}, {}, "1", "1.* within 1, 2"),
        ({"tag": "{service}-{major}", "follows": "highest"}, {"unique": [SERVICE]}, "api-1",
         "1.* with service `api`"),
        ({"tag": "{service}", "follows": "highest"}, {"unique": [SERVICE]}, "api",
         "all releases with service `api`"),
        ({"tag": "{b}-{c}", "follows": "highest"},
         {"unique": [{"pattern": "(?P<b>[a-z]+)[.](?P<c>[a-z]+)[.](?P<version>[0-9]+)"}]}, "x-y",
         "all releases with b `x` and c `y`"),
    ],
)  # fmt: skip
def test_a_line_reads_as_what_it_holds(
    stable: dict[str, Any], tags: dict[str, Any], tag: str, words: str
) -> None:
    assert str(scheme(stable, **tags).line(tag)) == words


GROUPS = {"b": "[a-z-]+", "c": "[a-z-]+", "d": "[a-z]*"}


@pytest.mark.parametrize(
    ("template", "name", "readings"),
    [
        ("latest", "latest", [{}]),
        ("latest", "latest2", []),
        ("v{major}", "v12", [{"major": "12"}]),
        ("v{major}", "v", []),
        ("{major}.{major}", "1.1", [{"major": "1"}]),
        ("{major}.{major}", "1.2", []),
        ("{b}", "x", [{"b": "x"}]),
        ("{b}", "1", []),
        ("{b}.x", "y.x", [{"b": "y"}]),
        ("{b}.x", ".x", []),
        ("{b}.x", "y.y", []),
        ("{b}-{major}", "x-1", [{"b": "x", "major": "1"}]),
        ("{b}-{major}", "x-y-12", [{"b": "x-y", "major": "12"}]),
        ("{b}{c}-{b}", "aab-aa", [{"b": "aa", "c": "b"}]),
        ("{b}{c}-{b}", "aab-b", []),
        ("{b}-{c}", "x-y-z-w", [{"b": "x", "c": "y-z-w"}, {"b": "x-y", "c": "z-w"}]),
        ("{b}{c}", "xy", [{"b": "x", "c": "y"}]),
        ("{b}-{c}", "x-", []),
        ("{b}-", "x-", [{"b": "x"}]),
        ("{d}.x", ".x", []),
        ("{d}.x", "y.x", [{"d": "y"}]),
    ],
)
def test_a_template_is_read_backwards_in_two_ways_at_most(
    template: str, name: str, readings: list[dict[str, str]]
) -> None:
    assert Template(template, GROUPS).readings(name) == readings


def test_a_name_of_a_template_of_stars_is_read_at_once() -> None:
    hard = Template("{b}-{b}-{c}-{c}-x", GROUPS)
    assert hard.readings("-".join("a" * 64)) == []


@pytest.mark.parametrize(
    ("entry", "sentence", "path"),
    [
        ({"tag": "a b"},
         "`a b` renders to no valid tag: it has letters, digits, `_.-` only.", ("tag",)),
        ({"tag": "a", "follows": "me"}, "`follows` must be highest or newest; it is `me`.",
         ("follows",)),
        ({"tag": "a", "within": "v1"}, '`v1` is no beginning of a version; write "8" or "8.1".',
         ("within",)),
        ({"tag": "a", "not_within": ["1", "1."]},
         '`1.` is no beginning of a version; write "8" or "8.1".', ("not_within",)),
        ({"tag": "a", "of": ["x", {}]}, "`{}` is neither a glob nor {pattern: …}.", ("of", 1)),
        ({"tag": "a", "of": [5]}, "`5` is neither a glob nor {pattern: …}.", ("of", 0)),
        ({"tag": "a", "of": [{"pattern": 5}]},
         "`{'pattern': 5}` is neither a glob nor {pattern: …}.",
         ("of", 0)),
        ({"tag": "a", "of": [{"pattern": "x", "y": "z"}]},
         "`{'pattern': 'x', 'y': 'z'}` is neither a glob nor {pattern: …}.", ("of", 0)),
        ({"tag": "a", "of": [{"pattern": "("}]},
         "`(` is no regular expression: missing ), unterminated subpattern at position 0.",
         ("of", 0, "pattern")),
    ],
)  # fmt: skip
def test_an_entry_that_means_nothing_is_refused(
    entry: dict[str, Any], sentence: str, path: tuple[str | int, ...]
) -> None:
    with pytest.raises(SchemeError) as caught:
        StableTag.from_document(entry)
    assert (str(caught.value), caught.value.path) == (sentence, path)


VARIANTS = {"variants": ["alpine", "slim-*"]}
BRANCH = {"pattern": "(?P<branch>[a-z]+)-[0-9]+"}


@pytest.mark.parametrize(
    ("stable", "tags", "number", "forms"),
    [
        ([MINOR, LATEST], {}, "[0-9]+", ["[0-9]+.[0-9]+", "latest"]),
        ([MINOR, LATEST], {}, None, ["{major}.{minor}", "latest"]),
        ([{"tag": "{branch}-{major}"}], {"unique": [BRANCH]}, "1", ["*-1"]),
        ([MINOR, LATEST, EDGE], VARIANTS, "1",
         ["1.1", "1.1-alpine", "1.1-slim-*", "latest", "alpine", "slim-*", "edge", "edge-alpine",
          "edge-slim-*"]),
        ([LATEST], VARIANTS | {"variant_latest": "{tag}_{variant}"}, None,
         ["latest", "latest_alpine", "latest_slim-*"]),
    ],
)  # fmt: skip
def test_the_forms_of_stable_tags_are_globs_that_match_them(
    stable: list[dict[str, Any]], tags: dict[str, Any], number: str | None, forms: list[str]
) -> None:
    assert [form for _, form in scheme(*stable, **tags).forms(number)] == forms


@pytest.mark.parametrize(
    ("tag", "taken"),
    [("1.4.2", True), ("pr-1", True), ("latest", True), ("latest-arm64", False), ("other", False)],
)
def test_a_rule_takes_what_an_entry_is_about(tag: str, taken: bool) -> None:
    assert scheme(LATEST, ignore=["pr-*"]).takes(tag) is taken


def test_an_expiry_tag_is_no_pin_and_no_stable_tag_though_it_looks_like_one() -> None:
    digest = "sha256:" + "a" * 64
    expiry = f"steward-expire-20261128-{'a' * 12}"
    asked = scheme(
        {"tag": "{x}"}, unique=[{"pattern": "(?P<x>[a-z0-9-]+)[.]1"}], pin="{tag}-{digest}"
    )
    assert not asked.is_pin(expiry, digest)
    assert asked.is_pin(f"main-{'a' * 12}", digest)
    assert not asked.is_pin(f"main-{'a' * 12}", None)
    assert asked.owner(expiry) is None
    assert asked.takes(expiry)
    assert scheme(unique=[{"pattern": "steward-.*"}]).read_unique(expiry) is None


@pytest.mark.parametrize(
    ("variant_latest", "tag", "owned"),
    [
        ("{tag}-{variant}", "latest-alpine", True),
        ("{tag}-{variant}", "foobar-alpine", False),
        ("{tag}-{variant}", "latest-", False),
        ("{tag}-{variant}", "alpine", False),
        ("{variant}-{tag}", "alpine-latest", True),
        ("{variant}-{tag}", "alpine-foobar", False),
        ("{variant}-{tag}", "alpin", False),
        (None, "alpine", True),
        (None, "", False),
    ],
)
def test_the_name_of_a_variant_is_read_whole(
    variant_latest: str | None, tag: str, owned: bool
) -> None:
    extra = {} if variant_latest is None else {"variant_latest": variant_latest}
    asked = scheme(LATEST, variants=["alpin*", ""], **extra)
    assert (asked.owner(tag) is not None) is owned


def test_a_tag_is_told_by_the_first_kind_that_it_looks_like() -> None:
    asked = scheme(unique=["sha", {"version": {"parts": 1}}, {"version": {"parts": 2}}])
    assert asked.nearly("1.4.2") == (
        "it has 3 numbers where the rule has 1: `{version: {parts: 3}}` takes it"
    )
    assert asked.nearly("main") is None
