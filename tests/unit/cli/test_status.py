"""How a stack stands, and when somebody has to look."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result

from ecr_steward.history.holds import Hold
from ecr_steward.messages.ledger import Ledger
from ecr_steward.sweep.slices import Slice
from ecr_steward.words.facts import FactKind
from ecr_steward_cli.commands.status import status
from ecr_steward_cli.rules_file.load import load
from tests.template import support
from tests.unit.cli.stack_fakes import NOW, POLICY, Deployed, denied, fact, rules_layer, swept

DAY = timedelta(days=1)


def complete(deployed: Deployed, days_ago: float) -> None:
    """Record that the sweep which ran `days_ago` is complete since then."""
    time = NOW - days_ago * DAY
    sweep = Slice.at(time, 24).sweep
    assert deployed.history.sweeps.complete(sweep, swept(sweep, time, rules="of the sweep"))


@pytest.fixture
def deployed() -> Deployed:
    deployed = Deployed(created=NOW - 30 * DAY)
    complete(deployed, 1)
    return deployed


def words(result: Result) -> str:
    return " ".join(result.stdout.split())


def test_where_all_is_well_it_says_how_things_stand_and_exits_0(deployed: Deployed) -> None:
    result = deployed.run(status)
    assert result.exit_code == 0
    assert result.stderr == ""
    for said in (
        "stack ecr-steward, eu-west-1",
        "mode enforce: decides, reports and acts",
        "settings audit: decides and reports, and changes nothing",
        "rules 3a92dae3b84f",
        "version 0.1.0",
        "writers running",
        "last sweep 2026-11-22T02:24:00Z, 24 hours ago: 2 repositories swept.",
        "RetagFailureQueue 0 0 0",
    ):
        assert said in words(result)
    assert "Attention:" not in result.stdout
    assert "Not known:" not in result.stdout


def test_json_has_the_same_in_one_object(deployed: Deployed) -> None:
    deployed.sqs.depths = {"RetagQueue": (4, 2, 1)}
    deployed.cloudwatch.ages["RetagQueue"] = [
        (NOW - timedelta(minutes=2), 75.0),
        (NOW - timedelta(minutes=3), 15.0),
    ]
    deployed.history.sweeps.expect(Slice.at(NOW, 24).sweep, 0, 7, 288, NOW)
    said = json.loads(deployed.run(status, "--json").stdout)
    queue = said["queues"].pop("RetagQueue")
    assert queue == {"waiting": 4, "in_flight": 2, "delayed": 1, "oldest_seconds": 75}
    assert set(said["queues"]) == {
        "NotifyQueue",
        "RetryQueue",
        "SettingsQueue",
        "CheckSettingsFailureQueue",
        "SettingsFailureQueue",
        "CheckTagsFailureQueue",
        "StewardEventsFailureQueue",
        "NotifyFailureQueue",
        "PublishFailureQueue",
        "RetagFailureQueue",
        "RetentionFailureQueue",
        "SweepFailureQueue",
        "CheckRunningFailureQueue",
        "LookRunningFailureQueue",
    }
    del said["queues"]
    assert said == {
        "stack": "ecr-steward",
        "region": "eu-west-1",
        "mode": "enforce",
        "expiring": 0,
        "settings_mode": "audit",
        "version": "0.1.0",
        "rules": "3a92dae3b84f",
        "writers": "Enabled",
        "sweep": {
            "hours": 24,
            "completed": "2026-11-22T02:24:00Z",
            "totals": {"repositories": 2, "missing": 0},
            "parts_sent": 1,
            "parts": 288,
        },
        "holds": [],
        "attention": [],
        "channels_down": [],
        "channels_waiting": {},
        "functions_failing": [],
        "unknown": {},
    }


def test_who_holds_which_tag_is_said_and_needs_no_look(deployed: Deployed) -> None:
    end = NOW + DAY
    deployed.history.holds.put("base/redis", Hold("1.4", NOW, end, "ada", "the cache is cold"))
    deployed.history.holds.put("base/redis", Hold("1", NOW - DAY, NOW, "ada"))
    result = deployed.run(status)
    assert result.exit_code == 0
    assert (
        "Held: base/redis:1.4 by ada since 2026-11-23T02:24:00Z, until 2026-11-24T02:24:00Z: "
        "the cache is cold\n" in result.stdout
    )
    assert json.loads(deployed.run(status, "--json").stdout)["holds"] == [
        {
            "repository": "base/redis",
            "tag": "1.4",
            "by": "ada",
            "since": "2026-11-23T02:24:00Z",
            "until": "2026-11-24T02:24:00Z",
            "reason": "the cache is cold",
            "automatic": False,
        }
    ]


def test_a_tag_that_the_steward_holds_itself_needs_attention(deployed: Deployed) -> None:
    why = "it was taken away three times within ten minutes by mallory"
    deployed.history.holds.put(
        "base/redis", Hold("1.4", NOW, None, "ECR Steward", why, automatic=True)
    )
    result = deployed.run(status)
    assert result.exit_code == 1
    assert (
        "Attention: base/redis:1.4 is held by ECR Steward since 2026-11-23T02:24:00Z, until it is "
        f"released: {why}. `ecr-steward release base/redis:1.4` ends that.\n" in result.stdout
    )
    assert "Held:" not in result.stdout


@pytest.mark.parametrize("state", ["Disabled", "Disabling"])
def test_paused_writers_need_a_look(deployed: Deployed, state: str) -> None:
    deployed.functions.state = state
    deployed.functions.slowness = 9
    result = deployed.run(status)
    assert result.exit_code == 1
    assert "Attention: The writers are paused: messages wait" in result.stdout


def test_a_stack_that_is_off_needs_attention_and_no_sweep(deployed: Deployed) -> None:
    deployed.cloudformation.outputs["Mode"] = "off"
    deployed.functions.state = "Disabled"
    deployed.now += 30 * DAY
    result = deployed.run(status)
    assert result.exit_code == 1
    assert result.stdout.count("Attention:") == 1
    assert "Attention: Mode is off: messages wait in the queues for up to 14 days" in result.stdout


@pytest.mark.parametrize("depths", [(1, 0, 0), (0, 1, 0)])
def test_a_failure_queue_that_is_not_empty_needs_attention(
    deployed: Deployed, depths: tuple[int, int, int]
) -> None:
    deployed.sqs.depths = {"SweepFailureQueue": depths}
    result = deployed.run(status)
    assert result.exit_code == 1
    assert (
        "Attention: SweepFailureQueue holds 1 message: "
        "https://sqs.example/123456789012/SweepFailureQueue" in result.stdout
    )


def test_one_paused_writer_needs_attention_too(deployed: Deployed) -> None:
    deployed.functions.states[POLICY] = "Disabled"
    result = deployed.run(status)
    assert "Attention: The writers are paused: messages wait" in result.stdout


def test_a_writer_that_is_off_is_not_paused(deployed: Deployed) -> None:
    deployed.cloudformation.outputs["SettingsMode"] = "off"
    deployed.functions.states[POLICY] = "Disabled"
    result = deployed.run(status)
    assert result.exit_code == 0
    assert "settings off: the steward ignores them" in words(result)


def test_messages_that_wait_for_the_writers_are_no_failure(deployed: Deployed) -> None:
    deployed.sqs.depths = {"RetagQueue": (500, 10, 3), "NotifyQueue": (9, 0, 0)}
    deployed.cloudwatch.ages["NotifyQueue"] = [(NOW, 200.0)]
    result = deployed.run(status)
    assert result.exit_code == 0
    assert "RetagQueue 500 10 3" in words(result)
    assert "NotifyQueue 9 0 0 3 minutes" in words(result)


def test_a_last_sweep_of_more_than_two_intervals_ago_needs_attention() -> None:
    deployed = Deployed(created=NOW - 30 * DAY)
    complete(deployed, 2.05)
    result = deployed.run(status)
    assert result.exit_code == 1
    assert "Attention: The last sweep was completed 2 days ago: check SweepFun" in result.stdout


def test_a_stack_on_which_no_sweep_was_completed_needs_attention_after_two_intervals() -> None:
    deployed = Deployed(created=NOW - timedelta(hours=47))
    result = deployed.run(status)
    assert result.exit_code == 0
    assert "none is complete yet; 0 of 288 parts of the first one are sent" in words(result)
    deployed.now += timedelta(hours=2)
    result = deployed.run(status)
    assert result.exit_code == 1
    assert "Attention: No sweep was completed in 48 hours: check SweepFun" in result.stdout


def test_the_newest_complete_sweep_counts(deployed: Deployed) -> None:
    complete(deployed, 2)
    complete(deployed, 0)
    assert "2026-11-23T02:24:00Z, 0 seconds ago" in words(deployed.run(status))


def test_rules_that_cannot_be_fetched_are_told_as_the_last_sweep_had_them(
    deployed: Deployed,
) -> None:
    deployed.layer = b"no archive"
    result = deployed.run(status)
    assert result.exit_code == 0
    assert "rules of the sweep, as the last sweep had them" in words(result)
    assert "Not known: rules. The rules layer arn:aws:lambda:" in result.stdout


def test_rules_that_nobody_tells_are_not_known() -> None:
    deployed = Deployed()
    deployed.functions.layers.clear()
    result = deployed.run(status)
    assert result.exit_code == 0
    assert "rules not known" in words(result)
    assert "Not known: rules. RetagFunction has no layer named ecr-steward-rules." in result.stdout


def test_new_rules_are_told_as_soon_as_they_are_deployed(deployed: Deployed) -> None:
    deployed.layer = rules_layer("0123456789ab")
    assert "rules 0123456789ab " in words(deployed.run(status)) + " "


def test_a_stack_without_a_version_costs_only_the_version(deployed: Deployed) -> None:
    del deployed.cloudformation.outputs["Version"]
    result = deployed.run(status)
    assert result.exit_code == 0
    assert (
        "Not known: version. The stack has no output `Version`: deploy it again." in result.stdout
    )


@pytest.mark.parametrize(
    ("method", "part"),
    [
        ("get_function_configuration", "rules"),
        ("get_layer_version_by_arn", "rules"),
        ("get_metric_statistics", "RetagQueue's age"),
        ("get_metric_data", "functions"),
        ("get_topic_attributes", "e-mail"),
        ("RetagQueue", "RetagQueue"),
    ],
)
def test_a_part_that_is_denied_costs_only_itself_and_is_named(
    deployed: Deployed, method: str, part: str
) -> None:
    deployed.sqs.depths = {"RetagQueue": (1, 0, 0)}
    deployed.refusals[method] = denied("ThatOperation")
    result = deployed.run(status)
    assert result.exit_code == 0
    assert f"Not known: {part}. You are not allowed to call ThatOperation: " in result.stdout
    assert "writers running" in words(result)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("get_event_source_mapping", "Attention: It is not known whether the writers run."),
        ("RetagFailureQueue", "Attention: It is not known whether RetagFailureQueue is empty."),
    ],
)
def test_what_must_be_known_and_is_denied_needs_attention(
    deployed: Deployed, method: str, said: str
) -> None:
    deployed.refusals[method] = denied("ThatOperation")
    result = deployed.run(status)
    assert result.exit_code == 1
    assert said in result.stdout


def test_a_history_that_is_denied_needs_attention(deployed: Deployed) -> None:
    def refuse(*_: object) -> object:
        raise denied("Query")

    deployed.table.query = refuse  # type: ignore[assignment,method-assign]
    result = deployed.run(status)
    assert result.exit_code == 1
    assert "Not known: last sweep. You are not allowed to call Query" in result.stdout
    assert "Attention: It is not known when the last sweep was." in result.stdout
    assert "last sweep not known" in words(result)


CHANNELS = {
    "version": 1,
    "rules": [{"repositories": ["base/*"]}],
    "channels": {"ops": {"type": "slack", "url": "ssm:/ops"}},
    "notify": [{"on": ["*"], "to": ["ops"]}],
}


def test_a_channel_that_takes_no_messages_needs_attention(deployed: Deployed) -> None:
    deployed.layer = rules_layer("3a92dae3b84f", CHANNELS)
    assert deployed.run(status).exit_code == 0
    ledger = Ledger(deployed.table)
    ledger.refuse("ops", "1", fact(FactKind.FAILED), NOW)
    for cause in ("1", "2"):
        ledger.owe(cause, "ops", [fact(FactKind.FAILED)], NOW)
    result = deployed.run(status)
    assert result.exit_code == 1
    assert (
        "Attention: Channel `ops` takes no messages, and 2 messages wait for it: `ecr-steward "
        "notify-test ops` says what it answers."
    ) in words(result)
    told = json.loads(deployed.run(status, "--json").stdout)
    assert (told["channels_down"], told["channels_waiting"]) == (["ops"], {"ops": 2})


@pytest.mark.parametrize(("minutes", "told"), [(9, False), (25, True)])
def test_what_waits_for_a_channel_needs_attention_after_a_while(
    deployed: Deployed, minutes: int, *, told: bool
) -> None:
    deployed.layer = rules_layer("3a92dae3b84f", CHANNELS)
    since = NOW - timedelta(minutes=minutes)
    Ledger(deployed.table).owe("1", "ops", [fact(FactKind.FAILED)], since)
    said = "Channel `ops` has not taken 1 message, the first one for 25 minutes: `ecr-steward"
    result = deployed.run(status)
    assert result.exit_code == int(told)
    assert (said in words(result)) is told


FUNCTIONS = sorted(
    name for name, each in support.stack().resources.items()
    if each["Type"] == "AWS::Lambda::Function"
)  # fmt: skip


def ran(deployed: Deployed, name: str, hours_ago: int, times: int, failed: int) -> None:
    time = NOW - timedelta(hours=hours_ago)
    for metric, count in (("Invocations", times), ("Errors", failed)):
        deployed.cloudwatch.sums.setdefault((name, metric), {})[time] = count


@pytest.mark.parametrize("function", FUNCTIONS)
def test_any_function_that_failed_each_time_when_it_last_ran_needs_attention(
    deployed: Deployed, function: str
) -> None:
    name = deployed.cloudformation.outputs[f"{function}Name"]
    ran(deployed, name, 24, 300, 0)
    ran(deployed, name, 23, 4, 4)
    result = deployed.run(status)
    assert result.exit_code == 1
    assert f"{name} failed in its latest 4 invocations, so it may not start" in words(result)
    said = json.loads(deployed.run(status, "--json").stdout)
    assert said["functions_failing"] == [name]


@pytest.mark.parametrize(("times", "failed"), [(4, 3), (4, 0)])
def test_a_function_that_failed_before_or_sometimes_needs_none(
    deployed: Deployed, times: int, failed: int
) -> None:
    ran(deployed, "retag", 3, 2, 2)
    ran(deployed, "retag", 0, times, failed)
    assert deployed.run(status).exit_code == 0


def test_an_address_that_nobody_confirmed_needs_attention(deployed: Deployed) -> None:
    deployed.sns.attributes = {"SubscriptionsConfirmed": "0", "SubscriptionsPending": "1"}
    result = deployed.run(status)
    assert result.exit_code == 1
    assert "Nobody has confirmed the subscription to messages and alarms" in words(result)


def test_rules_that_differ_from_the_file_given_need_attention(
    deployed: Deployed, tmp_path: Path
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("version: 1\nrules:\n  - repositories: [base/redis]\n")
    result = deployed.run(status, "--rules", str(file))
    assert result.exit_code == 1
    assert "The stack goes by other rules (3a92dae3b84f) than" in words(result)
    deployed.layer = rules_layer(load(file).fingerprint)
    assert deployed.run(status, "--rules", str(file)).exit_code == 0
