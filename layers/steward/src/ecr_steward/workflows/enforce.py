"""The writer of settings: observe a repository, find its drift, write down, set back, verify."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ecr_steward.events import REGISTRY, Action, Difference, Fact, Hint, Kind, iso
from ecr_steward.registry import Refused, RegistryError, RepositoryGone, Unavailable
from ecr_steward.registry.settings import Described, Preview, SettingsRegistry
from ecr_steward.repository.baseline import Baseline
from ecr_steward.repository.drift import Correction, correction, drift
from ecr_steward.repository.registry import RegistrySettings, registry_drift
from ecr_steward.repository.state import Change, Setting, Settings, Step
from ecr_steward.rules import Mode, Rule, Ruleset
from ecr_steward.settings_history import Known, SettingsHistory, key_of
from ecr_steward.workflows.retag import StewardOff

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a setting is set in one visit, where it differs again right after it was set."""

POLLS = 15
"""How often a visit asks for a lifecycle preview, a second or two apart, before it lets the
repository wait and comes back later."""

PREVIEW_KEPT = timedelta(hours=1)
"""How long a preview that was waited for counts: images that came since are not in it."""


@dataclass(frozen=True, slots=True)
class SettingsVisit:
    """What one visit to the settings of a repository led to.

    `facts` are those newly told or quietly kept, `found` is how many differences were found, by
    kind of fact, told before or not.
    """

    facts: tuple[Fact, ...] = ()
    found: Mapping[Kind, int] = field(default_factory=dict)
    first_sight: bool = False


@dataclass(slots=True)
class _Subject:
    """What is looked at: the settings of a repository, or the registry's own."""

    name: str
    """As facts name it: empty for the registry."""
    rule: str
    mode: Mode
    hints: Sequence[Hint]
    known: Known
    changes: tuple[Change, ...] = ()
    notes: dict[Setting, str] = field(default_factory=dict)
    """What else there is to say of a correction, such as what a preview showed."""


@dataclass(slots=True)
class _Written:
    done: list[Change] = field(default_factory=list)
    failed: list[tuple[Change, str]] = field(default_factory=list)
    passing: list[tuple[Change, Unavailable]] = field(default_factory=list)


class Enforcer:
    """Brings the settings of one repository at a time to their baseline.

    `cap` is the stack's mode for settings, `role` the ARN of the role that sets them, which no
    policy may lock out. `clock` gives the time (UTC) that facts carry, `sleep` waits between two
    looks at a running preview.
    """

    def __init__(
        self,
        *,
        rules: Ruleset,
        cap: Mode,
        registry: SettingsRegistry,
        history: SettingsHistory,
        clock: Callable[[], datetime],
        account: str,
        region: str,
        role: str = "",
        sleep: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._rules = rules
        self._cap = cap
        self._registry = registry
        self._history = history
        self._clock = clock
        self._account = account
        self._region = region
        self._role = role
        self._sleep = sleep

    def visit(self, repository: str, hints: Sequence[Hint]) -> SettingsVisit:
        """Look at the settings that the rules state, and set back or tell what differs.

        A second visit does nothing. Raises Unavailable if a passing fault kept it from finishing:
        whatever was done is recorded, and the next visit goes on from there.
        """
        if self._cap is Mode.OFF:
            raise StewardOff("Mode or SettingsMode is off.")
        if repository == REGISTRY:
            return self._visit_registry(hints)
        rule = self._rules.rule_for(repository)
        if rule is None or not rule.baseline.reads:
            log.info("No rule has settings for this repository", extra={"repository": repository})
            return SettingsVisit()
        try:
            return _RepositoryVisit(self, repository, rule, hints).run()
        except RepositoryGone:
            log.warning("The repository is gone", extra={"repository": repository})
            self._history.forget(repository)
            return SettingsVisit()

    def _visit_registry(self, hints: Sequence[Hint]) -> SettingsVisit:
        baseline = self._rules.registry_baseline
        if baseline.scanning is None and not baseline.templates:
            log.info("No rule has settings for the registry")
            return SettingsVisit()
        return _RegistryVisit(self, hints).run()
