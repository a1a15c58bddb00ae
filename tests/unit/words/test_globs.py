"""Which of many globs is the first that matches."""

from __future__ import annotations

import pytest

from ecr_steward.words.globs import Globs, PullThrough, glob_regex


@pytest.mark.parametrize(
    ("globs", "name", "first"),
    [
        ([], "a", None),
        (["a", "b"], "b", 1),
        (["a", "b"], "c", None),
        (["a", "a"], "a", 0),
        (["*"], "", 0),
        (["*"], "a/b", 0),
        (["x", "a*", "a"], "a", 1),
        (["abc*"], "abc", 0),
        (["*abc"], "abc", 0),
        (["*abc"], "bc", None),
        (["*abc", "*bc"], "xbc", 1),
        (["*b*"], "b", 0),
        (["*b*"], "abc", 0),
        (["*b*"], "ac", None),
        (["a*b"], "ab", 0),
        (["aa*aa"], "aaa", None),
        (["a*b*c"], "abc", 0),
        (["a*b*c"], "ac", None),
        (["a*b*c"], "abxc", 0),
        (["*ab*bc*"], "abc", None),
        (["*ab*bc*"], "abbc", 0),
        (["*a*bb*a*"], "abba", 0),
        (["*a*bb*a*"], "bba", None),
        (["a*ab*b"], "aabb", 0),
        (["a*ab*b"], "aab", None),
        (["a*ab*b"], "abb", None),
        (["**"], "a", 0),
        (["a**b"], "ab", 0),
        (["long-beginning-*", "*"], "long", 1),
    ],
)
def test_the_first_glob_that_matches_all_of_a_name_is_found(
    globs: list[str], name: str, first: int | None
) -> None:
    found = Globs()
    for number, glob in enumerate(globs):
        found.add(glob, number)
    assert found.first(name) == first
    expected = (n for n, glob in enumerate(globs) if glob_regex([glob]).fullmatch(name))
    assert first == next(expected, None)


def test_the_lowest_number_wins_whichever_was_added_first() -> None:
    found = Globs()
    for glob, number in (("a*", 3), ("a", 2), ("*a", 1), ("a", 4)):
        found.add(glob, number)
    assert found.first("a") == 1
    assert found.first("ab") == 3


@pytest.mark.parametrize(
    ("prefixes", "repository", "owned"),
    [
        ((), "hub/redis", False),
        (("hub",), "hub/redis", True),
        (("hub/",), "hub/redis", True),
        (("hub",), "hub", False),
        (("hub",), "hubs/redis", False),
        (("quay", "hub"), "hub/redis", True),
        (("ROOT",), "redis", True),
        (("quay", "ROOT"), "hub/redis", True),
    ],
)
def test_a_pull_through_cache_owns_what_begins_with_its_prefix(
    prefixes: tuple[str, ...], repository: str, owned: bool
) -> None:
    assert PullThrough(prefixes).owns(repository) is owned
