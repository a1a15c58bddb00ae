"""What both writers do with a batch of messages, and what is said of one that is given up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ecr_steward.start import observe, sandbox
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind, FactMaker
from ecr_steward.words.hints import REGISTRY, Hint
from ecr_steward.writers import batch

if TYPE_CHECKING:
    from ecr_steward.history.findings import Findings
    from ecr_steward.queues.hints import HintQueue, Received
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
        findings: Findings,
        visit: Callable[[str, Sequence[Hint]], None],
    ) -> None:
        self._max_tries = env.number("MAX_TRIES")
        self._mode = env.mode()
        account, region = env.text("ACCOUNT"), env.text("AWS_REGION")
        self._maker = FactMaker(account, region, sandbox.now)
        self._queue, self._findings, self._visit = queue, findings, visit

    def handle(self, event: Mapping[str, Any]) -> sandbox.Reply:
        """One SQS event to the messages that failed (`ReportBatchItemFailures`)."""
        latest = time.monotonic() + BEGIN_WITHIN
        failures = batch.handle(
            event["Records"],
            visit=self._visit,
            give_up=self._give_up,
            retry_in=self._queue.retry_in,
            send_again=self._queue.send_again,
            max_tries=self._max_tries,
            may_begin=lambda: time.monotonic() < latest,
        )
        observe.count("MessagesFailed", len(failures["batchItemFailures"]))
        return dict(failures)

    def _give_up(self, message: Received, hint: Hint | None, error: Exception) -> None:
        repository = message.group if hint is None else hint.repository
        try:
            self._findings.say([self._failed(repository, hint, message.id, error)])
        except Exception as fault:  # the failure queue and its alarm tell it all the same
            log.error("The failure could not be recorded: %s", fault)

    def _failed(
        self, repository: str, hint: Hint | None, message_id: str, error: Exception
    ) -> Fact:
        made = self._maker.fact(
            FactKind.FAILED,
            Cause(message_id, "Message") if hint is None else hint.cause,
            f"Given up after {self._max_tries} tries, now in the failure queue: {error}",
            repository="" if repository == REGISTRY else repository,
            mode=self._mode.value,
        )
        return made if hint is None else replace(made, tag=hint.tag, digest=hint.digest)
