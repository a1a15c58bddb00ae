"""What became of changes that were announced and not closed: a function that was killed, or a write
that was answered by a fault.

ECR does not tell who moved a tag, or when. Where the tag is now, and what events tell of it since,
says whether the change was made, was not made, or whether nobody can know. What may have been made
goes on record, and the record says what it stands on; what was not made is planned anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import parse_time

if TYPE_CHECKING:
    from ecr_steward.tags.state import Image

MADE = "The steward was interrupted, and found it done when it looked again."

UNKNOWN = (
    "The steward was interrupted, and the tag may have been moved before it looked again: whether "
    "the steward had done it is not known."
)


def settle(announced: Iterable[Fact], images: Iterable[Image], hints: Sequence[Hint]) -> list[Fact]:
    """The facts that go on record of what was announced.

    `images` are those that the announced tags were on, are to be on and are on; `hints` what is
    known to have happened since.
    """
    now = {tag: image.digest for image in images for tag in image.tags}
    judged = ((fact, _judge(fact, now.get(fact.tag or ""), hints)) for fact in announced)
    return [_with(fact, words) for fact, words in judged if words is not None]


def _judge(fact: Fact, now: str | None, hints: Sequence[Hint]) -> str | None:
    """The words that the record ends with; None where the change was not made."""
    start, end = fact.before, fact.digest
    if fact.kind is FactKind.OVERWRITE:
        # It is announced with the restore that undoes it.
        start, end = end, start
    if now == end or _arrived(fact, end, hints):
        return MADE
    return None if now == start and not _touched(fact, hints) else UNKNOWN


def _arrived(fact: Fact, digest: str | None, hints: Iterable[Hint]) -> bool:
    """Whether an event tells that the tag was put on that image since: most likely an echo."""
    # ECR's events have no fractions of a second.
    since = parse_time(fact.time).replace(microsecond=0)
    return any(
        hint.action is Action.PUSH
        and (hint.tag, hint.digest) == (fact.tag, digest)
        and hint.time >= since
        for hint in hints
    )


def _touched(fact: Fact, hints: Iterable[Hint]) -> bool:
    """Whether an event tells of the tag since, so that it did not stay where it is."""
    # What led to the change was before it, whatever the clocks say.
    later = (hint for hint in hints if hint.cause.id != fact.cause.id)
    return any(hint.tag == fact.tag and hint.time > parse_time(fact.time) for hint in later)


def _with(fact: Fact, words: str) -> Fact:
    # That a tag was overwritten is certain, whoever put it back.
    return (
        fact if fact.kind is FactKind.OVERWRITE else replace(fact, reason=f"{fact.reason} {words}")
    )
