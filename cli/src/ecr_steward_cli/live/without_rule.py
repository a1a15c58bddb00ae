"""The repositories that no rule matches, by the scheme that their tags show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ecr_steward_cli.live import words
from ecr_steward_cli.live.survey import RegistryPlan
from ecr_steward_cli.rules_file.first import SuggestedRule, suggested
from ecr_steward_cli.rules_file.shown_scheme import SeenRepository


@dataclass(frozen=True, slots=True)
class UngovernedSchemes:
    """Rules that `init` would write for them, the names of those that show no scheme, and of those
    that could not be read or were not asked."""

    rules: Sequence[SuggestedRule]
    bare: Sequence[str]
    unread: Sequence[str]


def schemes(plans: Sequence[RegistryPlan]) -> UngovernedSchemes:
    """The repositories without a rule of all registries, one of the same name being one."""
    found = [each.seen for plan in plans for each in plan.further.ungoverned]
    governed = {each.name for plan in plans for each in plan.repositories}
    rules, bare = suggested(_by_name(found), governed)
    return UngovernedSchemes(rules, bare, _unread(plans))


def _by_name(seen: Iterable[SeenRepository]) -> list[SeenRepository]:
    """What one rules file is for: of two registries the images of both."""
    found: dict[str, SeenRepository] = {}
    for each in seen:
        known = found.get(each.name)
        images = each.images if known is None else (*known.images, *each.images)
        found[each.name] = SeenRepository(each.name, images, each.with_digests)
    return list(found.values())


def _unread(plans: Sequence[RegistryPlan]) -> list[str]:
    return [
        words.named(plans, plan, name)
        for plan in plans
        for name in plan.without_rule
        if name not in {each.seen.name for each in plan.further.ungoverned}
    ]
