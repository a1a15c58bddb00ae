"""Trying a channel of the deployed stack."""

from __future__ import annotations

import pytest

from ecr_steward_cli.commands.try_channel import notify_test
from tests.unit.cli.stack_fakes import Deployed, denied


@pytest.fixture
def deployed() -> Deployed:
    return Deployed()


def test_the_function_sends_the_sample_and_what_the_channel_said_is_said(
    deployed: Deployed,
) -> None:
    deployed.functions.reply = {"channel": "platform", "sent": True, "answer": "200 ok"}
    result = deployed.run(notify_test, "platform")
    assert result.exit_code == 0
    assert result.stdout == "`platform` accepted the sample: 200 ok.\n"
    assert deployed.functions.invoked == [{"function": "notify", "test": "platform"}]


def test_a_channel_that_does_not_take_it_exits_1_and_says_why(deployed: Deployed) -> None:
    deployed.functions.reply = {
        "channel": "platform", "sent": False, "answer": "It answered 404: gone.",
    }  # fmt: skip
    result = deployed.run(notify_test, "platform")
    assert result.exit_code == 1
    assert result.stderr == "`platform` did not accept the sample. It answered 404: gone.\n"


def test_an_unknown_channel_exits_2_with_those_there_are(deployed: Deployed) -> None:
    deployed.functions.reply = {"channel": "platfrom", "known": ["audit", "email", "platform"]}
    result = deployed.run(notify_test, "platfrom")
    assert result.exit_code == 2
    assert result.stderr == (
        "The deployed rules have no channel `platfrom`; there is audit, email, platform.\n"
    )


def test_a_function_that_fails_exits_1_with_its_words(deployed: Deployed) -> None:
    deployed.functions.reply = {"errorMessage": "STEWARD_MODE must be one of off, audit, enforce."}
    deployed.functions.error = "Unhandled"
    result = deployed.run(notify_test, "platform")
    assert result.exit_code == 1
    assert result.stderr.startswith("notify failed: STEWARD_MODE must be one of")


def test_a_denied_call_exits_2_and_names_the_right(deployed: Deployed) -> None:
    deployed.refusals["invoke"] = denied("Invoke")
    result = deployed.run(notify_test, "platform")
    assert result.exit_code == 2
    assert result.stderr.startswith("You are not allowed to call Invoke: ")


def test_no_channel_is_wrong_usage(deployed: Deployed) -> None:
    assert deployed.run(notify_test).exit_code == 2
