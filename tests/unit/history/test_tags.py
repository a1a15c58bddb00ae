"""History on the table in memory: the contract, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ecr_steward.history.dynamo import read, write
from ecr_steward.history.findings import News
from ecr_steward.history.table import Item, Write
from ecr_steward.history.tags import History
from ecr_steward.words import grammar
from ecr_steward_cli.given.names import is_repository
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.counted_table import CountedTable
from tests.support.facts import REJECTED, story
from tests.support.history_contract import NAME, HistoryContract, wordy


class TestHistoryInMemory(HistoryContract):
    @pytest.fixture
    def table(self) -> MemoryTable:
        return MemoryTable()


def test_to_recall_is_one_read() -> None:
    table = CountedTable()
    History(table).recall(NAME, ["1", "1.4", "latest"], ["1.4.2"])
    assert table.calls == {"get": 1}


def test_a_finding_said_before_is_one_read_and_no_write() -> None:
    table = CountedTable()
    History(table).findings.say([REJECTED])
    table.calls.clear()
    History(table).findings.say([REJECTED])
    assert table.calls == {"get": 1}


@pytest.mark.parametrize(
    ("found", "calls"), [(25, {"transact": 1}), (26, {"get": 1, "transact": 1})]
)
def test_findings_about_few_other_tags_are_told_without_a_read(
    found: int, calls: dict[str, int]
) -> None:
    table = CountedTable()
    findings = [replace(REJECTED, tag=f"t{n}") for n in range(found)]
    known = News(said={(f"repo#{NAME}", "said"): ()}, unread=True)
    History(table).note(NAME, news=History(table).findings.news(findings, known))
    assert table.calls == calls


def test_to_announce_is_one_write_and_to_close_is_one_transaction() -> None:
    table = CountedTable()
    history, facts = History(table), story("1.4", "1", "latest")
    led = history.recall(NAME, [], [], [facts[0].cause.id]).led
    table.calls.clear()
    history.announce(NAME, facts)
    history.close(NAME, facts, led=led)
    assert table.calls == {"put_all": 1, "transact": 1}


class Killed(MemoryTable):
    """A table whose user is killed before it announces with more than one item."""

    def transact(self, writes: Sequence[Write]) -> None:
        raise KeyboardInterrupt


def test_a_large_announcement_is_made_with_its_first_item_or_not_at_all() -> None:
    table = Killed()
    with pytest.raises(KeyboardInterrupt):
        History(table).close(NAME, [], wordy(90))
    assert History(table).recall(NAME, [], []).open == ()
    History(table).announce(NAME, wordy(60))
    assert History(table).recall(NAME, [], []).open == tuple(wordy(60))


def test_prefixes_that_have_not_changed_are_not_written_again() -> None:
    table = CountedTable()
    for _ in range(3):
        History(table).remember_pull_through(["quay"])
    assert table.calls == {"get": 3, "put_all": 1}


def test_what_separates_the_keys_is_in_no_repositorys_and_no_tags_name() -> None:
    assert not is_repository("base#redis")
    assert not grammar.is_tag("1#4")


@pytest.mark.parametrize(
    "item",
    [
        Item("p", "s"),
        Item("p", "s", {"a": [1, None]}, 7, {"moved": 3, "n_odd": 1}),
        Item("p", "s", "", None, {"body": 1, "expires": 2}),
    ],
)
def test_an_item_survives_the_form_that_dynamodb_and_its_stream_give_it(item: Item) -> None:
    assert read(write(item)) == item
