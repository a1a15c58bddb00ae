"""Which faults pass by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from ecr_steward.ecr import Denied, Refused, Unavailable
from ecr_steward.writers.passing import StewardOff, is_passing


def said(code: str, status: int = 400, **more: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(answer, "Any")


def cancelled(*reasons: str) -> ClientError:
    found = [{"Code": each} for each in reasons]
    return said("TransactionCanceledException", CancellationReasons=found)


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("PutImage", "ThrottlingException", "Rate exceeded"),
        StewardOff("Mode is off."),
        said("ThrottlingException"),
        said("ProvisionedThroughputExceededException"),
        said("Whatever", 500),
        said("Whatever", 503),
        said("Whatever", 429),
        cancelled("None", "TransactionConflict"),
        ReadTimeoutError(endpoint_url="https://ecr"),
        EndpointConnectionError(endpoint_url="https://ecr"),
        ConnectionResetError(),
        TimeoutError(),
    ],
    ids=str,
)
def test_what_is_throttled_breaks_down_or_is_out_of_reach_passes(error: Exception) -> None:
    assert is_passing(error)


@pytest.mark.parametrize(
    "error",
    [
        Refused("PutImage", "InvalidParameterException", "no"),
        Denied("PutImage", "AccessDeniedException", "no"),
        said("AccessDeniedException"),
        said("Whatever", 499),
        said("Whatever", 428),
        ClientError({}, "Any"),
        said("ValidationException"),
        cancelled("None", "ValidationError"),
        NoCredentialsError(),
        KeyError("images"),
    ],
    ids=str,
)
def test_what_is_wrong_stays_wrong(error: Exception) -> None:
    assert not is_passing(error)
