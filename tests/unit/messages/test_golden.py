"""What people read, form by form: the golden files are the messages."""

from __future__ import annotations

import pytest

from ecr_steward.words.events import EVENTS as NAMES
from tests.support.messages import EVENTS, FORMS, GOLDEN, file, golden, messages

ALL = [(form, name) for form in FORMS for name in messages(form)]


@pytest.mark.parametrize(("form", "name"), ALL, ids=[f"{form}-{name}" for form, name in ALL])
def test_a_message_reads_as_its_golden_file(form: str, name: str) -> None:
    """`python -m tests.support.messages` writes them again; `git diff` then shows the changes."""
    assert golden(form, messages(form)[name]) == file(form, name).read_text(encoding="utf-8")


def test_every_golden_file_is_of_a_message() -> None:
    found = {path for path in GOLDEN.rglob("*") if path.is_file()}
    assert found == {file(form, name) for form, name in ALL}


def test_every_event_has_a_golden_file_in_every_form() -> None:
    assert {name.replace(".", "_") for name in NAMES} == set(EVENTS)
    for form in FORMS:
        assert all(file(form, name).exists() for name in EVENTS)
