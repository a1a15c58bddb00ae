"""The registry's policy: merged by Sid, like a repository's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ecr_steward.settings import policies
from ecr_steward.settings.kinds import Around, EcrRequest, Read
from ecr_steward.settings.kinds.policy import SCHEMA as OF_RULES
from ecr_steward.settings.kinds.policy import stated_policy
from ecr_steward.settings.lockout import Steward
from ecr_steward.settings.registry_kinds.kind import Governs, RegistryKind
from ecr_steward.settings.state import Problem, SettingAction, SettingChange
from ecr_steward.settings.statements import PolicyBaseline, merged, policy_drift

Document = Mapping[str, Any]
_ABSENT = "RegistryPolicyNotFoundException"
_SERVICES = {
    "Inspector could not scan images any more": (
        "inspector2.amazonaws.com/AWSServiceRoleForAmazonInspector2",
        ("ecr:batchgetimage", "ecr:getdownloadurlforlayer", "ecr:describeimages",
         "ecr:listimages", "ecr:describerepositories"),
    ),
    "images could not be replicated any more": (
        "replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication",
        ("ecr:replicateimage", "ecr:createrepository"),
    ),
}  # fmt: skip
"""By what a Deny would break, the service-linked role and what it must be able to do (Amazon
Inspector User Guide: Scanning Amazon ECR container images; ECR User Guide: Using service-linked
roles)."""

SCHEMA: Mapping[str, Any] = {
    **OF_RULES["policy"],
    "title": "Registry policy",
    "description": (
        "Statements that the registry's policy must have, and what happens to others, as in a "
        "rule. A Deny that would keep Inspector from scanning or "
        "ECR from replicating is refused."
    ),
    "properties": {
        **OF_RULES["policy"]["properties"],
        "statements": {
            **OF_RULES["policy"]["properties"]["statements"],
            "description": (
                "The registry's own statements, as AWS writes them, each with a `Sid` and a "
                "`Resource`."
            ),
            "examples": [
                [
                    {
                        "Sid": "Replication",
                        "Effect": "Allow",
                        "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
                        "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
                        "Resource": "arn:aws:ecr:eu-west-1:111122223333:repository/*",
                    },
                ],
            ],
        },
    },
    "examples": [{"others": "keep", "public": "remove"}],
}


class RegistryPolicy(RegistryKind[PolicyBaseline, Document | None]):
    name = "policy"
    schema = SCHEMA
    read = Read("GetRegistryPolicy", absent=_ABSENT, alone=True)
    printed = "policyText"
    unset = None

    def wish(self, stated: Any, governs: Governs) -> PolicyBaseline:
        return stated_policy(stated, resource=True)

    def from_answer(self, answer: Any) -> Document | None:
        return policies.parse(answer) if answer else None

    def drift(
        self, wish: PolicyBaseline, found: Document | None, around: Around
    ) -> Iterator[SettingChange]:
        changes = policy_drift(
            wish, found, account=around.account, setters=around.setters, taggers=around.taggers,
            managed=around.managed,
        )  # fmt: skip
        return (_spared(each, around) for each in changes)

    def requests(
        self, found: Document | None, changes: Sequence[SettingChange]
    ) -> Iterator[EcrRequest]:
        left = merged(found, changes)
        if left is None:
            yield EcrRequest("DeleteRegistryPolicy", {}, absent=_ABSENT)
        else:
            yield EcrRequest(
                "PutRegistryPolicy", {"policyText": policies.dumps(left)}, patient=True
            )

    def ours(self, wish: PolicyBaseline) -> frozenset[str]:
        return wish.sids


_SETS = ("ecr:putregistrypolicy", "ecr:getregistrypolicy", "ecr:deleteregistrypolicy")


def _needs(around: Around) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """What a Deny would break, the roles that it would keep from something, and from what."""
    yield "the steward could not set the registry's policy any more", around.setters, _SETS
    for harm, (role, actions) in _SERVICES.items():
        arn = f"arn:aws:iam::{around.account}:role/aws-service-role/{role}"
        yield harm, (arn,) if around.account else (), actions


def _spared(change: SettingChange, around: Around) -> SettingChange:
    """The change, refused where it would lock the steward out, or break what a service does for
    the registry."""
    steward = Steward(around.account)
    for harm, roles, actions in _needs(around):
        denied = steward.is_denied(change.after, actions, roles)
        if change.action is SettingAction.CORRECT and denied:
            said = f"{change.reason} It is left as it is: {harm}."
            return replace(
                change, problem=Problem.LOCKS_OUT, action=SettingAction.REFUSE, reason=said
            )
    return change
