"""A history that is read and never written."""

from __future__ import annotations

import pytest

from ecr_steward.history.table import Add, Delete, Item, Put
from ecr_steward_cli.in_memory.table import MemoryTable
from ecr_steward_cli.live.overlay import Overlay
from tests.support.history_contract import HistoryContract

BELOW = Item("repo#a", "mark#1.4", "below")


@pytest.fixture
def below() -> MemoryTable:
    table = MemoryTable()
    table.put_all([BELOW, Item("repo#a", "mark#1.3", "below")])
    return table


class TestHistoryInAnOverlay(HistoryContract):
    @pytest.fixture
    def table(self) -> Overlay:
        return Overlay(MemoryTable())


def test_what_is_below_is_read_until_something_hides_it(below: MemoryTable) -> None:
    overlay = Overlay(below)
    overlay.transact([Put(Item("repo#a", "mark#1.4", "above")), Delete("repo#a", "mark#1.3")])
    assert overlay.get([("repo#a", "mark#1.4")])[("repo#a", "mark#1.4")].body == "above"
    assert overlay.get([("repo#a", "mark#1.3")]) == {}
    assert [item.body for item in overlay.query("repo#a", "mark#")] == ["above"]
    overlay.put_all([Item("repo#a", "mark#1.3", "again")])
    assert [item.body for item in overlay.query("repo#a")] == ["again", "above"]


def test_nothing_is_written_below(below: MemoryTable) -> None:
    overlay = Overlay(below)
    overlay.put_all([Item("repo#a", "new", "above")])
    overlay.transact([Delete("repo#a", "mark#1.4")])
    overlay.count(Add("sweep#1", "total", {"visits": 1}), expires=1)
    assert list(below.query("repo#a", "mark#1.4")) == [BELOW]
    assert not [*below.query("sweep#1"), *below.query("repo#a", "new")]


def test_what_is_counted_up_goes_on_from_what_is_below(below: MemoryTable) -> None:
    below.transact([Add("repo#a", "mark#1.4", {"n": 2})])
    overlay = Overlay(below)
    overlay.transact([Add("repo#a", "mark#1.4", {"n": 1, "m": 1})])
    (item,) = overlay.query("repo#a", "mark#1.4")
    assert (item.body, item.counters) == ("below", {"n": 3, "m": 1})
    overlay.transact([Delete("repo#a", "mark#1.4")])
    assert overlay.count(Add("repo#a", "mark#1.4", {"n": 1}), expires=1) == {"n": 1}
    (item,) = below.query("repo#a", "mark#1.4")
    assert item.counters == {"n": 2}
