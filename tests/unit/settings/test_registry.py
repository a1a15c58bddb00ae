"""The registry's own settings: scanning, and templates made of the rules for their prefix."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_steward.rules.model import RulesError, Ruleset
from ecr_steward.settings.kinds import Around
from ecr_steward.settings.kinds.encryption import Encryption
from ecr_steward.settings.registry import RegistryBaseline, RegistrySettings, registry_drift
from ecr_steward.settings.registry_kinds.creation_templates import (
    CreationTemplate,
    CreationTemplates,
)
from ecr_steward.settings.registry_kinds.policy import RegistryPolicy
from ecr_steward.settings.registry_kinds.scanning import Scanning
from ecr_steward.settings.state import SettingsError
from tests.support.having import registry_having

ROLE = "arn:aws:iam::123456789012:role/ecr-template"
PULL = {
    "Sid": "Pull",
    "Effect": "Allow",
    "Principal": {"AWS": "111122223333"},
    "Action": "ecr:BatchGetImage",
}
UNTAGGED = {
    "rulePriority": 1,
    "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1},
    "action": {"type": "expire"},
}
RULES: list[dict[str, Any]] = [
    {"repositories": ["base/redis"], "repository": {"immutability": "MUTABLE"}},
    {
        "repositories": ["base/*"],
        "tags": {"unique": ["sha"], "stable": [{"tag": "main"}]},
        "repository": {
            "policy": {"statements": [PULL]},
            "lifecycle": {"rules": [UNTAGGED]},
            "immutability": "scheme",
            "encryption": "KMS",
            "resource_tags": {"owner": "platform"},
        },
    },
    {"repositories": ["*"]},
]
SCANNING = {
    "type": "ENHANCED",
    "rules": [
        {"frequency": "CONTINUOUS_SCAN", "filters": ["base/*"]},
        {"frequency": "SCAN_ON_PUSH", "filters": ["*"]},
    ],
}
BASIC = RegistrySettings()


def baseline(**registry: Any) -> RegistryBaseline:
    document = {"version": 1, "rules": RULES, "registry": registry}
    return Ruleset.from_document(document).registry_baseline


def template(prefix: str = "base/", *applied: str, **more: Any) -> dict[str, Any]:
    return {"prefix": prefix, "applied_for": list(applied or ("CREATE_ON_PUSH",)), **more}


def test_where_the_rules_say_nothing_nothing_drifts() -> None:
    templates = {"x": CreationTemplate("x", frozenset({"REPLICATION"}))}
    actual = registry_having(
        scanning=Scanning("ENHANCED", {"SCAN_ON_PUSH": frozenset("*")}),
        creation_templates=templates,
    )
    assert registry_drift(baseline(), actual) == ()


def test_scanning_that_differs_is_set_as_a_whole() -> None:
    (change,) = registry_drift(baseline(scanning=SCANNING), BASIC)
    assert (change.setting, change.problem, change.action) == ("scanning", "different", "correct")
    assert change.before == {"scanType": "BASIC", "rules": []}
    assert change.after["scanType"] == "ENHANCED"
    assert change.after["rules"][0] == {
        "scanFrequency": "CONTINUOUS_SCAN",
        "repositoryFilters": [{"filter": "base/*", "filterType": "WILDCARD"}],
    }
    assert "BASIC (of no repository)" in change.reason
    assert "CONTINUOUS_SCAN for base/*; SCAN_ON_PUSH for *" in change.reason
    set_ = Scanning.from_response(change.after)
    assert registry_drift(baseline(scanning=SCANNING), registry_having(scanning=set_)) == ()


def test_a_template_is_made_of_the_rule_for_all_repositories_under_it() -> None:
    (change,) = registry_drift(baseline(creation_templates=[template(role=ROLE)]), BASIC)
    assert (change.setting, change.problem) == ("creation_templates", "missing")
    assert (change.subject, change.before) == ("base", None)
    assert change.after == {
        "prefix": "base",
        "appliedFor": ["CREATE_ON_PUSH"],
        "repositoryPolicy": '{"Version":"2012-10-17","Statement":[{"Sid":"Pull","Effect":"Allow",'
        '"Principal":{"AWS":"111122223333"},"Action":"ecr:BatchGetImage"}]}',
        "lifecyclePolicy": '{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged",'
        '"countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}',
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [
            {"filterType": "WILDCARD", "filter": "main*"},
            {"filterType": "WILDCARD", "filter": "sha256-*"},
        ],
        "encryptionConfiguration": {"encryptionType": "KMS"},
        "resourceTags": [{"Key": "owner", "Value": "platform"}],
        "customRoleArn": ROLE,
    }


def test_a_template_that_is_as_it_should_be_is_no_drift_however_it_is_written() -> None:
    wanted = baseline(creation_templates=[template(role=ROLE)])
    (change,) = registry_drift(wanted, BASIC)
    response = {**change.after, "repositoryPolicy": change.after["repositoryPolicy"].replace(
        '"111122223333"', '["arn:aws:iam::111122223333:root"]')}  # fmt: skip
    there = {"base": CreationTemplate.from_response(response)}
    assert registry_drift(wanted, registry_having(creation_templates=there)) == ()
    other = {"base": CreationTemplate.from_response({**response, "appliedFor": ["REPLICATION"]})}
    (changed,) = registry_drift(wanted, registry_having(creation_templates=other))
    assert (changed.problem, changed.before["appliedFor"]) == ("different", ["REPLICATION"])
    assert changed.reason.startswith("The creation template for `base` differs: ")


def test_the_template_of_the_root_and_of_caches() -> None:
    (root,) = baseline(creation_templates=[template("ROOT")]).wishes["creation_templates"]
    assert root.same(CreationTemplate("ROOT", frozenset({"CREATE_ON_PUSH"})))
    assert root.to_request()["repositoryPolicy"] == ""
    cached = template("base", "PULL_THROUGH_CACHE", role=ROLE)
    (cache,) = baseline(creation_templates=[cached]).wishes["creation_templates"]
    assert cache.to_request()["imageTagMutability"] == "MUTABLE"
    assert CreationTemplate.from_response({"prefix": "x"}).same(CreationTemplate("x", frozenset()))


def test_what_the_rule_does_not_state_stays_as_the_template_has_it() -> None:
    wanted = baseline(creation_templates=[template("ROOT", "REPLICATION")])
    keyed = {"encryptionType": "KMS", "kmsKey": "arn:aws:kms:eu-west-1:123456789012:key/1"}
    response = {
        "prefix": "ROOT",
        "appliedFor": ["CREATE_ON_PUSH"],
        "repositoryPolicy": '{"Statement": []}',
        "imageTagMutability": "IMMUTABLE",
        "encryptionConfiguration": keyed,
        "resourceTags": [{"Key": "a", "Value": "b"}],
        "customRoleArn": ROLE,
    }
    there = registry_having(creation_templates={"ROOT": CreationTemplate.from_response(response)})
    (change,) = registry_drift(wanted, there)
    assert change.after == {**change.before, "appliedFor": ["REPLICATION"]}
    assert change.after["encryptionConfiguration"] == keyed
    set_ = registry_having(
        creation_templates={"ROOT": CreationTemplate.from_response(change.after)}
    )
    assert registry_drift(wanted, set_) == ()


@pytest.mark.parametrize(
    ("registry", "said", "path"),
    [
        ({"creation_templates": [template("Base")]}, "`Base` is no beginning of a repository's",
         ("creation_templates", 0, "prefix")),
        ({"creation_templates": [template("ROOT"), template("ROOT")]},
         "`ROOT` has a template above", ("creation_templates", 1, "prefix")),
        ({"creation_templates": [template()]}, "needs a role to make repositories with",
         ("creation_templates", 0, "role")),
        ({"creation_templates": [template(role="x")]}, "`x` is no ARN of an IAM role",
         ("creation_templates", 0, "role")),
        ({"scanning": {"rules": [{"frequency": "CONTINUOUS_SCAN", "filters": ["*"]}]}},
         "With scanning of type BASIC a frequency is one of SCAN_ON_PUSH, MANUAL",
         ("scanning", "rules", 0, "frequency")),
        ({"scanning": {"rules": [{"frequency": "MANUAL", "filters": ["a"]},
                                 {"frequency": "MANUAL", "filters": ["b"]}]}},
         "MANUAL has a rule above", ("scanning", "rules", 1)),
        ({"scanning": {"rules": [{"frequency": "MANUAL", "filters": ["a", "A"]}]}},
         "`A` can match no repository", ("scanning", "rules", 0, "filters", 1)),
        ({"scanning": {"rules": [{"frequency": "MANUAL", "filters": ["a" * 250 + "!"]}]}},
         "can match no repository", ("scanning", "rules", 0, "filters", 0)),
        ({"scanning": {"rules": [{"frequency": "MANUAL", "filters": list(map(str, range(101)))}]}},
         "ECR takes 100 filters; these are 101", ("scanning", "rules", 0, "filters")),
        ({"creation_templates": [{**template("ROOT", role=ROLE), "applied_for": []}]},
         "`applied_for` is empty", ("creation_templates", 0, "applied_for")),
    ],
)  # fmt: skip
def test_what_ecr_does_not_take_is_refused_with_its_place(
    registry: dict[str, Any], said: str, path: tuple[Any, ...]
) -> None:
    with pytest.raises(RulesError) as caught:
        baseline(**registry)
    assert said in caught.value.sentence
    assert caught.value.path == ("registry", *path)


def test_a_prefix_that_no_rule_holds_for_has_no_template() -> None:
    document = {
        "version": 1,
        "rules": [{"repositories": ["base/redis"]}],
        "registry": {"creation_templates": [template()]},
    }
    with pytest.raises(RulesError, match="add a rule for `base/\\*`"):
        _ = Ruleset.from_document(document).registry_baseline


# ---------------------------------------------------------------------------- policy
ACCOUNT = "123456789012"
REPLICATE: dict[str, Any] = {
    "Sid": "Replicate",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
    "Resource": [f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/*"],
}
PUBLIC = {**REPLICATE, "Sid": "Open", "Principal": "*"}


def judged(actual: Any = None, account: str = ACCOUNT, **policy: Any) -> list[str]:
    found = None if actual is None else {"Version": "2012-10-17", "Statement": actual}
    around = Around(account=account, setters=(ROLE,), taggers=(ROLE,))
    changes = registry_drift(baseline(policy=policy), registry_having(policy=found), around)
    return [f"{each.problem} {each.subject} {each.action}" for each in changes]


def test_the_registrys_policy_is_merged_by_sid() -> None:
    assert judged(statements=[REPLICATE]) == ["missing Replicate correct"]
    assert judged([REPLICATE], statements=[REPLICATE]) == []
    fewer = {**REPLICATE, "Resource": "arn:aws:ecr:eu-west-1:123456789012:repository/base/*"}
    assert judged([fewer], statements=[REPLICATE]) == ["different Replicate correct"]
    assert judged([PUBLIC], public="remove", others="keep") == ["public Open correct"]
    assert judged([REPLICATE], foreign="remove", others="keep") == ["foreign Replicate correct"]


def test_a_denial_that_locks_the_steward_out_of_the_registrys_policy_is_refused() -> None:
    deny = {**PUBLIC, "Sid": "No", "Effect": "Deny", "Action": "ecr:PutRegistryPolicy"}
    assert judged(statements=[deny]) == ["locks_out No refuse"]
    spared = {**deny, "Condition": {"ArnNotEquals": {"aws:PrincipalArn": ROLE}}}
    assert judged(statements=[spared]) == ["missing No correct"]


@pytest.mark.parametrize(
    ("action", "harm"),
    [("ecr:BatchGetImage", "Inspector could not scan"), ("ecr:ReplicateImage", "be replicated")],
)
def test_a_denial_that_breaks_what_aws_does_for_the_registry_is_refused(
    action: str, harm: str
) -> None:
    spared = {"ArnNotEquals": {"aws:PrincipalArn": ROLE}}
    deny = {**PUBLIC, "Sid": "No", "Effect": "Deny", "Action": action, "Condition": spared}
    wanted = baseline(policy={"statements": [deny]})
    around = Around(account=ACCOUNT, setters=(ROLE,), taggers=(ROLE,))
    (change,) = registry_drift(wanted, BASIC, around)
    assert (change.problem, change.action) == ("locks_out", "refuse")
    assert harm in change.reason
    ours = f"arn:aws:iam::{ACCOUNT}:role/*"
    everyone = {**deny, "Condition": {"ArnNotLike": {"aws:PrincipalArn": ours}}}
    assert judged(statements=[everyone]) == ["missing No correct"]


# ---------------------------------------------------------------------------- replication
RULE: dict[str, Any] = {
    "destinations": [{"region": "eu-west-1", "registryId": "111122223333"}],
    "repositoryFilters": [{"filter": "prod/", "filterType": "PREFIX_MATCH"}],
}


OTHER = "111122223333"
PLACES = [{"region": f"eu-west-{i}", "registryId": OTHER} for i in range(26)]


def prefix(text: str) -> dict[str, str]:
    return {"filter": text, "filterType": "PREFIX_MATCH"}


def to(*places: Any) -> dict[str, Any]:
    return {"destinations": list(places)}


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [RULE] * 25,
        [to(*PLACES[:25]), to(PLACES[0])],
        [{**RULE, "repositoryFilters": [prefix("ab")] * 100}],
        [{**RULE, "deleteReplication": {"enabled": True}}],
        [{**RULE, "deleteReplication": {"enabled": False}}],
    ],
)
def test_replication_as_far_as_ecr_takes_it_is_taken(rules: list[Any]) -> None:
    assert baseline(replication={"rules": rules}).wishes["replication"] == {"rules": rules}


@pytest.mark.parametrize(
    ("there", "differs"),
    [
        (RULE, False),
        ({**RULE, "deleteReplication": {"enabled": False}}, False),
        ({**RULE, "deleteReplication": None}, False),
        ({**RULE, "deleteReplication": {"enabled": True}}, True),
        ({**RULE, "repositoryFilters": None}, True),
        ({**RULE, "repositoryFilters": [prefix("test/")]}, True),
        ({**RULE, "repositoryFilters": [prefix("prod/"), prefix("prod/")]}, False),
        ({**RULE, "destinations": PLACES[:1]}, True),
    ],
)
def test_a_rule_of_replication_is_where_to_what_and_whether_deletions_go_too(
    there: Any, differs: bool
) -> None:
    wanted = baseline(replication={"rules": [RULE]})
    actual = RegistrySettings.from_document({"replication": {"rules": [there]}})
    assert len(registry_drift(wanted, actual)) == differs


def test_replication_without_filters_is_for_all_repositories() -> None:
    every = baseline(replication={"rules": [to(PLACES[0])]})
    there = registry_having(replication={"rules": [{**to(PLACES[0]), "repositoryFilters": []}]})
    assert registry_drift(every, there) == ()
    assert registry_drift(every, registry_having(replication={"rules": [RULE]}))


@pytest.mark.parametrize("text", ["prod", "prod-", "prod/", "prod/a_", "a1"])
def test_a_filter_of_replication_may_end_anywhere_in_a_name(text: str) -> None:
    rule = {**RULE, "repositoryFilters": [prefix(text)]}
    assert baseline(replication={"rules": [rule]}).wishes["replication"] == {"rules": [rule]}


def test_the_regions_of_every_partition_are_regions() -> None:
    for region in ("us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-isob-east-1"):
        places = [{"region": region, "registryId": "111122223333"}]
        baseline(replication={"rules": [{"destinations": places}]})


def test_replication_is_compared_by_meaning_and_set_as_a_whole() -> None:
    wanted = baseline(replication={"rules": [RULE]})
    (change,) = registry_drift(wanted, BASIC)
    assert (change.setting, change.problem) == ("replication", "different")
    assert change.after == {"rules": [RULE]}
    same = {**RULE, "deleteReplication": {"enabled": False}}
    assert registry_drift(wanted, registry_having(replication={"rules": [same]})) == ()


# ---------------------------------------------------------------------------- exclusions
def test_self_is_the_role_that_reads_images_for_the_steward_and_others_stay() -> None:
    reader = f"arn:aws:iam::{ACCOUNT}:role/reader"
    wanted = baseline(pull_time_exclusions=["self", ROLE])
    around = Around(taggers=(reader,))
    found = registry_drift(wanted, registry_having(pull_time_exclusions=frozenset({"x"})), around)
    assert [(each.problem, each.subject) for each in found] == [
        ("missing", reader),
        ("missing", ROLE),
    ]
    there = registry_having(pull_time_exclusions=frozenset({reader, ROLE}))
    assert registry_drift(wanted, there, around) == ()


@pytest.mark.parametrize(
    ("registry", "said", "path"),
    [
        ({"policy": {"statements": [{**REPLICATE, "Action": "x"}]}}, "`Action` must be an action",
         ("policy", "statements", 0, "Action")),
        ({"replication": {"rules": [{}]}}, "A rule needs `destinations`",
         ("replication", "rules", 0)),
        ({"replication": {"rules": [{**RULE, "to": 1}]}}, "`to` is not a key here",
         ("replication", "rules", 0, "to")),
        ({"replication": {"rules": [{"destinations": [{"region": "x", "registryId": "1"}]}]}},
         "`x` is no Region", ("replication", "rules", 0, "destinations", 0)),
        ({"replication": {"rules": [{"destinations": [{"region": "us-x-1", "registryId": 7}]}]}},
         "`7` is no `registryId` of 12 digits; put it in quotes",
         ("replication", "rules", 0, "destinations", 0)),
        ({"replication": {"rules": [{**RULE, "repositoryFilters": [{"filter": "a*"}]}]}},
         "A filter is {filter: PREFIX", ("replication", "rules", 0, "repositoryFilters", 0)),
        ({"replication": {"rules": [{**RULE, "repositoryFilters": [prefix("a")]}]}},
         "of two characters or more", ("replication", "rules", 0, "repositoryFilters", 0)),
        ({"replication": {"rules": [{**RULE, "repositoryFilters": []}]}},
         "must be a list of 1 to 100", ("replication", "rules", 0, "repositoryFilters")),
        ({"replication": {"rules": [{**RULE, "deleteReplication": {"enabled": True, "x": 1}}]}},
         "`deleteReplication` must be", ("replication", "rules", 0, "deleteReplication")),
        ({"replication": {"rules": [RULE] * 26}}, "ECR takes 25 rules; these are 26.",
         ("replication", "rules")),
        ({"replication": {"rules": [to(*PLACES[:25]), to(PLACES[25])]}},
         "ECR copies to 25 places at most; these are 26.", ("replication", "rules")),
        ({"replication": {"rules": [{"destinations": "eu-west-1"}]}},
         "A rule needs `destinations`", ("replication", "rules", 0)),
        ({"replication": {"rules": [{"destinations": []}]}},
         "A rule needs `destinations`", ("replication", "rules", 0)),
        ({"replication": {"rules": [to("eu-west-1")]}}, "`None` is no Region",
         ("replication", "rules", 0, "destinations", 0)),
        ({"replication": {"rules": [to({"region": 7, "registryId": OTHER})]}}, "`7` is no Region",
         ("replication", "rules", 0, "destinations", 0)),
        ({"replication": {"rules": [to({"region": "eu-west-1", "registryId": "1"})]}},
         "`1` is no `registryId` of 12 digits.", ("replication", "rules", 0, "destinations", 0)),
        ({"replication": {"rules": [to({**PLACES[0], "x": 1})]}}, "`x` is not a key here",
         ("replication", "rules", 0, "destinations", 0, "x")),
        ({"replication": {"rules": [{**RULE, "repositoryFilters": "prod"}]}},
         "must be a list of 1 to 100", ("replication", "rules", 0, "repositoryFilters")),
        ({"replication": {"rules": [{**RULE, "repositoryFilters": [prefix("ab")] * 101}]}},
         "must be a list of 1 to 100", ("replication", "rules", 0, "repositoryFilters")),
        ({"replication": {"rules": [{**RULE, "repositoryFilters": ["prod"]}]}},
         "A filter is {filter: PREFIX", ("replication", "rules", 0, "repositoryFilters", 0)),
        ({"replication": {"rules": [{**RULE, "repositoryFilters": [{"filter": 7}]}]}},
         "A filter is {filter: PREFIX", ("replication", "rules", 0, "repositoryFilters", 0)),
        ({"replication": {"rules": [{**RULE, "repositoryFilters": [{"filter": "prod"}]}]}},
         "A filter is {filter: PREFIX", ("replication", "rules", 0, "repositoryFilters", 0)),
        ({"replication": {"rules": [{**RULE, "repositoryFilters": [{**prefix("ab"), "x": 1}]}]}},
         "A filter is {filter: PREFIX", ("replication", "rules", 0, "repositoryFilters", 0)),
        ({"replication": {"rules": [{**RULE, "deleteReplication": True}]}},
         "`deleteReplication` must be", ("replication", "rules", 0, "deleteReplication")),
        ({"pull_time_exclusions": [f"{ROLE}-{i}" for i in range(101)]},
         "ECR takes 100 exclusions; these are 101.", ("pull_time_exclusions",)),
        ({"pull_time_exclusions": ["x"]}, "`x` is no ARN", ("pull_time_exclusions", 0)),
        ({"pull_time_exclusions": [f"{ROLE}:a"]}, "is no ARN", ("pull_time_exclusions", 0)),
        ({"pull_time_exclusions": [f"{ROLE}{'a' * 200}"]}, "is no", ("pull_time_exclusions", 0)),
        ({"policy": {"statements": [{**REPLICATE, "Resource": 7}]}}, "`Resource` must be `*`",
         ("policy", "statements", 0, "Resource")),
        ({"policy": {"statements": [{k: v for k, v in REPLICATE.items() if k != "Resource"}]}},
         "A statement of the registry's policy needs `Resource`", ("policy", "statements", 0)),
    ],
)  # fmt: skip
def test_what_ecr_would_refuse_of_the_registry_is_named_with_its_place(
    registry: dict[str, Any], said: str, path: tuple[str | int, ...]
) -> None:
    with pytest.raises(RulesError) as caught:
        baseline(**registry)
    assert said in caught.value.sentence
    assert caught.value.path == ("registry", *path)


def test_as_many_exclusions_and_filters_as_ecr_takes_are_taken() -> None:
    roles = [f"{ROLE}-{i}" for i in range(100)]
    filters = {"frequency": "MANUAL", "filters": [f"a{i}" for i in range(100)]}
    found = baseline(pull_time_exclusions=roles, scanning={"rules": [filters]}).wishes
    assert found["pull_time_exclusions"] == tuple(roles)
    assert len(found["scanning"].rules["MANUAL"]) == 100


def test_where_the_stewards_roles_are_not_known_none_is_excluded() -> None:
    assert registry_drift(baseline(pull_time_exclusions=["self"]), BASIC) == ()


# ---------------------------------------------------------------------------- what people give
PRINTED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"policy": None}, {}),
    ({"policy": '{"Statement":[]}'}, {"policy": {"Statement": []}}),
    ({"policy": {"policyText": '{"Statement":[]}', "registryId": OTHER}},
     {"policy": {"Statement": []}}),
    ({"policy": '{"Id":"policyText"}'}, {"policy": {"Id": "policyText"}}),
    ({"policy": ""}, {"policy": None}),
    ({"replication": {"rules": [RULE]}}, {"replication": {"rules": [RULE]}}),
    ({"replication": {"replicationConfiguration": {"rules": [RULE]}}},
     {"replication": {"rules": [RULE]}}),
    ({"replication": {}}, {"replication": {"rules": []}}),
    ({"pull_time_exclusions": ["a"]}, {"pull_time_exclusions": frozenset({"a"})}),
    ({"pull_time_exclusions": {"pullTimeUpdateExclusions": []}},
     {"pull_time_exclusions": frozenset()}),
]  # fmt: skip


@pytest.mark.parametrize(("document", "found"), PRINTED)
def test_the_registrys_settings_are_read_as_the_aws_cli_prints_them(
    document: dict[str, Any], found: dict[str, Any]
) -> None:
    assert RegistrySettings.from_document(document).found == found


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"polcy": {}}, "`registry.polcy` is no field; there are scanning,"),
        ({"pull_time_exclusions": "a"}, "`pull_time_exclusions` must be a list of texts."),
        ({"pull_time_exclusions": ["a", 7]}, "`pull_time_exclusions` must be a list of texts."),
        ({"replication": {"rules": [{}]}}, "`registry` is not as the AWS CLI prints it"),
        ({"replication": [RULE]}, "`registry` is not as the AWS CLI prints it"),
    ],
)
def test_what_the_aws_cli_does_not_print_is_refused(document: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        RegistrySettings.from_document(document)
    assert said in str(caught.value)


def test_a_denial_is_told_once_for_the_registry_even_where_its_account_is_not_known() -> None:
    deny = {**PUBLIC, "Sid": "No", "Effect": "Deny", "Action": "ecr:ReplicateImage"}
    assert judged(statements=[deny], account="") == ["locks_out No refuse"]
    there = {"Version": "2012-10-17", "Statement": [deny]}
    assert judged(there["Statement"], statements=[deny]) == []
    assert judged([{**deny, "Sid": "Theirs"}]) == ["extra Theirs report"]


def test_what_is_left_of_the_registrys_policy_is_put_and_an_empty_one_deleted() -> None:
    policy = RegistryPolicy()
    wish = baseline(policy={"others": "remove"}).wishes["policy"]
    only, both = ({"Statement": each} for each in ([PUBLIC], [PUBLIC, REPLICATE]))
    around = Around(account=ACCOUNT)
    (gone,) = policy.requests(only, [*policy.drift(wish, only, around)])
    assert (gone.operation, gone.arguments) == ("DeleteRegistryPolicy", {})
    changes = [each for each in policy.drift(wish, both, around) if each.subject == "Open"]
    (put,) = policy.requests(both, changes)
    assert put.operation == "PutRegistryPolicy"
    assert put.patient
    assert json.loads(put.arguments["policyText"])["Statement"] == [REPLICATE]


def test_a_template_that_is_not_there_is_made_and_one_that_is_there_is_changed() -> None:
    kind = CreationTemplates()
    wish = baseline(creation_templates=[template("ROOT")]).wishes["creation_templates"]

    def calls(found: dict[str, CreationTemplate]) -> list[str]:
        changes = [*kind.drift(wish, found, Around())]
        return [each.operation for each in kind.requests(found, changes)]

    (wanted,) = wish
    assert calls({}) == ["CreateRepositoryCreationTemplate"]
    assert calls({"ROOT": CreationTemplate("ROOT", frozenset())}) == [
        "UpdateRepositoryCreationTemplate"
    ]
    assert calls({"ROOT": wanted}) == []
    empty = CreationTemplate.from_response({**wanted.to_request(), "customRoleArn": ""})
    assert empty.to_request() == wanted.to_request()


KMS = "arn:aws:kms:eu-west-1:123456789012:key/0f6c2a"


@pytest.mark.parametrize(
    ("stated", "there", "left"),
    [
        ("KMS", {"encryptionType": "KMS", "kmsKey": KMS}, KMS),
        ("KMS", {"encryptionType": "KMS_DSSE", "kmsKey": KMS}, None),
        ("AES256", {"encryptionType": "KMS", "kmsKey": KMS}, None),
        ({"key": f"{KMS}0"}, {"encryptionType": "KMS", "kmsKey": KMS}, f"{KMS}0"),
        ({"key": f"{KMS}0"}, {"encryptionType": "KMS"}, f"{KMS}0"),
        ("KMS", {"encryptionType": "KMS", "kmsKey": ""}, None),
    ],
)
def test_a_templates_key_stays_where_the_rule_names_none_for_the_same_encryption(
    stated: Any, there: dict[str, Any], left: str | None
) -> None:
    kind = Encryption()
    wish = kind.wish({"encryption": stated}, None)
    made = kind.made(wish, None, cache=False)
    found = kind.over(made, kind.from_template({"encryptionConfiguration": there}))
    assert (found.type, found.key) == (wish.types[0], left)
