"""Lifecycle policies: what ECR takes, what means the same, and what could expire."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ecr_steward.settings import lifecycle
from ecr_steward.settings.expiry import NEVER, at_risk, beyond, guard, previewed, strange, taken
from ecr_steward.settings.lifecycle import Expiring, TaggedRunning
from ecr_steward.settings.state import BaselineError
from ecr_steward.tags.scheme import Scheme

EXPIRE = {"type": "expire"}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}


def rule(
    priority: int = 1, action: Any = None, without: str = "", **selection: Any
) -> dict[str, Any]:
    chosen = {
        "tagStatus": "any",
        "countType": "imageCountMoreThan",
        "countNumber": 10,
        **selection,
    }
    chosen.pop(without, None)
    return {"rulePriority": priority, "selection": chosen, "action": action or EXPIRE}


def tagged(
    priority: int, *patterns: str, count: int = 10, action: Any = None, **more: Any
) -> dict[str, Any]:
    keys = {"tagStatus": "tagged", "tagPatternList": list(patterns), "countNumber": count}
    return rule(priority, action, **{**keys, **more})


def since(kind: str = "sinceImagePushed", days: int = 14, **more: Any) -> dict[str, Any]:
    return {"countType": kind, "countUnit": "days", "countNumber": days, **more}


ARCHIVED = since("sinceImageTransitioned", 365, storageClass="archive")


# ---------------------------------------------------------------------------- grammar
GOOD: list[list[Any]] = [
    [],
    [rule()],
    [{**rule(), "description": "Keep ten."}],
    [rule(1, tagStatus="untagged", **since()), rule(2)],
    [tagged(1, "prod*", "*-x*-*y*"), tagged(2, "prod*")],
    [rule(1, tagStatus="tagged", tagPrefixList=["v", "release-"])],
    [rule(1, ARCHIVE, **since("sinceImagePulled", 90))],
    [rule(1, ARCHIVE, **since("sinceImagePushed", 90))],
    [rule(1, **since("sinceImageTransitioned", 365, storageClass="archive"))],
    [
        rule(1, tagStatus="untagged", storageClass="standard"),
        rule(2, tagStatus="untagged", **ARCHIVED),
        rule(3, ARCHIVE),
        rule(4, **ARCHIVED),
    ],
    [rule(i, **tagged(1, f"t{i}")["selection"]) for i in range(1, 51)],
]  # fmt: skip


@pytest.mark.parametrize("rules", GOOD)
def test_what_ecr_takes_is_taken(rules: list[Any]) -> None:
    lifecycle.check(rules)


BAD: list[tuple[Any, str, tuple[str | int, ...]]] = [
    ({}, "`rules` must be a list", ("rules",)),
    ([rule(i, **tagged(1, f"t{i}")["selection"]) for i in range(1, 52)],
     "ECR takes 50 rules; these are 51", ("rules",)),
    (["x"], "A rule must be a mapping", ("rules", 0)),
    ([{**rule(), "priority": 1}], "`priority` is no part of a rule", ("rules", 0, "priority")),
    ([{"rulePriority": 1, "action": EXPIRE}], "`selection` is missing in a rule", ("rules", 0)),
    ([rule(0)], "`rulePriority` must be a whole number", ("rules", 0, "rulePriority")),
    ([{**rule(), "rulePriority": True}], "`rulePriority` must be", ("rules", 0, "rulePriority")),
    ([{**rule(), "rulePriority": "1"}], "`rulePriority` must be", ("rules", 0, "rulePriority")),
    ([{**rule(), "description": 7}], "`description` must be a string", ("rules", 0, "description")),
    ([{**rule(), "selection": []}], "`selection` must be a mapping", ("rules", 0, "selection")),
    ([{**rule(), "action": "expire"}], "`action` must be a mapping", ("rules", 0, "action")),
    ([{**rule(), "action": {}}], "`type` is missing in `action`", ("rules", 0, "action")),
    ([rule(tags=["x"])], "`tags` is no part of `selection`", ("rules", 0, "selection", "tags")),
    ([rule(without="countType")], "`countType` is missing", ("rules", 0, "selection")),
    ([rule(tagStatus="all")], "`tagStatus` must be one of tagged, untagged, any; it is `all`",
     ("rules", 0, "selection", "tagStatus")),
    ([rule(countType="age")], "`countType` must be one of", ("rules", 0, "selection", "countType")),
    ([rule(storageClass="cold")], "`storageClass` must be one of",
     ("rules", 0, "selection", "storageClass")),
    ([rule(countNumber=0)], "`countNumber` must be a whole number",
     ("rules", 0, "selection", "countNumber")),
    ([rule(1, {"type": "keep"})], "`type` must be one of expire, transition",
     ("rules", 0, "action", "type")),
    ([rule(1, {"type": "transition", "targetStorageClass": "cold"})],
     "`targetStorageClass` must be one of archive", ("rules", 0, "action", "targetStorageClass")),
    ([rule(tagStatus="tagged")], "this one has neither", ("rules", 0, "selection")),
    ([rule(tagStatus="tagged", tagPatternList=["a"], tagPrefixList=["a"])], "this one has both",
     ("rules", 0, "selection")),
    ([rule(tagPatternList=["a"])], "`tagPatternList` goes with `tagStatus: tagged` only",
     ("rules", 0, "selection", "tagPatternList")),
    ([tagged(1)], "`tagPatternList` must be a list with at least one entry",
     ("rules", 0, "selection", "tagPatternList")),
    ([tagged(1, "a", "b c")], "`b c` can be in no tag",
     ("rules", 0, "selection", "tagPatternList", 1)),
    ([tagged(1, "*a*b*c*d*")], "`*a*b*c*d*` has 5 `*`; ECR takes 4",
     ("rules", 0, "selection", "tagPatternList", 0)),
    ([rule(tagStatus="tagged", tagPrefixList=["a*"])], "`a*` can be in no tag",
     ("rules", 0, "selection", "tagPrefixList", 0)),
    ([rule(countUnit="days")], "`countUnit` goes with the count types that begin with `since` only",
     ("rules", 0, "selection", "countUnit")),
    ([rule(countType="sinceImagePushed")], "needs `countUnit: days`", ("rules", 0, "selection")),
    ([rule(1, **since(countUnit="weeks"))], "`countUnit` must be one of days",
     ("rules", 0, "selection", "countUnit")),
    ([rule(1, **since("sinceImageTransitioned"))], "needs `storageClass: archive`",
     ("rules", 0, "selection")),
    ([rule(1, ARCHIVE, storageClass="archive")], "are archived already",
     ("rules", 0, "action", "type")),
    ([rule(1, **since("sinceImagePulled"))], "can only archive", ("rules", 0, "action", "type")),
    ([rule(1, storageClass="archive")], "`countType: imageCountMoreThan` looks at images that are",
     ("rules", 0, "selection", "countType")),
    ([rule(1, **since(storageClass="archive"))], "ECR takes `sinceImageTransitioned` only",
     ("rules", 0, "selection", "countType")),
    ([rule(1, **{**ARCHIVED, "countNumber": 89})], "`countNumber` must be 90 or more",
     ("rules", 0, "selection", "countNumber")),
    ([rule(1, {"type": "transition"})], "needs `targetStorageClass: archive`",
     ("rules", 0, "action")),
    ([rule(1, {**EXPIRE, "targetStorageClass": "archive"})],
     "`targetStorageClass` goes with `type: transition` only",
     ("rules", 0, "action", "targetStorageClass")),
    ([tagged(1, "a"), tagged(1, "b")], "Two rules have the priority 1",
     ("rules", 1, "rulePriority")),
    ([rule(1, tagStatus="untagged"), rule(2, tagStatus="untagged")],
     "There is a rule with `tagStatus: untagged` already", ("rules", 1, "selection", "tagStatus")),
    ([rule(1), tagged(2, "a")], "must have the highest `rulePriority` of its storage class, here 2",
     ("rules", 0, "rulePriority")),
    ([rule(1, tagStatus="tagged", tagPrefixList=["a", "b"]),
      rule(2, tagStatus="tagged", tagPrefixList=["b", "a"])],
     "Another rule has these prefixes", ("rules", 1, "selection", "tagPrefixList")),
    ([{**tagged(i, f"t{i}"), "description": "x" * 700} for i in range(1, 51)],
     "characters; ECR takes 30,720", ("rules",)),
    ([rule(countNumber="7")],
     "`countNumber` must be a whole number from 1 on, without quotes.",
     ("rules", 0, "selection", "countNumber")),
    ([rule(countNumber="x")], "`countNumber` must be a whole number from 1 on.",
     ("rules", 0, "selection", "countNumber")),
    ([rule(tagStatus="tagged", tagPatternList="abc")],
     "`tagPatternList` must be a list with at least one entry",
     ("rules", 0, "selection", "tagPatternList")),
    ([tagged(1, "a", 7)], "`7` must be a string; put it in quotes.",  # type: ignore[arg-type]
     ("rules", 0, "selection", "tagPatternList", 1)),
    ([tagged(1, "b c")], "use letters, digits, `.`, `_`, `-` and `*`.",
     ("rules", 0, "selection", "tagPatternList", 0)),
    ([rule(tagStatus="tagged", tagPrefixList=["b c"])], "use letters, digits, `.`, `_`, `-`.",
     ("rules", 0, "selection", "tagPrefixList", 0)),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "said", "path"), BAD)
def test_what_ecr_refuses_is_named_with_its_place(
    rules: Any, said: str, path: tuple[str | int, ...]
) -> None:
    with pytest.raises(BaselineError) as caught:
        lifecycle.check(rules)
    assert said in str(caught.value)
    assert caught.value.path == path


def test_a_policy_as_long_as_one_may_be_is_taken_and_not_a_character_more() -> None:
    short = {**rule(), "description": ""}
    room = lifecycle.MAX_LENGTH - len(lifecycle.dumps({"rules": [short]}))
    lifecycle.check([{**short, "description": "x" * room}])
    with pytest.raises(BaselineError, match="has 30,721 characters; ECR takes 30,720"):
        lifecycle.check([{**short, "description": "x" * (room + 1)}])


# ---------------------------------------------------------------------------- meaning
BASE = {"rules": [tagged(1, "a*", "b"), rule(2)]}
SAME: list[Any] = [
    {"rules": [rule(2), tagged(1, "b", "a*")]},
    {"rules": [tagged(10, "a**", "b", "b"), rule(20, storageClass="standard")]},
    {"rules": [{**tagged(1, "a*", "b"), "description": "x"}, dict(reversed(rule(2).items()))]},
]
OTHERS: list[Any] = [
    None,
    {"rules": []},
    {"rules": [tagged(1, "a*", "b")]},
    {"rules": [tagged(1, "a*", "b"), rule(2, ARCHIVE)]},
    {"rules": [tagged(1, "a*", "b"), rule(2, countNumber=11)]},
    {"rules": [tagged(1, "a*", "b"), rule(2, **since(days=10))]},
    {"rules": [tagged(1, "a*"), rule(2)]},
    {"rules": [tagged(1, "a*", "b", storageClass="archive"), rule(2)]},
    {"rules": [tagged(1, "a*", "b"), {**rule(2), "new": 1}]},
    {"rules": "x"},
    {"rules": {}},
    {"rules": None},
]


@pytest.mark.parametrize("other", SAME)
def test_order_defaults_and_descriptions_do_not_count(other: Any) -> None:
    assert lifecycle.canonical(other) == lifecycle.canonical(BASE)


@pytest.mark.parametrize("other", OTHERS)
def test_what_a_rule_does_counts(other: Any) -> None:
    assert lifecycle.canonical(other) != lifecycle.canonical(BASE)


def test_the_order_of_priorities_counts_and_a_prefix_is_a_pattern() -> None:
    one = {"rules": [tagged(1, "a*"), tagged(2, "b*")]}
    other = {"rules": [tagged(2, "a*"), tagged(1, "b*")]}
    assert lifecycle.canonical(one) != lifecycle.canonical(other)
    prefix = rule(1, tagStatus="tagged", tagPrefixList=["a"])
    assert lifecycle.canonical({"rules": [prefix]}) == lifecycle.canonical(
        {"rules": [tagged(1, "a*")]}
    )
    assert lifecycle.canonical(None) == lifecycle.canonical({"rules": []}) == ()


def test_a_policy_that_nobody_can_read_is_the_same_in_any_order_of_its_keys() -> None:
    odd = {"rules": [{"a": 1, "b": 2}], "more": 3}
    turned = {"more": 3, "rules": [{"b": 2, "a": 1}]}
    assert lifecycle.canonical(odd) == lifecycle.canonical(turned) != ()


@pytest.mark.parametrize(
    ("document", "known"),
    [
        (None, False),
        ({"rules": []}, False),
        ({"rules": [rule()]}, True),
        ({"rules": [rule(), 7]}, False),
        ({"rules": {"a": rule()}}, False),
        ({"rules": {}}, False),
        ({"rules": 7}, False),
    ],
)
def test_a_policy_is_known_by_its_rules(document: Any, known: bool) -> None:
    assert lifecycle.is_known(document) is known


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        ({"countNumber": 10}, 10),
        (since(days=14), 7),
        (since("sinceImagePulled", 9), 2),
        (since(days=8), 1),
        (since(days=7), 1),
        (since(days=1), 1),
        (ARCHIVED, 365),
    ],
)
def test_what_a_policy_takes_in_a_week_it_is_asked_to_take_today(
    selection: dict[str, Any], count: int
) -> None:
    (found,) = lifecycle.sooner({"rules": [rule(3, **selection)]}, 7)["rules"]
    assert found == rule(3, **{**selection, "countNumber": count})


# ---------------------------------------------------------------------------- what runs
GUARD = tagged(1, "x*", count=NEVER)
TAKEN: list[tuple[list[Any], tuple[str, ...], int | None]] = [
    ([rule(1, **since())], (), 1),
    ([rule(1, **since())], ("x",), 1),
    ([rule(1, tagStatus="untagged", **since())], (), 1),
    ([rule(1, tagStatus="untagged", **since())], ("x",), None),
    ([tagged(1, "x*", **since())], ("x1", "y"), 1),
    ([tagged(1, "x*", **since())], ("y",), None),
    ([tagged(1, "x*", **since())], (), None),
    ([tagged(1, "x*", "y*", **since())], ("x1", "y1"), 1),
    ([tagged(1, "x*", "y*", **since())], ("x1",), None),
    ([rule(1, tagStatus="tagged", tagPrefixList=["x"], **since())], ("x1",), 1),
    ([GUARD, rule(2, **since())], ("x1",), None),
    ([GUARD, rule(2, **since())], ("y1",), 2),
    ([rule(2, **since()), GUARD], ("x1",), None),
    ([tagged(1, "x", count=1), rule(2)], ("x",), None),
    ([tagged(1, "x", count=1), rule(2)], ("x1",), 2),
    ([rule(1, **ARCHIVED)], ("x",), None),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "tags", "priority"), TAKEN)
@pytest.mark.parametrize("action", [EXPIRE, ARCHIVE])
def test_an_image_is_taken_by_the_first_rule_that_its_tags_select(
    rules: list[Any], tags: tuple[str, ...], priority: int | None, action: Any
) -> None:
    acting = [each if each["selection"] == rule(1, **ARCHIVED)["selection"]
              else {**each, "action": action} for each in rules]  # fmt: skip
    found = taken(acting, [TaggedRunning("sha256:1", tags)])
    archives = action == ARCHIVE
    assert found == (() if priority is None else (Expiring("sha256:1", tags, priority, archives),))


# ---------------------------------------------------------------------------- stable tags at risk
SEMVER = Scheme.from_document(
    {
        "unique": ["semver"],
        "variants": ["alpine*"],
        "stable": [
            {"tag": "{major}.{minor}", "follows": "highest"},
            {"tag": "latest", "follows": "highest"},
        ],
    }
)
COMMITS = Scheme.from_document(
    {"unique": ["sha"], "stable": [{"tag": "main"}, {"tag": "edge", "follows": "newest"}]}
)
ALL = ("{major}.{minor}", "{major}.{minor}-alpine*", "latest", "alpine*")
BUILDS = Scheme.from_document(
    {
        "unique": [{"pattern": "github-sha-[0-9a-f]{40}"}, "timestamp"],
        "stable": [{"tag": "main-latest"}, {"tag": "live"}],
        "ignore": ["pr-*"],
    }
)
BOTH = ("main-latest", "live")
IGNORING = Scheme.from_document(
    {"unique": ["semver"], "stable": [{"tag": "main"}], "ignore": ["99.*", "main-*"]}
)
RISKS: list[tuple[str, Any, list[Any], dict[int, tuple[str, ...]]]] = [
    ("untagged images only", SEMVER, [rule(1, tagStatus="untagged")], {}),
    ("tags outside the scheme", SEMVER, [tagged(1, "pr-*"), tagged(2, "buildcache*")], {}),
    ("anything", SEMVER, [rule(1)], {1: ALL}),
    ("anything, by age", SEMVER, [rule(1, **since())], {1: ALL}),
    ("anything, to the archive", SEMVER, [rule(1, ARCHIVE)], {1: ALL}),
    ("anything archived, where nothing is archived", SEMVER, [rule(1, **ARCHIVED)], {}),
    ("anything archived", SEMVER, [rule(1, ARCHIVE), rule(2, **ARCHIVED)], {1: ALL, 2: ALL}),
    ("only what is archived by a rule that spares all stable tags", COMMITS,
     [tagged(1, "pr-*", action=ARCHIVE), rule(2, **ARCHIVED)], {}),
    ("a count that is never reached", SEMVER, [rule(1, countNumber=NEVER)], {}),
    ("every tag", SEMVER, [tagged(1, "*")], {1: ALL}),
    ("unique tags with a v", SEMVER, [tagged(1, "v*")], {1: ALL}),
    ("unique tags of one line", SEMVER, [tagged(1, "1.4.*")], {1: ALL}),
    ("a stable tag by name, on an image that has others too", SEMVER,
     [tagged(1, "latest", **since())], {1: ALL}),
    ("a stable tag by name, counted", SEMVER, [tagged(1, "latest", count=1)], {}),
    ("some of the stable tags", SEMVER, [tagged(1, "1.*", "*.0")], {1: ALL}),
    ("three stars", SEMVER, [tagged(1, "*.*-alpine*")], {1: ALL}),
    ("a variant that is none", SEMVER, [tagged(1, "*_alpine")], {1: ALL}),
    ("release candidates", SEMVER, [tagged(1, "*-rc*")], {1: ALL}),
    ("two tags that no image of ours has", SEMVER, [tagged(1, "latest", "pr-*", **since())], {}),
    ("protected by name", SEMVER, [tagged(1, "latest", count=1), rule(2)],
     {2: ("{major}.{minor}", "{major}.{minor}-alpine*", "alpine*")}),
    ("protected by a great count", SEMVER, [tagged(1, "*", count=NEVER), rule(2)], {}),
    ("protected too low down", SEMVER, [tagged(1, "*"), tagged(2, "latest", count=1)], {1: ALL}),
    ("taken by a rule above", SEMVER, [tagged(1, "*", action=ARCHIVE), rule(2)], {1: ALL}),
    ("not protected by one of two tags", SEMVER, [tagged(1, "latest", "prod", count=1), rule(2)],
     {2: ALL}),
    ("protected by two tags that it always has", COMMITS,
     [tagged(1, "m*", "*n", count=NEVER), tagged(2, "main", **since())], {}),
    ("expired by the first that takes it", SEMVER, [tagged(1, "*"), rule(2)], {1: ALL}),
    ("commits by age", COMMITS, [tagged(1, "sha-*", **since())], {1: ("main", "edge")}),
    ("commits by count, the newest of which has its tag", COMMITS, [tagged(1, "sha-*")],
     {1: ("main",)}),
    ("the newest of some only, by count",
     {"stable": [{"tag": "edge", "follows": "newest", "of": ["sha-a*"]}], "unique": ["sha"]},
     [tagged(1, "sha-*")], {1: ("edge",)}),
    ("the newest of each variant, by count",
     {"stable": [{"tag": "edge", "follows": "newest"}], "unique": ["semver"], "variants": ["slim"]},
     [tagged(1, "1.*")], {1: ("edge", "edge-slim")}),
    ("what is no commit", COMMITS, [tagged(1, "v*")], {}),
    ("commits, the pipeline's tag kept", COMMITS, [tagged(1, "main", count=1), tagged(2, "sha-*")],
     {}),
    ("builds by pattern", BUILDS, [tagged(1, "github-sha-*", **since())], {1: BOTH}),
    ("builds by a pattern that is shorter", BUILDS, [tagged(1, "github-sha-z*", **since())], {}),
    ("timestamps", BUILDS, [tagged(1, "2026-*", **since())], {1: BOTH}),
    ("a thirteenth month", BUILDS, [tagged(1, "2026-13*", **since())], {}),
    ("what is ignored", BUILDS, [tagged(1, "pr-*", **since())], {}),
    ("pins", BUILDS, [tagged(1, "live-*", **since())], {1: BOTH}),
    ("an ignored part of the unique tags", IGNORING,
     [tagged(1, "99.*.9", **since())], {}),
    ("the same part, with one that is not ignored", IGNORING,
     [tagged(1, "9*.9", **since())], {1: ("main",)}),
    ("pins that are ignored otherwise", IGNORING, [tagged(1, "main-*", **since())], {1: ("main",)}),
    ("protected by two tags that it need not have", SEMVER,
     [tagged(1, "0*", "*.0", count=NEVER), rule(2)], {2: ALL}),
]  # fmt: skip


def by_rule(risks: Any) -> dict[int, tuple[str, ...]]:
    found: dict[int, dict[str, None]] = {}
    for each in risks:
        found.setdefault(each.priority, {})[each.tag] = None
    return {priority: tuple(tags) for priority, tags in found.items()}


@pytest.mark.parametrize(
    ("scheme", "rules", "expected"), [each[1:] for each in RISKS], ids=[each[0] for each in RISKS]
)
def test_stable_tags_at_risk_are_named_with_the_rule(
    scheme: Any, rules: list[Any], expected: dict[int, tuple[str, ...]]
) -> None:
    lifecycle.check(rules)
    read = scheme if isinstance(scheme, Scheme) else Scheme.from_document(scheme)
    assert by_rule(at_risk({"rules": rules}, read)) == expected


def test_what_is_archived_is_told_from_what_expires() -> None:
    found = at_risk({"rules": [rule(1, ARCHIVE), rule(2, **ARCHIVED)]}, COMMITS)
    assert {(each.priority, each.archives) for each in found} == {(1, True), (2, False)}


def test_a_risk_shows_an_image_that_the_rule_would_take() -> None:
    document = {"rules": [tagged(1, "9*4", "main", **since())]}
    assert [each.example for each in at_risk(document, COMMITS)] == [
        ("main", "9aaaaa4"),
        ("edge", "9aaaaa4", "main"),
    ]


def test_a_pattern_that_no_automaton_can_say_counts_as_any_tag() -> None:
    scheme = Scheme.from_document(
        {"unique": [{"pattern": "(?!x)v[0-9]+"}, "sha"], "stable": [{"tag": "main"}]}
    )
    assert beyond(scheme) == ("(?!x)v[0-9]+",)
    assert by_rule(at_risk({"rules": [tagged(1, "pr-*")]}, scheme)) == {1: ("main",)}
    assert strange({"rules": [tagged(1, "pr-*")]}, COMMITS) == (1,)


@pytest.mark.parametrize("scheme", [SEMVER, COMMITS, BUILDS])
def test_the_rules_that_are_advised_protect_all_that_is_at_risk(scheme: Scheme) -> None:
    rules = [rule(99, **since())]
    names = dict.fromkeys(guard(each.tag) for each in at_risk({"rules": rules}, scheme))
    guards = [tagged(i, each, count=NEVER) for i, each in enumerate(names, start=1)]
    lifecycle.check([*guards, *rules])
    assert at_risk({"rules": [*guards, *rules]}, scheme) == ()


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("main", "main"),
        ("{major}.{minor}", "*.*"),
        ("{major}.{minor}.{patch}-alpine*", "*.*.*-alpine*"),
        ("v{major}.{minor}.{patch}-{major}-alpine*", "v*"),
        ("{major}-**", "*-*"),
    ],
)
def test_a_guard_has_as_many_stars_as_ecr_takes(name: str, pattern: str) -> None:
    assert guard(name) == pattern
    lifecycle.check([tagged(1, pattern)])


def test_fifty_rules_with_stars_are_judged_in_no_time() -> None:
    """Rule 10 reaches nothing that rule 1 does not protect, and so on."""
    rules = [tagged(i, f"v{i}*-*", f"*x{i}*") for i in range(1, 51)]
    started = time.process_time()
    assert list(by_rule(at_risk({"rules": rules}, SEMVER))) == list(range(1, 10))
    # What is not cut short takes minutes; a slow machine takes seconds.
    assert time.process_time() - started < 10


def test_a_preview_tells_of_the_stable_tags_that_would_expire_today() -> None:
    preview = [
        Expiring("sha256:1", ("1.4.2", "1.4"), 2),
        Expiring("sha256:2", ("latest", "1.4"), 1),
        Expiring("sha256:3", ("pr-1",), 1),
        Expiring("sha256:4", (), 1),
    ]
    found = previewed(preview, SEMVER)
    assert [(each.priority, each.tag, each.entry) for each in found] == [
        (2, "1.4", "{major}.{minor}"),
        (1, "latest", "latest"),
        (1, "1.4", "{major}.{minor}"),
    ]
