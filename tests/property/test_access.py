"""Nobody comes in through a statement that is called fine but those whom the rule names."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from ecr_steward.settings.access import Access, judge
from ecr_steward.settings.names import Allowed, Named
from tests.support.iam import NAMED, NAMED_ORGANISATION, OWN, STRANGER, Request, lets_in

OTHERS = "o-other1"
NAMES = frozenset({
    NAMED, NAMED_ORGANISATION, "203.0.113.0/24", "vpc-0named", "vpce-0named", "AROANAMED1234567",
})  # fmt: skip
VALUES: Mapping[str, Sequence[str]] = {
    "aws:PrincipalOrgID": (
        NAMED_ORGANISATION, OTHERS, "o-*", "*", "${aws:ResourceOrgID}", "${aws:PrincipalOrgID}",
        f"{NAMED_ORGANISATION}*",
    ),
    "aws:PrincipalOrgPaths": (
        f"{NAMED_ORGANISATION}/*", f"{OTHERS}/*", "*", "o-*/r-1/*", f"{NAMED_ORGANISATION}*",
        "*/r-1/ou-1/",
    ),
    "aws:PrincipalAccount": (
        OWN, NAMED, STRANGER, "*", "2222*", "${aws:ResourceAccount}", "${aws:PrincipalAccount}",
    ),
    "aws:PrincipalArn": (
        f"arn:aws:iam::{NAMED}:role/*", "arn:aws:iam::*:role/ci", "*", f"*{OWN}*",
        f"arn:aws:iam::*:{OWN}:role/*", f"arn:*:iam::{OWN}:*", f"arn:aws:*::{NAMED}:*",
    ),
    "aws:SourceAccount": (OWN, NAMED, STRANGER, "*"),
    "aws:SourceArn": (
        f"arn:aws:codebuild:*:{OWN}:project/*", f"arn:aws:codebuild:*:{OWN}:*", "*",
        f"arn:*:*:*:{OWN}:*", f"arn:aws:codebuild:eu-west-1:{NAMED}:project/x",
    ),
    "aws:SourceOrgID": (NAMED_ORGANISATION, OTHERS, "*"),
    "aws:SourceIp": (
        "203.0.113.0/24", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "54.0.0.0/8", "x",
    ),
    "aws:VpcSourceIp": ("10.0.0.0/8",),
    "aws:SourceVpc": ("vpc-0named", "vpc-0other", "vpc-*", "*"),
    "aws:SourceVpce": ("vpce-0named", "vpce-*"),
    "aws:VpceOrgID": (NAMED_ORGANISATION, OTHERS),
    "aws:userid": ("AROANAMED1234567:*", "AROA*", "*"),
    "aws:PrincipalIsAWSService": ("true", "false"),
    "aws:PrincipalTag/team": ("x",),
}  # fmt: skip
OPERATORS = (
    "StringEquals", "StringLike", "StringEqualsIgnoreCase", "StringNotEquals", "StringNotLike",
    "ArnLike", "ArnEquals", "ArnNotLike", "IpAddress", "NotIpAddress", "Bool", "Null",
)  # fmt: skip
FITTING_TEXT = ("StringEquals", "StringLike")
FITTING = {
    "aws:SourceIp": ("IpAddress",),
    "aws:PrincipalArn": ("ArnLike", "StringLike"),
    "aws:SourceArn": ("ArnLike", "StringLike"),
}
PRINCIPALS: Sequence[Any] = (
    "*", {"AWS": "*"}, {"AWS": [NAMED]}, {"AWS": [NAMED, STRANGER]},
    {"AWS": f"arn:aws:iam::{STRANGER}:root"}, {"AWS": f"arn:aws:iam::{STRANGER}:role/ci"},
    {"Service": "codebuild.amazonaws.com"}, {"AWS": OWN, "Service": ["events.amazonaws.com"]},
)  # fmt: skip


def drawn(by: random.Random) -> dict[str, Any]:
    """A statement such as people write, or as somebody writes who wants to be let in."""
    who, condition = by.choice(PRINCIPALS), conditions(by, VALUES)
    found = {"Sid": "X", "Effect": "Allow", "Principal": who, "Action": "ecr:*"}
    return {**found, "Condition": condition} if condition else found


def conditions(by: random.Random, values: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    """Conditions on some of these keys, mostly under an operator that fits."""
    found: dict[str, dict[str, Any]] = {}
    for _ in range(by.choice([0, 1, 1, 1, 1, 2, 3])):
        key = by.choice(list(values))
        operator = by.choice([*OPERATORS, *FITTING.get(key, FITTING_TEXT) * 12])
        wanted = by.sample(values[key], min(len(values[key]), by.choice([1, 1, 2])))
        if operator == "Null":
            wanted = [by.choice(["true", "false"])]
        else:
            before = by.choice([*[""] * 8, "ForAnyValue:", "ForAllValues:"])
            operator = f"{before}{operator}{by.choice([*[''] * 8, 'IfExists'])}"
        found.setdefault(operator, {})[by.choice([key, key, key.lower()])] = wanted
        if by.random() < 0.25:
            found.setdefault("Null", {})[key] = "false"
    return found


def strangers(by: random.Random) -> Iterator[Request]:
    """Requests of whom the rule does not name: roles, with an organisation or without, and services
    that act for somebody else; through the Internet or a VPC."""
    member = {"aws:principalorgid": [OTHERS], "aws:principalorgpaths": [f"{OTHERS}/r-1/ou-1/"]}
    acting = {
        "aws:sourceaccount": [STRANGER],
        "aws:sourcearn": [f"arn:aws:codebuild:eu-west-1:{STRANGER}:project/{OWN}"],
        "aws:sourceorgid": [OTHERS],
        "aws:principalisawsservice": ["true"],
    }
    internet = {"aws:sourceip": [by.choice(["8.8.8.8", "198.51.100.7", "54.1.2.3"])]}
    vpc = {
        "aws:sourcevpc": ["vpc-0other"],
        "aws:sourcevpce": ["vpce-0other"],
        "aws:vpcsourceip": ["10.0.0.5"],
        "aws:vpceorgid": [OTHERS],
    }
    for through in (internet, vpc):
        for name in NAMES_OF_ROLES:
            arn = f"arn:aws:iam::{STRANGER}:role/{name}"
            role = {**_of_role(arn), **through}
            yield Request(STRANGER, arn, facts=role)
            yield Request(STRANGER, arn, facts={**role, **member})
        for service in ("codebuild.amazonaws.com", "events.amazonaws.com"):
            yield Request(service=service, facts=through)
            yield Request(service=service, facts={**acting, **through})


NAMES_OF_ROLES = ("ci", f"a::{NAMED}:b/ci", f"a:{OWN}:role/ci")
"""A path may hold colons: whoever makes a role can write another account into its ARN."""


def _of_role(arn: str) -> dict[str, list[str]]:
    return {
        "aws:principalaccount": [STRANGER],
        "aws:principalarn": [arn],
        "aws:userid": ["AROASTRANGER1234:x"],
        "aws:principalisawsservice": ["false"],
    }


@given(st.integers(0, 10**9), st.sampled_from(["2012-10-17", "2008-10-17"]))
def test_no_stranger_comes_in_through_a_statement_that_is_called_fine(
    seed: int, version: str
) -> None:
    by = random.Random(seed)  # noqa: S311
    for _ in range(15):
        statement = drawn(by)
        fine = judge(statement, Allowed(Named(manage=NAMES), OWN), version) == Access()
        event("fine" if fine else "not fine")
        if fine:
            let_in = [each for each in strangers(by) if lets_in(statement, each, version)]
            assert let_in == []
