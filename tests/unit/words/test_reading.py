"""Text as it may be shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.words.reading import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1.4.2 → käse 日本", "1.4.2 → käse 日本"),
        ("\x1b[2J\x07\r\n", "\\u001b[2J\\u0007\\r\\n"),
        ("\x9b31m", "\\u009b31m"),
        ("1.4\u202e2.4", "1.4\\u202e2.4"),
        ("la\u200btest", "la\\u200btest"),
        ("\udcff \U000e0041", "\\udcff \\udb40\\udc41"),
    ],
)
def test_what_is_no_character_becomes_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_whatever_comes_is_printable_and_stays_so(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)


@given(st.dictionaries(st.text(), st.text()))
def test_json_says_the_same_afterwards(document: dict[str, str]) -> None:
    assert json.loads(printable(json.dumps(document, ensure_ascii=False))) == document
