"""Every setting by every problem that it can have, and what is set to put it right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ecr_steward.settings.baseline import Baseline, Settings
from ecr_steward.settings.drift import Correction, correction, drift
from ecr_steward.settings.kinds import Around
from ecr_steward.settings.kinds.immutability import Mutability
from ecr_steward.settings.lifecycle import Expiring
from ecr_steward.settings.state import BaselineError, SettingChange
from ecr_steward.tags.scheme import Scheme
from tests.support.having import having

OWN = "123456789012"
COMMITS = Scheme.from_document({"unique": ["sha"], "stable": [{"tag": "main"}]})
VERSIONS = Scheme.from_document(
    {"unique": ["semver"], "stable": [{"tag": "{major}", "follows": "highest"}]}
)
PULL = {
    "Sid": "Pull",
    "Effect": "Allow",
    "Principal": {"AWS": "111122223333"},
    "Action": "ecr:BatchGetImage",
}
DENY = {"Sid": "Deny", "Effect": "Deny", "Principal": "*", "Action": "ecr:*"}


def rules(*statuses: str, number: int = 10) -> dict[str, Any]:
    counted = {"countType": "imageCountMoreThan", "countNumber": number}
    return {
        "rules": [
            {
                "rulePriority": i,
                "selection": {"tagStatus": status, **counted},
                "action": {"type": "expire"},
            }
            for i, status in enumerate(statuses, start=1)
        ]
    }


def policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def found(
    stated: dict[str, Any], actual: Settings, scheme: Scheme | None = None, **more: Any
) -> tuple[SettingChange, ...]:
    baseline = Baseline.from_document(stated, scheme)
    return drift(baseline, actual, Around(scheme, OWN, **more))


def statement(**keys: Any) -> dict[str, Any]:
    return {**PULL, "Sid": "X", **keys}


NONE = Settings()
TABLE: list[tuple[str, dict[str, Any], Settings, Scheme | None, list[str]]] = [
    ("policy missing", {"policy": {"statements": [PULL]}}, NONE, None,
     ["policy missing Pull correct"]),
    ("policy different", {"policy": {"statements": [PULL]}},
     having(policy=policy(statement(Sid="Pull", Action="ecr:*"))), None,
     ["policy different Pull correct"]),
    ("policy extra", {"policy": {"accounts": ["*"]}}, having(policy=policy(statement())), None,
     ["policy extra X report"]),
    ("policy public", {"policy": {"public": "remove"}},
     having(policy=policy(statement(Principal="*"))), None, ["policy public X correct"]),
    ("policy foreign", {"policy": {"others": "keep"}}, having(policy=policy(statement())), None,
     ["policy foreign X report"]),
    ("policy locks out", {"policy": {"statements": [DENY]}}, NONE, None,
     ["policy locks_out Deny refuse"]),
    ("policy right", {"policy": {"statements": [PULL]}}, having(policy=policy(PULL)), None, []),
    ("lifecycle missing", {"lifecycle": rules("untagged")}, NONE, COMMITS,
     ["lifecycle missing lifecycle correct"]),
    ("lifecycle different", {"lifecycle": rules("untagged")},
     having(lifecycle=rules("untagged", number=9)), COMMITS,
     ["lifecycle different lifecycle correct"]),
    ("lifecycle extra", {"lifecycle": {"rules": []}}, having(lifecycle=rules("any")), COMMITS,
     ["lifecycle extra lifecycle correct"]),
    ("lifecycle expires stable", {"lifecycle": rules("any")}, NONE, COMMITS,
     ["lifecycle missing lifecycle refuse", "lifecycle expires_stable rule 1 refuse"]),
    ("lifecycle expires stable, allowed",
     {"lifecycle": {**rules("any"), "allow_expiring_stable": True}}, NONE, COMMITS,
     ["lifecycle missing lifecycle correct", "lifecycle expires_stable rule 1 report"]),
    ("lifecycle expires stable, set already", {"lifecycle": rules("any")},
     having(lifecycle=rules("any")), COMMITS, ["lifecycle expires_stable rule 1 report"]),
    ("lifecycle expires stable, set and allowed",
     {"lifecycle": {**rules("any"), "allow_expiring_stable": True}},
     having(lifecycle=rules("any")), COMMITS, []),
    ("lifecycle without a scheme", {"lifecycle": rules("any")}, NONE, None,
     ["lifecycle missing lifecycle correct"]),
    ("lifecycle right", {"lifecycle": rules("untagged")}, having(lifecycle=rules("untagged")),
     COMMITS, []),
    ("immutability by the scheme", {"immutability": "scheme"}, NONE, COMMITS,
     ["immutability different immutability correct"]),
    ("immutability by the scheme, right", {"immutability": "scheme"},
     having(mutability="IMMUTABLE_WITH_EXCLUSION", filters=("main",)), COMMITS, []),
    ("immutability that cannot be said", {"immutability": "scheme"},
     having(mutability="IMMUTABLE"), VERSIONS, ["immutability different immutability correct"]),
    ("immutability that cannot be said, mutable", {"immutability": "scheme"}, NONE, VERSIONS, []),
    ("immutability stated", {"immutability": "IMMUTABLE"}, NONE, None,
     ["immutability different immutability correct"]),
    ("scanning", {"scan_on_push": True}, NONE, None,
     ["scan_on_push different scan_on_push correct"]),
    ("no scanning", {"scan_on_push": False}, having(scan_on_push=True), None,
     ["scan_on_push different scan_on_push correct"]),
    ("scanning right", {"scan_on_push": False}, NONE, None, []),
    ("encryption", {"encryption": "KMS"}, NONE, None,
     ["encryption unchangeable encryption report"]),
    ("encryption right", {"encryption": "AES256"}, NONE, None, []),
    ("resource tags", {"resource_tags": {"owner": "a", "tier": "1", "team": "x"}},
     having(resource_tags={"owner": "b", "team": "x", "more": "y"}), None,
     ["resource_tags different owner correct", "resource_tags missing tier correct"]),
    ("nothing stated", {}, having(policy=policy(statement(Principal="*")), scan_on_push=True),
     COMMITS, []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("stated", "actual", "scheme", "expected"),
    [each[1:] for each in TABLE],
    ids=[each[0] for each in TABLE],
)
def test_each_problem_of_each_setting_is_found_and_put_right_once(
    stated: dict[str, Any], actual: Settings, scheme: Scheme | None, expected: list[str]
) -> None:
    changes = found(stated, actual, scheme)
    said = [f"{each.setting} {each.problem} {each.subject} {each.action}" for each in changes]
    assert said == expected
    right = correction(actual, changes).applied(actual)
    assert all(each.action != "correct" for each in found(stated, right, scheme))


def test_a_correction_has_whole_documents_and_only_what_is_to_be_set() -> None:
    stated = {
        "policy": {"statements": [PULL], "others": "keep"},
        "lifecycle": rules("untagged"),
        "immutability": "scheme",
        "scan_on_push": True,
        "encryption": "KMS",
        "resource_tags": {"owner": "a", "team": "x"},
    }
    actual = having(policy=policy(statement()), resource_tags={"team": "x"})
    made = correction(actual, found(stated, actual, COMMITS))
    assert made.values == {
        "policy": policy(statement(), PULL),
        "lifecycle": rules("untagged"),
        "immutability": Mutability("IMMUTABLE_WITH_EXCLUSION", ("main*", "sha256-*")),
        "scan_on_push": True,
        "resource_tags": {"team": "x", "owner": "a"},
    }
    assert correction(actual, ()) == Correction()


def test_what_must_go_is_deleted_whole() -> None:
    stated = {"policy": {"others": "remove", "accounts": ["*"]}, "lifecycle": {"rules": []}}
    actual = having(policy=policy(statement()), lifecycle=rules("any"))
    made = correction(actual, found(stated, actual))
    assert made.values == {"policy": None, "lifecycle": None}


def test_what_is_refused_is_not_set() -> None:
    stated = {"lifecycle": rules("any"), "scan_on_push": True}
    made = correction(NONE, found(stated, NONE, COMMITS))
    assert made.sets == {"scan_on_push"}


def test_a_preview_that_expires_a_stable_tag_refuses_the_lifecycle_policy() -> None:
    stated = {"lifecycle": rules("untagged")}
    image = Expiring("sha256:1", ("main", "9f1c2ab"), 1)
    missing, expires = found(stated, NONE, COMMITS, preview=[image])
    assert (missing.action, expires.action) == ("refuse", "refuse")
    assert expires.after == rules("untagged")["rules"][0]
    assert expires.reason == (
        "The lifecycle rule 1 can expire images under the stable tags `main`: put a rule above it "
        'with tagPatternList: ["main"], countType: imageCountMoreThan and countNumber: 9999, or '
        'write allow_expiring_stable: ["main"].'
    )
    assert found(stated, NONE, COMMITS, preview=[replace(image, tags=("9f1c2ab",))])[1:] == ()


def test_a_preview_that_takes_an_image_that_runs_refuses_the_lifecycle_policy() -> None:
    stated = {"lifecycle": rules("untagged")}
    image = Expiring("sha256:1", (), 1)
    running = {"sha256:1": ["ecs:prod/payments"]}
    missing, expires = found(stated, NONE, COMMITS, preview=[image], running=running)
    assert (missing.action, expires.action) == ("refuse", "refuse")
    assert "It is not set, because it would expire images that run." in missing.reason
    assert (expires.problem, expires.subject) == ("expires_running", "rule 1")
    assert expires.reason == (
        "The lifecycle rule 1 would expire 1 image within 7 days from which ecs:prod/payments can "
        "start again: deploy another image there, or let the rule take fewer."
    )
    assert len(found(stated, NONE, COMMITS, preview=[image])) == 1


def test_reasons_name_the_setting_and_the_rules_wish() -> None:
    def why(stated: dict[str, Any], actual: Settings, scheme: Scheme | None = None) -> str:
        return found(stated, actual, scheme)[0].reason

    assert why({"scan_on_push": True}, NONE) == (
        "Images are not scanned on push, where the rule has `scan_on_push: true`."
    )
    assert why({"encryption": "KMS"}, NONE) == (
        "The repository is encrypted with AES256, where the rule has KMS: ECR cannot change it, so "
        "make the repository anew and push its images again."
    )
    assert why({"immutability": "scheme"}, having(mutability="IMMUTABLE"), VERSIONS) == (
        "Tags are IMMUTABLE and should be MUTABLE, because wildcards cannot say the scheme: the "
        "filter `*` for tags that move would free unique tags too."
    )
    assert why({"immutability": "scheme"}, NONE, COMMITS) == (
        "Tags are MUTABLE and should be IMMUTABLE except main*, sha256-*, because the scheme "
        "implies it."
    )


def test_a_pull_through_cache_is_made_mutable() -> None:
    stated = {"immutability": "IMMUTABLE"}
    assert found(stated, NONE, cache=True) == ()
    (change,) = found(stated, having(mutability="IMMUTABLE"), cache=True)
    assert change.after["imageTagMutability"] == "MUTABLE"


def test_a_change_as_a_document_has_the_keys_of_the_contract() -> None:
    (change,) = found({"scan_on_push": True}, NONE)
    assert change.to_document() == {
        "setting": "scan_on_push",
        "problem": "different",
        "subject": "scan_on_push",
        "action": "correct",
        "before": False,
        "after": True,
        "reason": change.reason,
    }


def test_what_the_registrys_scanning_decides_is_no_drift() -> None:
    assert found({"scan_on_push": True}, NONE, registry_scans=True) == ()


def test_only_what_the_baseline_names_is_to_be_read() -> None:
    assert Baseline.from_document({}).reads == frozenset()
    assert Baseline.from_document({"policy": {}, "scan_on_push": False}).reads == {
        "policy",
        "scan_on_push",
    }


KEY = "arn:aws:kms:eu-west-1:123456789012:key/0f6c2a"
TAGS = ("resource_tags",)


@pytest.mark.parametrize(
    ("stated", "said", "path"),
    [
        ({"polcy": {}}, "`polcy` is not a key here", ("polcy",)),
        ({"policy": []}, "This must be a mapping", ("policy",)),
        ({"policy": {"statement": []}}, "`statement` is not a key here", ("policy", "statement")),
        ({"policy": {"others": "drop"}}, "`others` must be one of keep,", ("policy", "others")),
        ({"policy": {"public": "deny"}}, "`public` must be one of allow,", ("policy", "public")),
        ({"policy": {"accounts": "1"}}, "`accounts` must be a list", ("policy", "accounts")),
        ({"policy": {"statements": {}}}, "`statements` must be a list", ("policy", "statements")),
        ({"lifecycle": {}}, "`lifecycle` needs `rules` or `file`", ("lifecycle",)),
        ({"lifecycle": {"rules": ["x"]}}, "A rule must be", ("lifecycle", "rules", 0)),
        ({"scan_on_push": 1}, "must be true or false", ("scan_on_push",)),
        ({"encryption": "x"}, "must be one of AES256", ("encryption",)),
        ({"resource_tags": {"a": 1}}, "must be a string; put it in quotes", ("resource_tags", "a")),
        ({"resource_tags": {"aws:a": "1"}}, "are AWS's own", ("resource_tags", "aws:a")),
        ({"resource_tags": {"": "1"}}, "a key of 1 to 128 characters", ("resource_tags", "")),
        ({"resource_tags": {"a" * 129: "1"}}, "a key of 1 to 128", ("resource_tags", "a" * 129)),
        ({"resource_tags": {"a": "x" * 257}}, "a value of 256", ("resource_tags", "a")),
        ({"resource_tags": {"a|b": "x"}}, "`a|b`: a resource tag is made of", (*TAGS, "a|b")),
        ({"resource_tags": {"a": "x|y"}}, "`a`: a resource tag is made of", (*TAGS, "a")),
        ({"resource_tags": {str(i): "" for i in range(51)}}, "50 resource tags at most",
         ("resource_tags",)),
        ({"required_tags": "a"}, "`required_tags` must be a list of keys.", ("required_tags",)),
        ({"required_tags": ["a", 7]}, "`7` is no key of a resource tag", ("required_tags", 1)),
        ({"required_tags": [""]}, "`` is no key of a resource tag", ("required_tags", 0)),
        ({"required_tags": ["a" * 129]}, "aa` is no key of a resource tag", ("required_tags", 0)),
        ({"policy": {"others": ["keep"]}}, "`others` must be one of keep,", ("policy", "others")),
        ({"policy": {"others": None}}, "`others` must be one of keep,", ("policy", "others")),
        ({"policy": {"accounts": {"read": []}}},
         "`read` is no right; there are pull, push, manage.", ("policy", "accounts", "read")),
        ({"policy": {"accounts": ["1"]}}, "or address.", ("policy", "accounts", 0)),
        ({"policy": {"accounts": [1]}}, "or address; put it in quotes.", ("policy", "accounts", 0)),
        ({"encryption": ["KMS"]}, "This must be a mapping of keys.", ("encryption",)),
        ({"encryption": {"type": []}}, "`type` is empty; name at least", ("encryption", "type")),
        ({"encryption": {"type": "x"}}, "must be one of AES256", ("encryption", "type")),
        ({"encryption": {"type": ["KMS", 7]}}, "must be one of", ("encryption", "type", 1)),
        ({"encryption": {"key": 7}}, "`7` is no ARN of a KMS key", ("encryption", "key")),
        ({"encryption": {"key": "alias/a"}}, "`alias/a` is no ARN", ("encryption", "key")),
        ({"encryption": {"type": ["AES256", "KMS"], "key": KEY}}, "AES256 has no key of one's own",
         ("encryption", "key")),
    ],
)  # fmt: skip
def test_a_baseline_that_cannot_be_meant_is_refused_with_its_place(
    stated: dict[str, Any], said: str, path: tuple[Any, ...]
) -> None:
    with pytest.raises(BaselineError) as caught:
        Baseline.from_document(stated)
    assert said in str(caught.value)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "stated",
    [
        {"resource_tags": {"a" * 128: "x" * 256}},
        {"resource_tags": {str(i): "" for i in range(50)}},
        {"required_tags": ["a", "b" * 128]},
        {"encryption": {"key": KEY}},
        {"encryption": {"type": ["AES256", "KMS"]}},
        {"policy": {"accounts": {"pull": ["o-abc123"]}}},
    ],
)
def test_a_baseline_as_long_as_one_may_be_is_taken(stated: dict[str, Any]) -> None:
    assert Baseline.from_document(stated).wishes


@pytest.mark.parametrize(
    ("stated", "has", "told"),
    [
        ("KMS", "AES256", "encrypted with AES256, where the rule has KMS:"),
        ({"type": ["AES256", "KMS"]}, "KMS_DSSE", "with KMS_DSSE, where the rule has AES256 or"),
        ({"type": ["AES256", "KMS"]}, "KMS", None),
        ({"key": KEY}, {"encryptionType": "KMS", "kmsKey": KEY}, None),
        ({"key": KEY}, {"encryptionType": "KMS_DSSE", "kmsKey": KEY}, None),
        ({"key": KEY}, {"encryptionType": "KMS", "kmsKey": f"{KEY}0"}, "where the rule has KMS"),
        ({"key": KEY}, "KMS", "encrypted with KMS, where the rule has KMS or KMS_DSSE"),
        ("KMS", {"encryptionType": "KMS", "kmsKey": KEY}, None),
    ],
)  # fmt: skip
def test_encryption_is_right_by_any_of_its_types_and_by_its_key(
    stated: Any, has: Any, told: str | None
) -> None:
    reasons = [each.reason for each in found({"encryption": stated}, having(encryption=has))]
    assert len(reasons) == (told is not None)
    assert (told or "") in "".join(reasons)


@pytest.mark.parametrize(
    ("stated", "has", "missing"),
    [
        ({"required_tags": ["owner"]}, {}, ["missing owner report"]),
        ({"required_tags": ["owner"]}, {"owner": ""}, []),
        ({"required_tags": ["owner", "tier"]}, {"tier": "1"}, ["missing owner report"]),
        ({"required_tags": ["owner"], "resource_tags": {"owner": "a"}}, {},
         ["missing owner correct"]),
        ({"required_tags": ["owner"], "resource_tags": {"owner": "a"}}, {"owner": "b"},
         ["different owner correct"]),
    ],
)  # fmt: skip
def test_a_tag_that_must_be_there_is_told_once(
    stated: dict[str, Any], has: dict[str, str], missing: list[str]
) -> None:
    changes = found(stated, having(resource_tags=has))
    assert [f"{each.problem} {each.subject} {each.action}" for each in changes] == missing
