"""publish: what is new in the history becomes events on the steward's bus.

The history's stream (DynamoDB) -> EventBridge.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.messages.publish import publish
from ecr_steward.start import clients, observe
from ecr_steward.start.environment import Environment
from ecr_steward.start.sandbox import Handler, Reply, prepared

logger = observe.logger()


@prepared
def handle(env: Environment) -> Handler:
    """The handler: one event of the stream to the record that failed."""
    bus, failure_queue = env.text("BUS_NAME"), env.text("FAILURE_QUEUE_URL")
    events = clients.client("events")

    def give_up(what: Mapping[str, Any]) -> None:
        sqs = clients.client("sqs")
        sqs.send_message(QueueUrl=failure_queue, MessageBody=json.dumps(what))

    def publish_records(event: Mapping[str, Any]) -> Reply:
        return dict(publish(event["Records"], events, bus, give_up))

    return publish_records


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle()(event)
