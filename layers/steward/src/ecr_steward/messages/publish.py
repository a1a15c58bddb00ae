"""The history's stream to the steward's bus."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from ecr_steward.history.dynamo import read
from ecr_steward.history.facts import fact_of
from ecr_steward.words.facts import SOURCE, Fact
from ecr_steward.words.reading import parse_time

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

log = logging.getLogger(__name__)

_ENTRIES = 10
"""Most entries in one call (EventBridge API: PutEvents)."""


def publish(
    records: Iterable[Mapping[str, Any]], client: EventBridgeClient, bus: str
) -> dict[str, list[dict[str, str]]]:
    """Put the facts in a batch of DynamoDB stream records on the bus, in order.

    Stops at the first record that cannot be published and returns it
    (`ReportBatchItemFailures`): the stream comes back with it and all that follow. The same fact
    has the same `id` however often it is published. Raises MalformedEvent, before anything is
    published, for a fact that cannot be read: Lambda then splits the batch until it stands alone.
    """
    todo = iter([(record, fact) for record in records if (fact := _told(record)) is not None])
    while chunk := list(islice(todo, _ENTRIES)):
        answer = client.put_events(Entries=[_entry(fact, bus) for _, fact in chunk])  # type: ignore[misc]
        for (record, fact), result in zip(chunk, answer["Entries"], strict=True):
            if "ErrorCode" in result:
                log.error(
                    "The bus refused a fact: %s", result.get("ErrorMessage"), extra={"id": fact.id}
                )
                return {"batchItemFailures": [_failure(record)]}
            log.info("Published %s", fact.detail_type, extra={"id": fact.id})
    return {"batchItemFailures": []}


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
        "Detail": json.dumps(fact.to_detail()),
        "EventBusName": bus,
        "Time": parse_time(fact.time),
    }


def _failure(record: Mapping[str, Any]) -> dict[str, str]:
    return {"itemIdentifier": record["dynamodb"]["SequenceNumber"]}
