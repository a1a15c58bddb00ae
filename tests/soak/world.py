"""The world of a soak: virtual time, the registry, what is around the functions, and their runs."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ecr_steward.history.table import Item
from ecr_steward.history.tags import History
from ecr_steward_cli.in_memory.settings import MemorySettings
from tests.handlers.functions import (
    FAILURE_QUEUE,
    NOTIFY_QUEUE,
    QUEUE,
    RETRY_QUEUE,
    SETTINGS_QUEUE,
    SETTINGS_ROLE,
)
from tests.soak import functions, settings
from tests.soak.cloud import (
    BEGINNING,
    Bus,
    Log,
    Parameters,
    Receivers,
    SoakMessage,
    SoakQueue,
    SoakTable,
    SoakTrail,
    Sqs,
    record,
)
from tests.soak.faults import MOST_SPOILT, Faults, FaultyInvocation, Interrupted, Rates
from tests.soak.rules import ruleset
from tests.template import support as template

SLICE = 300.0
"""Seconds between two slices of a sweep; SWEEP_HOURS is 1."""

SANDBOXES = 2
_STEWARD = f"{SETTINGS_ROLE.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/enforce"
_SOMEBODY = "arn:aws:sts::123456789012:assumed-role/Developer/somebody"

RETRIES = (60.0, 120.0)
"""Seconds after which Lambda runs a function again that was called by an event and failed."""


@dataclass(frozen=True)
class Change:
    """A tag went from an image to another, as the registry itself knows; None is no image.

    `bare` is whether the image it left has no tag any more, `run` the number of the steward's run.
    """

    time: float
    repository: str
    by_steward: bool
    tag: str
    before: str | None
    after: str | None
    bare: bool
    run: int = 0


@dataclass
class _Sandbox:
    handle: functions.Handler
    skew: float


@dataclass
class SoakWorld:
    """`play` runs everything that is due, until nothing is left.

    `changes` are all there were of tags, `settings_changes` those of settings, `lost` the events of
    ECR that nobody got: repository, tag and digest. `spoilt` are the numbers of the runs that
    something happened to, `looks` the times at which a function looked at a repository and nothing
    did.
    """

    rates: Rates
    random: Random
    changes: list[Change] = field(default_factory=list)
    settings_changes: list[settings.SettingsChange] = field(default_factory=list)
    lost: set[tuple[str, str, str]] = field(default_factory=set)
    spoilt: set[int] = field(default_factory=set)
    looks: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.time = 0.0
        self.log = Log()
        self.rules = ruleset()
        self.faults = Faults(self.rates, self.random, self._note_spoilt)
        self.ecr = MemorySettings(
            clock=self.registry_clock,
            emit=self._emit,
            trail=self._trail,
            before=self._before,
            after=self._after,
        )
        self.table = SoakTable(self.faults, self._note_fact)
        self.channels = Receivers(self.faults, lambda: self.now)
        self.queues = {
            QUEUE: self._queue("retag", "RetagQueue", delay=5.0),
            SETTINGS_QUEUE: self._queue("enforce_settings", "SettingsQueue"),
            NOTIFY_QUEUE: self._queue("notify", "NotifyQueue"),
            RETRY_QUEUE: self._queue("retries", "RetryQueue"),
        }
        self.dead_events: list[Mapping[str, Any]] = []
        self.paused = False
        self.quiet = False
        self.published = 0
        self.elapsed = 0.0
        self.last_slice = float("inf")
        self._clients: dict[str, Any] = {
            "ecr": self.ecr,
            "sqs": Sqs(self.queues, self.faults, self._given_up),
            "events": Bus(self.faults, self._from_bus),
            "sns": self.channels,
            "ssm": Parameters(),
            "cloudtrail": SoakTrail(),
            "dynamodb": None,
        }
        self._sandboxes: dict[str, list[_Sandbox]] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count(1)
        self._polling: set[tuple[str, float]] = set()
        self._tags: dict[str, str] = {}
        self._wrong: frozenset[settings.Wrong] = frozenset()
        self._reading = False

    # ------------------------------------------------------------------ time

    @property
    def now(self) -> float:
        """Seconds since the beginning, within a run too."""
        current = self.faults.current
        return self.time + (current.elapsed if current else 0.0)

    def registry_clock(self) -> datetime:
        return BEGINNING + timedelta(seconds=self.now)

    def clock(self) -> datetime:
        """What the clock of the running sandbox shows."""
        current = self.faults.current
        return self.registry_clock() + timedelta(seconds=current.skew if current else 0.0)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        if self.faults.current is not None:
            self.faults.current.elapsed += seconds

    def at(self, time: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time, next(self._numbers), do))

    def play(self, until: float = float("inf")) -> None:
        while self._due and self._due[0][0] <= until:
            time, _, do = heapq.heappop(self._due)
            self.time = max(self.time, time)
            do()

    def client(self, service: str) -> Any:
        return self._clients[service]

    @property
    def bus(self) -> Bus:
        bus: Bus = self._clients["events"]
        return bus

    # ------------------------------------------------------------------ functions

    def run(
        self, function: str, event: Mapping[str, Any], tries: Sequence[SoakMessage] = ()
    ) -> Any:
        """One run of a function; None if it failed as a whole, or was killed."""
        boxes = self._sandboxes.setdefault(function, [])
        while len(boxes) < SANDBOXES:
            skew = self.random.uniform(-self.rates.skew, self.rates.skew / 2)
            boxes.append(_Sandbox(functions.start(function), skew))
        box = self.random.choice(boxes)
        gentle = any(each.spoilt >= MOST_SPOILT for each in tries)
        about = tuple(dict.fromkeys(each.about for each in tries if each.about))
        run = FaultyInvocation(function, next(self._numbers), about, box.skew, gentle)
        self.faults.current = run
        self.counts["runs"] += 1
        try:
            return box.handle(event)
        except Interrupted:
            self.counts["kills"] += 1
            boxes.remove(box)
        except Exception as error:
            if self.faults.on and run.spoilt:
                self._note(
                    f"{function} {run.number} failed: {type(error).__name__}",
                    about[0] if about else "-",
                )
                return None
            raise
        finally:
            self.elapsed = run.elapsed
            self.faults.current = None
            if not run.spoilt:
                for repository in run.about:
                    self.looks[function, repository].append(self.time)
            for each in tries:
                each.spoilt += run.spoilt
        return None

    def _note_spoilt(self, run: FaultyInvocation, what: str) -> None:
        self.spoilt.add(run.number)
        for repository in run.about:
            self._note(f"{run.function} {run.number}: {what}", repository)
        self.channels.excuse(run.sent)

    def _note(self, text: str, repository: str = "") -> None:
        self.log.add(self.now, repository, text)

    # ------------------------------------------------------------------ the registry

    def _before(self, operation: str, asked: dict[str, Any]) -> None:
        if self._reading or self._asks_for_owners(operation):
            return
        if operation in settings.OPERATIONS:
            self._wrong = self._read_settings(asked)
            self.ecr.caller = _STEWARD if self.faults.current else _SOMEBODY
        if operation in ("PutImage", "BatchDeleteImage"):
            self._tags = self.ecr.tags(asked["repositoryName"])
        self.faults.before(operation)

    def _after(self, operation: str, asked: dict[str, Any]) -> None:
        if self._reading or self._asks_for_owners(operation):
            return
        if operation in settings.OPERATIONS:
            self._note_settings(operation, asked)
        if operation in ("PutImage", "BatchDeleteImage"):
            self._note_changes(asked["repositoryName"])
        self.faults.after(operation)

    def _note_changes(self, repository: str) -> None:
        run = self.faults.current
        tags = self.ecr.tags(repository)
        for tag in sorted(self._tags.keys() | tags.keys()):
            before, after = self._tags.get(tag), tags.get(tag)
            if before != after:
                bare = before is not None and before not in tags.values()
                change = Change(
                    self.now, repository, run is not None, tag, before, after, bare,
                    run.number if run else 0,
                )  # fmt: skip
                self.changes.append(change)
                self.counts["writes"] += change.by_steward
                who = f"steward, run {run.number}," if run else "somebody"
                went = f"{short(before)} -> {short(after)}"
                self._note(f"{who} {tag}: {went}{' (left bare)' if bare else ''}", repository)

    def _asks_for_owners(self, operation: str) -> bool:
        """Whether the notifier reads whom a repository belongs to, which it can do without."""
        run = self.faults.current
        return operation == "ListTagsForResource" and run is not None and run.function == "notify"

    def _read_settings(self, asked: Mapping[str, Any]) -> frozenset[settings.Wrong]:
        self._reading = True
        try:
            return settings.wrong(self.ecr, settings.repository_of(asked))
        finally:
            self._reading = False

    def _note_settings(self, operation: str, asked: Mapping[str, Any]) -> None:
        run, repository = self.faults.current, settings.repository_of(asked)
        after = self._read_settings(asked)
        change = settings.SettingsChange(
            self.now, repository, run is not None, self._wrong, after, run.number if run else 0
        )
        self.settings_changes.append(change)
        self.counts["settings"] += 1
        self.counts["corrections"] += len(self._wrong - after) * change.by_steward
        who = f"steward, run {run.number}" if run else "somebody"
        self._note(f"{who}, {operation}: {_named(self._wrong)} -> {_named(after)}", repository)

    def _trail(self, event: dict[str, Any]) -> None:
        """CloudTrail tells a call late, now and then never, and now and then twice."""
        if not self.quiet and self.random.random() < self.rates.lost:
            return
        for _ in range(1 + (not self.quiet and self.random.random() < self.rates.doubled)):
            late = self.random.choice([5.0, 30.0, 120.0]) * self.random.uniform(0.3, 2)
            self.at(self.now + late, lambda: self._check(event, 0, "check_settings"))

    def _emit(self, event: dict[str, Any]) -> None:
        detail = event["detail"]
        about = (detail["repository-name"], detail.get("image-tag", ""), detail["image-digest"])
        if not self.quiet and self.random.random() < self.rates.lost:
            self.lost.add(about)
            self._note(f"lost: the {detail['action-type']} of {about[1]}", about[0])
            return
        late = self.random.choice([1.0, 1.0, 1.0, 5.0, 60.0]) * self.random.uniform(0.3, 2)
        self.at(self.now + late, lambda: self._check(event, 0))
        if not self.quiet and self.random.random() < self.rates.doubled:
            # The queue before the writer knows an event's id for five minutes.
            again = self.now + late + self.random.choice([1, 1, 5]) * self.random.uniform(1, 400)
            self._note(f"doubled: the {detail['action-type']} of {about[1]}", about[0])
            self.at(again, lambda: self._check(event, 0))

    def _check(self, event: dict[str, Any], tries: int, door: str = "check_tags") -> None:
        message = SoakMessage("", "", 0, 0, spoilt=tries)
        if self.run(door, event, [message]) is not None:
            return
        if tries < len(RETRIES):
            self.at(self.time + RETRIES[tries], lambda: self._check(event, tries + 1, door))
        else:
            self.dead_events.append(event)

    # ------------------------------------------------------------------ queues

    def _queue(self, name: str, resource: str, delay: float = 0.0) -> SoakQueue:
        """A queue as template.yaml has it, and its default of SettleSeconds."""
        set_ = template.source()["Resources"][resource]["Properties"]
        return SoakQueue(
            name,
            visibility=set_["VisibilityTimeout"],
            max_receives=set_["RedrivePolicy"]["maxReceiveCount"],
            now=lambda: self.now,
            wake=self._wake,
            bury=self._bury,
            faults=self.faults,
            fifo=set_.get("FifoQueue", False),
            delay=delay,
        )

    def _wake(self, queue: SoakQueue, time: float) -> None:
        # Several messages at one time need one look.
        if (queue.name, time) not in self._polling:
            self._polling.add((queue.name, time))
            self.at(time, lambda: self._poll(queue, time))

    def _poll(self, queue: SoakQueue, due: float) -> None:
        self._polling.discard((queue.name, due))
        writer = queue.fifo
        while not (writer and self.paused):
            most = self.random.randint(1, 10)
            taken = queue.receive(most, self.time)
            if not taken:
                return
            self._deliver(queue, taken)

    def _deliver(self, queue: SoakQueue, taken: Sequence[SoakMessage]) -> None:
        function = "notify" if queue.name == "retries" else queue.name
        for repository in dict.fromkeys(each.about for each in taken):
            held = [str(each) for each in taken if each.about == repository]
            self._note(f"{function} gets {', '.join(held)}", repository or "-")
        reply = self.run(function, {"Records": [each.record() for each in taken]}, taken)
        if reply is not None:
            back = {each["itemIdentifier"] for each in reply["batchItemFailures"]}
            done = [each for each in taken if each.id not in back]
            # Until the run is over its groups are locked.
            self.at(self.time + self.elapsed, lambda: self._delete(queue, done))

    def _bury(self, queue: SoakQueue, message: SoakMessage) -> None:
        self._note(f"{queue.name} has {message} fail for good", message.about or "-")

    def _given_up(self, url: str, entry: Mapping[str, Any]) -> None:
        """What a writer put into its failure queue; SQS knows an id for five minutes."""
        queue = self.queues[QUEUE if url == FAILURE_QUEUE else SETTINGS_QUEUE]
        id_, group = entry["MessageDeduplicationId"], entry["MessageGroupId"]
        if id_ not in {each.id for each in queue.dead}:
            message = SoakMessage(id_, entry["MessageBody"], self.now, self.now, group)
            queue.dead.append(message)
            self._bury(queue, message)

    def _delete(self, queue: SoakQueue, done: Sequence[SoakMessage]) -> None:
        queue.delete(each.id for each in done)
        self._wake(queue, self.time)
        if done and not queue.fifo and self.faults.on and self.random.random() < self.rates.again:
            # At least once: a message can come again although it was deleted.
            queue.send(self.random.choice(done).body)

    def pause(self, *, paused: bool) -> None:
        self.paused = paused
        self._note("paused" if paused else "resumed")
        if not paused:
            for url in (QUEUE, SETTINGS_QUEUE):
                self._wake(self.queues[url], self.time)

    # ------------------------------------------------------------------ the stream, the bus

    def _note_fact(self, item: Item) -> None:
        detail = item.body["detail"]
        text = f"fact {item.body['detail-type']} {detail.get('tag')} {short(detail.get('digest'))}"
        self._note(f"{text} {detail['id'][:8]} of {detail['cause']['id']}", detail["repository"])
        self.at(self.now + self.random.uniform(0.2, 2), self._publish)

    def _publish(self) -> None:
        """Tell what is new in the table; now and then from a little earlier."""
        start = self.published
        if self.faults.on and self.random.random() < self.rates.again:
            start = max(0, start - self.random.randint(1, 20))
        items = self.table.stream[start : start + 100]
        if not items:
            return
        records = [record(item, start + i) for i, item in enumerate(items)]
        reply = self.run("publish", {"Records": records})
        if reply is None:
            self.at(self.time + 1, self._publish)
            return
        failed = [int(each["itemIdentifier"]) for each in reply["batchItemFailures"]]
        self.published = max(self.published, min([start + len(items), *failed]))
        if self.published < len(self.table.stream):
            self.at(self.time + 1, self._publish)

    def _from_bus(self, id_: str, body: str) -> None:
        queue = self.queues[NOTIFY_QUEUE]
        copies = 2 if self.faults.chance(self.rates.doubled) else 1
        for _ in range(copies):
            queue.send(body, delay=self.random.uniform(0.1, 3))

    # ------------------------------------------------------------------ sweeps

    def sweep(self, event: Mapping[str, Any], tries: int = 0) -> None:
        """Run a sweep's function, as the schedule does or somebody by hand."""
        if self.run("sweep", event, [SoakMessage("", "", 0, 0, spoilt=tries)]) is None:
            self.at(self.time + 60, lambda: self.sweep(event, tries + 1))

    def tick(self) -> None:
        """The schedule: a slice now, and the next in five minutes."""
        time = (BEGINNING + timedelta(seconds=self.time)).isoformat().replace("+00:00", "Z")
        self.sweep({"time": time})
        if self.time + SLICE < self.last_slice:
            self.at(self.time + SLICE, self.tick)

    # ------------------------------------------------------------------ the end

    def calm_down(self) -> None:
        """No more faults; the writers work, and nobody holds a tag."""
        self.faults.on = False
        self.quiet = True
        if self.paused:
            self.pause(paused=False)
        self._note("from here on nothing goes wrong")

    def release_holds(self) -> None:
        history = History(self.table)
        for repository, hold in history.holds.all():
            self.counts["holds"] += 1
            self._note(f"{hold.tag} is released", repository)
            history.holds.release(repository, hold.tag)


def _named(wrong: frozenset[settings.Wrong]) -> str:
    return ", ".join(" ".join(each) for each in sorted(wrong)) or "all right"


def short(digest: str | None) -> str:
    return "nothing" if digest is None else digest.removeprefix("sha256:")[:8]
