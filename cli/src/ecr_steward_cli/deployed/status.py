"""How a stack stands, and what somebody has to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from ecr_steward.history.holds import Hold
from ecr_steward.messages.say.wording import counted
from ecr_steward.messages.whom.routing import Routing
from ecr_steward.rules import RulesError, Ruleset
from ecr_steward.sweep.slices import Slice
from ecr_steward.words.facts import Fact
from ecr_steward.words.reading import parse_time
from ecr_steward_cli.deployed.rules import NotKnown, rules_file_of
from ecr_steward_cli.deployed.stack import Stack, is_paused, sentence

_T = TypeVar("_T")

WORK = ("RetagQueue", "SettingsQueue", "NotifyQueue", "RetryQueue")
_FAILURES = "FailureQueueUrl"
_SWEEPS_BACK = 3
_LATEST = timedelta(minutes=10)
"""How far back the age of a queue's oldest message is looked for; CloudWatch lags by minutes."""
_DAY = timedelta(hours=25)
"""How far back each function has run; that which runs least does once a day."""
_PATIENCE = timedelta(minutes=10)
"""How long a message may wait for a channel before somebody has to look."""
_EVER = datetime.max.replace(tzinfo=UTC)


class _Unknown(Exception):
    """A part of the answer that cannot be known; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue's depth (SQS API: GetQueueAttributes, approximate) and its oldest message's age."""

    name: str
    waiting: int
    in_flight: int
    delayed: int
    oldest: timedelta | None = None

    @property
    def messages(self) -> int:
        return self.waiting + self.in_flight + self.delayed

    @property
    def holds_failures(self) -> bool:
        return self.name.endswith("FailureQueue")


@dataclass(frozen=True, slots=True)
class SweepState:
    """The last complete sweep, and how far the one under way is (in parts)."""

    last: Fact | None
    part: int | None
    parts: int


@dataclass(slots=True)
class Status:
    """How a stack stands. What could not be learned is None, and `unknown` says why, by part.

    `deaf` are the channels that take no messages, `waiting` by channel since when messages wait
    that it did not take; `unconfirmed` says that the topic's e-mails reach nobody; `failing` are
    the functions all of whose latest invocations failed, with how many; `given` is the rules file
    to compare with, and its fingerprint; `expiring` counts the images with an expiry tag.
    """

    stack: Stack
    now: datetime
    mode: str
    settings_mode: str
    hours: int
    version: str | None = None
    rules: str | None = None
    rules_of_last_sweep: bool = False
    writers: str | None = None
    sweep: SweepState | None = None
    queues: list[Queue] = field(default_factory=list)
    holds: list[tuple[str, Hold]] = field(default_factory=list)
    deaf: list[str] = field(default_factory=list)
    waiting: dict[str, list[datetime]] = field(default_factory=dict)
    unconfirmed: bool = False
    failing: dict[str, int] = field(default_factory=dict)
    given: tuple[str, str] | None = None
    expiring: int = 0
    unknown: dict[str, str] = field(default_factory=dict)

    def ask(self, part: str, question: Callable[[], _T]) -> _T | None:
        """The answer to a question of AWS; None where it is refused, and `unknown` says why."""
        try:
            return question()
        except (ClientError, BotoCoreError) as error:
            self.unknown[part] = sentence(error)
        except (_Unknown, NotKnown) as error:
            self.unknown[part] = str(error)
        return None

    def attention(self) -> list[str]:
        """What somebody has to look at, a sentence each; nothing where all is well."""
        return [
            *self._about_writers(),
            *self._about_sweep(),
            *self._about_queues(),
            *self._about_holds(),
            *self._about_functions(),
            *self._about_channels(),
            *self._about_rules(),
        ]

    def _about_writers(self) -> Iterator[str]:
        if self.mode == "off":
            yield (
                "Mode is off: messages wait in the queues for up to 14 days; deploying with "
                "Mode=audit or Mode=enforce continues."
            )
        elif self.writers is None:
            yield "It is not known whether the writers run."
        elif is_paused(self.writers):
            yield (
                "The writers are paused: messages wait in the queues for up to 14 days; "
                "`ecr-steward resume` continues."
            )
        if self.expiring and (self.mode != "enforce" or is_paused(self.writers or "")):
            yield still_going(self.expiring)

    def _about_sweep(self) -> Iterator[str]:
        late = timedelta(hours=2 * self.hours)
        if self.mode == "off":
            return
        if self.sweep is None:
            yield "It is not known when the last sweep was."
        elif self.sweep.last is None:
            if self.now - self.stack.created > late:
                yield f"No sweep was completed in {2 * self.hours} hours: {_LOOK_AT_SWEEP}"
        elif self.now - parse_time(self.sweep.last.time) > late:
            ago = span(self.now - parse_time(self.sweep.last.time))
            yield f"The last sweep was completed {ago} ago: {_LOOK_AT_SWEEP}"

    def _about_queues(self) -> Iterator[str]:
        for queue in self.queues:
            if queue.holds_failures and queue.messages:
                held = f"{queue.messages} message" + ("" if queue.messages == 1 else "s")
                yield f"{queue.name} holds {held}: {self.stack.output(f'{queue.name}Url')}"
        for part in self.unknown:
            if part.endswith("FailureQueue"):
                yield f"It is not known whether {part} is empty."

    def _about_holds(self) -> Iterator[str]:
        for repository, hold in self.holds:
            if hold.automatic:
                name = f"{repository}:{hold.tag}"
                yield f"{name} is held {hold}. `ecr-steward release {name}` ends that."

    def _about_functions(self) -> Iterator[str]:
        for name, count in self.failing.items():
            latest = "invocation" if count == 1 else f"{count} invocations"
            yield (
                f"{name} failed in its latest {latest}, so it may not start at all: `aws logs tail "
                f"/aws/lambda/{name}` says why."
            )

    def _about_channels(self) -> Iterator[str]:
        if self.unconfirmed:
            yield (
                "Nobody has confirmed the subscription to messages and alarms, so they reach "
                "nobody by e-mail: the address was sent a link, which is good for three days; "
                "deploy with another NotificationEmail, or subscribe it again."
            )
        for name in sorted({*self.deaf, *self.waiting}):
            said = self._about_channel(name)
            if said is not None:
                way = f"`ecr-steward notify-test {name}` says what it answers."
                yield f"Channel `{name}` {said}: {way}"

    def _about_channel(self, name: str) -> str | None:
        """What is wrong with a channel; a message that waits for a moment is nothing yet."""
        since = self.waiting.get(name, [])
        many = counted(len(since), "message", "messages")
        if name in self.deaf:
            waits = counted(len(since), "message waits", "messages wait")
            return f"takes no messages, and {waits} for it"
        if self.now - since[0] < _PATIENCE:
            return None
        return f"has not taken {many}, the first one for {span(self.now - since[0])}"

    def _about_rules(self) -> Iterator[str]:
        if self.given is not None and self.rules is not None and self.given[1] != self.rules:
            yield (
                f"The stack goes by other rules ({self.rules}) than {self.given[0]} has "
                f"({self.given[1]}): deploy with RULES={self.given[0]}, or look what changed."
            )


_LOOK_AT_SWEEP = "check SweepFunction's log and its schedule."


def look(stack: Stack) -> Status:
    """Ask for every part; one that is refused costs only itself."""
    status = Status(
        stack=stack,
        now=stack.outside.now(),
        mode=stack.output("Mode"),
        settings_mode=stack.output("SettingsMode"),
        hours=int(stack.parameter("SweepHours")),
    )

    ask = status.ask
    status.version = ask("version", lambda: _version(stack))
    status.writers = ask("writers", stack.writers)
    status.sweep = ask("last sweep", lambda: _sweeps(stack, status.now, status.hours))
    status.holds = ask("holds", lambda: _holds(stack, status.now)) or []
    status.expiring = ask("expiry tags", lambda: expiring(stack)) or 0
    _ask_rules(status)
    status.failing = ask("functions", lambda: _failing(stack, status.now)) or {}
    status.unconfirmed = ask("e-mail", lambda: _unconfirmed(stack)) or False
    _ask_queues(status)
    return status


def _ask_rules(status: Status) -> None:
    """The rules, and the channels that they name."""
    stack = status.stack
    file = status.ask("rules", lambda: rules_file_of(stack))
    if file is not None:
        status.rules = str(file["fingerprint"])
        _ask_channels(status, file["document"])
    elif status.sweep is not None and status.sweep.last is not None:
        status.rules, status.rules_of_last_sweep = status.sweep.last.rules, True


def _ask_queues(status: Status) -> None:
    stack, ask = status.stack, status.ask
    for name in _queue_names(stack):
        queue = ask(name, lambda name=name: Queue(name, *stack.depths(name)))  # type: ignore[misc]
        if queue is not None and queue.messages and not queue.holds_failures:
            queue = ask(f"{name}'s age", lambda queue=queue: _aged(stack, queue)) or queue  # type: ignore[misc]
        status.queues += [queue] if queue is not None else []


def _ask_channels(status: Status, document: Mapping[str, Any]) -> None:
    """Which channels of the rules take no messages since they last worked, and what waits."""
    try:
        names = sorted(Routing(Ruleset.from_document(document)).channels)
    except (RulesError, LookupError, TypeError, AttributeError):
        return  # rules of another version, which whoever needs them says
    ledger, now = status.stack.ledger(), status.now
    deaf = status.ask("channels", lambda: [n for n in names if ledger.state(n, now).faulty])
    waiting = status.ask("what waits", lambda: {n: ledger.waiting(n, now) for n in names})
    status.deaf = deaf or []
    status.waiting = {name: since for name, since in (waiting or {}).items() if since}


def _failing(stack: Stack, now: datetime) -> dict[str, int]:
    """The functions that failed each time of late, when last they ran; and how often."""
    there = sorted(name for key, name in stack.outputs.items() if key.endswith("FunctionName"))
    asked = [(name, metric) for name in there for metric in ("Invocations", "Errors")]
    answer = stack.client("cloudwatch").get_metric_data(
        MetricDataQueries=[_sum(f"q{n}", *each) for n, each in enumerate(asked)],
        StartTime=now - _DAY,
        EndTime=now,
    )
    found = {each["Id"]: _by_time(each) for each in answer["MetricDataResults"]}
    sums = {each: found.get(f"q{n}", {}) for n, each in enumerate(asked)}
    late = {n: _latest_of(sums[n, "Invocations"], sums[n, "Errors"]) for n in there}
    return {name: ran for name, (ran, failed) in late.items() if 0 < ran <= failed}


def _sum(key: str, function: str, metric: str) -> dict[str, Any]:
    dimensions = [{"Name": "FunctionName", "Value": function}]
    named = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": key, "MetricStat": {"Metric": named, "Period": 60, "Stat": "Sum"}}


def _by_time(result: Mapping[str, Any]) -> dict[datetime, int]:
    return dict(zip(result["Timestamps"], map(int, result["Values"]), strict=True))


def _latest_of(ran: Mapping[datetime, int], failed: Mapping[datetime, int]) -> tuple[int, int]:
    """How often a function ran in the minutes before it last did, and how often it failed then."""
    start = max((time for time, count in ran.items() if count), default=_EVER) - _LATEST
    since = (sum(n for time, n in each.items() if time >= start) for each in (ran, failed))
    return next(since), next(since)


def _unconfirmed(stack: Stack) -> bool:
    """Whether nobody has confirmed a subscription to the topic of messages and alarms, though
    somebody was asked to."""
    topic = stack.outputs.get("NotificationTopicArn")
    if topic is None:
        raise _Unknown("The stack has no output `NotificationTopicArn`: deploy it again.")
    found = stack.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    pending, confirmed = (
        int(found.get(each, 0)) for each in ("SubscriptionsPending", "SubscriptionsConfirmed")
    )
    return bool(pending) and not confirmed


def _version(stack: Stack) -> str:
    if "Version" not in stack.outputs:
        raise _Unknown("The stack has no output `Version`: deploy it again.")
    return stack.outputs["Version"]


def expiring(stack: Stack) -> int:
    """How many images have an expiry tag."""
    return sum(stack.expiries().tagged().values())


def still_going(images: int) -> str:
    """What becomes of images with an expiry tag while nobody takes one off."""
    have = "1 image has" if images == 1 else f"{images:,} images have"
    return (
        f"{have} an expiry tag, and ECR expires what has one within a day or two, whoever needs it "
        "by then: no tag is taken off now."
    )


def _holds(stack: Stack, now: datetime) -> list[tuple[str, Hold]]:
    return [each for each in stack.history().holds.all() if each[1].holds(now)]


def _sweeps(stack: Stack, now: datetime, hours: int) -> SweepState:
    history = stack.history()
    turn = Slice.at(now, hours)
    under_way = history.sweeps.totals(turn.sweep).get("parts")
    current: Slice = turn
    for _ in range(_SWEEPS_BACK):
        fact = history.sweeps.completed(current.sweep)
        if fact is not None:
            return SweepState(fact, under_way, turn.of)
        current = Slice(current.previous(), 0, turn.of)
    return SweepState(None, under_way, turn.of)


def _queue_names(stack: Stack) -> list[str]:
    failures = sorted(key for key in stack.outputs if key.endswith(_FAILURES))
    return [*WORK, *(key.removesuffix("Url") for key in failures)]


def _aged(stack: Stack, queue: Queue) -> Queue:
    """SQS itself tells no ages; CloudWatch does (SQS metric ApproximateAgeOfOldestMessage)."""
    now = stack.outside.now()
    answer = stack.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[
            {"Name": "QueueName", "Value": stack.output(f"{queue.name}Url").rpartition("/")[2]}
        ],
        StartTime=now - _LATEST,
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )
    points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    if not points:
        return queue
    oldest = timedelta(seconds=points[-1]["Maximum"])
    return replace(queue, oldest=oldest)


def span(time: timedelta) -> str:
    """A length of time in its largest unit, rounded down."""
    seconds = max(0, int(time.total_seconds()))
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"
