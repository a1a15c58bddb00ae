"""Actions as IAM's patterns name them, and what each lets one do."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.settings.actions import matched, matches, right_of


@given(st.text("ab*?", max_size=8), st.text("ab\n", max_size=8))
def test_a_star_is_any_run_of_characters_and_a_question_mark_any_one(
    pattern: str, text: str
) -> None:
    assert matches(pattern, text) is fnmatch.fnmatchcase(text, pattern)


def test_an_action_of_many_wildcards_is_read_at_once() -> None:
    assert matched("ecr:" + "*?" * 40 + "!") == frozenset()
    assert right_of(["ecr:" + "*?" * 8]) == "manage"


@pytest.mark.parametrize(
    ("patterns", "right"),
    [
        ([], "pull"),
        (["s3:GetObject"], "pull"),
        (["ecr:BatchGetImage"], "pull"),
        (["ecr:BatchGetImage", "ecr:PutImage"], "push"),
        (["ecr:PutImage", "ecr:DeleteRepository"], "manage"),
        (["ecr:*"], "manage"),
    ],
)
def test_a_statement_lets_one_do_the_most_that_any_of_its_actions_is(
    patterns: list[str], right: str
) -> None:
    assert right_of(patterns) == right
