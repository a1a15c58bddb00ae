"""The services around the functions: a table with its stream, queues, a bus, channels."""

# The parameters bear the names of the AWS API, so that the code under test needs no change.
# ruff: noqa: N803

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ecr_steward.history.dynamo import write
from ecr_steward.history.table import Add, Item, Key, Put, Write
from ecr_steward.messages.channels.channel import Channel
from ecr_steward.messages.send.http import Response, Unreachable
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.soak.faults import Faults

BEGINNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
"""When a soak begins, which counts its seconds."""

Reply = dict[str, Any]

DEDUPLICATED = 300
"""Seconds for which a FIFO queue knows the id of a message (SQS Developer Guide)."""


class SoakTable(MemoryTable):
    """The history's table, with the stream of its new facts, on bad days."""

    def __init__(self, faults: Faults, told: Callable[[Item], None]) -> None:
        super().__init__()
        self._faults = faults
        self._told = told
        self.stream: list[Item] = []

    def get(self, keys: Collection[Key]) -> dict[Key, Item]:
        every = list(keys)
        return self._faults.call("BatchGetItem", lambda: MemoryTable.get(self, every))

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        return self._faults.call("Query", lambda: MemoryTable.query(self, pk, prefix))

    def transact(self, writes: Sequence[Write]) -> None:
        self._faults.call("TransactWriteItems", lambda: MemoryTable.transact(self, writes))

    def put_all(self, items: Iterable[Item]) -> None:
        every = list(items)
        self._faults.before("BatchWriteItem")
        cut = self._faults.cut("BatchWriteItem", len(every))
        # DynamoDB gives no order here.
        super().put_all(every[:cut] if cut % 2 else every[len(every) - cut :])
        if cut < len(every):
            raise self._faults.error("BatchWriteItem")
        self._faults.after("BatchWriteItem")

    def count(self, add: Add, expires: int) -> Mapping[str, int]:
        return self._faults.call("UpdateItem", lambda: MemoryTable.count(self, add, expires))

    def items(self) -> Iterator[Item]:
        return (item for items in self._items.values() for item in items.values())

    def _carry_out(self, each: Write) -> None:
        if isinstance(each, Put) and each.item.sk.startswith("fact#") and not self._has(each.item):
            self.stream.append(each.item)
            self._told(each.item)
        super()._carry_out(each)


def record(item: Item, number: int) -> Reply:
    """A new item as the stream tells it."""
    return {
        "eventName": "INSERT",
        "dynamodb": {"SequenceNumber": str(number), "NewImage": write(item)},
    }


def _object(body: str, key: str) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
        found = found.get(key) if key else found
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


@dataclass
class SoakMessage:
    """A message in a queue; `sent` is when it came and `visible` when it can be received, `spoilt`
    how many tries were."""

    id: str
    body: str
    sent: float
    visible: float
    group: str = ""
    receives: int = 0
    spoilt: int = 0

    def __str__(self) -> str:
        """What it says in a few words, and how often it was received."""
        hint, detail = _object(self.body, ""), _object(self.body, "detail")
        what = [hint.get("action"), hint.get("detail-type"), hint.get("tag"), detail.get("tag")]
        return f"{' '.join(filter(None, what)) or self.id} ({self.receives}.)"

    @property
    def about(self) -> str:
        """The repository that it is about, as far as it says."""
        return self.group or str(_object(self.body, "detail").get("repository", ""))

    def record(self) -> Reply:
        return {
            "messageId": self.id,
            "receiptHandle": f"receipt-{self.id}",
            "body": self.body,
            "attributes": {
                "ApproximateReceiveCount": str(self.receives),
                "SentTimestamp": str(round(1000 * (BEGINNING.timestamp() + self.sent))),
                "MessageGroupId": self.group,
            },
        }


@dataclass
class SoakQueue:
    """A queue of SQS.

    `wake` is called with the time at which somebody should receive from it, `bury` with a message
    that was received too often.
    """

    name: str
    visibility: float
    max_receives: int
    now: Callable[[], float]
    wake: Callable[[SoakQueue, float], None]
    bury: Callable[[SoakQueue, SoakMessage], None]
    faults: Faults
    fifo: bool = False
    delay: float = 0.0
    messages: dict[str, SoakMessage] = field(default_factory=dict)
    dead: list[SoakMessage] = field(default_factory=list)
    sent: int = 0
    _known: dict[tuple[str, str], float] = field(default_factory=dict)

    def send(self, body: str, group: str = "", dedup: str = "", delay: float = 0.0) -> None:
        now = self.now()
        if self.fifo and now < self._known.get((group, dedup), -DEDUPLICATED) + DEDUPLICATED:
            return
        self._known[group, dedup] = now
        self.sent += 1
        visible = now + (delay or self.delay)
        message = SoakMessage(f"{self.name}-{self.sent}", body, now, visible, group)
        self.messages[message.id] = message
        self.wake(self, message.visible)

    def receive(self, most: int, now: float) -> list[SoakMessage]:
        """Up to `most` messages, invisible from now on; those tried too often are dead."""
        ready = [each for each in self.messages.values() if each.visible <= now]
        if self.fifo:
            flying = (m for m in self.messages.values() if m.visible > now and m.receives)
            locked = {each.group for each in flying}
            ready = [each for each in ready if each.group not in locked]
        else:
            self.faults.random.shuffle(ready)
        taken: list[SoakMessage] = []
        for each in ready:
            if each.receives >= self.max_receives:
                self.dead.append(self.messages.pop(each.id))
                self.bury(self, each)
            elif len(taken) < most:
                taken.append(each)
        for each in taken:
            each.receives += 1
            self.hide(each.id, self.visibility, now)
        return taken

    def hide(self, id_: str, seconds: float, now: float) -> None:
        if id_ in self.messages:
            self.messages[id_].visible = now + seconds
            self.wake(self, now + seconds)

    def delete(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            self.messages.pop(id_, None)


class Sqs:
    """The client of the queues, by their addresses; `give_up` gets what goes to any other."""

    def __init__(
        self,
        queues: Mapping[str, SoakQueue],
        faults: Faults,
        give_up: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._queues = queues
        self._faults = faults
        self._give_up = give_up

    def send_message(self, *, QueueUrl: str, **entry: Any) -> Reply:
        self._faults.call("SendMessage", lambda: self._send(QueueUrl, entry))
        return {"MessageId": "sent"}

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> Reply:
        self._faults.before("SendMessageBatch")
        cut = self._faults.cut("SendMessageBatch", len(Entries))
        for entry in Entries[:cut]:
            self._send(QueueUrl, entry)
        self._faults.after("SendMessageBatch")
        failed = [{"Id": each["Id"], "Code": "InternalError"} for each in Entries[cut:]]
        return {"Successful": [{"Id": each["Id"]} for each in Entries[:cut]], "Failed": failed}

    def change_message_visibility(
        self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int
    ) -> None:
        queue = self._queues[QueueUrl]
        id_ = ReceiptHandle.removeprefix("receipt-")
        self._faults.call(
            "ChangeMessageVisibility", lambda: queue.hide(id_, VisibilityTimeout, queue.now())
        )

    def _send(self, url: str, entry: Mapping[str, Any]) -> None:
        if url not in self._queues:
            self._give_up(url, entry)
            return
        self._queues[url].send(
            entry["MessageBody"],
            entry.get("MessageGroupId", ""),
            entry.get("MessageDeduplicationId", ""),
            entry.get("DelaySeconds", 0),
        )


class Bus:
    """The steward's bus, with the rule that takes its events to the notifier's queue."""

    def __init__(self, faults: Faults, deliver: Callable[[str, str], None]) -> None:
        self._faults = faults
        self._deliver = deliver
        self.published: Counter[str] = Counter()

    def put_events(self, *, Entries: Sequence[Mapping[str, Any]]) -> Reply:
        self._faults.before("PutEvents")
        refused = {i for i in range(len(Entries)) if self._faults.chance(self._faults.rates.fail)}
        if refused:
            self._faults.mark("part of PutEvents")
        for i, entry in enumerate(Entries):
            if i not in refused:
                self._take(entry)
        self._faults.after("PutEvents")
        answers = [
            {"ErrorCode": "InternalFailure", "ErrorMessage": "later"}
            if i in refused
            else {"EventId": "e"}
            for i in range(len(Entries))
        ]
        return {"FailedEntryCount": len(refused), "Entries": answers}

    def _take(self, entry: Mapping[str, Any]) -> None:
        detail = json.loads(entry["Detail"])
        self.published[detail["id"]] += 1
        body = json.dumps({"detail-type": entry["DetailType"], "detail": detail})
        self._deliver(detail["id"], body)


class Receivers:
    """Where people are told: whatever has an address, and a topic.

    `told` counts how often a channel has a fact, `excused` how often it may have it once more: its
    answer was lost, or the note of it, or the function that sent it was killed.
    """

    def __init__(self, faults: Faults, now: Callable[[], float]) -> None:
        self._faults = faults
        self._now = now
        self._gone: dict[str, float] = {}
        self._written: dict[bytes, tuple[str, ...]] = {}
        self.told: Counter[tuple[str, str]] = Counter()
        self.excused: Counter[tuple[str, str]] = Counter()
        self.letters = 0

    def writing(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """`write` that remembers which facts a letter tells."""

        def remembering(channel: Channel, said: Any) -> Any:
            letters = write(channel, said)
            for letter in letters:
                ids = tuple(fact.id for fact in said.facts)
                own = letter.id in ids and said.every is None and channel.type.name == "webhook"
                self._written[_key(letter.body)] = (letter.id,) if own else ids
            return letters

        return remembering

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Response:
        channel = url.rpartition("/")[2]
        self._faults.before("POST")
        answer = self._bad_answer(channel)
        if answer is not None:
            return answer
        self._take(channel, body.decode())
        if self._faults.chance(self._faults.rates.channel / 4):
            self._lose_answer("POST")
            raise Unreachable("It did not answer within 8 seconds.")
        self._faults.after("POST")
        return Response(200, None, b"ok")

    def publish(self, *, TopicArn: str, Message: str, Subject: str = "") -> Reply:
        self._faults.before("Publish")
        self._take("email", Message)
        self._faults.after("Publish")
        return {"MessageId": "sent"}

    def excuse(self, sent: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        for channel, ids in sent:
            self.excused.update((channel, id_) for id_ in ids)

    def _bad_answer(self, channel: str) -> Response | None:
        faults, rate = self._faults, self._faults.rates.channel
        calm = not faults.on or faults.current is None or faults.current.gentle
        if not calm and self._now() < self._gone.get(channel, -1.0):
            faults.mark("404", channel)
            return Response(404, None, b"gone")
        if faults.chance(rate / 20):
            self._gone[channel] = self._now() + faults.random.uniform(1, 600)
            return self._bad_answer(channel)
        if faults.chance(rate / 4):
            faults.mark("503", channel)
            return Response(503, None, b"")
        if faults.chance(rate / 8):
            faults.mark("429", channel)
            return Response(429, str(faults.random.randrange(1, 120)), b"")
        return None

    def _take(self, channel: str, body: str) -> None:
        ids = self._written[_key(body)]
        self.letters += 1
        self.told.update((channel, id_) for id_ in ids)
        if self._faults.current is not None:
            self._faults.current.sent.append((channel, ids))

    def _lose_answer(self, name: str) -> None:
        self._faults.mark("answer lost", name)


def _key(body: str) -> bytes:
    return hashlib.blake2b(body.encode(), digest_size=12).digest()


class Parameters:
    """The addresses of the channels."""

    def get_parameter(self, *, Name: str, WithDecryption: bool) -> Reply:
        return {"Parameter": {"Value": f"https://example.com/{Name.rpartition('/')[2]}"}}


class SoakTrail:
    """A CloudTrail that lags behind forever."""

    def lookup_events(self, **asked: Any) -> Reply:
        return {"Events": []}


class Log:
    """The time line: what happened when, in which repository."""

    def __init__(self) -> None:
        self._lines: dict[str, list[tuple[float, str]]] = defaultdict(list)

    def add(self, time: float, repository: str, text: str) -> None:
        self._lines[repository].append((time, text))

    def of(self, repository: str) -> list[str]:
        """The time line of a repository, with what concerns all."""
        names = dict.fromkeys((repository, ""))
        lines = sorted((line for name in names for line in self._lines[name]), key=lambda x: x[0])
        return [f"{time:10.2f}  {text}" for time, text in lines]
