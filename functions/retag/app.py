"""retag, the writer of tags: brings the stable tags of a repository to where they belong.

RetagQueue.fifo, one message group a repository -> ECR and the history.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.ecr.trail import Trail
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.expiries import Expiries
from ecr_steward.history.running import RunningImages
from ecr_steward.history.tags import History
from ecr_steward.queues.hints import HintQueue
from ecr_steward.start import clients, observe, sandbox
from ecr_steward.start.environment import Environment
from ecr_steward.start.writer import Batches
from ecr_steward.sweep.tally import Tally
from ecr_steward.words.hints import ABOUT_EXPIRY, Action, Hint
from ecr_steward.writers.brake import Brake
from ecr_steward.writers.expire import Expirer, ExpiryVisit
from ecr_steward.writers.tags import Retagger, Visit, next_visit, next_visits

logger = observe.logger()


@sandbox.prepared
def handle(env: Environment) -> sandbox.Handler:
    """The handler: one SQS event to the messages that failed."""
    mode, allow_removal = env.mode(), env.flag("ALLOW_TAG_REMOVAL")
    allow_expiry, grace = env.flag("ALLOW_EXPIRY"), timedelta(days=env.number("GRACE_DAYS"))
    account, region = env.text("ACCOUNT"), env.text("AWS_REGION")
    table = DynamoTable(clients.client("dynamodb"), env.text("HISTORY_TABLE"))
    history = History(table)
    queue = HintQueue(
        lambda: clients.client("sqs"), env.text("RETAG_QUEUE_URL"), env.text("FAILURE_QUEUE_URL")
    )
    pool = ThreadPoolExecutor(clients.PUTS_AT_ONCE)
    brake = Brake(pool.map, clients.PUTS_AT_ONCE, time.monotonic, time.sleep)
    registry = EcrRegistry(clients.client("ecr"), brake.pull)

    @cache
    def workers() -> tuple[Retagger, Expirer, Tally]:
        # Made at the first visit: broken rules must cost messages, which come back, not the start.
        tagger = Retagger(
            rules=sandbox.rules(),
            cap=mode,
            registry=registry,
            history=history,
            clock=sandbox.now,
            account=account,
            region=region,
            spread=brake,
            allow_removal=allow_removal,
            witness=Trail(lambda: clients.client("cloudtrail")).who_took,
        )
        expirer = Expirer(
            rules=sandbox.rules(),
            cap=mode,
            allowed=allow_expiry,
            registry=registry,
            expiries=Expiries(table),
            running=RunningImages(table, grace),
            holds=history.holds,
            clock=sandbox.now,
            account=account,
            region=region,
            spread=brake,
        )
        tally = Tally(
            rules=sandbox.rules(),
            cap=mode,
            sweeps=history.sweeps,
            clock=sandbox.now,
            account=account,
            region=region,
        )
        return tagger, expirer, tally

    def visit(repository: str, hints: Sequence[Hint]) -> None:
        tagger, expirer, tally = workers()
        about_tags = [hint for hint in hints if hint.action not in ABOUT_EXPIRY]
        visited = tagger.visit(repository, about_tags) if about_tags else Visit()
        tally.visited(about_tags, visited)
        for hint in next_visits(visited.rest):
            queue.send(hint)
        # A plan says nothing of expiry tags: they are left, but for images that got a stable tag.
        whole = [hint for hint in hints if hint.plan is None]
        expired = ExpiryVisit()
        if whole or visited.targets:
            carrying = visited.expiring if whole else None
            expired = expirer.visit(repository, whole or hints, carrying, visited.targets)
        if expired.unfinished:
            queue.send(next_visit(whole, Action.EXPIRE))
        observe.count_facts((*visited.facts, *expired.facts))
        observe.count_lag(hints, sandbox.now())
        if visited.contested:
            observe.count(observe.Metric.TAGS_CONTESTED, visited.contested)

    return Batches(env, queue, table, visit).handle


@logger.inject_lambda_context(clear_state=True)
@observe.metrics().log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle()(event)
