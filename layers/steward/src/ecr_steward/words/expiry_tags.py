"""Expiry tags: the steward puts one on an image that nothing keeps, and by it ECR's own lifecycle
policy expires the image."""

from __future__ import annotations

import re
from datetime import UTC, datetime

BEGINNING = "steward-expire-"
_TAG = re.compile(rf"{BEGINNING}[0-9]{{8}}-([0-9a-f]{{12}})")


def expiry_tag(digest: str, now: datetime) -> str:
    """The expiry tag of an image that is put at the time `now`."""
    return f"{BEGINNING}{now.astimezone(UTC):%Y%m%d}-{_digits(digest)}"


def is_expiry_tag(tag: str) -> bool:
    """Whether `tag` begins as expiry tags do, and so is the steward's alone, or forged."""
    return tag.startswith(BEGINNING)


def expires(tag: str, digest: str) -> bool:
    """Whether `tag` can be an expiry tag that the steward put on the image `digest`."""
    match = _TAG.fullmatch(tag)
    return match is not None and match[1] == _digits(digest)


def _digits(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
