"""check_tags, the door for pushes: is it ours, does the tag fit, is there anything to look at?

ECR Image Action -> RetagQueue.fifo. It calls nothing but SQS.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.doors import pushes
from ecr_steward.queues.hints import HintQueue, send_or_log
from ecr_steward.start import clients, observe
from ecr_steward.start.environment import Environment
from ecr_steward.start.sandbox import Handler, Reply, prepared, rules

logger = observe.logger()


@prepared
def handle(env: Environment) -> Handler:
    """The handler: one event of ECR to its answer."""
    sqs, url = clients.client("sqs"), env.text("RETAG_QUEUE_URL")
    send = send_or_log(HintQueue(lambda: sqs, url), url, os.environ)

    def check(event: Mapping[str, Any]) -> Reply:
        hint, answer = pushes.check(event, rules(), send)
        repository = None if hint is None else hint.repository
        tag = None if hint is None else hint.tag
        logger.info(answer.value, extra={"repository": repository, "tag": tag})
        return {"repository": repository, "tag": tag, "answer": answer.name, "why": answer.value}

    return check


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    with observe.about(observe.caused_by(event)):
        return handle()(event)
