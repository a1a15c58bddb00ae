"""check_settings, the door for calls of the ECR API: may this one have changed a setting of ours?

CloudTrail's calls -> SettingsQueue.fifo. It calls nothing but SQS.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.doors import calls
from ecr_steward.queues.hints import HintQueue, send_or_log
from ecr_steward.start import clients, observe
from ecr_steward.start.environment import Environment
from ecr_steward.start.sandbox import Handler, Reply, prepared, rules

logger = observe.logger()


@prepared
def handle(env: Environment) -> Handler:
    """The handler: one call of the ECR API, as CloudTrail tells it, to its answer."""
    own_role = env.text("SETTINGS_ROLE_ARN")
    sqs, url = clients.client("sqs"), env.text("SETTINGS_QUEUE_URL")
    send = send_or_log(HintQueue(lambda: sqs, url), url, os.environ)

    def check(event: Mapping[str, Any]) -> Reply:
        call, answer = calls.check(event, rules(), own_role, send)
        repository = None if call is None else call.repository
        name = None if call is None else call.name
        logger.info(answer.value, extra={"repository": repository, "call": name})
        return {"repository": repository, "call": name, "answer": answer.name, "why": answer.value}

    return check


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    with observe.about(observe.caused_by(event)):
        return handle()(event)
