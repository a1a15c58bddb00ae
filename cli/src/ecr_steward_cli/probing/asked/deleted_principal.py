"""A policy names a deleted role by its id, and cannot be set again like that."""

from __future__ import annotations

import json

from ecr_steward_cli.probing.asked.unknown_principal import policy
from ecr_steward_cli.probing.assumption import Assumption, Ground, patiently, refusal_of
from ecr_steward_cli.probing.roles import make_role

_EXPECTED = "its id in place of its ARN; InvalidParameterException when set again"


def _ask(ground: Ground) -> str:
    role = make_role(ground, "ecs-tasks.amazonaws.com")
    patiently(ground, "InvalidParameterException", lambda: _put(ground, policy(role)))
    ground.client("iam").delete_role(RoleName=ground.name)
    text = _text(ground)
    for _ in range(0, ground.patience, 5):
        if role not in text:
            break
        ground.sleep(5)
        text = _text(ground)
    (statement,) = json.loads(text)["Statement"]
    by_id = str(statement["Principal"]["AWS"]).startswith("AROA")
    again = refusal_of(lambda: _put(ground, text))
    shown = "its id in place of its ARN" if by_id else "still its ARN"
    return f"{shown}; {again} when set again"


def _put(ground: Ground, text: str) -> None:
    ground.ecr.set_repository_policy(repositoryName=ground.repository, policyText=text)


def _text(ground: Ground) -> str:
    answer = ground.ecr.get_repository_policy(repositoryName=ground.repository)
    return str(answer["policyText"])


ASSUMPTION = Assumption("A policy whose principal was deleted", _EXPECTED, _ask, "iam")
