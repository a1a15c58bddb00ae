"""The sandbox's clients of AWS, the only ones there are.

They come from botocore alone, which boto3's resources and transfers would make a tenth slower.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

import botocore.session
from botocore import handlers
from botocore.config import Config
from botocore.loaders import Loader

from ecr_steward.start.operations import OPERATIONS

PUTS_AT_ONCE = 4
"""`PutImage` calls in parallel for one repository (ECR allows 10/s per account and Region)."""

_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=PUTS_AT_ONCE,
)

_PATIENT = Config(
    connect_timeout=3,
    read_timeout=30,
    # Slows down by itself where AWS throttles: ECR publishes no rate for what is read here.
    retries={"mode": "adaptive", "total_max_attempts": 10},
)

_QUICK = Config(
    connect_timeout=2,
    read_timeout=4,
    retries={"mode": "standard", "total_max_attempts": 2},
)


class _Loader(Loader):
    """Knows the services of the functions; botocore's own looks for all four hundred, twice."""

    def list_available_services(self, type_name: str) -> list[str]:
        return list(OPERATIONS)


SERVICES = frozenset({*OPERATIONS, "eventbridge", "secrets-manager"})
"""The services of the functions as botocore's hooks name them, by their models' `serviceId`."""


def concerns(event: str) -> bool:
    """Whether a hook of botocore's is for all services, or for one of the functions'."""
    kind, *service = event.split(".")[:2]
    return kind != "docs" and (not service or service[0] in SERVICES)


@functools.cache
def _session() -> botocore.session.Session:
    # Most of botocore's own hooks are for other services, and take longer than all else here.
    session = botocore.session.Session(include_builtin_handlers=False)
    session.register_component("data_loader", _Loader())
    for event, handler in (each for each in handlers.BUILTIN_HANDLERS if concerns(each[0])):
        session.register(event, handler)
    return session


_MAKING = threading.Lock()
"""botocore's session makes one client at a time only, and channels are told side by side."""


@functools.cache
def client(service: str) -> Any:
    """The sandbox's one client of an AWS service; all share one session."""
    with _MAKING:
        return _session().create_client(service, config=_CONFIG)


@functools.cache
def quick_client(service: str) -> Any:
    """The same for calls that may fail: where a message must not wait long for them."""
    with _MAKING:
        return _session().create_client(service, config=_QUICK)


@functools.cache
def patient(service: str) -> Any:
    """The same for long readings that nobody waits for: they leave AWS's rates to others."""
    with _MAKING:
        return _session().create_client(service, config=_PATIENT)


def assumed(service: str, role: str, external_id: str) -> Any:
    """A client with the keys of a role, which is assumed each time (STS API: AssumeRole)."""
    answer = client("sts").assume_role(
        RoleArn=role, RoleSessionName="ecr-steward", ExternalId=external_id
    )
    keys = answer["Credentials"]
    with _MAKING:
        return _session().create_client(
            service,
            config=_CONFIG,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
