"""What `--explain` tells of each setting, and what its warnings say: whole sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ecr_steward.settings.baseline import Baseline
from ecr_steward.settings.kinds import Around, named
from ecr_steward.settings.lifecycle import Expiring, TaggedRunning
from ecr_steward.tags.scheme import Scheme

COMMITS = Scheme.from_document({"unique": ["sha"], "stable": [{"tag": "main"}, {"tag": "live"}]})
VERSIONS: dict[str, Any] = {
    "unique": ["semver"],
    "stable": [{"tag": "{major}", "follows": "highest"}],
}
REPORTING = Scheme.from_document(VERSIONS)
RESTORING = Scheme.from_document({**VERSIONS, "overwritten": "restore"})


def rule(priority: int, **selection: Any) -> dict[str, Any]:
    counted = {"countType": "imageCountMoreThan", "countNumber": 10}
    return {
        "rulePriority": priority,
        "selection": {"tagStatus": "untagged", **counted, **selection},
        "action": {"type": "expire"},
    }


def tagged(priority: int, *patterns: str, **more: Any) -> dict[str, Any]:
    return rule(priority, tagStatus="tagged", tagPatternList=list(patterns), **more)


def wish(setting: str, stated: Any, scheme: Scheme | None, images: Any = None) -> Any:
    return Baseline.from_document(stated, scheme, images).wishes[setting]


# ---------------------------------------------------------------------------- lifecycle
ONE = [rule(1)]
RUNS = "it is not set if it could expire or archive images that run"
KEPT = f"{RUNS}, or under stable tags"
MERGED = "with AllowExpiry, a rule for expiry tags is merged into the policy"
LIFECYCLES: list[tuple[Any, Any, list[str]]] = [
    ({"rules": ONE}, None, ["1 rule", KEPT]),
    ({"rules": [rule(1), rule(2, tagStatus="any")]}, None, ["2 rules", KEPT]),
    ({"rules": []}, None, ["none: a lifecycle policy is taken away"]),
    ({"rules": ONE, "when": "absent"}, None, ["1 rule, where there is no policy", KEPT]),
    ({"rules": ONE, "allow_expiring_stable": True}, None,
     ["1 rule", RUNS, "it may expire or archive images under stable tags"]),
    ({"rules": ONE, "allow_expiring_stable": ["main"]}, None,
     ["1 rule", f"{KEPT} other than main"]),
    ({"rules": ONE, "allow_expiring_stable": ["main", "live"]}, None,
     ["1 rule", f"{KEPT} other than live, main"]),
    ({"rules": ONE}, {"others": "expire", "keep": [{"newest": 1}]}, [MERGED, "1 rule", KEPT]),
    ({"rules": ONE}, {"others": "report"}, ["1 rule", KEPT]),
    (None, {"others": "expire", "keep": [{"newest": 1}]}, [MERGED]),
    (None, {"others": "report"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("stated", "images", "told"), LIFECYCLES)
def test_a_lifecycle_policy_is_told_with_what_it_may_take(
    stated: Any, images: Any, told: list[str]
) -> None:
    found = wish("lifecycle", {"lifecycle": stated} if stated else {}, COMMITS, images)
    assert [said for _, said in named("lifecycle").explain(found, Around(COMMITS))] == told


ALL_MATCH = "must all match, each by a tag of the image; for either one or the other write two"
RISK = (
    "The lifecycle rule {} can expire images under the stable tags `main`, such as one with "
    '`main`: put a rule above it with tagPatternList: ["main"], countType: imageCountMoreThan and '
    'countNumber: 9999, or write allow_expiring_stable: ["main"]. The policy is not set before.'
)
SINCE = {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": 9}
ADVICE: list[tuple[list[Any], Any, list[tuple[tuple[Any, ...], str]]]] = [
    ([rule(1)], False, []),
    ([tagged(1, "x*")], False, []),
    ([tagged(1, "x*", "y*")], False,
     [((0, "selection", "tagPatternList"), f"The entries of `tagPatternList` {ALL_MATCH} rules.")]),
    ([rule(1), rule(2, tagStatus="tagged", tagPrefixList=["x", "y"])], False,
     [((1, "selection", "tagPrefixList"), f"The entries of `tagPrefixList` {ALL_MATCH} rules.")]),
    ([tagged(1, "live", countNumber=1), tagged(2, "main", **SINCE)], False,
     [((1,), RISK.format(2))]),
    ([tagged(1, "live", countNumber=1), tagged(2, "main", **SINCE)], ["main"], []),
    ([tagged(1, "live", countNumber=1), tagged(2, "main", **SINCE)], ["live"],
     [((1,), RISK.format(2))]),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "allowed", "warned"), ADVICE)
def test_lifecycle_rules_are_warned_of_in_their_place(
    rules: list[Any], allowed: Any, warned: list[Any]
) -> None:
    stated = {"lifecycle": {"rules": rules, "allow_expiring_stable": allowed}}
    advice = named("lifecycle").advice(wish("lifecycle", stated, COMMITS), Around(COMMITS))
    assert list(advice) == [(("lifecycle", "rules", *path), said) for path, said in warned]


def test_without_a_scheme_or_rules_nothing_of_a_lifecycle_policy_is_at_risk() -> None:
    lifecycle = named("lifecycle")
    any_image = {"lifecycle": {"rules": [rule(1, tagStatus="any")]}}
    assert not [*lifecycle.advice(wish("lifecycle", any_image, None), Around())]
    loose = Scheme.from_document(
        {"unique": [{"pattern": "(?!x)v[0-9]+"}], "stable": [{"tag": "main"}]}
    )
    (told,) = lifecycle.advice(
        wish("lifecycle", {"lifecycle": {"rules": [rule(1)]}}, loose), Around(loose)
    )
    assert told == (
        ("lifecycle",),
        (
            "`(?!x)v[0-9]+` says more than can be told from it alone, so it counts as any tag "
            "where the policy is judged."
        ),
    )
    none = wish("lifecycle", {"lifecycle": {"rules": []}}, loose)
    assert not [*lifecycle.advice(none, Around(loose))]


def expiring(running: int) -> list[str]:
    """The reasons for an image that so many workloads run, with the policy in place."""
    stated = {"lifecycle": {"rules": ONE}}
    around = Around(
        COMMITS,
        preview=[Expiring("sha256:1", (), 1)],
        running={"sha256:1": [f"ecs:prod/{i}" for i in range(running)]},
    )
    found = named("lifecycle").drift(
        wish("lifecycle", stated, COMMITS), stated["lifecycle"], around
    )
    return [each.reason for each in found]


@pytest.mark.parametrize(
    ("running", "names"),
    [
        (1, " ecs:prod/0 can"),
        (5, " ecs:prod/0, ecs:prod/1, ecs:prod/2, ecs:prod/3, ecs:prod/4 can"),
        (7, " ecs:prod/0, ecs:prod/1, ecs:prod/2, ecs:prod/3, ecs:prod/4 and 2 more can"),
    ],
)
def test_five_of_what_would_be_left_without_an_image_are_named(running: int, names: str) -> None:
    (reason,) = expiring(running)
    assert f"from which{names} start again" in reason


@pytest.mark.parametrize(
    ("indexes", "said"),
    [(0, ""), (1, " 1 of them is an index that"), (2, " 2 of them are indexes that")],
)
def test_an_index_of_which_nobody_knows_whether_it_runs_is_said_to_be_one(
    indexes: int, said: str
) -> None:
    alone = TaggedRunning("sha256:0", (), ("ecs:prod/web",))
    guessed = [replace(alone, name=f"sha256:{n + 1}", perhaps=True) for n in range(indexes)]
    stated = {"lifecycle": {"rules": ONE}}
    found = named("lifecycle").drift(
        wish("lifecycle", stated, COMMITS), None, Around(COMMITS, named=[alone, *guessed])
    )
    *_, reason = (each.reason for each in found)
    assert ("may list it" in reason) == bool(indexes)
    assert said in reason


@pytest.mark.parametrize(
    ("strange", "said"),
    [
        ([1], " By rule 1 it takes images with tags that the scheme does not know,"),
        ([1, 2], " By rules 1, 2 it takes images with tags that the scheme does not know,"),
        ([], ""),
    ],
)
def test_rules_that_take_strange_tags_are_named(strange: list[int], said: str) -> None:
    rules = [tagged(i, f"x{i}-*") for i in strange] or ONE
    stated = {"lifecycle": {"rules": rules}}
    (change,) = named("lifecycle").drift(wish("lifecycle", stated, COMMITS), None, Around(COMMITS))
    rest = f"{said} whatever else they carry." if said else ""
    assert change.reason == f"There is no lifecycle policy, where the rule has one.{rest}"


# ---------------------------------------------------------------------------- what is in place
THERE = {"rules": [rule(7)]}
ODD = {"rules": [{"rulePriority": 7}]}
IN_PLACE: list[tuple[Any, Any, Any, Any]] = [
    # What the rule states, what is there, what of it stays, and what is to be previewed.
    ({"rules": ONE}, THERE, THERE, None),
    ({"rules": ONE}, {"rules": [rule(7, countNumber=11)]}, None, {"rules": ONE}),
    ({"rules": ONE}, ODD, None, {"rules": ONE}),
    ({"rules": ONE}, None, None, {"rules": ONE}),
    ({"rules": ONE, "when": "absent"}, None, None, {"rules": ONE}),
    ({"rules": ONE, "when": "absent"}, {"rules": []}, None, {"rules": ONE}),
    ({"rules": ONE, "when": "absent"}, {"rules": [rule(7, countNumber=11)]},
     {"rules": [rule(7, countNumber=11)]}, None),
    ({"rules": ONE, "when": "absent"}, ODD, None, None),
    ({"rules": []}, None, None, None),
    ({"rules": []}, THERE, None, None),
    (None, THERE, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("stated", "there", "stays", "previewed"), IN_PLACE)
def test_what_stays_of_a_lifecycle_policy_is_judged_as_it_is(
    stated: Any, there: Any, stays: Any, previewed: Any
) -> None:
    lifecycle, images = named("lifecycle"), {"others": "report"}
    found = wish("lifecycle", {"lifecycle": stated} if stated else {}, COMMITS, images)
    assert lifecycle.in_place(found, there) == stays
    assert lifecycle.to_preview(found, there) == previewed


TAKING = [tagged(1, "main", **SINCE), tagged(2, "live", **SINCE)]
ARCHIVING = [{**rule(1, tagStatus="any"), "action": {"type": "transition",
                                                    "targetStorageClass": "archive"}}]  # fmt: skip
SET: list[tuple[list[Any], list[str], list[str]]] = [
    (TAKING, ["main", "live"],
     ["correct There is no lifecycle policy, where the rule has one.",
      ("report The lifecycle rule 1 can expire images under the stable tags `main`, `live`, such "
      "as one with `main`, which the rule allows."),
      ("report The lifecycle rule 2 can expire images under the stable tags `live`, such as one "
      "with `live`, which the rule allows.")]),
    (TAKING, ["live"],
     [("refuse There is no lifecycle policy, where the rule has one. It is not set, because it "
      "could expire stable tags."),
      ("refuse The lifecycle rule 1 can expire images under the stable tags `main`, such as one "
      'with `main`: put a rule above it with tagPatternList: ["main"], countType: '
      'imageCountMoreThan and countNumber: 9999, or write allow_expiring_stable: ["main"].'),
      ("report The lifecycle rule 2 can expire images under the stable tags `live`, such as one "
      "with `live`, which the rule allows.")]),
    (ARCHIVING, [],
     [("refuse There is no lifecycle policy, where the rule has one. It is not set, because it "
      "could archive stable tags."),
      ("refuse The lifecycle rule 1 can archive images under the stable tags `main`, `live`, such "
      'as one with `main`: put rules above it with tagPatternList: ["main"] and tagPatternList: '
      '["live"], countType: imageCountMoreThan and countNumber: 9999, or write '
      'allow_expiring_stable: ["main", "live"].')]),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "allowed", "told"), SET)
def test_each_rule_is_told_with_what_it_may_not_take(
    rules: list[Any], allowed: list[str], told: list[str]
) -> None:
    stated = {"lifecycle": {"rules": rules, "allow_expiring_stable": allowed}}
    around = Around(COMMITS)
    changes = named("lifecycle").drift(wish("lifecycle", stated, COMMITS), None, around)
    assert [f"{each.action} {each.reason}" for each in changes] == told


# ---------------------------------------------------------------------------- immutability
WHY = (
    "wildcards cannot say the scheme: the filter `*` for tags that move would free unique tags too"
)


@pytest.mark.parametrize(
    ("stated", "scheme", "told", "warned"),
    [
        ("IMMUTABLE", None, ["IMMUTABLE"], None),
        ("IMMUTABLE", RESTORING, ["IMMUTABLE"], None),
        ("scheme", COMMITS, ["IMMUTABLE except main*, live*, sha256-*"], None),
        ("scheme", REPORTING, ["MUTABLE", WHY],
         "`overwritten: report` does not put unique tags back either"),
        ("scheme", RESTORING,
         ["MUTABLE", WHY, "the steward puts overwritten unique tags back itself"],
         "the steward puts overwritten unique tags back itself (`overwritten: restore`)"),
    ],
)  # fmt: skip
def test_immutability_is_told_with_what_takes_its_place(
    stated: Any, scheme: Scheme | None, told: list[str], warned: str | None
) -> None:
    kind, around = named("immutability"), Around(scheme)
    found = wish("immutability", {"immutability": stated}, scheme)
    assert [said for _, said in kind.explain(found, around)] == told
    begin = f"`immutability: scheme` leaves these repositories mutable, because {WHY}; "
    advice = [] if warned is None else [(("immutability",), f"{begin}{warned}.")]
    assert [*kind.advice(found, around)] == advice


# ---------------------------------------------------------------------------- repository policy
OWN = "the registry's own account, whom the statements name"
PULL = {
    "Sid": "Pull",
    "Effect": "Allow",
    "Principal": {"AWS": "111122223333"},
    "Action": "ecr:BatchGetImage",
}
ACCOUNTS: list[tuple[Any, list[str]]] = [
    ([], [f"may be named: {OWN}"]),
    (["o-abc123", "999999999999"], [f"may be named: {OWN}, 999999999999, o-abc123"]),
    (["*"], ["anybody may be named"]),
    ({"manage": ["*"]}, [f"may be named: {OWN}", "to manage also anybody"]),
    ({"manage": ["999999999999"], "pull": ["o-abc123", "vpc-0a1b"]},
     [f"may be named: {OWN}", "to pull also o-abc123, vpc-0a1b", "to manage also 999999999999"]),
]  # fmt: skip


@pytest.mark.parametrize(("accounts", "told"), ACCOUNTS)
def test_who_may_be_named_in_a_policy_is_told(accounts: Any, told: list[str]) -> None:
    found = wish("policy", {"policy": {"accounts": accounts}}, None)
    lines = [said for _, said in named("policy").explain(found, Around())]
    assert lines[0] == "no statements of its own"
    assert lines[4:] == told


@pytest.mark.parametrize(
    ("statements", "told"),
    [([PULL], "statements Pull"), ([PULL, {**PULL, "Sid": "Too"}], "statements Pull, Too")],
)
def test_statements_of_a_policy_are_told_by_their_sids(statements: list[Any], told: str) -> None:
    found = wish("policy", {"policy": {"statements": statements}}, None)
    assert next(named("policy").explain(found, Around())) == ("policy", told)


SPARED = (
    "it is put in only where it surely spares the steward's role, such as by a condition on "
    "aws:PrincipalArn."
)
ANYONE = "its principal `*` is anyone, with no condition"
WARNINGS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("report", PULL, []),
    ("report", {**PULL, "Action": "ecr:BatchGetImages"},
     ["`ecr:BatchGetImages` is no action of ECR's; did you mean `ecr:BatchGetImage`?"]),
    ("report", {**PULL, "Action": "s3:Put"},
     ["`s3:Put` is no action of ECR's: in a repository policy it says nothing."]),
    ("report", {**PULL, "Principal": "*"},
     [(f"`Pull` lets anyone in ({ANYONE}), which will be reported; write `public: allow` if you "
      "mean it.")]),
    ("allow", {**PULL, "Principal": "*"}, []),
    ("report", {**PULL, "Effect": "Deny", "Principal": "*", "Action": "ecr:SetRepositoryPolicy"},
     [f"`Pull` may deny the steward to set the policy: {SPARED}"]),
    ("report", {**PULL, "Effect": "Deny", "Principal": "*", "Action": "ecr:PutImage"},
     [f"`Pull` may deny the steward to move tags: {SPARED}"]),
    ("report", {**PULL, "Effect": "Deny", "Principal": "*", "Action": "ecr:DeleteRepository"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("public", "statement", "warned"), WARNINGS)
def test_statements_that_are_dangerous_or_say_nothing_are_warned_of(
    public: str, statement: dict[str, Any], warned: list[str]
) -> None:
    found = wish("policy", {"policy": {"statements": [statement], "public": public}}, COMMITS)
    advice = named("policy").advice(found, Around(COMMITS))
    assert [said for _, said in advice] == warned


def test_a_rule_without_a_scheme_moves_no_tags_that_a_denial_could_stop() -> None:
    denial = {**PULL, "Effect": "Deny", "Principal": "*", "Action": "ecr:PutImage"}
    policy, stated = named("policy"), {"policy": {"statements": [denial]}}
    found = wish("policy", stated, None)
    assert [*policy.advice(found, Around())] == []
    taggers = ("arn:aws:iam::123456789012:role/retag",)
    (alone,) = policy.drift(found, None, Around(account="123456789012", taggers=taggers))
    assert alone.action == "correct"
    (refused,) = policy.drift(found, None, Around(COMMITS, "123456789012", taggers=taggers))
    assert refused.action == "refuse"
