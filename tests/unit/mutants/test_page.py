"""What the page says of mutants, written and read again."""

from __future__ import annotations

from tests.mutants.page import Tried, read, shown

TAGS = Tried("tags", 1_458, 200, (r"tags/plan.py:7: `a \| b` -> `a`", "tags/look.py:9: `1` -> `2`"))
WORDS = Tried("words", 266, 50, ())


def test_what_was_tried_is_read_as_it_was_written() -> None:
    assert read(shown([TAGS, WORDS])) == [TAGS, WORDS]


def test_the_share_of_all_rooms_is_said() -> None:
    assert "248 of 250 are noticed: 99.2%." in shown([WORDS, TAGS])
