"""The facts of one visit to the settings of a repository or of the registry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ecr_steward.history.numbering import Led
from ecr_steward.history.settings import key_of
from ecr_steward.settings.state import SettingChange
from ecr_steward.words.calls import CHANGES, CHANGES_OF_THE_REGISTRY
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Difference, Fact, FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.places import SettingsPlace
from ecr_steward.writers.preview import Outlook
from ecr_steward.writers.settings_setup import SettingsSetup
from ecr_steward.writers.visit_facts import VisitFacts, opened

SET_BY: Mapping[str, str] = {**CHANGES, **CHANGES_OF_THE_REGISTRY}
"""Which setting a call changes."""


class SettingFacts:
    """Makes facts of changes of settings, each with the cause that led to it."""

    def __init__(self, setup: SettingsSetup, place: SettingsPlace, hints: Sequence[Hint]) -> None:
        self._place = place
        self._hints = hints
        self._facts = VisitFacts(
            maker=setup.maker,
            repository=place.name,
            rule=place.rule,
            mode=place.mode.value,
            at=setup.maker.clock(),
        )

    def know(self, led: Led) -> None:
        """Let every fact know what its cause led to before."""
        self._facts = replace(self._facts, led=led)

    def count(
        self, todo: Iterable[SettingChange], findings: Iterable[Fact], open_: Iterable[Fact]
    ) -> None:
        """Let every fact know how many facts, which are told together, its cause led to."""
        of = Counter(self._cause(each.setting).id for each in todo)
        of += Counter(fact.cause.id for fact in findings)
        self._facts = replace(self._facts, open=opened(open_), of=of)

    def keys(self, changes: Iterable[SettingChange]) -> list[str]:
        return [key_of(difference_of(each)) for each in changes]

    def findings(self, changes: Iterable[SettingChange], told: Collection[str]) -> dict[str, Fact]:
        """What is to be told of these changes and was not yet, by its key."""
        found = {key_of(difference_of(each)): each for each in changes}
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
            if hint.call == "CreateRepository" or SET_BY.get(hint.call or "") == setting:
                return hint.cause
        sweeps = (hint for hint in self._hints if hint.action is Action.SWEEP)
        return replace(next(sweeps, self._hints[0]).cause, by=None)

    def _fact(self, kind: FactKind, change: SettingChange, reason: str) -> Fact:
        own = {} if kind is FactKind.FAILED else {"difference": difference_of(change)}
        fact = self._facts.fact(kind, self._cause(change.setting), reason, **own)
        return self._facts.counted([fact])[0]


def difference_of(change: SettingChange) -> Difference:
    return Difference(
        setting=change.setting,
        problem=change.problem.value,
        subject=change.subject,
        action=change.action.value,
        before=change.before,
        after=change.after,
    )


def subject_of(each: SettingChange | Difference) -> tuple[str, str, str]:
    """What a difference is about, whatever its values are now."""
    return str(each.setting), str(each.problem), each.subject
