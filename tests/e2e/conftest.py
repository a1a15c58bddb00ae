"""One local cloud for all e2e tests, with the stack deployed to it by the real SAM CLI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cloud import HOME, LocalCloud
from tests.e2e import guard
from tests.e2e.deployed import Deployed

_RULES = Path(__file__).with_name("rules.yaml")


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    running = LocalCloud(HOME.with_name(".local-cloud-e2e"))
    running.start()
    with guard.over(running):
        yield running


@pytest.fixture(scope="session")
def template(cloud: LocalCloud) -> Path:
    return cloud.sam_build(rules=_RULES)


@pytest.fixture(scope="session")
def base(cloud: LocalCloud, template: Path) -> Deployed:
    """The stack that looks after base/*."""
    stack = Deployed(cloud, "e2e", template, RepositoryPattern="base/*", SettingsMode="enforce")
    stack.deploy("enforce")
    stack.listen()
    return stack


@pytest.fixture
def stack(base: Deployed, request: pytest.FixtureRequest) -> Iterator[Deployed]:
    """The same, in enforce; what it says must fit the events' schemas, and nothing may be left.

    Every test leaves it at rest.
    """
    base.deploy("enforce")
    if request.session.testsfailed:
        base.rest()  # one that failed may have left it in the middle of something
    base.cloud.reset_calls()
    yield base
    assert base.faults() == []
    assert base.failures() == {}
