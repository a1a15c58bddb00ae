"""Languages of tags: what an expression writes, and what several have in common."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.settings import languages
from ecr_steward.settings.languages import (
    ANY_TEXT,
    Either,
    GaveUp,
    Language,
    NotRegular,
    Regex,
    Then,
    common,
    glob,
    literal,
    of_glob,
)

EXPRESSIONS = [
    "a", "ab|cd|", "[0-9a-f]{7,40}", "v?1(?:[.]2)*", "a+b?c*", "(?P<version>[0-9]+)-x", "[^a-z]+",
    r"\d\w\D", "(?i)Rc[0-9]", "(?i:rc)X", "a{2}", "a{2,}", "(a|b){0,3}c", ".+-.+", "(?>a|b)c",
    "^main$", r"a\.b", "a*?b", "[.-]x", "", r"\s", "[^.]", "(?:)",
]  # fmt: skip
TEXTS = st.text("ab1.2-vxcRrmain", max_size=8)


@pytest.mark.parametrize(
    "expression", ["(?!main)[a-z]+", r"([a-z])-\1", "(?=v)v1", "(a)?(?(1)b|c)x", "(?<!a)b+"]
)
def test_a_loose_language_has_all_that_python_matches_and_perhaps_more(expression: str) -> None:
    language = Language(Regex(expression), loose=True)
    tried = ("a-a", "prod", "v1", "abx", "cx", "bbb", "x-y", "main")
    matched = {text for text in tried if re.fullmatch(expression, text)}
    assert matched <= {text for text in tried if language.has(text)}
    assert matched


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_language_has_what_python_matches(expression: str) -> None:
    language = Language(Regex(expression))

    @given(TEXTS | st.sampled_from(["9f1c2ab", "main", "rc7", "Rc7", "v1.2.2", "10-x", "aab"]))
    def check(text: str) -> None:
        assert language.has(text) is (re.fullmatch(expression, text) is not None)

    check()


@pytest.mark.parametrize(
    "expression", ["(?=a)a", "(?!a)b", "(?<=a)b", r"(a)\1", "(", "((a{99}){99}){9}"]
)
def test_what_no_automaton_can_say_is_not_guessed(expression: str) -> None:
    with pytest.raises(NotRegular):
        Language(Regex(expression))


def test_languages_are_put_together_of_parts() -> None:
    both = Language(Then((literal("a."), Either((literal("x"), glob("y*"))), Regex("[0-9]"))))
    assert [each for each in ("a.x1", "a.y7", "a.yyy0", "a.z1", "abx1") if both.has(each)] == [
        "a.x1",
        "a.y7",
        "a.yyy0",
    ]


def test_a_tag_in_common_is_as_short_as_can_be_and_a_tag() -> None:
    assert common([of_glob("*-arm64"), Language(Regex("[0-9a-f]{7}(-[a-z0-9]+)?"))]) == (
        "aaaaaaa-arm64"
    )
    assert common([of_glob("*")], [of_glob("a*"), of_glob("*b")]) == "c"
    assert common([of_glob(".*")]) is None
    assert common([of_glob("pr-*")], [of_glob("p*")]) is None
    assert common([Language(ANY_TEXT), of_glob("a" * 129)]) is None


def test_a_search_that_takes_too_long_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "MOST_STEPS", 10)
    with pytest.raises(GaveUp):
        common([of_glob("*abcdefghij*klmnop*")])


GLOBS = st.lists(st.text("ab-*", min_size=1, max_size=5), min_size=1, max_size=3)


@given(GLOBS, GLOBS, st.lists(st.text("ab-", min_size=1, max_size=6), max_size=20))
def test_what_is_found_in_common_is_in_common_and_nothing_is_missed(
    yes: list[str], no: list[str], tags: list[str]
) -> None:
    def is_answer(tag: str) -> bool:
        return all(of_glob(g).has(tag) for g in yes) and not any(of_glob(g).has(tag) for g in no)

    found = common(list(map(of_glob, yes)), list(map(of_glob, no)))
    assert found is None or is_answer(found)
    shorter = [each for each in tags if is_answer(each) and not each.startswith("-")]
    assert all(found is not None and len(found) <= len(each) for each in shorter)


ACCEPTED: list[tuple[str, list[str], list[str]]] = [
    ("[a-c]", ["a", "b", "c"], ["d", "", "A"]),
    ("[^a-c]+", ["d", "1x"], ["a", "xc"]),
    ("[^.]", ["a", "-"], ["."]),
    (r"\w+", ["a", "Z", "9", "_"], [".", "-", "a-b"]),
    (r"\W", [".", "-"], ["_", "a", "1"]),
    (r"\d\D", ["1a", "0_"], ["11", "aa"]),
    ("a{2,3}", ["aa", "aaa"], ["a", "aaaa", "aaaaa"]),
    ("a{0,2}b", ["b", "ab", "aab"], ["aaab"]),
    ("a{2,}", ["aa", "aaaaaa"], ["a"]),
    ("(?i)a[b-c]", ["AB", "aC"], ["ad"]),
    ("a" * 128, ["a" * 128], ["a" * 127]),
    ("a{128}", ["a" * 128], ["a" * 127]),
    ("a{200}", [], ["a" * 126, "a" * 127, "a" * 128]),
]


@pytest.mark.parametrize(("expression", "has", "lacks"), ACCEPTED)
def test_a_language_has_just_what_its_expression_says(
    expression: str, has: list[str], lacks: list[str]
) -> None:
    language = Language(Regex(expression))
    assert [each for each in (*has, *lacks) if language.has(each)] == has
