"""The history's table, as template.yaml makes it, on a stand-in for DynamoDB."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def create_history_table(client: DynamoDBClient, name: str) -> None:
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )


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
