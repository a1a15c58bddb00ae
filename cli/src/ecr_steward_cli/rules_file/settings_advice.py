"""What the baselines of rules say in vain or dangerously."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_steward.rules.model import Ruleset
from ecr_steward.settings.kinds import Around
from ecr_steward_cli.rules_file.document import Path


def settings_advice(ruleset: Ruleset) -> Iterator[tuple[Path, str]]:
    """The path and the sentence of each warning."""
    for rule in ruleset.rules:
        around = Around(rule.tags, registry_scans=ruleset.registry_scans)
        for kind, wish in rule.baseline.stated():
            for path, sentence in kind.advice(wish, around):
                yield ("rules", rule.index, "repository", *path), sentence
