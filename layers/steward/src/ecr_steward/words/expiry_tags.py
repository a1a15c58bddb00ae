"""Expiry tags: the steward puts one on an image that nothing keeps, and by it ECR's own lifecycle
policy expires the image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

BEGINNING = "steward-expire-"
_TAG = re.compile(rf"{BEGINNING}[0-9]{{8}}-([0-9a-f]{{12}})")


@dataclass(frozen=True, slots=True)
class Going:
    """What a round leaves of an image that nothing keeps, or that has an expiry tag all the same.

    `told` is when it was announced, and `reason` why; `warned` is whether that said from which day
    on it goes, as it does only where images may get expiry tags. `due` is when a round last found
    that it may get its expiry tag, with the `tags` that it had then; None where it may not. `kin`
    are the images that it belongs with: its children, what lists it, what it refers to and what
    refers to it. `needed` is why it must not have an expiry tag, empty where it may.
    """

    digest: str
    told: datetime
    reason: str
    tags: tuple[str, ...] = ()
    kin: tuple[str, ...] = ()
    due: datetime | None = None
    needed: str = ""
    warned: bool = False


@dataclass(frozen=True, slots=True)
class ExpiryTag:
    """An expiry tag that the steward put on an image at `put`, or is about to put while it is not
    `done`. `cleared` is when it was taken off again, because the image was needed."""

    tag: str
    put: datetime
    done: bool = False
    cleared: datetime | None = None

    @property
    def is_on(self) -> bool:
        return self.cleared is None


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
