"""check_running, the door for what runs: which image did a task or a function start from?

ECS Task State Change and Lambda's calls -> the history. It makes no call of ECR, ECS or Lambda.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.doors import running
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.running import RunningImages
from ecr_steward.start import clients, observe
from ecr_steward.start.environment import Environment
from ecr_steward.start.sandbox import Handler, Reply, prepared
from ecr_steward.words.tasks import OwnRegistry

logger = observe.logger()


@prepared
def handle(env: Environment) -> Handler:
    """The handler: one event of ECS, or one call of Lambda, to its answer."""
    registry = OwnRegistry(env.text("ACCOUNT"), env.text("AWS_REGION"), env.names("ACCOUNTS"))
    grace = timedelta(days=env.number("GRACE_DAYS"))
    history = DynamoTable(clients.client("dynamodb"), env.text("HISTORY_TABLE"))
    images = RunningImages(history, grace)

    def check(event: Mapping[str, Any]) -> Reply:
        observe.count("StartsReceived")
        found, answer = running.check(event, registry)
        new = images.saw(found)
        observe.count("StartsSeen", len(found))
        workload = found[0].workload if found else None
        logger.info(answer.value, extra={"workload": workload, "new": len(new)})
        return {"workload": workload, "answer": answer.name, "why": answer.value}

    return check


@logger.inject_lambda_context(clear_state=True)
@observe.metrics().log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle()(event)
