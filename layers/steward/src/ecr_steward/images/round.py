"""A round over a repository: which images are told of, and which may get their expiry tag.

Pure. An image is never deleted: it gets a tag by which a lifecycle rule of ECR expires it, some
time after it was told of, and only if a look at what runs comes in between.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ecr_steward.images.judge import Kept
from ecr_steward.images.rule import ImagesRule
from ecr_steward.images.state import Inventory, RetainedImage
from ecr_steward.words.expiry_tags import ExpiryTag, Going, is_expiry_tag


@dataclass(frozen=True, slots=True)
class Round:
    """What a round leaves: `told` are announced with it, `going` is what is remembered from now on.
    `braked` counts the images that may get no expiry tag, because they are more than `at_most`."""

    told: tuple[Kept, ...] = ()
    going: tuple[Going, ...] = ()
    braked: int = 0

    @property
    def due(self) -> tuple[Going, ...]:
        """The images that may get their expiry tag."""
        return tuple(each for each in self.going if each.due is not None)

    @property
    def needed(self) -> tuple[Going, ...]:
        """The images whose expiry tag is to be taken off."""
        return tuple(each for each in self.going if each.needed)


_MOST_KIN = 1000
"""Most images that one is remembered to belong with: an item of the table has 400 KB. Each of them
has the same pair the other way round."""


def as_judged(image: RetainedImage) -> RetainedImage:
    """The image as it is judged: an expiry tag is no name."""
    return replace(image, tags=tuple(tag for tag in image.tags if not is_expiry_tag(tag)))


def round_of(
    kept: Sequence[Kept],
    rule: ImagesRule,
    inventory: Inventory,
    known: Mapping[str, Going],
    put: Mapping[str, ExpiryTag],
    carried: Mapping[str, Sequence[str]],
    *,
    lets_go: bool,
    may_tag: bool,
) -> Round:
    """The round over an inventory, whose verdicts are `kept`.

    `known` is what the last round left, `put` are the expiry tags that the steward put, `carried`
    those that images have. `lets_go` is whether the rule and the stack let images go at all. Then
    `may_tag` is False where what runs is not known, or an expiry tag must not be put now for
    another reason. Without it images are only announced, and those with a tag judged; once it is
    there they are announced anew, for nobody was told from which day on they go.
    """
    now, kin = inventory.now, _kin(inventory)
    told = {
        digest: each
        for digest, each in known.items()
        if not each.needed and (each.warned or not may_tag)
    }
    leaving = [each for each in kept if not each.stays]
    forged = {each.image.digest: why for each in leaving if (why := _forged(each, put, carried))}
    due = {
        each.image.digest
        for each in leaving
        if now - _told(each, told, now) >= rule.notice
        and each.image.digest not in forged
        and not _has_tag(each, put, carried)
    }
    braked = len(due) if may_tag and len(due) > _most(rule.at_most, len(kept)) else 0
    if not may_tag or braked:
        due = set()
    needed = forged | {
        each.image.digest: each.reason
        for each in kept
        if each.stays and carried.get(each.image.digest)
    }
    going = [
        replace(
            _going(each, kin, _told(each, told, now)),
            due=now if each.image.digest in due else None,
            needed=needed.get(each.image.digest, ""),
            warned=lets_go and (may_tag or _is_warned(each, told)),
        )
        for each in kept
        if not each.stays or each.image.digest in needed
    ]
    news = tuple(each for each in leaving if each.image.digest not in told)
    return Round(news, tuple(going), braked)


def closure(digests: Iterable[str], known: Mapping[str, Going]) -> dict[str, str]:
    """These images and all that belong with them, directly or through others; each with the one of
    `digests` that it was reached from."""
    belongs: dict[str, set[str]] = {}
    for going in known.values():
        for other in going.kin:
            belongs.setdefault(going.digest, set()).add(other)
            belongs.setdefault(other, set()).add(going.digest)
    found = {digest: digest for digest in digests}
    todo = list(found)
    while todo:
        here = todo.pop()
        for each in belongs.get(here, ()):
            if each not in found:
                found[each] = found[here]
                todo.append(each)
    return found


def _told(kept: Kept, told: Mapping[str, Going], now: datetime) -> datetime:
    before = told.get(kept.image.digest)
    return now if before is None else before.told


def _is_warned(kept: Kept, told: Mapping[str, Going]) -> bool:
    before = told.get(kept.image.digest)
    return before is not None and before.warned


def _has_tag(
    kept: Kept, put: Mapping[str, ExpiryTag], carried: Mapping[str, Sequence[str]]
) -> bool:
    """Whether the expiry tag that the steward put on an image is there."""
    mine = put.get(kept.image.digest)
    return mine is not None and mine.is_on and mine.tag in carried.get(kept.image.digest, ())


def _forged(
    kept: Kept, put: Mapping[str, ExpiryTag], carried: Mapping[str, Sequence[str]]
) -> str | None:
    mine = put.get(kept.image.digest)
    known = mine.tag if mine is not None and mine.is_on else None
    other = next((tag for tag in carried.get(kept.image.digest, ()) if tag != known), None)
    return None if other is None else f"The steward did not put `{other}`."


def _going(kept: Kept, kin: Mapping[str, Sequence[str]], told: datetime) -> Going:
    image = kept.image
    return Going(
        image.digest,
        told=told,
        reason=kept.reason,
        tags=image.tags,
        kin=tuple(kin.get(image.digest, ()))[:_MOST_KIN],
    )


def _kin(inventory: Inventory) -> dict[str, list[str]]:
    """What each image belongs with, both ways."""
    found: dict[str, set[str]] = {}
    for one, other in _pairs(inventory):
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {digest: sorted(others) for digest, others in found.items()}


def _pairs(inventory: Inventory) -> Iterator[tuple[str, str]]:
    here = inventory.by_digest
    for image in inventory.images:
        for other in (*(image.children or ()), *image.subjects):
            if other in here:
                yield image.digest, other


def _most(at_most: float, images: int) -> float:
    """How many images a round may let go: a share of them, rounded up, or a number."""
    return math.ceil(at_most * images) if at_most < 1 else at_most
