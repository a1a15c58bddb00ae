"""How many calls run at once, by what ECR says."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from ecr_steward_cli.live.pace import TRIES, Pace, PacedClient


def throttle() -> None:
    raise ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeImages")


def once(fault: Callable[[], None]) -> Callable[[], str]:
    """A method that fails once."""
    faults = iter([fault])

    def method() -> str:
        for each in faults:
            each()
        return "answer"

    return method


def test_a_throttle_halves_what_runs_at_once_and_calls_without_one_bring_it_back() -> None:
    waited: list[float] = []
    pace = Pace(8, waited.append)
    assert pace.call(once(throttle)) == "answer"
    assert (pace.limit, len(waited)) == (4, 1)
    for _ in range(40):
        pace.call(str)
    assert pace.limit == 8


def test_calls_that_ran_beside_a_throttled_one_halve_nothing_more() -> None:
    pace = Pace(8, lambda seconds: None)

    def beside() -> None:
        pace.call(once(throttle))
        throttle()

    pace.call(once(beside))
    assert pace.limit == 4


def test_a_throttle_that_does_not_pass_is_raised_after_a_while() -> None:
    waited: list[float] = []
    with pytest.raises(ClientError):
        Pace(8, waited.append).call(throttle)
    assert len(waited) == TRIES - 1
    assert sum(waited) > 60


def test_what_does_not_pass_is_raised_at_once() -> None:
    def denied() -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeImages")

    def sleep(seconds: float) -> None:
        pytest.fail("nothing to wait for")

    client = SimpleNamespace(describe_images=denied)
    with pytest.raises(ClientError):
        PacedClient(client, Pace(8, sleep)).describe_images()
