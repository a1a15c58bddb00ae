"""The assumptions, a row each, and the groups that they are asked in."""

from __future__ import annotations

from ecr_steward_cli.probing.asked import (
    archived_image,
    deleted_principal,
    deleted_tag,
    describe_filtered,
    events,
    function_sdk,
    pull_time,
    put_by_digest,
    refusals,
    slashed_template,
    two_tags,
    unknown_principal,
)
from ecr_steward_cli.probing.assumption import Assumption, ProbePart

ASSUMPTIONS: tuple[Assumption, ...] = (
    describe_filtered.ASSUMPTION,
    two_tags.ASSUMPTION,
    *put_by_digest.ASSUMPTIONS,
    deleted_tag.ASSUMPTION,
    *refusals.ASSUMPTIONS,
    unknown_principal.ASSUMPTION,
    *events.ASSUMPTIONS,
    deleted_principal.ASSUMPTION,
    slashed_template.ASSUMPTION,
    *archived_image.ASSUMPTIONS,
    function_sdk.ASSUMPTION,
    *pull_time.ASSUMPTIONS,
)

_CENT = "less than a cent"
GROUPS: tuple[ProbePart, ...] = (
    ProbePart("ecr", "a repository with a few images of 1 KB", "the rights to ECR", _CENT),
    ProbePart(
        "events",
        "a rule of EventBridge and a queue",
        "the rights to EventBridge and SQS, and for calls a trail of CloudTrail",
        _CENT,
    ),
    ProbePart("iam", "a role that may do nothing", "the rights to make and delete a role", _CENT),
    ProbePart(
        "template",
        "a repository creation template, unless ECR refuses it",
        "the rights to creation templates",
        "nothing",
    ),
    ProbePart(
        "archive",
        "an archived image",
        "ecr:UpdateImageStorageClass",
        "less than a cent, for ECR counts 90 days of storage",
    ),
    ProbePart(
        "function",
        "a role and a function, run once",
        "the rights to IAM and Lambda",
        _CENT,
    ),
    ProbePart(
        "later",
        "two images that are asked about a day later",
        "the rights to ECR",
        _CENT,
        "the repository, until `ecr-steward probe --later`",
    ),
)
"""Every group; the first is always asked."""
