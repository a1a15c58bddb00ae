"""What is wrong with the baselines of rules."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_steward.rules.model import RulesError, Ruleset


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
