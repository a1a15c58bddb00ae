"""notify: tells people what the steward found and did, on the channels of the rules.

NotifyQueue (steward events) and RetryQueue (what one channel is still owed) -> SNS and https.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.messages.deliver import Deliverer, TimeLeft
from ecr_steward.messages.ledger import Ledger
from ecr_steward.messages.notify import Notifier, at_once
from ecr_steward.messages.own_facts import OwnFacts
from ecr_steward.messages.retries import NotifyQueue, RetryQueue, late_retries
from ecr_steward.messages.sending import LazySender
from ecr_steward.messages.whom.owners import OwnerTags
from ecr_steward.messages.whom.recipients import Recipients
from ecr_steward.messages.whom.routing import Routing
from ecr_steward.start import clients, observe
from ecr_steward.start.clients import quick_client
from ecr_steward.start.environment import Environment
from ecr_steward.start.observe import Metric
from ecr_steward.start.sandbox import Handler, Reply, now, prepared, rules

logger = observe.logger()


@prepared
def handle(env: Environment) -> Handler:
    """The handler: one SQS event of steward events or retries to what must come again.

    `{"test": "CHANNEL"}` sends a sample to one channel and replies what came of it.
    """
    table = DynamoTable(clients.client("dynamodb"), env.text("HISTORY_TABLE"))
    sqs, resource_tags = partial(quick_client, "sqs"), OwnerTags(partial(quick_client, "ecr"))
    routing = cache(lambda: Routing(rules()))
    facts = OwnFacts(env.text("ACCOUNT"), env.text("AWS_REGION"), env.mode(), rules)
    sending = LazySender(
        client=quick_client,
        topics={"text": env.text("TOPIC_ARN"), "chat": env.text("CHAT_TOPIC_ARN")},
        clock=now,
        local_http=env.flag("ALLOW_LOCAL_HTTP"),
        sent=lambda: observe.count(Metric.MESSAGES_SENT),
        not_sent=lambda: observe.count(Metric.MESSAGES_NOT_SENT),
    )
    notifier = Notifier(
        deliverer=Deliverer(
            ledger=Ledger(table),
            send=sending.send,
            retries=RetryQueue(sqs, env.text("RETRY_QUEUE_URL")),
            down=facts.channel_down,
            clock=now,
            pause=time.sleep,
            most=env.number("MESSAGES_PER_MINUTE"),
        ),
        recipients=Recipients(routing, resource_tags.of),
        events=NotifyQueue(sqs, env.text("NOTIFY_QUEUE_URL")),
        spread=at_once,
        about=observe.about,
    )

    def notify(event: Mapping[str, Any]) -> Reply:
        observe.count(Metric.RETRIES_LATE, late_retries(event.get("Records", ()), now()))
        if "test" in event:
            return sending.try_out(str(event["test"]), routing().channels, facts.sample)
        return dict(notifier.notify(event["Records"], TimeLeft.from_now(time.monotonic)))

    return notify


@logger.inject_lambda_context(clear_state=True)
@observe.metrics().log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle()(event)
