"""Several accounts in one ministack: buses that take events of other accounts, and roles that other
accounts assume. It has a store for each account, and lets nothing pass between them.

Loaded by ministack_server.py, with ministack's own interpreter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final
from urllib.parse import parse_qs

Scope = Callable[[str, str], AbstractContextManager[object]]
"""ministack's way to act for an account, in a Region."""

Allows = Callable[[Any, str, str, Mapping[str, Any]], bool]
"""Whether a resource policy lets an account do an action, with what the request is about."""

_DENIED: Final = (
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
    "<Code>AccessDenied</Code><Message>{}</Message></Error></ErrorResponse>"
)


def to_other_buses(
    dispatch: Callable[..., Any], events: Any, scope: Scope, allows: Allows
) -> Callable[..., Any]:
    """`dispatch` of an event to a bus, which finds buses of the sender's account only.

    Another account's bus takes it if its policy says so (EventBridge User Guide: permissions for
    event buses). The event goes on naming the account that it comes from.
    """

    def dispatched(spec: Any, event: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        sender = events.get_account_id()
        if spec.account_id == sender:
            return dispatch(spec, event, *args, **kwargs)
        bus = spec.resource.partition("/")[2]
        about = {"events:source": event["Source"], "events:detail-type": event["DetailType"]}
        with scope(spec.account_id, spec.region):
            if allows(events._event_bus_policies.get(bus), sender, "events:PutEvents", about):
                events._dispatch_event({**event, "EventBusName": bus, "_DispatchPath": []})
        return None

    return dispatched


def bus_policies(events: Any) -> dict[str, Callable[..., Any]]:
    """What CloudFormation does with an AWS::Events::EventBusPolicy, which ministack does not know:
    a statement of the bus's policy."""

    def create(logical_id: str, properties: Mapping[str, Any], stack: str) -> tuple[str, Any]:
        bus, sid = properties.get("EventBusName", "default"), properties["StatementId"]
        held = events._event_bus_policies.get(bus, {"Version": "2012-10-17", "Statement": []})
        rest = [each for each in held["Statement"] if each["Sid"] != sid]
        statement = {**properties["Statement"], "Sid": sid}
        events._event_bus_policies[bus] = {**held, "Statement": [*rest, statement]}
        return f"{bus}|{sid}", {}

    def update(id_: str, old: Any, properties: Mapping[str, Any], stack: str) -> tuple[str, Any]:
        delete(id_, old)
        return create("", properties, stack)

    def delete(id_: str, properties: Any) -> None:
        bus, _, sid = id_.partition("|")
        held = events._event_bus_policies.get(bus)
        if held is not None:
            rest = [each for each in held["Statement"] if each["Sid"] != sid]
            events._event_bus_policies[bus] = {**held, "Statement": rest}

    return {"create": create, "update": update, "delete": delete}


def trusted(
    handle: Callable[..., Awaitable[Any]], sts: Any, roles: Any, allows: Allows
) -> Callable[..., Awaitable[Any]]:
    """STS, which lets anybody assume any role unless ministack checks all rights: here a role of
    another account has to trust whoever assumes it."""

    async def handled(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        asked = {name: values[0] for name, values in parse_qs((body or b"").decode()).items()}
        if asked.get("Action") == "AssumeRole":
            arn = asked["RoleArn"]
            role = roles.get_scoped(arn.split(":")[4], None, arn.rpartition("/")[2]) or {}
            caller = sts._caller_identity(headers, query)["userArn"]
            about = {"sts:externalid": asked.get("ExternalId")}
            policy = role.get("AssumeRolePolicyDocument")
            if not allows(policy, caller, "sts:AssumeRole", about):
                said = f"User: {caller} is not authorized to perform: sts:AssumeRole on {arn}"
                return 403, {"Content-Type": "text/xml"}, _DENIED.format(said).encode()
        return await handle(method, path, headers, body, query)

    return handled


def allows_by(evaluator: Any, region: str) -> Allows:
    """ministack's own evaluation of a policy; `evaluator` is its module."""

    def allows(policy: Any, caller: str, action: str, about: Mapping[str, Any]) -> bool:
        arn = f"arn:aws:iam::{caller}:root" if caller.isdecimal() else caller
        context = evaluator.EvalContext(
            principal_arn=arn,
            principal_type="Root" if arn.endswith(":root") else "AssumedRole",
            principal_account=arn.split(":")[4],
            action=action,
            resource_arn="*",
            region=region,
            service_context=dict(about),
        )
        return bool(evaluator.evaluate_trust_policy(policy or "{}", arn, context))

    return allows
