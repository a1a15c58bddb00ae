"""What kinds of unique tag say of themselves: words, examples, and expressions."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ecr_steward.tags.kinds import KINDS, KindError, make
from ecr_steward.tags.kinds.expressions import group_expression
from ecr_steward.tags.kinds.numbers import usual, versions, written
from ecr_steward.tags.kinds.strings import strings
from ecr_steward.tags.suffixes import Suffixes

SUFFIXES = Suffixes(("alpine", "slim-*"), ("r*", "final"))
ONE, TWO_OR_FOUR = {"version": {"parts": 1}}, {"version": {"parts": [2, 4]}}
NIGHTLY = {"pattern": "nightly-[0-9]+"}
RELEASE = {
    "pattern": "r-(?P<version>[0-9.]+)(?P<prerelease>rc)?(?P<revision>p)?"
    "(?:-(?P<variant>[a-z]*))?-(?P<branch>x|y)"
}
ALL = ["semver", "sha", "build", "timestamp", ONE, TWO_OR_FOUR, NIGHTLY, RELEASE]


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("semver", "semver (versions such as 1.4.2 or v1.4.2-rc.1)"),
        ("sha", "sha (commits such as 9f1c2ab or sha-9f1c2ab)"),
        ("build", "build (numbers such as 1187 or build-1187)"),
        ("timestamp", "timestamp (times such as 20261123 or 20261123T0224Z)"),
        (ONE, "version of 1 part (such as 17)"),
        ({"version": {"parts": [1, 3]}}, "version of 1 or 3 parts (such as 17 or 1.4.2)"),
        ({"version": {"parts": [1, 2, 5]}},
         "version of 1, 2 or 5 parts (such as 17, 16.4 or 1.4.2.7.1)"),
        (NIGHTLY, "pattern (tags that match `nightly-[0-9]+`)"),
        ({"pattern": "(?P<version>[0-9]+)"},
         "pattern (tags that match `(?P<version>[0-9]+)`, versions by its group `version`)"),
    ],
)  # fmt: skip
def test_a_kind_is_told_with_a_few_of_its_tags(definition: Any, words: str) -> None:
    assert make(definition, SUFFIXES).words() == words


@pytest.mark.parametrize(
    ("definition", "counts", "variants", "prereleases", "dates"),
    [
        ("semver", {3}, True, True, False),
        ("sha", set(), True, False, False),
        ("build", set(), True, False, False),
        ("timestamp", {3, 5, 6}, True, False, True),
        (ONE, {1}, True, True, False),
        (TWO_OR_FOUR, {2, 4}, True, True, False),
        (NIGHTLY, set(), False, False, False),
        (RELEASE, set(range(1, 64)), True, True, False),
    ],
)
def test_a_kind_knows_what_its_tags_can_carry(
    definition: Any, counts: set[int], variants: bool, prereleases: bool, dates: bool
) -> None:
    kind = make(definition, SUFFIXES)
    assert kind.counts == counts
    assert (kind.has_variants, kind.has_prereleases, kind.has_dates) == (
        variants,
        prereleases,
        dates,
    )
    assert kind.is_expression is (definition in (NIGHTLY, RELEASE))


@pytest.mark.parametrize(
    ("definition", "shapes", "whole"),
    [
        ("semver", {("numbers", 3)}, set()),
        (TWO_OR_FOUR, {("numbers", 2), ("numbers", 4)}, {("numbers", 2), ("numbers", 4)}),
        ("sha", set(), set()),
    ],
)
def test_a_kind_of_so_many_numbers_takes_all_that_look_like_it(
    definition: Any, shapes: set[object], whole: set[object]
) -> None:
    kind = make(definition, SUFFIXES)
    assert kind.shapes == shapes
    assert kind.whole == whole


TAGS = [
    "1.4.2", "v1.4.2", "1.4.2-rc.1", "1.4.2-alpine", "1.4.2_linux", "1.4.2+b", "01.4.2", "1.4",
    "17",
    "24.04", "10.0.20348.1", "9f1c2ab", "sha-9f1c2ab", "9f1c2ab-alpine", "9f1c2ab-arm64",
    "9f1c2ab-r2", "9f1c2ab-final", "9f1c2ab-slim-x", "9f1c2ab-other", "1187", "build-1187",
    "build-1187-alpine", "20261123", "20261123T0224Z", "20261323", "2026-11-23", "nightly-3",
    "nightly",
    "r-1.4-x", "r-1.4rc-y", "r-1.4p-alpine-x", "main", "latest", "v", "x", "sh", "git-", "9f1c2a",
]  # fmt: skip


@pytest.mark.parametrize("definition", ALL, ids=str)
def test_a_kind_takes_no_more_than_its_language_and_all_that_is_sure(definition: Any) -> None:
    kind = make(definition, SUFFIXES)
    language, sure = kind.language(), kind.sure()
    taken = {tag for tag in TAGS if kind.read(tag) is not None}
    assert taken <= {tag for tag in TAGS if re.fullmatch(language, tag)}
    assert taken >= {tag for tag in TAGS if sure is not None and re.fullmatch(sure, tag)}
    assert all(kind.may_begin(tag[:length]) for tag in taken for length in range(len(tag) + 1))


@pytest.mark.parametrize(
    ("definition", "sure"),
    [
        ("semver", ["1.4.2", "v1.4.2", "1.4.2-alpine"]),
        ("sha", ["9f1c2ab", "sha-9f1c2ab", "9f1c2ab-alpine", "9f1c2ab-arm64", "9f1c2ab-final",
                 "20261123", "20261323"]),
        ("build", ["17", "1187", "build-1187", "build-1187-alpine", "20261123", "20261323",
                   "nightly-3"]),
        ("timestamp", []),
        (ONE, ["17", "1187", "20261123", "20261323"]),
        (TWO_OR_FOUR, ["1.4", "24.04", "10.0.20348.1"]),
        (NIGHTLY, ["nightly-3"]),
        (RELEASE, ["r-1.4-x", "r-1.4rc-y", "r-1.4p-alpine-x"]),
        ({"pattern": "^nightly-3"}, []),
    ],
)  # fmt: skip
def test_what_is_sure_of_a_kind(definition: Any, sure: list[str]) -> None:
    expression = make(definition, SUFFIXES).sure()
    found = [tag for tag in TAGS if expression is not None and re.fullmatch(expression, tag)]
    assert sorted(found) == sorted(sure)


@pytest.mark.parametrize(
    ("definition", "no_beginning"),
    [
        ("semver", ["x", "1.4.x", "main"]),
        ("sha", ["x", "9f1c2abx", "9f1c2a-"]),
        ("build", ["_", "-1", "build_-x"]),
        ("timestamp", ["x", "2026x", "2026-1x"]),
        (ONE, ["x", "1x"]),
        (NIGHTLY, ["x", "nightlx", "nightlyx"]),
    ],
)
def test_a_kind_knows_how_its_tags_do_not_begin(definition: Any, no_beginning: list[str]) -> None:
    kind = make(definition, SUFFIXES)
    assert not [text for text in no_beginning if kind.may_begin(text)]


@pytest.mark.parametrize("definition", ALL, ids=str)
def test_samples_are_tags_of_the_kind_and_unlike_each_other(definition: Any) -> None:
    kind = make(definition, SUFFIXES)
    samples = list(kind.samples())
    assert all(kind.read(tag) is not None for tag in samples)
    assert len(set(samples)) > 2


NUMBERED = {"pattern": "r-(?P<version>[0-9.]+)"}


@pytest.mark.parametrize(
    ("definition", "prefix", "some"),
    [
        ("semver", "", ["1.4.2", "v1.4.2", "2.7.1", "0.9.3", "2026.11.23"]),
        ("semver", "2.7", ["2.7.2", "v2.7.1", "2.7.23"]),
        (TWO_OR_FOUR, "", ["16.4", "v16.4", "10.0.20348.1"]),
        (ONE, "", ["17", "2026"]),
        ("sha", "", ["9f1c2ab", "sha-9f1c2ab"]),
        ("build", "", ["1187", "build-1187"]),
        (NUMBERED, "", ["r-1.4.2", "r-16.4", "r-17", "r-10.0.20348.1"]),
        (NUMBERED, "2.7", ["r-2.7", "r-2.7.2"]),
        ({"pattern": "(?P<version>[0-9]{4}-[0-9]{2})"}, "2026", ["2026-11"]),
        ({"pattern": "v(?P<version>[0-9]+_[0-9]+)Z"}, "", ["v16_4Z"]),
    ],
)
def test_the_examples_of_a_kind_have_the_numbers_that_people_think_of(
    definition: Any, prefix: str, some: list[str]
) -> None:
    assert not set(some) - set(make(definition, SUFFIXES).examples(prefix))


@pytest.mark.parametrize("definition", ["sha", "build", "timestamp", NIGHTLY])
def test_what_has_no_numbers_has_no_examples_that_begin_with_some(definition: Any) -> None:
    assert not list(make(definition, SUFFIXES).examples("2.7"))


@pytest.mark.parametrize("definition", ALL, ids=str)
def test_examples_end_with_what_was_asked_for(definition: Any) -> None:
    kind = make(definition, SUFFIXES)
    assert list(kind.examples(suffix="-x")) == [f"{tag}-x" for tag in kind.examples()]


@pytest.mark.parametrize(
    ("expression", "least", "most"),
    [("(?=x)y", 0, 0), ("[ab]", 2, 2), ("x[a-z]{3}", 40, 60), ("(?P<version>[0-9]+)?x", 1, 200)],
)
def test_the_examples_of_a_pattern_are_some_of_many(expression: str, least: int, most: int) -> None:
    drawn = strings(expression)
    found = [tag for tag in make({"pattern": expression}, SUFFIXES).examples() if tag in drawn]
    assert least <= len(found) <= most


@pytest.mark.parametrize(
    ("kind", "value", "hint"),
    [
        ("semver", 3, ""),
        ("version", 3, "{version: {parts: 3}}"),
        ("version", "x", "{version: {parts: N}}"),
        ("version", True, "{version: {parts: N}}"),
        ("pattern", 3, ""),
    ],
)
def test_a_kind_says_how_its_settings_are_written(kind: str, value: Any, hint: str) -> None:
    (found,) = (each for each in KINDS if each.name == kind)
    assert found.hint(value) == hint


@pytest.mark.parametrize(
    ("groups", "advice"),
    [
        ("(?P<version>1)(?P<prerelease>a)", []),
        ("(?P<prerelease>a)(?P<revision>b)",
         ["The group `prerelease` has no effect without the group `version`."]),
        ("(?P<revision>b)", ["The group `revision` has no effect without the group `version`."]),
        ("(?P<variant>b)", []),
    ],
)  # fmt: skip
def test_a_group_that_needs_a_version_has_none(groups: str, advice: list[str]) -> None:
    assert list(make({"pattern": groups}, SUFFIXES).advice()) == advice
    assert not list(make("semver", SUFFIXES).advice())


@pytest.mark.parametrize(
    ("tag", "prerelease", "revisions", "variant"),
    [
        ("1-", None, (), None),
        ("1--", None, (), None),
        ("1-rc", "rc", (), None),
        ("1-p2", None, ("p2",), None),
        ("1-rcp2-alpine", "rc", ("p2",), "alpine"),
    ],
)
def test_a_group_that_matches_nothing_says_nothing(
    tag: str, prerelease: str | None, revisions: tuple[str, ...], variant: str | None
) -> None:
    expression = (
        "(?P<version>[0-9]+)-(?P<prerelease>(?:rc)?)(?P<revision>(?:p[0-9])?)"
        "(?:-(?P<variant>[a-z]*))?"
    )
    unique = make({"pattern": expression}, SUFFIXES).read(tag)
    assert unique is not None
    assert unique.version is not None
    assert unique.version.prerelease == prerelease
    assert unique.version.revisions == revisions
    assert unique.variant == variant


@pytest.mark.parametrize(
    ("expression", "drawn"),
    [
        ("[a-c]", "a b c"),
        ("[cab_-]", "_ a b c"),
        (r"\d", "0 1 2 3 4 5 6 7 8 9"),
        (r"x\W", "x- x."),
        (r"x\s", ""),
        ("x[^A-Za-z0-9_]", "x- x."),
        ("x[^A-Za-z0-9_.-]", ""),
        (r"x[^\w.]", "x-"),
        (r"(a|b)\1", "aa bb"),
        ("(a)?(?(1)b|c)", "c ab"),
        ("x(a)?(?(1)b)", "x xab"),
        ("a{2,3}", "aa aaa"),
        ("a*", "a aa aaa aaaa aaaaa"),
        ("xa+?", "xa xaa xaaa xaaaa xaaaaa xaaaaaa"),
        ("xa?+", "x xa"),
        ("(?>ab)", "ab"),
        ("x(?=y)y", "xy"),
        ("[/]", ""),
    ],
)
def test_the_strings_of_an_expression_are_all_that_a_short_one_matches(
    expression: str, drawn: str
) -> None:
    assert strings(expression) == tuple(drawn.split())


@pytest.mark.parametrize(
    ("expression", "count", "without"),
    [(r"x\w", 63, "-."), (r"x\D", 55, "0123456789"), (r"x\S", 65, ""), ("x.", 65, ""),
     ("x[^b]", 64, "b")],
)  # fmt: skip
def test_a_letter_of_a_kind_is_any_of_those_that_tags_can_have(
    expression: str, count: int, without: str
) -> None:
    letters = {each[1] for each in strings(expression)}
    assert len(letters) == count
    assert not letters & set(without)


@pytest.mark.parametrize(
    ("expression", "group", "inside"),
    [
        ("a(?P<b>x|y)c", "b", "(?:x|y)"),
        ("(?P<b>(x)(?P<c>y)(?:z))", "b", "(?:(?:x)(?:y)(?:z))"),
        ("(?P<b>[()]x)y", "b", "(?:[()]x)"),
        (r"(?P<b>\(x)y", "b", r"(?:\(x)"),
        (r"(x)(?P<b>\1)", "b", "[A-Za-z0-9_.-]+"),
        ("(?i)(?P<b>x)", "b", "(?i:x)"),
    ],
)
def test_the_expression_of_a_group_has_no_groups(expression: str, group: str, inside: str) -> None:
    assert group_expression(expression, group) == inside


@pytest.mark.parametrize(
    ("prefix", "count", "first"),
    [
        ("", 3, "1.4.2"),
        ("", 4, "10.0.20348.1"),
        ("", 5, "1.4.2.7.1"),
        ("2", 3, "2.4.2"),
        ("2.7", 1, "2.7"),
    ],
)
def test_versions_begin_with_what_was_asked_for(prefix: str, count: int, first: str) -> None:
    assert next(versions([count], prefix)) == first
    assert usual(1) == "17"


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("2.7", True),
        ("2.7.1", True),
        ("v02_7Z", True),
        ("2", False),
        ("2.70", False),
        ("12.7", False),
    ],
)
def test_numbers_begin_with_those_of_a_prefix(text: str, begins: bool) -> None:
    assert (re.fullmatch(written("2.7"), text) is not None) is begins


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"version": {"parts": 0}}, "`parts` takes whole numbers from 1 to 8; it is `0`."),
        ({"version": {"parts": 9}}, "`parts` takes whole numbers from 1 to 8; it is `9`."),
        ({"version": {"parts": True}}, "`parts` takes whole numbers from 1 to 8; it is `True`."),
        ({"version": {"parts": []}}, "`parts` takes whole numbers from 1 to 8; it is `[]`."),
        ({"pattern": "(?<x>a)"}, "In Python a named group is written"),
        (
            {"version": {"parts": 1}, "pattern": "x"},
            "is not a kind of unique tag; there are semver, sha",
        ),
        ({"version": {"parts": 1, "of": 2}}, "is not a kind of unique tag; there are semver, sha"),
        ({"version": 1}, "is not a kind of unique tag; there are semver, sha"),
        (5, "`5` is not a kind of unique tag; there are semver, sha"),
        (["pattern"], "is not a kind of unique tag; there are semver, sha"),
    ],
)
def test_a_definition_that_is_none_is_refused(definition: Any, said: str) -> None:
    with pytest.raises(KindError) as caught:
        make(definition, SUFFIXES)
    assert said in str(caught.value)


@pytest.mark.parametrize("parts", [1, 8, [1, 8]])
def test_a_version_has_one_to_eight_numbers(parts: Any) -> None:
    assert make({"version": {"parts": parts}}, SUFFIXES).counts


@pytest.mark.parametrize(
    ("definition", "tag", "said"),
    [
        ("sha", "9F1C2AB-ALPINE-x", None),
        ("sha", "9F1C2AB-alpine", "commits are written in lowercase: 9f1c2ab-alpine is one"),
        ("sha", "9f1c2ab", None),
        ("sha", "9f1c2ab-", "`` after it is no variant, no revision and no platform of the rule"),
        ("sha", "Main", None),
        ("timestamp", "20261323", "there is no such date and time"),
        ("timestamp", "20261123-other",
         "`other` after it is no variant, no revision and no platform of the rule"),
        ("timestamp", "20261123-alpine", None),
        ("timestamp", "main", None),
        (ONE, "1.4", "it has 2 numbers where the rule has 1: `{version: {parts: 2}}` takes it"),
        (TWO_OR_FOUR, "17",
         "it has 1 number where the rule has 2 or 4: `{version: {parts: 1}}` takes it"),
        (ONE, "main", None),
        (NIGHTLY, "nightly", None),
    ],
)  # fmt: skip
def test_a_tag_that_nearly_is_one_is_told_why_it_is_none(
    definition: Any, tag: str, said: str | None
) -> None:
    assert make(definition, SUFFIXES).nearly(tag) == said


@pytest.mark.parametrize(
    ("tag", "numbers"),
    [("20261123", ("2026", "11", "23")), ("20261123T0224Z", ("2026", "11", "23", "02", "24")),
     ("2026-11-23T02-24-59", ("2026", "11", "23", "02", "24", "59"))],
)  # fmt: skip
def test_a_time_has_its_numbers(tag: str, numbers: tuple[str, ...]) -> None:
    unique = make("timestamp", SUFFIXES).read(tag)
    assert unique is not None
    assert unique.version is not None
    assert unique.version.written == numbers
    assert unique.is_date
