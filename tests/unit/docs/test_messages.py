"""docs/messages.md lists the events, and shows every message."""

from __future__ import annotations

from ecr_steward.messages.channels.table import TYPES
from ecr_steward_cli.rules_file.load import inspect_text
from tests.support.pages import DOCS, blocks, code, pictures, read, table

MESSAGES = read("docs/messages.md")


def test_the_example_of_channels_is_a_file_that_says_nothing_in_vain() -> None:
    (example,) = blocks(MESSAGES, "yaml", "channels:\n")
    assert inspect_text(f"version: 1\n{example}", "messages.md").warnings == ()


def test_every_type_of_channel_is_listed() -> None:
    rows = table(MESSAGES, "Type", "What arrives", "Limit")
    assert {row[0].partition(",")[0] for row in rows} == {code(each) for each in TYPES}


def test_every_picture_is_shown_and_of_the_size_that_pages_bear() -> None:
    drawn = sorted((DOCS / "pictures").glob("*.png"))
    shown = pictures(MESSAGES) + pictures(read("docs/plan.md"))
    assert sorted(shown) == [str(path.relative_to(DOCS)) for path in drawn]
    assert all(path.stat().st_size < 150_000 for path in drawn)
