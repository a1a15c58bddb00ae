"""A round over a repository: which images are told of, and which may get their expiry tag.

Pure. An image is never deleted: it gets a tag by which a lifecycle rule of ECR expires it, some
time after it was told of, and only if a look at what runs comes in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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
    told = _counting(known, may_tag=may_tag)
    tags = _Tags(put, carried)
    leaving = [each for each in kept if not each.stays]
    due = {each.image.digest for each in leaving if _is_due(each, rule, told, tags, inventory.now)}
    braked = len(due) if may_tag and len(due) > _most(rule.at_most, len(kept)) else 0
    going = _remembered(
        kept,
        inventory,
        told,
        due=due if may_tag and not braked else frozenset(),
        needed=tags.needed(kept),
        warns=lambda each: lets_go and (may_tag or _is_warned(each, told)),
    )
    news = tuple(each for each in leaving if each.image.digest not in told)
    return Round(news, going, braked)


@dataclass(frozen=True, slots=True)
class _Tags:
    """The expiry tags that the steward put, and those that images have."""

    put: Mapping[str, ExpiryTag]
    carried: Mapping[str, Sequence[str]]

    def has_own(self, kept: Kept) -> bool:
        """Whether the expiry tag that the steward put on an image is there."""
        own = self._own(kept)
        return own is not None and own in self.carried.get(kept.image.digest, ())

    def forged(self, kept: Kept) -> str | None:
        """Why an image has an expiry tag that is not the steward's; None if it has none."""
        own, carried = self._own(kept), self.carried.get(kept.image.digest, ())
        other = next((tag for tag in carried if tag != own), None)
        return None if other is None else f"The steward did not put `{other}`."

    def needed(self, kept: Iterable[Kept]) -> dict[str, str]:
        """Why images must not have the expiry tag that they have: they stay, or it is forged."""
        reasons = {
            each.image.digest: each.reason if each.stays else self.forged(each)
            for each in kept
            if self.carried.get(each.image.digest)
        }
        return {digest: why for digest, why in reasons.items() if why is not None}

    def _own(self, kept: Kept) -> str | None:
        own = self.put.get(kept.image.digest)
        return own.tag if own is not None and own.is_on else None


def _counting(known: Mapping[str, Going], *, may_tag: bool) -> dict[str, Going]:
    """What the last round told of, where that counts still."""
    return {
        digest: each
        for digest, each in known.items()
        if not each.needed and (each.warned or not may_tag)
    }


def _is_due(
    kept: Kept, rule: ImagesRule, told: Mapping[str, Going], tags: _Tags, now: datetime
) -> bool:
    waited = now - _told(kept, told, now) >= rule.notice
    return waited and tags.forged(kept) is None and not tags.has_own(kept)


def _remembered(
    kept: Iterable[Kept],
    inventory: Inventory,
    told: Mapping[str, Going],
    *,
    due: Collection[str],
    needed: Mapping[str, str],
    warns: Callable[[Kept], bool],
) -> tuple[Going, ...]:
    """What is remembered of the images that do not stay, and of those that an expiry tag is to be
    taken off."""
    now, kin = inventory.now, _kin(inventory)
    return tuple(
        replace(
            _going(each, kin, _told(each, told, now)),
            due=now if each.image.digest in due else None,
            needed=needed.get(each.image.digest, ""),
            warned=warns(each),
        )
        for each in kept
        if not each.stays or each.image.digest in needed
    )


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
