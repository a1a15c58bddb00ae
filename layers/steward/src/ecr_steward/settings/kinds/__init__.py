"""Kinds of setting: one file each, one row in `KINDS`. Nothing else knows one by its name."""

from __future__ import annotations

from typing import Any

from ecr_steward.settings.kinds.encryption import Encryption
from ecr_steward.settings.kinds.immutability import Immutability
from ecr_steward.settings.kinds.kind import DESCRIBED, Around, EcrRequest, Fallback, Read, Setting
from ecr_steward.settings.kinds.lifecycle import Lifecycle
from ecr_steward.settings.kinds.policy import Policy
from ecr_steward.settings.kinds.resource_tags import ResourceTags
from ecr_steward.settings.kinds.scan_on_push import ScanOnPush

__all__ = ["DESCRIBED", "KINDS", "Around", "EcrRequest", "Fallback", "Read", "Setting", "named"]

KINDS: tuple[Setting[Any, Any], ...] = (
    Policy(),
    Lifecycle(),
    Immutability(),
    ScanOnPush(),
    Encryption(),
    ResourceTags(),
)
"""Every setting of a repository, in the order in which they are told and set."""

_BY_NAME = {each.name: each for each in KINDS}


def named(name: str) -> Setting[Any, Any]:
    """The kind of this name."""
    return _BY_NAME[name]
