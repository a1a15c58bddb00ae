"""Immutability by the scheme: what ECR's wildcards can say exactly, and what they cannot."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.settings import immutability
from ecr_steward.settings.baseline import Baseline
from ecr_steward.settings.immutability import ImmutabilityBaseline, implied, matches, wanted
from ecr_steward.settings.state import BaselineError
from ecr_steward.tags.scheme import Scheme


def scheme(*stable: str, unique: Any = ("sha",), **more: Any) -> Scheme:
    entries = [{"tag": each} for each in stable]
    return Scheme.from_document({"unique": list(unique), "stable": entries, **more})


def builds(letters: str) -> list[dict[str, str]]:
    return [{"pattern": f"{each}-[0-9]+"} for each in letters]


RELEASES = ({"pattern": r"release-(?P<version>[0-9]{4}[.][0-9]{2})"},)
EXACT: list[tuple[str, Scheme, str, tuple[str, ...]]] = [
    ("literals", scheme("main", "prod", "latest"), "IMMUTABLE_WITH_EXCLUSION",
     ("main*", "prod*", "latest*", "sha256-*")),
    ("literals and what is ignored", scheme("main", ignore=["buildcache*", "pr-*"]),
     "IMMUTABLE_WITH_EXCLUSION", ("main*", "buildcache*", "pr-*", "sha256-*")),
    ("as many as ECR allows", scheme("main", "prod", "test", "next", "latest"),
     "IMMUTABLE_WITH_EXCLUSION", ("main*", "prod*", "test*", "next*", "latest*")),
    ("one that covers another", scheme("pr-main", "latest", ignore=["pr*"]),
     "IMMUTABLE_WITH_EXCLUSION", ("latest*", "pr*", "sha256-*")),
    ("a platform in a name of several parts", scheme("prod-eu-west", unique=["semver"]),
     "IMMUTABLE_WITH_EXCLUSION", ("prod*west*", "sha256-*")),
    ("semver and a prefix of its own", scheme("stable-{major}", unique=["semver"]),
     "IMMUTABLE_WITH_EXCLUSION", ("stable*", "sha256-*")),
    ("more stars than ECR allows",
     scheme("stable-{major}.{minor}.{patch}", unique=["semver"]),
     "IMMUTABLE_WITH_EXCLUSION", ("stable*", "sha256-*")),
    ("variants of literals", scheme("main", variants=["xyz", "slim-*"]), "IMMUTABLE_WITH_EXCLUSION",
     ("main*", "sha256-*")),
    ("builds after a word of their own", scheme("latest", unique=[{"pattern": "build-[0-9]+"}]),
     "IMMUTABLE_WITH_EXCLUSION", ("latest*", "sha256-*")),
    ("a literal that is itself unique", scheme("deadbeef", "main"), "IMMUTABLE_WITH_EXCLUSION",
     ("main*", "sha256-*")),
    ("an ignored part of the unique tags", scheme("main", unique=["semver"], ignore=["99.*"]),
     "IMMUTABLE_WITH_EXCLUSION", ("main*", "99.*", "sha256-*")),
    ("a beginning that unique tags share, and go on otherwise",
     scheme("release-now", unique=RELEASES, unknown="report"), "IMMUTABLE_WITH_EXCLUSION",
     ("release*now*", "sha256-*")),
    ("no stable tag, builds", scheme(unique=["build"]), "IMMUTABLE", ()),
    ("no stable tag", scheme(), "IMMUTABLE_WITH_EXCLUSION", ("sha256-*",)),
    ("a pattern with a beginning", scheme("{major}", unique=RELEASES), "MUTABLE_WITH_EXCLUSION",
     ("release-*",)),
    ("the same, where unknown tags may move", scheme("main", unique=RELEASES, unknown="allow"),
     "MUTABLE_WITH_EXCLUSION", ("release-*",)),
    ("as many beginnings as ECR allows", scheme(unique=builds("klmno"), unknown="allow"),
     "MUTABLE_WITH_EXCLUSION", ("k-*", "l-*", "m-*", "n-*", "o-*")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "word", "filters"), [each[1:] for each in EXACT], ids=[each[0] for each in EXACT]
)
def test_what_wildcards_can_say_is_said(
    scheme: Scheme, word: str, filters: tuple[str, ...]
) -> None:
    found = implied(scheme)
    assert (found.mutability, found.filters, found.exact) == (word, filters, True)
    assert found.is_met_by(word, filters)


INEXACT: list[tuple[str, Scheme, str]] = [
    ("versions", scheme("{major}.{minor}", unique=["semver"]),
     "the filter `*.*` for tags that move would free unique tags too"),
    ("a major version", scheme("{major}", "latest", unique=["semver"]), "the filter `*` for"),
    ("a leading v", scheme("v{major}", unique=["semver"]), "the filter `v*` for"),
    ("bare variants of builds",
     Scheme.from_document({"unique": ["build"], "variants": ["alpine*"],
                           "stable": [{"tag": "latest", "follows": "highest"}]}),
     "the filter `alpine*` for"),
    ("a beginning that commits can have", scheme("dead-{major}", "sha-{major}"),
     "the filter `sha-*` for"),
    ("too many", scheme(*"klmnop"), "it takes 6 filters (k*, l*, m*, n*, o*, p*)"),
    ("builds that go on like a stable tag's platform", scheme("main", unique=["build"]),
     "the filter `main*`, without which main-arm64 could not move, would free unique tags too"),
    ("letters that commits begin with", scheme("a"), "the filter `a*`, without which a-arm64"),
    ("unknown tags that may move", scheme("main", unknown="allow"), "`unknown: allow` lets"),
    ("a pattern without beginning", scheme("{major}", unique=[{"pattern": "(a|b)-[0-9]+"}]),
     "the filter `*` for"),
    ("a pattern that a stable tag begins like", scheme("{major}", "release-now", *"klmn",
                                                       unique=RELEASES), "the filter `*` for"),
    ("a beginning too many", scheme(unique=builds("klmnop"), unknown="allow"), "`unknown: allow`"),
    ("an ignored beginning of theirs", scheme(unique=RELEASES, unknown="allow", ignore=["rel*"]),
     "`unknown: allow` lets"),
    ("an ignored tag that goes on like them",
     scheme(unique=RELEASES, unknown="allow", ignore=["release-2*"]), "`unknown: allow` lets"),
    ("a pattern that says more than an automaton can",
     scheme("main", unique=[{"pattern": "(?!x)main-[0-9]+"}]), "the filter `main*`"),
    ("a pattern that even a star matches", scheme("{major}", unique=[{"pattern": ".+"}]),
     "the filter `*` for"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "said"), [each[1:] for each in INEXACT], ids=[each[0] for each in INEXACT]
)
def test_what_wildcards_cannot_say_is_left_mutable_with_the_reason(
    scheme: Scheme, said: str
) -> None:
    found = implied(scheme)
    assert (found.mutability, found.filters, found.exact) == ("MUTABLE", (), False)
    assert found.reason.startswith("wildcards cannot say the scheme: ")
    assert said in found.reason


@pytest.mark.parametrize("unique", ["sha", "build"], ids=["can be said", "cannot be said"])
def test_who_frees_stable_tags_by_their_names_alone_keeps_it(unique: str) -> None:
    found = implied(scheme("main", unique=[unique]))
    assert found.is_met_by("IMMUTABLE_WITH_EXCLUSION", ["main"])
    assert found.is_met_by("IMMUTABLE_WITH_EXCLUSION", ["main", "sha256-*"])
    assert not found.is_met_by("IMMUTABLE_WITH_EXCLUSION", ["prod"])


def test_settings_that_say_the_same_are_as_good() -> None:
    found = implied(scheme("main"))
    for filters in (["main*"], ["sha256-*", "main*"]):
        assert found.is_met_by("IMMUTABLE_WITH_EXCLUSION", filters)
    assert not found.is_met_by("IMMUTABLE_WITH_EXCLUSION", ["main*", "prod*"])
    assert not found.is_met_by("IMMUTABLE", [])
    assert not found.is_met_by("MUTABLE_WITH_EXCLUSION", ["main*"])
    assert not found.is_met_by("MUTABLE", [])
    assert implied(scheme()).is_met_by("IMMUTABLE", [])
    both = implied(scheme("main", unique=RELEASES))
    assert both.mutability == "IMMUTABLE_WITH_EXCLUSION"
    assert both.is_met_by("MUTABLE_WITH_EXCLUSION", ["release-*"])
    own = implied(scheme("main", ignore=["sha256-*"]))
    assert not own.is_met_by("IMMUTABLE_WITH_EXCLUSION", ["main*"])


@pytest.mark.parametrize(
    ("pattern", "tag", "expected"),
    [
        ("latest", "latest", True),
        ("latest", "latest-1", False),
        ("latest", "xlatest", False),
        ("v1*", "v1", True),
        ("v1*", "v1.0-x", True),
        ("v1*", "v2", False),
        ("v1*", "xv1", False),
        ("1.*", "1x0", False),
        ("*-rc*", "1-rc", True),
        ("*-rc*", "1-r", False),
        ("a.c", "abc", False),
        ("*", "anything", True),
        ("A", "a", False),
    ],
)
def test_filters_match_as_ecrs_wildcards_do_not_as_expressions(
    pattern: str, tag: str, expected: bool
) -> None:
    assert matches(pattern, tag) is expected


@pytest.mark.parametrize(
    ("value", "word", "filters"),
    [
        ("scheme", "scheme", ()),
        ("MUTABLE", "MUTABLE", ()),
        ("IMMUTABLE", "IMMUTABLE", ()),
        ({"immutable_except": ["a", "b*c*"]}, "IMMUTABLE_WITH_EXCLUSION", ("a", "b*c*")),
        ({"mutable_except": ["a"]}, "MUTABLE_WITH_EXCLUSION", ("a",)),
        ({"mutable_except": [*"abcde"]}, "MUTABLE_WITH_EXCLUSION", (*"abcde",)),
    ],
)
def test_what_a_rule_can_state(value: Any, word: str, filters: tuple[str, ...]) -> None:
    found = Baseline.from_document({"immutability": value}, scheme()).wishes["immutability"]
    assert found == ImmutabilityBaseline(word, filters)


@pytest.mark.parametrize(
    ("value", "said", "path"),
    [
        ("immutable", "must be scheme, MUTABLE, IMMUTABLE", ()),
        (True, "must be scheme, MUTABLE, IMMUTABLE", ()),
        ({}, "must be scheme, MUTABLE, IMMUTABLE", ()),
        ({"except": ["a"]}, "must be scheme, MUTABLE, IMMUTABLE", ()),
        ({"immutable_except": ["a"], "mutable_except": ["b"]}, "must be scheme", ()),
        ({"immutable_except": []}, "must be a list of 1 to 5 filters", ("immutable_except",)),
        ({"immutable_except": list("abcdef")}, "a list of 1 to 5 filters", ("immutable_except",)),
        ({"immutable_except": "a"}, "must be a list of 1 to 5 filters", ("immutable_except",)),
        ({"mutable_except": ["a", 7]}, "`7` can match no tag", ("mutable_except", 1)),
        ({"mutable_except": ["a" * 129]}, "can match no tag", ("mutable_except", 0)),
        ({"mutable_except": ["a+b"]}, "`a+b` can match no tag", ("mutable_except", 0)),
        ({"mutable_except": ["a", ""]}, "`` can match no tag", ("mutable_except", 1)),
        ({"mutable_except": ["*a*b*"]}, "more than 2 `*`", ("mutable_except", 0)),
    ],
)
def test_what_ecr_does_not_take_is_refused(value: Any, said: str, path: tuple[Any, ...]) -> None:
    with pytest.raises(BaselineError) as caught:
        Baseline.from_document({"immutability": value}, scheme())
    assert said in str(caught.value)
    assert caught.value.path == ("immutability", *path)


def test_by_the_scheme_needs_a_scheme() -> None:
    with pytest.raises(BaselineError, match="needs `tags` in the same rule"):
        Baseline.from_document({"immutability": "scheme"})


def test_a_pull_through_cache_stays_mutable_whatever_the_rule_says() -> None:
    for word in ("scheme", "IMMUTABLE"):
        found = wanted(ImmutabilityBaseline(word), scheme("main"), cache=True)
        assert (found.mutability, found.exact) == ("MUTABLE", False)
        assert "pull-through cache" in found.reason


def test_a_request_has_filters_only_where_there_are_any() -> None:
    assert immutability.request("IMMUTABLE", ()) == {"imageTagMutability": "IMMUTABLE"}
    assert immutability.request("MUTABLE_WITH_EXCLUSION", ("a*",)) == {
        "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "a*"}],
    }


def test_where_unique_tags_may_move_nothing_is_frozen() -> None:
    keep = Scheme(unique=("sha",), overwritten="keep")
    assert immutability.implied(keep).mutability == "MUTABLE"
    assert immutability.implied(keep).exact
    assert immutability.implied(Scheme(unique=("sha",))).mutability != "MUTABLE"


@pytest.mark.parametrize(
    ("found", "left"),
    [
        (scheme("main"), [("main", "sha256-*")]),
        (scheme("main", unique=["build"]), [("main",)]),
        (scheme("main", unknown="allow"), []),
        (scheme("{major}", unique=["semver"]), []),
        (scheme(*"klmnop"), []),
    ],
)
def test_names_alone_may_be_free_where_filters_can_say_so(
    found: Scheme, left: list[tuple[str, ...]]
) -> None:
    assert [each.filters for each in implied(found).left] == left


def test_a_rule_without_a_scheme_has_no_tag_that_moves() -> None:
    found = wanted(ImmutabilityBaseline("scheme"), None)
    assert (found.mutability, found.filters) == ("IMMUTABLE_WITH_EXCLUSION", ("sha256-*",))


@pytest.mark.parametrize(
    ("begin", "may"),
    [("ma", True), ("main", True), ("main-arm64", True), ("9f1", True), ("v1", True), ("v", True),
     ("v2-x", True), ("x", False), ("vx", False), ("mb", False)],
)  # fmt: skip
def test_what_a_tag_of_the_scheme_may_begin_with(begin: str, may: bool) -> None:
    assert immutability.may_begin(scheme("main", "v{major}"), begin) is may
