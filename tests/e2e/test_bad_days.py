"""Poison, refusals and nonsense, deployed: each ends where somebody finds it, and blocks nobody."""

from __future__ import annotations

import json
from functools import partial

import pytest

from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.tries import Tries
from ecr_steward.start import sandbox
from tests.e2e.deployed import Deployed, by_tag, ecr_event

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

MAX_TRIES = 5


def test_a_poison_message_ends_in_the_failure_queue_and_costs_no_other_its_push(
    stack: Deployed,
) -> None:
    sqs, queue = stack.cloud.client("sqs"), stack.id("RetagQueue")
    poison = '{"repository": "base/poisoned", "action": "EXPLODE"}'
    with stack.paused():
        sent = sqs.send_message(
            QueueUrl=queue,
            MessageBody=poison,
            MessageGroupId="base/poisoned",
            MessageDeduplicationId="poison",
        )
        # It was tried all but once before: the rest of its tries would take another half minute.
        table = DynamoTable(stack.cloud.client("dynamodb"), stack.id("HistoryTable"))
        for _ in range(MAX_TRIES - 1):
            Tries(table, sandbox.now).begin(sent["MessageId"])
        good = {name: stack.push(f"{name}:1.4.2") for name in ("base/good-a", "base/good-b")}
        stack.rest()
        assert stack.depth("RetagQueue") == 3
    for name, image in good.items():
        tags = dict.fromkeys(["1.4.2", "1.4", "1", "latest"], image.digest)
        stack.until(partial(stack.tags, name), f"{name} is served", tags.__eq__)
    stack.until(lambda: stack.depth("RetagFailureQueue"), "the poison is in the failure queue")
    stack.rest()
    assert stack.take("RetagFailureQueue") == [poison]
    (fact,) = stack.facts("base/poisoned")
    assert fact.detail_type == "Steward Failed"
    assert fact.reason.startswith(f"Given up after {MAX_TRIES} tries, now in the failure queue:")
    (message,) = stack.messages("base/poisoned")
    assert message.subject == "[ECR Steward] base/poisoned: work failed"


def test_an_event_nobody_can_read_ends_in_the_failure_queue_of_the_door(stack: Deployed) -> None:
    malformed = ecr_event(**{"result": "SUCCESS", "action-type": "PUSH", "image-tag": "1.4.2"})
    stack.invoke("CheckTagsFunction", malformed, "Event")
    stack.until(lambda: stack.depth("CheckTagsFailureQueue"), "the event is in the queue")
    (kept,) = map(json.loads, stack.take("CheckTagsFailureQueue"))
    assert kept["requestPayload"] == malformed
    assert "`repository-name` is missing" in kept["responsePayload"]["errorMessage"]
    assert "functions" not in stack.cloud.calls()
    stack.rest()


def test_moves_that_the_registry_refuses_are_told_once_and_acknowledged(stack: Deployed) -> None:
    repository = "base/frozen"
    old = stack.push(f"{repository}:1.4.1")
    stack.rest()
    stack.cloud.client("ecr").put_image_tag_mutability(
        repositoryName=repository, imageTagMutability="IMMUTABLE"
    )
    new = stack.push(f"{repository}:1.4.2")
    stack.rest()
    stack.event_again(repository, "1.4.2", new.digest)
    stack.rest()
    assert stack.tags(repository) == {
        "1.4.2": new.digest, **dict.fromkeys(["1.4.1", "1.4", "1", "latest"], old.digest)
    }  # fmt: skip
    refused = by_tag(stack.facts(repository), "failed")
    assert refused.keys() == {"1.4", "1", "latest"}
    assert all("ImageTagAlreadyExistsException" in fact.reason for fact in refused.values())
    _, message = stack.messages(repository)
    assert message.subject == f"[ECR Steward] {repository}: work on 1, 1.4, latest failed"
    assert stack.depth("RetagQueue") == 0


def test_an_image_that_was_deleted_before_anybody_looked_costs_nothing(stack: Deployed) -> None:
    repository = "base/vanished"
    kept = stack.push(f"{repository}:1.4.1")
    stack.rest()
    stack.event_again(repository, "1.4.2", "sha256:" + "a" * 64)
    stack.rest()
    assert stack.tags(repository) == dict.fromkeys(["1.4.1", "1.4", "1", "latest"], kept.digest)
    assert len(stack.messages(repository)) == 1
    assert stack.depth("RetagQueue") == 0
