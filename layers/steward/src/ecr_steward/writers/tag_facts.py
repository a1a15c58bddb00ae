"""The facts of one look at the tags of a repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ecr_steward.history.numbering import Led, numbered
from ecr_steward.tags.plan import TagChange
from ecr_steward.tags.scheme import Scheme
from ecr_steward.words.facts import Fact, FactKind, FactMaker

TAGS_TOLD = 8
"""Most tags of an image that a fact names, unique ones first: an image can have 1,000, and an item
of the table only 400 KB (DynamoDB Developer Guide: Quotas)."""


@dataclass(frozen=True, slots=True)
class TagFacts:
    """Makes facts of changes: what all facts of one look have in common.

    `led` is what their causes led to before, `open` the facts that were announced before and are
    not closed, `contested` the tags that the steward itself holds. `of` is how many facts each
    cause leads to now.
    """

    maker: FactMaker
    repository: str
    rule: str
    scheme: Scheme
    mode: str
    at: datetime
    led: Led
    open: Sequence[Fact] = ()
    contested: Collection[str] = frozenset()
    of: Mapping[str, int] = field(default_factory=dict)

    def counting(self, changes: Iterable[TagChange], findings: Iterable[Fact]) -> TagFacts:
        """The same, whose facts know how many of these, told together, their causes led to."""
        of = Counter(change.hint.cause.id for change in changes)
        of.update(fact.cause.id for fact in findings)
        return replace(self, of=of)

    def counted(self, facts: Iterable[Fact]) -> list[Fact]:
        """These facts, each with the number of those that its cause leads to."""
        # A fact announced before a crash belongs to the story that was announced then.
        opened = {fact.id: fact.of for fact in self.open}
        return [
            fact.counted(opened.get(fact.id) or self.of.get(fact.cause.id) or 1) for fact in facts
        ]

    def facts(self, changes: Iterable[TagChange]) -> list[Fact]:
        """A fact for each of these changes."""
        return self.counted(numbered(self._fact(change), self.led) for change in changes)

    def _fact(self, change: TagChange) -> Fact:
        made = self.maker.fact(
            change.kind,
            change.hint.cause,
            change.reason,
            repository=self.repository,
            rule=self.rule,
            mode=self.mode,
            at=self.at,
        )
        return replace(
            made,
            tag=change.tag,
            digest=change.after,
            before=change.before,
            before_tags=self._telling(change.before_tags, change.before),
            after_tags=self._telling(change.after_tags, change.after),
            contested=change.kind is FactKind.HELD and change.tag in self.contested,
        )

    def _telling(self, tags: Sequence[str], digest: str | None) -> tuple[str, ...]:
        if len(tags) <= TAGS_TOLD:
            return tuple(tags)
        first = sorted(tags, key=lambda tag: self.scheme.read_unique(tag, digest) is None)
        return tuple(first[:TAGS_TOLD])
