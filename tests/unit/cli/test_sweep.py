"""A sweep by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ecr_steward.sweep.send import LOOK
from ecr_steward_cli.commands.sweep import sweep
from ecr_steward_cli.deployed.sweeps import follow, send
from ecr_steward_cli.terminal.errors import NeedsAttention
from tests.unit.cli.stack_fakes import NOW, Deployed, denied, refusal, swept

SWEEP = "hand-20261123T022400.000000Z"
MINUTE = timedelta(minutes=1)


def expect(deployed: Deployed, repositories: int) -> None:
    deployed.history.sweeps.expect(SWEEP, 0, repositories, 1, NOW)


def visit(deployed: Deployed, repository: str, **totals: int) -> None:
    deployed.history.sweeps.swept(SWEEP, repository, {"repositories": 1, **totals}, deployed.now)


def finish(deployed: Deployed, **given: object) -> None:
    deployed.history.sweeps.complete(SWEEP, swept(SWEEP, deployed.now, **given))


def busy(deployed: Deployed, seconds: float) -> None:
    """What is sent is delayed, and taken up `seconds` later."""

    def answered(sent: int) -> None:
        deployed.sqs.depths["RetagQueue"] = (0, 0, sent)
        deployed.at(seconds, lambda: deployed.sqs.depths.update(RetagQueue=(3, 16, 0)))

    deployed.functions.answered = answered


def interrupt() -> None:
    raise KeyboardInterrupt


def parts(deployed: Deployed) -> list[int]:
    """The portions that the function was asked for."""
    return [asked["part"] for asked in deployed.functions.invoked]


def test_the_function_gets_the_glob_and_an_id_made_from_the_time() -> None:
    deployed = Deployed()
    sending = send(deployed.stack(), "base/*", MINUTE)
    assert (sending.sweep, sending.sent, sending.matching) == (SWEEP, 2, 2)
    (asked,) = deployed.functions.invoked
    assert asked == {
        "function": "sweep",
        "glob": "base/*",
        "id": "20261123T022400.000000Z",
        "part": 0,
    }


def test_two_sweeps_have_two_ids() -> None:
    deployed = Deployed()
    first = send(deployed.stack(), "*", MINUTE)
    deployed.now += timedelta(milliseconds=1)
    assert send(deployed.stack(), "*", MINUTE).sweep != first.sweep


def test_each_portion_waits_until_the_writers_have_done_most_of_the_one_before() -> None:
    deployed = Deployed()
    deployed.functions.matching = 120
    busy(deployed, seconds=7)
    told: list[tuple[int, int, timedelta]] = []
    send(
        deployed.stack(),
        "*",
        MINUTE,
        lambda sending: told.append((sending.sent, sending.matching, deployed.now - NOW)),
    )
    assert told == [
        (50, 120, timedelta(0)),
        (100, 120, timedelta(seconds=7)),
        (120, 120, timedelta(seconds=14)),
    ]
    assert parts(deployed) == [0, 1, 2]
    assert len({asked["id"] for asked in deployed.functions.invoked}) == 1


@pytest.mark.parametrize("depths", [(20, 0, 0), (0, 20, 0), (0, 0, 20), (7, 7, 6)])
def test_the_first_portion_too_waits_behind_the_pushes(depths: tuple[int, int, int]) -> None:
    deployed = Deployed()
    deployed.sqs.depths["RetagQueue"] = depths
    deployed.at(30, lambda: deployed.sqs.depths.update(RetagQueue=(0, 0, 19)))
    send(deployed.stack(), "*", MINUTE)
    assert deployed.now - NOW == timedelta(seconds=30)


def test_between_two_portions_the_queue_gets_time_to_count_what_it_was_sent() -> None:
    deployed = Deployed()
    deployed.functions.matching = 51
    send(deployed.stack(), "*", MINUTE)
    assert deployed.now - NOW == timedelta(seconds=1)


def test_a_portion_may_wait_for_the_timeout_and_not_the_whole_sweep() -> None:
    deployed = Deployed()
    deployed.functions.matching = 200
    busy(deployed, seconds=50)
    assert send(deployed.stack(), "*", MINUTE).sent == 200
    assert deployed.now - NOW == timedelta(seconds=150)


def test_a_queue_that_stays_full_ends_it_with_what_was_sent() -> None:
    deployed = Deployed()
    deployed.functions.matching = 2000
    busy(deployed, seconds=1000)
    result = deployed.run(sweep, "--timeout", "60")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == (
        "RetagQueue still has 50 messages after 60 seconds, so no more is sent: `ecr-steward "
        f"status` says what waits. 50 of 2,000 repositories were sent, as sweep {SWEEP}. The rest "
        "was not sent: the regular sweep reaches it."
    )


def test_a_queue_that_is_full_from_the_start_ends_it_with_nothing_sent() -> None:
    deployed = Deployed()
    deployed.sqs.depths["RetagQueue"] = (1234, 0, 0)
    result = deployed.run(sweep, "--timeout", "60")
    assert result.exit_code == 1
    assert result.stderr.startswith("RetagQueue still has 1,234 messages after 60 seconds, so no m")
    assert deployed.functions.invoked == []


def test_ctrl_c_between_two_portions_says_what_was_sent_and_what_becomes_of_the_rest() -> None:
    deployed = Deployed()
    deployed.functions.matching = 2000
    busy(deployed, seconds=7)
    deployed.at(10, interrupt)
    result = deployed.run(sweep)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == (
        f"Interrupted. 100 of 2,000 repositories were sent, as sweep {SWEEP}. The rest was not "
        "sent: the regular sweep reaches it."
    )
    assert parts(deployed) == [0, 1]


def test_ctrl_c_while_a_portion_is_under_way_leaves_open_whether_it_was_sent() -> None:
    deployed = Deployed()
    deployed.functions.answered = lambda sent: interrupt()
    result = deployed.run(sweep)
    assert result.exit_code == 1
    assert result.stderr == (
        "Interrupted. Whether the first portion was sent is not known. The rest was not sent: the "
        "regular sweep reaches it.\n"
    )


def test_ctrl_c_before_the_first_portion_says_that_nothing_was_sent() -> None:
    deployed = Deployed()
    deployed.sqs.depths["RetagQueue"] = (20, 0, 0)
    deployed.at(5, interrupt)
    result = deployed.run(sweep)
    assert result.exit_code == 1
    assert result.stderr == (
        "Interrupted. No repository was sent: the regular sweep reaches them all.\n"
    )


def test_ctrl_c_after_the_last_portion_says_that_the_sweep_goes_on() -> None:
    deployed = Deployed()
    expect(deployed, 2)
    deployed.at(3, interrupt)
    result = deployed.run(sweep)
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "Interrupted. Every repository was sent, and the sweep continues"
    )


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            refusal("ExpiredToken", "Invoke"),
            "Your AWS credentials have expired: log in again (for example with `aws sso login`",
        ),
        (EndpointConnectionError(endpoint_url="https://sqs"), "AWS cannot be reached: "),
    ],
)
def test_a_fault_in_between_says_how_far_it_came(fault: ClientError, said: str) -> None:
    deployed = Deployed()
    deployed.functions.matching = 120
    deployed.at(1, lambda: deployed.refusals.update(invoke=fault))
    result = deployed.run(sweep)
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith(said)
    assert last.endswith(
        f"50 of 120 repositories were sent, as sweep {SWEEP}; whether the next portion was "
        "is not known. The rest was not sent: the regular sweep reaches it."
    )


def test_what_matches_may_shrink_in_between() -> None:
    deployed = Deployed()
    deployed.functions.matching = 101
    deployed.at(1, lambda: setattr(deployed.functions, "matching", 99))
    assert send(deployed.stack(), "*", MINUTE).sent == 99
    assert parts(deployed) == [0, 1]


def test_many_repositories_are_announced_before_it_takes_long() -> None:
    deployed = Deployed()
    deployed.functions.matching = 2000
    finish(deployed)
    result = deployed.run(sweep)
    assert result.exit_code == 0
    assert result.stderr == (
        "2,000 repositories go to the writers 50 at a time, so that pushes do not wait behind "
        "them.\n"
    )
    assert result.stdout.startswith("2,000 repositories were sent to the writers, as sweep")


def test_without_waiting_all_portions_are_sent_all_the_same_and_it_says_so() -> None:
    deployed = Deployed()
    deployed.functions.matching = 120
    busy(deployed, seconds=7)
    result = deployed.run(sweep, "--no-wait")
    assert result.exit_code == 0
    assert result.stderr.endswith(
        "The command ends when all are visited; with --no-wait, when all are sent.\n"
    )
    assert result.stdout == f"120 repositories were sent to the writers, as sweep {SWEEP}.\n"
    assert deployed.now - NOW == timedelta(seconds=14)


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
    assert "2 repositories swept. Mode is audit: nothing was changed." in result.stdout


def test_without_waiting_it_only_sends() -> None:
    deployed = Deployed()
    deployed.functions.matching = 1
    result = deployed.run(sweep, "base/redis", "--no-wait")
    assert result.exit_code == 0
    assert result.stdout == f"1 repository was sent to the writers, as sweep {SWEEP}.\n"
    assert deployed.now == NOW


def test_while_the_writers_are_paused_it_does_not_wait() -> None:
    deployed = Deployed()
    deployed.functions.state = "Disabled"
    result = deployed.run(sweep)
    assert result.exit_code == 0
    assert "The writers are paused: the sweep begins with `ecr-steward resume`." in result.stdout
    assert deployed.now == NOW


def test_to_paused_writers_one_portion_is_sent_however_much_waits() -> None:
    deployed = Deployed()
    deployed.functions.state = "Disabled"
    deployed.functions.matching = 50
    deployed.sqs.depths["RetagQueue"] = (500, 0, 0)
    assert deployed.run(sweep).stdout.startswith("50 repositories were sent to the writers")
    assert parts(deployed) == [LOOK, 0]


@pytest.mark.parametrize("arguments", [(), ("--no-wait",)])
def test_to_paused_writers_more_than_one_portion_is_refused_and_nothing_sent(
    arguments: tuple[str, ...],
) -> None:
    deployed = Deployed()
    deployed.functions.state = "Disabled"
    deployed.functions.matching = 2000
    result = deployed.run(sweep, *arguments)
    assert result.exit_code == 2
    assert result.stderr == (
        "The writers are paused, and 2,000 repositories are more than the 50 that are sent at "
        "once, so none was sent: `ecr-steward resume` first, or name fewer with GLOB.\n"
    )
    assert parts(deployed) == [LOOK]


def test_what_comes_to_match_after_the_look_is_not_sent_to_paused_writers() -> None:
    deployed = Deployed()
    deployed.functions.state = "Disabled"

    def answered(sent: int) -> None:
        deployed.functions.matching = 51
        deployed.sqs.depths["RetagQueue"] = (sent, 0, 0)

    deployed.functions.answered = answered
    result = deployed.run(sweep)
    assert result.exit_code == 1
    assert "The writers were paused, so no more is sent. 50 of 51 repositories" in result.stderr
    assert parts(deployed) == [LOOK, 0]


def test_writers_that_are_paused_in_between_get_no_more() -> None:
    deployed = Deployed()
    deployed.functions.matching = 120
    busy(deployed, seconds=7)
    deployed.at(10, lambda: setattr(deployed.functions, "state", "Disabled"))
    result = deployed.run(sweep)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        f"The writers were paused, so no more is sent. 100 of 120 repositories were sent, as sweep "
        f"{SWEEP}. The rest was not sent: the regular sweep reaches it."
    )


def test_it_waits_although_it_may_not_ask_whether_the_writers_run() -> None:
    deployed = Deployed()
    deployed.refusals["get_event_source_mapping"] = denied("GetEventSourceMapping")
    finish(deployed)
    assert deployed.run(sweep).stdout.endswith("2 repositories swept.\n")


def test_a_glob_that_matches_nothing_exits_1_with_the_reason() -> None:
    deployed = Deployed()
    deployed.cloudformation.outputs["RepositoryPattern"] = "team-a/*"
    deployed.functions.matching = 0
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
    assert result.stderr == "sweep failed: There are no rules. See its log.\n"


def test_a_function_that_may_not_be_called_exits_2() -> None:
    deployed = Deployed()
    deployed.refusals["invoke"] = refusal("AccessDeniedException", "Invoke", "not authorized")
    result = deployed.run(sweep)
    assert result.exit_code == 2
    assert (
        result.stderr
        == "You are not allowed to call Invoke: not authorized. Ask for this permission.\n"
    )


def test_a_sweep_that_takes_longer_goes_on_without_us() -> None:
    deployed = Deployed()
    expect(deployed, 2)
    visit(deployed, "base/redis")
    result = deployed.run(sweep, "--timeout", "10")
    assert result.exit_code == 1
    assert "After 10 seconds 1 of 2 visits were made. The sweep continues" in result.stderr
    assert deployed.now - NOW == timedelta(seconds=10)


def test_failures_in_a_sweep_need_a_look() -> None:
    deployed = Deployed()
    finish(deployed, reason="2 repositories swept, 1 failed.", totals={"failed": 1})
    result = deployed.run(sweep)
    assert result.exit_code == 1
    assert "2 repositories swept, 1 failed." in result.stdout
    assert "To see what failed: `ecr-steward history REPOSITORY`." in result.stderr


def test_nothing_is_followed_for_ever() -> None:
    deployed = Deployed()
    with pytest.raises(NeedsAttention, match="After 60 seconds 0 of 0 visits were made"):
        follow(deployed.stack(), SWEEP, timedelta(minutes=1))
