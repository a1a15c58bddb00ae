"""Links into the ECR console, and the ARNs of what they lead to."""

from __future__ import annotations

import re

_NAME = re.compile(r"[a-z0-9][a-z0-9._/-]*")
_REGION = re.compile(r"[a-z]{2,8}(-[a-z]+)+-[0-9]+")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

_CONSOLES = (
    ("cn-", "aws-cn", "{region}.console.amazonaws.cn"),
    ("us-gov-", "aws-us-gov", "{region}.console.amazonaws-us-gov.com"),
    ("eusc-", "aws-eusc", "console.amazonaws-eusc.eu"),
    ("us-iso-", "aws-iso", ""),
    ("us-isob-", "aws-iso-b", ""),
    ("eu-isoe-", "aws-iso-e", ""),
    ("us-isof-", "aws-iso-f", ""),
)
"""Regions by how they begin, their partition and the host of its console; "" is not public."""


def console(account: str, region: str, repository: str, digest: str | None) -> str | None:
    """The page of an image in the ECR console, or of its repository where there is no image.

    None where something is no such name (then no link could be trusted) or where nobody knows the
    console's address.
    """
    host = _partition(region)[1].format(region=region)
    names = (_REGION.fullmatch(region), _NAME.fullmatch(repository), account.isdecimal())
    if not all(names) or not host:
        return None
    page = f"https://{host}/ecr/repositories/private/{account}/{repository}"
    image = f"/_/image/{digest}/details" if digest and _DIGEST.fullmatch(digest) else ""
    return f"{page}{image}?region={region}"


def arn(account: str, region: str, repository: str) -> str:
    """The ARN of a repository."""
    return f"arn:{_partition(region)[0]}:ecr:{region}:{account}:repository/{repository}"


def _partition(region: str) -> tuple[str, str]:
    for begin, partition, host in _CONSOLES:
        if region.startswith(begin):
            return partition, host
    return "aws", "{region}.console.aws.amazon.com"
