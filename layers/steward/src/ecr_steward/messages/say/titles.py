"""Titles: what happened, in fewer than sixty characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ecr_steward.messages.say.wording import NAMED, counted, done, image, one_line, setting, some
from ecr_steward.words.causes import CHANNEL
from ecr_steward.words.facts import Fact, FactKind, clipped

LONGEST = 59
"""Longest title, in characters: what a phone shows of a message."""


@dataclass(frozen=True, slots=True)
class _Detail:
    """How much a title tells: how many tags it names, and whether it says where they were."""

    named: int
    start: bool


_DETAILS = (_Detail(NAMED, True), _Detail(NAMED, False), _Detail(2, False), _Detail(1, False))


def title(facts: Sequence[Fact]) -> str:
    """What happened, in one line; what somebody must look at comes first.

    It tells as much as there is room for: fewer tags, then only what weighs most.
    """
    told: list[str] = []
    for detail in _DETAILS:
        told = [one_line(each) for each in _told(facts, detail)] or [facts[0].detail_type]
        whole = "; ".join(told)
        if len(whole) <= LONGEST:
            return whole
    rest = f"; and {len(told) - 1} more" if len(told) > 1 else ""
    return clipped(told[0], LONGEST - len(rest)) + rest


def _told(facts: Sequence[Fact], detail: _Detail) -> list[str]:
    of = {kind: [fact for fact in facts if fact.kind is kind] for kind in FactKind}
    moves: dict[str | None, list[Fact]] = {}
    for fact in of[FactKind.MOVE]:
        moves.setdefault(fact.digest, []).append(fact)
    first = facts[0]
    tags: Sequence[tuple[Sequence[Fact], str]] = (
        (of[FactKind.OVERWRITE], "overwritten"),
        (of[FactKind.RESTORE], done("restored", first)),
        (of[FactKind.REJECT], "rejected by the scheme"),
        ([fact for fact in of[FactKind.REMOVE] if fact.before_tags], done("removed", first)),
        ([fact for fact in of[FactKind.REMOVE] if not fact.before_tags], "gone"),
        (of[FactKind.HELD], "held"),
        (of[FactKind.STALE], "left on an image of no version"),
    )
    parts = [
        _workloads(of[FactKind.LOST], "lost the image of", detail),
        _failed(of[FactKind.FAILED], detail),
        *(_tags(found, what, detail) for found, what in tags),
        _settings(of[FactKind.DRIFT], "drifted", detail),
        _settings(of[FactKind.CORRECT], "corrected", detail),
        *(_moved(found, detail) for found in moves.values()),
        _pinned(of[FactKind.PIN]),
        _workloads(of[FactKind.BEHIND], "left behind:", detail),
        _workloads(of[FactKind.ON_STABLE], "on a stable tag:", detail),
        *map(_expiring, of[FactKind.EXPIRING]),
        _images(of[FactKind.EXPIRY_SET], "got an expiry tag"),
        _images(of[FactKind.EXPIRY_CLEARED], "needed again"),
        *(_swept(fact, detail) for fact in of[FactKind.SWEPT]),
    ]
    return list(filter(None, parts))


def _tags(facts: Sequence[Fact], what: str, detail: _Detail) -> str:
    return f"{some([fact.tag or '' for fact in facts], detail.named)} {what}" if facts else ""


def _workloads(facts: Sequence[Fact], what: str, detail: _Detail) -> str:
    names = list(dict.fromkeys(name for fact in facts for name in fact.workloads))
    return f"{what} {some(names, detail.named)}" if facts else ""


def _settings(facts: Sequence[Fact], what: str, detail: _Detail) -> str:
    """Settings by name, but public access by its own words."""
    public = [fact for fact in facts if fact.difference and fact.difference.problem == "public"]
    said = [_PUBLIC[what]] if public else []
    names = list(dict.fromkeys(setting(fact) for fact in facts if fact not in public))
    return "; ".join([*said, *([f"{some(names, detail.named)} {what}"] if names else [])])


_PUBLIC = {"drifted": "public access", "corrected": "public access removed"}


def _failed(facts: Sequence[Fact], detail: _Detail) -> str:
    if facts and all(fact.cause.type == CHANNEL for fact in facts):
        names = [fact.cause.id.removeprefix("channel/").partition("/")[0] for fact in facts]
        channels, are = ("channel", "is") if len(names) == 1 else ("channels", "are")
        return f"{channels} {some(names, detail.named)} {are} down"
    tags = [fact.tag for fact in facts if fact.tag]
    on = f"on {some(tags, detail.named)} " if tags else ""
    return f"work {on}failed" if facts else ""


def _swept(fact: Fact, detail: _Detail) -> str:
    """The sentence of a sweep: less of it where there is no room, but never a part of a word."""
    said = fact.reason.rstrip(".")
    if detail.start:
        return said
    findings = said.partition("; ")[0]
    return findings if detail.named > 1 else findings.partition(": ")[0]


def _expiring(fact: Fact) -> str:
    braked = fact.totals.get("braked")
    if braked:
        return f"{counted(braked, 'image', 'images')} too many to expire"
    return f"{counted(fact.totals.get('images', 0), 'image', 'images')} kept by nothing"


def _images(facts: Sequence[Fact], what: str) -> str:
    return f"{counted(len(facts), 'image', 'images')} {what}" if facts else ""


def _pinned(pins: Sequence[Fact]) -> str:
    return f"{counted(len(pins), 'image', 'images')} {done('pinned', pins[0])}" if pins else ""


def _moved(moves: Sequence[Fact], detail: _Detail) -> str:
    """The words for the tags that moved to one image."""
    tags = [fact.tag or "" for fact in moves]
    to = image(moves[0].digest, moves[0].after_tags, tags)
    named = some(tags, detail.named)
    if all(fact.before is None for fact in moves):
        return f"{named} {done('put', moves[0])} on {to}"
    places = {image(fact.before, fact.before_tags, tags) for fact in moves}
    start = f" from {places.pop()}" if len(places) == 1 and detail.start else ""
    did = "moved" if moves[0].mode == "enforce" else "would move"
    return f"{named} {did}{start} to {to}"


_COUNTED: Sequence[tuple[FactKind, Callable[[int], str]]] = (
    (FactKind.LOST, lambda n: f"{counted(n, 'running image', 'running images')} lost"),
    (FactKind.FAILED, lambda n: counted(n, "failure", "failures")),
    (FactKind.OVERWRITE, lambda n: f"{n:,} overwritten"),
    (FactKind.REJECT, lambda n: f"{n:,} rejected"),
    (FactKind.STALE, lambda n: f"{n:,} stale"),
    (FactKind.DRIFT, lambda n: f"{n:,} drifted"),
    (FactKind.CORRECT, lambda n: f"{n:,} corrected"),
    (FactKind.RESTORE, lambda n: f"{n:,} restored"),
    (FactKind.REMOVE, lambda n: f"{n:,} removed"),
    (FactKind.HELD, lambda n: f"{n:,} held"),
    (FactKind.MOVE, lambda n: f"{n:,} moved"),
    (FactKind.PIN, lambda n: f"{n:,} pinned"),
    (FactKind.BEHIND, lambda n: f"{counted(n, 'workload', 'workloads')} left behind"),
    (FactKind.ON_STABLE, lambda n: f"{counted(n, 'workload', 'workloads')} on stable tags"),
    (FactKind.EXPIRING, lambda n: f"{counted(n, 'round', 'rounds')} of images to expire"),
    (FactKind.EXPIRY_SET, lambda n: f"{counted(n, 'expiry tag', 'expiry tags')} put"),
    (FactKind.EXPIRY_CLEARED, lambda n: f"{counted(n, 'image', 'images')} needed again"),
    (FactKind.SWEPT, lambda n: counted(n, "sweep", "sweeps")),
)
"""The kinds of fact from the loudest to the quietest, and their words in a count."""

ORDER: Sequence[FactKind] = tuple(kind for kind, _ in _COUNTED)


def counts(facts: Sequence[Fact]) -> list[str]:
    """How many facts there are of each kind, the loudest first."""
    found = [(sum(fact.kind is kind for fact in facts), said) for kind, said in _COUNTED]
    return [said(count) for count, said in found if count]


def digest_title(facts: Sequence[Fact]) -> str:
    """What happened, and in how many repositories if not in one alone."""
    several = {fact.repository for fact in facts if fact.repository}
    alone = len({fact.repository for fact in facts}) == 1
    start = "" if alone else f"{counted(len(several), 'repository', 'repositories')}: "
    told = counts(facts)
    for most in range(len(told), 0, -1):
        more = f" and {len(told) - most} more" if most < len(told) else ""
        text = f"{start}{', '.join(told[:most])}{more}"
        if len(text) <= LONGEST:
            return text
    return clipped(f"{start}{counted(len(facts), 'event', 'events')}", LONGEST)
