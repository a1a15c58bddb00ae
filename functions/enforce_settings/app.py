"""enforce_settings, the writer of settings: corrects what differs from a repository's baseline.

SettingsQueue.fifo, one message group a repository -> ECR and the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.settings import SettingsHistory
from ecr_steward.history.tags import History
from ecr_steward.queues.hints import HintQueue
from ecr_steward.start import clients, observe, sandbox
from ecr_steward.start.environment import Environment
from ecr_steward.start.writer import Batches
from ecr_steward.sweep.slices import Sweeper, visit_settings_and_report
from ecr_steward.words.hints import Hint
from ecr_steward.writers.settings import Enforcer

logger = observe.logger()


@sandbox.prepared
def handle(env: Environment) -> sandbox.Handler:
    """The handler: one SQS event to the messages that failed."""
    mode, settings_mode = env.mode(), env.mode("SETTINGS_MODE")
    account, region = env.text("REGISTRY"), env.text("AWS_REGION")
    own_role, retag_role = env.text("SETTINGS_ROLE_ARN"), env.text("RETAG_ROLE_ARN")
    table = DynamoTable(clients.client("dynamodb"), env.text("HISTORY_TABLE"))
    queue = HintQueue(lambda: clients.client("sqs"), env.text("SETTINGS_QUEUE_URL"))
    history, registry = History(table), EcrSettings(clients.client("ecr"))

    @cache
    def workers() -> tuple[Enforcer, Sweeper]:
        # Made at the first visit: broken rules must cost messages, which come back, not the start.
        enforcer = Enforcer(
            rules=sandbox.rules(),
            cap=settings_mode.capped(mode),
            registry=registry,
            history=SettingsHistory(table),
            role=own_role,
            tagger=retag_role,
            clock=sandbox.now,
            account=account,
            region=region,
        )
        sweeper = Sweeper(
            rules=sandbox.rules(),
            cap=mode,
            settings_cap=settings_mode,
            history=history,
            clock=sandbox.now,
            account=account,
            region=region,
        )
        return enforcer, sweeper

    def visit(repository: str, hints: Sequence[Hint]) -> None:
        observe.count_facts(visit_settings_and_report(*workers(), repository, hints).facts)

    return Batches(env, queue, history, visit).handle


@logger.inject_lambda_context(clear_state=True)
@observe.metrics().log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle()(event)
