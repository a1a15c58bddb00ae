"""Whose settings a visit is about: how they are read, judged and set."""

from __future__ import annotations

import abc
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ecr_steward.ecr import RegistryError, RepositoryGone
from ecr_steward.history.settings import Known
from ecr_steward.rules import Mode, Rule
from ecr_steward.settings.baseline import Baseline, Settings
from ecr_steward.settings.drift import correction, drift
from ecr_steward.settings.kinds import DESCRIBED, KINDS, Around, named
from ecr_steward.settings.lifecycle import AHEAD, Expiring, TaggedRunning, sooner
from ecr_steward.settings.state import SettingAction, SettingChange
from ecr_steward.words.globs import PullThrough
from ecr_steward.words.reading import iso
from ecr_steward.writers import preview
from ecr_steward.writers.preview import Outlook
from ecr_steward.writers.settings_setup import SettingsSetup

log = logging.getLogger(__name__)

Fallback = tuple[Sequence[SettingChange], Callable[[], None]]


class SettingsPlace(abc.ABC):
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

    def fallbacks(self, setting: str, changes: Sequence[SettingChange]) -> Iterator[Fallback]:
        """What to try in this order where ECR refused `set`: changes, and what makes them."""
        return iter(())

    def after(self, known: Known, *, settled: bool) -> Known:
        """What is known once corrections are announced, or all made where `settled`."""
        return known


class RepositoryPlace(SettingsPlace):
    """A repository; one that is `new` may be of a cache whose rule no sweep has seen yet."""

    def __init__(
        self, setup: SettingsSetup, repository: str, rule: Rule, baseline: Baseline, *, new: bool
    ) -> None:
        self.name, self.rule = repository, rule.label()
        self.mode = rule.mode.capped(setup.cap)
        self._setup, self._registry = setup, setup.registry
        self._rule, self._baseline = rule, baseline
        self._actual = Settings()
        self._arn = ""
        self._new, self._cached = new, False
        self._sids: frozenset[str] = frozenset()
        self._running: Mapping[str, Sequence[str]] = {}
        self._named: Sequence[TaggedRunning] = ()

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
        differ = {each.setting for each in changes if each.action is not SettingAction.REPORT}
        for kind, wish in self._baseline.stated():
            found = self._actual.of(kind)
            document = kind.to_preview(wish, found) if kind.name in differ else None
            if document is not None:
                return self._to_set(kind.name, document, changes, known)
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
        self._running = self._setup.running(self.name)
        try:
            known = self._setup.previewer.judge(self.name, there, self._running, known)
        except RepositoryGone:
            raise
        except RegistryError as error:
            log.warning("What the lifecycle policy takes of what runs is not known: %s", error)
        takes = () if known.judged is None else known.judged.takes
        judged = self._judged_anew(setting, changes, takes)
        return Outlook(judged, previewed=known.previewed, judged=known.judged)

    def _to_set(
        self,
        setting: str,
        document: Mapping[str, Any],
        changes: Sequence[SettingChange],
        known: Known,
    ) -> Outlook:
        """The outlook where a lifecycle policy is to be set: ECR is asked for a preview only where
        its rules, with the tags of what runs, show nothing against it."""
        try:
            self._running = self._setup.running(self.name)
            if self._running:
                self._named = self._setup.tagged(self.name, self._running)
                changes = self._judged_anew(setting, changes)
            if any(_refuses(each, setting) for each in changes):
                return Outlook(changes)
            found = self._setup.previewer.preview(
                self.name, sooner(document, self._ahead), known.previewed, self._running
            )
        except RepositoryGone:
            raise
        except RegistryError as error:
            return Outlook(changes, blocked={setting: error})
        if not found.done:
            began = known.previewed or self._setup.maker.clock()
            return Outlook(changes, blocked={setting: preview.running()}, previewed=began)
        return Outlook(
            changes=self._judged_anew(setting, changes, found.tagged),
            notes={setting: preview.words(found, self._ahead)},
        )

    def _judged_anew(
        self, setting: str, changes: Sequence[SettingChange], expiring: Sequence[Expiring] = ()
    ) -> list[SettingChange]:
        """The changes, those of one setting as they are with what is known by now."""
        others = [each for each in changes if each.setting != setting]
        return [*others, *(each for each in self._drift(expiring) if each.setting == setting)]

    @property
    def _ahead(self) -> int:
        """How many days ahead a policy is judged before it is set: a moment later it is in place,
        and held against what runs."""
        return AHEAD if self._running else 0

    def set(self, setting: str, changes: Sequence[SettingChange]) -> None:
        self._send(setting, correction(self._actual, changes).values[setting], changes)

    def fallbacks(self, setting: str, changes: Sequence[SettingChange]) -> Iterator[Fallback]:
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
            self._setup,
            scheme=self._rule.tags,
            cache=self._cached,
            managed=self._sids,
            preview=expiring,
            running=self._running,
            named=self._named,
        )
        return drift(self._baseline, self._actual, around)


class RegistryPlace(SettingsPlace):
    def __init__(self, setup: SettingsSetup) -> None:
        self.name, self.rule, self.mode = "", "registry", setup.cap
        self._setup, self._registry = setup, setup.registry
        self._baseline = setup.rules.registry_baseline
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
        around = _around(self._setup, managed=self._sids)
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


def _refuses(change: SettingChange, setting: str) -> bool:
    return change.setting == setting and change.action is SettingAction.REFUSE


def _around(setup: SettingsSetup, **more: Any) -> Around:
    """What settings are judged by, whosever they are."""
    tagger = setup.tagger
    return Around(
        account=setup.maker.account,
        setters=_known(setup.role),
        taggers=None if tagger is None else _known(tagger),
        readers=setup.readers,
        registry_scans=setup.rules.registry_scans,
        expiry=setup.expiry,
        **more,
    )


def _remembered(
    place: SettingsPlace, stated: Iterable[tuple[Any, Any]], known: Known, *, settled: bool
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


def _known(role: str) -> tuple[str, ...]:
    """The roles that are known of one that may not be."""
    return (role,) if role else ()
