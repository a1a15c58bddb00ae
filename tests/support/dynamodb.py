"""The history's table, as template.yaml makes it, on a stand-in for DynamoDB."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def create_history_table(client: DynamoDBClient, name: str) -> None:
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "subject", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-tag",
                "KeySchema": [
                    {"AttributeName": "subject", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


def as_strict_as_aws(client: DynamoDBClient) -> DynamoDBClient:
    """Let moto's client refuse what moto takes and DynamoDB does not: an empty key, one key twice
    in a batch, an item above 400 KB in a batch beside others, a transaction above 4 MB (DynamoDB
    API: BatchWriteItem, TransactWriteItems; DynamoDB Developer Guide: Quotas)."""
    client.meta.events.register("provide-client-params.dynamodb.*", _check)
    return client


def _check(params: dict[str, Any], model: Any, **_: Any) -> None:
    values = params.get("ExpressionAttributeValues", {})
    puts = list(_puts(params))
    keys = [(each["pk"]["S"], each["sk"]["S"]) for each in [*puts, *_keys(params)]]
    sizes = [sum(len(value.get("S", "").encode()) for value in item.values()) for item in puts]
    twice = model.name == "BatchWriteItem" and len(set(keys)) < len(keys)
    empty = values.get(":pk") == {"S": ""} or any("" in key for key in keys)
    if twice or empty or any(size > 400 * 1024 for size in sizes) or sum(sizes) > _MOST[model.name]:
        error: Any = {"Error": {"Code": "ValidationException", "Message": "refused"}}
        raise ClientError(error, model.name)


_MB = 1024 * 1024
_MOST = {"TransactWriteItems": 4 * _MB, "BatchWriteItem": 16 * _MB, "PutItem": _MB} | dict.fromkeys(
    ("BatchGetItem", "Query", "UpdateItem", "CreateTable"), 0
)


def _puts(params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Item" in params:
        yield params["Item"]
    for each in params.get("TransactItems", ()):
        if "Put" in each:
            yield each["Put"]["Item"]
    for requests in params.get("RequestItems", {}).values():
        if isinstance(requests, list):
            yield from (each["PutRequest"]["Item"] for each in requests)


def _keys(params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for each in params.get("TransactItems", ()):
        yield from (act["Key"] for act in each.values() if "Key" in act)
    for requests in params.get("RequestItems", {}).values():
        if isinstance(requests, dict):
            yield from requests["Keys"]


class OneAtATime:
    """moto's client, with one write at a time: moto's transactions copy every table, which fails
    where another thread writes meanwhile."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._client = client
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._locked(found) if name in _WRITES else found

    def _locked(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def locked(**asked: Any) -> Any:
            with self._lock:
                return write(**asked)

        return locked


_WRITES = frozenset({"put_item", "update_item", "batch_write_item", "transact_write_items"})
