"""The one lifecycle rule for expiry tags, merged into whatever policy is there."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.settings import expiry_rule, lifecycle
from ecr_steward.settings.baseline import Baseline, Settings
from ecr_steward.settings.drift import drift
from ecr_steward.settings.kinds import Around
from ecr_steward.settings.lifecycle import Expiring
from ecr_steward.settings.state import SettingChange
from ecr_steward.tags.scheme import Scheme

SCHEME = Scheme.from_document(
    {"unique": ["semver"], "stable": [{"tag": "{major}.{minor}", "follows": "highest"},
                                      {"tag": "main"}]}
)  # fmt: skip
EXPIRE, REPORT = {"others": "expire", "keep": [{"newest": 3}]}, {"others": "report"}


def rule(priority: int, *tags: str, days: int = 30) -> dict[str, Any]:
    status = {"tagStatus": "tagged", "tagPatternList": list(tags)} if tags else {"tagStatus": "any"}
    count = {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    return {
        "rulePriority": priority,
        "selection": {**status, **count},
        "action": {"type": "expire"},
    }


def policy(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"rules": list(rules)}


def changes(
    images: dict[str, Any], found: Any, *, allowed: bool | None = True, **stated: Any
) -> tuple[SettingChange, ...]:
    baseline = Baseline.from_document(stated, SCHEME, images)
    return drift(baseline, Settings({"lifecycle": found}), Around(SCHEME, expiry=allowed))


def shown(document: Any) -> list[tuple[int, Any]]:
    """Priority and tags of each rule."""
    return [
        (each["rulePriority"], each["selection"].get("tagPatternList"))
        for each in lifecycle.by_priority(document["rules"])
    ]


def test_ecr_takes_a_policy_with_the_rule() -> None:
    found = expiry_rule.merged(policy(rule(1, "main"), rule(2)), SCHEME)
    assert found is not None
    lifecycle.check(found["rules"])


def test_the_rule_stands_below_guards_and_above_all_else() -> None:
    there = policy(rule(10, "main", days=9999), rule(20, "pr-*"), rule(30))
    found = expiry_rule.merged(there, SCHEME)
    assert shown(found) == [(10, ["main"]), (11, ["steward-expire-*"]), (20, ["pr-*"]), (30, None)]
    assert shown(expiry_rule.merged(found, SCHEME)) == shown(found)


def test_priorities_change_only_where_there_is_no_number_left() -> None:
    found = expiry_rule.merged(policy(rule(1, "pr-*"), rule(2)), SCHEME)
    assert shown(found) == [(1, ["steward-expire-*"]), (2, ["pr-*"]), (3, None)]


def test_where_there_is_no_room_it_is_told_and_nothing_is_set() -> None:
    full = policy(*(rule(i, f"pr-{i}-*") for i in range(1, 51)))
    assert expiry_rule.merged(full, SCHEME) is None
    (change,) = changes(EXPIRE, full)
    assert (change.action, change.subject) == ("report", "expiry tags")
    assert "no room" in change.reason


@pytest.mark.parametrize("odd", [{"rulePriority": 1}, 7, {"rulePriority": "x", "selection": []}])
def test_a_policy_that_nobody_can_read_is_left_as_it_is(odd: Any) -> None:
    (change,) = changes(EXPIRE, policy(odd))
    assert (change.action, change.subject) == ("report", "expiry tags")
    assert "a rule that the steward does not know" in change.reason
    assert not changes(REPORT, policy(odd))


@pytest.mark.parametrize("stated", [{}, {"lifecycle": {"rules": [rule(5)], "when": "absent"}}])
def test_other_rules_stay_where_the_rule_states_none_or_any_will_do(stated: Any) -> None:
    there = policy(rule(7, "pr-*"))
    (change,) = changes(EXPIRE, there, **stated)
    assert shown(change.after) == [(1, ["steward-expire-*"]), (7, ["pr-*"])]
    assert "no rule by which images with an expiry tag expire" in change.reason
    assert not changes(EXPIRE, change.after, **stated)


def test_a_stated_policy_gets_it_too() -> None:
    (change,) = changes(EXPIRE, None, lifecycle={"rules": [rule(5, "pr-*")]})
    assert shown(change.after) == [(1, ["steward-expire-*"]), (5, ["pr-*"])]
    assert not changes(EXPIRE, change.after, lifecycle={"rules": [rule(5, "pr-*")]})


@pytest.mark.parametrize(("images", "allowed"), [(REPORT, True), (EXPIRE, False)])
def test_it_goes_where_no_image_may_expire(images: dict[str, Any], allowed: bool) -> None:
    with_it = expiry_rule.merged(policy(rule(7, "pr-*")), SCHEME)
    (change,) = changes(images, with_it, allowed=allowed)
    assert shown(change.after) == [(7, ["pr-*"])]
    (change,) = changes(images, expiry_rule.merged(None, SCHEME), allowed=allowed)
    assert change.after is None


@pytest.mark.parametrize("found", [None, policy(rule(7)), expiry_rule.merged(None, SCHEME)])
def test_where_nobody_knows_of_the_stack_what_is_there_is_right(found: Any) -> None:
    assert not changes(EXPIRE, found, allowed=None)


def test_what_runs_is_judged_on_the_visit_that_merges_the_rule() -> None:
    there = policy(rule(7, "pr-*"))
    image = Expiring("sha256:1", ("pr-1",), 7)
    around = Around(SCHEME, expiry=True, preview=[image], running={"sha256:1": ["ecs:prod/web"]})
    baseline = Baseline.from_document({"lifecycle": there}, SCHEME, EXPIRE)
    merge, runs = drift(baseline, Settings({"lifecycle": there}), around)
    assert (merge.problem, merge.action) == ("missing", "correct")
    assert (runs.problem, runs.action, runs.subject) == ("expires_running", "report", "rule 7")


def test_a_policy_that_may_expire_a_stable_tag_gets_the_rule_all_the_same() -> None:
    there = policy(rule(7))
    merge, expires = changes(EXPIRE, there, lifecycle=there)
    assert (merge.action, shown(merge.after)[0]) == ("correct", (1, ["steward-expire-*"]))
    assert (expires.problem, expires.action) == ("expires_stable", "report")


def test_a_rule_that_says_nothing_of_images_leaves_the_policy_alone() -> None:
    baseline = Baseline.from_document({}, SCHEME, None)
    assert not baseline.reads


@pytest.mark.parametrize(
    ("scheme", "above"),
    [
        (SCHEME, ["main"]),
        (SCHEME, ["1.4"]),
        (SCHEME, ["main", "1.4"]),
    ],
)
def test_a_guard_names_stable_tags_and_nothing_else(scheme: Scheme, above: list[str]) -> None:
    found = expiry_rule.merged(policy(rule(10, *above), rule(20, "pr-*")), scheme)
    assert [tags for _, tags in shown(found)] == [above, ["steward-expire-*"], ["pr-*"]]


VARIANTS = Scheme.from_document(
    {
        "unique": ["semver"],
        "variants": ["alpine*"],
        "stable": [{"tag": "latest", "follows": "highest"}],
    }
)


@pytest.mark.parametrize(
    ("scheme", "no_guard"),
    [
        (SCHEME, ["pr-1"]),
        (SCHEME, ["main", "pr-1"]),
        (SCHEME, ["ma*"]),
        (SCHEME, []),
        (VARIANTS, ["alpine*"]),
        (None, ["main"]),
    ],
)
def test_the_rule_stands_above_what_is_no_guard(scheme: Any, no_guard: list[str]) -> None:
    found = expiry_rule.merged(policy(rule(10, *no_guard)), scheme)
    assert [tags for _, tags in shown(found)] == [["steward-expire-*"], no_guard or None]


def test_the_rule_takes_the_last_characters_that_there_are() -> None:
    short = {**rule(1, "main"), "description": ""}
    merged = expiry_rule.merged(policy(short), SCHEME)
    assert merged is not None
    room = lifecycle.MAX_LENGTH - len(lifecycle.dumps(merged))
    assert expiry_rule.merged(policy({**short, "description": "x" * room}), SCHEME) is not None
    assert expiry_rule.merged(policy({**short, "description": "x" * (room + 1)}), SCHEME) is None


@pytest.mark.parametrize(
    ("otherwise", "held"),
    [
        ({}, True),
        ({"description": "mine"}, True),
        ({"selection": {**expiry_rule.RULE["selection"], "countNumber": 2}}, False),
        ({"action": {"type": "transition", "targetStorageClass": "archive"}}, False),
        ({"selection": rule(1, "pr-*", days=1)["selection"]}, False),
        ({"new": 1}, False),
    ],
)
def test_the_rule_is_there_where_it_selects_and_does_the_same(
    otherwise: dict[str, Any], held: bool
) -> None:
    there = {"rulePriority": 1, **expiry_rule.RULE, **otherwise}
    assert expiry_rule.holds(policy(rule(7), there)) is held
