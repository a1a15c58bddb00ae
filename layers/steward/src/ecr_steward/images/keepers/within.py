"""Keepers by age: `pushed_within`, `pulled_within` and `untagged_within`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Self

from ecr_steward.images.durations import ago
from ecr_steward.images.keepers.keeper import (
    Fault,
    Keeper,
    as_duration,
    duration_faults,
    duration_schema,
)
from ecr_steward.images.state import Inventory, RetainedImage


class _Within(Keeper):
    """Keeps what happened to an image within a time; the bound itself keeps."""

    def __init__(self, within: timedelta) -> None:
        self._within = within

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {cls.name: duration_schema("Time", cls.description, cls.example[cls.name])}

    @classmethod
    def faults(cls, entry: Mapping[str, Any], tags: Mapping[str, Any]) -> Iterator[Fault]:
        yield from duration_faults(entry, cls.name)

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        return cls(as_duration(entry[cls.name]))

    @abstractmethod
    def _concerns(self, image: RetainedImage) -> bool:
        """Whether the keeper has anything to say of an image."""

    @abstractmethod
    def _happened(self, image: RetainedImage, now: datetime) -> tuple[datetime | None, str]:
        """When it happened, None if that is not known, and what."""

    def kept(self, inventory: Inventory) -> Iterator[tuple[str, str]]:
        for image in filter(self._concerns, inventory.images):
            time, what = self._happened(image, inventory.now)
            if time is not None and inventory.now - time <= self._within:
                past = ago(max(inventory.now - time, timedelta()))
                yield image.digest, f"It {what} {past} ago, within {ago(self._within)}."

    def unknown(self, inventory: Inventory) -> Iterator[tuple[str, str]]:
        for image in filter(self._concerns, inventory.images):
            time, _ = self._happened(image, inventory.now)
            if time is None:
                yield image.digest, "When it was pushed is not known."


class PushedWithin(_Within):
    """What was pushed lately."""

    name = "pushed_within"
    by = "pushed"
    description = "What was pushed within this time; the bound itself keeps."
    example = MappingProxyType({"pushed_within": "30d"})

    def _concerns(self, image: RetainedImage) -> bool:
        return True

    def _happened(self, image: RetainedImage, now: datetime) -> tuple[datetime | None, str]:
        return image.pushed_at, "was pushed"

    def words(self) -> str:
        return f"what was pushed within {ago(self._within)}"


class PulledWithin(_Within):
    """What was pulled lately by ECR's `lastRecordedPullTime`; never pulled counts from the push."""

    name = "pulled_within"
    by = "pulled"
    description = (
        "What was pulled within this time, by ECR's `lastRecordedPullTime`; what was never pulled "
        "counts from its push."
    )
    example = MappingProxyType({"pulled_within": "90d"})

    def _concerns(self, image: RetainedImage) -> bool:
        return True

    def _happened(self, image: RetainedImage, now: datetime) -> tuple[datetime | None, str]:
        if image.pulled_at is None:
            return image.pushed_at, "was never pulled, and pushed"
        return image.pulled_at, "was pulled"

    def words(self) -> str:
        return f"what was pulled, or pushed and never pulled, within {ago(self._within)}"


class UntaggedWithin(_Within):
    """What lost its last tag lately; an image that is seen without a tag first today lost it
    today."""

    name = "untagged_within"
    by = "untagged"
    description = "What lost its last tag within this time."
    example = MappingProxyType({"untagged_within": "14d"})

    def _concerns(self, image: RetainedImage) -> bool:
        return not image.tags

    def _happened(self, image: RetainedImage, now: datetime) -> tuple[datetime | None, str]:
        return image.untagged_at or now, "lost its last tag"

    def words(self) -> str:
        return f"what lost its last tag within {ago(self._within)}"
