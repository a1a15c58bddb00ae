"""The sandbox's clients."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ecr_steward.start import clients


class Session:
    """Makes what stands in for a client, and knows how many it was making at the same time."""

    def __init__(self) -> None:
        self.most = 0
        self._making = 0
        self._together = threading.Barrier(2, timeout=0.05)

    def create_client(self, service: str, config: object) -> tuple[str, object]:
        self._making += 1
        self.most = max(self.most, self._making)
        try:
            self._together.wait()  # whoever else is let in at the same time
        except threading.BrokenBarrierError:
            self._together.reset()
        self._making -= 1
        return service, config


def test_no_two_clients_are_made_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()
    monkeypatch.setattr(clients, "_session", lambda: session)
    make = clients.patient.__wrapped__
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(make, ("sns", "sqs", "ssm", "ecr")))
    assert [service for service, _ in made] == ["sns", "sqs", "ssm", "ecr"]
    assert session.most == 1
