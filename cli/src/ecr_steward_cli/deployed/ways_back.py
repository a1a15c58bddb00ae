"""The way back of each failure queue, and what takes its messages there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from ecr_steward.words.hints import REGISTRY
from ecr_steward_cli.deployed import sweeps
from ecr_steward_cli.deployed.failure_queues import FailedMessage, done, looked_at
from ecr_steward_cli.deployed.stack import Stack
from ecr_steward_cli.terminal.errors import NeedsAttention

MOST = 100
"""Most messages of a queue that are shown, or sent back in one go."""

_PATIENCE = timedelta(minutes=10)
_GONE = ("TrimmedDataAccessException", "ResourceNotFoundException")


class _NoWay(Exception):
    """A message that cannot go back; the sentence says why."""


Send = Callable[[Stack, Sequence[FailedMessage]], Mapping[str, str]]
"""Sends messages back; what could not go, by the id of its message, with why."""


@dataclass(frozen=True, slots=True)
class Way:
    """The way back of a failure queue: in words, and either the queue that SQS moves its messages
    to or what sends them."""

    said: str
    to: str = ""
    send: Send = lambda stack, messages: {}


def _each(
    send_one: Callable[[Stack, FailedMessage], None],
) -> Send:
    def send(stack: Stack, messages: Sequence[FailedMessage]) -> Mapping[str, str]:
        stay = {}
        for each in messages:
            try:
                send_one(stack, each)
            except _NoWay as no_way:
                stay[each.id] = str(no_way)
        return stay

    return send


def _sweep(stack: Stack, messages: Sequence[FailedMessage]) -> Mapping[str, str]:
    """Sweep each repository once, however many messages are about it."""
    for repository in sorted({each.repository for each in messages if each.repository}):
        _sweep_one(stack, "*" if repository == REGISTRY else repository)
    return {each.id: "it names no repository" for each in messages if not each.repository}


def _sweep_all(stack: Stack, messages: Sequence[FailedMessage]) -> Mapping[str, str]:
    if messages:
        _sweep_one(stack, "*")
    return {}


def _sweep_one(stack: Stack, glob: str) -> None:
    try:
        sweeps.send(stack, glob, _PATIENCE)
    except sweeps.NothingMatches:
        return  # no rule says anything about it any more, so nothing is missed


def _publish(stack: Stack, message: FailedMessage) -> None:
    """Publish again what the history's stream still has of a batch: events keep their id."""
    where = message.document.get("DDBStreamBatchInfo")
    if where is None:
        raise _NoWay("the bus never takes this fact; `ecr-steward history` has it")
    try:
        records = _records(stack, where)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
        raise _NoWay("the stream keeps 24 hours, and they are over") from error
    said = _invoke(stack, "PublishFunctionName", {"Records": records})
    if said.get("batchItemFailures"):
        raise _NoWay("publishing failed again: see the log")


def _invoke(stack: Stack, function: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a function replies. Raises _NoWay where it fails."""
    answer = stack.client("lambda").invoke(
        FunctionName=stack.output(function), Payload=json.dumps(event).encode()
    )
    said = json.loads(answer["Payload"].read() or b"{}")
    if answer.get("FunctionError"):
        raise _NoWay(f"the function failed again: {said.get('errorMessage', 'see the log')}")
    return said or {}


def _check_running(stack: Stack, message: FailedMessage) -> None:
    if "detail" not in message.document:
        raise _NoWay("it is no event")
    _invoke(stack, "CheckRunningFunctionName", message.document)


def _look_running(stack: Stack, messages: Sequence[FailedMessage]) -> Mapping[str, str]:
    """Look once, however many looks failed."""
    try:
        if messages:
            _invoke(stack, "LookRunningFunctionName", messages[-1].document)
    except _NoWay as no_way:
        return {each.id: str(no_way) for each in messages}
    return {}


def _records(stack: Stack, where: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records from the first to the last that the message names, as Lambda gets them."""
    client = stack.client("dynamodbstreams")
    last = int(where.get("endSequenceNumber", where["startSequenceNumber"]))
    iterator = client.get_shard_iterator(
        StreamArn=where["streamArn"],
        ShardId=where["shardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=where["startSequenceNumber"],
    )["ShardIterator"]
    found = client.get_records(ShardIterator=iterator, Limit=1000)["Records"]
    return [_for_lambda(each) for each in found if _number(each) <= last]


def _number(record: Mapping[str, Any]) -> int:
    return int(record["dynamodb"]["SequenceNumber"])


def _for_lambda(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as Lambda hands it on: its time is a number (Lambda: DynamoDB event)."""
    change = dict(record["dynamodb"])
    time = change.get("ApproximateCreationDateTime")
    if isinstance(time, datetime):
        change["ApproximateCreationDateTime"] = time.timestamp()
    return {**record, "dynamodb": change}


def _to_notify(stack: Stack, message: FailedMessage) -> None:
    """To the queue of its sort; what was told before is not told again."""
    if not {"retry", "detail"} & message.document.keys():
        raise _NoWay("it is neither a steward event nor a retry")
    queue = "RetryQueue" if "retry" in message.document else "NotifyQueue"
    stack.client("sqs").send_message(QueueUrl=stack.output(f"{queue}Url"), MessageBody=message.body)


WAYS: Mapping[str, Way] = {
    "CheckTagsFailureQueue": Way("a sweep of each repository", send=_sweep),
    "CheckSettingsFailureQueue": Way("a sweep of each repository", send=_sweep),
    "RetagFailureQueue": Way("moved to RetagQueue", to="RetagQueue"),
    "SettingsFailureQueue": Way("moved to SettingsQueue", to="SettingsQueue"),
    "RetentionFailureQueue": Way("moved to RetentionQueue", to="RetentionQueue"),
    "PublishFailureQueue": Way("published again", send=_each(_publish)),
    "NotifyFailureQueue": Way("sent to NotifyQueue or RetryQueue", send=_each(_to_notify)),
    "StewardEventsFailureQueue": Way("sent to NotifyQueue", send=_each(_to_notify)),
    "CheckRunningFailureQueue": Way("handed to CheckRunningFunction", send=_each(_check_running)),
    "LookRunningFailureQueue": Way("one look by LookRunningFunction", send=_look_running),
    "SweepFailureQueue": Way("one sweep of all repositories", send=_sweep_all),
}
"""The way back of each failure queue."""


def move(stack: Stack, queue: str, to: str) -> None:
    """Have SQS move all messages of a queue, and wait until it has.

    The destination is named: SQS finds by itself no way back for a message that it did not bring
    (SQS API: StartMessageMoveTask). A move that is under way is waited for, not started again.
    Raises NeedsAttention where SQS gives up, or is not done in time.
    """
    client, arn = stack.client("sqs"), _arn(stack, queue)
    if _moving(client, arn).get("Status") != "RUNNING":
        client.start_message_move_task(SourceArn=arn, DestinationArn=_arn(stack, to))
    end = stack.outside.now() + _PATIENCE
    while (task := _moving(client, arn)).get("Status") == "RUNNING":
        if stack.outside.now() >= end:
            raise NeedsAttention(f"SQS still moves {queue}; it goes on by itself.")
        stack.outside.sleep(1)
    if task.get("Status") != "COMPLETED":
        why = task.get("FailureReason", task.get("Status", "no reason given"))
        raise NeedsAttention(f"SQS did not move all of {queue}: {why}.")


def _moving(client: Any, arn: str) -> Mapping[str, Any]:
    """The latest move from a queue."""
    return next(iter(client.list_message_move_tasks(SourceArn=arn, MaxResults=1)["Results"]), {})


def _arn(stack: Stack, queue: str) -> str:
    answer = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.output(f"{queue}Url"), AttributeNames=["QueueArn"]
    )
    return str(answer["Attributes"]["QueueArn"])


def send_back(stack: Stack, queue: str, *, discard: bool) -> dict[str, str]:
    """Send the messages of a queue back, and return what stays, with why.

    What went back is deleted when it is safe where it went; killed between the two it goes back
    once more, which changes nothing. With `discard` what has no way back is deleted, too.
    """
    way = WAYS[queue]
    if way.to:
        move(stack, queue, way.to)
        return {}
    with looked_at(stack, queue, MOST) as messages:
        stay = way.send(stack, messages)
        done(stack, queue, [each for each in messages if discard or each.id not in stay])
    return {} if discard else dict(stay)
