"""What ECR's own guide shows as valid is never refused; its examples, written anew."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.settings import grammar, lifecycle

EXPIRE = {"type": "expire"}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}


def rules(*each: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "rulePriority": i,
            "description": "As in the guide",
            "selection": {key: value for key, value in rule.items() if key != "action"},
            "action": rule.get("action", EXPIRE),
        }
        for i, rule in enumerate(each, start=1)
    ]


def count(number: int, **more: Any) -> dict[str, Any]:
    return {**more, "countType": "imageCountMoreThan", "countNumber": number}


def since(kind: str, days: int, **more: Any) -> dict[str, Any]:
    return {**more, "countType": kind, "countUnit": "days", "countNumber": days}


def tagged(*patterns: str) -> dict[str, Any]:
    return {"tagStatus": "tagged", "tagPatternList": list(patterns)}


LIFECYCLES = {
    "by age": rules(since("sinceImagePushed", 14, **tagged("prod*"))),
    "untagged but one": rules(count(1, tagStatus="untagged")),
    "several prefixes": rules(count(1, **tagged("prod*")), count(1, **tagged("beta*"))),
    "two tags of one image": rules(count(1, **tagged("alpha*", "beta*"))),
    "tags, then untagged, then any": rules(
        count(3, **tagged("prod*")), since("sinceImagePushed", 14, tagStatus="untagged"),
        count(5, tagStatus="any"),
    ),
    "all images": rules(count(5, tagStatus="any")),
    "prefixes": rules(count(2, tagStatus="tagged", tagPrefixList=["alpha", "beta"])),
    "four stars": rules(count(1, **tagged("*test*1*2*3", "test*1*2*3*"))),
    "archived when not pulled": rules(
        since("sinceImagePulled", 90, tagStatus="any", action=ARCHIVE)
    ),
    "archived when old, expired when long archived": rules(
        since("sinceImagePushed", 30, tagStatus="any", action=ARCHIVE),
        since("sinceImageTransitioned", 365, tagStatus="any", storageClass="archive"),
    ),
    "archived but for fifty": rules(count(50, **tagged("prod*"), action=ARCHIVE)),
    "after ninety days": rules(
        since("sinceImageTransitioned", 90, tagStatus="untagged", storageClass="archive")
    ),
}  # fmt: skip


@pytest.mark.parametrize("each", LIFECYCLES.values(), ids=LIFECYCLES)
def test_every_documented_lifecycle_policy_is_taken(each: list[dict[str, Any]]) -> None:
    lifecycle.check(each)


PUSH = [
    "ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability", "ecr:CompleteLayerUpload",
    "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
]  # fmt: skip
USERS = [f"arn:aws:iam::111122223333:user/push-pull-{n}" for n in (1, 2)]


def allow(principal: Any, action: Any, **more: Any) -> dict[str, Any]:
    return {"Sid": "S", "Effect": "Allow", "Principal": principal, "Action": action, **more}


STATEMENTS = {
    "users of one account": allow({"AWS": USERS}, PUSH),
    "another account": allow({"AWS": "arn:aws:iam::111122223333:root"}, PUSH),
    "some pull, others do all": allow({"AWS": USERS[0]}, "ecr:*"),
    "all but from these networks": {
        **allow("*", "ecr:*"),
        "Effect": "Deny",
        "Condition": {"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24"]}},
    },
    "a service, for one project": allow(
        {"Service": "codebuild.amazonaws.com"}, PUSH[:1],
        Condition={
            "ArnLike": {"aws:SourceArn": "arn:aws:codebuild:eu-west-1:111122223333:project/x"},
            "StringEquals": {"aws:SourceAccount": "111122223333"},
        },
    ),
    "Lambda of another account": allow(
        {"Service": "lambda.amazonaws.com"}, PUSH[:1],
        Condition={
            "StringLike": {"aws:sourceARN": "arn:aws:lambda:eu-west-1:111122223333:function:*"}
        },
    ),
    "an organisation": allow(
        "*", PUSH, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abc123"}}
    ),
    "a session": allow({"AWS": "arn:aws:sts::111122223333:assumed-role/ci/build"}, PUSH),
    "another partition": allow({"AWS": "arn:aws-us-gov:iam::111122223333:role/ci"}, PUSH),
    "over TLS only": {
        **allow("*", "ecr:*"),
        "Effect": "Deny",
        "Condition": {"Bool": {"aws:SecureTransport": False}},
    },
    "wildcards in actions": allow({"AWS": "111122223333"}, ["ecr:Get*", "ecr:Describe*"]),
}  # fmt: skip


@pytest.mark.parametrize("resource", [{}, {"Resource": "*"}], ids=["", "with Resource"])
@pytest.mark.parametrize("each", STATEMENTS.values(), ids=STATEMENTS)
def test_every_documented_statement_is_taken_without_a_word(
    each: dict[str, Any], resource: dict[str, Any]
) -> None:
    found = grammar.checked([{**each, **resource}])
    assert found == (each,)
    assert list(grammar.unknown_actions(found)) == []
    assert list(grammar.unreadable_values(found)) == []


def test_a_documented_statement_of_the_registry_is_taken() -> None:
    resource = ["arn:aws:ecr:us-west-2:111122223333:repository/*"]
    actions = ["ecr:CreateRepository", "ecr:ReplicateImage"]
    each = allow({"AWS": "arn:aws:iam::444455556666:root"}, actions, Resource=resource)
    grammar.checked([each], resource=True)
