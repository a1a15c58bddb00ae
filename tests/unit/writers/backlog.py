"""A writer's queue and as many functions at once as may work on it, by a clock of its own."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_steward.history.tries import Tries
from ecr_steward.queues.hints import Received
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.batch import Batch, Failure, Limits
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.world import BEGINNING

BATCH = 10
BEGIN_WITHIN = 120
TIMEOUT = 300
LIMITS = Limits(tries=5, receives=100)


@dataclass(slots=True)
class Waiting:
    """A message in the queue; SQS shows it from `visible` on."""

    id: str
    group: str
    body: str
    sent: float
    visible: float
    attributes: dict[str, Any] = field(default_factory=dict)
    receives: int = 0

    def record(self) -> dict[str, Any]:
        return {
            "messageId": self.id,
            "receiptHandle": self.id,
            "body": self.body,
            "messageAttributes": self.attributes,
            "attributes": {
                "MessageGroupId": self.group,
                "ApproximateReceiveCount": str(self.receives),
                "SentTimestamp": str(int(self.sent * 1000) + 1),
            },
        }


class Backlog:
    """A FIFO queue, and `concurrency` functions, each with a time of its own.

    Which of the repositories that wait a batch gets is chance: FIFO queues order each alone.
    `visit` does the work of a repository, and says by `spend` how long it takes. `longest` is the
    longest that one batch took.
    """

    def __init__(
        self, repositories: int, visit: Callable[[str], object], concurrency: int = 2
    ) -> None:
        self.waiting = [self._new(f"r{n:03}", n / 1000) for n in range(repositories)]
        self.dead: list[str] = []
        self.told: list[Failure] = []
        self.tries: Counter[str] = Counter()
        self.served: Counter[str] = Counter()
        self.now = self.longest = 0.0
        self._free = [0.0] * concurrency
        self._visited = visit
        self._random = random.Random(repositories)  # noqa: S311
        self._held: dict[str, Waiting] = {}
        self._batch = Batch(
            queue=self,
            tries=Tries(MemoryTable(), lambda: BEGINNING),
            limits=LIMITS,
            visit=self._visit,
            tell=self.told.append,
        )

    def spend(self, seconds: float) -> None:
        self.now += seconds

    def run(self) -> None:
        """Work until nothing waits any more."""
        while self.waiting:
            at = self._free.index(min(self._free))
            self.now = self._free[at]
            batch = self._receive()
            if batch:
                self._work(batch)
            elif self.waiting:
                self.now = max(self.now, min(each.visible for each in self.waiting))
            self._free[at] = self.now + 0.01

    def _new(self, group: str, at: float) -> Waiting:
        hint = Hint(group, Action.PUSH, "1.4.2", None, Cause(f"event-{group}", "Push"), BEGINNING)
        return Waiting(f"{group}@{at}", group, hint.to_message(), at, at)

    def _receive(self) -> list[Waiting]:
        visible = [each for each in self.waiting if each.visible <= self.now]
        batch = self._random.sample(visible, min(BATCH, len(visible)))
        for each in batch:
            each.receives += 1
        return batch

    def _work(self, batch: Sequence[Waiting]) -> None:
        began = self.now
        self._held = {each.id: each for each in batch}
        for each in batch:
            each.visible = began + 1800
        outcomes = self._batch.handle(
            [each.record() for each in batch], lambda: self.now < began + BEGIN_WITHIN
        )
        self.longest = max(self.longest, self.now - began)
        back = {each["itemIdentifier"] for each in outcomes.reply["batchItemFailures"]}
        self.waiting = [e for e in self.waiting if e.id not in self._held or e.id in back]

    def _visit(self, repository: str, hints: Sequence[Hint]) -> None:
        self.tries[repository] += 1
        self._visited(repository)
        self.served[repository] += 1

    def give_up(self, message: Received, why: str) -> None:
        self.dead.append(message.group)

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        self._held[receipt_handle].visible = self.now + seconds

    def send_again(self, message: Received) -> None:
        again = self._new(message.group, self.now)
        again.attributes = {
            "First": {"stringValue": message.first},
            "Since": {"stringValue": str(message.since)},
        }
        again.id = f"{message.id}+"
        self.waiting.append(again)
