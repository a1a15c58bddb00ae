"""The oracle's own reading of tags: versions, their order, and the stable tags they give rise to.

It reads only what people push in a soak, and shares no code with the steward.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_VERSION = re.compile(
    r"v?(?P<numbers>[0-9]+\.[0-9]+\.[0-9]+)(?:-rc\.(?P<rc>[0-9]+))?(?P<variant>-alpine)?"
)
_STABLE = re.compile(r"([0-9]+(\.[0-9]+)?|latest|main|next|edge|alpine)(-alpine)?")
_PIN = re.compile(r".+-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}")

Rank = tuple[object, ...]


@dataclass(frozen=True)
class PushedImage:
    """An image as the registry has it."""

    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime


def is_unique(tag: str) -> bool:
    return _VERSION.fullmatch(tag) is not None


def is_stable(tag: str) -> bool:
    return not is_unique(tag) and not is_pin(tag) and _STABLE.fullmatch(tag) is not None


def is_pin(tag: str) -> bool:
    return _PIN.fullmatch(tag) is not None


def belongs(kind: str, images: Iterable[PushedImage]) -> dict[str, str]:
    """Where each stable tag that follows something has to be, by the tags that are not stable."""
    best: dict[str, tuple[Rank, str]] = {}
    for image in images:
        for tag in image.tags:
            for name, rank in _places(kind, tag, image):
                if name not in best or rank > best[name][0]:
                    best[name] = (rank, image.digest)
    return {name: digest for name, (_, digest) in best.items()}


def _places(kind: str, tag: str, image: PushedImage) -> Iterator[tuple[str, Rank]]:
    found = _VERSION.fullmatch(tag)
    if found is None:
        return
    major, minor, patch = found["numbers"].split(".")
    release, variant = found["rc"] is None, found["variant"] or ""
    when = (image.pushed_at, image.digest)
    rank = (int(major), int(minor), int(patch), release, int(found["rc"] or 0), *when)
    if kind == "vary":
        yield f"next{variant}", rank
        yield f"edge{variant}", when
    if not release:
        return
    yield f"{major}.{minor}{variant}", rank
    yield variant.removeprefix("-") or "latest", rank
    if kind != "vary" and major != "0":
        yield f"{major}{variant}", rank


def images(details: Iterable[Mapping[str, Any]]) -> list[PushedImage]:
    """Images as `DescribeImages` has them."""
    return [
        PushedImage(
            str(each["imageDigest"]), tuple(each.get("imageTags", ())), each["imagePushedAt"]
        )
        for each in details
    ]
