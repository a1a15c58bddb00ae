"""check_running, the door for what runs: which image did a task or a function start from?

ECS Task State Change and Lambda's calls -> the history, without a call of anybody, and a word to
RetagQueue.fifo where a started image may have an expiry tag. Where ECR says
that an image was deleted or archived which runs, it asks ECR once, and the history tells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.doors import needs, running
from ecr_steward.doors.losses import Departure, departure
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.expiries import Expiries
from ecr_steward.history.running import RunningImages
from ecr_steward.queues.hints import HintQueue
from ecr_steward.start import clients, observe
from ecr_steward.start.environment import Environment
from ecr_steward.start.sandbox import Handler, Reply, now, prepared, rules
from ecr_steward.words.tasks import OwnRegistry

logger = observe.logger()


@prepared
def handle(env: Environment) -> Handler:
    """The handler: one event of ECS or ECR, or one call of Lambda or ECR, to its answer."""
    registry = OwnRegistry(env.text("ACCOUNT"), env.text("AWS_REGION"), env.names("ACCOUNTS"))
    grace = timedelta(days=env.number("GRACE_DAYS"))
    history = DynamoTable(clients.client("dynamodb"), env.text("HISTORY_TABLE"))
    images, mode, expiries = RunningImages(history, grace), env.mode(), Expiries(history)
    retag = HintQueue(lambda: clients.client("sqs"), env.text("RETAG_QUEUE_URL"))

    def check(event: Mapping[str, Any]) -> Reply:
        going = departure(event)
        if going is not None:
            return lost(going)
        observe.count("StartsReceived")
        found, answer = running.check(event, registry)
        new = images.saw(found)
        for hint in needs.starts(expiries, new):
            retag.send(hint)
        observe.count("StartsSeen", len(found))
        workload = found[0].workload if found else None
        logger.info(answer.value, extra={"workload": workload, "new": len(new)})
        return {"workload": workload, "answer": answer.name, "why": answer.value}

    def lost(going: Departure) -> Reply:
        observe.count("DeparturesReceived")
        every = [each for one in going.digests for each in images.all(going.repository, one)]
        running_now = [each for each in every if each.runs]
        if not running_now:
            return {"answer": "UNUSED", "why": "nothing that is known runs the image"}
        # Loaded where an image that runs is in question, not at every start of the function.
        from ecr_steward.history.findings import Findings
        from ecr_steward.words.facts import FactMaker
        from ecr_steward.workloads.findings import Teller
        from ecr_steward.workloads.standing import RunningInEcr

        standing = RunningInEcr(clients.client("ecr")).standing(going.repository, going.digests)
        maker = FactMaker(registry.account, registry.region, now, rules().fingerprint)
        facts = Teller(rules(), maker, mode).lost(
            going.repository, running_now, standing, going.cause
        )
        observe.count_facts(Findings(history).say(facts))
        answer = "LOST" if facts else "KEPT"
        logger.info("An image that runs was in question", extra={"answer": answer})
        return {"answer": answer, "why": facts[0].reason if facts else "the image is there"}

    return check


@logger.inject_lambda_context(clear_state=True)
@observe.metrics().log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle()(event)
