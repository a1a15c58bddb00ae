"""Whom a statement of a repository policy lets in: anyone, or somebody who was not named.

Each statement is judged alone. A Deny grants nothing, and takes nothing off what another statement
grants: whoever removes it later would open what was called closed. What is not understood is taken
for the worst: that it lets anyone in.

A condition limits only if it says who, and cannot be passed without being it: one of the keys below
with values that name an account, an organisation, a principal, a VPC or a network in full, under an
operator that fails where the key is absent. So `…IfExists`, `ForAllValues:`, negations, `Null`,
wildcards where the name must stand, policy variables and every other key limit nothing; nor does
`aws:VpcSourceIp` alone, for in a VPC of their own anyone can have any private address.

A service acts for any account that tells it to, so a service principal must be held to an account
by `aws:SourceAccount`, `aws:SourceArn` or `aws:SourceOrgID`, or be named by the rule. Lambda's pull
alone needs neither: Lambda asks the account that makes a function for these rights as well, and AWS
documents its statement without a condition.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.settings import policies

ANY = "*"
"""What stands for everybody in the names that a rule allows."""

LAMBDA = "lambda.amazonaws.com"
_LAMBDA_PULLS = frozenset({
    "ecr:batchgetimage", "ecr:getdownloadurlforlayer",
    # What Lambda gives itself in the statement that it adds, to keep it.
    "ecr:getrepositorypolicy", "ecr:setrepositorypolicy", "ecr:deleterepositorypolicy",
})  # fmt: skip
_ACCOUNT = re.compile(r"[0-9]{12}")
_ORGANISATION = re.compile(r"o-[a-z0-9]+")
_PRINCIPAL = re.compile(r"arn:aws[a-z0-9-]*:(?:iam|sts)::([0-9]{12}):[^*?]+")
_SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazon(?:aws)?\.com(?:\.cn)?")
_KIND = re.compile(r"[a-z-]+[:/]")
_VPC = re.compile(r"vpce?-[0-9a-f]+")
_UNIQUE_ID = re.compile(r"(A[A-Z]{3}[A-Z0-9]{12,})(?::.*)?")
_WIDEST = {4: 2**24, 6: 2**96}
"""Most addresses that a condition may let in and still limit: a /8, or a /32 of IPv6."""

NAME = re.compile(
    rf"{_ACCOUNT.pattern}|{_ORGANISATION.pattern}|{_SERVICE.pattern}|{_VPC.pattern}|\*"
    r"|[0-9a-fA-F.:]+/[0-9]{1,3}"
)
"""What a rule can name under `accounts`."""


@dataclass(frozen=True, slots=True)
class Access:
    """Whom a statement lets in: `public` says why anyone is, `foreign` who else was not named."""

    public: str | None = None
    foreign: tuple[str, ...] = ()


class Allowed:
    """Who may be named: the registry's own account, and whom the rule names."""

    def __init__(self, names: Iterable[str], account: str = "") -> None:
        self._names = {*names, account} - {""}
        self._networks = [each for each in map(_network, self._names) if each is not None]

    def has(self, name: str) -> bool:
        if ANY in self._names or name in self._names:
            return True
        network = _network(name)
        return network is not None and any(
            network.version == each.version and network.subnet_of(each)  # type: ignore[arg-type]
            for each in self._networks
        )

    def others(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(each for each in names if not self.has(each)))


def judge(statement: Any, allowed: Allowed) -> Access:
    """Whom a statement lets in."""
    unsafe = _unsafe(statement)
    if unsafe is not None:
        return Access(public=unsafe)
    if statement["Effect"] == "Deny":
        return Access()
    limits = list(_limits(statement.get("Condition", {})))
    foreign: set[str] = set()
    for kind, name in policies.principals(statement["Principal"]):
        who = _who(kind, name)
        if who is None and not limits:
            return Access(public=_anyone(name, statement))
        foreign.update(_foreign(who, limits, allowed, statement))
    return Access(foreign=tuple(sorted(foreign)))


def named(statement: Any) -> frozenset[str]:
    """Everyone whom a statement lets in by name: as principal, or in conditions that limit it.

    A service that a condition holds to somebody is not let in by itself: without one it would act
    for anyone.
    """
    if _unsafe(statement) is not None or statement["Effect"] == "Deny":
        return frozenset()
    limits = list(_limits(statement.get("Condition", {})))
    found = (_who(*each) for each in policies.principals(statement["Principal"]))
    names = {each for each in found if each and not (limits and _SERVICE.fullmatch(each))}
    return frozenset(names).union(*limits)


# ---------------------------------------------------------------------------- statements
def _unsafe(statement: Any) -> str | None:
    """Why a statement is not understood, or lets in whom nobody named."""
    if not isinstance(statement, Mapping):
        return "it is no statement of a known shape"
    if statement.get("Effect") == "Deny":
        return None
    if statement.get("Effect") != "Allow":
        return "its `Effect` is neither Allow nor Deny"
    if "NotPrincipal" in statement:
        return "`NotPrincipal` with Allow lets in everyone but those it names"
    if "NotAction" in statement:
        return "`NotAction` with Allow grants every right but those it names"
    strange = sorted(map(str, set(statement) - _KNOWN))
    if strange:
        return f"`{strange[0]}` is no part of a statement that is known"
    missing = [each for each in ("Principal", "Action") if not statement.get(each)]
    return f"it has no `{missing[0]}`" if missing else None


_KNOWN = frozenset({"Sid", "Effect", "Principal", "Action", "Resource", "Condition"})


def _anyone(name: Any, statement: Mapping[str, Any]) -> str:
    said = name if isinstance(name, str) else policies.condition_text(name)
    condition = "no condition" if not statement.get("Condition") else "no condition that limits it"
    who = "is anyone" if "*" in said else "is of no known shape, so it may be anyone"
    return f"its principal `{said}` {who}, with {condition}"


def _foreign(
    who: str | None, limits: list[frozenset[str]], allowed: Allowed, statement: Mapping[str, Any]
) -> Iterable[str]:
    """Who comes in by one principal (`who`, None for anyone) and was not named."""
    if who is not None and (who == _NOBODY or allowed.has(who)):
        return ()
    if who is not None and not _SERVICE.fullmatch(who):
        return (who,)
    if limits:
        # All conditions must hold, so it is enough that one of them lets in the allowed alone.
        strangers = [allowed.others(names) for names in limits]
        return min(strangers, key=len)
    return () if who == LAMBDA and _only_pulls(statement) else (str(who),)


def _only_pulls(statement: Mapping[str, Any]) -> bool:
    actions = {str(each).lower() for each in policies.values(statement["Action"])}
    return actions <= _LAMBDA_PULLS


# ---------------------------------------------------------------------------- principals
_NOBODY = ""
"""Stands for a principal that is deleted: its id lets nobody in."""


def _who(kind: str, name: Any) -> str | None:
    """The account, the service or the id that a principal names; None where it can be anyone."""
    if not isinstance(name, str) or kind not in _READERS:
        return None
    return _READERS[kind](name)


def _aws(name: str) -> str | None:
    if _ACCOUNT.fullmatch(name):
        return name
    if policies.is_deleted(name):
        return _NOBODY
    match = _PRINCIPAL.fullmatch(name)
    return match[1] if match else None


def _service(name: str) -> str | None:
    return name if _SERVICE.fullmatch(name) else None


def _user(name: str) -> str | None:
    return name if re.fullmatch("[0-9a-f]{64}", name) else None


_READERS: Mapping[str, Callable[[str], str | None]] = {
    "AWS": _aws,
    "Federated": _aws,
    "Service": _service,
    "CanonicalUser": _user,
}


# ---------------------------------------------------------------------------- conditions
def _limits(conditions: Any) -> Iterator[frozenset[str]]:
    """For each condition that limits, whom it lets in."""
    for operator, entries in conditions.items() if isinstance(conditions, Mapping) else ():
        for key, wanted in entries.items() if isinstance(entries, Mapping) else ():
            names = _lets_in(str(operator).lower(), str(key).lower(), policies.values(wanted))
            if names:
                yield names


def _lets_in(operator: str, key: str, wanted: tuple[Any, ...]) -> frozenset[str] | None:
    """Whom a condition lets in; None where it limits nothing."""
    operator = operator.removeprefix("foranyvalue:")
    texts = [policies.condition_text(each) for each in wanted]
    if key not in _KEYS or any("${" in each for each in texts):
        return None
    operators, read = _KEYS[key]
    if operator not in operators:
        return None
    found = [read(each, operator) for each in texts]
    if key == _ADDRESS and not _is_narrow(texts):
        return None
    return None if None in found else frozenset(each for each in found if each is not None)


def _whole(pattern: re.Pattern[str]) -> Callable[[str, str], str | None]:
    def read(value: str, _: str) -> str | None:
        return value if pattern.fullmatch(value) else None

    return read


def _organisation_of(value: str, _: str) -> str | None:
    name, slash, _ = value.partition("/")
    return name if slash and _ORGANISATION.fullmatch(name) else None


def _account_of(value: str, operator: str) -> str | None:
    """The account of an ARN. The wildcards of a text can stand for colons too, so nothing before
    the account may be one; ARN operators look at each part alone."""
    parts = value.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or not _ACCOUNT.fullmatch(parts[4]):
        return None
    wild = any(letter in part for part in parts[1:4] for letter in "*?")
    return None if wild and not operator.startswith("arn") else parts[4]


def _source_account_of(value: str, operator: str) -> str | None:
    """The same of a resource, whose Region may be `*` where the kind of resource is written out:
    in `arn:aws:lambda:*:123456789012:*` the star could stand for another's Region, account and
    `function`, and the account for that function's name."""
    parts = value.split(":", 5)
    if len(parts) == 6 and parts[3] == "*" and _KIND.match(parts[5]):
        value = ":".join([*parts[:3], "any", *parts[4:]])
    return _account_of(value, operator)


def _id_of(value: str, _: str) -> str | None:
    match = _UNIQUE_ID.fullmatch(value)
    return match[1] if match else None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if "/" not in text and text.count(".") != 3 and ":" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(value: str, _: str) -> str | None:
    network = _network(value)
    return None if network is None else str(network)


def _is_narrow(texts: Iterable[str]) -> bool:
    """Whether the networks together are no more than a limit: two halves are the whole."""
    networks = [each for each in map(_network, texts) if each is not None]
    return all(
        sum(each.num_addresses for each in networks if each.version == version) <= most
        for version, most in _WIDEST.items()
    )


_TEXT = ("stringequals", "stringequalsignorecase", "stringlike")
_ARN = (*_TEXT, "arnequals", "arnlike")
_ADDRESS = "aws:sourceip"
_KEYS: Mapping[str, tuple[tuple[str, ...], Callable[[str, str], str | None]]] = {
    "aws:principalorgid": (_TEXT, _whole(_ORGANISATION)),
    "aws:sourceorgid": (_TEXT, _whole(_ORGANISATION)),
    "aws:principalorgpaths": (_TEXT, _organisation_of),
    "aws:sourceorgpaths": (_TEXT, _organisation_of),
    "aws:principalaccount": (_TEXT, _whole(_ACCOUNT)),
    "aws:sourceaccount": (_TEXT, _whole(_ACCOUNT)),
    "aws:principalarn": (_ARN, _account_of),
    "aws:sourcearn": (_ARN, _source_account_of),
    "aws:userid": (_TEXT, _id_of),
    "aws:vpceorgid": (_TEXT, _whole(_ORGANISATION)),
    "aws:vpceorgpaths": (_TEXT, _organisation_of),
    "aws:vpceaccount": (_TEXT, _whole(_ACCOUNT)),
    "aws:sourcevpc": (_TEXT, _whole(_VPC)),
    "aws:sourcevpce": (_TEXT, _whole(_VPC)),
    _ADDRESS: (("ipaddress",), _address),
}
"""By condition key: the operators under which it limits, and whom a value names."""
