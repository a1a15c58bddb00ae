"""Which controls of Security Hub a repository meets, by what ECR says of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

CONTROLS: Mapping[str, str] = MappingProxyType(
    {
        "ECR.1": "images are scanned",
        "ECR.2": "tags cannot be overwritten",
        "ECR.3": "there is a lifecycle policy",
        "ECR.5": "a key of one's own encrypts",
    }
)
"""The controls for private repositories (Security Hub User Guide: Amazon ECR controls)."""

Met = Mapping[str, bool | None]
"""By control whether a repository meets it; None where nobody can say."""


def met(described: Mapping[str, Any], frequency: str | None, *, lifecycle: bool | None) -> Met:
    """Which controls a repository meets.

    `described` is what `DescribeRepositories` says; `frequency` is how often it is scanned, None
    where that is not known; `lifecycle` says whether there is a lifecycle policy.
    """
    return {
        "ECR.1": None if frequency is None else frequency in _SCANNED,
        "ECR.2": described.get("imageTagMutability") == "IMMUTABLE",
        "ECR.3": lifecycle,
        "ECR.5": _own_key(described.get("encryptionConfiguration") or {}),
    }


_SCANNED = frozenset({"SCAN_ON_PUSH", "CONTINUOUS_SCAN"})


def _own_key(encryption: Mapping[str, Any]) -> bool | None:
    """The ARN of a key does not tell whether it is AWS's own for ECR; only KMS knows."""
    return False if encryption.get("encryptionType", "AES256") == "AES256" else None
