"""What can go wrong while a registry is read, and how that is said."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from ecr_steward.ecr import RegistryError
from ecr_steward.settings.state import SettingsError

FAULTS = (RegistryError, ClientError, BotoCoreError, SettingsError)
"""What a read may end with; a plan tells it as a line, and goes on."""


def said(error: Exception) -> str:
    """What went wrong, as a sentence."""
    words = str(error).rstrip(".")
    return f"{words}."
