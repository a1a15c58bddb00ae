"""What stable tags leave: an image keeps a name when a stable tag goes elsewhere, whoever moved it,
where the rule keeps what was replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ecr_steward.tags.plan import Plan, TagChange
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.tags.state import Image, Observed
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Hint

Places = Mapping[str, str]
"""By stable tag, the image that it was on when it was last looked at."""


def with_pins(scheme: Scheme, places: Places, observed: Observed, plan: Plan, hint: Hint) -> Plan:
    """The plan with a pin for each image that a stable tag left and that has no name of its own.

    `places` is what history knows of the stable tags that the look is about.
    """
    pinned = {each.after for each in plan.changes if each.kind is FactKind.PIN}
    moves = {each.tag: each.after for each in plan.changes if each.kind is FactKind.MOVE}
    pins: dict[str, TagChange] = {}
    for tag, path in _paths(places, observed, moves).items():
        for digest in path[:-1]:
            image = observed.images.get(digest)
            if image is None or digest in pinned or digest == path[-1]:
                continue
            if not _is_named(scheme, image):
                pins.setdefault(digest, _pin(scheme, image, tag, hint))
    return replace(plan, changes=(*pins.values(), *plan.changes)) if pins else plan


def left(places: Places, observed: Observed, done: Iterable[TagChange]) -> dict[str, list[str]]:
    """By image, the stable tags that left it, once `done` was made."""
    moves = {each.tag: each.after for each in done if each.kind is FactKind.MOVE}
    found: dict[str, list[str]] = {}
    for tag, path in _paths(places, observed, moves).items():
        for digest in dict.fromkeys(path[:-1]):
            if digest != path[-1]:
                found.setdefault(digest, []).append(tag)
    return found


def now(watched: Iterable[str], observed: Observed, done: Iterable[TagChange]) -> dict[str, str]:
    """Where the stable tags are once `done` was made, as far as they were seen."""
    moves = {each.tag: each.after for each in done if each.kind is FactKind.MOVE}
    holders = {tag: image.digest for image in observed.images.values() for tag in image.tags}
    placed = {tag: moves.get(tag) or holders.get(tag) for tag in watched}
    return {tag: digest for tag, digest in placed.items() if digest is not None}


def watched(scheme: Scheme, tags: Iterable[str | None]) -> list[str]:
    """The stable tags among `tags`, whether they follow or not."""
    named = dict.fromkeys(tag for tag in tags if tag is not None)
    return [tag for tag in named if scheme.judge(tag) is Verdict.STABLE]


def _paths(
    places: Places, observed: Observed, moves: Mapping[str, str | None]
) -> dict[str, list[str]]:
    """The images that each stable tag was on: as history knows it, as it was found, as it is."""
    holders = {tag: image.digest for image in observed.images.values() for tag in image.tags}
    return {
        tag: [each for each in (places.get(tag), holders.get(tag), moves.get(tag)) if each]
        for tag in dict.fromkeys((*places, *moves))
    }


def _is_named(scheme: Scheme, image: Image) -> bool:
    return any(
        scheme.judge(tag, image.digest) in (Verdict.UNIQUE, Verdict.PIN) for tag in image.tags
    )


def _pin(scheme: Scheme, image: Image, tag: str, hint: Hint) -> TagChange:
    return TagChange(
        kind=FactKind.PIN,
        tag=scheme.make_pin(tag, image.pushed_at, image.digest),
        before=None,
        after=image.digest,
        reason=f"`{tag}` left the image, which keeps a name as long as the rule's `replaced` says.",
        hint=hint,
        after_tags=image.tags,
    )
