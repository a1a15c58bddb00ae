"""A role of IAM that may do nothing."""

from __future__ import annotations

import json

from ecr_steward_cli.probing.assumption import Ground


def make_role(ground: Ground, service: str) -> str:
    """Make a role that a service may assume; returns its ARN."""
    iam = ground.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    with ground.made.making(f"Role {ground.name}", lambda: iam.delete_role(RoleName=ground.name)):
        answer = iam.create_role(RoleName=ground.name, AssumeRolePolicyDocument=json.dumps(trust))
    return str(answer["Role"]["Arn"])
