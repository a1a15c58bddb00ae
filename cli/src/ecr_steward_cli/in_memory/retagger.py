"""The deployed writer of tags over a registry without AWS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.tags import History
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.words.facts import FactMaker
from ecr_steward.writers.apply import Spread
from ecr_steward.writers.contest import Witness, nobody
from ecr_steward.writers.tags import Retagger
from ecr_steward_cli.in_memory.images import MemoryEcr
from ecr_steward_cli.in_memory.table import MemoryTable

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient


def retagger(
    ecr: MemoryEcr | ECRClient,
    clock: Callable[[], datetime],
    rules: Ruleset,
    *,
    mode: Mode = Mode.ENFORCE,
    history: History | None = None,
    allow_removal: bool = False,
    witness: Witness = nobody,
    spread: Spread = map,
) -> Retagger:
    """The writer of tags, for a registry in memory or one with its client; without a `history`,
    with one of its own. `clock` gives the time (UTC)."""
    return Retagger(
        rules=rules,
        cap=mode,
        registry=EcrRegistry(ecr.client if isinstance(ecr, MemoryEcr) else ecr),
        history=history or History(MemoryTable()),
        maker=FactMaker("123456789012", "eu-west-1", clock, rules.fingerprint),
        allow_removal=allow_removal,
        witness=witness,
        spread=spread,
    )
