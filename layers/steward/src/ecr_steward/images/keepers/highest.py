"""The keeper `highest`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Self

from ecr_steward.images.keepers.keeper import Fault, Keeper, count_faults, count_schema
from ecr_steward.images.state import Inventory, RetainedImage
from ecr_steward.tags.kinds import Unique
from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.stable import StableTag

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Place:
    """An image in a line, at one of its tags."""

    unique: Unique
    image: RetainedImage

    @property
    def version(self) -> tuple[object, ...]:
        """What two revisions of one version have in common: its numbers and its pre-release."""
        return self.unique.precedence[:2]

    @property
    def rank(self) -> tuple[Any, ...]:
        """Its place in the line; of twins the one pushed last leads, then the higher digest."""
        return (self.unique.precedence, self.image.pushed_at or _NEVER, self.image.digest)


class Highest(Keeper):
    """The images of the highest versions of each line of an entry of `stable:`, or of all versions.

    Each image counts at its highest tag, and of each version its highest revision counts. Only
    releases count where `prereleases` says nothing else. A platform tag goes with its version.
    """

    name = "highest"
    by = "highest"
    description = (
        "The images of the highest versions, each at its highest tag and of each version its "
        "highest revision; a platform tag goes with its version."
    )
    example = MappingProxyType({"highest": 3, "of": "{major}.{minor}"})
    keys = ("of", "prereleases")

    def __init__(
        self, most: int, of: str | None, prereleases: bool | tuple[str, ...] | None
    ) -> None:
        self._most = most
        self._of = of
        self._prereleases = prereleases
        self._all = StableTag("all", follows="highest", prereleases=prereleases or False)

    @classmethod
    def schema(cls) -> dict[str, Any]:
        words = {"title": "words", "type": "array", "minItems": 1, "items": {"type": "string"}}
        return {
            cls.name: count_schema("How many versions", cls.description, 3),
            "of": {
                "title": "Entry of stable",
                "description": "The `tag` of an entry of `stable`, as written there: so many of "
                "each of its lines. Without it, of all versions, each variant by itself.",
                "type": "string",
                "examples": ["{major}.{minor}"],
            },
            "prereleases": {
                "title": "Pre-releases",
                "description": "Whether pre-releases count, or the words of those that do; without "
                "it as the entry has it, else releases only.",
                "anyOf": [{"title": "true or false", "type": "boolean"}, words],
                "examples": [True, ["beta", "rc"]],
            },
        }

    @classmethod
    def faults(cls, entry: Mapping[str, Any], tags: Mapping[str, Any]) -> Iterator[Fault]:
        yield from count_faults(entry, cls.name)
        if "prereleases" in entry:
            yield from _prerelease_faults(entry["prereleases"])
        if not tags:
            yield (cls.name,), "`highest` needs the rule's `tags`, which say what a version is."
        elif "of" in entry:
            yield from _of_faults(entry["of"], tags)

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        prereleases = entry.get("prereleases")
        if isinstance(prereleases, list | tuple):
            prereleases = tuple(each.lower() for each in prereleases)
        return cls(entry[cls.name], entry.get("of"), prereleases)

    def kept(self, inventory: Inventory) -> Iterator[tuple[str, str]]:
        for line, places in self._lines(inventory).items():
            whose = f"of `{line}`" if line else "of all versions"
            for place in _leading(places, self._most):
                tag = place.unique.tag
                if self._most == 1:
                    yield place.image.digest, f"{tag} is the highest {whose}."
                else:
                    yield place.image.digest, f"{tag} is one of the {self._most:,} highest {whose}."

    def unknown(self, inventory: Inventory) -> Iterator[tuple[str, str]]:
        yield from ()

    def words(self) -> str:
        many = "version" if self._most == 1 else f"{self._most:,} versions"
        return f"the highest {many} of " + (f"each `{self._of}`" if self._of else "each variant")

    def _lines(self, inventory: Inventory) -> dict[str | None, list[_Place]]:
        """The images in each line, at each of their tags, by the line's name; None is the line of
        all versions without a variant."""
        scheme = self._scheme(inventory.scheme)
        lines: dict[str | None, list[_Place]] = {}
        for image in inventory.images:
            for tag in image.tags:
                unique = scheme.read_unique(tag, image.digest)
                if unique is not None and unique.version is not None:
                    for line in self._names(scheme, replace(unique, platform=None)):
                        lines.setdefault(line, []).append(_Place(unique, image))
        return lines

    def _names(self, scheme: Scheme, unique: Unique) -> Iterator[str | None]:
        if self._of is not None:
            lines = scheme.lines(unique)
            yield from (line.tag for line in lines if line.stable.template == self._of)
        elif self._all.admits(unique) and not (unique.is_date and scheme.has_versions):
            yield unique.variant

    def _scheme(self, scheme: Scheme) -> Scheme:
        """The scheme, with the pre-releases that this keeper has its entry take."""
        taken = self._prereleases
        if self._of is None or taken is None:
            return scheme
        return replace(
            scheme,
            stable=tuple(
                replace(each, prereleases=taken) if each.template == self._of else each
                for each in scheme.stable
            ),
        )


def _leading(places: Sequence[_Place], most: int) -> Iterator[_Place]:
    """The images of the highest versions of a line, platforms of the same version with them."""
    highest: dict[str, _Place] = {}
    for place in (each for each in places if each.unique.platform is None):
        held = highest.get(place.image.digest)
        if held is None or place.rank > held.rank:
            highest[place.image.digest] = place
    platforms = [each for each in places if each.unique.platform is not None]
    versions: dict[tuple[object, ...], list[_Place]] = {}
    for place in (*highest.values(), *platforms):
        versions.setdefault(place.version, []).append(place)
    ranked = sorted(versions.values(), key=lambda each: max(p.rank for p in each), reverse=True)
    for each in ranked[:most]:
        yield from _revision(each)


def _revision(places: Sequence[_Place]) -> Iterator[_Place]:
    """Of one version its highest revision, with all its platforms."""
    whole = [each for each in places if each.unique.platform is None]
    leader = max(whole or places, key=lambda each: each.rank)
    yield leader
    for each in places:
        if each.unique.platform is not None and each.rank[0] == leader.rank[0]:
            yield each


def _prerelease_faults(value: Any) -> Iterator[Fault]:
    words = isinstance(value, list | tuple) and all(
        isinstance(each, str) and each.isalpha() for each in value
    )
    if not isinstance(value, bool) and not (words and value):
        said = "true, false or a list of words such as [beta, rc]"
        yield ("prereleases",), f"`prereleases` must be {said}; it is `{value}`."


def _of_faults(value: Any, tags: Mapping[str, Any]) -> Iterator[Fault]:
    stable = tags.get("stable")
    entries = (
        [each for each in stable if isinstance(each, dict)] if isinstance(stable, list) else []
    )
    named = [each for each in entries if each.get("tag") == value]
    if not named:
        known = ", ".join(f"`{each.get('tag')}`" for each in entries) or "none"
        yield ("of",), f"`{value}` is no entry of the rule's `stable`; there are {known}."
    elif not any("follows" in each for each in named):
        yield ("of",), f"`{value}` follows nothing: your pipeline moves it, and it has no line."
