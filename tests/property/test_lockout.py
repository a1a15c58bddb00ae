"""No Deny that is put in keeps the steward from setting the policy."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from ecr_steward.settings.lockout import Steward, locks_out_steward
from tests.property.test_access import VALUES, conditions
from tests.support.iam import NAMED, OWN, OWN_ORGANISATION, Request, lets_in

ROLE = f"arn:aws:iam::{OWN}:role/steward"
REACHED: Mapping[str, Sequence[str]] = {
    **VALUES,
    "aws:PrincipalArn": (
        ROLE, ROLE.upper(), f"arn:aws:iam::{OWN}:role/*", f"arn:aws:iam::{OWN}:role/st?ward", "*",
        f"arn:aws:iam::{OWN}:role/other", "arn:aws:*:role/steward", "${aws:PrincipalArn}",
    ),
    "aws:SecureTransport": ("true", "false"),
    "aws:ViaAWSService": ("true", "false"),
}  # fmt: skip
PRINCIPALS: Sequence[Any] = (
    "*", {"AWS": "*"}, {"AWS": OWN}, {"AWS": f"arn:aws:iam::{OWN}:root"}, {"AWS": [NAMED, ROLE]},
    {"AWS": NAMED}, {"Service": "lambda.amazonaws.com"},
)  # fmt: skip
ACTIONS = ("ecr:*", "ecr:Set*", "ecr:SetRepositoryPolicy", "*")
FACTS = {
    "aws:principalarn": [ROLE],
    "aws:principalaccount": [OWN],
    "aws:principalorgid": [OWN_ORGANISATION],
    "aws:principalisawsservice": ["false"],
    "aws:viaawsservice": ["false"],
    "aws:securetransport": ["true"],
}


def from_everywhere() -> Iterator[Request]:
    """The steward's call, from wherever its function runs."""
    for address in ("54.1.2.3", "203.0.113.9"):
        yield Request(OWN, ROLE, facts={**FACTS, "aws:sourceip": [address]})
    for name in ("named", "other"):
        vpc = {"aws:sourcevpc": [f"vpc-0{name}"], "aws:sourcevpce": [f"vpce-0{name}"]}
        yield Request(OWN, ROLE, facts={**FACTS, **vpc, "aws:vpcsourceip": ["10.0.0.5"]})


@given(st.integers(0, 10**9))
def test_no_deny_that_is_put_in_denies_the_steward(seed: int) -> None:
    by = random.Random(seed)  # noqa: S311
    for _ in range(20):
        who, action = by.choice(PRINCIPALS), by.choice(ACTIONS)
        deny = {
            "Sid": "X",
            "Effect": "Deny",
            "Principal": who,
            "Action": action,
            "Condition": conditions(by, REACHED),
        }
        locked = locks_out_steward(deny, Steward(OWN, (ROLE,)))
        event("refused" if locked else "put in")
        denied = [each for each in from_everywhere() if lets_in(deny, each, "2012-10-17")]
        assert locked or denied == []
