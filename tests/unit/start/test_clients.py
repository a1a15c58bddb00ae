"""The sandbox's clients."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import botocore.session
import pytest
from botocore import handlers
from botocore.utils import EVENT_ALIASES

from ecr_steward.start import clients
from ecr_steward.start.operations import OPERATIONS


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


def test_botocores_hooks_for_the_services_of_the_functions_are_kept() -> None:
    session = botocore.session.get_session()
    ids = {session.get_service_model(each).service_id.hyphenize() for each in OPERATIONS}
    assert ids <= clients.SERVICES
    assert {EVENT_ALIASES.get(each, each) for each in clients.SERVICES} == ids


@pytest.mark.parametrize(
    ("event", "concerns"),
    [
        ("before-parameter-build", True),
        ("choose-signer.sts.AssumeRoleWithSAML", True),
        ("after-call.sqs.*", True),
        ("before-call.s3.DeleteObjects", False),
        ("creating-client-class.rds", False),
        ("docs.*.lambda.UpdateFunctionCode.complete-section", False),
    ],
)
def test_a_hook_concerns_all_services_or_one_of_the_functions(event: str, concerns: bool) -> None:
    assert clients.concerns(event) == concerns


def test_what_botocore_hooks_to_every_service_is_hooked_to_the_clients_of_the_functions() -> None:
    kept = [each for each in handlers.BUILTIN_HANDLERS if clients.concerns(each[0])]
    assert handlers.generate_idempotent_uuid in [handler for _, handler in kept]
    assert len(kept) < 20
