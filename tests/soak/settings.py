"""Settings in a soak: what the rules ask for, what people make of it, and the oracle's reading.

It shares no code with the steward.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from botocore.exceptions import ClientError

KINDS = frozenset({"report", "audit"})
"""The kinds of repository whose rules state settings."""

_PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
_OURS = {
    "Sid": "OrgPull",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": _PULL,
}
_THEIRS = {**_OURS, "Sid": "TeamPull", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}}
_ANYONE = {**_OURS, "Sid": "Everybody", "Principal": "*"}
_CHANGED = {**_OURS, "Action": _PULL[:1]}


def _expiring(tag_status: str, days: int) -> dict[str, Any]:
    selection = {
        "tagStatus": tag_status,
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": days,
    }
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


_LIFECYCLE = _expiring("untagged", 14)

BASELINE: Mapping[str, Any] = {
    "policy": {"statements": [_OURS], "others": "keep", "public": "remove"},
    "lifecycle": _LIFECYCLE,
    "scan_on_push": True,
    "resource_tags": {"owner": "platform"},
}

OPERATIONS = frozenset(
    {
        "SetRepositoryPolicy", "DeleteRepositoryPolicy", "PutLifecyclePolicy",
        "DeleteLifecyclePolicy", "PutImageScanningConfiguration", "TagResource", "UntagResource",
    }
)  # fmt: skip
"""The calls that change a setting here."""

Wrong = tuple[str, str, str]
"""What differs from the baseline: setting, problem, subject."""


@dataclass(frozen=True)
class SettingsChange:
    """A call changed settings of a repository: `before` and `after` are what was wrong then."""

    time: float
    repository: str
    by_steward: bool
    before: frozenset[Wrong]
    after: frozenset[Wrong]
    run: int = 0


def repository_of(asked: Mapping[str, Any]) -> str:
    """The repository that a call is about."""
    name: str = asked.get("repositoryName") or asked["resourceArn"].partition(":repository/")[2]
    return name


def wrong(ecr: Any, repository: str) -> frozenset[Wrong]:
    """What differs from the baseline in a repository."""
    (described,) = ecr.describe_repositories(repositoryNames=[repository])["repositories"]
    policy = _text(ecr.get_repository_policy, "policyText", repository)
    lifecycle = _text(ecr.get_lifecycle_policy, "lifecyclePolicyText", repository)
    printed = ecr.list_tags_for_resource(resourceArn=described["repositoryArn"])["tags"]
    tags = {each["Key"]: each["Value"] for each in printed}
    found = [*_wrong_statements((policy or {}).get("Statement", []))]
    if lifecycle != _LIFECYCLE:
        found.append(("lifecycle", "missing" if lifecycle is None else "different", "lifecycle"))
    if not described["imageScanningConfiguration"]["scanOnPush"]:
        found.append(("scan_on_push", "different", "scan_on_push"))
    if tags.get("owner") != "platform":
        problem = "different" if "owner" in tags else "missing"
        found.append(("resource_tags", problem, "owner"))
    return frozenset(found)


def _wrong_statements(statements: list[dict[str, Any]]) -> Iterator[Wrong]:
    ours = [each for each in statements if each["Sid"] == _OURS["Sid"]]
    if ours != [_OURS]:
        yield "policy", "different" if ours else "missing", "OrgPull"
    for each in statements:
        if each["Principal"] == "*":
            yield "policy", "public", each["Sid"]


def _text(read: Callable[..., Any], key: str, repository: str) -> Any:
    try:
        return json.loads(read(repositoryName=repository)[key])
    except ClientError:
        return None


def disturb(ecr: Any, repository: str, random: Random) -> None:
    """Somebody changes a setting of a repository, to what they want or to what is asked for."""
    name = {"repositoryName": repository}
    arn = f"arn:aws:ecr:eu-west-1:123456789012:repository/{repository}"
    statements = random.choice(
        [[_OURS, _ANYONE], [_ANYONE], [_CHANGED, _THEIRS], [_THEIRS], [_OURS, _THEIRS], [_OURS]]
    )
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    lifecycle = json.dumps(random.choice([_expiring("untagged", 3), _LIFECYCLE]))
    owner = [{"Key": "owner", "Value": random.choice(["somebody", "platform"])}]
    deeds: list[Callable[[], object]] = [
        lambda: ecr.set_repository_policy(**name, policyText=policy),
        lambda: ecr.delete_repository_policy(**name),
        lambda: ecr.put_lifecycle_policy(**name, lifecyclePolicyText=lifecycle),
        lambda: ecr.delete_lifecycle_policy(**name),
        lambda: ecr.put_image_scanning_configuration(
            **name, imageScanningConfiguration={"scanOnPush": random.random() < 0.3}
        ),
        lambda: ecr.tag_resource(resourceArn=arn, tags=owner),
        lambda: ecr.untag_resource(resourceArn=arn, tagKeys=["owner"]),
    ]
    random.choices(deeds, [5, 1, 2, 1, 2, 2, 1])[0]()
