"""The documents that ECR takes: repository policies and lifecycle policies, and what the latter do.

Both models of ECR check by these: the registry in memory and the local cloud's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ecr_steward.settings import lifecycle
from ecr_steward.settings.state import BaselineError
from ecr_steward.words.globs import glob_regex
from ecr_steward_cli.in_memory.refusals import invalid_parameter

LONGEST_POLICY: Final = 10_240
"""Characters of a repository policy (ECR API: SetRepositoryPolicy)."""

_UNIQUE_ID = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}")


def check_policy(text: str, strangers: Collection[str] = (), *, force: bool = False) -> None:
    """Raises RefusedError for a text that ECR takes for no repository policy.

    `strangers` are principals that ECR does not know; one named by its id is never known. A policy
    that keeps everybody from setting another needs `force` (ECR API: SetRepositoryPolicy): here a
    `Deny` of SetRepositoryPolicy to `*` without a condition; ECR does not say how it finds out.
    """
    if len(text) > LONGEST_POLICY:
        raise invalid_parameter("policyText", f"must have at most {LONGEST_POLICY} characters")
    if not _is_policy(text) or (_locks_out(text) and not force):
        raise invalid_parameter("PolicyText", "Invalid repository policy provided")
    if not _knows_all(text, strangers):
        raise invalid_parameter("PolicyText", "Principal not found")


def check_registry_policy(text: str, strangers: Collection[str] = ()) -> None:
    """Refuse what ECR refuses of the registry's policy. Raises RefusedError."""
    if len(text) > LONGEST_POLICY:
        raise invalid_parameter("policyText", f"must have at most {LONGEST_POLICY} characters")
    if not _is_policy(text) or not _knows_all(text, strangers):
        raise invalid_parameter("PolicyText", "Invalid registry policy provided")


def _is_policy(text: str) -> bool:
    try:
        document = json.loads(text)
        statements = document["Statement"]
    except (ValueError, TypeError, KeyError):
        return False
    statements = [statements] if isinstance(statements, dict) else statements
    return bool(statements) and all(map(_is_statement, statements))


def _knows_all(text: str, strangers: Collection[str]) -> bool:
    return not any(
        _UNIQUE_ID.fullmatch(name) or any(stranger in name for stranger in strangers)
        for statement in _listed(json.loads(text)["Statement"])
        for name in _named(statement)
    )


def _is_statement(statement: Any) -> bool:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        return False
    if not (statement.keys() & {"Principal", "NotPrincipal"}):
        return False
    return bool(statement.keys() & {"Action", "NotAction"})


def _named(statement: Mapping[str, Any]) -> Iterator[str]:
    """The users, roles and accounts that a statement names."""
    for key in ("Principal", "NotPrincipal"):
        found = statement.get(key)
        names = _listed(found.get("AWS")) if isinstance(found, Mapping) else []
        yield from (each for each in names if isinstance(each, str))


def _locks_out(text: str) -> bool:
    return any(
        each.get("Effect") == "Deny"
        and each.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        and not each.get("Condition")
        and {"ecr:*", "*", "ecr:SetRepositoryPolicy"} & set(_listed(each.get("Action")))
        for each in _listed(json.loads(text)["Statement"])
    )


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def check_lifecycle(text: str) -> None:
    """Raises RefusedError for a text that ECR takes for no lifecycle policy."""
    if not 100 <= len(text) <= lifecycle.MAX_LENGTH:
        raise invalid_parameter(
            "lifecyclePolicyText", f"must have from 100 to {lifecycle.MAX_LENGTH} characters"
        )
    try:
        rules = json.loads(text)["rules"]
        lifecycle.check(rules)
    except (ValueError, TypeError, KeyError, BaselineError) as error:
        raise invalid_parameter(
            "LifecyclePolicyText", f"Lifecycle policy validation failure: {error}"
        ) from error
    if not rules:
        raise invalid_parameter("LifecyclePolicyText", "Lifecycle policy validation failure")


def in_order(text: str) -> str:
    """A lifecycle policy as ECR gives it back: its rules in the order of their priorities."""
    rules = json.loads(text)["rules"]
    return json.dumps({"rules": lifecycle.by_priority(rules)})


def check_template(template: Mapping[str, Any]) -> None:
    """Raises RefusedError for a repository creation template without the role it needs.

    ECR User Guide: Repository creation templates: resource tags and KMS need a custom role.
    """
    encryption = template.get("encryptionConfiguration") or {}
    keyed = str(encryption.get("encryptionType", "")).startswith("KMS")
    if (keyed or template.get("resourceTags")) and not template.get("customRoleArn"):
        raise invalid_parameter("customRoleArn", "must not be null with resource tags or KMS")


@dataclass(frozen=True, slots=True)
class PreviewImage:
    """What a lifecycle rule looks at: `pushed_at` is when an image that was restored became active
    again; `pulled_at` is None for one that was not pulled since, `archived_at` for one that is not
    archived."""

    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime
    pulled_at: datetime | None = None
    archived_at: datetime | None = None


def taken(
    rules: Iterable[Mapping[str, Any]], images: Sequence[PreviewImage], now: datetime
) -> Iterator[tuple[PreviewImage, Mapping[str, Any]]]:
    """The images that a lifecycle policy would expire or archive, each with its rule.

    `images` are in the order they were pushed, which counts where the time of two is the same.
    Rules go by priority; an image that a rule selects is out of reach for the later ones, taken or
    not (ECR User Guide: Lifecycle policy evaluation rules).
    """
    left = sorted(images, key=lambda image: image.pushed_at)[::-1]
    for rule in sorted(rules, key=lambda rule: int(rule["rulePriority"])):
        selects = _selector(rule["selection"])
        chosen = [image for image in left if selects(image)]
        for image in _due(rule["selection"], chosen, now):
            yield image, rule
        gone = {image.digest for image in chosen}
        left = [image for image in left if image.digest not in gone]


def _selector(selection: Mapping[str, Any]) -> Callable[[PreviewImage], bool]:
    """What says whether a rule selects an image."""
    archived = selection.get("storageClass", "standard") == "archive"
    tagged = _by_tags(selection)
    return lambda image: archived is (image.archived_at is not None) and tagged(image.tags)


def _by_tags(selection: Mapping[str, Any]) -> Callable[[Sequence[str]], bool]:
    status = selection["tagStatus"]
    if status != "tagged":
        return lambda tags: status == "any" or not tags
    wanted = selection.get("tagPatternList") or [f"{each}*" for each in selection["tagPrefixList"]]
    match = [glob_regex([pattern]).fullmatch for pattern in wanted]
    # Every entry has to be matched, each by any of the image's tags.
    return lambda tags: bool(tags) and all(any(map(each, tags)) for each in match)


def _due(
    selection: Mapping[str, Any], newest_first: Sequence[PreviewImage], now: datetime
) -> Sequence[PreviewImage]:
    count, kind = int(selection["countNumber"]), selection["countType"]
    if kind == "imageCountMoreThan":
        return newest_first[count:]
    return [each for each in newest_first if now - _since(kind, each) > timedelta(days=count)]


def _since(kind: str, image: PreviewImage) -> datetime:
    """The time that a count type counts from."""
    times = {
        "sinceImagePulled": image.pulled_at,
        "sinceImageTransitioned": image.archived_at,
    }
    return times.get(kind) or image.pushed_at
