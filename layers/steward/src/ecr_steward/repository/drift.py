"""Drift: where a repository's settings differ from the baseline, and what puts them right."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ecr_steward.repository import immutability, lifecycle
from ecr_steward.repository.baseline import Baseline
from ecr_steward.repository.expiry import Risk, previewed, remedy
from ecr_steward.repository.lifecycle import Expiring
from ecr_steward.repository.state import Change, Problem, Setting, Settings, Step
from ecr_steward.repository.statements import merged, policy_drift
from ecr_steward.tags.scheme import Scheme


def drift(
    baseline: Baseline,
    actual: Settings,
    *,
    scheme: Scheme | None = None,
    account: str = "",
    setters: Sequence[str] = (),
    taggers: Sequence[str] | None = None,
    cache: bool = False,
    managed: Collection[str] = (),
    preview: Sequence[Expiring] = (),
) -> tuple[Change, ...]:
    """Every difference between `actual` and `baseline`, as if the rule enforced.

    `scheme` is the rule's, which `immutability: scheme` and lifecycle policies are judged by.
    `account` is the registry's own, `setters` are the ARNs of the roles that set policies, as far
    as they are known; `taggers` those of the roles that move tags, which no policy may lock out
    where the rule has a scheme. `cache` says that the repository is a pull-through cache. `managed`
    are the Sids that the steward once set: those that the rule no longer has are taken out.
    `preview` is what ECR's preview of the baseline's lifecycle policy would take away.
    """
    found: list[Change] = []
    if baseline.policy is not None:
        found += policy_drift(
            baseline.policy,
            actual.policy,
            account=account,
            setters=setters,
            taggers=None if scheme is None else taggers,
            managed=managed,
        )
    found += _lifecycle(baseline, actual, preview)
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


def correction(baseline: Baseline, actual: Settings, changes: Sequence[Change]) -> Correction:
    """What to set so that no change of `changes` is left to correct."""
    corrected = [each for each in changes if each.action is Step.CORRECT]
    values: dict[str, Any] = {}
    for setting in {each.setting for each in corrected}:
        values |= _values(setting, actual, [each for each in corrected if each.setting is setting])
    return Correction(sets=frozenset(each.setting for each in corrected), **values)


def _values(setting: Setting, actual: Settings, changes: Sequence[Change]) -> dict[str, Any]:
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
    baseline: Baseline, actual: Settings, preview: Sequence[Expiring]
) -> Iterator[Change]:
    wanted, found = baseline.lifecycle, actual.lifecycle
    if wanted is None:
        return
    if wanted.when_absent and lifecycle.canonical(found):
        return
    differs = lifecycle.canonical(wanted.document) != lifecycle.canonical(found)
    today = previewed(preview, wanted.scheme) if wanted.scheme else ()
    risks = tuple(dict.fromkeys((*wanted.risks, *today)))
    harm = [each for each in risks if not wanted.allows(each.entry)]
    refused = differs and bool(harm)
    if differs:
        problem, reason = _lifecycle_problem(wanted.document, found)
        reason += f" It is not set, because it could {_harm(harm)} stable tags." if refused else ""
        step = Step.REFUSE if refused else Step.CORRECT
        reason += _strange(wanted.strange)
        yield _change(Setting.LIFECYCLE, problem, found, wanted.document, reason, step)
    # What the rule allows is said when it is set, and not again.
    yield from _taken(wanted.document, risks if differs else harm, harm, refused)


def _lifecycle_problem(
    wanted: Mapping[str, Any] | None, found: Mapping[str, Any] | None
) -> tuple[Problem, str]:
    if wanted is None:
        return Problem.EXTRA, "There is a lifecycle policy, where the rule has none."
    if found is None:
        return Problem.MISSING, "There is no lifecycle policy, where the rule has one."
    return Problem.DIFFERENT, "The lifecycle policy is not the rule's."


def _harm(risks: Sequence[Risk]) -> str:
    words = {True: "archive", False: "expire"}
    return " and ".join(dict.fromkeys(words[each.archives] for each in risks))


def _strange(priorities: Sequence[int]) -> str:
    if not priorities:
        return ""
    rules = f"{'rule' if len(priorities) == 1 else 'rules'} {', '.join(map(str, priorities))}"
    return (
        f" By {rules} it takes images with tags that the scheme does not know, whatever else they "
        "carry."
    )


def _taken(
    document: Mapping[str, Any] | None, risks: Sequence[Risk], harm: Sequence[Risk], refused: bool
) -> Iterator[Change]:
    """A change for each rule and what it does to stable tags."""
    for rule in (document or {}).get("rules", ()):
        for archives in (False, True):
            about = (rule["rulePriority"], archives)
            found = [each for each in risks if (each.priority, each.archives) == about]
            if not found:
                continue
            harms = [each for each in found if each in harm]
            yield Change(
                setting=Setting.LIFECYCLE,
                problem=Problem.ARCHIVES_STABLE if archives else Problem.EXPIRES_STABLE,
                subject=f"rule {rule['rulePriority']}",
                action=Step.REFUSE if refused and harms else Step.REPORT,
                before=None,
                after=rule,
                reason=words_of(rule, harms or found, allowed=not harms),
            )


def words_of(rule: Mapping[str, Any], risks: Sequence[Risk], *, allowed: bool) -> str:
    """What one rule does to stable tags, and what to do about it, in a sentence."""
    tags = ", ".join(f"`{each}`" for each in dict.fromkeys(each.tag for each in risks))
    example = next((each.example for each in risks if each.example), ())
    such = f", such as one with {' and '.join(f'`{each}`' for each in example)}" if example else ""
    said = (
        f"The lifecycle rule {risks[0].priority} can {_harm(risks)} images under the stable tags "
    )
    said += f"{tags}{such}"
    return f"{said}, which the rule allows." if allowed else f"{said}: {remedy(rule, risks)}."


def _immutability(
    baseline: Baseline, actual: Settings, scheme: Scheme | None, cache: bool
) -> Iterator[Change]:
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


def _scan_on_push(baseline: Baseline, actual: Settings) -> Iterator[Change]:
    wanted, found = baseline.scan_on_push, actual.scan_on_push
    if wanted is not None and wanted is not found:
        words = {True: "scanned on push", False: "not scanned on push"}
        reason = (
            f"Images are {words[found]}, where the rule has `scan_on_push: {str(wanted).lower()}`."
        )
        yield _change(Setting.SCAN_ON_PUSH, Problem.DIFFERENT, found, wanted, reason)


def _encryption(baseline: Baseline, actual: Settings) -> Iterator[Change]:
    wanted, found = baseline.encryption, actual.encryption
    if wanted is not None and not wanted.is_met_by(found):
        reason = (
            f"The repository is encrypted with {found}, where the rule has {wanted}: ECR cannot "
            "change it, so make the repository anew and push its images again."
        )
        yield _change(
            Setting.ENCRYPTION, Problem.UNCHANGEABLE, str(found), str(wanted), reason, Step.REPORT
        )


def _resource_tags(baseline: Baseline, actual: Settings) -> Iterator[Change]:
    for key in baseline.required_tags or ():
        if key not in actual.resource_tags and key not in (baseline.resource_tags or {}):
            reason = f"The resource tag `{key}` is missing, which must be there with any value."
            yield Change(
                Setting.RESOURCE_TAGS, Problem.MISSING, key, Step.REPORT, None, None, reason
            )
    for key, wanted in (baseline.resource_tags or {}).items():
        found = actual.resource_tags.get(key)
        if found is None:
            reason = f"The resource tag `{key}` is missing, which the rule has as `{wanted}`."
            yield Change(
                Setting.RESOURCE_TAGS, Problem.MISSING, key, Step.CORRECT, None, wanted, reason
            )
        elif found != wanted:
            reason = f"The resource tag `{key}` is `{found}`, which the rule has as `{wanted}`."
            yield Change(Setting.RESOURCE_TAGS, Problem.DIFFERENT, key, Step.CORRECT, found, wanted,
                         reason)  # fmt: skip


def _change(
    setting: Setting,
    problem: Problem,
    before: Any,
    after: Any,
    reason: str,
    action: Step = Step.CORRECT,
) -> Change:
    """A change of a setting that is one value: its subject is the setting."""
    return Change(setting, problem, setting.value, action, before, after, reason)
