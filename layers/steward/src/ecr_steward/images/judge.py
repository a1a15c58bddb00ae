"""Which images stay, and what holds each: from a repository's images to a verdict on every one.

What nobody has to ask for comes first: what a tag that people rely on names, what runs, what cannot
be judged. Then the rule's keepers. Then what belongs to an image that stays: its children, and what
refers to it. Of several reasons the first in the order of `By` is told.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from ecr_steward.images.durations import ago
from ecr_steward.images.rule import ImagesRule
from ecr_steward.images.state import ARCHIVED, INDEXES, Inventory, RetainedImage
from ecr_steward.tags.scheme import Verdict
from ecr_steward.words.grammar import is_referrer, short
from ecr_steward.words.reading import iso


class By(enum.StrEnum):
    """What holds an image, from the first that is told to the last."""

    STABLE = "stable"
    HELD = "held"
    IGNORED = "ignored"
    RUNNING = "running"
    RAN = "ran"
    CHILD = "child"
    REFERRER = "referrer"
    ARCHIVED = "archived"
    UNREADABLE = "unreadable"
    HIGHEST = "highest"
    NEWEST = "newest"
    PUSHED = "pushed"
    PULLED = "pulled"
    REPLACED = "replaced"
    UNTAGGED = "untagged"
    TAGS = "tags"
    REST = "rest"


_ORDER: Mapping[By, int] = {by: place for place, by in enumerate(By)}


@dataclass(frozen=True, slots=True)
class Kept:
    """The verdict on an image: `by` is what holds it, None where nothing does."""

    image: RetainedImage
    by: By | None
    reason: str

    @property
    def stays(self) -> bool:
        return self.by is not None


Held = dict[str, dict[By, str]]
"""By digest, what holds an image, with the reason of each."""


def judge(inventory: Inventory, rule: ImagesRule | None, grace: timedelta) -> list[Kept]:
    """The verdict on each image, in the order of the inventory.

    `grace` is how long an image that ran is kept after it was last seen to run.
    """
    if rule is None or rule.others == "keep":
        held: Held = {image.digest: {By.REST: _REST} for image in inventory.images}
    else:
        held = {}
        for digest, by, reason in _asked(inventory, rule):
            held.setdefault(digest, {}).setdefault(by, reason)
    for digest, by, reason in _unasked(inventory, rule or ImagesRule(), grace):
        held.setdefault(digest, {}).setdefault(by, reason)
    _follow(inventory, held)
    return [_verdict(image, held.get(image.digest, {})) for image in inventory.images]


_REST = "Nothing asks for it to go: the rule has no `images`, or `others: keep`."
_NOTHING = (
    "Nothing keeps it: no stable, held or ignored tag is on it, and no keeper of the rule holds it."
)

Reason = tuple[str, By, str]
"""A digest, what holds it, and why."""


def _verdict(image: RetainedImage, reasons: Mapping[By, str]) -> Kept:
    if not reasons:
        return Kept(image, None, _NOTHING)
    by = min(reasons, key=_ORDER.__getitem__)
    return Kept(image, by, reasons[by])


def _asked(inventory: Inventory, rule: ImagesRule) -> Iterator[Reason]:
    """What the rule's keepers keep, and what they do not know enough of."""
    for keeper in rule.keepers:
        for digest, reason in keeper.kept(inventory):
            yield digest, By(keeper.by), reason
        for digest, reason in keeper.unknown(inventory):
            yield digest, By.UNREADABLE, f"{reason} Not knowing is a reason to keep."


def _unasked(inventory: Inventory, rule: ImagesRule, grace: timedelta) -> Iterator[Reason]:
    """What is kept without being asked."""
    yield from _tagged(inventory, rule)
    yield from _working(inventory, grace)
    yield from _unreadable(inventory)
    for image in inventory.images:
        if image.status in ARCHIVED:
            yield image.digest, By.ARCHIVED, "It is archived, and left alone."


def _tagged(inventory: Inventory, rule: ImagesRule) -> Iterator[Reason]:
    scheme = inventory.scheme
    for image in inventory.images:
        for tag in image.held:
            yield image.digest, By.HELD, f"Somebody holds `{tag}` on it."
        counting = [tag for tag in image.tags if not rule.discounts(tag, scheme)]
        for tag in counting:
            verdict = scheme.judge(tag, image.digest)
            if verdict is Verdict.STABLE:
                yield image.digest, By.STABLE, f"The stable tag `{tag}` is on it."
            elif verdict is Verdict.IGNORED and not is_referrer(tag):
                yield image.digest, By.IGNORED, f"`{tag}` is on it, which the rule ignores."


def _working(inventory: Inventory, grace: timedelta) -> Iterator[Reason]:
    """What runs or ran of late, and the indexes of which a child does."""
    for image in inventory.images:
        if image.running:
            first, *more = image.running
            said = f"`{first}` and {len(more):,} more run" if more else f"`{first}` runs"
            yield image.digest, By.RUNNING, f"{said} it."
            for parent in _above(inventory, image.digest):
                yield parent, By.RUNNING, f"{said} its child {short(image.digest)}."
        for workload, seen in image.ran.items():
            if inventory.now - seen <= grace:
                said = f"`{workload}` ran {{}} until {iso(seen)}, within {ago(grace)}."
                yield image.digest, By.RAN, said.format("it")
                for parent in _above(inventory, image.digest):
                    yield parent, By.RAN, said.format(f"its child {short(image.digest)}")


def _above(inventory: Inventory, digest: str) -> Iterator[str]:
    """Every index that lists an image, directly or through another."""
    yield from _reached(digest, lambda each: inventory.parents.get(each, ()))


def _unreadable(inventory: Inventory) -> Iterator[Reason]:
    """What cannot be judged; and where an index could not be read, what may be its child."""
    unread = [image for image in inventory.images if not image.is_readable]
    for image in unread:
        if image.children is None:
            reason = "Its manifest could not be read."
        else:
            reason = f"Its state `{image.status}` is not one that the steward knows."
        yield image.digest, By.UNREADABLE, f"{reason} Not knowing is a reason to keep."
    parents = [image for image in unread if image.children is None]
    for image in inventory.images if parents else ():
        orphan = not image.tags and not inventory.is_part(image.digest)
        if orphan and image.media_type not in INDEXES:
            whose = short(parents[0].digest)
            reason = f"It may be a child of {whose}, whose manifest could not be read."
            yield image.digest, By.UNREADABLE, reason


def _follow(inventory: Inventory, held: Held) -> None:
    """Let the children of what stays stay, and what refers to it, and theirs in turn."""
    followers = _followers(inventory)
    for digest in list(held):
        for follower in _reached(digest, lambda each: [one for one, _ in followers.get(each, ())]):
            held.setdefault(follower, {})
    for digest in held:
        for follower, by in followers.get(digest, ()):
            said = _named(inventory.by_digest[digest])
            what = "It is a child of" if by is By.CHILD else "It refers to"
            held[follower].setdefault(by, f"{what} {said}, which stays.")


def _followers(inventory: Inventory) -> dict[str, list[tuple[str, By]]]:
    """What stays with an image, by the image's digest."""
    here = inventory.by_digest
    found: dict[str, list[tuple[str, By]]] = {}
    for image in inventory.images:
        for child in image.children or ():
            if child in here:
                found.setdefault(image.digest, []).append((child, By.CHILD))
        for subject in image.subjects:
            if subject in here:
                found.setdefault(subject, []).append((image.digest, By.REFERRER))
    return found


def _reached(start: str, step: Callable[[str], Iterable[str]]) -> Iterator[str]:
    """Everything that can be reached from `start`, once each, whatever circles there are."""
    seen, todo = {start}, [start]
    while todo:
        for each in step(todo.pop()):
            if each not in seen:
                seen.add(each)
                todo.append(each)
                yield each


def _named(image: RetainedImage) -> str:
    return f"`{image.tags[0]}`" if image.tags else short(image.digest)
