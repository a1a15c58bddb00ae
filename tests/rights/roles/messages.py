"""What is done with the rights of the functions that publish and tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

from ecr_steward.history.dynamo import write
from ecr_steward.history.facts import fact_item
from ecr_steward.history.table import Item
from ecr_steward.messages.ledger import Ledger
from ecr_steward.messages.send.http import Http, Unreachable
from ecr_steward.words.facts import Fact
from tests.rights.acts import Acts, depth, hold, table
from tests.rights.rules import TEAM_TOPIC
from tests.rights.stage import Stage
from tests.support.facts import FAILED, MOVED, letter, story

ACTS = Acts()
PUBLISHER, NOTIFIER = "PublishRole", "NotifyRole"
SLACK, HOOK = "https://hooks.example/slack", "https://hooks.example/hook"


# ---------------------------------------------------------------------------- publish
@ACTS.by(PUBLISHER, "a fact of the history becomes an event on the steward's bus")
def _publish(stage: Stage) -> None:
    stage.route_bus_to("NotifyQueue")
    table(stage).put_all([fact_item(MOVED)])
    reply = stage.invoke("PublishFunction", {"Records": stage.read_stream("PublishFunction")})
    assert reply == {"batchItemFailures": []}
    assert depth(stage, "NotifyQueue") == 1


@ACTS.by(PUBLISHER, "what is no fact goes to the failure queue")
def _no_fact(stage: Stage) -> None:
    item = write(Item(*_key(fact_item(MOVED)), body={"detail-type": "none"}))
    change = {"Keys": {name: item[name] for name in ("pk", "sk")}, "NewImage": item}
    record = {"eventName": "INSERT", "dynamodb": {**change, "SequenceNumber": "1"}}
    stage.invoke("PublishFunction", {"Records": [record]})
    assert depth(stage, "PublishFailureQueue") == 1


def _key(item: Item) -> tuple[str, str]:
    return item.pk, item.sk


# ---------------------------------------------------------------------------- notify
def tell(stage: Stage, facts: Sequence[Fact]) -> None:
    """EventBridge puts facts into the queue, and the notifier is done with them."""
    for fact in facts:
        stage.client("sqs").send_message(
            QueueUrl=stage.ref("NotifyQueue"), MessageBody=letter(fact)["body"]
        )
    stage.poll("NotifyQueue", "NotifyFunction")


def of(repository: str, *tags: str) -> list[Fact]:
    """What one push led to in a repository."""
    return [replace(each, repository=repository) for each in story(*tags)]


@ACTS.by(NOTIFIER, "a story is told by e-mail")
def _email(stage: Stage) -> None:
    tell(stage, of("base/redis", "1.4", "latest"))
    assert stage.published(stage.ref("NotificationTopic")) == 1
    assert depth(stage, "NotifyQueue") == 0


@ACTS.by(NOTIFIER, "a story is told in a chat")
def _chat(stage: Stage) -> None:
    tell(stage, of("base/by-chat", "1.4"))
    assert stage.published(stage.ref("ChatTopic")) == 1


@ACTS.by(NOTIFIER, "a story is told on a topic of the team")
def _team(stage: Stage) -> None:
    stage.client("sns").create_topic(Name=TEAM_TOPIC.rpartition(":")[2])
    tell(stage, of("base/by-team", "1.4"))
    assert stage.published(TEAM_TOPIC) == 1


@ACTS.by(NOTIFIER, "an address in Systems Manager is read and posted to")
def _parameter(stage: Stage) -> None:
    _keep_slack(stage)
    tell(stage, of("base/by-slack", "1.4"))
    assert stage.posted == [SLACK]


def _keep_slack(stage: Stage) -> None:
    stage.client("ssm").put_parameter(Name="/ecr-steward/slack", Value=SLACK, Type="SecureString")


@ACTS.by(NOTIFIER, "an address in Secrets Manager is read and posted to")
def _secret(stage: Stage) -> None:
    stage.client("secretsmanager").create_secret(Name="ecr-steward/hook", SecretString=HOOK)
    tell(stage, of("base/by-hook", "1.4"))
    assert stage.posted == [HOOK]


@ACTS.by(NOTIFIER, "the channel that a repository's tags name is told too")
def _owner(stage: Stage) -> None:
    hold(stage, "base/owned")
    arn = stage.ecr.describe_repositories()["repositories"][0]["repositoryArn"]
    tags = [{"Key": "steward:notify", "Value": "chat"}]
    stage.ecr.tag_resource(resourceArn=arn, tags=tags)
    tell(stage, [replace(FAILED, repository="base/owned").counted(1)])  # loud, so at once
    assert stage.published(stage.ref("ChatTopic")) == 1


@ACTS.by(NOTIFIER, "half a story waits a moment for the rest")
def _half(stage: Stage) -> None:
    tell(stage, of("base/redis", "1.4", "latest")[:1])
    assert stage.hidden_for("NotifyQueue") < 60


def _unreachable(self: Http, url: str, *_: Any) -> Any:
    raise Unreachable("It did not answer.")


def _owed(stage: Stage) -> None:
    """A channel that does not answer is owed a story."""
    _keep_slack(stage)
    with mock.patch.object(Stage, "_post", _unreachable):
        tell(stage, of("base/by-slack", "1.4"))
    assert depth(stage, "RetryQueue") == 1
    _wait(stage)


def _wait(stage: Stage) -> None:
    """It is time for the retry."""
    stage.late += timedelta(minutes=1)
    stage.show("RetryQueue")


@ACTS.by(NOTIFIER, "what a channel did not take is brought later")
def _retry(stage: Stage) -> None:
    _owed(stage)
    stage.poll("RetryQueue", "NotifyFunction")
    assert stage.posted == [SLACK]
    assert depth(stage, "RetryQueue") == 0


@ACTS.by(NOTIFIER, "what a channel does not take a second time waits longer")
def _retry_again(stage: Stage) -> None:
    _owed(stage)
    with mock.patch.object(Stage, "_post", _unreachable):
        stage.poll("RetryQueue", "NotifyFunction")
    assert stage.hidden_for("RetryQueue") < 60


@ACTS.by(NOTIFIER, "a channel that works again is no longer said to be down")
def _works(stage: Stage) -> None:
    tell(stage, of("base/by-slack", "1.4"))  # its parameter is not there yet
    _wait(stage)
    _keep_slack(stage)
    stage.poll("RetryQueue", "NotifyFunction")
    assert stage.posted == [SLACK]
    assert not Ledger(table(stage)).state("slack", stage.now()).faulty
