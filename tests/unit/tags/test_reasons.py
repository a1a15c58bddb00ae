"""Why each change is made, and why stable tags stay: whole sentences, as people read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ecr_steward.tags import look
from ecr_steward.tags.plan import Plan, TagChange, plan_changes
from ecr_steward.tags.state import Observed
from ecr_steward.words.facts import FactKind
from tests.support.planning import (
    NOW,
    digest,
    images,
    plan,
    pushes,
    scheme,
    words,
)

LATEST = {"stable": [{"tag": "latest", "follows": "highest"}, {"tag": "main"}]}
EDGE = {"unique": ["sha"], "stable": [{"tag": "edge", "follows": "newest"}, {"tag": "main"}]}
RESTORE = {"overwritten": "restore"}
RULES: dict[str, dict[str, Any]] = {
    "latest": LATEST,
    "edge": EDGE,
    "restore": RESTORE,
    "keep": {"overwritten": "keep"},
    "allow": {"overwritten": "allow"},
    "remove": {"unknown": "remove"},
    "pin": {"pin": "{tag}-{digest}"},
}
CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(
    (Path(__file__).parent / "reasons.yaml").read_text("utf-8")
)
ON_A = ["latest = 1.4.1 on a"]
OVERWRITTEN = "`1.4.1` is a unique tag and was put on another image than it named before"


def said(made: Plan) -> list[str]:
    """Each change, and each stable tag that stays, with its reason; pins by their tag."""
    changes = [f"{words(each).replace('PIN', each.tag)}: {each.reason}" for each in made.changes]
    return [*changes, *(each.reason for each in made.stays)]


@pytest.mark.parametrize("case", CASES, ids=lambda each: " and ".join(each["pushed"]))
def test_the_reasons(case: dict[str, Any]) -> None:
    rule: dict[str, Any] = {}
    for part in case.get("rule", ()):
        rule |= RULES[part] if isinstance(part, str) else part
    made = plan(case["there"], case["pushed"], case.get("known", ()), rule)
    assert said(made) == case["says"]


def test_an_image_that_stays_wins_against_nothing_that_was_deleted() -> None:
    made = plan(["a: 1.4.1 latest", "b: 1.4.0"], [], [], LATEST, deleted=["1.4.0 on b", " on b"])
    assert said(made) == ["`latest` stays on 1.4.1, the highest of all releases."]


def test_a_deletion_says_nothing_of_when_an_image_came() -> None:
    made = plan(["a: 0a1b2c3", "b: main"], [], [], EDGE, deleted=["edge on a"])
    assert said(made) == [
        "move edge: - > a: `edge` goes to 0a1b2c3, the newest of all images; it was on no image."
    ]


@pytest.mark.parametrize(("seconds", "told"), [(0, False), (1, True)])
def test_an_image_that_came_ten_minutes_before_its_event_came_with_it(
    seconds: int, told: bool
) -> None:
    asked = scheme(**EDGE)
    (image,) = images("a: 0a1b2c3").values()
    late = replace(image, pushed_at=NOW - timedelta(minutes=10, seconds=seconds))
    about = look.concern(asked, pushes("0a1b2c3 on a"))
    made = plan_changes(asked, about, Observed({late.digest: late}, {}, {}), NOW)
    assert ("ECR has had the image" in made.changes[0].reason) is told


def test_a_stable_tag_that_somebody_deleted_was_taken_by_nobody() -> None:
    made = plan(["a: 1.4.1 main"], [], ON_A, LATEST, deleted=["latest on a"])
    assert [words(each) for each in made.changes] == ["move latest: - > a"]
    assert made.taken == ()


def test_what_a_frozen_tag_is_told_with_depends_on_the_rule() -> None:
    there, pushed, known = ["a: main", "b: 1.4.1 latest"], ["1.4.1 on b"], ON_A
    frozen = frozenset({"1.4.1"})
    (report,) = plan(there, pushed, known, LATEST, frozen=frozen).findings
    assert report.reason == f"{OVERWRITTEN}."
    (report,) = plan(there, pushed, known, LATEST | RESTORE, frozen=frozen).findings
    assert report.reason == f"{OVERWRITTEN}; ECR does not let it be put back."


def test_a_frozen_tag_that_was_deleted_is_not_free() -> None:
    owners, frozen = {"1.4.1": digest("a")}, frozenset({"1.4.1"})
    made = plan(["a: main"], [], [], LATEST, deleted=["1.4.1 on a"], owners=owners, frozen=frozen)
    assert made.freed == {}


def test_a_tag_that_was_free_comes_back_to_its_image_without_a_word() -> None:
    made = plan(["a: 1.4.1 latest"], ["1.4.1 on a"], [], LATEST, freed={"1.4.1": digest("a")})
    assert (made.passed, made.known) == ((), {"1.4.1": digest("a")})


def test_a_tag_that_was_free_tells_what_both_images_have() -> None:
    freed = {"1.4.1": digest("a")}
    (passed,) = plan(["a: main", "b: 1.4.1"], ["1.4.1 on b"], [], LATEST, freed=freed).passed
    assert (passed.before_tags, passed.after_tags) == (("main",), ("1.4.1",))
    assert passed.reason == "`1.4.1` was deleted, so it was free: it belongs to this image now."
    (passed,) = plan(["b: 1.4.1"], ["1.4.1 on b"], [], LATEST, freed=freed).passed
    assert passed.before_tags == ()


def test_a_change_is_known_by_what_is_done_whatever_the_reason() -> None:
    (hint,) = pushes("1.4.1 on a")
    made = TagChange(FactKind.MOVE, "1.4", None, "y", "Because.", hint)
    assert made.key == "move\n1.4\n\ny"
    assert replace(made, before="x", after=None).key == "move\n1.4\nx\n"
    assert replace(made, reason="Since.").key == made.key


def test_what_somebody_else_did_is_told_and_not_done_again() -> None:
    made = plan(["b: 1.3.0 1.3 1 latest"], ["1.4 on b"], ["1.4 = 1.4.1 on a"])
    assert [words(each) for each in made.findings] == ["remove 1.4: a > -"]
    assert made.writes == ()
