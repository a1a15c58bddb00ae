"""What a rule's baseline means for one repository, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_steward.rules.model import Rule, Ruleset
from ecr_steward.settings.kinds import Around
from ecr_steward.words.modes import Mode


def settings(rule: Rule, ruleset: Ruleset) -> Iterator[tuple[str, str]]:
    """The title and the line of each thing to say."""
    if not rule.baseline.reads:
        yield "settings", "The rule says nothing about settings, so they are left alone."
        return
    if rule.mode is Mode.AUDIT:
        yield "settings", "In mode audit what differs below is reported, and nothing is set."
    around = Around(rule.tags, registry_scans=ruleset.registry_scans)
    for kind, wish in rule.baseline.stated():
        yield from kind.explain(wish, around)
