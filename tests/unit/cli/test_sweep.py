"""A sweep by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ecr_steward.cli.errors import NeedsAttention
from ecr_steward.cli.sweep import follow, send, sweep
from tests.unit.cli.stack_fakes import NOW, Deployed, denied, refusal, swept

SWEEP = "hand-20261123T022400.000000Z"


def expect(deployed: Deployed, repositories: int) -> None:
    deployed.history.expect(SWEEP, 0, repositories, 1, NOW)


def visit(deployed: Deployed, repository: str, **totals: int) -> None:
    deployed.history.swept(SWEEP, repository, {"repositories": 1, **totals}, deployed.now)


def finish(deployed: Deployed, **given: object) -> None:
    deployed.history.complete(SWEEP, swept(SWEEP, deployed.now, **given))


def test_the_function_gets_the_glob_and_an_id_made_from_the_time() -> None:
    deployed = Deployed()
    assert send(deployed.stack(), "base/*") == (SWEEP, 2)
    (asked,) = deployed.functions.invoked
    assert asked == {"function": "sweep", "glob": "base/*", "id": "20261123T022400.000000Z"}


def test_two_sweeps_have_two_ids() -> None:
    deployed = Deployed()
    first, _ = send(deployed.stack(), "*")
    deployed.now += timedelta(milliseconds=1)
    assert send(deployed.stack(), "*")[0] != first


def test_it_waits_for_the_last_repository_and_prints_the_summary() -> None:
    deployed = Deployed()
    expect(deployed, 2)
    deployed.at(3, lambda: visit(deployed, "base/redis"))
    deployed.at(5, lambda: visit(deployed, "base/node"))
    deployed.at(6, lambda: finish(deployed, reason="2 repositories swept, 1 moved."))
    result = deployed.run(sweep)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"2 repositories were sent to the writers, as sweep {SWEEP}.",
        "2 repositories swept, 1 moved.",
    ]
    assert deployed.now - NOW == timedelta(seconds=6)
    assert deployed.functions.invoked[0]["glob"] == "*"


def test_progress_is_told_as_repositories_are_visited() -> None:
    deployed = Deployed()
    expect(deployed, 2)
    deployed.at(1, lambda: visit(deployed, "base/redis"))
    deployed.at(3, lambda: visit(deployed, "base/node"))
    deployed.at(4, lambda: finish(deployed))
    told: list[int] = []
    follow(deployed.stack(), SWEEP, timedelta(minutes=1), told.append)
    assert told == [0, 1, 1, 2, 2]


def test_in_audit_it_says_that_nothing_was_done() -> None:
    deployed = Deployed()
    finish(deployed, mode="audit")
    result = deployed.run(sweep)
    assert "Mode is audit: this is what would have been done." in result.stdout


def test_without_waiting_it_only_sends() -> None:
    deployed = Deployed()
    deployed.functions.reply = {"sent": 1}
    result = deployed.run(sweep, "base/redis", "--no-wait")
    assert result.exit_code == 0
    assert result.stdout == f"1 repository was sent to the writers, as sweep {SWEEP}.\n"
    assert deployed.now == NOW


def test_while_the_writers_are_paused_it_does_not_wait() -> None:
    deployed = Deployed()
    deployed.functions.state = "Disabled"
    result = deployed.run(sweep)
    assert result.exit_code == 0
    assert "The writers are paused: it begins with `ecr-steward resume`." in result.stdout
    assert deployed.now == NOW


def test_it_waits_although_it_may_not_ask_whether_the_writers_run() -> None:
    deployed = Deployed()
    deployed.refusals["get_event_source_mapping"] = denied("GetEventSourceMapping")
    finish(deployed)
    assert deployed.run(sweep).stdout.endswith("2 repositories swept.\n")


def test_a_glob_that_matches_nothing_exits_1_with_the_reason() -> None:
    deployed = Deployed()
    deployed.cloudformation.outputs["RepositoryPattern"] = "team-a/*"
    deployed.functions.reply = {"sent": 0}
    result = deployed.run(sweep, "nothing/*")
    assert result.exit_code == 1
    assert result.stderr.startswith("No repository was sent: none that a rule says something ab")
    assert "matches `nothing/*`, as far as this stack's RepositoryPattern `team-a/*` goes." in (
        result.stderr
    )


def test_a_stack_that_is_off_sweeps_nothing() -> None:
    deployed = Deployed()
    deployed.cloudformation.outputs["Mode"] = "off"
    result = deployed.run(sweep)
    assert result.exit_code == 2
    assert "has Mode=off, so nothing is swept: deploy it with Mode=audit or" in result.stderr
    assert deployed.functions.invoked == []


def test_a_function_that_fails_exits_1_with_its_own_words() -> None:
    deployed = Deployed()
    deployed.functions.error = "Unhandled"
    deployed.functions.reply = {"errorMessage": "There are no rules.", "errorType": "RulesError"}
    result = deployed.run(sweep)
    assert result.exit_code == 1
    assert result.stderr == "sweep failed: There are no rules. Its log says more.\n"


def test_a_function_that_may_not_be_called_exits_2() -> None:
    deployed = Deployed()
    deployed.refusals["invoke"] = refusal("AccessDeniedException", "Invoke", "not authorized")
    result = deployed.run(sweep)
    assert result.exit_code == 2
    assert result.stderr == "You may not call Invoke: not authorized. Ask for that right.\n"


def test_a_sweep_that_takes_longer_goes_on_without_us() -> None:
    deployed = Deployed()
    expect(deployed, 2)
    visit(deployed, "base/redis")
    result = deployed.run(sweep, "--timeout", "10")
    assert result.exit_code == 1
    assert "After 10 seconds 1 of 2 repositories were visited. The sweep goes on" in result.stderr
    assert deployed.now - NOW == timedelta(seconds=10)


def test_failures_in_a_sweep_need_a_look() -> None:
    deployed = Deployed()
    finish(deployed, reason="2 repositories swept, 1 failed.", totals={"failed": 1})
    result = deployed.run(sweep)
    assert result.exit_code == 1
    assert "2 repositories swept, 1 failed." in result.stdout
    assert "Look at what failed: `ecr-steward history REPOSITORY`." in result.stderr


def test_nothing_is_followed_for_ever() -> None:
    deployed = Deployed()
    with pytest.raises(NeedsAttention, match="After 60 seconds 0 of 0 repositories were visited"):
        follow(deployed.stack(), SWEEP, timedelta(minutes=1))
