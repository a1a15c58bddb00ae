"""The team's rules file: its schema, its loading, and the validated objects."""

from ecr_steward.rules.model import Mode, Rule, RulesError, Ruleset

__all__ = ["Mode", "Rule", "RulesError", "Ruleset"]
