"""What the facts of one visit have in common, and what each names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ecr_steward.tags.plan import TagChange
from ecr_steward.tags.scheme import Scheme
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind, FactMaker
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.tag_facts import TagFacts
from ecr_steward.writers.visit_facts import VisitFacts, opened

NOW = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
CAUSE, OTHER = Cause("one", "ECR Image Action"), Cause("other", "ECR Image Action")
MAKER = FactMaker("123456789012", "eu-west-1", lambda: NOW, "rules")
VISIT = VisitFacts(MAKER, "base/redis", "0: base/*", "enforce", NOW)


@pytest.mark.parametrize(("of", "count"), [({}, 1), ({"other": 2}, 1), ({"one": 3}, 3)])
def test_a_fact_has_the_number_of_those_that_its_cause_leads_to(
    of: dict[str, int], count: int
) -> None:
    fact = replace(VISIT, of=of).fact(FactKind.MOVE, CAUSE, "It is the highest.", tag="latest")
    assert (fact.of, fact.tag) == (count, "latest")
    assert (fact.repository, fact.rule, fact.mode) == ("base/redis", "0: base/*", "enforce")
    assert [each.of for each in replace(VISIT, of=of).counted([fact])] == [count]


def test_a_fact_that_was_announced_before_belongs_to_the_story_of_then() -> None:
    fact = VISIT.fact(FactKind.MOVE, CAUSE, "It is the highest.", tag="latest")
    before = opened([replace(fact, of=4)])
    assert before == {fact.id: 4}
    known = replace(VISIT, open=before, of={"one": 2})
    later = VISIT.fact(FactKind.MOVE, CAUSE, "It is the highest.", tag="1.4")
    assert [each.of for each in known.counted([fact, later])] == [4, 2]


SCHEME = Scheme.from_document(
    {"unique": ["semver"], "stable": [{"tag": "latest", "follows": "highest"}]}
)


def change(kind: FactKind = FactKind.MOVE, **more: Any) -> TagChange:
    hint = Hint("base/redis", Action.PUSH, "1.4.2", "sha256:1", CAUSE, NOW)
    return TagChange(kind, "latest", "sha256:2", "sha256:1", "It is the highest.", hint, **more)


EIGHT = tuple(f"t{i}" for i in range(8))


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ((), ()),
        (("latest", "1.4.2"), ("latest", "1.4.2")),
        (EIGHT, EIGHT),
        ((*EIGHT, "1.4.2"), ("1.4.2", *EIGHT[:7])),
        ((*EIGHT, "1.4.2", "1.4.3"), ("1.4.2", "1.4.3", *EIGHT[:6])),
    ],
)
def test_a_fact_names_eight_tags_of_an_image_unique_ones_first(
    tags: tuple[str, ...], told: tuple[str, ...]
) -> None:
    (fact,) = TagFacts(VISIT, SCHEME).facts([change(before_tags=tags, after_tags=tags)])
    assert (fact.before_tags, fact.after_tags) == (told, told)


@pytest.mark.parametrize(
    ("kind", "contested", "is_contested"),
    [
        (FactKind.HELD, {"latest"}, True),
        (FactKind.HELD, {"main"}, False),
        (FactKind.MOVE, {"latest"}, False),
    ],
)
def test_a_tag_that_the_steward_itself_holds_is_told_as_contested(
    kind: FactKind, contested: set[str], is_contested: bool
) -> None:
    (fact,) = TagFacts(VISIT, SCHEME, contested).facts([change(kind)])
    assert fact.contested is is_contested


def test_changes_and_findings_of_one_cause_are_counted_together() -> None:
    finding = VISIT.fact(FactKind.REJECT, CAUSE, "Unknown.", tag="x")
    other = VISIT.fact(FactKind.REJECT, OTHER, "Unknown.", tag="y")
    facts = TagFacts(VISIT, SCHEME).counting([change()], [finding, other])
    assert [each.of for each in facts.counted([finding, other])] == [2, 1]
