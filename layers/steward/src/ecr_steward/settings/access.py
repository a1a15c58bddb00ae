"""Whom a statement of a repository policy lets in: anyone, or somebody who was not named.

Each statement is judged alone. A Deny grants nothing, and takes nothing off what another statement
grants: whoever removes it later would open what was called closed. What is not understood is taken
for the worst: that it lets anyone in.

A condition limits only if it says who, and cannot be passed without being it: one of the keys in
`conditions` with values that name an account, an organisation or a unit of it, a principal, a VPC
or a network in full, under an operator that fails where the key is absent. So negations, wildcards
where the name must stand and every other key limit nothing; nor does `aws:VpcSourceIp` alone, for
in a VPC of their own anyone can have any private address. `…IfExists` and `ForAllValues:` limit
only where `Null: {KEY: "false"}` says that the key must be there. Of the policy variables those of
the repository's own account and organisation name somebody; under Version 2008-10-17 a variable is
a text, which no account, organisation, VPC or address has.

All that a statement says of who comes in must hold: where one of its limits lets in nobody but the
allowed, nobody else comes in. Networks limit as long as those that are neither named by the rule
nor private are not too many addresses together.

A service acts for any account that tells it to, so a service principal must be held to an account
by `aws:SourceAccount`, `aws:SourceArn` or `aws:SourceOrgID`, or be named by the rule. Lambda's pull
alone needs neither: Lambda asks the account that makes a function for these rights as well, and AWS
documents its statement without a condition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.settings import policies
from ecr_steward.settings.actions import right_of
from ecr_steward.settings.conditions import Conditions, Limit
from ecr_steward.settings.names import ACCOUNT, ANY, SERVICE, Allowed, Names

LAMBDA = "lambda.amazonaws.com"
_LAMBDA_PULLS = frozenset({
    "ecr:batchgetimage", "ecr:getdownloadurlforlayer",
    # What Lambda gives itself in the statement that it adds, to keep it.
    "ecr:getrepositorypolicy", "ecr:setrepositorypolicy", "ecr:deleterepositorypolicy",
})  # fmt: skip
_PRINCIPAL = re.compile(r"arn:aws[a-z0-9-]*:(?:iam|sts)::([0-9]{12}):[^*?]+")


@dataclass(frozen=True, slots=True)
class Access:
    """Whom a statement lets in: `public` says why anyone is, `foreign` who else was not named."""

    public: str | None = None
    foreign: tuple[str, ...] = ()


def judge(statement: Any, allowed: Allowed, version: str = policies.VERSION) -> Access:
    """Whom a statement lets in, as the `Version` of its policy has it read."""
    unsafe = _unsafe(statement)
    if unsafe is not None:
        return Access(public=unsafe)
    if statement["Effect"] == "Deny":
        return Access()
    reading = _Reading.of(statement, allowed, version)
    foreign: set[str] = set()
    for kind, name in policies.principals(statement["Principal"]):
        who = _who(kind, name)
        if who is None and not reading.limits:
            return Access(public=_anyone(name, statement))
        foreign.update(reading.strangers(who))
    return Access(foreign=tuple(sorted(foreign)))


def named(statement: Any) -> frozenset[str]:
    """Everyone whom a statement lets in by name: as principal, or in conditions that limit it.

    A service that a condition holds to somebody is not let in by itself: without one it would act
    for anyone.
    """
    if _unsafe(statement) is not None or statement["Effect"] == "Deny":
        return frozenset()
    limits = _Reading.of(statement, Allowed((ANY,)), policies.VERSION).limits
    found = (_who(*each) for each in policies.principals(statement["Principal"]))
    names = {each for each in found if each and not (limits and SERVICE.fullmatch(each))}
    return frozenset(names).union(*(each.names for each in limits))


def without_strangers(statement: Any, allowed: Allowed, version: str) -> Any:
    """What is left of a statement if those whom nobody named are taken out of it; None if nothing.

    Principals go, values of conditions, or actions, whichever of them lets the strangers in.
    """

    def fine(each: Any) -> bool:
        return judge(each, allowed, version) == Access()

    for less in (_fewer_principals, _fewer_values, _fewer_actions):
        left = less(statement, allowed, version, fine)
        if fine(left):
            return left
    return None


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


def _only_pulls(statement: Mapping[str, Any]) -> bool:
    actions = {str(each).lower() for each in policies.values(statement["Action"])}
    return actions <= _LAMBDA_PULLS


@dataclass(frozen=True, slots=True)
class _Reading:
    """What of a statement says who comes in."""

    limits: tuple[Limit, ...]
    allowed: Names
    pulls_for_lambda: bool

    @classmethod
    def of(cls, statement: Mapping[str, Any], allowed: Allowed, version: str) -> _Reading:
        names = allowed.to(right_of(policies.values(statement["Action"])))
        reader = Conditions(names, allowed.account, version)
        limits = tuple(reader.limits(statement.get("Condition", {})))
        return cls(limits, names, _only_pulls(statement))

    def strangers(self, who: str | None) -> Iterable[str]:
        """Who comes in by one principal (`who`, None for anyone) and was not named.

        All limits must hold, so it is enough that one of them lets in the allowed alone.
        """
        if who is not None and (who == _NOBODY or self.allowed.has(who)):
            return ()
        limits = [each.names for each in self.limits]
        if who is not None and not (limits and SERVICE.fullmatch(who)):
            if who == LAMBDA and self.pulls_for_lambda:
                return ()
            limits.insert(0, frozenset({who}))
        return min((self.allowed.others(names) for names in limits), key=len)


# ---------------------------------------------------------------------------- less of a statement
_Fine = Callable[[Any], bool]


def _fewer_principals(statement: Any, _: Allowed, __: str, fine: _Fine) -> Any:
    """The statement for those principals alone that let in no stranger."""
    found = statement["Principal"]
    if not isinstance(found, Mapping):
        return None
    left: dict[str, Any] = {}
    for kind, names in found.items():
        kept = [
            each
            for each in policies.values(names)
            if fine({**statement, "Principal": {kind: each}})
        ]
        if kept:
            left[kind] = kept if isinstance(names, list) else kept[0]
    return {**statement, "Principal": left} if left else None


def _fewer_values(statement: Any, allowed: Allowed, version: str, _: _Fine) -> Any:
    """The statement without the values of its closest limit that name strangers."""
    reading = _Reading.of(statement, allowed, version)
    if not reading.limits:
        return None
    limit = min(reading.limits, key=lambda each: len(reading.allowed.others(each.names)))
    kept = [value for value, name in limit.by_value if name and reading.allowed.has(name)]
    entries = {**statement["Condition"][limit.operator], limit.key: kept}
    condition = {**statement["Condition"], limit.operator: entries}
    return {**statement, "Condition": condition} if kept else None


def _fewer_actions(statement: Any, _: Allowed, __: str, fine: _Fine) -> Any:
    """The statement with those actions alone for which whoever comes in is named."""
    kept = [
        each for each in policies.values(statement["Action"]) if fine({**statement, "Action": each})
    ]
    return {**statement, "Action": kept} if kept else None


# ---------------------------------------------------------------------------- principals
_NOBODY = ""
"""Stands for a principal that is deleted: its id lets nobody in."""


def _who(kind: str, name: Any) -> str | None:
    """The account, the service or the id that a principal names; None where it can be anyone."""
    if not isinstance(name, str) or kind not in _READERS:
        return None
    return _READERS[kind](name)


def _aws(name: str) -> str | None:
    if ACCOUNT.fullmatch(name):
        return name
    if policies.is_deleted(name):
        return _NOBODY
    match = _PRINCIPAL.fullmatch(name)
    return match[1] if match else None


def _service(name: str) -> str | None:
    return name if SERVICE.fullmatch(name) else None


def _user(name: str) -> str | None:
    return name if re.fullmatch("[0-9a-f]{64}", name) else None


_READERS: Mapping[str, Callable[[str], str | None]] = {
    "AWS": _aws,
    "Federated": _aws,
    "Service": _service,
    "CanonicalUser": _user,
}
