"""Statements that would lock out the steward, or Lambda where it pulls from the repository.

ECR refuses by itself only what its caller could not take back, and Lambda's functions fail long
after. So a Deny that reaches either is not put in unless it surely does not hold for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.settings import policies
from ecr_steward.settings.access import LAMBDA
from ecr_steward.settings.actions import matches as _matches
from ecr_steward.settings.names import OWN_ORGANISATION, with_own

_SETS = ("ecr:setrepositorypolicy", "ecr:getrepositorypolicy", "ecr:deleterepositorypolicy")
_TAGS = ("ecr:putimage", "ecr:batchgetimage", "ecr:describeimages", "ecr:listimages")
_PULLS = ("ecr:batchgetimage", "ecr:getdownloadurlforlayer")
_UNKNOWN = "\N{REPLACEMENT CHARACTER}" * 600
"""Stands in a fact for what is not known: no text holds it, and it is longer than any name, so only
`*` can match it."""

Facts = Mapping[str, str | None]
"""What a request carries by condition key, None where it surely has no such key; what is not
among them is not known."""


@dataclass(frozen=True, slots=True)
class Steward:
    """Who sets policies and moves tags: its account, its roles' ARNs, and the organisations that
    it may be in.

    `setters` set policies and `taggers` move tags, each of them; where none is known it may be any
    role of the account. `taggers` is None where tags are none of its business.
    """

    account: str = ""
    setters: tuple[str, ...] = ()
    taggers: tuple[str, ...] | None = None
    organisations: frozenset[str] = frozenset()

    def facts(self, role: str) -> Facts:
        account = self.account or _UNKNOWN
        return {
            "aws:principalarn": role or f"arn:aws:iam::{account}:role/{_UNKNOWN}",
            "aws:principalaccount": account,
            "aws:principalisawsservice": "false",
            "aws:viaawsservice": "false",
            "aws:securetransport": "true",
        }

    def is_denied(self, statement: Any, actions: Iterable[str], roles: Iterable[str]) -> bool:
        """Whether a Deny may keep one of these roles from any of these actions."""
        if not _is_deny(statement) or not _covers(statement, actions):
            return False
        return any(
            self._is_meant(statement, role)
            and _can_hold(statement, self.facts(role), self.organisations, self.account)
            for role in tuple(roles) or ("",)
        )

    def _is_meant(self, statement: Mapping[str, Any], role: str) -> bool:
        """Whether the principals of a Deny take in a role."""
        names = _names(statement, "NotPrincipal")
        if names is not None:
            return role not in names if role else True
        names = _names(statement, "Principal") or frozenset()
        return bool(names & {"*", self.account, role})


def locks_out_steward(statement: Any, steward: Steward) -> bool:
    """Whether with this statement the steward could not see or set the policy any more."""
    return steward.is_denied(statement, _SETS, steward.setters)


def locks_out_tagger(statement: Any, steward: Steward) -> bool:
    """Whether with this statement the steward could not see or move tags any more."""
    return steward.taggers is not None and steward.is_denied(statement, _TAGS, steward.taggers)


def locks_out_lambda(statement: Any, account: str) -> bool:
    """Whether this statement denies Lambda the images of the account's functions."""
    if not (_is_deny(statement) and _covers(statement, _PULLS)):
        return False
    spared = _names(statement, "NotPrincipal")
    meant = _names(statement, "Principal") or frozenset()
    reached = LAMBDA not in spared if spared is not None else bool(meant & {"*", LAMBDA})
    return reached and _can_hold(statement, _lambda_facts(account), frozenset(), account)


def lets_lambda_pull(statement: Any) -> bool:
    """Whether Lambda's functions may depend on this statement: it names Lambda, and lets it
    pull."""
    if not isinstance(statement, Mapping) or statement.get("Effect") != "Allow":
        return False
    return LAMBDA in (_names(statement, "Principal") or ()) and _covers(statement, _PULLS)


def _lambda_facts(account: str) -> Facts:
    account = account or _UNKNOWN
    return {
        "aws:principalisawsservice": "true",
        "aws:principalservicename": LAMBDA,
        "aws:sourceaccount": account,
        "aws:sourcearn": f"arn:aws:lambda:{_UNKNOWN}:{account}:function:{_UNKNOWN}",
        "aws:securetransport": "true",
        "aws:principalorgid": None,
        "aws:principalorgpaths": None,
        "aws:principalaccount": None,
        "aws:sourcevpc": None,
        "aws:sourcevpce": None,
    }


def _is_deny(statement: Any) -> bool:
    return isinstance(statement, Mapping) and statement.get("Effect") == "Deny"


def _names(statement: Mapping[str, Any], key: str) -> frozenset[str] | None:
    """The principals under a key, accounts by their number; None where there is no such key."""
    if key not in statement:
        return None
    return frozenset(policies.principal(each) for _, each in policies.principals(statement[key]))


def _covers(statement: Mapping[str, Any], wanted: Iterable[str]) -> bool:
    """Whether the statement's actions take in any of these."""
    spared = statement.get("NotAction")
    patterns = policies.values(statement.get("Action", []) if spared is None else spared)
    found = any(_matches(str(each).lower(), action) for each in patterns for action in wanted)
    if spared is None:
        return found
    return not all(any(_matches(str(p).lower(), action) for p in patterns) for action in wanted)


# ---------------------------------------------------------------------------- conditions
def _can_hold(
    statement: Mapping[str, Any], facts: Facts, friends: frozenset[str], account: str
) -> bool:
    """Whether all conditions may hold for a request with these facts.

    `friends` are organisations: where a condition names one, the caller is taken to be in it, as it
    is in the repository's own.
    """
    friends = friends | {OWN_ORGANISATION}
    conditions = statement.get("Condition")
    for operator, entries in (conditions or {}).items():
        for key, wanted in entries.items():
            texts = [
                with_own(policies.condition_text(each), account or _UNKNOWN)
                for each in policies.values(wanted)
            ]
            known = dict(facts)
            if friends.intersection(texts):
                known["aws:principalorgid"] = next(each for each in texts if each in friends)
            if _holds(operator.lower(), key.lower(), texts, known) is False:
                return False
    return True


def _holds(operator: str, key: str, wanted: list[str], facts: Facts) -> bool | None:
    """Whether a condition holds; None where that is not known."""
    if key not in facts:
        return None
    fact, optional = facts[key], operator.endswith("ifexists")
    operator = operator.removesuffix("ifexists")
    if operator == "null":
        return str(fact is None).lower() in map(str.lower, wanted)
    if operator not in _OPERATORS:
        return None
    negated, like = _OPERATORS[operator]
    if fact is None:
        return optional or negated
    if any(like(each, fact) for each in wanted):
        return not negated
    arns = like is _arn_like
    return negated if all(_is_unlike(each, fact, arns=arns) for each in wanted) else None


def _is_unlike(pattern: str, fact: str, *, arns: bool) -> bool:
    """Whether it is known that a fact is not like this: one with unknown parts is unlike what does
    not begin as it does; what a variable stands for, or what no ARN is to an operator for ARNs,
    nobody knows."""
    if "${" in pattern or (arns and not len(_parts(pattern)) == len(_parts(fact)) == _ARN):
        return False
    begin = fact.partition(_UNKNOWN)[0]
    return begin == fact or not _meet(pattern.partition("*")[0].partition("?")[0], begin)


def _equal(wanted: str, fact: str) -> bool:
    return wanted == fact


def _equal_in_any_case(wanted: str, fact: str) -> bool:
    return wanted.lower() == fact.lower()


def _arn_like(pattern: str, arn: str) -> bool:
    """Part by part: a wildcard of one part stands for no colon (IAM User Guide: ARN operators)."""
    wanted, parts = _parts(pattern), _parts(arn)
    return len(wanted) == len(parts) == _ARN and all(map(_matches, wanted, parts))


def _parts(arn: str) -> list[str]:
    return arn.split(":", _ARN - 1)


_ARN = 6
"""Parts of an ARN."""


def _meet(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


_OPERATORS: Mapping[str, tuple[bool, Callable[[str, str], bool]]] = {
    f"{kind}{negated}{how}": (bool(negated), like)
    for kind, how, like in (
        ("string", "equals", _equal),
        ("string", "equalsignorecase", _equal_in_any_case),
        ("string", "like", _matches),
        ("arn", "equals", _arn_like),
        ("arn", "like", _arn_like),
    )
    for negated in ("", "not")
} | {"bool": (False, _equal_in_any_case)}
"""Whether an operator is a negation, and when a fact is like one of its values."""
