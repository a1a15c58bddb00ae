"""What the steward costs a month, from list prices: the table in docs/questions.md.

For as many repositories as pushes a month. A push moves three tags and is told in one e-mail; every
repository is visited once a day for its tags, and once for its settings. Units of the table are
those of `tests.support.world`, whose writes are transactions but for a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ecr_steward.start import observe
from tests.template import support

SIZES = (100, 2_000, 10_000)
DAYS = 30.4
_PER_REPOSITORY = 2 * DAYS  # visits


@dataclass(frozen=True, slots=True)
class CostPart:
    """A part of the bill: its price in dollars, and how many are paid for: always, for each push
    and for each visit."""

    name: str
    counted: str
    price: float
    always: float = 0
    push: float = 0
    visit: float = 0

    def dollars(self, size: int) -> float:
        used = self.always + size * self.push + size * _PER_REPOSITORY * self.visit
        return self.price * used


def _of_kind(kind: str) -> int:
    return sum(each["Type"] == kind for each in support.stack().resources.values())


def _asked_queues(*, fifo: bool) -> int:
    """How many queues Lambda asks for a function, all the time."""
    stack = support.stack().resources
    sources = (each["Properties"] for each in stack.values() if each["Type"] == _MAPPING)
    names = [each["EventSourceArn"].removeprefix("${").partition(".")[0] for each in sources]
    queues = [stack[name] for name in names if stack[name]["Type"] == "AWS::SQS::Queue"]
    return sum(bool(each["Properties"].get("FifoQueue")) is fifo for each in queues)


_MAPPING = "AWS::Lambda::EventSourceMapping"


def _metrics() -> int:
    """How many metrics the functions send at most."""
    return sum(map(len, observe.COUNTED.values()))


def _alarm_metrics() -> int:
    """How many metrics alarms look at: each is paid for."""
    alarms = (each for each in support.stack().resources.values() if each["Type"] == _ALARM)
    queries = (each["Properties"].get("Metrics", [{"MetricStat": {}}]) for each in alarms)
    return sum("MetricStat" in query for each in queries for query in each)


_ALARM = "AWS::CloudWatch::Alarm"


def parts() -> tuple[CostPart, ...]:
    """Every part of the bill. Prices: see the page."""
    alarms, dashboards = _alarm_metrics(), _of_kind("AWS::CloudWatch::Dashboard")
    slices, polls = DAYS * 24 * 12, DAYS * 24 * 3600 / 20 * 5
    fifo, standard = _asked_queues(fifo=True), _asked_queues(fifo=False)
    found = (
        CostPart("Lambda, time", "GB-seconds on Arm: 0.75 a push, 0.15 a visit, 0.15 a slice of the"
                 " sweep", 13.3334e-6, 0.15 * slices, 0.75, 0.15),
        CostPart("Lambda, requests", "12 a push, 1 a visit or slice", 0.2e-6, slices, 12, 1),
        CostPart("SQS, FIFO", f"5 pollers of Lambda ask {fifo} queues every 20 seconds; 15 "
                 "requests a push, 3 a visit", 0.5e-6, fifo * polls, 15, 3),
        CostPart("SQS, standard", f"the same for {standard} queues; 6 requests a push", 0.4e-6,
                 standard * polls, 6),
        CostPart("DynamoDB, writes", "units on demand, two for a KB in a transaction: 30 a push, 5 "
                 "a visit", 0.625e-6, 0, 30, 5),
        CostPart("DynamoDB, reads", "units on demand: 32 a push, 10 a visit", 0.125e-6, 0, 32, 10),
        CostPart("DynamoDB, storage", "5 KB a push, 2 KB a repository; after a year", 0.25e-6,
                 0, 12 * 5 + 2),
        CostPart("EventBridge", "3 events of the steward's own a push; ECR's are free", 1e-6, 0, 3),
        CostPart("EventBridge Scheduler", "the sweep's slices", 1e-6, slices),
        CostPart("CloudWatch alarms", f"{_of_kind(_ALARM)} alarms, which look at {alarms} metrics",
                 0.1, alarms),
        CostPart("CloudWatch metrics", f"{_metrics()} at most; one costs nothing in hours in which "
                 "it is not sent", 0.3, _metrics()),
        CostPart("CloudWatch dashboards", f"{dashboards}; the first three of an account are free",
                 3, dashboards),
        CostPart("CloudWatch Logs", "GB: 10 KB a push, 2 KB a visit", 0.5e-6, 0, 10, 2),
        CostPart("SNS", "one e-mail a push", 20e-6, 0, 1),
    )  # fmt: skip
    return tuple(part for part in found if any(map(part.dollars, SIZES)))


def rows() -> Iterator[Sequence[str]]:
    """The table: every part, and what they are together."""
    every = parts()
    for part in every:
        yield (part.name, part.counted, *_shown(map(part.dollars, SIZES)))
    totals = (sum(part.dollars(size) for part in every) for size in SIZES)
    yield ("**Together**", "all parts", *(f"**{each}**" for each in _shown(totals)))


def _shown(dollars: Iterable[float]) -> Iterator[str]:
    return (f"{each:.2f}" for each in dollars)
