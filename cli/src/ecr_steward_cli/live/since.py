"""What has happened since a plan was kept: in the registry, and of the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from ecr_steward.ecr import RegistryError
from ecr_steward.history.settings import key_of
from ecr_steward.history.tags import History
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.tags.plan import change_key
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.hints import REGISTRY
from ecr_steward_cli.live.faults import said
from ecr_steward_cli.live.kept import KeptRepository, PlannedWrite
from ecr_steward_cli.live.look import Look, RepositoryPlan
from ecr_steward_cli.live.survey import AT_ONCE

CLOCKS = timedelta(minutes=5)
"""How far the clock of whoever planned may be ahead of that of the functions."""


def changed_since(
    look: Look,
    rules: Ruleset,
    kept: Mapping[str, KeptRepository],
    heard: Callable[[], object] = lambda: None,
) -> Iterator[str]:
    """A sentence for each repository that is not as the plan saw it, or cannot be looked at.

    `heard` hears of each that was looked at.
    """

    def at(name: str) -> str | None:
        try:
            now = _look(look, rules, name)
        except (RegistryError, ClientError, BotoCoreError) as error:
            return f"Whether {called(name)} has changed is not known: {said(error)}"
        return None if now is None else _changed(name, kept[name], now)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for sentence in pool.map(at, sorted(kept)):
            heard()
            if sentence is not None:
                yield sentence


def _look(look: Look, rules: Ruleset, name: str) -> RepositoryPlan | None:
    if name == REGISTRY:
        return look.at_registry()
    rule = rules.rule_for(name)
    return None if rule is None else look.at(name, replace(rule, images=None))


def _changed(name: str, kept: KeptRepository, now: RepositoryPlan) -> str | None:
    parts = (("tags", kept.state.tags != now.state.tags),
             ("settings", kept.state.settings != now.state.settings))  # fmt: skip
    different = " and ".join(what for what, differs in parts if differs)
    return f"{called(name)} has changed since: its {different}." if different else None


def unmade(
    history: History, kept: Mapping[str, KeptRepository], since: datetime
) -> Iterator[tuple[str, PlannedWrite]]:
    """What of the plan nobody has made since, each with the name of its repository in the plan."""
    for name, repository in kept.items():
        past = history.past("" if name == REGISTRY else name, since - CLOCKS)
        made = {_key(fact) for fact in past if fact.mode == Mode.ENFORCE}
        for each in repository.writes:
            if each.key not in made:
                yield name, each


def _key(fact: Fact) -> str:
    """The key of the change that a fact tells of."""
    if fact.kind is FactKind.CORRECT and fact.difference is not None:
        return key_of(fact.difference)
    return change_key(fact.kind.value, fact.tag or "", fact.before, fact.digest)


def called(name: str) -> str:
    """A repository of a kept plan as people call it."""
    return "The registry itself" if name == REGISTRY else name
