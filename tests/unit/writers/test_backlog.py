"""Many repositories at once, slow visits and bad hours of ECR, by a clock."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ecr_steward.ecr import Manifest, Unavailable
from ecr_steward.tags.plan import TagChange
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.apply import apply
from ecr_steward.writers.brake import Brake
from tests.support.world import BEGINNING
from tests.unit.writers.backlog import TIMEOUT, Backlog

REPOSITORIES, MOVES = 200, 30
DIGEST = "sha256:new"
MANIFESTS = {DIGEST: Manifest(DIGEST, "{}", "application/json")}
AT_ONCE = 4
AWAY = 20 * 60


class QuotaEcr:
    """ECR's quota of `PutImage`: ten a second, of which CI takes the first `ci`; before `back` it
    cannot be reached at all. The SDK asks four times (botocore: standard retries)."""

    def __init__(self, ci: float = 0.0, back: float = 0.0) -> None:
        self.tags: dict[str, set[str]] = {f"r{n:03}": set() for n in range(REPOSITORIES)}
        self._ci, self._back = ci, back
        self._taken: dict[int, int] = {}
        self._random = random.Random(7)  # noqa: S311

    def look(self, now: float, spend: Callable[[float], None]) -> None:
        spend(0.1)
        if now < self._back:
            spend(4 * 3)
            raise Unavailable("BatchGetImage", "ConnectTimeoutError", "ECR is away")

    def put(self, repository: str, tag: str, at: float) -> tuple[float, int]:
        """How long it took, and how often it was throttled; four times is a failure."""
        time = at
        for throttles in range(4):
            time += 0.05
            if self._takes(int(time)):
                self.tags[repository].add(tag)
                return time - at, throttles
            time += self._random.random() * 2**throttles
        return time - at, 4

    def _takes(self, second: int) -> bool:
        left = 10 - self._ci
        free = int(left * (second + 1)) - int(left * second)
        taken = self._taken.get(second, 0)
        self._taken[second] = taken + 1 if taken < free else taken
        return taken < free


class BrakedSandbox:
    """What a function does in a visit: it looks, and puts what is not put yet, braked."""

    def __init__(self, ecr: QuotaEcr, concurrency: int) -> None:
        self._ecr = ecr
        self._took: list[float] = []
        self.backlog = Backlog(REPOSITORIES, self._visit, concurrency)
        self.brake = Brake(
            self._side_by_side, AT_ONCE, lambda: self.backlog.now, self.backlog.spend
        )

    def _visit(self, repository: str) -> None:
        self._ecr.look(self.backlog.now, self.backlog.spend)
        missing = sorted({f"{n}.0" for n in range(MOVES)} - self._ecr.tags[repository])
        hint = Hint(repository, Action.PUSH, None, None, Cause("e", "Push"), BEGINNING)
        changes = [
            TagChange(FactKind.MOVE, tag, "sha256:old", DIGEST, "It is higher.", hint)
            for tag in missing
        ]
        registry: Any = SimpleNamespace(put=self._put)
        applied = apply(registry, repository, changes, MANIFESTS, self.brake)
        if applied.passing:
            raise applied.passing[0][1]

    def _side_by_side(self, write: Any, changes: Any) -> Any:
        """Each begins when the first does; together they take as long as the longest."""
        self._took = [0.0]
        outcomes = [write(change) for change in changes]
        self.backlog.spend(max(self._took))
        return outcomes

    def _put(self, repository: str, manifest: Manifest, tag: str) -> None:
        took, throttles = self._ecr.put(repository, tag, self.backlog.now)
        self._took.append(took)
        if throttles:
            self.brake.pull()
        if throttles == 4:
            raise Unavailable("PutImage", "ThrottlingException", "Rate exceeded")


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "ecr_steward")


@pytest.mark.parametrize("seconds", [1, 25, 45, 100, 250])
def test_two_hundred_repositories_that_take_long_are_each_served_once(seconds: float) -> None:
    backlog = Backlog(200, lambda repository: backlog.spend(seconds))
    backlog.run()
    assert set(backlog.served.values()) == {1}
    assert len(backlog.served) == 200
    assert backlog.dead == []


@pytest.mark.parametrize("concurrency", [2, 10])
@pytest.mark.parametrize(
    ("fault", "hours"),
    [({"ci": 9.5}, 8), ({"back": AWAY}, 0.75)],
    ids=["throttled", "away"],
)
def test_a_bad_hour_of_ecr_costs_no_repository_its_tags(
    fault: dict[str, float], hours: float, concurrency: int
) -> None:
    ecr = QuotaEcr(**fault)
    backlog = BrakedSandbox(ecr, concurrency).backlog
    backlog.run()
    assert all(len(tags) == MOVES for tags in ecr.tags.values())
    assert (backlog.dead, backlog.told) == ([], [])
    assert backlog.longest < TIMEOUT
    assert backlog.now < hours * 3600


def test_what_fails_by_itself_is_in_the_failure_queue_after_five_tries_and_told_once() -> None:
    def visit(repository: str) -> None:
        backlog.spend(1)
        raise RuntimeError("It broke.")

    backlog = Backlog(50, visit)
    backlog.run()
    assert sorted(backlog.dead) == [f"r{n:03}" for n in range(50)]
    assert set(backlog.tries.values()) == {5}
    assert len(backlog.told) == 50
