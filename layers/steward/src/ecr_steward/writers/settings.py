"""The writer of settings: observe, find the drift, write down, correct, verify."""

from __future__ import annotations

import logging
import operator
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING

from ecr_steward.ecr import Refused, RegistryError, RepositoryGone, Unavailable
from ecr_steward.history.settings import Known, key_of
from ecr_steward.rules import Mode
from ecr_steward.settings.settle import SetCall, settle
from ecr_steward.settings.state import SettingAction, SettingChange
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.hints import REGISTRY, Action, Hint
from ecr_steward.writers.passing import StewardOff
from ecr_steward.writers.places import RegistryPlace, RepositoryPlace, SettingsPlace
from ecr_steward.writers.preview import Outlook
from ecr_steward.writers.setting_facts import SET_BY, SettingFacts, difference_of, subject_of
from ecr_steward.writers.settings_setup import SettingsSetup

if TYPE_CHECKING:
    from ecr_steward.history.planned import PlannedOnly

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a setting is set in one visit, where it differs again right after it was set."""


@dataclass(frozen=True, slots=True)
class SettingsVisit:
    """What one visit to the settings of a repository led to.

    `facts` are those newly recorded. `found` is how much was found or done by kind of fact, told
    before or not.
    """

    facts: tuple[Fact, ...] = ()
    found: Mapping[FactKind, int] = field(default_factory=dict)
    first_sight: bool = False


class Enforcer:
    """Brings the settings of one repository at a time to their baseline."""

    def __init__(self, setup: SettingsSetup) -> None:
        self.setup = setup

    def visit(self, repository: str, hints: Sequence[Hint]) -> SettingsVisit:
        """Look at the settings that the rules state, and correct or report what differs.

        A second visit does nothing. Raises Unavailable if a passing fault kept it from finishing:
        whatever was done is recorded, and the next visit goes on from there.
        """
        if self.setup.cap is Mode.OFF:
            raise StewardOff("Mode or SettingsMode is off.")
        place = self._place(repository, hints)
        if place is None:
            log.info("No rule states settings here", extra={"repository": repository})
            return SettingsVisit()
        try:
            return _Visit(self.setup, place, hints, self._planned(place, hints)).run()
        except RepositoryGone:
            log.warning("The repository is gone", extra={"repository": repository})
            self.setup.history.forget(place.name)
            return SettingsVisit()

    def _planned(self, place: SettingsPlace, hints: Sequence[Hint]) -> PlannedOnly | None:
        """What a visit is narrowed to: one whose hints do not all name a plan looks at all."""
        plans = {hint.plan for hint in hints}
        if None in plans or place.mode is not Mode.ENFORCE:
            return None
        named, now = self.setup.history.planned, self.setup.maker.clock()
        rules = self.setup.rules.fingerprint
        found = (named.settings(plan or "", place.name, rules, now) for plan in plans)
        return reduce(operator.or_, found)

    def differing(self, repository: str) -> tuple[SettingChange, ...]:
        """What a visit that enforces would find to differ, told before or not; history stays as it
        is, and the registry is asked for nothing but previews.

        Raises RegistryError.
        """
        place = self._place(repository, ())
        found = None if place is None else place.look(self.setup.history.recall(place.name))
        if place is None or found is None:
            return ()
        known, changes = found
        return tuple(place.outlook(changes, known).changes)

    def _place(self, repository: str, hints: Sequence[Hint]) -> SettingsPlace | None:
        if repository == REGISTRY:
            return RegistryPlace(self.setup) if self.setup.rules.registry_baseline.wishes else None
        rule = self.setup.rules.rule_for(repository)
        if rule is None:
            return None
        baseline = rule.baseline_where_images_expire if self.setup.expiry else rule.baseline
        new = any(hint.call == "CreateRepository" for hint in hints)
        return (
            RepositoryPlace(self.setup, repository, rule, baseline, new=new)
            if baseline.reads
            else None
        )


@dataclass(slots=True)
class _Written:
    """What came of the corrections of one visit; `passing` are those that a later visit makes."""

    done: list[SettingChange] = field(default_factory=list)
    failed: list[tuple[SettingChange, str]] = field(default_factory=list)
    passing: list[SettingChange] = field(default_factory=list)
    error: Unavailable | None = None
    """Why a later visit is needed."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a visit does: `todo` it corrects, `reported` it tells, `waiting` it leaves for now, and
    `left` it leaves to a visit that no plan narrows."""

    known: Known
    todo: Sequence[SettingChange]
    reported: Sequence[SettingChange]
    waiting: Sequence[SettingChange]
    outlook: Outlook
    left: Sequence[SettingChange] = ()


class _Visit:
    """One visit to one place; `planned` are the only corrections that it makes, None for all."""

    def __init__(
        self,
        setup: SettingsSetup,
        place: SettingsPlace,
        hints: Sequence[Hint],
        planned: PlannedOnly | None = None,
    ) -> None:
        self._history = setup.history
        self._place = place
        self._hints = hints
        self._planned = planned
        self._told = SettingFacts(setup, place, hints)

    def run(self) -> SettingsVisit:
        causes = dict.fromkeys(hint.cause.id for hint in self._hints)
        found = self._place.look(self._history.recall(self._place.name, causes))
        if found is None:
            return SettingsVisit()
        known, changes = found
        known, settled = self._settle(known, changes)
        self._told.know(known.led)
        plan = self._plan(known, changes)
        quiet = not known.seen and all(hint.action is Action.SWEEP for hint in self._hints)
        findings = self._told.findings(plan.reported, known.told)
        self._told.count(plan.todo, () if quiet else findings.values(), known.open)
        written = self._correct(plan)
        recorded = self._record(plan, written, findings, quietly=quiet)
        _log(self._place, plan.outlook.changes)
        if written.error is not None:
            raise written.error
        return SettingsVisit(
            facts=(*settled, *recorded),
            found=Counter(
                {
                    FactKind.DRIFT: len(plan.reported),
                    FactKind.CORRECT: len(written.done),
                    FactKind.FAILED: len(written.failed),
                }
            ),
            first_sight=quiet,
        )

    def _settle(self, known: Known, changes: Sequence[SettingChange]) -> tuple[Known, list[Fact]]:
        """Close what an earlier visit announced and did not close, by looking at ECR."""
        if not known.open:
            return known, []
        differing = [
            difference_of(each) for each in changes if each.action is SettingAction.CORRECT
        ]
        done = settle(known.open, differing, _set_at(self._hints))
        closed = self._history.close(self._place.name, known, done, {})
        return replace(known, led=closed.led), done

    def _plan(self, known: Known, changes: Sequence[SettingChange]) -> _Plan:
        if self._place.mode is not Mode.ENFORCE:
            return _Plan(known, (), changes, (), Outlook(changes))
        seen, left = self._narrowed(changes)
        outlook = self._place.outlook(seen, known)
        seen, more = self._narrowed(outlook.changes)
        outlook = replace(outlook, changes=seen)
        wanted = [each for each in outlook.changes if each.action is SettingAction.CORRECT]
        return _Plan(
            known=known,
            left=[*left, *more],
            todo=[each for each in wanted if each.setting not in outlook.blocked],
            reported=[each for each in outlook.changes if each.action is not SettingAction.CORRECT],
            waiting=[each for each in wanted if each.setting in outlook.blocked],
            outlook=outlook,
        )

    def _narrowed(
        self, changes: Sequence[SettingChange]
    ) -> tuple[list[SettingChange], list[SettingChange]]:
        """The changes without corrections that a plan leaves out, and these."""
        left = [each for each in changes if not self._is_wanted(each)]
        for each in left:
            log.info("Left, for it is not in the plan: %s", each.reason)
        return [each for each in changes if each not in left], left

    def _is_wanted(self, change: SettingChange) -> bool:
        if self._planned is None or change.action is not SettingAction.CORRECT:
            return True
        return self._planned.holds(key_of(difference_of(change)))

    def _correct(self, plan: _Plan) -> _Written:
        written = _Written()
        for change in plan.waiting:
            _fail(written, [change], plan.outlook.blocked[change.setting])
        # Nothing of these was done: they need not stay announced.
        written.passing.clear()
        if plan.todo:
            self._announce(plan)
            self._carry_out(plan, written)
        return written

    def _announce(self, plan: _Plan, instead: Sequence[SettingChange] = ()) -> None:
        """Write down what is about to be set; `instead` are changes as they are told now."""
        about = {subject_of(each) for each in instead}
        changes = [*(each for each in plan.todo if subject_of(each) not in about), *instead]
        announced = self._told.corrected(changes, plan.outlook)
        known = self._place.after(plan.known, settled=False)
        self._history.announce(self._place.name, announced, known)

    def _carry_out(self, plan: _Plan, written: _Written) -> None:
        todo: Sequence[SettingChange] = plan.todo
        for _ in range(ATTEMPTS):
            tried: list[SettingChange] = []
            try:
                for setting in dict.fromkeys(each.setting for each in todo):
                    each = [change for change in todo if change.setting == setting]
                    tried += self._set(plan, setting, each, written)
                todo = self._verify(tried, written)
            except RepositoryGone:
                gone = self._told.corrected([*written.done, *tried], plan.outlook)
                self._history.close(self._place.name, plan.known, gone, {})
                raise
            if not todo:
                return
        written.failed += [(each, _CONTESTED) for each in todo]

    def _set(
        self, plan: _Plan, setting: str, changes: Sequence[SettingChange], written: _Written
    ) -> Sequence[SettingChange]:
        """Set one setting, or after a refusal what can be set all the same; the changes made."""
        made = changes
        try:
            try:
                self._place.set(setting, changes)
            except Refused as refused:
                made = self._set_less(plan, setting, changes)
                _fail(written, _without(changes, made), refused)
        except RepositoryGone:
            raise
        except RegistryError as error:
            _fail(written, changes, error)
            return ()
        return made

    def _set_less(
        self, plan: _Plan, setting: str, changes: Sequence[SettingChange]
    ) -> Sequence[SettingChange]:
        for made, make in self._place.fallbacks(setting, changes):
            self._announce(plan, made)
            try:
                make()
            except Refused as error:
                log.warning("Not even the rest could be set: %s", error)
            else:
                return made
        return ()

    def _verify(self, tried: Sequence[SettingChange], written: _Written) -> Sequence[SettingChange]:
        """Look at what was set: what differs again, as it differs now."""
        if not tried:
            return ()
        try:
            found = self._place.look_again(frozenset(each.setting for each in tried))
        except Unavailable as error:
            _fail(written, tried, error)
            return ()
        about = {subject_of(each) for each in tried}
        # What differs again was set all the same, and then by somebody else.
        written.done += tried
        return [
            each
            for each in found
            if each.action is SettingAction.CORRECT
            and subject_of(each) in about
            and self._is_wanted(each)
        ]

    def _record(
        self,
        plan: _Plan,
        written: _Written,
        findings: Mapping[str, Fact],
        *,
        quietly: bool,
    ) -> list[Fact]:
        """Write down what came of it; returns the facts that are new."""
        known, outlook = plan.known, plan.outlook
        failures = self._told.failures(written.failed)
        new = {key: fact for key, fact in failures.items() if key not in known.told}
        corrected = self._told.corrected([*written.done, *written.passing], outlook)
        done, left = corrected[: len(written.done)], corrected[len(written.done) :]
        told = frozenset({*self._told.keys(plan.reported), *failures})
        whole = written.error is None and not plan.left
        after = replace(
            self._place.after(known, settled=whole and not written.failed),
            seen=True,
            # What a later visit has yet to look at is known until then.
            told=told if whole else told | known.told,
            previewed=outlook.previewed,
            judged=outlook.judged,
        )
        if plan.todo or findings or new or after != known:
            self._history.close(
                self._place.name, after, done, {**findings, **new}, quietly=quietly, left=left
            )
        return [*done, *findings.values(), *new.values()]


_CONTESTED = (
    f"it was set {ATTEMPTS} times and differed again right after: does somebody else set it, too?"
)


def _set_at(hints: Iterable[Hint]) -> dict[SetCall, datetime]:
    """When these calls set which setting."""
    calls = ((SET_BY.get(hint.call or ""), hint) for hint in hints)
    return {(setting, hint.cause.id): hint.time for setting, hint in calls if setting is not None}


def _without(
    changes: Sequence[SettingChange], made: Sequence[SettingChange]
) -> list[SettingChange]:
    about = {subject_of(each) for each in made}
    return [each for each in changes if subject_of(each) not in about]


def _fail(written: _Written, changes: Sequence[SettingChange], error: RegistryError) -> None:
    if isinstance(error, Unavailable):
        written.passing += changes
        written.error = written.error or error
    else:
        written.failed += [(each, f"{error.code} ({error.message})") for each in changes]


def _log(place: SettingsPlace, changes: Iterable[SettingChange]) -> None:
    for change in changes:
        log.info(
            change.reason,
            extra={
                "repository": place.name,
                "mode": place.mode.value,
                "setting": change.setting,
                "problem": change.problem.value,
                "action": change.action.value,
            },
        )
