"""Expiry tags: which images are told of, which get their expiry tag, and which lose it again.

Pure. An image is never deleted: it gets a tag by which a lifecycle rule of ECR expires it.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ecr_steward_cli.images.judge import Kept
from ecr_steward_cli.images.rule import ImagesRule

BEGINNING = "steward-expire-"
_EXPIRY_TAG = re.compile(rf"{BEGINNING}[0-9]{{8}}-([0-9a-f]{{12}})")


class Step(enum.StrEnum):
    """What a round does with an image."""

    NOTICE = "notice"
    PIN = "pin"
    TAG = "tag"
    UNTAG = "untag"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Expiry:
    """One step with its reason; `tag` is the expiry tag that is put or taken off, if any."""

    step: Step
    digest: str
    reason: str
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """The steps of a round in order; `braked` counts images that `at_most` spared."""

    steps: tuple[Expiry, ...]
    braked: int = 0


def expiry_tag(digest: str, now: datetime) -> str:
    """The expiry tag of an image that is put at the time `now`."""
    return f"{BEGINNING}{now.astimezone(UTC):%Y%m%d}-{_digits(digest)}"


def is_expiry_tag(tag: str, digest: str) -> bool:
    """Whether `tag` is an expiry tag of the image `digest`."""
    match = _EXPIRY_TAG.fullmatch(tag)
    return match is not None and match[1] == _digits(digest)


def round_of(
    kept: Sequence[Kept],
    rule: ImagesRule,
    told: Mapping[str, datetime],
    put: Collection[str],
    now: datetime,
    *,
    may_tag: bool,
) -> Round:
    """The steps for a repository with these verdicts.

    `told` says by digest since when an image is announced, `put` are the expiry tags that history
    has put. `may_tag` is False where what runs is not known, or expiry is not allowed: then
    expiry tags are only taken off.
    """
    off = [step for each in kept for step in _off(each, put)]
    going = [each for each in kept if not each.stays and not _tags(each, put)]
    notices = [
        Expiry(Step.NOTICE, each.image.digest, each.reason)
        for each in going
        if each.image.digest not in told
    ]
    due = [
        each
        for each in going
        if each.image.digest in told and now - told[each.image.digest] >= rule.notice
    ]
    if rule.others != "expire" or not may_tag:
        due = []
    if len(due) > _most(rule.at_most, len(kept)):
        return Round((*off, *notices), braked=len(due))
    tags = [
        Expiry(Step.TAG, digest, each.reason, expiry_tag(digest, now))
        for each in due
        for digest in [each.image.digest]
    ]
    return Round((*off, *notices, *tags))


def _off(kept: Kept, put: Collection[str]) -> Iterator[Expiry]:
    """The expiry tags that an image must not have; its pin first where it has no other tag."""
    image = kept.image
    mine = _tags(kept, put)
    forged = [tag for tag in image.tags if tag.startswith(BEGINNING) and tag not in mine]
    going = [*forged, *(mine if kept.stays else ())]
    if going and len(going) == len(image.tags):
        yield Expiry(Step.PIN, image.digest, "It has no other tag than those that are taken off.")
    for tag in forged:
        yield Expiry(Step.REJECT, image.digest, "The steward did not put this tag.", tag)
    for tag in mine if kept.stays else ():
        yield Expiry(Step.UNTAG, image.digest, kept.reason, tag)


def _tags(kept: Kept, put: Collection[str]) -> list[str]:
    """The expiry tags on an image that the steward put there."""
    image = kept.image
    return [tag for tag in image.tags if tag in put and is_expiry_tag(tag, image.digest)]


def _most(at_most: float, images: int) -> float:
    """How many images a round may tag: a share of them, rounded up, or a number."""
    return math.ceil(at_most * images) if at_most < 1 else at_most


def _digits(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
