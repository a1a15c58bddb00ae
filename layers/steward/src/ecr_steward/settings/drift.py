"""Drift: where a repository's settings differ from the baseline, and what puts them right."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ecr_steward.settings import immutability, lifecycle
from ecr_steward.settings.baseline import Baseline
from ecr_steward.settings.expiry import at_risk
from ecr_steward.settings.lifecycle import Expiring
from ecr_steward.settings.state import Problem, Setting, SettingAction, SettingChange, Settings
from ecr_steward.settings.statements import merged, policy_drift
from ecr_steward.tags.scheme import Scheme


def drift(
    baseline: Baseline,
    actual: Settings,
    *,
    scheme: Scheme | None = None,
    account: str = "",
    role: str = "",
    tagger: str | None = None,
    cache: bool = False,
    managed: Collection[str] = (),
    preview: Sequence[Expiring] = (),
) -> tuple[SettingChange, ...]:
    """Every difference between `actual` and `baseline`, as if the rule enforced.

    `scheme` is the rule's, which `immutability: scheme` and lifecycle policies are judged by.
    `account` is the registry's own, `role` the ARN of the role that sets policies, as far as they
    are known; `tagger` is that of the role that moves tags, which no policy may lock out where the
    rule has a scheme. `cache` says that the repository is a pull-through cache. `managed` are the
    Sids that the steward once set: those that the rule no longer has are taken out. `preview` is
    what ECR's preview of the baseline's lifecycle policy would expire.
    """
    found: list[SettingChange] = []
    if baseline.policy is not None:
        found += policy_drift(
            baseline.policy,
            actual.policy,
            account=account,
            role=role,
            tagger=None if scheme is None else tagger,
            managed=managed,
        )
    found += _lifecycle(baseline, actual, scheme, preview)
    found += _immutability(baseline, actual, scheme, cache)
    found += _scan_on_push(baseline, actual)
    found += _encryption(baseline, actual)
    found += _resource_tags(baseline, actual)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Correction:
    """What to set, complete: `sets` says which of the values below are meant.

    `policy` and `lifecycle` are whole documents, None where the repository's must be deleted.
    `resource_tags` are those to add or change. The policy never has `Resource`, except in
    statements of others that have it already; it is sent without `force`.
    """

    sets: frozenset[Setting] = frozenset()
    policy: Mapping[str, Any] | None = None
    lifecycle: Mapping[str, Any] | None = None
    mutability: str = "MUTABLE"
    filters: tuple[str, ...] = ()
    scan_on_push: bool = False
    resource_tags: Mapping[str, str] = field(default_factory=dict)

    def applied(self, actual: Settings) -> Settings:
        """The settings once all of it is set."""
        wanted: dict[str, Any] = {}
        for setting in self.sets - {Setting.IMMUTABILITY, Setting.RESOURCE_TAGS}:
            wanted[setting.value] = getattr(self, setting.value)
        if Setting.IMMUTABILITY in self.sets:
            wanted |= {"mutability": self.mutability, "filters": self.filters}
        if Setting.RESOURCE_TAGS in self.sets:
            wanted["resource_tags"] = {**actual.resource_tags, **self.resource_tags}
        return replace(actual, **wanted)


def correction(
    baseline: Baseline, actual: Settings, changes: Sequence[SettingChange]
) -> Correction:
    """What to set so that no change of `changes` is left to correct."""
    corrected = [each for each in changes if each.action is SettingAction.CORRECT]
    values: dict[str, Any] = {}
    for setting in {each.setting for each in corrected}:
        values |= _values(setting, actual, [each for each in corrected if each.setting is setting])
    return Correction(sets=frozenset(each.setting for each in corrected), **values)


def _values(setting: Setting, actual: Settings, changes: Sequence[SettingChange]) -> dict[str, Any]:
    if setting is Setting.POLICY:
        return {"policy": merged(actual.policy, changes)}
    if setting is Setting.RESOURCE_TAGS:
        return {"resource_tags": {each.subject: each.after for each in changes}}
    if setting is Setting.IMMUTABILITY:
        after = changes[0].after
        return {"mutability": after["imageTagMutability"], "filters": _filters(after)}
    return {setting.value: changes[0].after}


def _filters(after: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(each["filter"] for each in after["imageTagMutabilityExclusionFilters"])


def _lifecycle(
    baseline: Baseline, actual: Settings, scheme: Scheme | None, preview: Sequence[Expiring]
) -> Iterator[SettingChange]:
    wanted, found = baseline.lifecycle, actual.lifecycle
    if wanted is None:
        return
    differs = lifecycle.canonical(wanted.document) != lifecycle.canonical(found)
    risks = at_risk(wanted.document, scheme, preview) if wanted.document and scheme else {}
    refused = differs and bool(risks) and not wanted.allow_expiring_stable
    if differs:
        problem, reason = _lifecycle_problem(wanted.document, found)
        reason += " It is not set, because it could expire stable tags." if refused else ""
        step = SettingAction.REFUSE if refused else SettingAction.CORRECT
        yield _change(Setting.LIFECYCLE, problem, found, wanted.document, reason, step)
    # What the rule allows is said when it is set, and not again.
    if differs or not wanted.allow_expiring_stable:
        yield from _expiring(
            wanted.document, risks, SettingAction.REFUSE if refused else SettingAction.REPORT
        )


def _lifecycle_problem(
    wanted: Mapping[str, Any] | None, found: Mapping[str, Any] | None
) -> tuple[Problem, str]:
    if wanted is None:
        return Problem.EXTRA, "There is a lifecycle policy, where the rule has none."
    if found is None:
        return Problem.MISSING, "There is no lifecycle policy, where the rule has one."
    return Problem.DIFFERENT, "The lifecycle policy is not the rule's."


def _expiring(
    document: Mapping[str, Any] | None, risks: Mapping[int, Sequence[str]], step: SettingAction
) -> Iterator[SettingChange]:
    for rule in (document or {}).get("rules", ()):
        priority = rule["rulePriority"]
        if priority in risks:
            tags = ", ".join(f"`{each}`" for each in risks[priority])
            reason = (
                f"The lifecycle rule {priority} can expire images under the stable tags {tags}: "
                "let a rule above it match those tags and keep them, or write "
                "`allow_expiring_stable: true`."
            )
            yield SettingChange(
                Setting.LIFECYCLE, Problem.EXPIRES_STABLE, f"rule {priority}", step, None, rule,
                reason,
            )  # fmt: skip


def _immutability(
    baseline: Baseline, actual: Settings, scheme: Scheme | None, cache: bool
) -> Iterator[SettingChange]:
    wanted = immutability.wanted(baseline.immutability, scheme, cache=cache)
    if wanted is None or wanted.is_met_by(actual.mutability, actual.filters):
        return
    before, after = (
        {
            "imageTagMutability": word,
            "imageTagMutabilityExclusionFilters": immutability.listed(all_),
        }
        for word, all_ in ((actual.mutability, actual.filters), (wanted.mutability, wanted.filters))
    )
    had = immutability.described(actual.mutability, actual.filters)
    shall = immutability.described(wanted.mutability, wanted.filters)
    reason = f"Tags are {had} and should be {shall}, because {wanted.reason}."
    yield _change(Setting.IMMUTABILITY, Problem.DIFFERENT, before, after, reason)


def _scan_on_push(baseline: Baseline, actual: Settings) -> Iterator[SettingChange]:
    wanted, found = baseline.scan_on_push, actual.scan_on_push
    if wanted is not None and wanted is not found:
        words = {True: "scanned on push", False: "not scanned on push"}
        reason = (
            f"Images are {words[found]}, where the rule has `scan_on_push: {str(wanted).lower()}`."
        )
        yield _change(Setting.SCAN_ON_PUSH, Problem.DIFFERENT, found, wanted, reason)


def _encryption(baseline: Baseline, actual: Settings) -> Iterator[SettingChange]:
    wanted, found = baseline.encryption, actual.encryption
    if wanted is not None and wanted != found:
        reason = (
            f"The repository is encrypted with {found}, where the rule has {wanted}: ECR cannot "
            "change it, so make the repository anew and push its images again."
        )
        yield _change(
            Setting.ENCRYPTION, Problem.UNCHANGEABLE, found, wanted, reason, SettingAction.REPORT
        )


def _resource_tags(baseline: Baseline, actual: Settings) -> Iterator[SettingChange]:
    for key, wanted in (baseline.resource_tags or {}).items():
        found = actual.resource_tags.get(key)
        if found is None:
            reason = f"The resource tag `{key}` is missing, which the rule has as `{wanted}`."
            yield SettingChange(
                Setting.RESOURCE_TAGS,
                Problem.MISSING,
                key,
                SettingAction.CORRECT,
                None,
                wanted,
                reason,
            )
        elif found != wanted:
            reason = f"The resource tag `{key}` is `{found}`, which the rule has as `{wanted}`."
            yield SettingChange(
                Setting.RESOURCE_TAGS,
                Problem.DIFFERENT,
                key,
                SettingAction.CORRECT,
                found,
                wanted,
                reason,
            )


def _change(
    setting: Setting,
    problem: Problem,
    before: Any,
    after: Any,
    reason: str,
    action: SettingAction = SettingAction.CORRECT,
) -> SettingChange:
    """A change of a setting that is one value: its subject is the setting."""
    return SettingChange(setting, problem, setting.value, action, before, after, reason)
