"""The one lifecycle rule by which ECR expires images with an expiry tag.

It is merged into whatever policy is there: below the guards that name stable tags alone, and above
all else, so that no other rule keeps from it what it takes (ECR User Guide: Lifecycle policies, an
image that a rule of higher priority selects is not taken by a lower one).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecr_steward.settings import lifecycle
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.words.expiry_tags import BEGINNING

_PATTERN = f"{BEGINNING}*"

RULE: Mapping[str, Any] = {
    "description": "ECR Steward: images that nothing keeps, announced before",
    "selection": {
        "tagStatus": "tagged",
        "tagPatternList": [_PATTERN],
        # An image that gets an expiry tag was told of days before, and pushed earlier still.
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 1,
    },
    "action": {"type": "expire"},
}

Document = Mapping[str, Any]


def is_ours(rule: Any) -> bool:
    """Whether a rule is the steward's, or has its pattern."""
    return lifecycle.is_rule(rule) and lifecycle.patterns(rule) == {_PATTERN}


def holds(document: Document | None) -> bool:
    """Whether a policy has the rule as it must be."""
    rules = _rules(document)
    return any(
        is_ours(each)
        and each["selection"] == RULE["selection"]
        and each["action"] == RULE["action"]
        for each in rules
    )


def stripped(document: Document | None) -> Document | None:
    """A policy without the rule; None where nothing else is in it."""
    rules = [each for each in _rules(document) if not is_ours(each)]
    if len(rules) == len(_rules(document)):
        return document
    return {"rules": rules} if rules else None


def merged(document: Document | None, scheme: Scheme | None) -> Document | None:
    """A policy with the rule; None where there is no room for it, or a rule that nobody can read.

    Other rules keep content and order; their priorities change only where there is no number left
    for it.
    """
    others = stripped(document)
    if others is not None and not lifecycle.is_known(others):
        return None
    rules = lifecycle.by_priority(_rules(others))
    if len(rules) >= lifecycle.MAX_RULES:
        return None
    guards = next((i for i, each in enumerate(rules) if not _guards(each, scheme)), len(rules))
    found = {"rules": _numbered(rules[:guards], rules[guards:])}
    return found if len(lifecycle.dumps(found)) <= lifecycle.MAX_LENGTH else None


def _rules(document: Document | None) -> list[Any]:
    found = (document or {}).get("rules")
    return found if isinstance(found, list) else []


def _guards(rule: Mapping[str, Any], scheme: Scheme | None) -> bool:
    """Whether a rule names stable tags and nothing else."""
    named = lifecycle.patterns(rule)
    return (
        scheme is not None
        and bool(named)
        and all("*" not in tag and scheme.judge(tag) is Verdict.STABLE for tag in named)
    )


def _numbered(above: list[Any], below: list[Any]) -> list[Any]:
    """The rule between the others, with a priority that is free, or with all of them anew."""
    before = above[-1]["rulePriority"] if above else 0
    if not below or before + 1 < below[0]["rulePriority"]:
        return [*above, {"rulePriority": before + 1, **RULE}, *below]
    every = [*above, RULE, *below]
    return [{**each, "rulePriority": i} for i, each in enumerate(every, 1)]
