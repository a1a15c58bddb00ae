"""What ECR's events and CloudTrail's say of a push, a retag and a deletion, and how late."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ecr_steward_cli.probing.assumption import Assumption, Ground

_WAIT = 10
"""Seconds of long polling."""

_EFFECT = 30
"""Seconds after which a new rule matches (EventBridge User Guide: it takes a short time)."""


def _queue(ground: Ground, detail: Mapping[str, Any], detail_type: str) -> str:
    """A queue to which a rule sends the events of the repository; returns its URL."""
    sqs, events = ground.client("sqs"), ground.client("events")
    with ground.made.making(f"Queue {ground.name}", lambda: _delete_queue(ground)):
        url = str(sqs.create_queue(QueueName=ground.name)["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    pattern = {"source": ["aws.ecr"], "detail-type": [detail_type], "detail": detail}
    with ground.made.making(f"Rule {ground.name}", lambda: _delete_rule(ground)):
        rule = events.put_rule(Name=ground.name, EventPattern=json.dumps(pattern))["RuleArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy(arn, rule)})
    events.put_targets(Rule=ground.name, Targets=[{"Id": "probe", "Arn": arn}])
    ground.sleep(min(_EFFECT, ground.patience))
    return url


def _policy(queue: str, rule: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _delete_rule(ground: Ground) -> None:
    events = ground.client("events")
    events.remove_targets(Rule=ground.name, Ids=["probe"])
    events.delete_rule(Name=ground.name)


def _delete_queue(ground: Ground) -> None:
    sqs = ground.client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=ground.name)["QueueUrl"])


def _heard(ground: Ground, url: str, wanted: Callable[[Mapping[str, Any]], bool]) -> bool:
    """Whether an event came that is wanted; how late it was, and its fields, are noted."""
    began = ground.now().timestamp()
    end = began + ground.patience
    while True:
        answer = ground.client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=_WAIT
        )
        for message in answer.get("Messages", ()):
            event = json.loads(message["Body"])
            if wanted(event):
                late = ground.now().timestamp() - began
                ground.notes.append(f"{late:.0f} s, {', '.join(sorted(event['detail']))}")
                return True
        if ground.now().timestamp() >= end:
            return False
        ground.sleep(1)


def _image_action(action: str, act: Callable[[Ground], str]) -> Callable[[Ground], str]:
    """Ask what event follows what `act` does to the tag that it returns."""

    def ask(ground: Ground) -> str:
        url = _queue(ground, {"repository-name": [ground.repository]}, "ECR Image Action")
        try:
            tag = act(ground)

            def wanted(event: Mapping[str, Any]) -> bool:
                detail = event["detail"]
                return bool(detail["action-type"] == action and detail.get("image-tag") == tag)

            heard = _heard(ground, url, wanted)
        finally:
            _delete_rule(ground)
        return f"one {action}" if heard else f"no event in {ground.patience} seconds"

    return ask


def _push(ground: Ground) -> str:
    ground.push("OCI", "event", "event")
    return "event"


def _retag(ground: Ground) -> str:
    image = ground.push("OCI", "event", "event-a")
    ground.put(image, "event-b")
    return "event-b"


def _untag(ground: Ground, seed: str = "gone") -> str:
    tag = f"{seed}-a"
    ground.push("OCI", seed, tag, f"{seed}-b")
    ground.ecr.batch_delete_image(repositoryName=ground.repository, imageIds=[{"imageTag": tag}])
    return tag


def _call(ground: Ground) -> str:
    detail = {"requestParameters": {"repositoryName": [ground.repository]}}
    url = _queue(ground, detail, "AWS API Call via CloudTrail")
    try:
        _untag(ground, "called")
        heard = _heard(
            ground, url, lambda event: event["detail"]["eventName"] == "BatchDeleteImage"
        )
    finally:
        _delete_rule(ground)
    return "one call" if heard else f"no event in {ground.patience} seconds"


ASSUMPTIONS = (
    Assumption("The event of a push", "one PUSH", _image_action("PUSH", _push), "events"),
    Assumption("The event of a retag", "one PUSH", _image_action("PUSH", _retag), "events"),
    Assumption(
        "The event of one of two tags deleted",
        "one DELETE",
        _image_action("DELETE", _untag),
        "events",
    ),
    Assumption("The event of a call of BatchDeleteImage", "one call", _call, "events"),
)
