"""Settings of the registry itself: its scanning, and the templates for new repositories."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ecr_steward.settings.baseline import Baseline
from ecr_steward.settings.kinds import KINDS
from ecr_steward.settings.state import BaselineError, Change, Problem, SettingsError, Step
from ecr_steward.tags.scheme import Scheme

FREQUENCIES: Mapping[str, tuple[str, ...]] = {
    "BASIC": ("SCAN_ON_PUSH", "MANUAL"),
    "ENHANCED": ("SCAN_ON_PUSH", "CONTINUOUS_SCAN"),
}
ROOT = "ROOT"
"""The prefix of the template for repositories that no other template is for."""

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PREFIX = re.compile(rf"{_PART}(?:/{_PART})*/?|{ROOT}")
_FILTER = re.compile(r"[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*")
_ROLE = re.compile(r"arn:aws[a-z0-9-]*:iam::[0-9]{12}:role/[\x21-\x7e]{1,512}")


@dataclass(frozen=True, slots=True)
class Scanning:
    """How images are scanned: by frequency, the globs of the repositories it holds for."""

    type: str
    rules: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def to_request(self) -> dict[str, Any]:
        """The arguments of `PutRegistryScanningConfiguration`."""
        rules = [
            {
                "scanFrequency": frequency,
                "repositoryFilters": [
                    {"filter": each, "filterType": "WILDCARD"} for each in sorted(filters)
                ],
            }
            for frequency, filters in sorted(self.rules.items())
        ]
        return {"scanType": self.type, "rules": rules}

    @classmethod
    def from_response(cls, configuration: Mapping[str, Any]) -> Scanning:
        """From `scanningConfiguration` of `GetRegistryScanningConfiguration`."""
        rules: dict[str, frozenset[str]] = {}
        for each in configuration.get("rules", ()):
            filters = frozenset(str(entry["filter"]) for entry in each.get("repositoryFilters", ()))
            frequency = str(each["scanFrequency"])
            rules[frequency] = rules.get(frequency, frozenset()) | filters
        return cls(configuration.get("scanType", "BASIC"), rules)


@dataclass(frozen=True)
class Template:
    """What repositories under `prefix` are made with; `role` is needed for tags and KMS keys.

    `made` has the settings by name; of those that a wanted template does not have the registry's
    template keeps what it has.
    """

    prefix: str
    applied_for: frozenset[str]
    made: Mapping[str, Any] = field(default_factory=dict)
    role: str | None = None

    def over(self, found: Template) -> Template:
        """This template with what it does not state as `found` has it."""
        made = dict(found.made)
        for kind in KINDS:
            if kind.name in self.made:
                had = found.made.get(kind.name, kind.unset)
                made[kind.name] = kind.over(self.made[kind.name], had)
        return replace(self, made=made, role=self.role or found.role)

    def to_request(self) -> dict[str, Any]:
        """The arguments of `CreateRepositoryCreationTemplate` and of its `Update…`.

        All that the template can have is among them, empty where it has none, so that an update
        takes away what is not said; but for the role, which cannot be empty.
        """
        request: dict[str, Any] = {"prefix": self.prefix, "appliedFor": sorted(self.applied_for)}
        for kind in KINDS:
            request |= kind.to_template(self.made.get(kind.name, kind.unset))
        return request if self.role is None else {**request, "customRoleArn": self.role}

    @classmethod
    def from_response(cls, template: Mapping[str, Any]) -> Template:
        """From an entry of `repositoryCreationTemplates`; raises SettingsError."""
        return cls(
            prefix=template["prefix"],
            applied_for=frozenset(template.get("appliedFor", ())),
            made={kind.name: kind.from_template(template) for kind in KINDS},
            role=template.get("customRoleArn") or None,
        )

    def same(self, other: Template) -> bool:
        """Whether both make the same repositories."""
        return self._meaning() == other._meaning()

    def _meaning(self) -> tuple[Any, ...]:
        made = [kind.meaning(self.made.get(kind.name, kind.unset)) for kind in KINDS]
        return (self.prefix, self.applied_for, made, self.role)

    @property
    def needs_role(self) -> bool:
        return any(kind.needs_role(self.made.get(kind.name, kind.unset)) for kind in KINDS)


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """What the registry has: its scanning, and its templates by prefix."""

    scanning: Scanning
    templates: Mapping[str, Template] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RegistrySettings:
        """From what the AWS CLI prints, by the keys of the rules; raises SettingsError."""
        for key in document:
            if key not in _PRINTED:
                known = ", ".join(_PRINTED)
                raise SettingsError(f"`registry.{key}` is no field; there are {known}.")
        try:
            scanning = _printed(document, "scanning") or {}
            templates = [
                Template.from_response(each)
                for each in _printed(document, "creation_templates") or ()
            ]
            return cls(Scanning.from_response(scanning), {each.prefix: each for each in templates})
        except (AttributeError, KeyError, TypeError) as error:
            raise SettingsError(f"`registry` is not as the AWS CLI prints it: {error}.") from error


_PRINTED = {
    "scanning": "scanningConfiguration",
    "creation_templates": "repositoryCreationTemplates",
}


def _printed(document: Mapping[str, Any], key: str) -> Any:
    """What the AWS CLI prints under a key, with or without what it puts around."""
    found = document.get(key)
    return found.get(_PRINTED[key], found) if isinstance(found, Mapping) else found


Governs = Callable[[str], "tuple[Baseline, Scheme | None] | None"]
"""The baseline and the scheme of the rule that all repositories under a prefix belong to."""


@dataclass(frozen=True, slots=True)
class RegistryBaseline:
    """What `registry:` says; `scanning` is None where it says nothing of it.

    Templates of other prefixes are none of its business: they stay.
    """

    scanning: Scanning | None = None
    templates: tuple[Template, ...] = ()

    @classmethod
    def from_document(cls, registry: Mapping[str, Any], governs: Governs) -> RegistryBaseline:
        """Build it from the mapping under `registry:`; raises BaselineError."""
        scanning = registry.get("scanning")
        return cls(
            scanning=None if scanning is None else _scanning(scanning),
            templates=tuple(_templates(registry.get("creation_templates", ()), governs)),
        )


def registry_drift(baseline: RegistryBaseline, actual: RegistrySettings) -> tuple[Change, ...]:
    """Every difference of the registry's own settings, each one to correct.

    `before` and `after` are the arguments of ECR's calls; for scanning the whole configuration, for
    a template the whole template (create it where `before` is None, else update it).
    """
    return (
        *_scanning_drift(baseline.scanning, actual.scanning),
        *_template_drift(baseline, actual),
    )


def _scanning_drift(wanted: Scanning | None, found: Scanning) -> Iterator[Change]:
    if wanted is not None and wanted != found:
        yield Change(
            setting="scanning",
            problem=Problem.DIFFERENT,
            subject="scanning",
            action=Step.CORRECT,
            before=found.to_request(),
            after=wanted.to_request(),
            reason=f"The registry's scanning is {_words(found)}, where the rules have "
            f"{_words(wanted)}.",
        )


def _words(scanning: Scanning) -> str:
    rules = "; ".join(
        f"{frequency} for {', '.join(sorted(filters))}"
        for frequency, filters in sorted(scanning.rules.items())
    )
    return f"{scanning.type} ({rules or 'of no repository'})"


def _template_drift(baseline: RegistryBaseline, actual: RegistrySettings) -> Iterator[Change]:
    for each in baseline.templates:
        found = actual.templates.get(each.prefix)
        wanted = each if found is None else each.over(found)
        if found is not None and found.same(wanted):
            continue
        missing = "There is no creation template" if found is None else "The creation template"
        yield Change(
            setting="creation_templates",
            problem=Problem.MISSING if found is None else Problem.DIFFERENT,
            subject=wanted.prefix,
            action=Step.CORRECT,
            before=None if found is None else found.to_request(),
            after=wanted.to_request(),
            reason=f"{missing} for `{wanted.prefix}`{'' if found is None else ' differs'}: new "
            "repositories there would not start with what the rules say of them.",
        )


def _scanning(value: Mapping[str, Any]) -> Scanning:
    kind = value.get("type", "BASIC")
    rules: dict[str, frozenset[str]] = {}
    for i, rule in enumerate(value.get("rules", ())):
        path = ("scanning", "rules", i)
        frequency = rule.get("frequency")
        if frequency not in FREQUENCIES.get(kind, ()):
            known = ", ".join(FREQUENCIES.get(kind, ()))
            raise BaselineError(
                f"With scanning of type {kind} a frequency is one of {known}; it is `{frequency}`.",
                (*path, "frequency"),
            )
        if frequency in rules:
            raise BaselineError(f"{frequency} has a rule above; add the filters there.", path)
        rules[frequency] = frozenset(rule.get("filters", ()))
        for j, each in enumerate(rule.get("filters", ())):
            if not _FILTER.fullmatch(each):
                raise BaselineError(
                    f"`{each}` can match no repository; use small letters, digits, `.`, `_`, `-`, "
                    "`/` and `*`.",
                    (*path, "filters", j),
                )
    return Scanning(kind, rules)


def _templates(entries: Any, governs: Governs) -> Iterator[Template]:
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        try:
            template = _template(entry, governs)
        except BaselineError as error:
            raise BaselineError(str(error), ("creation_templates", i, *error.path)) from error
        if template.prefix in seen:
            raise BaselineError(
                f"`{template.prefix}` has a template above.", ("creation_templates", i, "prefix")
            )
        seen.add(template.prefix)
        yield template


def _template(entry: Mapping[str, Any], governs: Governs) -> Template:
    prefix, role = str(entry["prefix"]), entry.get("role")
    if not _PREFIX.fullmatch(prefix):
        raise BaselineError(
            f"`{prefix}` is no beginning of a repository's name; write one such as `base/`, or "
            f"{ROOT} for all that no other template is for.",
            ("prefix",),
        )
    if role is not None and not _ROLE.fullmatch(role):
        raise BaselineError(f"`{role}` is no ARN of an IAM role.", ("role",))
    governed = governs("" if prefix == ROOT else f"{prefix.removesuffix('/')}/")
    if governed is None:
        glob = "*" if prefix == ROOT else f"{prefix.removesuffix('/')}/*"
        raise BaselineError(
            f"No rule holds for all repositories under `{prefix}`, so there is nothing to make the "
            f"template of: add a rule for `{glob}`.",
            ("prefix",),
        )
    template = _derived(prefix, frozenset(entry["applied_for"]), role, *governed)
    if role is None and template.needs_role:
        raise BaselineError(
            f"The rule for `{prefix}` has `resource_tags` or a KMS key: ECR then needs a role to "
            "make repositories with; name it under `role`.",
            ("role",),
        )
    return template


def _derived(
    prefix: str,
    applied: frozenset[str],
    role: str | None,
    baseline: Baseline,
    scheme: Scheme | None,
) -> Template:
    cache = "PULL_THROUGH_CACHE" in applied
    made = {kind.name: kind.made(wish, scheme, cache=cache) for kind, wish in baseline.stated()}
    return Template(prefix, applied, made, role)
