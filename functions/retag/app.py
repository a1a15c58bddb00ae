"""retag, the writer of tags: brings the stable tags of a repository to where they belong.

RetagQueue.fifo, one message group a repository -> ECR and the history.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.ecr.trail import Trail
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.tags import History
from ecr_steward.queues.hints import HintQueue
from ecr_steward.rules import Mode
from ecr_steward.start import clients, observe, sandbox
from ecr_steward.start.environment import Environment
from ecr_steward.start.writer import Batches
from ecr_steward.sweep.tally import Tally
from ecr_steward.words.facts import FactMaker
from ecr_steward.words.hints import Hint
from ecr_steward.writers.brake import Brake
from ecr_steward.writers.tag_writer import TagWriter
from ecr_steward.writers.tags import Retagger

logger = observe.logger()


@sandbox.prepared
def handle(env: Environment) -> sandbox.Handler:
    """The handler: one SQS event to the messages that failed."""
    mode, allow_removal = env.mode(), env.flag("ALLOW_TAG_REMOVAL")
    allow_expiry, grace = env.flag("ALLOW_EXPIRY"), timedelta(days=env.number("GRACE_DAYS"))
    account, region = env.text("ACCOUNT"), env.text("AWS_REGION")
    table = DynamoTable(clients.client("dynamodb"), env.text("HISTORY_TABLE"))
    history = History(table)
    sqs = partial(clients.client, "sqs")
    queue = HintQueue(sqs, env.text("RETAG_QUEUE_URL"), env.text("FAILURE_QUEUE_URL"))
    brake = Brake.on_threads(clients.PUTS_AT_ONCE, time.monotonic, time.sleep)
    registry = EcrRegistry(clients.client("ecr"), brake.pull)

    @cache
    def writer() -> TagWriter:
        # Made at the first visit: broken rules must cost messages, which come back, not the start.
        rules = sandbox.rules()
        maker = FactMaker(account, region, sandbox.now, rules.fingerprint)
        tagger = Retagger(
            rules=rules,
            cap=mode,
            registry=registry,
            history=history,
            maker=maker,
            spread=brake,
            allow_removal=allow_removal,
            witness=Trail(partial(clients.client, "cloudtrail")).who_took,
        )
        expirer = None
        if allow_expiry and mode is Mode.ENFORCE:  # elsewhere it is not even loaded
            from ecr_steward.writers.expire import Expirer

            expirer = Expirer(
                rules=rules, registry=registry, table=table, grace=grace, maker=maker, spread=brake
            )
        tally = Tally(rules=rules, cap=mode, sweeps=history.sweeps, maker=maker)
        return TagWriter(tagger, expirer, tally.visited, queue.send)

    def visit(repository: str, hints: Sequence[Hint]) -> None:
        visited = writer().visit(repository, hints)
        observe.count_facts(visited.facts)
        observe.count_lag(hints, sandbox.now())

    return Batches(env, queue, table, visit).handle


@logger.inject_lambda_context(clear_state=True)
@observe.metrics().log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle()(event)
