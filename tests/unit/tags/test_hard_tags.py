"""Hard tags: each that people really use, read as its scheme says."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.rules.model import Ruleset
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward_cli.given.names import is_repository
from ecr_steward_cli.rules_file.load import inspect_text
from tests.support.world import World, image, ruleset

HIGHEST = [
    {"tag": "{major}.{minor}", "follows": "highest"},
    {"tag": "{major}", "follows": "highest"},
    {"tag": "latest", "follows": "highest"},
]


def scheme(*unique: Any, **tags: Any) -> Scheme:
    return Scheme.from_document({"unique": list(unique), "stable": HIGHEST, **tags})


def lines(made: Scheme, tag: str) -> list[str]:
    """The stable tags that follow a unique tag."""
    unique = made.read_unique(tag)
    assert unique is not None, f"{tag} is no unique tag"
    return [line.tag for line in made.lines(unique)]


def order(made: Scheme, *tags: str) -> list[str]:
    """The tags, lowest version first."""

    def precedence(tag: str) -> Any:
        unique = made.read_unique(tag)
        assert unique is not None
        assert unique.version is not None
        return unique.version.precedence

    return sorted(tags, key=precedence)


FOUR = {"version": {"parts": 4}}
TWO = {"version": {"parts": 2}}


@pytest.mark.parametrize(
    ("made", "tag", "followed"),
    [
        # 128 characters, the longest there is
        (scheme("semver"), f"1.4.2-{'a' * 122}", []),
        (scheme("semver", variants=["a*"]), f"1.4.2-{'a' * 120}",
         [f"1.4-{'a' * 120}", f"1-{'a' * 120}", "a" * 120]),
        (scheme("semver"), f"{'1' * 62}.4.{'2' * 63}", [f"{'1' * 62}.4", "1" * 62, "latest"]),
        # four parts, as Windows and .NET count, and two, as PostgreSQL does
        (scheme(FOUR), "10.0.20348.1", ["10.0", "10", "latest"]),
        (scheme(TWO), "16.4", ["16", "latest"]),
        (scheme({"version": {"parts": [2, 3]}}), "16.4.1", ["16", "latest"]),
        # leading zeros
        (scheme(TWO), "24.04", ["24", "latest"]),
        (scheme({"version": {"parts": 3}}), "2026.01.07", ["2026.01", "2026", "latest"]),
        # a leading `v`, mixed with none
        (scheme("semver"), "v1.4.2", ["1.4", "1", "latest"]),
        # uppercase: a variant and a pre-release are what they are written as
        (scheme("semver", variants=["Alpine"]), "1.4.2-Alpine",
         ["1.4-Alpine", "1-Alpine", "Alpine"]),
        (scheme("semver", variants=["Alpine"]), "1.4.2-alpine", []),
        (scheme("semver"), "1.4.2-RC1", []),
        # underscores: a stand-in for `+`, a part of a variant
        (scheme("semver"), "1.4.2_linux", ["1.4", "1", "latest"]),
        (scheme("semver", variants=["scala_2.12"]), "2.3.0-scala_2.12",
         ["2.3-scala_2.12", "2-scala_2.12", "scala_2.12"]),
        (scheme("semver", variants=["jdk_*"]), "2.3.0_b7-jdk_21",
         ["2.3-jdk_21", "2-jdk_21", "jdk_21"]),
        # a variant that looks like a pre-release, named as it is
        (scheme("semver", variants=["rc1"]), "1.4.2-rc1", ["1.4-rc1", "1-rc1", "rc1"]),
        (scheme("semver"), "1.4.2-rc1", []),
        # a pre-release of a variant, on either side of it
        (scheme("semver", variants=["alpine"]), "1.4.2-rc.1-alpine", []),
        (scheme("semver", variants=["alpine"]), "1.4.2-alpine-rc.1", []),
        (scheme("semver", variants=["alpine*"]), "1.4.2-alpine3.20-rc.1", []),
    ],
)  # fmt: skip
def test_a_hard_tag_has_the_stable_tags_that_its_scheme_says(
    made: Scheme, tag: str, followed: list[str]
) -> None:
    assert len(tag) <= 128
    assert lines(made, tag) == followed


@pytest.mark.parametrize(
    ("made", "ascending"),
    [
        (scheme("semver"), ["1.0.0-rc9", "1.0.0-rc10", "1.0.0"]),
        (scheme("semver"), ["1.0.0-rc.9", "1.0.0-rc.10", "1.0.0"]),
        # semver.org, section 11, in full
        (scheme("semver"), ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
         "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"]),
        (scheme("semver"), ["v1.9.9", "1.10.0", "v1.10.1", "2.0.0"]),
        (scheme("semver"), ["1.0.0-beta4", "1.0.0-RC1", "1.0.0-rc2"]),
        (scheme(TWO), ["9.25", "24.04", "24.10", "25.04"]),
        (scheme(FOUR), ["10.0.17763.1", "10.0.20348.1", "10.0.20348.9", "10.0.20348.10"]),
        (scheme({"version": {"parts": [2, 3, 4]}}), ["16", "16.0.1", "16.1", "16.1.0.1"][1:]),
    ],
)  # fmt: skip
def test_versions_come_in_this_order(made: Scheme, ascending: list[str]) -> None:
    assert order(made, *reversed(ascending)) == ascending


@pytest.mark.parametrize(
    ("kinds", "tag", "has_version"),
    [
        # digits only: a commit or a build number
        (["sha", "build"], "1234567", False),
        (["build", "sha"], "1234567", False),
        (["semver", "sha"], "1234567", False),
        (["sha"], "1234567", False),
        (["sha"], "123456a", False),
        # two kinds fit: the first in the list decides
        (["build", {"version": {"parts": 1}}], "42", False),
        ([{"version": {"parts": 1}}, "build"], "42", True),
        (["timestamp", {"version": {"parts": 1}}], "20261123", True),
        ([{"version": {"parts": 1}}, "timestamp"], "20261123", True),
        ([{"pattern": "1[.]4[.][0-9]+"}, "semver"], "1.4.2", False),
        (["semver", {"pattern": "1[.]4[.][0-9]+"}], "1.4.2", True),
        ([{"version": {"parts": 3}}, "semver"], "1.04.2", True),
        (["semver"], "1.04.2", None),
    ],
)
def test_where_a_tag_fits_several_kinds_the_order_of_the_rule_decides(
    kinds: list[Any], tag: str, has_version: bool | None
) -> None:
    unique = scheme(*kinds).read_unique(tag)
    assert (unique is None) is (has_version is None)
    assert unique is None or (unique.version is not None) is has_version


@pytest.mark.parametrize("tag", ["a.b.c", "_internal", "x__y", "A", "0", "-".join("abc"), "1..2"])
def test_names_with_dots_and_dashes_are_tags_like_any_other(tag: str) -> None:
    assert scheme("sha", stable=[{"tag": tag}]).judge(tag) is Verdict.STABLE
    assert scheme("sha", ignore=[tag]).judge(tag) is Verdict.IGNORED


@pytest.mark.parametrize(
    "name",
    ["a.b/c-d/e_f__g", "team/app.web", "a/" * 127 + "aa", "r" * 256, f"base/{'r' * 251}"],
)
def test_repositories_with_dots_and_slashes_and_of_256_characters_have_their_rule(
    name: str,
) -> None:
    assert is_repository(name)
    assert len(name) <= 256
    start, end = name[:3], name[-3:]
    for glob in (name, f"{start}*", f"*{end}", f"{start}*{end}", "*"):
        rules = Ruleset.from_document({"version": 1, "rules": [{"repositories": [glob]}]})
        assert rules.rule_for(name) is rules.rules[0], glob
    others = [f"{name}x", name[:-1], name.replace("/", "-") if "/" in name else f"x{name}"]
    exact = Ruleset.from_document({"version": 1, "rules": [{"repositories": [name]}]})
    assert [exact.rule_for(other) for other in others] == [None, None, None]


def test_a_repository_of_256_characters_is_looked_after() -> None:
    world = World(ruleset({"repositories": ["r*"], "mode": "enforce", "tags": {
        "unique": ["semver"], "stable": HIGHEST}}))  # fmt: skip
    name = "r" * 256
    world.push("1.4.2", "new", repository=name)
    world.settle()
    assert world.tags(name) == dict.fromkeys(["1.4.2", "1.4", "1", "latest"], image("new"))


@pytest.mark.parametrize(
    ("unique", "stable", "said"),
    [
        ("[sha]", "deadbee", "`deadbee` is itself a unique tag of this scheme; it is skipped."),
        ("[build]", "{major}", "`{major}` is itself a unique tag of this scheme; it is skipped."),
        ("[{version: {parts: 2}}]", "{major}.{minor}", "`{major}.{minor}` is itself a unique tag"),
        ("[timestamp]", "20261123", "`20261123` is itself a unique tag of this scheme; it is skip"),
        ("[semver, {pattern: '[0-9]{2}'}]", "{major}", "`{major}` can be a unique tag of this sch"),
    ],
)
def test_a_tag_that_is_unique_and_stable_at_once_is_warned_of(
    unique: str, stable: str, said: str
) -> None:
    text = (
        f"version: 1\nrules:\n  - repositories: [redis]\n    tags:\n      unique: {unique}\n"
        f'      stable: [{{tag: "{stable}", follows: newest}}]\n'
    )
    warnings = [each.sentence for each in inspect_text(text, "x").warnings]
    assert any(each.startswith(said) for each in warnings), warnings
