"""Whether a statement lets a request in, as IAM documents it (IAM User Guide: policy evaluation,
condition operators, multivalued context keys, policy variables). It shares no code with what is
tested."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

OWN, NAMED, STRANGER = "123456789012", "222233334444", "999988887777"
OWN_ORGANISATION, NAMED_ORGANISATION = "o-home9", "o-named1"
_NO_TEXT = "\0"
"""What a variable without a value becomes: no request has it."""


@dataclass(frozen=True)
class Request:
    """Who asks: an ARN of the account, or a service; `facts` are its condition keys, in small
    letters, each with its values."""

    account: str = ""
    arn: str = ""
    service: str = ""
    facts: Mapping[str, Sequence[str]] = field(default_factory=dict)


def lets_in(statement: Mapping[str, Any], request: Request, version: str) -> bool:
    """Whether an Allow without NotPrincipal is about this request."""
    named = any(
        _is_principal(kind, each, request)
        for kind, names in _principals(statement["Principal"])
        for each in _listed(names)
    )
    return named and all(
        _holds(operator.lower(), key.lower(), wanted, request, version)
        for operator, entries in statement.get("Condition", {}).items()
        for key, wanted in entries.items()
    )


def _principals(value: Any) -> list[tuple[str, Any]]:
    return [("AWS", "*")] if value == "*" else list(value.items())


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_principal(kind: str, name: str, request: Request) -> bool:
    if kind == "Service":
        return name == request.service
    root = f"arn:aws:iam::{request.account}:root"
    return name == "*" or (bool(request.account) and name in (request.account, root, request.arn))


def _holds(operator: str, key: str, wanted: Any, request: Request, version: str) -> bool:
    facts = request.facts.get(key, ())
    texts = [_resolved(each, request, version) for each in _listed(wanted)]
    if operator == "null":
        return any((not facts) == (each == "true") for each in texts)
    quantifier, _, bare = operator.rpartition(":")
    optional, bare = bare.endswith("ifexists"), bare.removesuffix("ifexists")
    if quantifier == "forallvalues":
        return all(_matches(bare, texts, each) for each in facts)
    if not facts:
        return optional or (not quantifier and _positive(bare) != bare)
    return any(_matches(bare, texts, each) for each in facts)


def _resolved(value: Any, request: Request, version: str) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    if version != "2012-10-17":
        return text
    own = {"aws:resourceaccount": [OWN], "aws:resourceorgid": [OWN_ORGANISATION]}
    facts = {**request.facts, **own}
    return re.sub(r"\$\{([^}]*)\}", lambda m: facts.get(m[1].lower(), [_NO_TEXT])[0], text)


def _positive(operator: str) -> str:
    """The operator without its negation."""
    return operator.replace("not", "", 1)


def _matches(operator: str, wanted: Sequence[str], fact: str) -> bool:
    found = any(_ONE[_positive(operator)](each, fact) for each in wanted)
    return found is (_positive(operator) == operator)


def _like(pattern: str, text: str) -> bool:
    wild = {"*": ".*", "?": "."}
    return re.fullmatch("".join(wild.get(c, re.escape(c)) for c in pattern), text, re.S) is not None


def _arn_like(pattern: str, arn: str) -> bool:
    wanted, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(parts) == 6 and all(map(_like, wanted, parts))


def _is_in(network: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


_ONE: Mapping[str, Callable[[str, str], bool]] = {
    "stringequals": lambda one, other: one == other,
    "stringequalsignorecase": lambda one, other: one.lower() == other.lower(),
    "stringlike": _like,
    "arnequals": _arn_like,
    "arnlike": _arn_like,
    "ipaddress": _is_in,
    "bool": lambda one, other: one.lower() == other.lower(),
}
