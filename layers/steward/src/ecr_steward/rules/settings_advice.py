"""What is wrong with the baselines of rules, and what they say in vain or dangerously."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from ecr_steward.repository import access, grammar, immutability
from ecr_steward.repository.actions import ACTIONS
from ecr_steward.repository.baseline import Baseline, LifecycleBaseline, PolicyBaseline
from ecr_steward.repository.drift import words_of
from ecr_steward.repository.expiry import beyond
from ecr_steward.repository.lockout import Steward, locks_out_steward, locks_out_tagger
from ecr_steward.rules.document import Path
from ecr_steward.rules.model import Rule, RulesError, Ruleset
from ecr_steward.tags.scheme import Scheme


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
        for path, sentence in _of_rule(rule, rule.baseline):
            yield ("rules", rule.index, "repository", *path), sentence


def _of_rule(rule: Rule, baseline: Baseline) -> Iterator[tuple[Path, str]]:
    if baseline.policy is not None:
        yield from _of_policy(baseline.policy, rule.tags)
    if baseline.lifecycle is not None:
        yield from _of_lifecycle(baseline.lifecycle, rule.tags)
    yield from _of_immutability(baseline, rule.tags)


def _of_policy(policy: PolicyBaseline, scheme: Scheme | None) -> Iterator[tuple[Path, str]]:
    for i, key, action in grammar.unknown_actions(policy.statements):
        close = difflib.get_close_matches(action, ACTIONS, n=1)
        rest = (
            f"; did you mean `{close[0]}`?"
            if close
            else ": in a repository policy it says nothing."
        )
        yield ("policy", "statements", i, key), f"`{action}` is no action of ECR's{rest}"
    for path, operator, value in grammar.unreadable_values(policy.statements):
        said = f"`{operator}` cannot read `{value}`, so this condition never holds."
        yield ("policy", "statements", *path), said
    for i, each in enumerate(policy.statements):
        why = access.judge(each, access.Allowed((access.ANY,))).public
        if why is not None and policy.public == "report":
            yield (
                ("policy", "statements", i),
                (
                    f"`{each['Sid']}` lets anyone in ({why}), which will be reported; write "
                    "`public: allow` if you mean it."
                ),
            )
        denied = _denied(each, policy, scheme)
        if denied is not None:
            yield (
                ("policy", "statements", i),
                (
                    f"`{each['Sid']}` may deny the steward to {denied}: it is put in only where it "
                    "surely spares the steward's role, such as by a condition on aws:PrincipalArn."
                ),
            )


def _denied(
    statement: Mapping[str, Any], policy: PolicyBaseline, scheme: Scheme | None
) -> str | None:
    """What a statement may keep the steward from, whose roles are not known here."""
    organisations = frozenset(each for each in policy.named.may("pull") if each.startswith("o-"))
    steward = Steward(organisations=organisations, taggers=None if scheme is None else ())
    if locks_out_steward(statement, steward):
        return "set the policy"
    return "move tags" if locks_out_tagger(statement, steward) else None


def _of_lifecycle(wanted: LifecycleBaseline, scheme: Scheme | None) -> Iterator[tuple[Path, str]]:
    rules: list[Any] = list((wanted.document or {}).get("rules", ()))
    for i, rule in enumerate(rules):
        for key in ("tagPatternList", "tagPrefixList"):
            if len(rule["selection"].get(key, ())) > 1:
                yield (
                    ("lifecycle", "rules", i, "selection", key),
                    (
                        f"The entries of `{key}` must all match, each by a tag of the image; for "
                        "either one or the other write two rules."
                    ),
                )
    if scheme is None or wanted.document is None:
        return
    for pattern in beyond(scheme):
        said = "says more than can be told from it alone, so it counts as any tag where the policy"
        yield ("lifecycle",), f"`{pattern}` {said} is judged."
    risks = [each for each in wanted.risks if not wanted.allows(each.entry)]
    for i, rule in enumerate(rules):
        found = [each for each in risks if each.priority == rule["rulePriority"]]
        if found:
            said = f"{words_of(rule, found, allowed=False)} The policy is not set before."
            yield ("lifecycle", "rules", i), said


def _of_immutability(baseline: Baseline, scheme: Scheme | None) -> Iterator[tuple[Path, str]]:
    wanted = immutability.wanted(baseline.immutability, scheme)
    if wanted is None or scheme is None or wanted.exact:
        return
    guarded = scheme.overwritten == "restore"
    rest = "the steward puts overwritten unique tags back itself (`overwritten: restore`)"
    if not guarded:
        rest = f"`overwritten: {scheme.overwritten}` does not put unique tags back either"
    yield (
        ("immutability",),
        (
            f"`immutability: scheme` leaves these repositories mutable, because {wanted.reason}; "
            f"{rest}."
        ),
    )
