"""The team's rules file: its schema, its loading, and the validated objects."""

from ecr_steward.rules.model import Rule, RulesError, Ruleset
from ecr_steward.words.modes import Mode

__all__ = ["Mode", "Rule", "RulesError", "Ruleset"]
