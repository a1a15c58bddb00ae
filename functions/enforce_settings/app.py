"""enforce_settings, the writer of settings: corrects what differs from a repository's baseline.

SettingsQueue.fifo, one message group a repository -> ECR and the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.settings import SettingsHistory
from ecr_steward.history.sweeps import Sweeps
from ecr_steward.queues.hints import HintQueue
from ecr_steward.start import clients, observe, sandbox
from ecr_steward.start.environment import Environment
from ecr_steward.start.writer import Batches
from ecr_steward.sweep.tally import Tally
from ecr_steward.words.facts import FactMaker
from ecr_steward.words.hints import Hint

if TYPE_CHECKING:
    from ecr_steward.writers.settings import Enforcer

logger = observe.logger()


@sandbox.prepared
def handle(env: Environment) -> sandbox.Handler:
    """The handler: one SQS event to the messages that failed."""
    mode, settings_mode = env.mode(), env.mode("SETTINGS_MODE")
    account, region = env.text("ACCOUNT"), env.text("AWS_REGION")
    own_role, retag_role = env.text("SETTINGS_ROLE_ARN"), env.text("RETAG_ROLE_ARN")
    retain_role, expiry = env.text("RETAIN_ROLE_ARN"), env.flag("ALLOW_EXPIRY")
    table = DynamoTable(clients.client("dynamodb"), env.text("HISTORY_TABLE"))
    ecr, sqs = clients.client("ecr"), partial(clients.client, "sqs")
    queue = HintQueue(sqs, env.text("SETTINGS_QUEUE_URL"), env.text("FAILURE_QUEUE_URL"))
    grace = timedelta(days=env.number("GRACE_DAYS"))

    @cache
    def workers() -> tuple[Enforcer, Tally]:
        # Made at the first visit: broken rules must cost messages, which come back, not the start.
        from ecr_steward.writers.needed import NeededImages
        from ecr_steward.writers.settings import Enforcer
        from ecr_steward.writers.settings_setup import SettingsSetup

        rules = sandbox.rules()
        needed = NeededImages(table, grace, lambda: ecr, sandbox.now)
        maker = FactMaker(account, region, sandbox.now, rules.fingerprint)
        enforcer = Enforcer(
            SettingsSetup(
                rules=rules,
                cap=settings_mode.capped(mode),
                registry=EcrSettings(ecr),
                history=SettingsHistory(table),
                role=own_role,
                tagger=retag_role,
                readers=(retain_role,),
                expiry=expiry,
                running=needed.workloads,
                tagged=needed.tagged,
                maker=maker,
            )
        )
        return enforcer, Tally(rules=rules, cap=mode, sweeps=Sweeps(table), maker=maker)

    def visit(repository: str, hints: Sequence[Hint]) -> None:
        enforcer, tally = workers()
        visited = enforcer.visit(repository, hints)
        tally.settings_visited(hints, visited)
        observe.count_facts(visited.facts)

    return Batches(env, queue, table, visit).handle


@logger.inject_lambda_context(clear_state=True)
@observe.metrics().log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle()(event)
