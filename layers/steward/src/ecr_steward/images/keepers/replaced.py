"""The keeper `replaced`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Self

from ecr_steward.images.durations import ago
from ecr_steward.images.keepers.keeper import (
    Fault,
    Keeper,
    as_duration,
    count_faults,
    count_schema,
    duration_faults,
    duration_schema,
)
from ecr_steward.images.state import Inventory


class Replaced(Keeper):
    """What a stable tag left, whoever moved it: the last few of each, and all of late.

    Of a stable tag that is gone only what it left of late is kept: nobody rolls it back.
    """

    name = "replaced"
    by = "replaced"
    description = (
        "What a stable tag left, whoever moved it: the last few of each tag, and all within a "
        "time. Of a stable tag that is gone only the time counts."
    )
    example = MappingProxyType({"replaced": 3, "within": "30d"})
    keys = ("within",)

    def __init__(self, most: int, within: timedelta | None) -> None:
        self._most = most
        self._within = within

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {
            cls.name: count_schema("How many of each tag", cls.description, 3),
            "within": duration_schema("Within", "And all that it left within this time.", "30d"),
        }

    @classmethod
    def faults(cls, entry: Mapping[str, Any], tags: Mapping[str, Any]) -> Iterator[Fault]:
        yield from count_faults(entry, cls.name)
        yield from duration_faults(entry, "within")

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        within = entry.get("within")
        return cls(entry[cls.name], None if within is None else as_duration(within))

    def kept(self, inventory: Inventory) -> Iterator[tuple[str, str]]:
        last = "the last" if self._most == 1 else f"one of the last {self._most:,}"
        for tag, left in _left(inventory).items():
            if tag in inventory.tags:
                for _, digest in left[: self._most]:
                    yield digest, f"It is {last} that `{tag}` left."
            for time, digest in left:
                if self._within is not None and inventory.now - time <= self._within:
                    past = ago(max(inventory.now - time, timedelta()))
                    yield digest, f"`{tag}` left it {past} ago, within {ago(self._within)}."

    def unknown(self, inventory: Inventory) -> Iterator[tuple[str, str]]:
        yield from ()

    def words(self) -> str:
        within = (
            "" if self._within is None else f", and all that it left within {ago(self._within)}"
        )
        many = "image" if self._most == 1 else f"{self._most:,} images"
        return f"the last {many} that each stable tag left{within}"


def _left(inventory: Inventory) -> dict[str, list[tuple[datetime, str]]]:
    """What each stable tag left and is not on again, the last one first."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    for image in inventory.images:
        for tag, time in image.left.items():
            if tag not in image.tags:
                found.setdefault(tag, []).append((time, image.digest))
    return {tag: sorted(left, reverse=True) for tag, left in found.items()}
