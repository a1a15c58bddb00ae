"""Settings of the registry itself: its scanning, and the templates for new repositories."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ecr_steward.settings import immutability, lifecycle, policies
from ecr_steward.settings.baseline import Baseline
from ecr_steward.settings.state import BaselineError, Problem, Setting, SettingAction, SettingChange
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
            filters = frozenset(entry["filter"] for entry in each.get("repositoryFilters", ()))
            frequency = each["scanFrequency"]
            rules[frequency] = rules.get(frequency, frozenset()) | filters
        return cls(configuration.get("scanType", "BASIC"), rules)


@dataclass(frozen=True, slots=True)
class Template:
    """What repositories under `prefix` are made with; `role` is needed for tags and KMS keys.

    `states` are the settings that the rule of a wanted template says something about; of others
    the registry's template keeps what it has.
    """

    prefix: str
    applied_for: frozenset[str]
    policy: Mapping[str, Any] | None = None
    lifecycle: Mapping[str, Any] | None = None
    mutability: str = "MUTABLE"
    filters: tuple[str, ...] = ()
    encryption: str = "AES256"
    key: str | None = None
    resource_tags: Mapping[str, str] = field(default_factory=dict)
    role: str | None = None
    states: frozenset[Setting] = frozenset()

    def over(self, found: Template) -> Template:
        """This template with what it does not state as `found` has it."""
        kept: dict[str, Any] = {"role": self.role or found.role}
        for setting, fields in _FIELDS.items():
            if setting not in self.states:
                kept |= {name: getattr(found, name) for name in fields}
        if kept.get("encryption", self.encryption) == found.encryption:
            kept["key"] = found.key
        return replace(self, **kept)

    def to_request(self) -> dict[str, Any]:
        """The arguments of `CreateRepositoryCreationTemplate` and of its `Update…`.

        All that the template can have is among them, empty where it has none, so that an update
        takes away what is not said; but for the role, which cannot be empty.
        """
        request: dict[str, Any] = {
            "prefix": self.prefix,
            "appliedFor": sorted(self.applied_for),
            "repositoryPolicy": "" if self.policy is None else policies.dumps(self.policy),
            "lifecyclePolicy": "" if self.lifecycle is None else policies.dumps(self.lifecycle),
            **immutability.request(self.mutability, self.filters),
            "encryptionConfiguration": _encryption(self.encryption, self.key),
            "resourceTags": [
                {"Key": key, "Value": each} for key, each in sorted(self.resource_tags.items())
            ],
        }
        return request if self.role is None else {**request, "customRoleArn": self.role}

    @classmethod
    def from_response(cls, template: Mapping[str, Any]) -> Template:
        """From an entry of `repositoryCreationTemplates`; raises SettingsError."""
        encryption = template.get("encryptionConfiguration") or {}
        policy, rules = template.get("repositoryPolicy"), template.get("lifecyclePolicy")
        return cls(
            prefix=template["prefix"],
            applied_for=frozenset(template.get("appliedFor", ())),
            policy=policies.parse(policy) if policy else None,
            lifecycle=policies.parse(rules) if rules else None,
            mutability=template.get("imageTagMutability", "MUTABLE"),
            filters=tuple(
                each["filter"] for each in template.get("imageTagMutabilityExclusionFilters", ())
            ),
            encryption=encryption.get("encryptionType", "AES256"),
            key=encryption.get("kmsKey") or None,
            resource_tags={each["Key"]: each["Value"] for each in template.get("resourceTags", ())},
            role=template.get("customRoleArn") or None,
        )

    def same(self, other: Template) -> bool:
        """Whether both make the same repositories."""
        return self._meaning() == other._meaning()

    def _meaning(self) -> tuple[Any, ...]:
        return (
            self.prefix,
            self.applied_for,
            frozenset(map(policies.canonical, policies.statements(self.policy))),
            lifecycle.canonical(self.lifecycle),
            (self.mutability, frozenset(self.filters)),
            (self.encryption, self.key),
            dict(self.resource_tags),
            self.role,
        )


_FIELDS: Mapping[Setting, tuple[str, ...]] = {
    Setting.POLICY: ("policy",),
    Setting.LIFECYCLE: ("lifecycle",),
    Setting.IMMUTABILITY: ("mutability", "filters"),
    Setting.ENCRYPTION: ("encryption",),
    Setting.RESOURCE_TAGS: ("resource_tags",),
}
"""By setting, the fields of a template that it is in."""


def _encryption(kind: str, key: str | None) -> dict[str, str]:
    said = {"encryptionType": kind}
    return said if key is None else {**said, "kmsKey": key}


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """What the registry has: its scanning, and its templates by prefix."""

    scanning: Scanning
    templates: Mapping[str, Template] = field(default_factory=dict)


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


def registry_drift(
    baseline: RegistryBaseline, actual: RegistrySettings
) -> tuple[SettingChange, ...]:
    """Every difference of the registry's own settings, each one to correct.

    `before` and `after` are the arguments of ECR's calls; for scanning the whole configuration, for
    a template the whole template (create it where `before` is None, else update it).
    """
    return (
        *_scanning_drift(baseline.scanning, actual.scanning),
        *_template_drift(baseline, actual),
    )


def _scanning_drift(wanted: Scanning | None, found: Scanning) -> Iterator[SettingChange]:
    if wanted is not None and wanted != found:
        yield SettingChange(
            setting=Setting.SCANNING,
            problem=Problem.DIFFERENT,
            subject="scanning",
            action=SettingAction.CORRECT,
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


def _template_drift(
    baseline: RegistryBaseline, actual: RegistrySettings
) -> Iterator[SettingChange]:
    for each in baseline.templates:
        found = actual.templates.get(each.prefix)
        wanted = each if found is None else each.over(found)
        if found is not None and found.same(wanted):
            continue
        missing = "There is no creation template" if found is None else "The creation template"
        yield SettingChange(
            setting=Setting.CREATION_TEMPLATES,
            problem=Problem.MISSING if found is None else Problem.DIFFERENT,
            subject=wanted.prefix,
            action=SettingAction.CORRECT,
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
    if role is None and (template.resource_tags or template.encryption != "AES256"):
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
    wanted = immutability.wanted(baseline.immutability, scheme, cache=cache)
    ours = baseline.policy.statements if baseline.policy else ()
    return Template(
        prefix=prefix,
        applied_for=applied,
        policy=policies.document(ours) if ours else None,
        lifecycle=baseline.lifecycle.document if baseline.lifecycle else None,
        mutability=wanted.mutability if wanted else "MUTABLE",
        filters=wanted.filters if wanted else (),
        encryption=baseline.encryption or "AES256",
        resource_tags=baseline.resource_tags or {},
        role=role,
        states=baseline.reads,
    )
