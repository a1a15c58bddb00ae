"""Rounds: whose images are judged, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import cast

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.sweep.slices import INTERVAL
from ecr_steward.words.hints import Action, Hint
from tests.support.world import World, ruleset

REPORTS = {"repositories": ["report/*"], "images": {"others": "report"}}
KEEPS = {"repositories": ["keep/*"], "images": {"others": "keep"}}
NAMES = ("report/a", "report/b", "keep/a", "keep/b", "other/a", "other/b")


class Names:
    """A registry with these repositories."""

    def repositories(self) -> Iterator[str]:
        return iter(NAMES)


def sent(*going: str, pattern: str = "*", days: int = 2) -> Counter[str]:
    """How often each repository is sent in two days, where rounds are made in so many."""
    world, hints = World(ruleset(REPORTS, KEEPS)), list[Hint]()
    sweeper, registry = world.sweeper_for(pattern), cast(EcrRegistry, Names())
    for _ in range(timedelta(days=2) // INTERVAL):
        sweeper.rounds(registry, hints.extend, days, lambda: frozenset(going))
        world.now += INTERVAL
    assert {hint.action for hint in hints} <= {Action.RETAIN}
    return Counter(hint.repository for hint in hints)


def test_a_repository_whose_rule_judges_images_has_its_turn_once_in_the_days() -> None:
    assert sent() == {"report/a": 1, "report/b": 1}
    assert sent(days=1) == {"report/a": 2, "report/b": 2}


def test_one_with_images_that_go_has_its_turn_whatever_its_rule_says_by_now() -> None:
    assert sent("keep/a", "other/b").keys() == {"report/a", "report/b", "keep/a", "other/b"}
    assert sent("other/b", "keep/a", pattern="keep/*").keys() == {"keep/a"}
