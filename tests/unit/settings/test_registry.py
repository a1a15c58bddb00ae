"""The registry's own settings: scanning, and templates made of the rules for their prefix."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.rules.model import RulesError, Ruleset
from ecr_steward.settings.kinds import Around
from ecr_steward.settings.registry import RegistryBaseline, RegistrySettings, registry_drift
from ecr_steward.settings.registry_kinds.creation_templates import CreationTemplate
from ecr_steward.settings.registry_kinds.scanning import Scanning
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


def prefix(text: str) -> dict[str, str]:
    return {"filter": text, "filterType": "PREFIX_MATCH"}


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
        ({"replication": {"rules": [RULE] * 26}}, "ECR takes 25 rules", ("replication", "rules")),
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
