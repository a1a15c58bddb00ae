"""`make load`: how far the steward is behind at 1,000, 10,000 and 100,000 pushes an hour.

A simulation in virtual time of the limits that AWS documents: ECR's rate of PutImage, which CI and
the steward share, FIFO groups that are locked while a batch is worked on, batches of messages, and
the concurrency of the writer. AWS documents no latencies: those here are assumed, and round.
Who asks ECR for more than its rate waits in order, which is kinder than refusals and repeats.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

HOUR = 3600.0
RATES = (1_000, 10_000, 100_000)
"""Pushes an hour."""

QUOTA = 10
"""PutImage a second for an account and Region (ECR: service quotas)."""

SETTLE, BATCH, CONCURRENCY = 5.0, 10, 2
"""SettleSeconds, the batch size and RetagConcurrency, as the template has them."""

MOVES = 3
"""Stable tags that a push moves: `1.4`, `1`, `latest`."""

EVENT = 0.5
"""Seconds from a push to the door, assumed; EventBridge promises none."""

DOOR, READ, PUT, HISTORY = 0.05, 0.04, 0.08, 0.01
"""Seconds of a run of the door, of a read of ECR, of a PutImage, of a call of DynamoDB; assumed."""

START = 0.02
"""Seconds that a warm run of the writer takes beside its calls; assumed."""


class TokenBucket:
    """ECR's rate: who asks when none is left gets one later, in order.

    ECR documents no burst; one second's worth is assumed.
    """

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._burst = 1 - self._interval
        self._next = float("-inf")

    def grant(self, now: float) -> float:
        """The time at which a request of `now` is let through."""
        due = max(self._next, now)
        self._next = due + self._interval
        return max(now, due - self._burst)


@dataclass(frozen=True, slots=True)
class Shape:
    """How pushes come: over so many repositories, with so many PutImage each, within seconds."""

    name: str
    repositories: int
    puts: int = 1
    within: float = HOUR

    def arrivals(self, pushes: int, random: Random) -> Iterator[tuple[float, int]]:
        """When each push begins and its repository, in order."""
        for time in sorted(random.uniform(0, self.within) for _ in range(pushes)):
            yield time, random.randrange(self.repositories)


SHAPES = (
    Shape("one repository", 1),
    Shape("2,000 repositories", 2_000),
    Shape("multi-arch", 2_000, puts=5),
    Shape("nightly wave", 2_000, within=600.0),
)
"""An index has two children and an attestation for each: five PutImage. A wave is ten minutes."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What can be chosen: the quota that AWS grants, and how the writer takes its work."""

    quota: float = QUOTA
    concurrency: int = CONCURRENCY
    batch: int = BATCH
    settle: float = SETTLE


@dataclass(slots=True)
class Outcome:
    """What came of a simulated hour; times are in seconds."""

    pushes: int = 0
    lags: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    depth: int = 0
    end: float = 0.0
    moves: int = 0
    messages: int = 0
    batches: int = 0
    busy: float = 0.0

    def lag(self, percent: float) -> float:
        """The time from a push to the last of its stable tags, that so many percent stay below."""
        return _percentile(self.lags, percent)

    def wait(self, percent: float) -> float:
        """How long CI's own pushes waited for ECR."""
        return _percentile(self.waits, percent)

    @property
    def saved(self) -> float:
        """The part of the steward's PutImage that batching spared."""
        return 1 - self.moves / (self.pushes * MOVES)

    @property
    def cost(self) -> float:
        """US dollars for a million pushes."""
        return sum(price * used / self.pushes for price, used in self._used().values()) * 1e6

    def _used(self) -> Mapping[str, tuple[float, float]]:
        """What is paid for: the price of one, and how many (list prices, us-east-1, arm64)."""
        gigabyte_seconds = self.busy * 0.5 + self.messages * DOOR * 0.25 + self.moves * 0.2 * 0.25
        return {
            "Lambda, GB seconds": (13.3334e-6, gigabyte_seconds),
            "Lambda, requests": (0.2e-6, self.messages + self.batches + self.moves / 5),
            "SQS, requests": (0.5e-6, self.messages + 2 * self.batches + self.moves),
            "DynamoDB, writes": (0.625e-6, self.moves * 5),
            "DynamoDB, reads": (0.125e-6, self.messages * 3),
            "EventBridge, the steward's own events": (1e-6, self.moves),
            "CloudWatch Logs, GB": (0.5, (self.messages + self.moves) * 500 / 1e9),
        }


@dataclass(slots=True)
class _Group:
    """The messages of one repository: when each push was made, None for an echo."""

    waiting: deque[float | None] = field(default_factory=deque)
    locked: bool = False


class LoadRun:
    """One hour of pushes, until the last stable tag is where it belongs."""

    def __init__(self, shape: Shape, pushes: int, capacity: Capacity, seed: int = 1) -> None:
        self._capacity = capacity
        self._shape = shape
        self._bucket = TokenBucket(capacity.quota)
        self._groups: dict[int, _Group] = {}
        self._ready: deque[int] = deque()
        self._idle = capacity.concurrency
        self._waiting = 0
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._numbers = itertools.count()
        self.outcome = Outcome(pushes=pushes)
        self._arrivals = shape.arrivals(pushes, Random(seed))  # noqa: S311

    def run(self) -> Outcome:
        self._next_arrival()
        while self._events:
            now, _, happen = heapq.heappop(self._events)
            self.outcome.end = now
            happen(now)
        return self.outcome

    def _at(self, time: float, happen: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (time, next(self._numbers), happen))

    def _next_arrival(self) -> None:
        arrival = next(self._arrivals, None)
        if arrival is not None:
            self._at(arrival[0], lambda now: self._push(now, arrival[1]))

    def _push(self, now: float, repository: int) -> None:
        """CI pushes: a PutImage for each manifest, the index last."""
        self._next_arrival()
        granted = max(self._bucket.grant(now) for _ in range(self._shape.puts))
        pushed = granted + PUT
        self.outcome.waits.append(granted - now)
        self._tell(pushed, repository, pushed)

    def _tell(self, time: float, repository: int, pushed: float | None) -> None:
        """An event goes through the door to the queue, which holds it back."""
        self.outcome.messages += 1
        visible = time + EVENT + DOOR + self._capacity.settle
        self._at(visible, lambda now: self._deliver(now, repository, pushed))

    def _deliver(self, now: float, repository: int, pushed: float | None) -> None:
        group = self._groups.setdefault(repository, _Group())
        if not group.waiting and not group.locked:
            self._ready.append(repository)
        group.waiting.append(pushed)
        self._waiting += 1
        self.outcome.depth = max(self.outcome.depth, self._waiting)
        self._take(now)

    def _take(self, now: float) -> None:
        """Let writers that are free take batches, the groups that have waited longest first."""
        while self._idle and self._ready:
            self._idle -= 1
            self.outcome.batches += 1
            self._visit(now + START, list(self._batch()), now)

    def _batch(self) -> Iterator[tuple[int, list[float | None]]]:
        room = self._capacity.batch
        while room and self._ready:
            repository = self._ready.popleft()
            group = self._groups[repository]
            group.locked = True
            taken = [group.waiting.popleft() for _ in range(min(room, len(group.waiting)))]
            room -= len(taken)
            self._waiting -= len(taken)
            yield repository, taken

    def _visit(self, now: float, left: list[tuple[int, list[float | None]]], began: float) -> None:
        """Visit the repositories of a batch in turn."""
        if not left:
            self.outcome.busy += now - began
            self._idle += 1
            self._take(now)
            return
        (repository, taken), rest = left[0], left[1:]
        pushes = [each for each in taken if each is not None]
        reads = READ * (2 if pushes else 1) + HISTORY * (2 if pushes else 1)

        def apply(at: float) -> None:
            moved = max(self._bucket.grant(at) for _ in range(MOVES)) + PUT if pushes else at
            self._at(moved, lambda end: self._close(end, repository, pushes))
            self._at(moved + HISTORY, lambda end: self._visit(end, rest, began))

        self._at(now + reads, apply)

    def _close(self, now: float, repository: int, pushes: list[float]) -> None:
        """The stable tags are where they belong; each move comes back as an echo."""
        self.outcome.lags += [now - pushed for pushed in pushes]
        for _ in range(MOVES if pushes else 0):
            self.outcome.moves += 1
            self._tell(now, repository, None)
        group = self._groups[repository]
        group.locked = False
        if group.waiting:
            self._ready.append(repository)


def simulate(shape: Shape, pushes: int, capacity: Capacity | None = None) -> Outcome:
    """What comes of so many pushes in an hour."""
    return LoadRun(shape, pushes, capacity or Capacity()).run()


def _percentile(values: Iterable[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0
