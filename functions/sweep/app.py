"""sweep: sends the repositories to the writers again, a slice at a time.

The schedule, or `ecr-steward sweep` -> RetagQueue.fifo, SettingsQueue.fifo and, where images may
go, RetentionQueue.fifo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.expiries import Expiries
from ecr_steward.history.tags import History
from ecr_steward.queues.hints import HintQueue
from ecr_steward.start import clients, observe, sandbox
from ecr_steward.start.environment import Environment
from ecr_steward.sweep.send import Sweeper
from ecr_steward.sweep.slices import Slice, by_hand, clock_of
from ecr_steward.sweep.tally import Tally
from ecr_steward.words.facts import FactMaker

logger = observe.logger()


@sandbox.prepared
def handle(env: Environment) -> sandbox.Handler:
    """The handler: the slice whose turn it is, or `{"glob": …, "id": …}` by hand.

    By hand, `part` is the portion to send: 0 if not given, -1 for none but a look. `planned` names
    the repositories that a kept plan has changes of: the visits make only those.
    """
    mode, settings_mode = env.mode(), env.mode("SETTINGS_MODE")
    account, region = env.text("ACCOUNT"), env.text("AWS_REGION")
    pattern, hours = env.text("REPOSITORY_PATTERN"), env.number("SWEEP_HOURS")
    table = DynamoTable(clients.client("dynamodb"), env.text("HISTORY_TABLE"))
    history, expiries = History(table), Expiries(table)
    sqs, registry = clients.client("sqs"), EcrRegistry(clients.client("ecr"))
    send_tags = HintQueue(lambda: sqs, env.text("RETAG_QUEUE_URL")).send_all
    send_settings = HintQueue(lambda: sqs, env.text("SETTINGS_QUEUE_URL")).send_all
    send_rounds = HintQueue(lambda: sqs, env.text("RETENTION_QUEUE_URL")).send_all
    days, expiry = env.number("RETENTION_DAYS"), env.flag("ALLOW_EXPIRY")

    def sweep(event: Mapping[str, Any]) -> sandbox.Reply:
        rules, clock = sandbox.rules(), clock_of(event, sandbox.now)
        maker = FactMaker(account, region, clock, rules.fingerprint)
        sweeper = Sweeper(
            rules=rules,
            cap=mode,
            history=history,
            tally=Tally(rules=rules, cap=mode, sweeps=history.sweeps, maker=maker),
            clock=clock,
            settings_cap=settings_mode,
            expires=expiry,
            pattern=pattern,
        )
        if "glob" in event:
            asked = (event["glob"], event["id"], int(event.get("part", 0)))
            planned = event.get("planned")
            reply = asdict(sweeper.by_hand(registry, send_tags, *asked, send_settings, planned))
            cause = by_hand(event["id"])
        else:
            sent = sweeper.tick(registry, send_tags, hours, send_settings)
            rounds = sweeper.rounds(registry, send_rounds, days, expiries.repositories)
            reply = {"sent": sent, "rounds": rounds}
            cause = Slice.at(clock(), hours).sweep
        # What it sends has causes that begin with this one.
        logger.info("Sent %s repositories to the writers", reply["sent"], extra={"cause": cause})
        return reply

    return sweep


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle()(event)
