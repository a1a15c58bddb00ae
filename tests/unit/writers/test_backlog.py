"""Many repositories at once, slow visits and a fault that lasts: the queue and its writers by a
clock."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ecr_steward.queues.hints import Received
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.batch import handle
from tests.support.world import BEGINNING

BATCH = 10
CONCURRENCY = 2
BEGIN_WITHIN = 120
MAX_TRIES = 5


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
    """A FIFO queue, and as many functions at once as may work on it, each with a time of its own.

    Which of the repositories that wait a batch gets is chance: FIFO queues order each alone.

    `took` is how long a visit to a repository takes that begins at a time, and whether it fails.
    """

    def __init__(self, repositories: int, took: Callable[[float], tuple[float, bool]]) -> None:
        self.waiting = [self._new(f"r{n:03}", n / 1000) for n in range(repositories)]
        self.dead: list[Waiting] = []
        self.tries: Counter[str] = Counter()
        self.served: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self._took = took
        self._now = 0.0
        self._random = random.Random(repositories)  # noqa: S311

    def run(self) -> None:
        """Work until nothing waits any more."""
        free = [0.0] * CONCURRENCY
        while self.waiting:
            at = free.index(min(free))
            self._now = free[at]
            batch = self._receive()
            if batch:
                self._work(batch)
            elif self.waiting:
                self._now = max(self._now, min(each.visible for each in self.waiting))
            free[at] = self._now + 0.01

    def _new(self, group: str, at: float) -> Waiting:
        hint = Hint(group, Action.PUSH, "1.4.2", None, Cause(f"event-{group}", "Push"), BEGINNING)
        return Waiting(f"{group}@{at}", group, hint.to_message(), at, at)

    def _receive(self) -> list[Waiting]:
        locked: set[str] = set()
        batch: list[Waiting] = []
        groups = list(dict.fromkeys(each.group for each in self.waiting))
        turn = {group: self._random.random() for group in groups}
        for each in sorted(self.waiting, key=lambda each: turn[each.group]):
            if each.group in locked or each.visible > self._now or len(batch) == BATCH:
                locked.add(each.group)
                continue
            each.receives += 1
            if each.receives > MAX_TRIES + 1:
                self.waiting.remove(each)
                self.dead.append(each)
            else:
                batch.append(each)
        return batch

    def _work(self, batch: list[Waiting]) -> None:
        began = self._now
        held = {each.id: each for each in batch}
        for each in batch:
            each.visible = began + 1800
        answer = handle(
            [each.record() for each in batch],
            visit=self._visit,
            give_up=self._give_up,
            retry_in=lambda id_, seconds: setattr(held[id_], "visible", self._now + seconds),
            send_again=self._send_again,
            max_tries=MAX_TRIES,
            may_begin=lambda: self._now < began + BEGIN_WITHIN,
        )
        back = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        self.waiting = [each for each in self.waiting if each.id not in held or each.id in back]

    def _visit(self, repository: str, hints: Sequence[Hint]) -> None:
        seconds, fails = self._took(self._now)
        self._now += seconds
        self.tries[repository] += 1
        if fails:
            raise ConnectionError("ECR is out of reach.")
        self.served[repository] += 1

    def _give_up(self, message: Received, hint: Hint | None, error: Exception) -> None:
        self.told[message.group] += 1

    def _send_again(self, message: Received) -> None:
        assert message.group not in {each.group for each in self.dead}
        again = self._new(message.group, self._now)
        carried = {"Tries": message.tries - 1, "Since": message.since}
        again.attributes = {name: {"stringValue": str(n)} for name, n in carried.items()}
        again.id = f"{message.id}+"
        self.waiting.append(again)


@pytest.mark.parametrize("seconds", [1, 25, 45, 100, 250])
def test_two_hundred_repositories_that_take_long_are_each_served_once(seconds: float) -> None:
    backlog = Backlog(200, lambda now: (seconds, False))
    backlog.run()
    assert set(backlog.served.values()) == {1}
    assert len(backlog.served) == 200
    assert backlog.dead == []


def test_nothing_ends_in_the_failure_queue_untried_or_untold_while_ecr_is_down() -> None:
    backlog = Backlog(50, lambda now: (45, True) if now < 3600 else (5, False))
    backlog.run()
    dead = {each.group for each in backlog.dead}
    assert dead
    assert {backlog.tries[group] for group in dead} == {MAX_TRIES}
    assert all(backlog.told[group] for group in dead)
    assert set(backlog.served) | dead == {f"r{n:03}" for n in range(50)}
    assert set(backlog.served) & dead == set()
