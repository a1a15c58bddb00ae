"""What runs, on the table in memory."""

from __future__ import annotations

import pytest

from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.running_contract import RunningContract


class TestRunningInMemory(RunningContract):
    @pytest.fixture
    def table(self) -> MemoryTable:
        return MemoryTable()
