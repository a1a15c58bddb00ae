"""Whom a denial keeps from what: the steward, its roles and Lambda, as far as they are known."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.settings.lockout import (
    Steward,
    lets_lambda_pull,
    locks_out_lambda,
    locks_out_steward,
    locks_out_tagger,
)

OWN = "123456789012"
ROLE = f"arn:aws:iam::{OWN}:role/steward"
KNOWN, OF_ACCOUNT, NOBODY = Steward(OWN, (ROLE,)), Steward(OWN), Steward()
DENY: dict[str, Any] = {"Effect": "Deny", "Principal": "*", "Action": "ecr:*"}


def deny(operator: str, key: str, wanted: Any) -> dict[str, Any]:
    return {**DENY, "Condition": {operator: {key: wanted}}}


ARN, ACCOUNT = "aws:PrincipalArn", "aws:PrincipalAccount"
CONDITIONS: list[tuple[str, Any, Steward, bool]] = [
    # What is known of the steward holds or does not.
    ("StringEquals", {ARN: ROLE}, KNOWN, True),
    ("StringEquals", {ARN: f"{ROLE}-2"}, KNOWN, False),
    ("StringEquals", {ARN: ROLE[:-1]}, KNOWN, False),
    ("StringEquals", {ACCOUNT: "${aws:ResourceAccount}"}, KNOWN, True),
    ("StringNotEquals", {ACCOUNT: "${aws:ResourceAccount}"}, KNOWN, False),
    # What no ARN is to an operator for ARNs may be anything.
    ("ArnLike", {ARN: "*"}, KNOWN, True),
    ("ArnLike", {ARN: f"{ROLE}-2"}, KNOWN, False),
    ("ArnEquals", {ACCOUNT: "999999999999"}, KNOWN, True),
    # Sets of values are not followed.
    ("ForAnyValue:StringEquals", {ARN: f"{ROLE}-2"}, KNOWN, True),
    ("ForAllValues:StringNotEquals", {ARN: ROLE}, KNOWN, True),
    # A key is there or not.
    ("Null", {ARN: "true"}, KNOWN, False),
    ("Null", {ARN: "True"}, KNOWN, False),
    ("Null", {ARN: "false"}, KNOWN, True),
    ("Null", {ARN: ["true", "false"]}, KNOWN, True),
    ("Null", {"aws:SourceIp": "true"}, KNOWN, True),
    # A role that is not known is some role of its account.
    ("ArnLike", {ARN: f"arn:aws:iam::{OWN}:role/x*"}, OF_ACCOUNT, True),
    ("ArnLike", {ARN: f"arn:aws:iam::{OWN[:-1]}?:role/x*"}, OF_ACCOUNT, True),
    ("ArnLike", {ARN: "arn:aws:iam::999999999999:role/x*"}, OF_ACCOUNT, False),
    # An account that is not known may be any, but the registry's own is the registry's own.
    ("StringEquals", {ACCOUNT: OWN}, NOBODY, True),
    ("StringNotEquals", {ACCOUNT: OWN}, NOBODY, True),
    ("StringEquals", {ACCOUNT: "${aws:ResourceAccount}"}, NOBODY, True),
    ("StringNotEquals", {ACCOUNT: "${aws:ResourceAccount}"}, NOBODY, False),
]


@pytest.mark.parametrize(("operator", "entries", "steward", "locked"), CONDITIONS)
def test_a_denial_locks_out_whom_its_conditions_may_hold_for(
    operator: str, entries: Any, steward: Steward, locked: bool
) -> None:
    statement = {**DENY, "Condition": {operator: entries}}
    assert locks_out_steward(statement, steward) is locked


@pytest.mark.parametrize(
    ("keys", "steward", "locked"),
    [
        ({"Principal": {"AWS": ROLE}}, KNOWN, True),
        ({"Principal": {"AWS": OWN}}, KNOWN, True),
        ({"Principal": {"AWS": f"{ROLE}-2"}}, KNOWN, False),
        ({"Principal": {"AWS": ROLE}}, OF_ACCOUNT, False),
        ({"Principal": {"AWS": OWN}}, OF_ACCOUNT, True),
        ({"Principal": {"AWS": OWN}}, NOBODY, False),
        ({"Principal": "*"}, NOBODY, True),
        ({"Principal": "*", "Effect": "Allow"}, KNOWN, False),
        ({}, KNOWN, False),
    ],
)
def test_a_denial_is_meant_for_the_role_the_account_or_everyone(
    keys: dict[str, Any], steward: Steward, locked: bool
) -> None:
    assert locks_out_steward({"Effect": "Deny", "Action": "ecr:*", **keys}, steward) is locked


@pytest.mark.parametrize(
    ("taggers", "action", "locked"),
    [
        (None, "ecr:PutImage", False),
        ((), "ecr:PutImage", True),
        ((ROLE,), "ecr:PutImage", True),
        ((ROLE,), "ecr:DeleteRepository", False),
    ],
)
def test_tags_are_moved_by_whoever_moves_them(
    taggers: tuple[str, ...] | None, action: str, locked: bool
) -> None:
    statement = {**DENY, "Action": action}
    assert locks_out_tagger(statement, Steward(OWN, (), taggers)) is locked


LAMBDA = {"Service": "lambda.amazonaws.com"}


@pytest.mark.parametrize(
    ("statement", "account", "locked"),
    [
        (DENY, OWN, True),
        ({**DENY, "Principal": LAMBDA}, OWN, True),
        ({**DENY, "Principal": {"AWS": OWN}}, OWN, False),
        ({**DENY, "Action": "ecr:PutImage"}, OWN, False),
        ({**DENY, "Effect": "Allow"}, OWN, False),
        ({"Effect": "Deny", "Action": "ecr:*"}, OWN, False),
        (deny("StringEquals", "aws:SourceAccount", OWN), OWN, True),
        (deny("StringEquals", "aws:SourceAccount", "999999999999"), OWN, False),
        (deny("StringEquals", "aws:SourceAccount", OWN), "", True),
        (deny("StringEquals", "aws:SourceAccount", "${aws:ResourceAccount}"), "", True),
        (deny("StringEquals", "aws:PrincipalOrgID", "o-x"), OWN, False),
        (deny("StringEqualsIfExists", "aws:PrincipalOrgID", "o-x"), OWN, True),
        (deny("StringNotEquals", "aws:PrincipalOrgID", "o-x"), OWN, True),
        (deny("Null", "aws:PrincipalOrgID", "true"), OWN, True),
        (deny("Null", "aws:PrincipalOrgID", "false"), OWN, False),
    ],
)
def test_lambda_is_locked_out_by_what_may_hold_for_its_own_calls(
    statement: dict[str, Any], account: str, locked: bool
) -> None:
    assert locks_out_lambda(statement, account) is locked


@pytest.mark.parametrize(
    ("statement", "lets"),
    [
        ({"Effect": "Allow", "Principal": LAMBDA, "Action": "ecr:BatchGetImage"}, True),
        ({"Effect": "Allow", "Principal": LAMBDA, "Action": "ecr:PutImage"}, False),
        ({"Effect": "Allow", "Principal": {"AWS": OWN}, "Action": "ecr:*"}, False),
        ({"Effect": "Deny", "Principal": LAMBDA, "Action": "ecr:*"}, False),
        ({"Effect": "Allow", "Action": "ecr:*"}, False),
        ("nothing", False),
    ],
)
def test_functions_depend_on_a_statement_that_names_lambda_and_lets_it_pull(
    statement: Any, lets: bool
) -> None:
    assert lets_lambda_pull(statement) is lets
