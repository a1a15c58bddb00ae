"""What a function is told by its environment."""

from __future__ import annotations

import pytest

from ecr_steward.rules import Mode
from ecr_steward.start.environment import Environment, Misconfigured

ENV = Environment({"NAME": "history", "TRIES": "5", "FLAG": "true", "STEWARD_MODE": "audit"})


def test_each_variable_is_read_as_what_it_is() -> None:
    assert ENV.text("NAME") == "history"
    assert ENV.number("TRIES") == 5
    assert ENV.flag("FLAG") is True
    assert ENV.mode() is Mode.AUDIT


@pytest.mark.parametrize("value", ["", None])
def test_a_variable_that_is_missing_is_named(value: str | None) -> None:
    env = Environment({} if value is None else {"NAME": value})
    with pytest.raises(Misconfigured, match="The environment variable NAME is missing"):
        env.text("NAME")


def test_what_is_no_number_no_flag_and_no_mode_is_named_with_its_value() -> None:
    env = Environment({"X": "yes"})
    with pytest.raises(Misconfigured, match="X must be a whole number: `yes`"):
        env.number("X")
    with pytest.raises(Misconfigured, match="X must be true or false: `yes`"):
        env.flag("X")
    with pytest.raises(Misconfigured, match=r"X must be one of .*: `yes`"):
        env.mode("X")
