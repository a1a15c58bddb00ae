"""The writer of settings: observe, find the drift, write down, correct, verify."""

from __future__ import annotations

import abc
import logging
import operator
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

from ecr_steward.ecr import Refused, RegistryError, RepositoryGone, Unavailable
from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.numbering import Led
from ecr_steward.history.settings import Known, SettingsHistory, key_of
from ecr_steward.rules import Mode, Rule, Ruleset
from ecr_steward.settings.baseline import Baseline, Settings
from ecr_steward.settings.drift import correction, drift
from ecr_steward.settings.kinds import DESCRIBED, KINDS, Around, named
from ecr_steward.settings.lifecycle import AHEAD, Expiring, sooner
from ecr_steward.settings.settle import SetCall, settle
from ecr_steward.settings.state import SettingAction, SettingChange
from ecr_steward.words.calls import CHANGES, CHANGES_OF_THE_REGISTRY
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Difference, Fact, FactKind, FactMaker
from ecr_steward.words.globs import PullThrough
from ecr_steward.words.hints import REGISTRY, Action, Hint
from ecr_steward.words.reading import iso
from ecr_steward.writers import preview
from ecr_steward.writers.passing import StewardOff
from ecr_steward.writers.preview import Outlook, Previewer
from ecr_steward.writers.visit_facts import VisitFacts, opened

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
    """Brings the settings of one repository at a time to their baseline.

    `cap` is the stack's mode for settings, `role` the ARN of the role that sets them and `tagger`
    of the one that moves tags, which no policy may lock out; `readers` are those of others that
    read images. `expiry` is whether the stack lets images expire. `running` gives of a repository
    by digest the workloads that need an image, which no lifecycle policy may take away. `maker`
    makes the facts, and has the time (UTC) that they carry; `sleep` waits between two looks at a
    preview that runs.
    """

    def __init__(
        self,
        *,
        rules: Ruleset,
        cap: Mode,
        registry: EcrSettings,
        history: SettingsHistory,
        maker: FactMaker,
        role: str = "",
        tagger: str | None = None,
        readers: Sequence[str] = (),
        expiry: bool | None = None,
        running: Callable[[str], Mapping[str, Sequence[str]]] = lambda repository: {},
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rules = rules
        self.cap = cap
        self.registry = registry
        self.history = history
        self.clock = maker.clock
        self.maker = maker
        self.role = role
        self.tagger = tagger
        self.readers = readers
        self.expiry = expiry
        self.running = running
        self.previewer = Previewer(registry, maker.clock, sleep)

    def visit(self, repository: str, hints: Sequence[Hint]) -> SettingsVisit:
        """Look at the settings that the rules state, and correct or report what differs.

        A second visit does nothing. Raises Unavailable if a passing fault kept it from finishing:
        whatever was done is recorded, and the next visit goes on from there.
        """
        if self.cap is Mode.OFF:
            raise StewardOff("Mode or SettingsMode is off.")
        place = self._place(repository, hints)
        if place is None:
            log.info("No rule states settings here", extra={"repository": repository})
            return SettingsVisit()
        try:
            return _Visit(self, place, hints, self._planned(place, hints)).run()
        except RepositoryGone:
            log.warning("The repository is gone", extra={"repository": repository})
            self.history.forget(place.name)
            return SettingsVisit()

    def _planned(self, place: _Place, hints: Sequence[Hint]) -> PlannedOnly | None:
        """What a visit is narrowed to: one whose hints do not all name a plan looks at all."""
        plans = {hint.plan for hint in hints}
        if None in plans or place.mode is not Mode.ENFORCE:
            return None
        named, now = self.history.planned, self.clock()
        rules = self.rules.fingerprint
        found = (named.settings(plan or "", place.name, rules, now) for plan in plans)
        return reduce(operator.or_, found)

    def differing(self, repository: str) -> tuple[SettingChange, ...]:
        """What a visit that enforces would find to differ, told before or not; history stays as it
        is, and the registry is asked for nothing but previews.

        Raises RegistryError.
        """
        place = self._place(repository, ())
        found = None if place is None else place.look(self.history.recall(place.name))
        if place is None or found is None:
            return ()
        known, changes = found
        return tuple(place.outlook(changes, known).changes)

    def _place(self, repository: str, hints: Sequence[Hint]) -> _Place | None:
        if repository == REGISTRY:
            return _Registry(self) if self.rules.registry_baseline.wishes else None
        rule = self.rules.rule_for(repository)
        if rule is None:
            return None
        baseline = rule.baseline_where_images_expire if self.expiry else rule.baseline
        new = any(hint.call == "CreateRepository" for hint in hints)
        return _Repository(self, repository, rule, baseline, new=new) if baseline.reads else None


_Fallback = tuple[Sequence[SettingChange], Callable[[], None]]


class _Place(abc.ABC):
    """Whose settings a visit is about: a repository's, or the registry's own.

    `name` and `rule` are as facts have them, `mode` is how far the visit goes.
    """

    name: str
    rule: str
    mode: Mode

    @abc.abstractmethod
    def look(self, known: Known) -> tuple[Known, tuple[SettingChange, ...]] | None:
        """What is known of it, and its drift; None where it is not the steward's to judge."""

    @abc.abstractmethod
    def look_again(self, settings: frozenset[str]) -> tuple[SettingChange, ...]:
        """The drift after these settings were set."""

    @abc.abstractmethod
    def outlook(self, changes: Sequence[SettingChange], known: Known) -> Outlook:
        """What has to be known of the corrections among `changes` before they are made."""

    @abc.abstractmethod
    def set(self, setting: str, changes: Sequence[SettingChange]) -> None:
        """Correct all changes of one setting; raises RegistryError."""

    def fallbacks(self, setting: str, changes: Sequence[SettingChange]) -> Iterator[_Fallback]:
        """What to try in this order where ECR refused `set`: changes, and what makes them."""
        return iter(())

    def after(self, known: Known, *, settled: bool) -> Known:
        """What is known once corrections are announced, or all made where `settled`."""
        return known


class _Repository(_Place):
    """A repository; one that is `new` may be of a cache whose rule no sweep has seen yet."""

    def __init__(
        self, enforcer: Enforcer, repository: str, rule: Rule, baseline: Baseline, *, new: bool
    ) -> None:
        self.name, self.rule = repository, rule.label()
        self.mode = rule.mode.capped(enforcer.cap)
        self._enforcer, self._registry = enforcer, enforcer.registry
        self._rule, self._baseline = rule, baseline
        self._actual = Settings()
        self._arn = ""
        self._new, self._cached = new, False
        self._sids: frozenset[str] = frozenset()
        self._running: Mapping[str, Sequence[str]] = {}

    def look(self, known: Known) -> tuple[Known, tuple[SettingChange, ...]] | None:
        if self._new:
            rules = PullThrough(self._registry.pull_through_prefixes())
            known = replace(known, pull_through=rules)
        self._cached = known.pull_through.owns(self.name)
        if self._cached and not self._rule.names(self.name):
            return None
        created = self._observe(self._baseline.reads)
        known = known.of(created)
        self._sids = known.sids
        return known, self._drift()

    def look_again(self, settings: frozenset[str]) -> tuple[SettingChange, ...]:
        self._observe(settings)
        return self._drift()

    def outlook(self, changes: Sequence[SettingChange], known: Known) -> Outlook:
        sets = {each.setting for each in changes if each.action is SettingAction.CORRECT}
        for kind, wish in self._baseline.stated():
            found = self._actual.of(kind)
            document = kind.to_preview(wish, found) if kind.name in sets else None
            if document is not None:
                return self._previewed(kind.name, document, changes, known)
            there = kind.in_place(wish, found)
            if there is not None:
                return self._judged(kind.name, there, changes, known)
        return Outlook(changes)

    def _judged(
        self,
        setting: str,
        there: Mapping[str, Any],
        changes: Sequence[SettingChange],
        known: Known,
    ) -> Outlook:
        """The outlook where the lifecycle policy that is there stays."""
        self._running = self._enforcer.running(self.name)
        try:
            known = self._enforcer.previewer.judge(self.name, there, self._running, known)
        except RepositoryGone:
            raise
        except RegistryError as error:
            log.warning("What the lifecycle policy takes of what runs is not known: %s", error)
        takes = () if known.judged is None else known.judged.takes
        seen = [each for each in self._drift(takes) if each.setting == setting]
        others = [each for each in changes if each.setting != setting]
        return Outlook([*others, *seen], previewed=known.previewed, judged=known.judged)

    def _previewed(
        self,
        setting: str,
        document: Mapping[str, Any],
        changes: Sequence[SettingChange],
        known: Known,
    ) -> Outlook:
        try:
            self._running = self._enforcer.running(self.name)
            found = self._enforcer.previewer.preview(
                self.name, sooner(document, self._ahead), known.previewed, self._running
            )
        except RepositoryGone:
            raise
        except RegistryError as error:
            return Outlook(changes, blocked={setting: error})
        if not found.done:
            began = known.previewed or self._enforcer.clock()
            return Outlook(changes, blocked={setting: preview.running()}, previewed=began)
        seen = self._drift(found.tagged)
        others = [each for each in changes if each.setting != setting]
        return Outlook(
            changes=[*others, *(each for each in seen if each.setting == setting)],
            notes={setting: preview.words(found, self._ahead)},
        )

    @property
    def _ahead(self) -> int:
        """How many days ahead a policy is judged before it is set: a moment later it is in place,
        and held against what runs."""
        return AHEAD if self._running else 0

    def set(self, setting: str, changes: Sequence[SettingChange]) -> None:
        self._send(setting, correction(self._actual, changes).values[setting], changes)

    def fallbacks(self, setting: str, changes: Sequence[SettingChange]) -> Iterator[_Fallback]:
        kind = named(setting)
        for less in kind.less(self._actual.of(kind), changes):
            yield less.changes, partial(self._send, setting, less.value, less.changes)

    def _send(self, setting: str, value: Any, changes: Sequence[SettingChange]) -> None:
        request = named(setting).request(self.name, self._arn, value, changes)
        self._registry.send(request)

    def after(self, known: Known, *, settled: bool) -> Known:
        return _remembered(self, self._baseline.stated(), known, settled=settled)

    def _observe(self, settings: frozenset[str]) -> str:
        """Read these settings; returns when the repository was made, empty if nothing told it."""
        kinds = [each for each in KINDS if each.name in settings]
        created = ""
        found: dict[str, Any] = {}
        if not self._arn or any(each.read == DESCRIBED for each in kinds):
            described = self._registry.describe(self.name)
            self._arn, created = described.arn, iso(described.created)
            found = {k.name: k.from_answer(described.answer) for k in kinds if k.read == DESCRIBED}
        for kind in kinds:
            if kind.read != DESCRIBED:
                answer = self._registry.read(kind.read, self.name, self._arn)
                found[kind.name] = kind.unset if answer is None else kind.from_answer(answer)
        self._actual = self._actual.but(found)
        return created

    def _drift(self, expiring: Sequence[Expiring] = ()) -> tuple[SettingChange, ...]:
        around = _around(
            self._enforcer,
            scheme=self._rule.tags,
            cache=self._cached,
            managed=self._sids,
            preview=expiring,
            running=self._running,
        )
        return drift(self._baseline, self._actual, around)


class _Registry(_Place):
    def __init__(self, enforcer: Enforcer) -> None:
        self.name, self.rule, self.mode = "", "registry", enforcer.cap
        self._enforcer, self._registry = enforcer, enforcer.registry
        self._baseline = enforcer.rules.registry_baseline
        self._actual: Any = None
        self._sids: frozenset[str] = frozenset()

    def look(self, known: Known) -> tuple[Known, tuple[SettingChange, ...]] | None:
        self._sids = known.sids
        return known, self.look_again(frozenset())

    def look_again(self, settings: frozenset[str]) -> tuple[SettingChange, ...]:
        # Most sandboxes never see the registry itself.
        from ecr_steward.settings.registry import RegistrySettings, registry_drift

        found = {}
        for kind, _ in self._baseline.stated():
            printed = (self._registry.read(kind.read, "", "") or {}).get(kind.printed)
            found[kind.name] = kind.unset if printed is None else kind.from_answer(printed)
        self._actual = RegistrySettings(found)
        around = _around(self._enforcer, managed=self._sids)
        return registry_drift(self._baseline, self._actual, around)

    def outlook(self, changes: Sequence[SettingChange], known: Known) -> Outlook:
        return Outlook(changes)

    def set(self, setting: str, changes: Sequence[SettingChange]) -> None:
        for kind, _ in self._baseline.stated():
            if kind.name == setting:
                for request in kind.requests(self._actual.of(kind), changes):
                    self._registry.send(request)

    def after(self, known: Known, *, settled: bool) -> Known:
        return _remembered(self, self._baseline.stated(), known, settled=settled)


def _around(enforcer: Enforcer, **more: Any) -> Around:
    """What settings are judged by, whosever they are."""
    tagger = enforcer.tagger
    return Around(
        account=enforcer.maker.account,
        setters=_known(enforcer.role),
        taggers=None if tagger is None else _known(tagger),
        readers=enforcer.readers,
        registry_scans=enforcer.rules.registry_scans,
        expiry=enforcer.expiry,
        **more,
    )


def _remembered(
    place: _Place, stated: Iterable[tuple[Any, Any]], known: Known, *, settled: bool
) -> Known:
    """What is known, with the names of what is ours in the settings of a place."""
    if place.mode is not Mode.ENFORCE:
        return known
    for kind, wish in stated:
        ours = kind.ours(wish)
        if ours is not None:
            # What is about to be put in is remembered before, or a crash would lose it.
            known = replace(known, sids=ours if settled else ours | known.sids)
    return known


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
    """What a visit does: `todo` it sets back, `reported` it tells, `waiting` it leaves for now, and
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
        enforcer: Enforcer,
        place: _Place,
        hints: Sequence[Hint],
        planned: PlannedOnly | None = None,
    ) -> None:
        self._history = enforcer.history
        self._place = place
        self._hints = hints
        self._planned = planned
        self._told = _SettingFacts(enforcer, place, hints)

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
        self._told.count(plan, () if quiet else findings.values())
        written = self._set_back(plan)
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
        differing = [_difference(each) for each in changes if each.action is SettingAction.CORRECT]
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
        return self._planned.holds(key_of(_difference(change)))

    def _set_back(self, plan: _Plan) -> _Written:
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
        about = {_about(each) for each in instead}
        changes = [*(each for each in plan.todo if _about(each) not in about), *instead]
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
        about = {_about(each) for each in tried}
        # What differs again was set all the same, and then by somebody else.
        written.done += tried
        return [
            each
            for each in found
            if each.action is SettingAction.CORRECT
            and _about(each) in about
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

_CALLS: Mapping[str, str] = {**CHANGES, **CHANGES_OF_THE_REGISTRY}
"""Which setting a call changes."""


def _set_at(hints: Iterable[Hint]) -> dict[SetCall, datetime]:
    """When these calls set which setting."""
    calls = ((_CALLS.get(hint.call or ""), hint) for hint in hints)
    return {(setting, hint.cause.id): hint.time for setting, hint in calls if setting is not None}


class _SettingFacts:
    """Makes facts of changes of settings, each with the cause that led to it."""

    def __init__(self, enforcer: Enforcer, place: _Place, hints: Sequence[Hint]) -> None:
        self._place = place
        self._hints = hints
        self._facts = VisitFacts(
            maker=enforcer.maker,
            repository=place.name,
            rule=place.rule,
            mode=place.mode.value,
            at=enforcer.clock(),
        )

    def know(self, led: Led) -> None:
        """Let every fact know what its cause led to before."""
        self._facts = replace(self._facts, led=led)

    def count(self, plan: _Plan, findings: Iterable[Fact]) -> None:
        """Let every fact know how many facts, which are told together, its cause led to."""
        of = Counter(self._cause(each.setting).id for each in plan.todo)
        of += Counter(fact.cause.id for fact in findings)
        self._facts = replace(self._facts, open=opened(plan.known.open), of=of)

    def keys(self, changes: Iterable[SettingChange]) -> list[str]:
        return [key_of(_difference(each)) for each in changes]

    def findings(self, changes: Iterable[SettingChange], told: Collection[str]) -> dict[str, Fact]:
        """What is to be told of these changes and was not yet, by its key."""
        found = {key_of(_difference(each)): each for each in changes}
        return {
            key: self._fact(FactKind.DRIFT, each, each.reason)
            for key, each in found.items()
            if key not in told
        }

    def corrected(self, changes: Iterable[SettingChange], outlook: Outlook) -> list[Fact]:
        """A fact for each of these changes, in order; what was set twice is two."""
        facts = []
        before: Counter[str] = Counter()
        for each in changes:
            reason = " ".join(filter(None, (each.reason, outlook.notes.get(each.setting))))
            fact = self._fact(FactKind.CORRECT, each, reason)
            facts.append(replace(fact, again=fact.again + before[fact.first_id]))
            before[fact.first_id] += 1
        return facts

    def failures(self, failed: Iterable[tuple[SettingChange, str]]) -> dict[str, Fact]:
        """One fact a cause: such facts have nothing else that tells them apart."""
        reasons: dict[str, dict[str, SettingChange]] = {}
        for change, why in failed:
            named = change.setting.replace("_", " ")
            sentence = f"The {named} of the {self._what()} could not be corrected: {why}."
            reasons.setdefault(self._cause(change.setting).id, {}).setdefault(sentence, change)
        facts = {}
        for each in reasons.values():
            fact = self._fact(FactKind.FAILED, next(iter(each.values())), " ".join(each))
            facts[key_of(Difference("failed", fact.reason, "", ""))] = fact
        return facts

    def _what(self) -> str:
        return "repository" if self._place.name else "registry"

    def _cause(self, setting: str) -> Cause:
        """The event behind a change: the last call that set it, or else what led to the look.

        Whoever made another call did not change this.
        """
        for hint in reversed(self._hints):
            if hint.call == "CreateRepository" or _CALLS.get(hint.call or "") == setting:
                return hint.cause
        sweeps = (hint for hint in self._hints if hint.action is Action.SWEEP)
        return replace(next(sweeps, self._hints[0]).cause, by=None)

    def _fact(self, kind: FactKind, change: SettingChange, reason: str) -> Fact:
        own = {} if kind is FactKind.FAILED else {"difference": _difference(change)}
        fact = self._facts.fact(kind, self._cause(change.setting), reason, **own)
        return self._facts.counted([fact])[0]


def _difference(change: SettingChange) -> Difference:
    return Difference(
        setting=change.setting,
        problem=change.problem.value,
        subject=change.subject,
        action=change.action.value,
        before=change.before,
        after=change.after,
    )


def _about(each: SettingChange | Difference) -> tuple[str, str, str]:
    """What a difference is about, whatever its values are now."""
    return str(each.setting), str(each.problem), each.subject


def _known(role: str) -> tuple[str, ...]:
    """The roles that are known of one that may not be."""
    return (role,) if role else ()


def _without(
    changes: Sequence[SettingChange], made: Sequence[SettingChange]
) -> list[SettingChange]:
    about = {_about(each) for each in made}
    return [each for each in changes if _about(each) not in about]


def _fail(written: _Written, changes: Sequence[SettingChange], error: RegistryError) -> None:
    if isinstance(error, Unavailable):
        written.passing += changes
        written.error = written.error or error
    else:
        written.failed += [(each, f"{error.code} ({error.message})") for each in changes]


def _log(place: _Place, changes: Iterable[SettingChange]) -> None:
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
