"""What is wrong with the baselines of rules, and what they say in vain or dangerously."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_steward.rules.model import RulesError, Ruleset
from ecr_steward.settings.kinds import Around
from ecr_steward_cli.rules_file.document import Path


def settings_faults(ruleset: Ruleset) -> Iterator[RulesError]:
    """The faults of the baselines: one of each rule, and one of the registry's."""
    broken = False
    for rule in ruleset.rules:
        try:
            _ = rule.baseline
        except RulesError as error:
            broken = True
            yield error
    if broken:
        return  # Templates are made of baselines.
    try:
        _ = ruleset.registry_baseline
    except RulesError as error:
        yield error


def settings_advice(ruleset: Ruleset) -> Iterator[tuple[Path, str]]:
    """The path and the sentence of each warning."""
    for rule in ruleset.rules:
        around = Around(rule.tags, registry_scans=ruleset.registry_scans)
        for kind, wish in rule.baseline.stated():
            for path, sentence in kind.advice(wish, around):
                yield ("rules", rule.index, "repository", *path), sentence
