"""How CloudTrail names callers."""

from __future__ import annotations

from typing import Any


def identity(caller: str) -> dict[str, Any]:
    """`userIdentity` of CloudTrail for the ARN of a caller (CloudTrail User Guide)."""
    known = {"arn": caller, "accountId": caller.split(":")[4]}
    if ":assumed-role/" not in caller:
        return {"type": "IAMUser", **known}
    role = caller.split("/")[1]
    issuer = {
        "type": "Role",
        "arn": f"arn:aws:iam::{known['accountId']}:role/{role}",
        "userName": role,
    }
    return {"type": "AssumedRole", **known, "sessionContext": {"sessionIssuer": issuer}}
