"""A proposed scheme beside a registry as it is: what it would move there, and the scheme that moves
nothing which is right."""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_steward.tags.kinds import NUMBERS
from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.stable import Line, StableTag
from ecr_steward.tags.state import Image, tops, uniques
from ecr_steward.tags.suffixes import Variants
from ecr_steward_cli.rules_file.shown_scheme import (
    PLACEHOLDERS_OF_WORDS,
    SeenRepository,
    are_candidates,
    completed,
    scheme_from,
)

_MOST = 24
"""Most stable tags that are left as they are by name; more are told as what `plan` shows."""

_SEVERAL = 2
"""Fewest tags that tell a line that nobody keeps from one that is behind for once."""

_FEW, _MANY = 3, 16
"""Most lines without a tag that are left as they are one by one, and most limits of an entry."""


class Where(enum.Enum):
    """Where a stable tag is, beside where its line would have it."""

    RIGHT = "right"
    BEHIND = "behind"
    """On an image of its line that does not lead it: what the steward is there for."""
    ELSEWHERE = "elsewhere"
    """On an image that is none of its line: somebody means something else by it."""
    ABSENT = "absent"
    """On no image, though the line has some."""


@dataclass(frozen=True, slots=True)
class TagPlace:
    """A stable tag of a repository, its line, and where it is; `leader` is the unique tag that
    leads the line."""

    repository: str
    line: Line
    where: Where
    leader: str | None

    @property
    def tag(self) -> str:
        return self.line.tag

    @property
    def entry(self) -> StableTag:
        """The entry that has it."""
        return self.line.stable

    @property
    def variant(self) -> str | None:
        return self.line.variant

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers that its line begins with: of `1.4-alpine` 1 and 4."""
        values = dict(self.line.values or ())
        return tuple(int(values[each]) for each in NUMBERS if each in values)

    @property
    def named(self) -> str:
        """The tag with its repository."""
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True, slots=True)
class Settled:
    """A scheme that leaves what is right where it is. `left` says by template why stable tags that
    would follow are entries that follow nothing, or ignored; `moved` is what the scheme would move
    all the same."""

    made: Mapping[str, Any]
    left: Mapping[str, str] = field(default_factory=dict)
    moved: Sequence[TagPlace] = ()


def places(made: Mapping[str, Any], repositories: Iterable[SeenRepository]) -> list[TagPlace]:
    """Where the stable tags that follow something are, in repositories of this scheme."""
    scheme = scheme_from(made)
    return [place for each in repositories for place in _places(scheme, each)]


def _places(scheme: Scheme, repository: SeenRepository) -> Iterator[TagPlace]:
    holders = {tag: image for image in repository.images for tag in image.tags}
    lines = {tag: line for tag in holders if (line := scheme.line(tag)) is not None}
    for unique, _ in uniques(scheme, repository.images):
        lines |= {line.tag: line for line in scheme.lines(unique)}
    leading = tops(scheme, lines, repository.images)
    for tag, line in lines.items():
        top, holder = leading.get(tag), holders.get(tag)
        if top is None:
            where = Where.ELSEWHERE
        elif holder is None:
            where = Where.ABSENT
        elif tag in top.image.tags or not repository.with_digests:
            where = Where.RIGHT
        else:
            where = _beside(scheme, line, holder)
        leader = None if top is None else top.unique
        yield TagPlace(repository.name, line, where, leader)


def _beside(scheme: Scheme, line: Line, holder: Image) -> Where:
    """Where a tag is that is not on what leads its line."""
    held = tops(scheme, {line.tag: line}, [holder])
    return Where.BEHIND if line.tag in held else Where.ELSEWHERE


def settled(made: Mapping[str, Any], repositories: Sequence[SeenRepository]) -> Settled:
    """The scheme, without what most of its stable tags contradict.

    An entry whose tags are not, for the most part, where it would have them follows nothing. Where
    that is so of one variant alone, this has an entry of its own, above, that follows nothing; and
    so has a single tag that is on no image, or on one that is none of its line. What is left is
    behind in a line that holds for most: that is for the plan to move.
    """
    tags = [tag for each in repositories for tag in each.tags]
    made = _without_idle_variants(made, repositories)
    made = completed({**made, "stable": list(_entries(made, repositories))}, tags)
    left, ignored = _left(made, places(made, repositories))
    if left or ignored:
        above = [{"tag": template} for template in left]
        ignore = {"ignore": [*made.get("ignore", ()), *ignored]}
        made = completed({**made, **ignore, "stable": [*above, *made.get("stable", ())]}, tags)
    moved = [each for each in places(made, repositories) if each.where is not Where.RIGHT]
    return Settled(made, {**left, **ignored}, moved)


def _without_idle_variants(
    made: Mapping[str, Any], repositories: Sequence[SeenRepository]
) -> Mapping[str, Any]:
    """The scheme without variants of which there is no stable tag: as pre-releases they move
    nothing, which is what they do today."""
    of_patterns = (each for each in made["unique"] if not are_candidates(each))
    if "variants" not in made or any("(?P<variant>" in str(each) for each in of_patterns):
        return made
    found = [(each.variant, each.where) for each in places(made, repositories)]
    every = {variant for variant, _ in found if variant}
    there = {variant for variant, where in found if variant and where is not Where.ABSENT}
    used = [each for glob in made["variants"] for each in _used(glob, every, there)]
    if used == list(made["variants"]):
        return made
    less = {key: value for key, value in made.items() if key not in ("variants", "variant_latest")}
    return {**made, "variants": used} if used else less


def _used(glob: str, every: Iterable[str], there: Collection[str]) -> list[str]:
    """The glob, or those of its variants that have stable tags where others have none."""
    own = set(filter(Variants((glob,)).has, every))
    return [glob] if own.issubset(there) else sorted(own.intersection(there))


def _entries(
    made: Mapping[str, Any], repositories: Sequence[SeenRepository]
) -> Iterator[Mapping[str, Any]]:
    """The stable tags, each as most of its tags show it."""
    found: dict[str, list[TagPlace]] = {}
    for place in places(made, repositories):
        found.setdefault(place.entry.template, []).append(place)
    for entry in made.get("stable", ()):
        of_it = found.get(entry["tag"], [])
        if _holds(entry, of_it):
            yield from _by_name(made, _with_limits(entry, of_it), of_it)
        elif "{" not in entry["tag"] and _holds(
            newest := {**entry, "follows": "newest"}, _tried(made, newest, repositories)
        ):
            yield newest
        else:
            yield {"tag": entry["tag"]}


def shown_lines(made: Mapping[str, Any], repository: SeenRepository) -> list[Mapping[str, Any]]:
    """The entries that follow something, without those in which several tags of the repository are
    behind, and no more are in place."""
    found = Counter((each.entry.template, each.where) for each in places(made, [repository]))

    def is_shown(tag: str) -> bool:
        behind = found[tag, Where.BEHIND]
        return behind < _SEVERAL or found[tag, Where.RIGHT] > behind

    return [each for each in made.get("stable", ()) if "follows" in each and is_shown(each["tag"])]


def _holds(entry: Mapping[str, Any], found: Iterable[TagPlace]) -> bool:
    """Whether more tags of an entry are where it has them than are on other images; of one without
    placeholders its own name decides, which has to be there."""
    literal = "{" not in entry["tag"]
    counts = Counter(each.where for each in found if not literal or each.variant is None)
    wrong = counts[Where.BEHIND] + counts[Where.ELSEWHERE]
    return counts[Where.RIGHT] > wrong or not wrong + literal * counts[Where.ABSENT]


def _tried(
    made: Mapping[str, Any], entry: Mapping[str, Any], repositories: Iterable[SeenRepository]
) -> list[TagPlace]:
    """The places of an entry, were it alone."""
    return places({**made, "stable": [entry]}, repositories)


def _with_limits(entry: Mapping[str, Any], found: Sequence[TagPlace]) -> Mapping[str, Any]:
    """The entry, without the versions of many of which there is no such tag, as `not_within`."""
    every = {each.numbers for each in found} - {()}
    there = {each.numbers for each in found if each.where is not Where.ABSENT}
    some, none = {each[:1] for each in there}, every - there
    limits = sorted({each if each[:1] in some else each[:1] for each in none})
    if len(none) <= _FEW or len(limits) > _MANY:
        return entry
    return {**entry, "not_within": [".".join(map(str, each)) for each in limits]}


def _by_name(
    made: Mapping[str, Any], entry: Mapping[str, Any], found: Sequence[TagPlace]
) -> Iterator[Mapping[str, Any]]:
    """An entry for each word (`{branch}`), or for those alone that have a stable tag, where others
    have none."""
    words = "|".join(PLACEHOLDERS_OF_WORDS)
    parts = re.fullmatch(rf"([^{{}}]*)\{{(?:{words})\}}([^{{}}]*)", entry["tag"])
    absent = any(each.where is Where.ABSENT for each in found)
    if not absent or "variants" in made or parts is None:
        yield entry
        return
    before, after = parts.groups()
    for place in found:
        if place.where is not Where.ABSENT:
            word = place.tag[len(before) : len(place.tag) - len(after)]
            yield {"tag": place.tag, "follows": entry["follows"], "of": [f"{word}-*"]}


def _left(
    made: Mapping[str, Any], found: Sequence[TagPlace]
) -> tuple[dict[str, str], dict[str, str]]:
    """The stable tags that are left as they are, each with why: by template those that an entry
    says, and by name those that are ignored, because as an entry they would take others with
    them."""
    right = [each.tag for each in found if each.where is Where.RIGHT]
    left: dict[str, str] = {}
    ignored: dict[str, str] = {}
    for template, why, tags in _strange(found):
        if not tags.isdisjoint(right) or all(map(_above(made, left), tags)):
            continue
        if not any(map(_above(made, [*left, template]), right)):
            left[template] = why
        elif "{" not in template:
            ignored[template] = why
    return (left, ignored) if len(left) + len(ignored) <= _MOST else ({}, {})


def _above(made: Mapping[str, Any], left: Iterable[str]) -> Callable[[str], bool]:
    """Whether entries that stand above all others take a tag, variants and all."""
    scheme = scheme_from({**made, "stable": [{"tag": each} for each in left]})
    return lambda tag: scheme.owner(tag) is not None


def _strange(found: Iterable[TagPlace]) -> Iterator[tuple[str, str, set[str]]]:
    """What is not as the lines of its entry have it: a template, why, and its tags."""
    groups: dict[tuple[StableTag, str | None], list[TagPlace]] = {}
    for place in found:
        groups.setdefault((place.entry, place.variant), []).append(place)
    for (entry, variant), some in groups.items():
        wheres = Counter(each.where for each in some)
        held = wheres[Where.RIGHT] > wheres[Where.BEHIND] + wheres[Where.ELSEWHERE]
        if variant is not None and not wheres[Where.RIGHT] and entry.placeholders:
            yield f"{entry.template}-{variant}", _why(some), {each.tag for each in some}
            continue
        for place in some:
            if place.where in (Where.ABSENT, Where.ELSEWHERE) or not held:
                yield place.tag, _why([place]), {place.tag}


def _why(some: Sequence[TagPlace]) -> str:
    """Why tags of one entry and variant are left as they are."""
    leaders = [each.leader for each in some if each.leader is not None]
    if not leaders:
        return "no unique tag of its line is there"
    if all(each.where is Where.ABSENT for each in some):
        return f"not there; it would be made on {leaders[0]}"
    return f"not on {leaders[0]}"
