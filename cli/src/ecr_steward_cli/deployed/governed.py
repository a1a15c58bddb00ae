"""The stable tags that a stack moves."""

from __future__ import annotations

from dataclasses import dataclass

from ecr_steward.rules import Rule, Ruleset
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward_cli.deployed.rules import rules_of
from ecr_steward_cli.deployed.stack import Stack
from ecr_steward_cli.terminal.errors import Refusal


@dataclass(frozen=True, slots=True)
class Governed:
    """A stable tag that the steward moves, and the rule that says so."""

    repository: str
    tag: str
    rules: Ruleset
    rule: Rule
    scheme: Scheme

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}"


def governed(stack: Stack, repository: str, tag: str) -> Governed:
    """Raises Refusal for a tag that the stack's rules do not have the steward move."""
    rules = rules_of(stack)
    rule = rules.rule_for(repository)
    if rule is None or rule.tags is None:
        raise Refusal(
            f"No rule of stack `{stack.name}` says anything about the tags of {repository}, so "
            f"nothing moves there: check the name, and the rules with `ecr-steward check "
            f"RULES --explain {repository}`."
        )
    why = _why_not(rule.tags, tag)
    if why is not None:
        raise Refusal(f"`{tag}` {why}")
    return Governed(repository, tag, rules, rule, rule.tags)


def _why_not(scheme: Scheme, tag: str) -> str | None:
    """Why the steward never moves a tag, or None if it does."""
    if scheme.line(tag) is not None:
        return None
    return {
        Verdict.EXPIRY: "is an expiry tag: no hold keeps it.",
        Verdict.UNIQUE: "is a unique tag, which never moves: name a stable tag.",
        Verdict.IGNORED: "is ignored by the rule, so the steward never moves it.",
        Verdict.STABLE: "follows nothing in the rule; only your pipeline moves it.",
        Verdict.UNKNOWN: "is not a stable tag in the rule, so the steward never moves it.",
    }[scheme.judge(tag)]
