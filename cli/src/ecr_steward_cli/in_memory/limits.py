"""What DynamoDB refuses, so that the table in memory is no kinder than AWS."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from ecr_steward.history.dynamo import write
from ecr_steward.history.table import (
    TRANSACTION,
    Add,
    Item,
    Key,
    Put,
    Write,
    encode,
)

PUTS = 25
"""Most items in one write without conditions (DynamoDB API: BatchWriteItem)."""

_ITEM = 400 * 1024
_AGGREGATE = 4 * 1024 * 1024
_LONGEST = {"pk": 2048, "sk": 1024}
"""Most bytes of an item, of all items of a transaction, and of each key (DynamoDB Developer Guide:
Quotas)."""


def kept(item: Item) -> Item:
    """What comes back of an item: of its body what JSON keeps."""
    return item if item.body is None else replace(item, body=json.loads(encode(item.body)))


def _size(item: Mapping[str, Any]) -> int:
    """Bytes of an item as DynamoDB has it: names and values in UTF-8, of a number one for every two
    digits and one more (DynamoDB Developer Guide: Item sizes and formats)."""
    return sum(
        len(name.encode())
        + (len(value["S"].encode()) if "S" in value else (len(value["N"]) + 1) // 2 + 1)
        for name, value in item.items()
    )


def check_transaction(writes: Sequence[Write]) -> None:
    operation = "TransactWriteItems"
    if not writes:
        raise ParamValidationError(report="Invalid length for parameter TransactItems, value: 0")
    if len(writes) > TRANSACTION:
        raise invalid(
            operation,
            f"{len(writes)} writes in one transaction: "
            f"Member must have length less than or equal to {TRANSACTION}",
        )
    keys = [
        (each.item.pk, each.item.sk) if isinstance(each, Put) else (each.pk, each.sk)
        for each in writes
    ]
    if len(set(keys)) < len(keys):
        raise invalid(
            operation, "Transaction request cannot include multiple operations on one item"
        )
    check_keys(operation, keys)
    for each in writes:
        if isinstance(each, Add):
            check_counters(operation, each)
    sizes = check_items(operation, [each.item for each in writes if isinstance(each, Put)])
    if sum(sizes) > _AGGREGATE:
        raise invalid(operation, "Collection size of a transaction cannot exceed 4 MB")


def check_items(operation: str, items: Sequence[Item]) -> list[int]:
    """The sizes of items that are not too large."""
    check_keys(operation, [(item.pk, item.sk) for item in items])
    sizes = [_size(write(item)) for item in items]
    if any(size > _ITEM for size in sizes):
        raise invalid(operation, "Item size has exceeded the maximum allowed size")
    return sizes


def check_keys(operation: str, keys: Iterable[Key]) -> None:
    for key in keys:
        for (name, longest), value in zip(_LONGEST.items(), key, strict=True):
            if not value:
                raise invalid(operation, f"A key cannot contain an empty string value. Key: {name}")
            if len(value.encode()) > longest:
                raise invalid(operation, f"Size of {name} has exceeded {longest} bytes")


def check_counters(operation: str, add: Add) -> None:
    check_keys(operation, [(add.pk, add.sk)])
    if not add.counters:
        raise invalid(operation, "Invalid UpdateExpression: The expression can not be empty")


def invalid(operation: str, message: str) -> ClientError:
    error: Any = {"Error": {"Code": "ValidationException", "Message": message}}
    return ClientError(error, operation)
