"""The facts of one visit: what they have in common, and their numbers within their causes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ecr_steward.history.numbering import Led, numbered
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind, FactMaker


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """Makes the facts of one visit to a repository.

    `led` is what their causes led to before, `open` how many facts were told together with each of
    those that were announced before and are not closed, by its id. `of` is how many facts each
    cause leads to now.
    """

    maker: FactMaker
    repository: str
    rule: str
    mode: str
    at: datetime
    led: Led = field(default_factory=dict)
    open: Mapping[str, int] = field(default_factory=dict)
    of: Mapping[str, int] = field(default_factory=dict)

    def fact(self, kind: FactKind, cause: Cause, reason: str, **own: Any) -> Fact:
        """One fact; `own` is what only some kinds have."""
        made = self.maker.fact(
            kind,
            cause,
            reason,
            repository=self.repository,
            rule=self.rule,
            mode=self.mode,
            at=self.at,
            of=self.of.get(cause.id) or 1,
            **own,
        )
        return numbered(made, self.led)

    def counted(self, facts: Iterable[Fact]) -> list[Fact]:
        """These facts, each with the number of those that its cause leads to."""
        # A fact announced before a crash belongs to the story that was announced then.
        return [
            fact.counted(self.open.get(fact.id) or self.of.get(fact.cause.id) or 1)
            for fact in facts
        ]


def opened(facts: Iterable[Fact]) -> dict[str, int]:
    """How many facts were told together with each of these, by its id."""
    return {fact.id: fact.of for fact in facts}
