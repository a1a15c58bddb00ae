"""What lies in the failure queues is shown, and goes back the way that is right for each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward_cli.commands.redrive import redrive
from ecr_steward_cli.deployed.ways_back import WAYS
from tests.template import support
from tests.unit.cli.stack_fakes import NOW, Deployed, fact, refusal

EVENTS = Path(__file__).parents[3] / "events"
HINT = Hint("base/redis", Action.SWEEP, None, None, Cause("1", "Sweep"), NOW).to_message()
STOPPED = {
    "streamArn": "stream",
    "shardId": "shard",
    "startSequenceNumber": "2",
    "endSequenceNumber": "3",
    "batchSize": 2,
}


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def deployed() -> Deployed:
    return Deployed()


def test_every_failure_queue_of_the_template_has_a_way_back() -> None:
    outputs = [name.removesuffix("Url") for name in support.source()["Outputs"]]
    assert WAYS.keys() == {name for name in outputs if name.endswith("FailureQueue")}


def test_nothing_in_the_failure_queues_exits_0(deployed: Deployed) -> None:
    result = deployed.run(redrive)
    assert result.exit_code == 0
    assert result.stdout == "Nothing is left in the failure queues.\n"


def test_a_look_says_what_lies_there_and_since_when_and_changes_nothing(deployed: Deployed) -> None:
    deployed.sqs.hold(
        "CheckTagsFailureQueue", event("ecr_push_version"), ERROR_CODE="NO_PERMISSIONS"
    )
    result = deployed.run(redrive)
    assert result.exit_code == 1
    assert "since 2026-11-23T02:24:00Z: ECR Image Action in base/redis" in result.stdout
    assert "Why: NO_PERMISSIONS" in result.stdout
    assert len(deployed.sqs.held["CheckTagsFailureQueue"]) == 1
    assert (deployed.sqs.hidden, deployed.functions.invoked) == (set(), [])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("schedule_sweep", "the schedule's event"),
        ("schedule_look_running", "the schedule's event"),
        ("hand_sweep_glob", "a sweep of `base/*` by hand"),
    ],
)
def test_what_a_sweep_or_a_look_failed_on_is_said(deployed: Deployed, name: str, said: str) -> None:
    deployed.sqs.hold("SweepFailureQueue", event(name))
    assert f"{said}. Why: " in deployed.run(redrive).stdout


@pytest.mark.parametrize("body", ["not JSON", "[]", "{}"])
def test_what_is_no_message_of_the_stewards_is_not_taken_for_one(
    deployed: Deployed, body: str
) -> None:
    deployed.sqs.hold("NotifyFailureQueue", body)
    assert "not readable. Why: " in deployed.run(redrive).stdout


def test_why_a_writer_failed_is_what_it_said_in_the_history(deployed: Deployed) -> None:
    deployed.history.record(fact(FactKind.FAILED, reason="ECR denied PutImage."))
    deployed.sqs.hold("RetagFailureQueue", HINT)
    assert "SWEEP in base/redis. Why: ECR denied PutImage." in deployed.run(redrive).stdout


def test_why_a_door_failed_is_what_lambda_recorded(deployed: Deployed) -> None:
    record = {
        "requestPayload": event("call_set_repository_policy"),
        "responsePayload": {"errorMessage": "KeyError"},
    }
    deployed.sqs.hold("CheckSettingsFailureQueue", record)
    assert "in base/redis. Why: KeyError" in deployed.run(redrive).stdout


def test_what_a_writer_failed_on_is_moved_by_sqs_to_the_queue_it_came_from(
    deployed: Deployed,
) -> None:
    deployed.sqs.hold("RetagFailureQueue", HINT)
    assert deployed.run(redrive, "--send").exit_code == 0
    assert deployed.sqs.moves == [("RetagFailureQueue", "RetagQueue")]


def test_a_move_under_way_is_waited_for_and_not_started_again(deployed: Deployed) -> None:
    deployed.sqs.hold("RetagFailureQueue", HINT)
    deployed.sqs.moves.append(("RetagFailureQueue", "RetagQueue"))
    deployed.sqs.slowness = 5
    assert deployed.run(redrive, "--send").exit_code == 0
    assert len(deployed.sqs.moves) == 1


def test_a_queue_that_aws_refuses_to_empty_costs_no_other_queue(deployed: Deployed) -> None:
    deployed.refusals["start_message_move_task"] = refusal("AccessDenied", "StartMessageMoveTask")
    deployed.sqs.hold("RetagFailureQueue", HINT)
    deployed.sqs.hold("StewardEventsFailureQueue", {"detail": {}})
    result = deployed.run(redrive, "--send")
    assert result.exit_code == 1
    assert "stays: You are not allowed to call StartMessageMoveTask" in result.stdout
    assert deployed.sqs.held["StewardEventsFailureQueue"] == []


def test_a_move_that_sqs_gives_up_says_why(deployed: Deployed) -> None:
    deployed.sqs.hold("SettingsFailureQueue", HINT)
    deployed.sqs.outcome = {"Status": "FAILED", "FailureReason": "KmsAccessDenied"}
    result = deployed.run(redrive, "--send")
    assert result.exit_code == 1
    assert "stays: SQS did not move all of SettingsFailureQueue: KmsAccessDenied." in result.stdout


def test_the_repository_of_an_event_is_swept_once_and_its_messages_are_deleted(
    deployed: Deployed,
) -> None:
    for _ in range(3):
        deployed.sqs.hold("CheckTagsFailureQueue", event("ecr_push_version"))
    assert deployed.run(redrive, "--send").exit_code == 0
    assert [each["glob"] for each in deployed.functions.invoked] == ["base/redis"]
    assert deployed.sqs.held["CheckTagsFailureQueue"] == []


def test_a_repository_of_which_no_rule_speaks_needs_no_sweep(deployed: Deployed) -> None:
    deployed.functions.matching = 0
    deployed.sqs.hold("CheckTagsFailureQueue", event("ecr_push_version"))
    assert deployed.run(redrive, "--send").exit_code == 0
    assert deployed.sqs.held["CheckTagsFailureQueue"] == []


def test_a_sweep_that_fails_leaves_the_messages_where_they_are(deployed: Deployed) -> None:
    deployed.functions.error = "Unhandled"
    deployed.functions.reply = {"errorMessage": "AccessDenied"}
    deployed.sqs.hold("CheckTagsFailureQueue", event("ecr_push_version"))
    result = deployed.run(redrive, "--send")
    assert (result.exit_code, deployed.sqs.hidden) == (1, set())
    assert len(deployed.sqs.held["CheckTagsFailureQueue"]) == 1


def test_what_names_no_repository_stays_unless_it_is_discarded(deployed: Deployed) -> None:
    deployed.sqs.hold("CheckTagsFailureQueue", "no JSON")
    result = deployed.run(redrive, "--send")
    assert (result.exit_code, deployed.sqs.hidden) == (1, set())
    assert "stays: it names no repository" in result.stdout
    assert deployed.run(redrive, "--send", "--discard").exit_code == 0
    assert deployed.sqs.held["CheckTagsFailureQueue"] == []


def test_failed_sweeps_become_one_sweep_of_everything(deployed: Deployed) -> None:
    for _ in range(2):
        deployed.sqs.hold("SweepFailureQueue", {})
    assert deployed.run(redrive, "--send").exit_code == 0
    assert [each["glob"] for each in deployed.functions.invoked] == ["*"]


def test_messages_go_to_the_queue_of_their_sort(deployed: Deployed) -> None:
    retry = {"retry": {"channel": "team", "cause": "1"}}
    told = {"detail-type": "Tag Moved", "detail": {}}
    deployed.sqs.hold("NotifyFailureQueue", retry)
    deployed.sqs.hold("NotifyFailureQueue", told)
    assert deployed.run(redrive, "--send").exit_code == 0
    sent = [
        (each["QueueUrl"].rpartition("/")[2], each["MessageBody"]) for each in deployed.sqs.sent
    ]
    assert sent == [("RetryQueue", json.dumps(retry)), ("NotifyQueue", json.dumps(told))]
    assert deployed.sqs.held["NotifyFailureQueue"] == []


def test_a_message_that_could_not_be_sent_is_not_deleted(deployed: Deployed) -> None:
    deployed.sqs.hold("NotifyFailureQueue", {"retry": {"channel": "team", "cause": "1"}})
    deployed.refusals["send_message"] = refusal("InternalError", "SendMessage")
    assert deployed.run(redrive, "--send").exit_code == 1
    assert (len(deployed.sqs.held["NotifyFailureQueue"]), deployed.sqs.hidden) == (1, set())


def test_what_was_not_published_is_read_from_the_stream_and_published_again(
    deployed: Deployed,
) -> None:
    time = datetime(2026, 11, 23, tzinfo=UTC)
    deployed.stream.records = [
        {"dynamodb": {"SequenceNumber": str(n), "ApproximateCreationDateTime": time}}
        for n in range(1, 5)
    ]
    deployed.functions.reply = {"batchItemFailures": []}
    deployed.sqs.hold("PublishFailureQueue", {"DDBStreamBatchInfo": STOPPED})
    assert deployed.run(redrive, "--send").exit_code == 0
    (asked,) = deployed.functions.invoked
    assert asked["function"] == "publish"
    assert [each["dynamodb"]["SequenceNumber"] for each in asked["Records"]] == ["2", "3"]
    assert asked["Records"][0]["dynamodb"]["ApproximateCreationDateTime"] == time.timestamp()


def test_what_the_stream_no_longer_has_stays_and_says_so(deployed: Deployed) -> None:
    code = "TrimmedDataAccessException"
    deployed.refusals["get_shard_iterator"] = refusal(code, "GetShardIterator")
    deployed.sqs.hold("PublishFailureQueue", {"DDBStreamBatchInfo": STOPPED})
    deployed.sqs.hold("PublishFailureQueue", {"fact": {"pk": "p", "sk": "s"}, "reason": "too long"})
    result = deployed.run(redrive, "--send")
    assert result.exit_code == 1
    assert "stays: the stream keeps 24 hours, and they are over" in result.stdout
    assert "stays: the bus never takes this fact" in result.stdout
    assert len(deployed.sqs.held["PublishFailureQueue"]) == 2


def test_a_publisher_that_fails_again_keeps_the_message(deployed: Deployed) -> None:
    deployed.functions.reply = {"batchItemFailures": [{"itemIdentifier": "2"}]}
    deployed.sqs.hold("PublishFailureQueue", {"DDBStreamBatchInfo": STOPPED})
    assert "stays: publishing failed again" in deployed.run(redrive, "--send").stdout
    assert len(deployed.sqs.held["PublishFailureQueue"]) == 1


def test_one_queue_can_be_named_and_no_other_is_touched(deployed: Deployed) -> None:
    deployed.sqs.hold("SweepFailureQueue", {})
    deployed.sqs.hold("RetagFailureQueue", HINT)
    deployed.run(redrive, "RetagFailureQueue", "--send")
    assert deployed.functions.invoked == []
    assert deployed.run(redrive, "RetagQueue").exit_code == 2


def test_events_of_workloads_are_handed_in_again_and_a_look_is_made_once(
    deployed: Deployed,
) -> None:
    deployed.functions.reply = {"noted": 1}
    deployed.sqs.hold("CheckRunningFailureQueue", {"detail-type": "ECS", "detail": {"n": 1}})
    for _ in range(2):
        deployed.sqs.hold("LookRunningFailureQueue", {"tick": "daily"})
    assert deployed.run(redrive, "--send").exit_code == 0
    asked = [each["function"] for each in deployed.functions.invoked]
    assert asked == ["check_running", "look_running"]


def test_a_look_that_fails_again_stays(deployed: Deployed) -> None:
    deployed.functions.error = "Unhandled"
    deployed.functions.reply = {"errorMessage": "denied"}
    deployed.sqs.hold("LookRunningFailureQueue", {})
    assert "stays: the function failed again: denied" in deployed.run(redrive, "--send").stdout
    assert len(deployed.sqs.held["LookRunningFailureQueue"]) == 1
