"""Actions as IAM's patterns name them, and what each lets one do."""

from __future__ import annotations

import fnmatch

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
