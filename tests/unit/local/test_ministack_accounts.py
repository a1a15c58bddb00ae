"""What passes from one account of the local cloud to another: only what a policy lets through."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from local.ministack_accounts import bus_policies, to_other_buses, trusted

HOME, AWAY = "123456789012", "210987654321"
BUS = SimpleNamespace(account_id=HOME, region="eu-west-1", resource="event-bus/steward")
EVENT = {"Source": "aws.ecs", "DetailType": "ECS Task State Change", "Account": AWAY}


class Events:
    """EventBridge with a bus of one account."""

    def __init__(self) -> None:
        self._event_bus_policies: dict[str, Any] = {}
        self.got: list[Mapping[str, Any]] = []

    def get_account_id(self) -> str:
        return AWAY

    def _dispatch_event(self, event: Mapping[str, Any]) -> None:
        self.got.append(event)


@contextlib.contextmanager
def scope(account: str, region: str) -> Iterator[None]:
    yield


def allows(policy: Any, caller: str, action: str, about: Mapping[str, Any]) -> bool:
    """A policy here is who may do it, with which external id."""
    named = [each["Principal"] for each in (policy or {}).get("Statement", ())]
    return caller in named and about.get("sts:externalid") in (None, "id")


def test_a_bus_takes_an_event_of_another_account_where_its_policy_says_so() -> None:
    events = Events()
    dispatch = to_other_buses(lambda *args: None, events, scope, allows)
    dispatch(BUS, EVENT)
    assert events.got == []
    policies = bus_policies(events)
    properties = {
        "EventBusName": "steward",
        "StatementId": "Tasks",
        "Statement": {"Principal": AWAY},
    }
    made, _ = policies["create"]("Policy", properties, "stack")
    dispatch(BUS, EVENT)
    assert [(each["Account"], each["EventBusName"]) for each in events.got] == [(AWAY, "steward")]
    policies["delete"](made, properties)
    dispatch(BUS, EVENT)
    assert len(events.got) == 1


def test_a_role_is_assumed_by_whom_it_trusts_with_its_external_id() -> None:
    roles = SimpleNamespace(
        get_scoped=lambda account, region, name: {
            "AssumeRolePolicyDocument": {"Statement": [{"Principal": "look"}]}
        }
    )
    sts = SimpleNamespace(_caller_identity=lambda headers, query: {"userArn": headers["user"]})

    async def handle(*asked: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b""

    assume = trusted(handle, sts, roles, allows)

    def status(user: str, **more: str) -> int:
        role = f"arn:aws:iam::{AWAY}:role/steward-workloads"
        body = urlencode({"Action": "AssumeRole", "RoleArn": role, **more}).encode()

        async def asked() -> int:
            return int((await assume("POST", "/", {"user": user}, body, {}))[0])

        return asyncio.run(asked())

    assert status("look", ExternalId="id") == 200
    assert status("look", ExternalId="other") == status("somebody", ExternalId="id") == 403
