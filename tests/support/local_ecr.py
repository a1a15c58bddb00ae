"""The local cloud's ECR in this process: a server without a socket, and boto3's client for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.ecr.models import ECRBackend, ecr_backends
from werkzeug.test import Client

from local.ecr.events import Event
from local.ecr.server import create_app

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

ACCOUNT = "123456789012"
REGION = "eu-west-1"
CALLER = "arn:aws:sts::123456789012:assumed-role/Of-{}/session"
"""Who has an access key, to the server under test."""


@contextmanager
def local_ecr(data: Path, announce: Callable[[Event], None]) -> Iterator[Client]:
    """The server with an empty registry; what it announces goes to `announce`.

    `MOTO_ACCOUNT_ID` has to be set to `ACCOUNT`, and the server's backend is moto's only in here.
    """
    try:
        yield Client(create_app(ACCOUNT, REGION, data, announce, caller_of=CALLER.format))
    finally:
        ecr_backends.clear()
        ecr_backends.backend = ECRBackend


def client_of(server: Client) -> ECRClient:
    """boto3's client, whose requests go to the server by a call."""
    ecr = boto3.client(
        "ecr",
        region_name=REGION,
        endpoint_url="http://127.0.0.1",
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",
    )

    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        headers = {name: _text(value) for name, value in request.headers.items()}
        answer = server.post("/", data=request.body, headers=headers)
        return AWSResponse(
            str(request.url),
            answer.status_code,
            dict(answer.headers),  # type: ignore[arg-type]
            _Raw(answer.get_data()),
        )

    # A handler before sending may give the answer; the stubs know handlers without one.
    ecr.meta.events.register("before-send.ecr", send)  # type: ignore[arg-type]
    return ecr


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


class _Raw:
    """A body as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        yield self._content
