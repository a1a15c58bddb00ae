"""The stacks the tests look at; each is transformed once."""

from __future__ import annotations

import pytest

from tests.template import support
from tests.template.support import Stack

MODES = ("audit", "enforce", "off")


@pytest.fixture(scope="session", params=MODES)
def any_stack(request: pytest.FixtureRequest) -> Stack:
    """The stack in each mode, everything else as the template has it."""
    return support.stack(Mode=request.param)


@pytest.fixture(scope="session")
def audit() -> Stack:
    return support.stack()


@pytest.fixture(scope="session")
def enforce() -> Stack:
    return support.stack(Mode="enforce")


@pytest.fixture(scope="session")
def off() -> Stack:
    return support.stack(Mode="off")
