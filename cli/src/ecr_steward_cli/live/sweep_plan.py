"""A kept plan beside the stack that is to make its changes, and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ecr_steward.ecr import RegistryError
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.planned import Planned
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.words.globs import glob_regex
from ecr_steward.words.reading import iso
from ecr_steward_cli.deployed.rules import rules_of
from ecr_steward_cli.deployed.stack import Stack, aws
from ecr_steward_cli.given.files import text_of
from ecr_steward_cli.live.faults import said
from ecr_steward_cli.live.kept import (
    KeptPlan,
    KeptPlanFault,
    KeptRepository,
    PlannedWrite,
    kept_plan,
)
from ecr_steward_cli.live.look import LiveRegistry, Look
from ecr_steward_cli.live.overlay import Overlay
from ecr_steward_cli.live.pace import Pace, PacedClient
from ecr_steward_cli.live.since import called, changed_since, unmade
from ecr_steward_cli.live.survey import AT_ONCE
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.text import printable, say


@dataclass(frozen=True, slots=True)
class PlanOfStack:
    """What a kept plan has for the registry of a stack; `rules` are those of both."""

    stack: Stack
    account: str
    rules: Ruleset
    kept: KeptPlan
    repositories: Mapping[str, KeptRepository]

    @classmethod
    def read(cls, file: str, stack: Stack, glob: str) -> PlanOfStack:
        """The part of the plan in `file` for the repositories that `glob` matches.

        Raises Refusal for a file that is none, a stack that enforces nothing, other rules than the
        stack's, and a plan of other registries.
        """
        kept = _read(file)
        if stack.output("Mode") != "enforce":
            raise Refusal(
                f"Stack `{stack.name}` has Mode={stack.output('Mode')}, so nothing of the plan "
                "would be made: deploy it with Mode=enforce."
            )
        with aws():
            rules = rules_of(stack)
            account = stack.caller()["Account"]
        _check_rules(file, kept, rules, stack)
        found = kept.registries.get((account, stack.region))
        if found is None:
            named = ", ".join(f"{each} {region}" for each, region in kept.registries) or "none"
            raise Refusal(
                f"{file}: The plan does not say anything of account {account} in {stack.region}, "
                f"where the stack is, but of {named}."
            )
        wanted = glob_regex((glob,))
        within = {name: each for name, each in found.items() if wanted.fullmatch(name)}
        plan = cls(stack, account, rules, kept, within)
        if within and len(plan.audited) == len(within):
            raise Refusal(
                f"{file}: Every repository that the plan changes has a rule with `mode: audit`, so "
                "nothing of it would be made: write `mode: enforce` where you are ready, deploy "
                "these rules, and keep a new plan with them."
            )
        return plan

    @property
    def planned(self) -> dict[str, Planned]:
        """The changes that the plan has for each repository, as history keeps them."""
        return {name: each.planned() for name, each in self.repositories.items()}

    @property
    def audited(self) -> list[str]:
        """The repositories of the plan in which the rule itself lets nothing be changed."""
        rules = ((name, self.rules.rule_for(name)) for name in self.repositories)
        return [name for name, rule in rules if rule is not None and rule.mode != Mode.ENFORCE]

    def lines_before(self, heard: Callable[[], object] = lambda: None) -> Iterator[str]:
        """What there is to do, and what has changed since the plan.

        It looks at each repository again, and `heard` hears of each.
        """
        changes = sum(len(each.writes) for each in self.repositories.values())
        yield (
            f"The plan of {iso(self.kept.at)} has {_counted(changes, 'change')} in "
            f"{_counted(len(self.repositories), 'repository', 'repositories')}."
        )
        mode = self.stack.output("SettingsMode")
        if mode != "enforce" and any(each.settings for each in self.repositories.values()):
            yield f"SettingsMode is {mode}: no setting is corrected."
        if audited := self.audited:
            yield (
                f"{_counted(len(audited), 'repository', 'repositories')} of it "
                f"{'has' if len(audited) == 1 else 'have'} a rule with `mode: audit`: nothing is "
                "changed there."
            )
        try:
            look = self._look()
        except RegistryError as error:
            yield f"What has changed since is not known: {said(error)}"
            return
        yield from changed_since(look, self.rules, self.repositories, heard)

    def _look(self) -> Look:
        outside = self.stack.outside
        ecr: Any = PacedClient(self.stack.client("ecr"), Pace(AT_ONCE, outside.sleep))
        below = outside.open_table(
            self.stack.client("dynamodb"), self.stack.output("HistoryTableName")
        )
        registry = LiveRegistry(ecr, self.account, self.stack.region, lambda: Overlay(below))
        caches = EcrRegistry(ecr).pull_through_prefixes()
        return Look(self.rules, registry, outside.now, timedelta(), caches)

    def say_how_much_is_done(self) -> None:
        """How much of the plan was made since it was kept; raises NeedsAttention for the rest."""
        left = list(unmade(self.stack.history(), self.repositories, self.kept.at))
        changes = sum(len(each.writes) for each in self.repositories.values())
        made = changes - len(left)
        say(f"Of the plan, {made:,} of {_counted(changes, 'change')} {_was(made)} made.")
        if left:
            raise NeedsAttention("\n".join(self._left(left)))

    def _left(self, left: Sequence[tuple[str, PlannedWrite]]) -> Iterator[str]:
        """The changes that were left, below why."""
        reasons: dict[str, list[str]] = {}
        for name, each in left:
            line = f"  {called(name)}: {printable(each.words)}"
            reasons.setdefault(self._why_left(name, each), []).append(line)
        for why, lines in reasons.items():
            yield from (f"Left, because {why}:", *lines)

    def _why_left(self, name: str, change: PlannedWrite) -> str:
        if name in self.audited:
            return "the rule has `mode: audit`"
        mode = self.stack.output("SettingsMode")
        if mode != "enforce" and change in self.repositories[name].settings:
            return f"SettingsMode is {mode}"
        return "it is not what is decided now"


def _read(file: str) -> KeptPlan:
    try:
        with text_of(file) as text:
            return kept_plan(text.read(), file)
    except KeptPlanFault as fault:
        raise Refusal(str(fault)) from fault


def _check_rules(file: str, kept: KeptPlan, rules: Ruleset, stack: Stack) -> None:
    if kept.rules != rules.fingerprint:
        raise Refusal(
            f"{file}: The plan was made by the rules {kept.rules}, and stack `{stack.name}` goes "
            f"by {rules.fingerprint}: deploy those of the plan, or keep a new one with "
            "`ecr-steward plan --out` and the rules that are deployed."
        )


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
