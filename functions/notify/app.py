"""notify: tells people what the steward found and did, on the channels of the rules.

NotifyQueue (steward events) and ErrandQueue (what one channel is still owed) -> SNS and https.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.messages.deliver import Carrier
from ecr_steward.messages.errands import Errands
from ecr_steward.messages.ledger import Ledger
from ecr_steward.messages.notify import Notifier, at_once
from ecr_steward.messages.own_facts import OwnFacts
from ecr_steward.messages.sending import Sending
from ecr_steward.messages.whom.owners import ResourceTags
from ecr_steward.messages.whom.recipients import recipients
from ecr_steward.queues.later import retry_in
from ecr_steward.rules.channels import Form
from ecr_steward.start import clients, observe
from ecr_steward.start.clients import quick_client
from ecr_steward.start.environment import Environment
from ecr_steward.start.sandbox import Handler, Reply, now, prepared, rules

logger = observe.logger()

SEND_WITHIN = 25
"""Seconds after which a batch of messages sends nothing any more; one story may take twice as long
again before the function's time is over (template.yaml: NotifyFunction, Timeout)."""

NOTE_WITHIN = 45
"""Seconds in which the rest of the batch is noted as owed; what is left then is received again."""


@prepared
def handle(env: Environment) -> Handler:
    """The handler: one SQS event of steward events or errands to what must come again.

    `{"test": "CHANNEL"}` sends a sample to one channel and replies what came of it.
    """
    table = DynamoTable(clients.client("dynamodb"), env.text("HISTORY_TABLE"))
    queue = env.text("NOTIFY_QUEUE_URL")
    errands = Errands(lambda: quick_client("sqs"), env.text("ERRAND_QUEUE_URL"))
    resource_tags = ResourceTags(lambda: quick_client("ecr"))
    facts = OwnFacts(env.text("ACCOUNT"), env.text("AWS_REGION"), env.mode(), rules)
    sending = Sending(
        client=quick_client,
        topics={Form.TEXT: env.text("TOPIC_ARN"), Form.CHAT: env.text("CHAT_TOPIC_ARN")},
        clock=now,
        local_http=env.flag("ALLOW_LOCAL_HTTP"),
        count=observe.count,
    )
    notifier = Notifier(
        carrier=Carrier(
            ledger=Ledger(table),
            write=sending.write,
            send=sending.send,
            errand=errands.send,
            wrong=facts.channel_down,
            clock=now,
            pause=time.sleep,
            most=env.number("MESSAGES_PER_MINUTE"),
        ),
        route=lambda told: recipients(rules(), told, resource_tags.of),
        channel=lambda name: rules().channels.get(name),
        retry_in=lambda handle, seconds: retry_in(quick_client("sqs"), queue, handle, seconds),
        retry_errand_in=errands.retry_in,
        spread=at_once,
    )

    def notify(event: Mapping[str, Any]) -> Reply:
        if "test" in event:
            observe.count("ChannelsTried")
            return sending.try_out(str(event["test"]), rules().channels, facts.sample)
        observe.count("EventsReceived", len(event["Records"]))
        began = time.monotonic()
        return dict(
            notifier.notify(
                event["Records"],
                lambda: time.monotonic() < began + SEND_WITHIN,
                lambda: time.monotonic() < began + NOTE_WITHIN,
            )
        )

    return notify


@logger.inject_lambda_context(clear_state=True)
@observe.metrics().log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle()(event)
