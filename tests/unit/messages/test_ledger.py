"""The ledger on the table in memory: the contract, and what it costs."""

from __future__ import annotations

import pytest

from ecr_steward.messages.ledger import Ledger
from ecr_steward.messages.whom.routing import NAME as CHANNEL_NAME
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.counted_table import CountedTable
from tests.support.facts import MOVED
from tests.support.ledger_contract import NOW, LedgerContract


class TestLedgerInMemory(LedgerContract):
    @pytest.fixture
    def table(self) -> MemoryTable:
        return MemoryTable()


def test_a_story_told_to_one_channel_costs_two_reads_and_six_writes() -> None:
    table = CountedTable()
    ledger = Ledger(table)
    ledger.arrive([MOVED], NOW)
    story = ledger.story(MOVED.cause.id)
    assert ledger.claim(story, NOW)
    ledger.state("platform", NOW)
    ledger.count("platform", NOW)
    ledger.pay(MOVED.cause.id, "platform", [MOVED], NOW)
    ledger.settle(story, NOW)
    assert table.calls == {"query": 1, "get": 1, "put_all": 4, "transact": 1, "count": 1}


def test_what_separates_the_keys_is_in_no_channels_name() -> None:
    assert CHANNEL_NAME.fullmatch("a#b") is None
