"""Text as it may be shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.words.reading import iso, parse_time, printable


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


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2026-02-30", "`2026-02-30` is no time: day is out of range for month"),
        ("2026-13-01T00:00:00Z", "`2026-13-01T00:00:00Z` is no time: month must be in 1..12"),
        ("2026-11-23 at 2", "`2026-11-23 at 2` is no ISO 8601 time"),
        ("yesterday", "`yesterday` is no ISO 8601 time"),
        ("2026", "`2026` is no ISO 8601 time"),
        ("2026-11-23T02:24:00", "`2026-11-23T02:24:00` has no time zone; end it with Z"),
        ("0001-01-01T00:00:00+01:00",
         "`0001-01-01T00:00:00+01:00` is before the year 1 or after 9999 in UTC"),
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_in_a_sentence(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^`") as caught:
        parse_time(written)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("microseconds", "written"),
    [(999, "00Z"), (1000, "00.001Z"), (1999, "00.001Z"), (0, "00Z")],
)
def test_a_time_of_a_millisecond_is_written_with_it(microseconds: int, written: str) -> None:
    time = datetime(2026, 11, 23, 2, 24, 0, microseconds, UTC)
    assert iso(time) == f"2026-11-23T02:24:{written}"
