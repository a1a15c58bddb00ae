"""A repository policy that names a principal that does not exist is refused."""

from __future__ import annotations

import json

from ecr_steward_cli.probing.assumption import Assumption, Ground, refusal_of


def policy(principal: str) -> str:
    """A repository policy that lets a principal look at images."""
    statement = {
        "Sid": "Probe",
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "ecr:DescribeImages",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _ask(ground: Ground) -> str:
    account = ground.client("sts").get_caller_identity()["Account"]
    nobody = f"arn:aws:iam::{account}:role/{ground.name}-nobody"
    return refusal_of(
        lambda: ground.ecr.set_repository_policy(
            repositoryName=ground.repository, policyText=policy(nobody)
        )
    )


ASSUMPTION = Assumption("A policy with an unknown principal", "InvalidParameterException", _ask)
