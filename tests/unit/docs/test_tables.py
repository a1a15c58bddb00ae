"""The tables that come from the schema, the template, the Makefile and the commands."""

from __future__ import annotations

import pytest

from tests.support.keys import keys
from tests.support.tables import TABLES, DocsTable

EACH = pytest.mark.parametrize("table", TABLES, ids=str)


@EACH
def test_a_table_says_what_the_code_says_and_make_tables_writes_it(table: DocsTable) -> None:
    assert table.shown() == table.wanted()


@EACH
def test_no_cell_of_a_table_is_empty(table: DocsTable) -> None:
    assert [row for row in table.shown() if len(row) != len(table.headings) or not all(row)] == []


def test_every_key_of_the_rules_file_is_in_one_table() -> None:
    shown = [row for table in TABLES if table.headings[0] == "Key" for row in table.shown()]
    assert shown == list(keys())
