"""An AWS of one process with the template's stack in it: the functions run as they are deployed,
each with the rights of its role and no others."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import botocore.session
from botocore.exceptions import ClientError
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from ecr_steward.messages.send.http import Http, Response
from ecr_steward.start import clients, observe, sandbox
from ecr_steward_cli.in_memory.settings import MemorySettings
from tests.handlers.functions import Function
from tests.rights.iam import Call, Demand, Statement, demands, grants
from tests.support.dynamodb import create_history_table
from tests.template.support import ACCOUNT, REGION, Stack, logical_id, source

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]

_CODES = {"sns": "AuthorizationError", "sqs": "AccessDenied", "sts": "AccessDenied"}
"""What a service calls a refusal; most call it AccessDeniedException."""

_UNKNOWN_TO_MOTO = ("ecr", "ecs", "lambda", "inspector2", "cloudtrail", "xray")
"""Services whose answers come from the stage: MemorySettings is ECR, the others say little."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One action of one statement of a role."""

    role: str
    sid: str
    action: str


@dataclass
class Guard:
    """IAM: what each role may do, what is asked of it, and which right was needed for what.

    `without` is the one right that was taken away.
    """

    statements: Mapping[str, list[Statement]]
    without: Right | None = None
    used: dict[Right, Demand] = field(default_factory=dict)
    refused: list[Demand] = field(default_factory=list)

    def ask(self, role: str, call: Call) -> None:
        """Raises ClientError, as AWS refuses, where the role lacks a right."""
        for demand in demands(call):
            granting = [
                Right(role, each["Sid"], demand.action)
                for each in self.statements[role]
                if grants(each, demand)
            ]
            self.used.update(dict.fromkeys(granting, demand))
            if not set(granting) - {self.without}:
                self.refused.append(demand)
                raise self._refusal(role, call, demand)

    def _refusal(self, role: str, call: Call, demand: Demand) -> ClientError:
        code = _CODES.get(call.service, "AccessDeniedException")
        said = f"{role} is not authorized to perform: {demand.action} on {demand.resource}"
        error: Any = {"Error": {"Code": code, "Message": said}}
        return ClientError(error, call.operation)


class Stage:
    """The stack on moto, with ECR in memory; made anew for each act."""

    def __init__(self, stack: Stack, rules: Path, guard: Guard) -> None:
        self._stack = stack
        self._rules = rules
        self._guard = guard
        self.ecr = MemorySettings()
        self.answers: dict[str, Answer] = {}
        self.posted: list[str] = []
        self.environment: dict[str, str] = {}
        self.late = timedelta()
        self._one_write = threading.Lock()
        self._refs = {
            name: made for kind, make in _MAKERS.items()
            for name, properties in stack.of(kind).items()
            for made in [make(name, properties)]
        }  # fmt: skip
        guard.statements = self._resolved(guard.statements)

    def now(self) -> datetime:
        """The time to the functions, `late` after ours."""
        return datetime.now(UTC) + self.late

    # ------------------------------------------------------------------------ the stack's parts
    def ref(self, name: str) -> str:
        """What `!Ref` gives: a queue's address, a table's or a bus's name, a topic's ARN."""
        return self._refs[name]["Ref"]

    def arn(self, name: str) -> str:
        return self._refs[name]["Arn"]

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._resolved(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._resolved(each) for each in value]
        return re.sub(r"\$\{(\w+)(?:\.(\w+))?\}", self._reference, str(value))

    def _reference(self, found: re.Match[str]) -> str:
        return self._refs[found[1]][found[2] or "Ref"]

    def client(self, service: str) -> Any:
        """A client that may do everything: what happens around the steward."""
        return _boto(service)

    def hidden_for(self, queue: str) -> float:
        """In how many seconds the one message of a queue can be received."""
        return float(self._message(queue).visible_at / 1000 - time.time())

    def show(self, queue: str) -> None:
        """Let the one message of a queue be received now."""
        message = self._message(queue)
        message.visible_at = message.delayed_until = 0

    def _message(self, queue: str) -> Any:
        name = self.ref(queue).rpartition("/")[2]
        queues: Any = sqs_backends[ACCOUNT][REGION].queues
        (message,) = queues[name]._messages
        return message

    def published(self, topic: str) -> int:
        """How many messages a topic was sent."""
        return len(sns_backends[ACCOUNT][REGION].topics[topic].sent_notifications)

    def route_bus_to(self, queue: str) -> None:
        """Have EventBridge put the steward's events into a queue, as the template's rule does."""
        events, bus = self.client("events"), self.ref("StewardBus")
        pattern = json.dumps({"source": ["ecr-steward"]})
        events.put_rule(Name="all", EventBusName=bus, EventPattern=pattern)
        target = {"Id": "queue", "Arn": self.arn(queue)}
        events.put_targets(Rule="all", EventBusName=bus, Targets=[target])

    # ------------------------------------------------------------------------ what AWS does
    def invoke(self, function: str, event: Any) -> Any:
        """What Lambda does: start the function with its role, and hand it an event."""
        properties = self._stack.of("AWS::Lambda::Function")[function]
        given = self._resolved(properties["Environment"]["Variables"])
        folder = Path(source()["Resources"][function]["Properties"]["CodeUri"]).name
        with self._running(logical_id(properties["Role"]), {**given, **self.environment}):
            return Function(folder).invoke(event)

    def poll(self, queue: str, function: str, most: int = 10) -> Any:
        """What Lambda's poller does with the rights of the function: receive, invoke, delete."""
        sqs, url = self.as_role_of(function).client("sqs"), self.ref(queue)
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        received = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=most, AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])  # fmt: skip
        assert received, f"nothing was in {queue}"
        reply = self.invoke(function, {"Records": [_record(each) for each in received]})
        failed = {each["itemIdentifier"] for each in reply["batchItemFailures"]}
        for each in received:
            if each["MessageId"] not in failed:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return reply

    def read_stream(self, function: str) -> list[Any]:
        """What Lambda's poller of the history's stream does with the rights of the function."""
        streams = self.as_role_of(function).client("dynamodbstreams")
        (stream,) = streams.list_streams(TableName=self.ref("HistoryTable"))["Streams"]
        arn = stream["StreamArn"]
        (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records: list[Any] = streams.get_records(ShardIterator=iterator)["Records"]
        return records

    def as_role_of(self, function: str) -> boto3.Session:
        """A session with the rights of a function's role."""
        properties = self._stack.of("AWS::Lambda::Function")[function]
        return self.as_role(logical_id(properties["Role"]))

    def as_role(self, role: str) -> boto3.Session:
        """A session with the rights of a role."""
        session = botocore.session.get_session()
        self._guarded(session, role)
        return boto3.Session(botocore_session=session, region_name=REGION)

    @contextlib.contextmanager
    def _running(self, role: str, variables: Mapping[str, str]) -> Iterator[None]:
        session = botocore.session.get_session()
        self._guarded(session, role)
        environment = {**variables, "STEWARD_RULES": str(self._rules), "AWS_REGION": REGION}
        _forget()
        with (
            mock.patch.dict(os.environ, environment),
            mock.patch.object(clients, "_session", return_value=session),
            mock.patch.object(Http, "post", self._post),
            mock.patch.object(sandbox, "now", self.now),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            yield
        _forget()

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Response:
        self.posted.append(url)
        return Response(200, None, b"ok")

    def _guarded(self, session: Any, role: str) -> None:
        """Have each call of a session asked of IAM, and some answered here."""
        session.set_credentials(_key(role), "secret")

        def asked(params: Any, context: Any, **_: Any) -> None:
            context["asked"] = params

        def called(model: Any, context: Any, request_signer: Any, **_: Any) -> Any:
            call = Call(model.service_model.service_name, model.name, context["asked"])
            # Keys of a role that was assumed elsewhere are not for this stack's roles to judge.
            if request_signer._credentials.access_key == _key(role):
                self._guard.ask(role, call)
            if call.service in _UNKNOWN_TO_MOTO:
                return SimpleNamespace(status_code=200), self._answer(call)
            if call.service == "dynamodb":
                context["locked"] = self._one_write.acquire()
            return None

        def over(context: Any, **_: Any) -> None:
            if context.pop("locked", False):
                self._one_write.release()

        events = session.get_component("event_emitter")
        events.register("provide-client-params", asked)
        events.register("before-call", called)
        # moto's transactions copy the table, which fails where another thread writes meanwhile.
        events.register("after-call", over)
        events.register("after-call-error", over)

    def _answer(self, call: Call) -> Any:
        if call.service == "ecr":
            method = re.sub("(?<!^)(?=[A-Z])", "_", call.operation).lower()
            return getattr(self.ecr, method)(**call.asked)
        answer: Answer = self.answers.get(call.operation, _nothing)
        return answer(call.asked)


def _nothing(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {}


def _forget() -> None:
    """What a sandbox keeps between invocations, a new one does not have."""
    for cached in (
        clients.client,
        clients.patient,
        clients.quick_client,
        sandbox.rules,
        observe.metrics,
    ):
        cached.cache_clear()


def _key(role: str) -> str:
    return f"KEYOF{role}".upper()


def _record(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as Lambda hands it over (Lambda Developer Guide: Using Lambda with SQS)."""
    carried = {
        name: {"stringValue": each["StringValue"], "dataType": each["DataType"]}
        for name, each in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": carried,
    }


# ---------------------------------------------------------------------------- what a stack makes
Made = dict[str, str]


@functools.cache
def _boto(service: str) -> Any:
    """A client that may do everything; making one takes longer than most acts."""
    return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]


def _queue(name: str, properties: Mapping[str, Any]) -> Made:
    fifo = properties.get("FifoQueue", False)
    attributes = {"VisibilityTimeout": str(properties.get("VisibilityTimeout", 30))}
    if fifo:
        attributes["FifoQueue"] = "true"
    sqs = _boto("sqs")
    url = sqs.create_queue(QueueName=f"{name}.fifo" if fifo else name, Attributes=attributes)
    found = sqs.get_queue_attributes(QueueUrl=url["QueueUrl"], AttributeNames=["QueueArn"])
    return {"Ref": url["QueueUrl"], "Arn": found["Attributes"]["QueueArn"]}


def _table(name: str, properties: Mapping[str, Any]) -> Made:
    dynamodb = _boto("dynamodb")
    create_history_table(dynamodb, name)
    dynamodb.update_table(
        TableName=name,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    made = dynamodb.describe_table(TableName=name)["Table"]
    return {"Ref": name, "Arn": made["TableArn"], "StreamArn": made["LatestStreamArn"]}


def _topic(name: str, properties: Mapping[str, Any]) -> Made:
    arn = _boto("sns").create_topic(Name=name)["TopicArn"]
    return {"Ref": arn, "Arn": arn}


def _bus(name: str, properties: Mapping[str, Any]) -> Made:
    arn = _boto("events").create_event_bus(Name=properties["Name"])["EventBusArn"]
    return {"Ref": properties["Name"], "Arn": arn}


def _log_group(name: str, properties: Mapping[str, Any]) -> Made:
    _boto("logs").create_log_group(logGroupName=name)
    return {"Ref": name, "Arn": _arn("logs", f"log-group:{name}:*")}


def _function(name: str, properties: Mapping[str, Any]) -> Made:
    return {"Ref": name, "Arn": _arn("lambda", f"function:{name}")}


def _role(name: str, properties: Mapping[str, Any]) -> Made:
    return {"Ref": name, "Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"}


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


_MAKERS: Mapping[str, Callable[[str, Mapping[str, Any]], Made]] = {
    "AWS::SQS::Queue": _queue,
    "AWS::DynamoDB::Table": _table,
    "AWS::SNS::Topic": _topic,
    "AWS::Events::EventBus": _bus,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::Lambda::Function": _function,
    "AWS::IAM::Role": _role,
}
