"""The keeper `newest`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self

from ecr_steward.images.keepers.keeper import Fault, Keeper, count_faults, count_schema
from ecr_steward.images.state import Inventory


class Newest(Keeper):
    """The images pushed last; children and referrers do not count."""

    name = "newest"
    by = "newest"
    description = "The images pushed last; children and referrers do not count."
    example = MappingProxyType({"newest": 20})

    def __init__(self, most: int) -> None:
        self._most = most

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {cls.name: count_schema("How many", cls.description, cls.example[cls.name])}

    @classmethod
    def faults(cls, entry: Mapping[str, Any], tags: Mapping[str, Any]) -> Iterator[Fault]:
        yield from count_faults(entry, cls.name)

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        return cls(entry[cls.name])

    def kept(self, inventory: Inventory) -> Iterator[tuple[str, str]]:
        dated = [
            (image.pushed_at, image.digest)
            for image in inventory.images
            if image.pushed_at is not None and not inventory.is_part(image.digest)
        ]
        many = "" if self._most == 1 else "one of "
        for _, digest in sorted(dated, reverse=True)[: self._most]:
            yield digest, f"It is {many}{self.words()}."

    def unknown(self, inventory: Inventory) -> Iterator[tuple[str, str]]:
        for image in inventory.images:
            if image.pushed_at is None and not inventory.is_part(image.digest):
                yield image.digest, "When it was pushed is not known."

    def words(self) -> str:
        many = "image" if self._most == 1 else f"{self._most:,} images"
        return f"the {many} pushed last"
