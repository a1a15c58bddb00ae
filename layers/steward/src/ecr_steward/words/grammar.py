"""The grammar of tags that holds in every registry, whatever the team's scheme."""

from __future__ import annotations

import re

MAX_LENGTH = 128
"""Longest tag, in characters (OCI distribution spec: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`)."""

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_REFERRER = re.compile(r"sha256-[0-9a-f]{64}(\.(sig|att|sbom))?")


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def is_referrer(tag: str) -> bool:
    """Whether `tag` is the fall-back tag of a signature, attestation or SBOM (cosign, ORAS)."""
    return _REFERRER.fullmatch(tag) is not None


def short(digest: str) -> str:
    """A digest as people read it: `sha256:` and its first 12 hex digits."""
    return digest[: len("sha256:") + 12]
