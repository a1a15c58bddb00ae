"""The keepers: what an entry of `keep:` can be. A new one is one file and one row here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecr_steward.images.keepers.highest import Highest
from ecr_steward.images.keepers.keeper import Fault, Keeper
from ecr_steward.images.keepers.newest import Newest
from ecr_steward.images.keepers.replaced import Replaced
from ecr_steward.images.keepers.tagged import Tagged
from ecr_steward.images.keepers.within import PulledWithin, PushedWithin, UntaggedWithin

__all__ = ["KEEPERS", "Fault", "Keeper", "keeper", "keeper_faults"]

KEEPERS: tuple[type[Keeper], ...] = (
    Highest,
    Newest,
    PushedWithin,
    PulledWithin,
    Replaced,
    UntaggedWithin,
    Tagged,
)


def keeper(entry: Mapping[str, Any]) -> Keeper:
    """The keeper of an entry without fault."""
    return next(kind for kind in KEEPERS if kind.name in entry).of(entry)


def keeper_faults(entry: Any, tags: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with an entry of `keep:`."""
    names = ", ".join(f"`{kind.name}`" for kind in KEEPERS)
    kinds = [kind for kind in KEEPERS if isinstance(entry, Mapping) and kind.name in entry]
    if not isinstance(entry, Mapping):
        yield (), f"An entry of `keep` must be a mapping with one of {names}; it is `{entry}`."
    elif not kinds:
        said = ", ".join(f"`{key}`" for key in entry) or "nothing"
        yield (), f"An entry of `keep` must have one of {names}; it has {said}."
    elif len(kinds) > 1:
        both = " and ".join(f"`{kind.name}`" for kind in kinds)
        yield (), f"An entry of `keep` has one keeper; write {both} as entries of their own."
    else:
        yield from kinds[0].faults(entry, tags)
        allowed = (kinds[0].name, *kinds[0].keys)
        for key in entry:
            if key not in allowed:
                there = ", ".join(f"`{each}`" for each in allowed)
                yield (key,), f"`{key}` is not a key here; there is {there}."
