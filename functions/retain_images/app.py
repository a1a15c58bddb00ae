"""retain_images: which images of a repository stay, and which may get their expiry tag?

RetentionQueue.fifo, one message group a repository -> the history, and a word to RetagQueue.fifo
where an expiry tag is to be taken off. It reads ECR, and writes nothing there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.running import RunningImages
from ecr_steward.queues.hints import HintQueue
from ecr_steward.start import clients, observe, sandbox
from ecr_steward.start.environment import Environment
from ecr_steward.start.writer import Batches
from ecr_steward.words.facts import FactMaker
from ecr_steward.words.hints import Hint

if TYPE_CHECKING:
    from ecr_steward.writers.retention import Retainer

logger = observe.logger()


@sandbox.prepared
def handle(env: Environment) -> sandbox.Handler:
    """The handler: one SQS event to the messages that failed."""
    mode, allowed = env.mode(), env.flag("ALLOW_EXPIRY")
    account, region = env.text("ACCOUNT"), env.text("AWS_REGION")
    readers = (env.text("RETAIN_ROLE_ARN"), env.text("RETAG_ROLE_ARN"))
    sources = (*env.names("SOURCES"), *env.names("ACCOUNTS"))
    grace = timedelta(days=env.number("GRACE_DAYS"))
    table = DynamoTable(clients.client("dynamodb"), env.text("HISTORY_TABLE"))
    ecr, sqs = clients.patient("ecr"), partial(clients.client, "sqs")
    queue = HintQueue(sqs, env.text("RETENTION_QUEUE_URL"), env.text("FAILURE_QUEUE_URL"))
    retag = HintQueue(sqs, env.text("RETAG_QUEUE_URL"))

    @cache
    def retainer() -> Retainer:
        # Made at the first visit: broken rules must cost messages, which come back, not the start.
        from ecr_steward.ecr.settings import EcrSettings
        from ecr_steward.writers.expiry_conditions import ExpiryConditions
        from ecr_steward.writers.retention import Retainer

        rules = sandbox.rules()
        return Retainer(
            rules=rules,
            cap=mode,
            allowed=allowed,
            registry=EcrRegistry(ecr),
            table=table,
            grace=grace,
            conditions=ExpiryConditions(
                registry=EcrSettings(ecr),
                running=RunningImages(table, grace),
                sources=sources,
                readers=readers,
                clock=sandbox.now,
            ),
            maker=FactMaker(account, region, sandbox.now, rules.fingerprint),
        )

    def visit(repository: str, hints: Sequence[Hint]) -> None:
        visited = retainer().visit(repository, hints)
        if visited.rest is not None:
            queue.send(visited.rest)
        if visited.next is not None:
            retag.send(visited.next)

    return Batches(env, queue, table, visit).handle


@logger.inject_lambda_context(clear_state=True)
@observe.metrics().log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle()(event)
