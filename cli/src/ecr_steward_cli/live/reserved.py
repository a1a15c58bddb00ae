"""What of a plan is not done as the rules and the stack are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ecr_steward.messages.say.wording import counted
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.settings.state import SettingAction
from ecr_steward_cli.live.survey import RegistryPlan
from ecr_steward_cli.live.words import all_settings


def reserved(plan: RegistryPlan, rules: Ruleset, parameters: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each mode and parameter that keeps something of the plan from being done.

    Every rule of a plan is judged as in `mode: enforce`. `parameters` are those of the stack; where
    there is none, only rules can hold back.
    """
    differing = [rules.rule_for(each.name) for each in plan.repositories if each.differs]
    if held := sum(rule is not None and rule.mode != Mode.ENFORCE for rule in differing):
        has = counted(held, "of these repositories has", "of these repositories have")
        yield f"{has} a rule in audit: the steward only reports there, until it says enforce."
    if plan.differs:
        yield from _by_stack(plan, rules, parameters)


def _by_stack(plan: RegistryPlan, rules: Ruleset, parameters: Mapping[str, str]) -> Iterator[str]:
    mode, of_settings = (parameters.get(each, "enforce") for each in ("Mode", "SettingsMode"))
    if mode != "enforce":
        yield f"The stack has Mode={mode}: nothing is changed."
        return
    corrected = any(each.action is SettingAction.CORRECT for each in all_settings([plan]))
    if corrected and of_settings != "enforce":
        yield f"The stack has SettingsMode={of_settings}: no setting is corrected."
    removing = any(rule.tags is not None and rule.tags.unknown == "remove" for rule in rules.rules)
    if removing and parameters.get("AllowTagRemoval") == "false":
        yield "The stack has AllowTagRemoval=false: unknown tags are reported, and stay."
    expiring = any((rule.images or {}).get("others") == "expire" for rule in rules.rules)
    if expiring and parameters.get("AllowExpiry") == "false":
        yield "The stack has AllowExpiry=false: images are announced, and do not expire."
