"""One local cloud for all e2e tests of a worker, with stacks deployed to it by the real SAM CLI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cloud import HOME, LocalCloud
from tests.e2e import guard
from tests.e2e.deployed import Deployed

_RULES = Path(__file__).with_name("rules.yaml")


@pytest.fixture(scope="session")
def home(worker_id: str) -> Path:
    """The worker's own folder for clouds."""
    return HOME.with_name(f".local-cloud-e2e-{worker_id}")


@pytest.fixture(scope="session")
def cloud(home: Path) -> Iterator[LocalCloud]:
    with guard.over(LocalCloud(home, schedules=False)) as running:
        yield running


@pytest.fixture(scope="session")
def template(cloud: LocalCloud) -> Path:
    return cloud.sam_build(rules=_RULES)


@pytest.fixture(scope="session")
def base(cloud: LocalCloud, template: Path) -> Deployed:
    """The stack that looks after base/*."""
    stack = Deployed(
        cloud,
        "e2e",
        template,
        RepositoryPattern="base/*",
        SettingsMode="enforce",
        AllowExpiry="true",
        RunningSources="pods",
        WorkloadAccounts="",
    )
    stack.deploy("enforce")
    stack.listen()
    return stack


@pytest.fixture
def stack(base: Deployed) -> Iterator[Deployed]:
    """The same, in enforce and at rest; what it says must fit the events' schemas, and nothing may
    be left."""
    base.deploy("enforce")
    base.rest()
    base.cloud.reset_calls()
    yield base
    base.rest()
    assert base.faults() == []
    assert base.failures() == {}
