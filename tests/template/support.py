"""The template as CloudFormation gets it: transformed by SAM, conditions and values resolved."""

from __future__ import annotations

import copy
import functools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from samtranslator.translator.transform import transform  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
EVENTS = ROOT / "events"

ACCOUNT = "123456789012"
REGION = "eu-west-1"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "ecr-steward",
    "AWS::URLSuffix": "amazonaws.com",
}
EVERYTHING: dict[str, Any] = {
    "Mode": "enforce",
    "SettingsMode": "enforce",
    "AllowTagRemoval": "true",
    "AllowExpiry": "true",
    "CreationTemplates": "true",
    "CreationTemplateRole": f"arn:aws:iam::{ACCOUNT}:role/templates",
    "EnhancedScanning": "true",
    "RegistryPolicy": "true",
    "Replication": "true",
    "PullTimeExclusions": "true",
    "RunningSources": "ecs,lambda,inspector",
    "WorkloadAccounts": "210987654321",
    "ChannelTopics": f"arn:aws:sns:{REGION}:{ACCOUNT}:team",
    "ChannelKey": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd",
    "Tracing": "Active",
}
"""The parameters of a stack whose roles have every right that they can have."""

Template = dict[str, Any]
Mutation = Callable[[Template], object]

_NOTHING = object()


class _NoPolicies:
    """SAM asks for AWS's managed policies by name; the template names none, so there are none."""

    def load(self) -> dict[str, str]:
        return {}


def source() -> Template:
    """The template as it is written, a fresh copy."""
    return copy.deepcopy(_parsed())


@functools.cache
def _parsed() -> Template:
    template: Template = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    return template


@dataclass(frozen=True)
class Stack:
    """What a deployment with `parameters` would create.

    A reference to a resource is the text `${Id}` or `${Id.Attribute}`, alone or inside a `!Sub`.
    """

    parameters: Mapping[str, Any]
    resources: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, Mapping[str, Any]]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of all resources of a type, by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def properties(self, reference: str) -> dict[str, Any]:
        """The properties of the resource that a text such as `${RetagQueue.Arn}` refers to."""
        properties: dict[str, Any] = self.resources[logical_id(reference)].get("Properties", {})
        return properties

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every IAM statement with the logical id of the role that has it."""
        for name, role in self.of("AWS::IAM::Role").items():
            for policy in role.get("Policies", []):
                yield from ((name, each) for each in policy["PolicyDocument"]["Statement"])
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for policy in self.of(kind).values():
                for role_reference in policy["Roles"]:
                    for each in policy["PolicyDocument"]["Statement"]:
                        yield logical_id(role_reference), each

    def may(self, role: str, action: str, resource: str) -> bool:
        """Whether a role has a statement with exactly this action and resource."""
        return any(
            name == logical_id(role) and action in listed(each["Action"])
            and resource in listed(each["Resource"])
            for name, each in self.statements()
        )  # fmt: skip


def stack(mutate: Mutation | None = None, **parameters: Any) -> Stack:
    """The stack that `sam deploy` with these parameters makes; `mutate` may spoil the template."""
    template = source()
    if mutate is not None:
        mutate(template)
    return build(template, parameters)


def build(template: Template, parameters: Mapping[str, Any]) -> Stack:
    kinds = {name: each["Type"] for name, each in template["Parameters"].items()}
    defaults = {name: each["Default"] for name, each in template["Parameters"].items()}
    unknown = parameters.keys() - defaults.keys() - PSEUDO.keys()
    assert not unknown, f"the template has no parameters {unknown}"
    values = {**PSEUDO, **defaults, **parameters}
    for name in values:
        if kinds.get(name) == "CommaDelimitedList":
            values[name] = values[name].split(",")
    with mock.patch.dict(os.environ, AWS_DEFAULT_REGION=REGION):
        transformed = transform(_packaged(template), values, _NoPolicies())
    resolver = _Resolver(values, transformed.get("Conditions", {}))
    resources = resolver.kept(transformed["Resources"])
    outputs = resolver.kept(transformed["Outputs"])
    return Stack(parameters=values, resources=resources, outputs=outputs)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def logical_id(reference: str) -> str:
    found = re.fullmatch(r"\$\{(\w+)(?:\.\w+)?\}", reference)
    assert found, f"`{reference}` refers to no resource of the stack"
    return found[1]


def _packaged(template: Template) -> Template:
    """`sam package` puts an S3 address where the template has a folder."""
    packaged = copy.deepcopy(template)
    for resource in packaged["Resources"].values():
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Properties"][key] = f"s3://artefacts/{resource['Properties'][key]}"
    return packaged


class _Resolver:
    """Conditions and the intrinsic functions the template uses, as far as they are known."""

    def __init__(self, values: Mapping[str, Any], conditions: Mapping[str, Any]) -> None:
        self._values = values
        self._conditions = conditions

    def kept(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self.resolve(part)
            for name, part in parts.items()
            if "Condition" not in part or self._holds({"Condition": part["Condition"]})
        }

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            items = [self.resolve(item) for item in value]
            return [item for item in items if item is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            function = getattr(self, "_" + name.removeprefix("Fn::").lower(), None)
            if function is not None and (name.startswith("Fn::") or name == "Ref"):
                return function(argument)
            assert not name.startswith("Fn::"), f"{name} is not known here"
        entries = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in entries.items() if item is not _NOTHING}

    def _holds(self, condition: Any) -> bool:
        ((name, argument),) = condition.items()
        if name == "Condition":
            return self._holds(self._conditions[argument])
        if name == "Fn::Equals":
            left, right = (str(self.resolve(each)) for each in argument)
            return left == right
        if name == "Fn::Not":
            return not self._holds(argument[0])
        results = [self._holds(each) for each in argument]
        return {"Fn::And": all, "Fn::Or": any}[name](results)

    def _if(self, argument: list[Any]) -> Any:
        name, then, otherwise = argument
        return self.resolve(then if self._holds({"Condition": name}) else otherwise)

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        return self._values.get(name, f"${{{name}}}")

    def _getatt(self, argument: list[str] | str) -> str:
        path = argument if isinstance(argument, str) else ".".join(argument)
        return f"${{{path}}}"

    def _sub(self, argument: str | list[Any]) -> str:
        assert isinstance(argument, str), "!Sub with a mapping is not known here"
        return re.sub(
            r"\$\{([\w:.]+)\}", lambda found: str(self._values.get(found[1], found[0])), argument
        )

    def _join(self, argument: list[Any]) -> str:
        delimiter, items = argument
        return str(delimiter).join(map(str, self.resolve(items)))

    def _split(self, argument: list[Any]) -> list[str]:
        delimiter, text = argument
        resolved = str(self.resolve(text))
        if "${" in resolved:
            return [f"{resolved} split at {delimiter}"]
        return resolved.split(delimiter)

    def _select(self, argument: list[Any]) -> str:
        index, items = argument
        parts = self.resolve(items)
        return f"part {index} of {parts[0]}" if "${" in parts[0] else str(parts[index])
