"""docs/messages.md lists the events, and shows every message."""

from __future__ import annotations

from ecr_steward.rules.channels import Form, Service
from ecr_steward.words.facts import DETAIL_TYPES
from ecr_steward_cli.rules_file.load import inspect_text
from ecr_steward_cli.schemas import event_schema
from tests.support import messages
from tests.support.pages import DOCS, ROOT, blocks, code, pictures, read, table

MESSAGES = read("docs/messages.md")


def test_every_event_is_listed_in_the_words_of_its_schema() -> None:
    expected = {
        code(name): event_schema(name)["description"].partition(": ")[2]
        for name in DETAIL_TYPES.values()
    }
    assert dict(table(MESSAGES, "`detail-type`", "When")) == expected


def test_the_example_of_channels_is_a_file_that_says_nothing_in_vain() -> None:
    (example,) = blocks(MESSAGES, "yaml", "channels:\n")
    assert inspect_text(f"version: 1\n{example}", "messages.md").warnings == ()


def test_every_type_of_channel_is_listed() -> None:
    rows = table(MESSAGES, "Type", "What arrives", "Limit")
    assert {row[0].partition(",")[0] for row in rows} == {code(each.value) for each in Service}


def test_every_event_has_its_golden_file_in_every_form() -> None:
    columns = dict(zip(("Slack", "Teams", "Webhook", "E-mail", "Amazon Q"), Form, strict=True))
    shown = table(MESSAGES, "Event", *columns)
    assert [name.strip("`").replace(".", "_") for name, *_ in shown] == list(messages.EVENTS)
    for name, *cells in shown:
        for form, cell in zip(columns.values(), cells, strict=True):
            path = messages.file(form, name.strip("`").replace(".", "_")).relative_to(ROOT)
            assert cell == f"[{form}](../{path})"


def test_every_picture_is_shown_and_of_the_size_that_pages_bear() -> None:
    drawn = sorted((DOCS / "pictures").glob("*.png"))
    assert sorted(pictures(MESSAGES)) == [str(path.relative_to(DOCS)) for path in drawn]
    assert all(path.stat().st_size < 150_000 for path in drawn)
