"""The grammar of tags that holds in every registry, whatever the team's scheme."""

from __future__ import annotations

import re
from datetime import UTC, datetime

MAX_LENGTH = 128
"""Longest tag, in characters (OCI distribution spec: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`)."""

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_REFERRER = re.compile(r"sha256-[0-9a-f]{64}(\.(sig|att|sbom))?")
_PIN = re.compile(r".+-\d{8}T\d{6}Z-[0-9a-f]{12}")
_PIN_SUFFIX = len("-20261123T022400Z-0123456789ab")


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def is_referrer(tag: str) -> bool:
    """Whether `tag` is the fall-back tag of a signature, attestation or SBOM (cosign, ORAS)."""
    return _REFERRER.fullmatch(tag) is not None


def is_pin(tag: str) -> bool:
    """Whether `tag` is one that `pin` could have made."""
    return _PIN.fullmatch(tag) is not None


def pin(tag: str, pushed_at: datetime, digest: str) -> str:
    """The unique tag for an image that only the stable tag `tag` names.

    `pushed_at` is the image's `imagePushedAt`, `digest` its `sha256:<64 hex>`: both stay the same
    for an image, so its pin does too. A long `tag` is cut so that the pin stays a valid tag.
    """
    stamp = pushed_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    kept = tag[: MAX_LENGTH - _PIN_SUFFIX]
    return f"{kept}-{stamp}-{digest.removeprefix('sha256:')[:12]}"
