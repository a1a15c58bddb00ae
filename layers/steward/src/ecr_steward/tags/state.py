"""What planning works on: images, marks, and what a batch of hints is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ecr_steward.tags.kinds import Unique
from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.stable import Line
from ecr_steward.words.hints import Hint


@dataclass(frozen=True, slots=True)
class Image:
    """An image as `DescribeImages` has it; `tags` are all the tags it has."""

    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime
    pulled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """The highest version verified in a line: the unique tag that carries it, and its image.

    `placed` is whether the stable tag was on that image when the steward last looked. If it was
    and is no more, somebody else took it away.
    """

    tag: str
    unique: str
    digest: str
    placed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """A stable tag that somebody else took from where its mark has it, and every time of late that
    this was seen, the last one now."""

    mark: Mark
    times: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Concern:
    """What the hints are about: stable tags with their lines, unique tags, and other tags.

    `stable` are pushes of stable tags whose images may need a pin; `unknown` are pushes of tags
    that are neither unique nor stable.
    """

    lines: Mapping[str, Line] = field(default_factory=dict)
    unique: Mapping[str, tuple[Hint, ...]] = field(default_factory=dict)
    stable: tuple[Hint, ...] = ()
    unknown: tuple[Hint, ...] = ()
    deleted: Mapping[str, tuple[Hint, ...]] = field(default_factory=dict)
    """Unique tags that somebody took off their images, with the hints that say so."""
    hints: Mapping[str, tuple[Hint, ...]] = field(default_factory=dict)
    """By stable tag, the hints that touch it, in order."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of the repository while it is planned.

    `images` are those looked at, with all their tags; `marks` and `known` (unique tag to the
    digest it was first or last accepted on) come from history, and so do `holds`: why a stable tag
    must stay where it is, and `taken`: when somebody else took one from where it belongs. `frozen`
    are the unique tags that ECR does not let go back to the image they belong to. `freed` are
    unique tags that were deleted, with the image that each was on last.
    """

    images: Mapping[str, Image]
    marks: Mapping[str, Mark]
    known: Mapping[str, str]
    holds: Mapping[str, str] = field(default_factory=dict)
    taken: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()
    freed: Mapping[str, str] = field(default_factory=dict)

    def image(self, digest: str | None) -> Image | None:
        """The image of a digest, if there is one and it was looked at."""
        return None if digest is None else self.images.get(digest)


@dataclass(frozen=True, slots=True)
class Top:
    """The unique tag that leads a line, and its image."""

    read: Unique
    image: Image
    newest: bool

    @property
    def unique(self) -> str:
        return self.read.tag

    @property
    def order(self) -> tuple[object, ...]:
        """Version first; of equal versions the image pushed later, then the higher digest.

        A line that follows the newest image asks only when it was pushed.
        """
        when = (self.image.pushed_at, self.image.digest, self.unique)
        return when if self.newest else (self.read.precedence, *when)

    def equals(self, other: Top) -> bool:
        """Whether both carry equal versions, so that only their images decide."""
        return not self.newest and self.read.precedence == other.read.precedence


def uniques(scheme: Scheme, images: Iterable[Image]) -> Iterator[tuple[Unique, Image]]:
    """Every unique tag that images carry; their pins are none."""
    for image in images:
        for tag in image.tags:
            unique = scheme.read_unique(tag, image.digest)
            if unique is not None:
                yield unique, image


def tops(scheme: Scheme, lines: Mapping[str, Line], images: Iterable[Image]) -> dict[str, Top]:
    """By stable tag, what leads its line among `images`."""
    found: dict[str, Top] = {}
    for unique, image in uniques(scheme, images):
        for line in scheme.lines(unique):
            if line.tag not in lines:
                continue
            top = Top(unique, image, line.newest)
            found[line.tag] = max(found.get(line.tag, top), top, key=lambda each: each.order)
    return found


def bound(scheme: Scheme, observed: Observed, line: Line) -> Top | None:
    """What the line's mark stands for, while the mark's image still carries its unique tag."""
    mark = observed.marks.get(line.tag)
    if mark is None:
        return None
    image = observed.image(mark.digest)
    if image is None or mark.unique not in image.tags:
        return None
    unique = scheme.read_unique(mark.unique, image.digest)
    if unique is None or not line.holds(unique):
        return None
    return Top(unique, image, line.newest)
