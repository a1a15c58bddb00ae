"""All repositories of one or several registries, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.rules import Rule, Ruleset
from ecr_steward.settings.state import SettingChange
from ecr_steward.words.globs import PullThrough, glob_regex
from ecr_steward_cli.live.faults import FAULTS, said
from ecr_steward_cli.live.further import Further, look_further
from ecr_steward_cli.live.look import LiveRegistry, Look, RepositoryPlan
from ecr_steward_cli.live.resume import NoResume
from ecr_steward_cli.live.state import LookDigits

AT_ONCE = 8
"""Most repositories that are looked at at once; where ECR throttles, see pace.py."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read, and why, as a sentence."""

    what: str
    why: str


@dataclass
class RegistryPlan:
    """What would change in one registry. `without_rule` are repositories that no rule matches;
    `settings` is what differs in the settings of the registry itself, `state` what they were,
    `reserved` says what of it is not done as things are deployed, `further` has what only a page
    tells, where it was asked for."""

    account: str
    region: str
    repositories: list[RepositoryPlan] = field(default_factory=list)
    settings: Sequence[SettingChange] = ()
    state: LookDigits = field(default_factory=LookDigits)
    without_rule: list[str] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    reserved: Sequence[str] = ()
    further: Further = field(default_factory=Further)

    @property
    def differs(self) -> bool:
        return bool(self.settings) or any(each.differs for each in self.repositories)


Heard = Callable[[int, int], None]
"""Hears how many repositories were looked at, and of how many."""


def survey(
    rules: Ruleset,
    registry: LiveRegistry,
    *,
    glob: str = "*",
    clock: Callable[[], datetime],
    grace: timedelta,
    heard: Heard = lambda done, of: None,
    resume: NoResume | None = None,
    further: bool = False,
) -> RegistryPlan:
    """What the rules would change in the repositories that `glob` matches.

    What cannot be read becomes a line of the plan, and ends nothing. `resume` keeps what was read,
    and has what an interrupted run did. With `further` also what only a page tells is read.
    """
    plan = RegistryPlan(registry.account, registry.region)
    images = EcrRegistry(registry.ecr)
    try:
        caches = images.pull_through_prefixes()
        names = sorted(filter(glob_regex((glob,)).fullmatch, images.repositories()))
    except FAULTS as error:
        plan.unread.append(Unread("the registry", said(error)))
        return plan
    look = Look(rules, registry, clock, grace, caches)
    governed = list(_governed(rules, names, PullThrough(tuple(caches)), plan))
    resume = resume or NoResume()
    _repositories(look, governed, plan, heard, resume)
    if rules.registry:
        try:
            itself = look.at_registry()
            plan.settings, plan.state = itself.settings, itself.state
        except FAULTS as error:
            plan.unread.append(Unread("the settings of the registry", said(error)))
    if further:
        _look_further(registry.ecr, names, plan, heard)
    resume.done()
    return plan


def _look_further(ecr: Any, names: Sequence[str], plan: RegistryPlan, heard: Heard) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        plan.further = look_further(ecr, names, plan.without_rule, pool.map, heard)
    faults = plan.further.faults.items()
    plan.unread += [Unread(what, said(error)) for what, error in faults]


def _governed(
    rules: Ruleset, names: Sequence[str], caches: PullThrough, plan: RegistryPlan
) -> Iterator[tuple[str, Rule]]:
    """The repositories that a rule is for; those of caches only where it names them."""
    for name in names:
        rule = rules.rule_for(name)
        if rule is None:
            plan.without_rule.append(name)
        elif not caches.owns(name) or rule.names(name):
            yield name, rule


def _repositories(
    look: Look,
    governed: Sequence[tuple[str, Rule]],
    plan: RegistryPlan,
    heard: Heard,
    resume: NoResume,
) -> None:
    names = {name for name, _ in governed}
    known = {each.name: each for each in resume.found() if each.name in names}
    left = [each for each in governed if each[0] not in known]
    plan.repositories += known.values()

    def at(each: tuple[str, Rule]) -> RepositoryPlan | Unread:
        try:
            return look.at(*each)
        except FAULTS as error:
            return Unread(each[0], said(error))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number, found in enumerate(pool.map(at, left), start=1):
            heard(number, len(left))
            if isinstance(found, Unread):
                plan.unread.append(found)
            else:
                resume.keep(found)
                plan.repositories.append(found)
    plan.repositories.sort(key=lambda each: each.name)
