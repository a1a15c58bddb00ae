"""Faults that pass: what is throttled, breaks down or is out of reach is not the repository's."""

from __future__ import annotations

from botocore import exceptions as sdk

from ecr_steward.ecr import PASSING, Unavailable


class StewardOff(Exception):
    """A writer was called although its mode is off; the message must stay in its queue."""


_KINDS = (
    Unavailable, StewardOff, ConnectionError, TimeoutError,
    sdk.HTTPClientError, sdk.ConnectionError, sdk.IncompleteReadError,
)  # fmt: skip
_CODES = PASSING | {
    "OverLimit", "ProvisionedThroughputExceededException", "RequestThrottled",
    "TransactionConflictException", "TransactionInProgressException",
}  # fmt: skip
_CANCELLED = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"})
"""Why DynamoDB cancels a transaction that it takes another time (API: TransactWriteItems)."""


def is_passing(error: Exception) -> bool:
    """Whether waiting can cure it, whatever was asked of whichever service."""
    if not isinstance(error, sdk.ClientError):
        return isinstance(error, _KINDS)
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    reasons = {each.get("Code") for each in error.response.get("CancellationReasons", [])}
    return code in _CODES or status >= 500 or status == 429 or bool(reasons & _CANCELLED)
