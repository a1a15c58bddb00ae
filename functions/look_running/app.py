"""look_running: looks once a day at what runs, which events tell best effort only.

ECS, Lambda and Inspector, here and in other accounts -> the history, and a word to RetagQueue.fifo
where images may get their expiry tags now that it is known what runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.doors import needs
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.expiries import Expiries
from ecr_steward.history.findings import Findings
from ecr_steward.history.running import RunningImages
from ecr_steward.queues.hints import HintQueue
from ecr_steward.start import clients, observe, sandbox
from ecr_steward.start.environment import Environment
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactMaker
from ecr_steward.words.reading import iso
from ecr_steward.words.tasks import OwnRegistry
from ecr_steward.workloads.findings import LOOK, Teller
from ecr_steward.workloads.looks import look_at, looks_of
from ecr_steward.workloads.standing import RunningInEcr

logger = observe.logger()


@sandbox.prepared
def handle(env: Environment) -> sandbox.Handler:
    """The handler: the schedule's tick to how many workloads each source has."""
    registry = OwnRegistry(env.text("ACCOUNT"), env.text("AWS_REGION"), env.names("ACCOUNTS"))
    sources, external_id = env.names("SOURCES"), env.text("EXTERNAL_ID")
    role = env.text("WORKLOADS_ROLE")
    grace = timedelta(days=env.number("GRACE_DAYS"))
    table = DynamoTable(clients.client("dynamodb"), env.text("HISTORY_TABLE"))
    images, mode, expiries = RunningImages(table, grace), env.mode(), Expiries(table)
    retag = HintQueue(lambda: clients.client("sqs"), env.text("RETAG_QUEUE_URL"))

    def client_of(account: str, service: str) -> Any:
        return clients.assumed(service, role.replace("ACCOUNT", account), external_id)

    def tell(cause: Cause) -> list[Fact]:
        rules = sandbox.rules()
        maker = FactMaker(registry.account, registry.region, sandbox.now, rules.fingerprint)
        standing = RunningInEcr(clients.client("ecr")).standing
        return Findings(table).say(Teller(rules, maker, mode).facts(images.all(), standing, cause))

    def hand_on(cause: Cause, *, complete: bool) -> None:
        now = sandbox.now()
        known = complete and images.is_known((*sources, *registry.accounts), now)
        retag.send_all(needs.after_look(expiries, cause, now, known=known))

    def look(event: Mapping[str, Any]) -> sandbox.Reply:
        observe.count(observe.Metric.IMAGES_LOST, 0)  # so that silence differs from none
        looks = looks_of(sources, registry, clients.client, client_of)
        cause, complete = Cause(f"look-{iso(sandbox.now())}", LOOK), False
        with observe.about([cause.id]):
            try:
                found = look_at(looks, images, sandbox.now)
                complete = True
            finally:  # what is known is told, whichever source could not be looked at
                hand_on(cause, complete=complete)
                told = tell(cause)
                observe.count_facts(told)
            logger.info("Looked at what runs", extra={"workloads": found, "told": len(told)})
        return {"workloads": found}

    return look


@logger.inject_lambda_context(clear_state=True)
@observe.metrics().log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle()(event)
