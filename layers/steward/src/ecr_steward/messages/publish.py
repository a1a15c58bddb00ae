"""The history's stream to the steward's bus."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ecr_steward.history.dynamo import read
from ecr_steward.history.facts import fact_of
from ecr_steward.messages.fitting import fitted
from ecr_steward.words.facts import SOURCE, Fact
from ecr_steward.words.reading import MalformedEvent, parse_time

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

log = logging.getLogger(__name__)

_ENTRIES = 10
"""Most entries in one call (EventBridge API: PutEvents)."""

_BYTES = 250_000
"""Most bytes in one call: EventBridge took 256 KB for all entries of a call together."""

_FRAME = 200
"""What an entry has beside its `Detail`, in bytes, and more than that."""

_REASON = 1_000
"""Most characters of what is said of a fact that cannot be published."""

_REFUSED = frozenset({"InvalidArgument", "MalformedDetail", "RedactionFailure"})
"""What is wrong with an entry itself, and would be at each further try (EventBridge API:
PutEventsResultEntry). What else is final is wrong with the stack, and all entries wait for it."""

_CALL_REFUSED = frozenset({"ValidationException", "SerializationException"})

GiveUp = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A stream record and its fact as an entry of PutEvents, or what is `wrong` with it."""

    record: Mapping[str, Any]
    id: str = ""
    kind: str = ""
    cause: str = ""
    entry: Mapping[str, Any] | None = None
    wrong: str = ""


def publish(
    records: Iterable[Mapping[str, Any]], client: EventBridgeClient, bus: str, give_up: GiveUp
) -> dict[str, list[dict[str, str]]]:
    """Put the facts in a batch of DynamoDB stream records on the bus, in order.

    Stops at the first record that cannot be published now and returns it
    (`ReportBatchItemFailures`): the stream comes back with it and all that follow. What can never
    be published, because it cannot be read or the bus refuses it for what it is, is handed to
    `give_up` by its place in history, and holds up nothing. The same fact has the same `id`
    however often it is published; one too large for an event is cut and says so.
    """
    for chunk in _chunks(prepared for record in records if (prepared := _prepared(record, bus))):
        for each, wrong, passing in _put(chunk, client):
            named = {"id": each.id, "cause": each.cause}
            if passing:
                log.error("The bus did not take a fact: %s", wrong, extra=named)
                return {"batchItemFailures": [_failure(each.record)]}
            if wrong:
                log.error("A fact cannot be published: %s", wrong, extra=named)
                give_up({"fact": _place(each.record), "reason": wrong[:_REASON]})
            else:
                log.info("Published %s", each.kind, extra=named)
    return {"batchItemFailures": []}


def _put(
    chunk: Sequence[_Prepared], client: EventBridgeClient
) -> Iterator[tuple[_Prepared, str, bool]]:
    """Each fact, what was wrong with it if anything was, and whether that may pass."""
    entries = [each.entry for each in chunk if each.entry is not None]
    try:
        answers = iter(client.put_events(Entries=entries)["Entries"] if entries else ())  # type: ignore[arg-type]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _CALL_REFUSED:
            raise
        if len(chunk) > 1:
            yield from (told for each in chunk for told in _put([each], client))
        else:
            yield chunk[0], str(error), False
        return
    for each in chunk:
        answer = next(answers) if each.entry is not None else {}
        code = answer.get("ErrorCode", "")
        said = f"{code}: {answer.get('ErrorMessage')}" if code else ""
        yield each, each.wrong or said, bool(code) and code not in _REFUSED


def _prepared(record: Mapping[str, Any], bus: str) -> _Prepared | None:
    """None for a record that tells no new fact."""
    try:
        fact = _told(record)
    except (MalformedEvent, ValueError, KeyError) as error:
        return _Prepared(record, wrong=f"It cannot be read: {error}")
    if fact is None:
        return None
    return _Prepared(record, fact.id, fact.detail_type, fact.cause.id, _entry(fact, bus))


def _told(record: Mapping[str, Any]) -> Fact | None:
    image = record.get("dynamodb", {}).get("NewImage")
    if record.get("eventName") != "INSERT" or image is None:
        return None
    item = read(image)
    return fact_of(item) if item.sk.startswith("fact#") else None


def _entry(fact: Fact, bus: str) -> dict[str, Any]:
    return {
        "Source": SOURCE,
        "DetailType": fact.detail_type,
        "Detail": json.dumps(fitted(fact.to_detail())),
        "EventBusName": bus,
        "Time": parse_time(fact.time),
    }


def _chunks(prepared: Iterable[_Prepared]) -> Iterator[list[_Prepared]]:
    """As many as one call takes."""
    chunk: list[_Prepared] = []
    room = _BYTES
    for each in prepared:
        size = _FRAME + len(each.entry["Detail"]) if each.entry else 0
        if chunk and (len(chunk) == _ENTRIES or size > room):
            yield chunk
            chunk, room = [], _BYTES
        chunk.append(each)
        room -= size
    if chunk:
        yield chunk


def _place(record: Mapping[str, Any]) -> dict[str, str]:
    """Where the fact stands in the history's table."""
    return {name: value["S"] for name, value in record["dynamodb"].get("Keys", {}).items()}


def _failure(record: Mapping[str, Any]) -> dict[str, str]:
    return {"itemIdentifier": record["dynamodb"]["SequenceNumber"]}
