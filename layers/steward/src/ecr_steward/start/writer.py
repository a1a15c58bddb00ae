"""What both writers do with a batch of messages, and what is said of one that is given up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ecr_steward.history.findings import Findings
from ecr_steward.history.tries import Tries
from ecr_steward.start import observe, sandbox
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind, FactMaker
from ecr_steward.words.hints import REGISTRY, Hint
from ecr_steward.writers.batch import Batch, Failure, Limits
from ecr_steward.writers.passing import is_passing

if TYPE_CHECKING:
    from ecr_steward.history.table import Table
    from ecr_steward.queues.hints import HintQueue
    from ecr_steward.start.environment import Environment

log = logging.getLogger(__name__)

BEGIN_WITHIN = 120
"""Seconds after which a batch begins no other repository; a visit may take as long again before
the function's time is over (template.yaml: RetagFunction, Timeout)."""


class Batches:
    """Visits the repositories of a batch, one after the other, each by its own `visit`."""

    def __init__(
        self,
        env: Environment,
        queue: HintQueue,
        table: Table,
        visit: Callable[[str, Sequence[Hint]], None],
    ) -> None:
        self._mode = env.mode()
        account, region = env.text("ACCOUNT"), env.text("AWS_REGION")
        self._maker = FactMaker(account, region, sandbox.now)
        self._findings = Findings(table)
        self._batch = Batch(
            queue=queue,
            tries=Tries(table, sandbox.now),
            limits=Limits(env.number("MAX_TRIES"), env.number("MAX_RECEIVES")),
            visit=visit,
            tell=self._tell,
        )

    def handle(self, event: Mapping[str, Any]) -> sandbox.Reply:
        """One SQS event to the messages that failed (`ReportBatchItemFailures`)."""
        latest = time.monotonic() + BEGIN_WITHIN
        outcomes = self._batch.handle(event["Records"], lambda: time.monotonic() < latest)
        observe.count("MessagesFailed", outcomes.failed)
        observe.count("MessagesPutOff", outcomes.waiting)
        observe.count("MessagesGivenUp", outcomes.given_up)
        return dict(outcomes.reply)

    def _tell(self, failure: Failure) -> None:
        self._findings.say([self._fact(failure)])

    def _fact(self, failure: Failure) -> Fact:
        hint, repository = failure.hint, failure.repository
        made = self._maker.fact(
            FactKind.FAILED,
            Cause(failure.message.id, "Message") if hint is None else hint.cause,
            f"Given up after {_after(failure)}, now in the failure queue: {failure.error}",
            repository="" if repository == REGISTRY else repository,
            mode=self._mode.value,
        )
        return made if hint is None else replace(made, tag=hint.tag, digest=hint.digest)


def _after(failure: Failure) -> str:
    if is_passing(failure.error):
        return f"waiting {failure.message.receives} times"
    return f"{failure.tries} tries"
