"""Kinds of setting of the registry itself: one file each, one row in `REGISTRY_KINDS`."""

from __future__ import annotations

from typing import Any

from ecr_steward.settings.registry_kinds.creation_templates import CreationTemplates
from ecr_steward.settings.registry_kinds.kind import Governs, RegistryKind
from ecr_steward.settings.registry_kinds.policy import RegistryPolicy
from ecr_steward.settings.registry_kinds.pull_time_exclusions import PullTimeExclusions
from ecr_steward.settings.registry_kinds.replication import Replication
from ecr_steward.settings.registry_kinds.scanning import RegistryScanning

__all__ = ["REGISTRY_KINDS", "Governs", "RegistryKind"]

REGISTRY_KINDS: tuple[RegistryKind[Any, Any], ...] = (
    RegistryScanning(),
    CreationTemplates(),
    RegistryPolicy(),
    Replication(),
    PullTimeExclusions(),
)
"""Every setting of the registry, in the order in which they are told and set."""
