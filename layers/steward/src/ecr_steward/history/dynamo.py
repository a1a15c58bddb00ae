"""The history's table: DynamoDB, and one in memory with the same meaning."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from ecr_steward.history.table import (
    Add,
    Conflict,
    Delete,
    Item,
    Key,
    Put,
    Write,
    encode,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_T = TypeVar("_T")
_COUNTER = "n_"
_ATTEMPTS = 6
_PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
BY_TAG = "by-tag"
"""The index of facts by their tag (template.yaml: HistoryTable)."""

_INDEXED: Mapping[str, Any] = {"IndexName": BY_TAG, "ConsistentRead": False}
"""No index is read consistently (DynamoDB API: Query)."""

_GETS = 100
_PUTS = 25


class DynamoTable:
    """The `Table` protocol over a DynamoDB table with the string keys `pk` and `sk`."""

    def __init__(
        self, client: DynamoDBClient, name: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep

    def get(self, keys: Collection[Key]) -> dict[Key, Item]:
        found: dict[Key, Item] = {}
        for chunk in _chunks(dict.fromkeys(keys), _GETS):
            asked: Any = {
                self._name: {"Keys": [_key(*key) for key in chunk], "ConsistentRead": True}
            }
            for attempt in itertools.count():
                answer = self._client.batch_get_item(RequestItems=asked)
                for item in map(read, answer["Responses"].get(self._name, ())):
                    found[item.pk, item.sk] = item
                asked = answer.get("UnprocessedKeys")
                if not asked:
                    break
                self._wait(attempt)
        return found

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        condition, values = "pk = :pk", {":pk": {"S": pk}}
        if prefix:
            condition += " AND begins_with(sk, :sk)"
            values[":sk"] = {"S": prefix}
        return self._queried(condition, values)

    def backwards(self, pk: str, first: str, last: str, tag: str | None = None) -> Iterator[Item]:
        return self._between(pk, first, last, tag, forward=False)

    def forwards(self, pk: str, first: str, last: str, tag: str | None = None) -> Iterator[Item]:
        return self._between(pk, first, last, tag, forward=True)

    def _between(
        self, pk: str, first: str, last: str, tag: str | None, *, forward: bool
    ) -> Iterator[Item]:
        key, value, index = (
            ("pk", pk, {}) if tag is None else ("subject", _subject(pk, tag), _INDEXED)
        )
        values = {":key": {"S": value}, ":first": {"S": first}, ":last": {"S": last}}
        condition = "#key = :key AND sk BETWEEN :first AND :last"
        names = {"#key": key}
        return self._queried(
            condition, values, ExpressionAttributeNames=names, ScanIndexForward=forward, **index
        )

    def _queried(self, condition: str, values: Any, **asked: Any) -> Iterator[Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            **{"ConsistentRead": True, **asked},
        )
        return (read(item) for page in pages for item in page["Items"])

    def transact(self, writes: Sequence[Write]) -> None:
        items: Any = [self._transacted(write) for write in writes]
        for attempt in range(_ATTEMPTS):
            try:
                self._client.transact_write_items(TransactItems=items)
            except ClientError as error:
                reasons: list[Any] = error.response.get("CancellationReasons", [])
                codes = {reason.get("Code") for reason in reasons}
                if "ConditionalCheckFailed" in codes:
                    raise Conflict(str(error)) from error
                if not codes & _PASSING or attempt == _ATTEMPTS - 1:
                    raise
                # botocore retries no cancelled transaction, and writers share a sweep's totals.
                self._wait(attempt)
            else:
                return

    def put_all(self, items: Iterable[Item]) -> None:
        for chunk in _chunks(items, _PUTS):
            if len(chunk) == 1:
                self._client.put_item(TableName=self._name, Item=write(chunk[0]))
                continue
            asked: Any = {self._name: [{"PutRequest": {"Item": write(item)}} for item in chunk]}
            for attempt in itertools.count():
                asked = self._client.batch_write_item(RequestItems=asked).get("UnprocessedItems")
                if not asked:
                    break
                self._wait(attempt)

    def _wait(self, attempt: int) -> None:
        """Wait longer each time (DynamoDB API: BatchWriteItem asks for exponential backoff)."""
        self._sleep(random.uniform(0, 0.05 * 2 ** min(attempt, _ATTEMPTS)))  # noqa: S311

    def count(self, add: Add, expires: int) -> Mapping[str, int]:
        update = _added(add)
        update["UpdateExpression"] += " SET expires = :expires"
        update["ExpressionAttributeValues"][":expires"] = {"N": str(expires)}
        answer = self._client.update_item(
            TableName=self._name, Key=_key(add.pk, add.sk), ReturnValues="UPDATED_NEW", **update
        )
        return _counters(answer["Attributes"])

    def _transacted(self, each: Write) -> dict[str, Any]:
        if isinstance(each, Put):
            put: dict[str, Any] = {"TableName": self._name, "Item": write(each.item)}
            if each.absent:
                put["ConditionExpression"] = "attribute_not_exists(pk)"
            return {"Put": put}
        key = _key(each.pk, each.sk)
        if isinstance(each, Delete):
            return {"Delete": {"TableName": self._name, "Key": key}}
        return {"Update": {"TableName": self._name, "Key": key, **_added(each)}}


def _added(add: Add) -> dict[str, Any]:
    """The update that counts an item's counters up."""
    names = {f"#{i}": _COUNTER + name for i, name in enumerate(add.counters)}
    values = {f":{i}": {"N": str(n)} for i, n in enumerate(add.counters.values())}
    return {
        "UpdateExpression": "ADD " + ", ".join(f"#{i} :{i}" for i in range(len(names))),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def read(item: Mapping[str, Any]) -> Item:
    """An item as DynamoDB has it (attribute values), also in a stream's `NewImage`."""
    return Item(
        pk=item["pk"]["S"],
        sk=item["sk"]["S"],
        body=json.loads(item["body"]["S"]) if "body" in item else None,
        expires=int(item["expires"]["N"]) if "expires" in item else None,
        counters=_counters(item),
        tag=item["subject"]["S"].rpartition(":")[2] if "subject" in item else None,
    )


def _counters(item: Mapping[str, Any]) -> dict[str, int]:
    return {
        name.removeprefix(_COUNTER): int(value["N"])
        for name, value in item.items()
        if name.startswith(_COUNTER)
    }


def write(item: Item) -> dict[str, Any]:
    """What `read` reads."""
    attributes: dict[str, Any] = _key(item.pk, item.sk)
    if item.body is not None:
        attributes["body"] = {"S": encode(item.body)}
    if item.tag is not None:
        attributes["subject"] = {"S": _subject(item.pk, item.tag)}
    if item.expires is not None:
        attributes["expires"] = {"N": str(item.expires)}
    attributes |= {_COUNTER + name: {"N": str(n)} for name, n in item.counters.items()}
    return attributes


def _subject(pk: str, tag: str) -> str:
    """The key by which the index finds an item; no tag holds a colon."""
    return f"{pk}:{tag}"


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _chunks(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    rest = iter(items)
    while chunk := list(itertools.islice(rest, size)):
        yield chunk
