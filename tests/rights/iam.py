"""Which rights a call asks for, and whether statements of a role grant them.

Small on purpose: the operators and patterns that the template uses, and no more. What moto's own
IAM does not do is why it is here: moto looks at no resource and no condition, and asks for rights
by the names of calls, which batches and transactions of AWS do not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.template.support import ACCOUNT, EVERYTHING, REGION, listed

Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Demand:
    """An action on a resource, with what conditions can be about.

    `document` is where AWS says that it is asked for beside the call; empty for the call's own.
    """

    action: str
    resource: str = "*"
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    document: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of AWS: the client's service, the operation, and what is asked."""

    service: str
    operation: str
    asked: Mapping[str, Any]


# ---------------------------------------------------------------------------- what is granted
def grants(statement: Statement, demand: Demand) -> bool:
    """Whether a statement allows it (IAM User Guide: Policy evaluation logic). Raises ValueError
    for an operator that is not known here."""
    assert statement["Effect"] == "Allow"
    return (
        demand.action in listed(statement["Action"])
        and any(matches(each, demand.resource) for each in listed(statement["Resource"]))
        and all(
            _holds(operator, wanted, demand.context)
            for operator, wanted in statement.get("Condition", {}).items()
        )
    )


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern of IAM, with `*` and `?`, matches the whole text."""
    parts = re.split(r"([*?])", pattern)
    wild = {"*": ".*", "?": "."}
    return (
        re.fullmatch("".join(wild.get(each) or re.escape(each) for each in parts), text) is not None
    )


def _holds(
    operator: str, wanted: Mapping[str, Any], context: Mapping[str, tuple[str, ...]]
) -> bool:
    if operator == "StringEquals":
        return all(
            bool(context.get(key)) and {*context[key]} <= {*listed(values)}
            for key, values in wanted.items()
        )
    if operator == "ForAllValues:StringEquals":
        return all({*context.get(key, ())} <= {*listed(values)} for key, values in wanted.items())
    raise ValueError(f"The condition operator {operator} is not known here.")


# ---------------------------------------------------------------------------- what is asked for
TEMPLATES = "ECR User Guide: Creating a repository creation template"
TEMPLATES_ROLE = "ECR User Guide: Service-linked role for repository creation templates"
ENHANCED = "ECR User Guide: IAM permissions required for enhanced scanning"
PASSING = "IAM User Guide: Granting a user permissions to pass a role to an AWS service"
DECRYPTING = "KMS Developer Guide: How AWS services use KMS"


def demands(call: Call) -> list[Demand]:
    """What AWS asks IAM for a call (Service Authorization Reference)."""
    return list(_BY_SERVICE.get(call.service, _plain)(call))


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def _plain(call: Call) -> Iterator[Demand]:
    """An action named as the call, on no resource in particular."""
    yield Demand(f"{call.service}:{call.operation}")


def _ecr(call: Call) -> Iterator[Demand]:
    action, asked = f"ecr:{call.operation}", call.asked
    if "resourceArn" in asked:
        yield Demand(action, asked["resourceArn"])
    elif call.operation == "DescribeRepositories":
        # Listing all of them is evaluated on this text, star and all.
        for name in asked.get("repositoryNames", ["*"]):
            yield Demand(action, _arn("ecr", f"repository/{name}"))
    elif "repositoryName" in asked:
        yield Demand(action, _arn("ecr", f"repository/{asked['repositoryName']}"))
    else:
        yield Demand(action)
    yield from _beside(call)


def _beside(call: Call) -> Iterator[Demand]:
    """What ECR asks for beside a call, by its documents alone."""
    asked = call.asked
    if call.operation == "CreateRepositoryCreationTemplate":
        for name in ("CreateRepository", "SetRepositoryPolicy", "PutLifecyclePolicy"):
            yield Demand(f"ecr:{name}", document=TEMPLATES)
        yield _service_role("ecr.amazonaws.com", "AWSServiceRoleForECRTemplate", TEMPLATES_ROLE)
    if "customRoleArn" in asked:
        to = {"iam:PassedToService": ("ecr.amazonaws.com",)}
        yield Demand("iam:PassRole", asked["customRoleArn"], to, PASSING)
    if asked.get("scanType") == "ENHANCED":
        for name in ("Enable", "ListAccountPermissions"):
            yield Demand(f"inspector2:{name}", document=ENHANCED)
        name = "AWSServiceRoleForAmazonInspector2"
        yield _service_role("inspector2.amazonaws.com", name, ENHANCED)


def _service_role(service: str, name: str, document: str) -> Demand:
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/{name}"
    context = {"iam:AWSServiceName": (service,)}
    return Demand("iam:CreateServiceLinkedRole", arn, context, document)


def _dynamodb(call: Call) -> Iterator[Demand]:
    """A transaction is allowed by the actions of its items (DynamoDB Developer Guide: IAM policies
    for transactions)."""
    asked = call.asked
    if call.operation == "TransactWriteItems":
        for each in asked["TransactItems"]:
            ((kind, what),) = each.items()
            action = kind if kind == "ConditionCheck" else f"{kind}Item"
            yield Demand(f"dynamodb:{action}", _table(what["TableName"]))
        return
    for name in asked.get("RequestItems", [asked.get("TableName")]):
        index = f"/index/{asked['IndexName']}" if "IndexName" in asked else ""
        yield Demand(f"dynamodb:{call.operation}", f"{_table(name)}{index}")


def _table(name: str) -> str:
    return _arn("dynamodb", f"table/{name}")


def _streams(call: Call) -> Iterator[Demand]:
    """A listing is of the streams of one table; the iterator of a shard says of which stream."""
    asked = call.asked
    if call.operation == "ListStreams":
        yield Demand("dynamodb:ListStreams", f"{_table(asked['TableName'])}/stream/*")
    elif call.operation == "GetRecords":
        yield Demand("dynamodb:GetRecords", asked["ShardIterator"].partition("|")[0])
    else:
        yield Demand(f"dynamodb:{call.operation}", asked["StreamArn"])


def _sqs(call: Call) -> Iterator[Demand]:
    name = call.asked["QueueUrl"].rpartition("/")[2]
    yield Demand(f"sqs:{call.operation.removesuffix('Batch')}", _arn("sqs", name))


def _events(call: Call) -> Iterator[Demand]:
    """A call is asked for once, about the sources of all its events."""
    entries = call.asked["Entries"]
    sources = {"events:source": tuple(dict.fromkeys(each["Source"] for each in entries))}
    for bus in dict.fromkeys(each["EventBusName"] for each in entries):
        yield Demand("events:PutEvents", _arn("events", f"event-bus/{bus}"), sources)


def _ssm(call: Call) -> Iterator[Demand]:
    name = call.asked["Name"].removeprefix("/")
    yield Demand("ssm:GetParameter", _arn("ssm", f"parameter/{name}"))
    yield from _decrypting("ssm")


def _secretsmanager(call: Call) -> Iterator[Demand]:
    # AWS ends the ARN of a secret with six characters of its own.
    secret = f"secret:{call.asked['SecretId']}-AbCdEf"
    yield Demand("secretsmanager:GetSecretValue", _arn("secretsmanager", secret))
    yield from _decrypting("secretsmanager")


KEY: str = EVERYTHING["ChannelKey"]
"""The team's own key, with which everything in the stores is encrypted here."""


def _decrypting(service: str) -> Iterator[Demand]:
    through = {"kms:ViaService": (f"{service}.{REGION}.amazonaws.com",)}
    yield Demand("kms:Decrypt", KEY, through, DECRYPTING)


def _on(key: str, action: str = "") -> Callable[[Call], Iterator[Demand]]:
    """An action on the resource whose ARN is asked for by this key."""

    def demand(call: Call) -> Iterator[Demand]:
        yield Demand(action or f"{call.service}:{call.operation}", call.asked[key])

    return demand


def _lambda(call: Call) -> Iterator[Demand]:
    name = call.asked.get("FunctionName", "")
    arn = name if name.startswith("arn:") else _arn("lambda", f"function:{name}")
    if call.operation == "Invoke":
        yield Demand("lambda:InvokeFunction", arn)
    elif name:
        yield Demand(f"lambda:{call.operation}", arn)
    else:
        yield from _plain(call)


def _logs(call: Call) -> Iterator[Demand]:
    group, stream = call.asked["logGroupName"], call.asked["logStreamName"]
    yield Demand(f"logs:{call.operation}", _arn("logs", f"log-group:{group}:log-stream:{stream}"))


_BY_SERVICE: Mapping[str, Callable[[Call], Iterable[Demand]]] = {
    "dynamodb": _dynamodb,
    "dynamodbstreams": _streams,
    "ecr": _ecr,
    "events": _events,
    "lambda": _lambda,
    "logs": _logs,
    "secretsmanager": _secretsmanager,
    "sns": _on("TopicArn"),
    "sqs": _sqs,
    "ssm": _ssm,
    "sts": _on("RoleArn"),
}
