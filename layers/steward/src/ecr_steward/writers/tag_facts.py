"""The facts of one look at the tags of a repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from ecr_steward.tags.plan import TagChange
from ecr_steward.tags.scheme import Scheme
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.writers.visit_facts import VisitFacts

TAGS_TOLD = 8
"""Most tags of an image that a fact names, unique ones first: an image can have 1,000, and an item
of the table only 400 KB (DynamoDB Developer Guide: Quotas)."""


@dataclass(frozen=True, slots=True)
class TagFacts:
    """Makes facts of changes of tags; `contested` are the tags that the steward itself holds."""

    visit: VisitFacts
    scheme: Scheme
    contested: Collection[str] = frozenset()

    def counting(self, changes: Iterable[TagChange], findings: Iterable[Fact]) -> TagFacts:
        """The same, whose facts know how many of these, told together, their causes led to."""
        of = Counter(change.hint.cause.id for change in changes)
        of.update(fact.cause.id for fact in findings)
        return replace(self, visit=replace(self.visit, of=of))

    def counted(self, facts: Iterable[Fact]) -> list[Fact]:
        """These facts, each with the number of those that its cause leads to."""
        return self.visit.counted(facts)

    def facts(self, changes: Iterable[TagChange]) -> list[Fact]:
        """A fact for each of these changes."""
        return self.counted(map(self._fact, changes))

    def _fact(self, change: TagChange) -> Fact:
        return self.visit.fact(
            change.kind,
            change.hint.cause,
            change.reason,
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
