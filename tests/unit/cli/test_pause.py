"""Stopping and starting the writers."""

from __future__ import annotations

import pytest

from ecr_steward_cli.commands.pause import pause, resume, switch
from ecr_steward_cli.terminal.errors import NeedsAttention
from tests.unit.cli.stack_fakes import POLICY, RETAG, Deployed, denied


def test_pause_waits_until_the_writers_stand_still_and_says_what_holds() -> None:
    deployed = Deployed()
    deployed.functions.slowness = 5
    began = deployed.now
    result = deployed.run(pause)
    assert result.exit_code == 0
    assert result.stdout.startswith("Paused: messages wait in the queues for up to 14 days")
    assert deployed.functions.state == "Disabled"
    assert (deployed.now - began).total_seconds() >= 5


def test_resume_starts_the_writers_again() -> None:
    deployed = Deployed()
    deployed.functions.state = "Disabled"
    result = deployed.run(resume)
    assert result.exit_code == 0
    assert result.stdout.startswith("Running: ")
    assert deployed.functions.changes == [(RETAG, True), (POLICY, True)]


def test_one_writer_that_runs_is_stopped_beside_the_other() -> None:
    deployed = Deployed()
    deployed.functions.states[RETAG] = "Disabled"
    assert deployed.run(pause).stdout.startswith("Paused: ")
    assert deployed.functions.changes == [(POLICY, False)]
    assert deployed.functions.state == "Disabled"


def test_resume_leaves_the_writer_of_settings_alone_where_they_are_off() -> None:
    deployed = Deployed()
    deployed.cloudformation.outputs["SettingsMode"] = "off"
    deployed.functions.state = "Disabled"
    assert deployed.run(resume).exit_code == 0
    assert deployed.functions.states == {RETAG: "Enabled", POLICY: "Disabled"}


def test_what_holds_already_is_left_alone() -> None:
    deployed = Deployed()
    assert deployed.run(resume).stdout.startswith("Already running: ")
    deployed.functions.state = "Disabled"
    assert deployed.run(pause).stdout.startswith("Already paused: ")
    assert deployed.functions.changes == []


def test_a_change_under_way_is_waited_for_before_another_is_asked_for() -> None:
    deployed = Deployed()
    deployed.functions.state = "Enabling"
    states: list[str] = []
    assert switch(deployed.stack(), on=False, progress=states.append)
    assert states == ["Enabled", "Disabled"]
    deployed.functions.state = "Updating"
    deployed.at(3, lambda: setattr(deployed.functions, "state", "Enabled"))
    assert switch(deployed.stack(), on=False)
    assert deployed.functions.state == "Disabled"


def test_a_change_that_lambda_refuses_because_of_another_is_asked_for_again() -> None:
    deployed = Deployed()
    deployed.refusals["update_event_source_mapping"] = refused = denied("UpdateEventSourceMapping")
    refused.response["Error"]["Code"] = "ResourceInUseException"
    deployed.at(2, deployed.refusals.clear)
    assert switch(deployed.stack(), on=False)
    assert deployed.functions.state == "Disabled"


def test_a_change_that_takes_minutes_is_given_up_with_the_way_out() -> None:
    deployed = Deployed()
    deployed.functions.slowness = 1000
    with pytest.raises(NeedsAttention, match="still Disabling after 180 seconds: `ecr-steward st"):
        switch(deployed.stack(), on=False)


def test_resume_is_refused_where_mode_is_off() -> None:
    deployed = Deployed()
    deployed.cloudformation.outputs["Mode"] = "off"
    deployed.functions.state = "Disabled"
    result = deployed.run(resume)
    assert result.exit_code == 2
    assert "has Mode=off: deploy it with Mode=audit or Mode=enforce" in result.stderr
    assert deployed.functions.changes == []


def test_a_denied_change_is_said_and_exits_2() -> None:
    deployed = Deployed()
    deployed.refusals["update_event_source_mapping"] = denied("UpdateEventSourceMapping")
    result = deployed.run(pause)
    assert result.exit_code == 2
    assert result.stderr.startswith("You are not allowed to call UpdateEventSourceMapping: ")
