"""A policy is merged by Sid: ours set, others judged, and nobody locked out."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.settings import policies
from ecr_steward.settings.baseline import Baseline
from ecr_steward.settings.state import Problem, SettingAction, SettingChange
from ecr_steward.settings.statements import PolicyBaseline, fallbacks, merged, policy_drift

OWN = "123456789012"
ROLE = f"arn:aws:iam::{OWN}:role/steward"
PULL: dict[str, Any] = {
    "Sid": "Pull",
    "Effect": "Allow",
    "Principal": {"AWS": "111122223333"},
    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
}
OPEN = {**PULL, "Sid": "Open", "Principal": "*"}
OTHER = {**PULL, "Sid": "Other"}
FOREIGN = {**PULL, "Sid": "Foreign", "Principal": {"AWS": "999999999999"}}
LAMBDA = {**PULL, "Sid": "LambdaECRImageRetrievalPolicy",
          "Principal": {"Service": "lambda.amazonaws.com"}}  # fmt: skip


def baseline(*ours: Any, **more: Any) -> PolicyBaseline:
    stated = {"policy": {"statements": list(ours), **more}}
    found: PolicyBaseline = Baseline.from_document(stated).wishes["policy"]
    return found


def policy(*statements: Any, **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", **more, "Statement": list(statements)}


def drift(wanted: PolicyBaseline, *actual: Any, **more: Any) -> tuple[SettingChange, ...]:
    found = policy(*actual) if actual else None
    return policy_drift(wanted, found, **{"account": OWN, "setters": (ROLE,), **more})


def brief(changes: tuple[SettingChange, ...]) -> list[str]:
    return [f"{each.problem} {each.subject} {each.action}" for each in changes]


def after(wanted: PolicyBaseline, *actual: Any, **more: Any) -> Any:
    found = policy(*actual) if actual else None
    made = merged(found, drift(wanted, *actual, **more))
    return made if made is None else made["Statement"]


# ---------------------------------------------------------------------------- ours
def test_what_is_as_it_should_be_is_no_drift() -> None:
    spelled = {**PULL, "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]}}
    assert drift(baseline(PULL), spelled) == ()


def test_a_missing_statement_is_put_in() -> None:
    (change,) = drift(baseline(PULL))
    assert (change.problem, change.action) == (Problem.MISSING, SettingAction.CORRECT)
    assert (change.before, change.after) == (None, PULL)
    assert change.reason == "The statement `Pull` of the rule is missing."
    assert after(baseline(PULL)) == [PULL]


def test_a_changed_statement_is_replaced_and_says_where_it_differs() -> None:
    found = {**PULL, "Action": "ecr:*", "Effect": "Deny"}
    (change,) = drift(baseline(PULL), found)
    assert (change.problem, change.action) == (Problem.DIFFERENT, SettingAction.CORRECT)
    assert (change.before, change.after) == (found, PULL)
    assert "differs from the rule's in Effect and Action." in change.reason
    assert after(baseline(PULL), found) == [PULL]


def test_of_two_statements_with_our_sid_one_is_left() -> None:
    """Sids need not be unique in ECR."""
    other = {**PULL, "Principal": {"AWS": "111122223333"}, "Action": "ecr:PutImage"}
    assert brief(drift(baseline(PULL), PULL, other)) == ["different Pull correct"]
    assert after(baseline(PULL), other, PULL) == [PULL]
    assert after(baseline(PULL), other, {**other, "Action": "ecr:*"}) == [PULL]


def test_a_deleted_principal_is_named_and_set_anew() -> None:
    ours = {**PULL, "Principal": {"AWS": "arn:aws:iam::111122223333:role/ci"}}
    (change,) = drift(baseline(ours), {**ours, "Principal": {"AWS": "AROAEXAMPLEEXAMPLE"}})
    assert (change.problem, change.action) == (Problem.DIFFERENT, SettingAction.CORRECT)
    assert "names AROAEXAMPLEEXAMPLE, the id of a principal that was deleted" in change.reason


def test_our_statement_made_public_by_hand_is_told_as_public_and_put_right() -> None:
    found = {**PULL, "Principal": "*"}
    assert brief(drift(baseline(PULL), found)) == ["different Pull correct", "public Pull correct"]
    assert after(baseline(PULL), found) == [PULL]


def test_our_own_public_statement_is_reported_and_stays() -> None:
    assert brief(drift(baseline(OPEN), OPEN)) == ["public Open report"]
    assert drift(baseline(OPEN, public="allow"), OPEN) == ()


def test_a_statement_that_the_rule_dropped_is_taken_out_if_the_steward_had_put_it_in() -> None:
    assert brief(drift(baseline(PULL), PULL, OTHER)) == ["extra Other report"]
    (change,) = drift(baseline(PULL, others="keep"), PULL, OTHER, managed={"Other", "Pull"})
    assert (change.problem, change.action, change.after) == (
        Problem.EXTRA,
        SettingAction.CORRECT,
        None,
    )
    assert change.reason == "The rule had a statement `Other` and has it no more."
    assert after(baseline(), OTHER, managed={"Other"}) is None


# ---------------------------------------------------------------------------- others
def test_others_are_kept_reported_or_removed() -> None:
    assert drift(baseline(PULL, others="keep"), PULL, OTHER) == ()
    assert brief(drift(baseline(PULL), PULL, OTHER)) == ["extra Other report"]
    assert brief(drift(baseline(PULL, others="remove"), PULL, OTHER)) == ["extra Other correct"]
    assert after(baseline(PULL, others="remove"), OTHER, PULL) == [PULL]
    assert after(baseline(PULL), OTHER) == [OTHER, PULL]


def test_when_nothing_is_left_the_policy_is_deleted() -> None:
    wanted = baseline(others="remove", accounts=["111122223333"])
    assert after(wanted, OTHER) is None
    assert drift(wanted) == ()


def test_lambdas_statements_stay_where_all_others_go() -> None:
    wanted = baseline(PULL, others="remove", public="remove")
    assert drift(wanted, PULL, LAMBDA, managed={LAMBDA["Sid"]}) == ()
    assert after(wanted, OTHER, LAMBDA) == [LAMBDA, PULL]


def test_a_sid_of_lambdas_holds_nothing_open_but_what_lambda_needs() -> None:
    opened = {**OPEN, "Sid": "LambdaOpen"}
    assert brief(drift(baseline(), opened)) == ["public LambdaOpen report"]
    assert brief(drift(baseline(public="remove"), opened)) == ["public LambdaOpen correct"]
    assert after(baseline(public="remove"), opened, LAMBDA) == [LAMBDA]
    both = {**LAMBDA, "Principal": {"Service": "lambda.amazonaws.com", "AWS": "*"}}
    assert after(baseline(public="remove"), both) == [LAMBDA]


def test_strangers_under_a_sid_of_lambdas_go_where_strangers_go() -> None:
    both = {**LAMBDA, "Principal": {"Service": "lambda.amazonaws.com", "AWS": "999999999999"}}
    assert brief(drift(baseline(), both)) == [f"foreign {LAMBDA['Sid']} report"]
    assert after(baseline(foreign="remove"), both) == [LAMBDA]
    theirs = {"ArnLike": {"aws:SourceArn": "arn:aws:lambda:eu-west-1:999999999999:function:*"}}
    assert after(baseline(foreign="remove"), {**LAMBDA, "Condition": theirs}, LAMBDA) == [LAMBDA]


def test_public_statements_are_allowed_reported_or_removed() -> None:
    keep = {"others": "keep"}
    assert drift(baseline(public="allow", **keep), OPEN) == ()
    assert brief(drift(baseline(**keep), OPEN)) == ["public Open report"]
    (change,) = drift(baseline(public="remove", **keep), OPEN)
    assert (change.problem, change.action, change.after) == (
        Problem.PUBLIC,
        SettingAction.CORRECT,
        None,
    )
    assert change.reason == (
        "The statement `Open` lets anyone in: its principal `*` is anyone, with no condition."
    )
    assert after(baseline(public="remove", **keep), OPEN, OTHER) == [OTHER]


def test_what_goes_as_public_is_not_told_as_extra_and_what_goes_as_extra_is_told_as_public() -> (
    None
):
    assert brief(drift(baseline(public="remove"), OPEN)) == ["public Open correct"]
    assert brief(drift(baseline(), OPEN)) == ["extra Open report", "public Open report"]
    assert brief(drift(baseline(others="remove"), OPEN)) == [
        "extra Open correct",
        "public Open correct",
    ]


def test_foreign_statements_are_reported_and_go_where_others_go() -> None:
    (change,) = drift(baseline(others="keep"), FOREIGN)
    assert (change.problem, change.action) == (Problem.FOREIGN, SettingAction.REPORT)
    assert change.reason == (
        "The statement `Foreign` lets in the account 999999999999, which the rule does not name."
    )
    assert brief(drift(baseline(others="remove"), FOREIGN)) == [
        "extra Foreign correct",
        "foreign Foreign correct",
    ]
    assert drift(baseline(others="keep", accounts=["999999999999"]), FOREIGN) == ()
    foreign = {**LAMBDA, "Principal": {"AWS": "999999999999"}}
    assert brief(drift(baseline(others="remove"), foreign)) == [f"foreign {LAMBDA['Sid']} report"]


def test_strangers_go_and_whom_the_rule_names_stays() -> None:
    known, stranger = "111122223333", "999999999999"
    wanted = baseline(others="keep", foreign="remove", accounts=[known, "o-abc123"])
    both = {**PULL, "Principal": {"AWS": [known, f"arn:aws:iam::{stranger}:root"]}}
    assert brief(drift(wanted, PULL, both)) == ["foreign Pull correct"]
    assert after(wanted, FOREIGN, OTHER, both) == [OTHER, {**PULL, "Principal": {"AWS": [known]}}]
    orgs = {"StringEquals": {"aws:PrincipalOrgID": ["o-abc123", "o-other1"]}}
    (left,) = after(wanted, {**OPEN, "Condition": orgs})
    assert left["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": ["o-abc123"]}}


def test_by_right_a_statement_may_name_only_whom_its_actions_are_for() -> None:
    puller, pusher = "111122223333", "222233334444"
    wanted = baseline(others="keep", foreign="remove",
                      accounts={"pull": [puller], "push": [pusher]})  # fmt: skip
    push = {**PULL, "Sid": "Push", "Action": ["ecr:PutImage", "ecr:BatchGetImage"]}
    assert drift(wanted, PULL, {**push, "Principal": {"AWS": pusher}}) == ()
    assert brief(drift(wanted, push)) == ["foreign Push correct"]
    assert after(wanted, push) == [{**push, "Action": ["ecr:BatchGetImage"]}]
    all_ = {**PULL, "Principal": {"AWS": pusher}, "Action": "ecr:*"}
    assert after(wanted, all_) is None


def test_a_variable_under_the_old_version_is_a_text_and_stays_one() -> None:
    tagged = {"StringNotEquals": {"aws:PrincipalTag/team": "${aws:PrincipalTag/owner}"}}
    ours = {**PULL, "Effect": "Deny", "Action": "ecr:PutImage", "Condition": tagged}
    other = {**OTHER, "Condition": tagged}
    old = policy(ours, other, Version="2008-10-17")
    found = policy_drift(baseline(ours, others="keep", accounts=["111122223333"]), old)
    assert brief(found) == ["different Pull correct"]
    assert "its Version is 2008-10-17" in found[0].reason
    made = merged(old, found)
    assert made is not None
    assert made["Version"] == "2012-10-17"
    escaped = {"StringNotEquals": {"aws:PrincipalTag/team": "${$}{aws:PrincipalTag/owner}"}}
    assert made["Statement"] == [{**other, "Condition": escaped}, ours]


def test_whom_our_statements_name_may_be_named_by_others_too() -> None:
    assert drift(baseline(PULL, others="keep"), PULL, OTHER) == ()
    assert brief(drift(baseline(others="keep"), OTHER)) == ["foreign Other report"]


@pytest.mark.parametrize(
    ("principal", "said"),
    [
        ({"AWS": "999999999999"}, "the account 999999999999"),
        ({"Service": "codebuild.amazonaws.com"}, "any account through codebuild.amazonaws.com"),
        ({"CanonicalUser": "a" * 64}, "a" * 64),
    ],
)
def test_strangers_are_called_by_what_they_are(principal: Any, said: str) -> None:
    (change,) = drift(baseline(others="keep"), {**FOREIGN, "Principal": principal})
    assert f"lets in {said}, which" in change.reason


def test_statements_without_sid_and_shapes_nobody_knows_are_judged_too() -> None:
    nameless = {key: value for key, value in OPEN.items() if key != "Sid"}
    first, second = drift(baseline(public="remove"), nameless, "odd")
    assert first.reason.startswith(f"The {policies.subject(nameless)} lets anyone in: ")
    assert (second.problem, second.action) == (Problem.PUBLIC, SettingAction.CORRECT)
    assert after(baseline(public="remove"), nameless, "odd") is None


# ---------------------------------------------------------------------------- nobody is locked out
DENY: dict[str, Any] = {"Sid": "Deny", "Effect": "Deny", "Principal": "*", "Action": "ecr:*"}
SPARED = {
    "by its ARN": {"StringNotEquals": {"aws:PrincipalArn": ROLE}},
    "by a pattern": {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/stew*"}},
    "by its account": {"StringNotEquals": {"aws:PrincipalAccount": [OWN, "1"]}},
    "as no service": {"Bool": {"aws:PrincipalIsAWSService": "true"}},
    "as it speaks TLS": {"Bool": {"aws:SecureTransport": False}},
    "as of another account": {"StringEquals": {"aws:PrincipalAccount": "999999999999"}},
    "as of another role": {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/other"}},
    "as of the organisation": {"StringNotEquals": {"aws:PrincipalOrgID": "o-abc123"}},
    "by one of two": {
        "IpAddress": {"aws:SourceIp": "0.0.0.0/0"},
        "StringNotLikeIfExists": {"aws:PrincipalArn": ["x", "*:role/steward"]},
    },
    "with a key": {"Null": {"aws:PrincipalArn": True}},
    "as it speaks TLS, in capitals": {"Bool": {"aws:SecureTransport": "False"}},
    "by a pattern under equals": {"ArnNotEquals": {"aws:PrincipalArn": f"{ROLE[:-3]}*"}},
}
LOCKED: dict[str, dict[str, Any]] = {
    "everyone": {},
    "everyone by type": {"Principal": {"AWS": ["*"]}},
    "its account": {"Principal": {"AWS": f"arn:aws:iam::{OWN}:root"}},
    "its role": {"Principal": {"AWS": ROLE}, "Action": "ecr:SetRepositoryPolicy"},
    "by a pattern of actions": {"Action": ["ecr:PutImage", "ecr:Set*"]},
    "by one character": {"Action": "ecr:SetRepositoryPolic?"},
    "from reading": {"Action": "ecr:GetRepositoryPolicy"},
    "elsewhere": {"Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
    "but for another role": {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": f"{ROLE}-2"}}},
    "but for another organisation": {
        "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-other1"}}
    },
    "but for a literal star": {
        "Condition": {"StringNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/*"}}
    },
    "but for a literal star, whatever the case": {
        "Condition": {"StringNotEqualsIgnoreCase": {"aws:PrincipalArn": f"{ROLE}*"}}
    },
    "over TLS, in capitals": {"Condition": {"Bool": {"aws:SecureTransport": "True"}}},
    "for a date": {"Condition": {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}},
    "for any of": {"Condition": {"ForAnyValue:StringEquals": {"aws:PrincipalArn": ROLE}}},
    "as it has the key": {"Condition": {"Null": {"aws:PrincipalArn": "false"}}},
}


@pytest.mark.parametrize("condition", SPARED.values(), ids=SPARED)
def test_a_denial_that_surely_spares_the_steward_is_put_in(condition: Any) -> None:
    ours = {**DENY, "Condition": condition}
    assert brief(drift(baseline(ours, accounts=["o-abc123"]))) == ["missing Deny correct"]


@pytest.mark.parametrize("keys", LOCKED.values(), ids=LOCKED)
def test_a_denial_that_may_lock_the_steward_out_is_refused(keys: dict[str, Any]) -> None:
    wanted = baseline({**DENY, **keys}, PULL, accounts=["o-abc123"])
    refused, put_in = drift(wanted)
    assert (refused.problem, refused.action) == (Problem.LOCKS_OUT, SettingAction.REFUSE)
    assert "the steward could not set the policy any more" in refused.reason
    assert (put_in.subject, put_in.action) == ("Pull", SettingAction.CORRECT)
    assert after(wanted) == [PULL]


@pytest.mark.parametrize(
    "keys",
    [
        {"Action": "ecr:PutImage"},
        {"Action": ["ecr:SetRepository", "sts:SetRepositoryPolicy"]},
        {"Principal": {"AWS": "999999999999"}},
        {"Principal": {"Service": "codebuild.amazonaws.com"}},
    ],
)
def test_a_denial_of_others_or_of_other_rights_is_put_in(keys: dict[str, Any]) -> None:
    assert brief(drift(baseline({**DENY, **keys}))) == ["missing Deny correct"]


def test_denials_by_what_they_spare() -> None:
    def found(ours: Any, role: str = ROLE) -> list[str]:
        return brief(drift(baseline(ours), setters=(role,) if role else ()))

    denial = {key: value for key, value in DENY.items() if key != "Principal"}
    spares = {**denial, "NotPrincipal": {"AWS": [ROLE]}}
    assert found(spares) == ["missing Deny correct"]
    assert found(spares, role="") == ["locks_out Deny refuse"]
    assert found({**denial, "NotPrincipal": {"AWS": OWN}}) == ["locks_out Deny refuse"]
    by_action = {key: value for key, value in DENY.items() if key != "Action"}
    assert found({**by_action, "NotAction": "ecr:BatchGetImage"}) == ["locks_out Deny refuse"]
    assert found({**by_action, "NotAction": ["ecr:Set*"]}) == ["locks_out Deny refuse"]
    assert found({**by_action, "NotAction": ["ecr:*RepositoryPolicy"]}) == ["missing Deny correct"]
    each = [f"ecr:{verb}RepositoryPolicy" for verb in ("Set", "Get", "Delete")]
    assert found({**by_action, "NotAction": each}) == ["missing Deny correct"]


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEqualsIgnoreCase": {"aws:PrincipalArn": ROLE.upper()}},
        {"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}},
        {"StringNotLike": {"aws:PrincipalArn": "${aws:PrincipalTag/may}"}},
        {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:*:role/steward"}},
        {"ArnNotLike": {"aws:PrincipalArn": "*"}},
        {"ArnNotEquals": {"aws:PrincipalAccount": OWN}},
    ],
    ids=str,
)
def test_a_condition_that_may_hold_for_the_steward_locks_it_out(condition: Any) -> None:
    ours = {**DENY, "Condition": condition}
    assert brief(drift(baseline(ours))) == ["locks_out Deny refuse"]


def test_a_role_that_is_not_known_may_be_any_of_the_account() -> None:
    own = f"arn:aws:iam::{OWN}:role/*"
    for spared in (own, ["arn:aws:iam::*:role/aws-service-role/*", own]):
        ours = {**DENY, "Condition": {"ArnNotLike": {"aws:PrincipalArn": spared}}}
        assert brief(drift(baseline(ours), setters=())) == ["missing Deny correct"]
    for spared in (
        ROLE,
        f"arn:aws:iam::{OWN}:role/?",
        ["arn:aws:iam::999999999999:role/x", ROLE],
        "arn:aws:iam::12345678901?:*1",
    ):
        ours = {**DENY, "Condition": {"ArnNotLike": {"aws:PrincipalArn": spared}}}
        assert brief(drift(baseline(ours), setters=())) == ["locks_out Deny refuse"]
    others = {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::999999999999:role/x"}}
    ours = {**DENY, "Condition": others}
    assert brief(drift(baseline(ours), setters=())) == ["missing Deny correct"]
    mixed = {"ArnEquals": {"aws:PrincipalArn": ["arn:aws:iam::999999999999:role/x", ROLE]}}
    ours = {**DENY, "Condition": mixed}
    assert brief(drift(baseline(ours), setters=())) == ["locks_out Deny refuse"]


NO_PULL = {**DENY, "Action": "ecr:BatchGetImage"}
LAMBDA_SPARED = {
    "as a service": {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}},
    "by its name": {"StringNotEquals": {"aws:PrincipalServiceName": "lambda.amazonaws.com"}},
    "for its account": {"StringNotEquals": {"aws:SourceAccount": OWN}},
    "for its functions": {"ArnNotLike": {"aws:SourceArn": f"arn:aws:lambda:*:{OWN}:function:*"}},
    "as it is in no organisation": {"StringEquals": {"aws:PrincipalOrgID": "o-x"}},
    "as it is in none, by key": {"Null": {"aws:PrincipalOrgID": "false"}},
}


@pytest.mark.parametrize("condition", LAMBDA_SPARED.values(), ids=LAMBDA_SPARED)
def test_a_denial_that_spares_lambda_is_put_in(condition: Any) -> None:
    ours = {**NO_PULL, "Condition": condition}
    assert brief(drift(baseline(ours), LAMBDA)) == ["missing Deny correct"]


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"Principal": {"Service": "lambda.amazonaws.com"}},
        {"Action": "*"},
        {"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-x"}}},
        {"Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-x"}}},
        {"Condition": {"StringNotEquals": {"aws:SourceAccount": "999999999999"}}},
    ],
)
def test_a_denial_that_locks_lambda_out_is_refused_where_lambda_pulls(keys: Any) -> None:
    ours = {**NO_PULL, **keys}
    spared = {"setters": (), "account": OWN}
    if keys.get("Action") == "*":
        ours["Condition"] = {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/*"}}
    assert brief(drift(baseline(ours), LAMBDA, **spared)) == ["locks_out Deny refuse"]
    assert brief(drift(baseline(ours), **spared)) == ["missing Deny correct"]


def test_a_denial_of_all_but_some_spares_lambda_only_if_it_names_it() -> None:
    denial = {key: value for key, value in NO_PULL.items() if key != "Principal"}
    spares = {**denial, "NotPrincipal": {"Service": ["lambda.amazonaws.com"], "AWS": OWN}}
    assert brief(drift(baseline(spares), LAMBDA)) == ["missing Deny correct"]
    reaches = {**denial, "NotPrincipal": {"AWS": [OWN, ROLE]}}
    assert brief(drift(baseline(reaches), LAMBDA)) == ["locks_out Deny refuse"]
    assert brief(drift(baseline(reaches))) == ["missing Deny correct"]


def test_a_denial_that_locks_lambda_out_is_refused_where_the_rule_lets_lambda_pull() -> None:
    grants = {**LAMBDA, "Sid": "ForFunctions"}
    found = drift(baseline(grants, NO_PULL))
    assert brief(found) == ["missing ForFunctions correct", "locks_out Deny refuse"]


def test_the_last_statement_by_which_lambda_pulls_is_not_taken_out() -> None:
    grants = {**LAMBDA, "Sid": "ForFunctions"}
    wanted = baseline(others="remove")
    (change,) = drift(wanted, grants)
    assert (change.problem, change.action) == (Problem.LOCKS_OUT, SettingAction.REFUSE)
    assert change.reason.endswith(
        "It is left as it is: no statement would let Lambda pull any more, and functions that run "
        "these images would fail; take it out by hand if there are none."
    )
    assert after(wanted, grants) == [grants]
    # With another one it goes.
    assert after(wanted, grants, LAMBDA) == [LAMBDA]
    assert brief(drift(baseline(), grants, managed={"ForFunctions"})) == [
        "locks_out ForFunctions refuse"
    ]


def test_a_public_statement_that_lambda_pulls_by_as_well_is_narrowed_to_lambda() -> None:
    both = {**OPEN, "Principal": {"AWS": "*", "Service": "lambda.amazonaws.com"}}
    narrowed = {**OPEN, "Principal": {"Service": "lambda.amazonaws.com"}}
    for others in ("keep", "report", "remove"):
        wanted = baseline(public="remove", others=others)
        assert after(wanted, both) == [narrowed]
        assert all(each.action is not SettingAction.CORRECT for each in drift(wanted, narrowed))
    (change,) = drift(baseline(public="remove"), both)
    assert (change.before, change.after) == (both, narrowed)


def test_lambdas_name_does_not_hold_open_a_statement_of_ours() -> None:
    opened = {**PULL, "Principal": {"AWS": "*", "Service": "lambda.amazonaws.com"}}
    for public in ("report", "remove"):
        assert after(baseline(PULL, public=public), opened) == [PULL]
    widened = {**PULL, "Principal": {"AWS": "111122223333", "Service": "lambda.amazonaws.com"}}
    assert brief(drift(baseline(PULL), widened)) == ["locks_out Pull refuse"]


# ---------------------------------------------------------------------------- the whole document
def big(sid: str, length: int) -> dict[str, Any]:
    return {**PULL, "Sid": sid, "Condition": {"StringEquals": {"aws:PrincipalTag/x": "x" * length}}}


def test_a_policy_that_would_be_too_long_is_refused_and_what_must_go_still_goes() -> None:
    wanted = baseline(big("Ours", 6000), public="remove", others="keep",
                      accounts=["111122223333"])  # fmt: skip
    found = drift(wanted, big("Theirs", 6000), OPEN)
    assert brief(found) == ["missing Ours refuse", "public Open correct"]
    assert "the policy would have 12,4" in found[0].reason
    assert after(wanted, big("Theirs", 6000), OPEN) == [big("Theirs", 6000)]
    assert brief(drift(wanted, OPEN)) == ["missing Ours correct", "public Open correct"]


def test_others_statements_are_written_back_as_they_were_and_ours_without_resource() -> None:
    other = {**OTHER, "Resource": "*", "Principal": {"AWS": ["111122223333"]}}
    made = merged(policy(other, Id="x"), drift(baseline(PULL), other))
    assert made == {"Version": "2012-10-17", "Id": "x", "Statement": [other, PULL]}


@pytest.mark.parametrize(
    ("ours", "version"),
    [
        (PULL, "2008-10-17"),
        ({**PULL, "Condition": {"StringEquals": {"aws:userid": "${aws:userid}"}}}, "2012-10-17"),
    ],
)
def test_the_version_stays_unless_our_statements_need_another(ours: Any, version: str) -> None:
    found = policy(OTHER, Version="2008-10-17")
    made = merged(found, policy_drift(baseline(ours), found))
    assert made is not None
    assert made["Version"] == version


TAGGER = f"arn:aws:iam::{OWN}:role/retag"
FREEZE = {**DENY, "Sid": "Freeze", "Action": ["ecr:PutImage", "ecr:InitiateLayerUpload"]}


def test_a_denial_that_keeps_the_steward_from_moving_tags_is_refused() -> None:
    but_for = {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/ci"}}
    for ours in (FREEZE, {**FREEZE, "Condition": but_for}, {**FREEZE, "Action": "ecr:Batch*"}):
        (change,) = drift(baseline(ours), taggers=(TAGGER,))
        assert (change.problem, change.action) == (Problem.LOCKS_OUT, SettingAction.REFUSE)
        assert change.reason.endswith("It is left as it is: the steward could not move tags any "
                                      "more.")  # fmt: skip
        assert brief(drift(baseline(ours))) == ["missing Freeze correct"]


@pytest.mark.parametrize("spared", ["retag", "ret*", "*"])
def test_a_denial_that_spares_the_role_that_moves_tags_is_put_in(spared: str) -> None:
    but_for = {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/{spared}"}}
    ours = {**FREEZE, "Condition": but_for}
    assert brief(drift(baseline(ours), taggers=(TAGGER,))) == ["missing Freeze correct"]
    assert brief(
        drift(baseline({**FREEZE, "Action": "ecr:DeleteRepository"}), taggers=(TAGGER,))
    ) == ["missing Freeze correct"]


DEAD = "AROAEXAMPLEEXAMPLE"


def test_taking_out_alone_puts_nothing_in() -> None:
    both = {**OPEN, "Sid": "Both", "Principal": {"AWS": "*", "Service": "lambda.amazonaws.com"}}
    opened = {**OTHER, "Principal": "*"}
    wider = {**PULL, "Action": "ecr:*"}
    actual = (OPEN, wider, opened, both)
    found = drift(baseline(PULL, OTHER, {**PULL, "Sid": "New"}, public="remove"), *actual)
    (less,) = fallbacks(policy(*actual), found)
    assert less.policy == policy(wider, {**both, "Principal": {"Service": "lambda.amazonaws.com"}})
    assert [(each.problem, each.subject, each.after) for each in less.changes] == [
        (Problem.PUBLIC, "Other", None),
        (Problem.PUBLIC, "Open", None),
        (Problem.PUBLIC, "Both", {**both, "Principal": {"Service": "lambda.amazonaws.com"}}),
    ]


def test_where_nothing_must_go_there_is_nothing_else_to_try() -> None:
    assert list(fallbacks(policy(OTHER), drift(baseline(PULL), OTHER))) == []


@pytest.mark.parametrize(
    ("principal", "left"),
    [
        ({"AWS": DEAD}, None),
        ({"AWS": [DEAD]}, None),
        ({"AWS": [DEAD, "AIDAEXAMPLEEXAMPLE"]}, None),
        ({"AWS": [DEAD, "111122223333"]}, {"AWS": ["111122223333"]}),
        (
            {"AWS": DEAD, "Service": "codebuild.amazonaws.com"},
            {"Service": "codebuild.amazonaws.com"},
        ),
    ],
)
def test_ids_of_deleted_principals_go_where_ecr_refuses_the_policy(
    principal: Any, left: Any
) -> None:
    theirs = {**OTHER, "Principal": principal}
    kept = [] if left is None else [{**theirs, "Principal": left}]
    found = drift(baseline(PULL, others="keep", public="remove"), OPEN, theirs)
    whole, out = fallbacks(policy(OPEN, theirs), found)
    assert whole.policy == policy(*kept, PULL)
    assert [each.problem for each in whole.changes] == [Problem.MISSING, Problem.PUBLIC]
    assert out.policy == (policy(*kept) if kept else None)
    assert [each.problem for each in out.changes] == [Problem.PUBLIC]
    for change in (*whole.changes, *out.changes):
        assert f"{DEAD}" in change.reason
        assert "from the statement `Other`" in change.reason


def test_whom_a_denial_spares_stays_as_it_is() -> None:
    spares = {**OTHER, "Effect": "Deny", "NotPrincipal": {"AWS": DEAD}, "Action": "ecr:PutImage"}
    del spares["Principal"]
    found = drift(baseline(public="remove", others="keep"), OPEN, spares)
    (out,) = fallbacks(policy(OPEN, spares), found)
    assert out.policy == policy(spares)


# ---------------------------------------------------------------------------- each decision
OLD = "2008-10-17"
OF_OWN = {"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}
OWN_ORG = {**PULL, "Principal": "*", "Condition": OF_OWN}

VARIABLE = (
    "The statement `Pull` has a variable, which is a mere text in this policy: its Version is "
    "2008-10-17, not 2012-10-17."
)


@pytest.mark.parametrize(
    ("ours", "version", "told"),
    [
        (PULL, "2012-10-17", []),
        (PULL, OLD, []),
        (OWN_ORG, "2012-10-17", []),
        (OWN_ORG, OLD, [VARIABLE]),
    ],
)  # fmt: skip
def test_only_a_variable_under_the_old_version_is_no_more_what_it_says(
    ours: Any, version: str, told: list[str]
) -> None:
    changes = policy_drift(baseline(ours, public="allow"), policy(ours, Version=version))
    assert [each.reason for each in changes] == told


def test_a_statement_of_ours_that_ecr_cannot_have_differs_in_its_shape() -> None:
    change, _ = drift(baseline(PULL), {**PULL, "Grantee": "x"})
    assert change.reason == "The statement `Pull` differs from the rule's in its shape."


def test_what_the_rule_dropped_goes_and_is_told_as_public_too() -> None:
    found = drift(baseline(PULL, others="keep"), PULL, OPEN, managed={"Open"})
    assert brief(found) == ["extra Open correct", "public Open correct"]


BOTH = {**OPEN, "Sid": "Both", "Principal": {"AWS": "*", "Service": "lambda.amazonaws.com"}}
MIXED = {**FOREIGN, "Sid": "Mixed", "Principal": {"AWS": ["111122223333", "999999999999"]}}


@pytest.mark.parametrize(
    ("stated", "there", "left"),
    [
        ({"others": "keep"}, BOTH, [("public", "report", None)]),
        ({"others": "keep", "public": "remove"}, BOTH,
         [("public", "correct", {**BOTH, "Principal": {"Service": "lambda.amazonaws.com"}})]),
        ({"others": "keep", "public": "allow"}, BOTH, []),
        ({"others": "keep"}, MIXED, [("foreign", "report", None)]),
        ({"others": "keep", "foreign": "remove"}, MIXED,
         [("foreign", "correct", {**MIXED, "Principal": {"AWS": ["111122223333"]}})]),
        ({"others": "remove", "foreign": "remove"}, MIXED,
         [("extra", "correct", None), ("foreign", "correct", None)]),
        ({"others": "remove"}, MIXED, [("extra", "correct", None), ("foreign", "correct", None)]),
    ],
)  # fmt: skip
def test_what_is_left_of_a_statement_is_told_only_where_something_is_taken_out(
    stated: Any, there: Any, left: list[Any]
) -> None:
    changes = drift(baseline(PULL, **stated), PULL, there)
    assert [(each.problem, each.action, each.after) for each in changes] == left


def test_what_lambda_does_not_pull_by_goes_although_the_last_by_which_it_pulls_stays() -> None:
    functions = {**LAMBDA, "Sid": "Functions"}
    wanted = baseline(others="remove", accounts=["111122223333"])
    assert brief(drift(wanted, functions, OTHER)) == [
        "locks_out Functions refuse",
        "extra Other correct",
    ]


def tagged(sid: str, length: int) -> dict[str, Any]:
    return {**PULL, "Sid": sid, "Condition": {"StringEquals": {"aws:PrincipalTag/a": "x" * length}}}


def test_a_policy_may_be_as_long_as_ecr_takes_and_not_a_character_longer() -> None:
    theirs = tagged("Theirs", 6000)
    bare = len(policies.dumps(policy(theirs, tagged("Ours", 0))))
    room = policies.MAX_LENGTH - bare
    for longer, expected in ((0, "correct"), (1, "refuse")):
        wanted = baseline(tagged("Ours", room + longer), others="keep")
        assert brief(drift(wanted, theirs)) == [f"missing Ours {expected}"]


def test_where_the_policy_would_be_too_long_what_is_reported_is_reported() -> None:
    wanted = baseline(OPEN, tagged("Ours", 6000), others="keep")
    assert brief(drift(wanted, OPEN, tagged("Theirs", 6000))) == [
        "public Open report",
        "missing Ours refuse",
    ]


def test_what_goes_for_being_there_is_tried_alone_too() -> None:
    (less,) = fallbacks(policy(OTHER), drift(baseline(PULL, others="remove"), OTHER))
    assert less.policy is None
    assert [(each.problem, each.subject) for each in less.changes] == [(Problem.EXTRA, "Other")]


@pytest.mark.parametrize(
    ("ours", "there"),
    [
        ({**LAMBDA, "Sid": "Ours"}, {**OPEN, "Sid": "Ours", "Action": "ecr:PutImage"}),
        ({**PULL, "Sid": "Ours"}, {**BOTH, "Sid": "Ours"}),
    ],
)
def test_taking_out_alone_leaves_for_lambda_only_what_lambda_had(ours: Any, there: Any) -> None:
    found = drift(baseline(ours), LAMBDA, there)
    assert brief(found)[0] == "different Ours correct"
    (less,) = fallbacks(policy(LAMBDA, there), found)
    assert less.policy == policy(LAMBDA)
    assert [(each.problem, each.after) for each in less.changes] == [(Problem.PUBLIC, None)]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("o-other1", "lets in the organisation o-other1, which"),
        ("o-other1/r-1/*", "lets in the unit of an organisation o-other1/r-1/*, which"),
    ],
)
def test_an_organisation_is_told_from_a_unit_of_one(condition: str, said: str) -> None:
    key = "aws:PrincipalOrgPaths" if "/" in condition else "aws:PrincipalOrgID"
    there = {**OPEN, "Condition": {"ForAnyValue:StringLike": {key: condition}}}
    (change,) = drift(baseline(others="keep"), there)
    assert said in change.reason
