"""Policies compare by meaning, and what a rule states is of a shape that ECR takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_steward.settings import grammar, policies
from ecr_steward.settings.access import judge
from ecr_steward.settings.baseline import Baseline, Settings
from ecr_steward.settings.names import Allowed
from ecr_steward.settings.state import BaselineError, SettingsError

ACCOUNT = "111122223333"
PULL: dict[str, Any] = {
    "Sid": "Pull",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    "Condition": {"Bool": {"aws:SecureTransport": "true"}},
}


def changed(**keys: Any) -> dict[str, Any]:
    return {key: value for key, value in {**PULL, **keys}.items() if value is not None}


SAME: list[tuple[Any, ...]] = [
    ("order of keys", dict(reversed(PULL.items()))),
    ("order of actions", changed(Action=list(reversed(PULL["Action"])))),
    ("case of actions", changed(Action=["ECR:batchgetimage", "ecr:getDownloadUrlForLayer"])),
    ("an action twice", changed(Action=[*PULL["Action"], "ecr:BatchGetImage"])),
    ("account by number", changed(Principal={"AWS": ACCOUNT})),
    ("account in a list", changed(Principal={"AWS": [ACCOUNT]})),
    ("both names of it", changed(Principal={"AWS": [ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"]})),
    ("root in China", changed(Principal={"AWS": f"arn:aws-cn:iam::{ACCOUNT}:root"})),
    ("root for the government", changed(Principal={"AWS": f"arn:aws-us-gov:iam::{ACCOUNT}:root"})),
    ("no other principals", changed(Principal={"AWS": ACCOUNT, "Service": []})),
    ("case of operator and key", changed(Condition={"bool": {"AWS:securetransport": "true"}})),
    ("value in a list", changed(Condition={"Bool": {"aws:SecureTransport": ["true"]}})),
    ("value as truth", changed(Condition={"Bool": {"aws:SecureTransport": True}})),
    ("value in capitals", changed(Condition={"Bool": {"aws:SecureTransport": "True"}})),
    (
        "a null in capitals",
        changed(Condition={"Null": {"aws:SecureTransport": "True"}}),
        changed(Condition={"null": {"aws:SecureTransport": True}}),
    ),
    (
        "a name nobody knows",
        changed(Principal={"AWS": [{"a": 1, "b": 2}]}),
        changed(Principal={"AWS": [{"b": 2, "a": 1}]}),
    ),
    (
        "a value nobody knows",
        changed(Condition={"Bool": {"k": {"a": 1, "b": 2}}}),
        changed(Condition={"Bool": {"k": [{"b": 2, "a": 1}]}}),
    ),
    ("a resource of all", changed(Resource="*")),
    ("a resource of all in a list", changed(Resource=["*"])),
]
DIFFERENT = [
    ("another Sid", changed(Sid="Push")),
    ("no Sid", changed(Sid=None)),
    ("another effect", changed(Effect="Deny")),
    ("one action less", changed(Action="ecr:BatchGetImage")),
    ("all actions", changed(Action="ecr:*")),
    ("the other actions", changed(Action=None, NotAction=PULL["Action"])),
    ("a role of the account", changed(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"})),
    ("another type", changed(Principal={"Federated": ACCOUNT})),
    ("the other principals", changed(Principal=None, NotPrincipal=PULL["Principal"])),
    ("a deleted role", changed(Principal={"AWS": "AROAEXAMPLEEXAMPLE"})),
    ("no condition", changed(Condition=None)),
    ("another operator", changed(Condition={"BoolIfExists": {"aws:SecureTransport": "true"}})),
    ("another key", changed(Condition={"Bool": {"aws:ViaAWSService": "true"}})),
    ("another value", changed(Condition={"Bool": {"aws:SecureTransport": "false"}})),
    ("one resource", changed(Resource="arn:aws:ecr:eu-west-1:1:repository/x")),
    ("an unknown element", changed(Grantee="x")),
    ("case of a text", changed(Condition={"StringEquals": {"aws:PrincipalTag/a": "A"}})),
]


@pytest.mark.parametrize(
    ("other", "one"),
    [(each[1], each[2] if each[2:] else PULL) for each in SAME],
    ids=[each[0] for each in SAME],
)
def test_spelling_and_order_do_not_count(other: Any, one: Any) -> None:
    assert policies.same(one, other)
    assert policies.subject(other) == "Pull"


@pytest.mark.parametrize(
    "other", [each[1] for each in DIFFERENT], ids=[each[0] for each in DIFFERENT]
)
def test_meaning_counts(other: Any) -> None:
    assert not policies.same(PULL, other)


def test_texts_differ_by_their_case_unless_their_operator_says_otherwise() -> None:
    def condition(operator: str, value: str) -> dict[str, Any]:
        return changed(Condition={operator: {"aws:PrincipalTag/team": value}})

    assert not policies.same(condition("StringEquals", "A"), condition("StringEquals", "a"))
    ignoring = "StringEqualsIgnoreCase"
    assert policies.same(condition(ignoring, "A"), condition(ignoring, "a"))


def test_star_is_star_however_it_is_written() -> None:
    assert policies.same(changed(Principal="*"), changed(Principal={"AWS": ["*"]}))
    assert policies.same(changed(Action="*"), changed(Action=["ECR:*"]))


@pytest.mark.parametrize(
    "odd",
    ["x", None, 7, [], {"Effect": 1}, {"Effect": ["Allow"]}, {"Effect": "Allow", "Condition": []},
     {"Effect": "Allow", "Condition": {"Bool": "x"}}, {"Effect": "Allow", "Sid": 7}],
)  # fmt: skip
def test_what_is_no_statement_is_the_same_as_itself_alone(odd: Any) -> None:
    assert policies.same(odd, odd)
    assert not policies.same(odd, PULL)
    assert policies.canonical(odd)[0] == "unknown"
    assert hash(policies.canonical(odd))
    if isinstance(odd, dict):
        assert policies.same(odd, dict(reversed(odd.items())))
    assert policies.subject(odd).startswith("statement without Sid ")


def test_a_statement_without_sid_is_called_by_what_it_means() -> None:
    one, other = changed(Sid=None), changed(Sid=None, Principal={"AWS": ACCOUNT})
    assert policies.subject(one) == policies.subject(other) == "statement without Sid 17eefff6"
    assert policies.subject(changed(Sid=None, Effect="Deny")) != policies.subject(one)


def test_one_statement_stands_for_a_list_and_anything_else_for_itself() -> None:
    assert policies.statements(None) == ()
    assert policies.statements({"Version": "2012-10-17"}) == ()
    assert policies.statements({"Statement": PULL}) == (PULL,)
    assert policies.statements({"Statement": [PULL, "x", None]}) == (PULL, "x")
    assert policies.statements({"Statement": "x"}) == ("x",)


def test_a_policy_is_parsed_from_its_text() -> None:
    assert policies.parse('{"Statement": []}') == {"Statement": []}
    assert policies.parse({"Statement": []}) == {"Statement": []}
    for text in ("{", "[]", "[" * 100_000):
        with pytest.raises(SettingsError, match="policy"):
            policies.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"Statement": [], "Statement": [%s]}',
        '{"Statement": [{"Principal": "*", %s]}',
        '{"Statement": [{"Condition": {}, "Condition": {}, %s]}',
        '{"Statement": [%s], "Principal": "*"}',
        '{"statement": [%s]}',
    ],
)
def test_what_readers_may_disagree_on_is_unsafe(text: str) -> None:
    named = json.dumps({**PULL, "Principal": {"AWS": ACCOUNT}})
    text = text % (named if "[%s]" in text else named[1:])
    for policy in (policies.parse(text), Settings.from_document({"policy": text}).found["policy"]):
        found = policies.statements(policy)
        assert any(judge(each, Allowed([ACCOUNT])).public for each in found)


def test_ids_of_deleted_principals_are_found() -> None:
    assert policies.deleted(changed(Principal={"AWS": ["AIDAEXAMPLEEXAMPLE", ACCOUNT]})) == (
        "AIDAEXAMPLEEXAMPLE",
    )
    odd = changed(Principal={"AWS": [7, None]})
    assert policies.deleted(PULL) == policies.deleted("x") == policies.deleted(odd) == ()


@pytest.mark.parametrize(
    "principal", ["*", "AROAEXAMPLEEXAMPLE", {"AWS": [ACCOUNT], "Service": []}, None]
)
def test_a_statement_without_ids_of_deleted_principals_stays_as_it_is(principal: Any) -> None:
    statement = {**PULL, "Principal": principal}
    assert policies.without_deleted(statement) == ((), statement)
    assert policies.without_deleted("x") == ((), "x")


@pytest.mark.parametrize(
    ("version", "variable", "said"),
    [
        (None, "o-abc123", None),
        (None, "${aws:ResourceOrgID}", None),
        ("2012-10-17", "${aws:ResourceOrgID}", None),
        ("2008-10-17", "o-abc123", None),
        ("2008-10-17", "${aws:ResourceOrgID}", "Under `Version` 2008-10-17 a variable is a mere"),
        ("2020-01-01", "o-abc123", "`Version` must be 2012-10-17; it is `2020-01-01`."),
        (7, "o-abc123", "`Version` must be 2012-10-17; it is `7`."),
    ],
)
def test_a_file_of_statements_has_a_version_by_which_they_mean_the_same(
    version: Any, variable: str, said: str | None
) -> None:
    statement = changed(Condition={"StringEquals": {"aws:PrincipalOrgID": variable}})
    stated = {} if version is None else {"Version": version}
    found = policies.version_fault({**stated, "Statement": [statement]})
    assert found is None if said is None else str(found).startswith(said)


def fault(*statements: Any, **policy: Any) -> tuple[str, tuple[str | int, ...]]:
    with pytest.raises(BaselineError) as caught:
        Baseline.from_document({"policy": {"statements": list(statements), **policy}})
    assert caught.value.path[0] == "policy"
    return str(caught.value), caught.value.path[1:]


FIRST = ("statements", 0)
FAULTS: list[tuple[Any, str, tuple[str | int, ...]]] = [
    ("x", "A statement must be a mapping", FIRST),
    (changed(Sid=None), "A statement needs a `Sid`", FIRST),
    (changed(Sid=7), "knows its own by it. Put it in quotes.", FIRST),
    (changed(Sid="a/b"), "a text of letters and digits: the steward knows its own by it.", FIRST),
    (changed(Action=""), "`Action` must be an action", (*FIRST, "Action")),
    (changed(Principal={"Federated": ""}), "must be a string or a list of strings",
     (*FIRST, "Principal", "Federated")),
    (changed(Principal={"AWS": "everyone"}), "`everyone` is no principal that ECR takes",
     (*FIRST, "Principal", "AWS")),
    (changed(Principal={"Service": "example.com"}), "`example.com` is no principal",
     (*FIRST, "Principal", "Service")),
    (changed(Condition={"StringEquls": {"k": "x"}}),
     "`StringEquls` is no condition operator of IAM's; did you mean `StringEquals`?",
     (*FIRST, "Condition", "StringEquls")),
    (changed(Condition={"x": {"k": "x"}}),
     "`x` is no condition operator of IAM's, such as `StringEquals`.", (*FIRST, "Condition", "x")),
    (changed(Condition={"StringEquals": {"k": 5}}),
     "`k` must be a string or a list of strings; put it in quotes.",
     (*FIRST, "Condition", "StringEquals", "k")),
    (changed(Condition={"NumericLessThan": {"k": 1.5}}),
     "`k` must be a string or a list of strings.", (*FIRST, "Condition", "NumericLessThan", "k")),
    (changed(Sid="LambdaPull"), "Sids that begin with `Lambda` are Lambda's own", (*FIRST, "Sid")),
    (changed(Resource="x"), "`Resource` can only be `*` in a repository", (*FIRST, "Resource")),
    (changed(NotResource="x"), "`NotResource` is no part of", (*FIRST, "NotResource")),
    (changed(Actions="x"), "`Actions` is no part of a statement", (*FIRST, "Actions")),
    (changed(Effect="allow"), "`Effect` must be Allow or Deny", (*FIRST, "Effect")),
    (changed(Principal=None), "either `Principal` or `NotPrincipal`", FIRST),
    (changed(NotPrincipal="*"), "either `Principal` or `NotPrincipal`", FIRST),
    (changed(NotAction="x"), "either `Action` or `NotAction`", FIRST),
    (changed(Action=[]), "`Action` must be an action", (*FIRST, "Action")),
    (changed(Action=[7]), "`Action` must be an action", (*FIRST, "Action")),
    (changed(Principal="x"), '`Principal` must be `"*"`', (*FIRST, "Principal")),
    (changed(Principal={}), '`Principal` must be `"*"`', (*FIRST, "Principal")),
    (changed(Principal={"Aws": "1"}), "`Aws` is no kind of principal",
     (*FIRST, "Principal", "Aws")),
    (changed(Principal={"AWS": 111122223333}), "put account ids in quotes",
     (*FIRST, "Principal", "AWS")),
    (changed(Principal={"AWS": [ACCOUNT, "AROAEXAMPLEEXAMPLE"]}),
     "`AROAEXAMPLEEXAMPLE` is the id of a principal", (*FIRST, "Principal", "AWS")),
    (changed(Condition="x"), "`Condition` must be a mapping", (*FIRST, "Condition")),
    (changed(Condition={"Bool": "x"}), "`Bool` must be a mapping", (*FIRST, "Condition", "Bool")),
    (changed(Condition={"Bool": {"k": []}}), "`k` must be a value or a list",
     (*FIRST, "Condition", "Bool", "k")),
    (changed(Condition={"Bool": {"k": {}}}), "`k` must be a string or a list of strings.",
     (*FIRST, "Condition", "Bool", "k")),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "said", "path"), FAULTS)
def test_each_fault_of_a_statement_is_named_with_its_place(
    statement: Any, said: str, path: tuple[str | int, ...]
) -> None:
    sentence, at = fault(statement)
    assert said in sentence
    assert at == path


def test_sids_are_there_once() -> None:
    assert fault(PULL, changed(Effect="Deny")) == (
        "`Pull` is the Sid of an earlier statement too.",
        ("statements", 1, "Sid"),
    )


def test_a_policy_longer_than_ecr_takes_is_refused() -> None:
    many = [
        changed(Sid=f"Pull{i}", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/{'x' * 64}-{i}"})
        for i in range(50)
    ]
    sentence, path = fault(*many)
    assert "characters; ECR takes 10,240 at most" in sentence
    assert path == ("statements",)
    Baseline.from_document({"policy": {"statements": many[:30]}})


def test_a_policy_as_long_as_one_may_be_is_taken_and_not_a_character_more() -> None:
    def tagged(length: int) -> dict[str, Any]:
        return changed(Condition={"StringEquals": {"aws:PrincipalTag/a": "x" * length}})

    bare = len(policies.dumps(policies.document([tagged(0)])))
    grammar.checked([tagged(policies.MAX_LENGTH - bare)])
    with pytest.raises(BaselineError, match="a policy of 10,241 characters"):
        grammar.checked([tagged(policies.MAX_LENGTH - bare + 1)])


@pytest.mark.parametrize(
    "statement",
    [
        changed(Principal={"Federated": "accounts.google.com"}),
        changed(Principal={"AWS": ACCOUNT, "Service": "lambda.amazonaws.com"}),
        changed(Condition={"NumericLessThan": {"k": 5}}),
        changed(Condition={"NumericLessThanIfExists": {"k": [5, "6"]}}),
        changed(Condition={"Null": {"k": True}}),
    ],
)
def test_principals_and_values_that_iam_reads_are_taken(statement: Any) -> None:
    assert grammar.checked([statement]) == (statement,)


@pytest.mark.parametrize(
    ("resource", "said"),
    [("*", None), ("arn:aws:ecr:eu-west-1:111122223333:repository/*", None), ([], "must be"),
     ("repository/*", "must be"), (["*", 7], "must be")],
)  # fmt: skip
def test_a_statement_of_the_registrys_is_about_arns_of_ecr(resource: Any, said: str | None) -> None:
    statement = changed(Resource=resource)
    if said is None:
        assert grammar.checked([statement], resource=True) == (statement,)
        return
    with pytest.raises(BaselineError, match="`Resource` must be `\\*`, an ARN or a list of these"):
        grammar.checked([statement], resource=True)


UNREADABLE: list[tuple[str, Any, list[str]]] = [
    ("DateLessThan", ["2030-01-01", "soon"], ["soon"]),
    ("DateLessThan", "${aws:CurrentTime}", []),
    ("NumericEqualsIfExists", ["5", "-1.5", "five"], ["five"]),
    ("Bool", ["true", "FALSE", "yes"], ["yes"]),
    ("NotIpAddress", ["10.0.0.0/8", "office"], ["office"]),
    ("ArnLike", ["*", "role/x"], ["role/x"]),
    ("StringLike", ["anything"], []),
]


@pytest.mark.parametrize(("operator", "wanted", "unreadable"), UNREADABLE)
def test_values_that_an_operator_cannot_read_are_found(
    operator: str, wanted: Any, unreadable: list[str]
) -> None:
    found = [PULL, changed(Condition={operator: {"k": wanted}})]
    assert list(grammar.unreadable_values(found)) == [
        ((1, "Condition", operator, "k"), operator, each) for each in unreadable
    ]


def test_our_own_statement_may_not_be_one_that_the_rule_takes_out() -> None:
    sentence, path = fault(changed(Principal="*"), public="remove")
    assert "`Pull` lets anyone in" in sentence
    assert path == FIRST
    for word in ("allow", "report"):
        Baseline.from_document({"policy": {"statements": [changed(Principal="*")], "public": word}})


@pytest.mark.parametrize("name", [ACCOUNT, "o-abc123", "codebuild.amazonaws.com", "vpc-0a", "*",
                                  "vpce-0f", "203.0.113.0/24", "2001:db8::/32", "1.2.3.4", "::1",
                                  "o-abc123/r-a1/ou-a1-b2/*", "o-abc123/*"])  # fmt: skip
def test_who_can_be_named(name: str) -> None:
    baseline = Baseline.from_document({"policy": {"accounts": [name]}})
    assert baseline.wishes["policy"].accounts.may("manage") == {name}


def test_by_right_whoever_may_do_more_may_do_less() -> None:
    lists = {"pull": ["o-abc123"], "push": [ACCOUNT]}
    baseline = Baseline.from_document({"policy": {"accounts": lists}})
    found = baseline.wishes["policy"].accounts
    assert found.may("pull") == {"o-abc123", ACCOUNT}
    assert found.may("push") == {ACCOUNT}
    assert found.may("manage") == set()


def test_there_are_three_rights() -> None:
    sentence, path = fault(accounts={"read": [ACCOUNT]})
    assert sentence == "`read` is no right; there are pull, push, manage."
    assert path == ("accounts", "read")


@pytest.mark.parametrize("name", ["11112222333", "O-abc", "o-*", "example.com", "x", 7, None, "",
                                  "o-abc123/r-a1/ou-a1", "1.2.3", "10.0.0.0/33"])  # fmt: skip
def test_who_cannot_be_named(name: Any) -> None:
    sentence, path = fault(accounts=[ACCOUNT, name])
    assert f"`{name}` is no account" in sentence
    assert path == ("accounts", 1)


def test_actions_that_are_not_ecrs_are_found() -> None:
    found = [
        changed(Action=["ecr:PutImage", "s3:GetObject", "*"]),
        changed(Action="sts:AssumeRole"),
    ]
    assert list(grammar.unknown_actions(found)) == [
        (0, "Action", "s3:GetObject"),
        (1, "Action", "sts:AssumeRole"),
    ]


@pytest.mark.parametrize(
    "operator",
    ["StringEquals", "stringlikeifexists", "ForAnyValue:StringLike", "ForAllValues:ArnLikeIfExists",
     "Null", "Bool", "NumericLessThanEquals", "DateNotEquals", "IpAddress"],
)  # fmt: skip
def test_every_condition_operator_of_iams_is_taken(operator: str) -> None:
    statement = {"Sid": "A", "Effect": "Allow", "Principal": "*", "Action": "ecr:*"}
    grammar.checked([{**statement, "Condition": {operator: {"aws:PrincipalOrgID": "o-abc123"}}}])
