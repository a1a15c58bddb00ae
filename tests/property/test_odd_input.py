"""No input gives a traceback: any value in any place is taken, or refused in a sentence."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ecr_steward_cli.main import main
from ecr_steward_cli.terminal.errors import TRACEBACK

STATEMENT: dict[str, Any] = {
    "Sid": "A",
    "Effect": "Allow",
    "Principal": {"AWS": ["111122223333"], "Service": "lambda.amazonaws.com"},
    "Action": ["ecr:BatchGetImage"],
    "Condition": {"StringEquals": {"aws:PrincipalOrgID": ["o-abc123"]}},
}
LIFECYCLE: dict[str, Any] = {
    "rules": [
        {
            "rulePriority": 1,
            "description": "x",
            "selection": {
                "tagStatus": "tagged",
                "tagPatternList": ["x*"],
                "storageClass": "standard",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 14,
            },
            "action": {"type": "transition", "targetStorageClass": "archive"},
        }
    ]
}
RULE: dict[str, Any] = {
    "repositories": ["team/*"],
    "mode": "enforce",
    "tags": {
        "unique": ["sha", {"version": {"parts": [2]}}, {"pattern": "r-(?P<version>[0-9]+)"}],
        "variants": ["alpine"],
        "stable": [{"tag": "main", "follows": "highest", "within": ["8"], "prereleases": True}],
        "pin": "{tag}-{digest}",
        "ignore": ["pr-*"],
        "unknown": "allow",
    },
    "repository": {
        "policy": {
            "statements": [STATEMENT],
            "others": "keep",
            "public": "remove",
            "foreign": "remove",
            "accounts": {"pull": ["111122223333"], "push": [], "manage": []},
        },
        "lifecycle": {**LIFECYCLE, "when": "different", "allow_expiring_stable": ["main"]},
        "immutability": {"immutable_except": ["main"]},
        "scan_on_push": True,
        "encryption": {"type": ["KMS"], "key": "arn:aws:kms:eu-west-1:111122223333:key/x"},
        "resource_tags": {"owner": "platform"},
        "required_tags": ["CostCenter"],
    },
    "images": {"keep": [{"highest": 3}, {"pushed_within": "30d"}], "others": "report"},
    "notify": [{"on": ["loud"], "to": ["email"], "every": "1h"}],
}
RULES: dict[str, Any] = {
    "version": 1,
    "defaults": {"mode": "audit"},
    "include": [],
    "rules": [RULE],
    "registry": {
        "scanning": {"type": "BASIC", "rules": [{"frequency": "MANUAL", "filters": ["*"]}]},
        "policy": {"statements": [{**STATEMENT, "Resource": ["*"]}], "accounts": ["o-abc123"]},
        "replication": {
            "rules": [
                {
                    "destinations": [{"region": "eu-west-1", "registryId": "111122223333"}],
                    "repositoryFilters": [{"filter": "prod/", "filterType": "PREFIX_MATCH"}],
                    "deleteReplication": {"enabled": True},
                }
            ]
        },
        "pull_time_exclusions": ["self", "arn:aws:iam::111122223333:role/x"],
        "creation_templates": [
            {
                "prefix": "team",
                "applied_for": ["REPLICATION"],
                "role": "arn:aws:iam::111122223333:role/x",
            }
        ],
    },
    "channels": {"hook": {"type": "webhook", "url": "ssm:x", "secret": "ssm:y"}},
    "notify": [{"on": ["*"], "to": ["hook"]}],
}
SETTINGS: dict[str, Any] = {
    "repository": "team/a",
    "policy": {"Version": "2012-10-17", "Id": "x", "Statement": [STATEMENT]},
    "lifecycle": LIFECYCLE,
    "mutability": {
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "main"}],
    },
    "scan_on_push": {"scanOnPush": True},
    "encryption": {"encryptionType": "KMS", "kmsKey": "x"},
    "resource_tags": [{"Key": "owner", "Value": "x"}],
    "running": ["1.4.2", "h.io/team/a:1.4", {"digest": "sha256:1", "tags": ["1.4.2"]}],
}
REGISTRY: dict[str, Any] = {
    "registry": {
        "policy": {"policyText": json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})},
        "replication": {
            "replicationConfiguration": {
                "rules": [
                    {
                        "destinations": [{"region": "eu-west-1", "registryId": "111122223333"}],
                        "repositoryFilters": [{"filter": "a", "filterType": "PREFIX_MATCH"}],
                        "deleteReplication": {"enabled": True},
                    }
                ]
            }
        },
        "pull_time_exclusions": {"pullTimeUpdateExclusions": ["arn:aws:iam::1:role/x"]},
        "scanning": {
            "scanningConfiguration": {
                "scanType": "BASIC",
                "rules": [
                    {
                        "scanFrequency": "MANUAL",
                        "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}],
                    }
                ],
            }
        },
        "creation_templates": [
            {
                "prefix": "team",
                "appliedFor": ["REPLICATION"],
                "imageTagMutability": "MUTABLE",
                "encryptionConfiguration": {"encryptionType": "KMS"},
                "repositoryPolicy": "{}",
                "lifecyclePolicy": "{}",
                "resourceTags": [{"Key": "a", "Value": "b"}],
            }
        ],
    }
}
PUSH: dict[str, Any] = {
    "repository": "team/a",
    "tag": "9f1c2ab",
    "digest": f"sha256:{'0' * 64}",
    "action": "PUSH",
    "pushed_at": "2026-11-23T02:24:00Z",
}

Steps = tuple[str | int, ...]
DATE = "2027-01-01T00:00:00Z"
ODD: list[Any] = [
    None, True, 0, 7, -1, 1.5, 10**20, "", "x", "*", "{", DATE, "012", [], {}, [None], [[]], [{}],
    [7], {"a": None}, {"": {}}, {"a": [1, {"b": 2}]}, "\ud800", "\u0000", "x" * 300,
]  # fmt: skip


def places(value: Any, path: Steps = ()) -> Iterator[Steps]:
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, each in items:
        yield from places(each, (*path, key))


def with_(document: Any, path: Steps, odd: Any) -> Any:
    if not path:
        return odd
    found = copy.deepcopy(document)
    at = found
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = odd
    return found


def yaml(document: Any) -> str:
    """The document as YAML, with dates and leading zeros without quotes."""
    text = json.dumps(document)
    return text.replace(f'"{DATE}"', DATE).replace('"012"', "012")


def run(arguments: list[str], text: str | None = None) -> int:
    result = CliRunner(env={TRACEBACK: "1"}).invoke(main, arguments, input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("odd")
    (found / "good.yaml").write_text(yaml(RULES), "utf-8")
    return found


quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@quick
@given(st.sampled_from(list(places(RULES))), st.sampled_from(ODD))
def test_rules_with_any_value_anywhere(folder: Path, path: Steps, odd: Any) -> None:
    file = folder / "rules.yaml"
    file.write_bytes(yaml(with_(RULES, path, odd)).encode("utf-8", "surrogatepass"))
    code = run(["check", str(file)])
    event(f"check ends with {code}")
    if code == 0:
        run(["drift", "--rules", str(file), "--json", "-"], json.dumps(SETTINGS))


@quick
@given(st.sampled_from(list(places(SETTINGS))), st.sampled_from(ODD))
def test_settings_with_any_value_anywhere(folder: Path, path: Steps, odd: Any) -> None:
    text = json.dumps(with_(SETTINGS, path, odd))
    event(f"ends with {run(['drift', '--rules', str(folder / 'good.yaml'), '--json', '-'], text)}")


@quick
@given(st.sampled_from(list(places(REGISTRY))), st.sampled_from(ODD))
def test_settings_of_the_registry_with_any_value_anywhere(
    folder: Path, path: Steps, odd: Any
) -> None:
    text = json.dumps(with_(REGISTRY, path, odd))
    run(["drift", "--registry", "--rules", str(folder / "good.yaml"), "-"], text)


@quick
@given(st.sampled_from(list(places(PUSH))), st.sampled_from(ODD))
def test_pushes_with_any_value_anywhere(folder: Path, path: Steps, odd: Any) -> None:
    text = json.dumps(with_(PUSH, path, odd))
    run(["simulate", "--rules", str(folder / "good.yaml"), "--json", "-"], text)
