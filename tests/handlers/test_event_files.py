"""Every file of events/, and what the function it is meant for makes of it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.running import RunningImages
from ecr_steward.history.tags import History
from ecr_steward.queues.hints import group_id
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.reading import MalformedEvent
from tests.handlers.functions import (
    EVENTS,
    FAILURE_QUEUE,
    QUEUE,
    SETTINGS_QUEUE,
    TABLE,
    TOPIC,
    Aws,
    Function,
    event,
)
from tests.support.facts import returned
from tests.support.having import shown
from tests.support.world import image

Start = Callable[[str], Function]
Expectation = Callable[[Aws, Start, str], None]

LONG = "base/" + "redis-with-a-long-name/" * 10 + "redis"


# ---------------------------------------------------------------------------- check_tags


def _queued(repository: str, tag: str | None, action: str = "PUSH") -> Expectation:
    """The door hands the event to the writers, once, in the repository's group."""

    def expect(aws: Aws, start: Start, name: str) -> None:
        asked = event(name)
        answer = start("check_tags").invoke(asked)
        assert (answer["answer"], answer["repository"]) == ("LOOK", repository)
        (sent,) = aws.sqs.sent
        assert sent["QueueUrl"] == QUEUE
        assert sent["MessageGroupId"] == group_id(repository)
        assert sent["MessageDeduplicationId"] == asked["id"]
        assert aws.sqs.hints() == [
            {
                "repository": repository,
                "action": action,
                "tag": tag,
                "digest": asked["detail"]["image-digest"],
                "cause": {"id": asked["id"], "type": "ECR Image Action"},
                "time": "2026-11-23T02:24:00Z",
            }
        ]
        assert aws.calls() == {"SendMessage": 1}

    return expect


def _deleted(*tags: str) -> Expectation:
    """The door hands on each of these tags that a call deleted, each as a fact of its own."""

    def expect(aws: Aws, start: Start, name: str) -> None:
        asked = event(name)
        assert start("check_tags").invoke(asked)["answer"] == "LOOK"
        assert [(hint["tag"], hint["action"]) for hint in aws.sqs.hints()] == [
            (tag, "DELETE") for tag in tags
        ]
        assert {hint["cause"]["by"] for hint in aws.sqs.hints()} == {MALLORY}
        ids = [sent["MessageDeduplicationId"] for sent in aws.sqs.sent]
        assert ids[0] == asked["id"]
        assert len(set(ids)) == len(tags)

    return expect


def _left(answer: str) -> Expectation:
    """The door finds nothing to do, and calls nobody."""

    def expect(aws: Aws, start: Start, name: str) -> None:
        assert start("check_tags").invoke(event(name))["answer"] == answer
        assert aws.calls() == {}

    return expect


def _malformed(aws: Aws, start: Start, name: str) -> None:
    function = start("check_tags")
    with pytest.raises(MalformedEvent, match="`repository-name` is missing"):
        function.invoke(event(name))
    assert aws.calls() == {}


# ---------------------------------------------------------------------------- check_settings

MALLORY = "arn:aws:sts::123456789012:assumed-role/Developer/mallory"


def _called(by: str | None = MALLORY) -> Expectation:
    """The door hands the call to the writer of settings, once, in the repository's group."""

    def expect(aws: Aws, start: Start, name: str) -> None:
        asked = event(name)
        call = asked["detail"]["eventName"]
        answer = start("check_settings").invoke(asked)
        assert (answer["answer"], answer["repository"]) == ("LOOK", "base/redis")
        (sent,) = aws.sqs.sent
        assert sent["QueueUrl"] == SETTINGS_QUEUE
        assert sent["MessageGroupId"] == "base/redis"
        assert sent["MessageDeduplicationId"] == asked["id"]
        known = {} if by is None else {"by": by}
        assert aws.sqs.hints() == [
            {
                "repository": "base/redis",
                "action": "CALL",
                "tag": None,
                "digest": None,
                "cause": {"id": asked["id"], "type": asked["detail-type"], **known},
                "time": "2026-11-23T02:24:00Z",
                "call": call,
            }
        ]
        assert aws.calls() == {"SendMessage": 1}

    return expect


def _left_alone(answer: str) -> Expectation:
    """The door of the settings finds nothing to do, and calls nobody."""

    def expect(aws: Aws, start: Start, name: str) -> None:
        assert start("check_settings").invoke(event(name))["answer"] == answer
        assert aws.calls() == {}

    return expect


def _nameless(aws: Aws, start: Start, name: str) -> None:
    function = start("check_settings")
    with pytest.raises(MalformedEvent, match="SetRepositoryPolicy names no repository"):
        function.invoke(event(name))
    assert aws.calls() == {}


# ---------------------------------------------------------------------------- enforce_settings

ANYONE = {
    "Sid": "Everybody",
    "Effect": "Allow",
    "Principal": "*",
    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
}


def _made_public(aws: Aws) -> None:
    aws.hold("base/redis")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [ANYONE]})
    aws.ecr.set_repository_policy(repositoryName="base/redis", policyText=policy)
    aws.ecr.calls.clear()


def _is_public(aws: Aws) -> bool:
    found = shown(EcrSettings(aws.ecr.client), "base/redis")["policy"]
    return found is not None and ANYONE in found["Statement"]


def _put_right(back: int = 0) -> Expectation:
    def expect(aws: Aws, start: Start, name: str) -> None:
        asked = event(name)
        poison = [each["messageId"] for each in asked["Records"]][len(asked["Records"]) - back :]
        _made_public(aws)
        function = start("enforce_settings")
        for _ in range(2):  # a queue may deliver twice
            assert returned(function.invoke(asked)) == poison
        assert not _is_public(aws)
        told = {fact.difference.setting: fact for fact in _facts(aws) if fact.difference}
        assert {fact.kind for fact in told.values()} == {FactKind.CORRECT}
        assert told.keys() == {"policy"}
        assert told["policy"].difference is not None
        assert told["policy"].difference.before == ANYONE
        assert len(_facts(aws)) == 1
        called = asked["Records"][0]["body"].find('"CALL"') > 0
        assert told["policy"].cause.by == (MALLORY if called else None)

    return expect


def _nothing_stated(aws: Aws, start: Start, name: str) -> None:
    assert returned(start("enforce_settings").invoke(event(name))) == []
    assert aws.ecr.calls == {}


# ---------------------------------------------------------------------------- retag


def _held(aws: Aws) -> None:
    aws.hold("base/redis", "1.4.1", "1.3.9", "1.4.2")
    aws.hold("apps/shop", "9f3c2ab")


def _stable(aws: Aws, repository: str = "base/redis") -> dict[str, str]:
    tags = aws.ecr.tags(repository)
    return {tag: digest for tag, digest in tags.items() if image(tag) != digest}


NEWEST = dict.fromkeys(["1.4", "1", "latest"], image("1.4.2"))


def _facts(aws: Aws, repository: str = "base/redis") -> list[Fact]:
    return list(History(DynamoTable(aws.dynamodb, TABLE)).facts(repository))


def _moved(expected: dict[str, str]) -> Expectation:
    def expect(aws: Aws, start: Start, name: str) -> None:
        _held(aws)
        assert returned(start("retag").invoke(event(name))) == []
        assert _stable(aws) == expected
        assert {fact.tag: fact.digest for fact in _facts(aws)} == expected
        assert {fact.kind for fact in _facts(aws)} == {FactKind.MOVE}
        assert _stable(aws, "apps/shop") == {}
        assert aws.ecr.calls["PutImage"] == len(expected)

    return expect


def _moved_beside_poison(aws: Aws, start: Start, name: str) -> None:
    asked = event(name)
    poison = asked["Records"][1]
    _held(aws)
    function = start("retag")
    assert returned(function.invoke(asked)) == [poison["messageId"]]
    assert _stable(aws) == {**NEWEST, "1.3": image("1.3.9")}
    assert aws.sqs.waits == {poison["receiptHandle"]: 2}
    assert poison["messageId"] in function.output()


def _given_up(aws: Aws, start: Start, name: str) -> None:
    asked = event(name)
    (record,) = asked["Records"]
    _held(aws)
    aws.ecr.before = _refuse
    function = start("retag")
    for _ in range(2):  # the same last delivery, told once
        assert returned(function.invoke(asked)) == []
    assert {each["QueueUrl"] for each in aws.sqs.sent} == {FAILURE_QUEUE}
    # SQS knows a message's id for five minutes, and takes it once.
    assert {each["MessageDeduplicationId"] for each in aws.sqs.sent} == {record["messageId"]}
    (fact,) = _facts(aws)
    assert fact.kind is FactKind.FAILED
    assert fact.reason.startswith("Given up after waiting 100 times, now in the failure queue: ")
    assert (fact.tag, fact.cause.id) == ("1.4.2", "7d2c60a1-4021-575a-a95c-06e0d1b6936b")
    assert _stable(aws) == {}


def _refuse(operation: str, asked: dict[str, Any]) -> None:
    raise ConnectionError(f"{operation}: ECR does not answer")


def _fallen_back(aws: Aws, start: Start, name: str) -> None:
    _held(aws)
    function = start("retag")
    function.invoke(event("retag_batch_one"))
    aws.ecr.batch_delete_image(
        repositoryName="base/redis", imageIds=[{"imageDigest": image("1.4.2")}]
    )
    assert returned(function.invoke(event(name))) == []
    assert _stable(aws) == dict.fromkeys(NEWEST, image("1.4.1"))


def _swept(aws: Aws, start: Start, name: str) -> None:
    _held(aws)
    for _ in range(2):  # counted once, however often it is delivered
        assert returned(start("retag").invoke(event(name))) == []
    assert _stable(aws) == {**NEWEST, "1.3": image("1.3.9")}
    totals = aws.dynamodb.get_item(
        TableName=TABLE,
        Key={"pk": {"S": "sweep#sweep-2026-11-23T00:00:00Z"}, "sk": {"S": "total"}},
    )["Item"]
    counted = {name[2:]: value["N"] for name, value in totals.items() if name.startswith("n_")}
    assert counted == {"repositories": "1", "images": "3", "moved": "4", "first_sight": "1"}


# ---------------------------------------------------------------------------- notify, publish


def _told(*subjects: str, back: int = 0) -> Expectation:
    def expect(aws: Aws, start: Start, name: str) -> None:
        asked = event(name)
        function = start("notify")
        poison = [each["messageId"] for each in asked["Records"]][len(asked["Records"]) - back :]
        for _ in range(2):  # a queue may deliver twice
            assert returned(function.invoke(asked)) == poison
        assert sorted(each["Subject"] for each in aws.sns.messages) == sorted(subjects)
        assert {each["TopicArn"] for each in aws.sns.messages} == {TOPIC}

    return expect


def _sample_sent(aws: Aws, start: Start, name: str) -> None:
    answer = start("notify").invoke(event(name))
    assert answer == {"channel": "email", "sent": True, "answer": "SNS accepted it"}
    (message,) = aws.sns.messages
    assert message["TopicArn"] == TOPIC
    assert "This is a test of the channel `email`" in message["Message"]


MOVED = "[ECR Steward] base/redis: 1, 1.4, latest moved from 1.4.1 to 1.4.2"
REJECTED = "[ECR Steward] base/redis: my-test rejected by the scheme"


def _published(*tags: str) -> Expectation:
    def expect(aws: Aws, start: Start, name: str) -> None:
        assert returned(start("publish").invoke(event(name))) == []
        facts = [
            Fact.from_detail(e["DetailType"], json.loads(e["Detail"])) for e in aws.events.entries
        ]
        assert [fact.tag for fact in facts] == list(tags)
        assert {entry["EventBusName"] for entry in aws.events.entries} <= {"ecr-steward"}
        assert {entry["Source"] for entry in aws.events.entries} <= {"ecr-steward"}
        assert aws.calls() == ({"PutEvents": 1} if tags else {})

    return expect


# ---------------------------------------------------------------------------- sweep


# ---------------------------------------------------------------------------- check_running


def _runs(*expected: tuple[str, str], ended: bool = False) -> Expectation:
    """The door notes each image with its workload, however often it is told, and asks nobody."""

    def expect(aws: Aws, start: Start, name: str) -> None:
        function = start("check_running")
        for _ in range(2):
            assert function.invoke(event(name))["answer"] == "SEEN"
        images = RunningImages(DynamoTable(aws.dynamodb, TABLE), timedelta(days=7))
        found = images.all("base/redis")
        assert {(each.workload, each.digest) for each in found} == {
            (workload, image(version)) for workload, version in expected
        }
        assert {each.runs for each in found} == {not ended}
        assert set(aws.calls()) <= {"BatchGetItem", "PutItem", "BatchWriteItem", "Query"}

    return expect


def _runs_nothing(answer: str) -> Expectation:
    def expect(aws: Aws, start: Start, name: str) -> None:
        assert start("check_running").invoke(event(name))["answer"] == answer
        assert aws.calls() == {}

    return expect


def _looked_at_nothing(aws: Aws, start: Start, name: str) -> None:
    """With no source that the steward can look at itself, no account is asked for anything."""
    assert start("look_running").invoke(event(name)) == {"workloads": {}}
    assert aws.ecr.calls == {}


def _slice_sent(aws: Aws, start: Start, name: str) -> None:
    names = [f"base/r{number}" for number in range(60)]
    for each in [*names, "sandbox/notes"]:
        aws.hold(each)
    turn = [each for each in names if zlib.crc32(each.encode()) % 12 == 5]  # 02:25 of one hour
    function = start("sweep")
    for _ in range(2):  # the same tick again takes the same slice
        assert function.invoke(event(name)) == {"sent": len(turn), "rounds": 0}
    hints = aws.sqs.hints()
    assert sorted({hint["repository"] for hint in hints}) == sorted(turn)
    for queue, end in ((QUEUE, ""), (SETTINGS_QUEUE, ":settings")):
        sent = [each for each in aws.sqs.sent if each["QueueUrl"] == queue]
        ids = {each["MessageDeduplicationId"] for each in sent}
        assert ids == {f"sweep-2026-11-23T02:00:00Z/{each}{end}" for each in turn}


def _glob_sent(aws: Aws, start: Start, name: str) -> None:
    for each in ("base/redis", "base/nginx", "apps/shop", "sandbox/notes"):
        aws.hold(each)
    assert start("sweep").invoke(event(name))["sent"] == 2
    assert {hint["repository"] for hint in aws.sqs.hints()} == {"base/redis", "base/nginx"}
    assert {hint["action"] for hint in aws.sqs.hints()} == {"SWEEP"}


def _judged_nothing(aws: Aws, start: Start, name: str) -> None:
    """A round asks ECR nothing where the rule says nothing of images."""
    aws.hold("base/redis", "1.4.2")
    assert returned(start("retain_images").invoke(event(name))) == []
    assert aws.calls().keys() == {"Query"}


EXPECTED: dict[str, Expectation] = {
    "ecr_push_version": _queued("base/redis", "1.4.2"),
    "ecr_push_version_docker": _queued("base/redis", "1.4.2"),
    "ecr_push_version_documented_shape": _queued("base/redis", "1.4.2"),
    "ecr_push_version_older": _queued("base/redis", "1.3.9"),
    "ecr_push_version_prerelease": _queued("base/redis", "1.5.0-rc.1"),
    "ecr_push_version_replayed": _queued("base/redis", "1.4.2"),
    "ecr_push_index": _queued("base/redis", "1.5.0"),
    "ecr_push_index_docker": _queued("base/redis", "1.5.0"),
    "ecr_push_stable_echo": _queued("base/redis", "1.4"),
    "ecr_push_commit": _queued("apps/shop", "9f3c2ab"),
    "ecr_push_off_scheme": _queued("base/redis", "my-test"),
    "ecr_push_long_repository": _queued(LONG, "1.4.2"),
    "ecr_delete_version": _queued("base/redis", "1.4.2", "DELETE"),
    "ecr_delete_untagged": _queued("base/redis", None, "DELETE"),
    "ecr_delete_absent_tag": _queued("base/redis", None, "DELETE"),
    # The rule keeps these two from the door, and a hint from elsewhere would do no harm.
    "ecr_push_other_account": _queued("base/redis", "1.4.2"),
    "ecr_push_other_region": _queued("base/redis", "1.4.2"),
    "ecr_push_stable_by_pipeline": _left("PIPELINES"),
    "ecr_push_ignored": _left("IGNORED"),
    "ecr_push_referrer_tag": _left("IGNORED"),
    "ecr_push_unmatched_repository": _left("NO_RULE"),
    "ecr_push_untagged_child": _left("UNTAGGED"),
    "ecr_push_absent_tag": _left("UNTAGGED"),
    "ecr_push_failed_result": _left("NOTHING_DONE"),
    "ecr_archive_version": _left("NOTHING_DONE"),
    "ecr_scan_complete": _left("NOTHING_DONE"),
    "ecr_replication_failed": _left("NOT_COPIED"),
    "ecr_replicated": _left("NOTHING_DONE"),
    "ecr_push_malformed": _malformed,
    "deleted_version": _deleted("1.4.2"),
    "deleted_image": _deleted("1.4.2", "1.4"),
    "deleted_failed": _left("NOTHING_DONE"),
    "call_set_repository_policy": _called(),
    "call_set_repository_policy_replayed": _called(),
    "call_delete_repository_policy": _called(),
    "call_put_lifecycle_policy": _called(),
    "call_delete_lifecycle_policy": _called(),
    "call_put_image_tag_mutability": _called(),
    "call_put_image_scanning_configuration": _called(),
    "call_tag_resource": _called(),
    "call_untag_resource": _called(),
    "call_create_repository": _called(),
    "call_create_repository_by_replication": _called(by=None),
    "call_create_repository_by_cache": _called(by=None),
    "call_delete_repository": _called(),
    # The rule keeps these two from the door, and a hint from elsewhere would do no harm.
    "call_other_account": _called(),
    "call_other_region": _called(),
    "call_put_registry_scanning": _left_alone("NO_REGISTRY"),
    "call_delete_creation_template": _left_alone("NO_REGISTRY"),
    "call_by_the_steward": _left_alone("OWN"),
    "call_unmatched_repository": _left_alone("NO_RULE"),
    "call_no_baseline": _left_alone("NO_BASELINE"),
    "call_failed": _left_alone("CALL_FAILED"),
    "call_put_image": _left_alone("NO_SETTING"),
    "call_without_repository": _nameless,
    "enforce_batch_call": _put_right(),
    "enforce_batch_swept": _put_right(),
    "enforce_batch_with_poison": _put_right(back=1),
    "enforce_batch_registry": _nothing_stated,
    "retag_batch_one": _moved(NEWEST),
    "retag_batch_one_repository": _moved({**NEWEST, "1.3": image("1.3.9")}),
    "retag_batch_two_repositories": _moved({**NEWEST, "1.3": image("1.3.9")}),
    "retag_batch_with_poison": _moved_beside_poison,
    "retag_batch_last_receive": _given_up,
    "retag_batch_deleted_image": _fallen_back,
    "retag_batch_swept": _swept,
    "notify_batch_moved": _told(MOVED),
    "notify_batch_two_causes": _told(MOVED, REJECTED),
    "notify_batch_with_poison": _told(MOVED, back=1),
    "hand_notify_test": _sample_sent,
    "stream_history_facts": _published("1.4", "1", "latest"),
    "stream_history_notes": _published(),
    "task_started": _runs(("ecs:prod/payments", "1.4.2"), ("ecs:prod/payments", "1.4.1")),
    "task_started_without_digest": _runs_nothing("NO_IMAGE"),
    "task_started_elsewhere": _runs_nothing("NO_IMAGE"),
    "task_started_other_account": _runs(("ecs:210987654321/prod/payments", "1.4.2")),
    "task_stopped": _runs(("ecs:prod/payments", "1.4.2")),
    "task_stopped_run_once": _runs(("ecs:prod/nightly", "1.4.2"), ended=True),
    "task_pending": _runs_nothing("NO_CHANGE"),
    "function_updated": _runs(("lambda:resize", "1.4.2")),
    "function_created": _runs(("lambda:resize", "1.4.2")),
    "function_updated_zip": _runs_nothing("NO_IMAGE"),
    "function_update_denied": _runs_nothing("NO_CHANGE"),
    "retain_batch_one": _judged_nothing,
    "schedule_look_running": _looked_at_nothing,
    "schedule_sweep": _slice_sent,
    "hand_sweep_glob": _glob_sent,
}


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_the_function_does_what_the_event_files_name_says(
    aws: Aws, start: Start, name: str
) -> None:
    assert name in EXPECTED, f"say in EXPECTED what a function makes of events/{name}.json"
    EXPECTED[name](aws, start, name)


def test_every_expectation_has_its_event_file() -> None:
    assert EXPECTED.keys() <= {path.stem for path in EVENTS.glob("*.json")}
