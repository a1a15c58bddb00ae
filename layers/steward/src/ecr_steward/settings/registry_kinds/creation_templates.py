"""Templates for repositories that ECR makes by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ecr_steward.settings.baseline import Baseline
from ecr_steward.settings.kinds import KINDS, Around, EcrRequest, Read
from ecr_steward.settings.registry_kinds.kind import Governs, RegistryKind
from ecr_steward.settings.state import BaselineError, Problem, SettingAction, SettingChange
from ecr_steward.tags.scheme import Scheme

ROOT = "ROOT"
"""The prefix of the template for repositories that no other template is for."""

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PREFIX = re.compile(rf"{_PART}(?:/{_PART})*/?|{ROOT}")
_ROLE = re.compile(r"arn:aws[a-z0-9-]*:iam::[0-9]{12}:role/[\x21-\x7e]{1,512}")


@dataclass(frozen=True)
class CreationTemplate:
    """What repositories under `prefix` are made with; `role` is needed for tags and KMS keys.

    A prefix has no `/` at its end: ECR keeps none, and finds none that is asked for with one.
    `made` has the settings by name; of those that a wanted template does not have the registry's
    template keeps what it has.
    """

    prefix: str
    applied_for: frozenset[str]
    made: Mapping[str, Any] = field(default_factory=dict)
    role: str | None = None

    def over(self, found: CreationTemplate) -> CreationTemplate:
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
    def from_response(cls, template: Mapping[str, Any]) -> CreationTemplate:
        """From an entry of `repositoryCreationTemplates`; raises SettingsError."""
        return cls(
            prefix=_bare(template["prefix"]),
            applied_for=frozenset(template.get("appliedFor", ())),
            made={kind.name: kind.from_template(template) for kind in KINDS},
            role=template.get("customRoleArn") or None,
        )

    def same(self, other: CreationTemplate) -> bool:
        """Whether both make the same repositories."""
        return self._meaning() == other._meaning()

    def _meaning(self) -> tuple[Any, ...]:
        made = [kind.meaning(self.made.get(kind.name, kind.unset)) for kind in KINDS]
        return (self.prefix, self.applied_for, made, self.role)

    @property
    def needs_role(self) -> bool:
        return any(kind.needs_role(self.made.get(kind.name, kind.unset)) for kind in KINDS)


SCHEMA: Mapping[str, Any] = {
    "title": "Repository creation templates",
    "description": (
        "Templates for repositories that ECR makes by itself. What they say is the baseline"
        " of the rule that holds for all repositories under the prefix."
    ),
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["prefix", "applied_for"],
        "properties": {
            "prefix": {
                "title": "Prefix",
                "description": (
                    "The beginning of the names, such as `base`; `ROOT` for all "
                    "repositories that no other template is for."
                ),
                "type": "string",
                "examples": ["base", "ROOT"],
            },
            "applied_for": {
                "title": "Applied for",
                "description": "What ECR makes such repositories for.",
                "type": "array",
                "uniqueItems": True,
                "items": {
                    "enum": ["CREATE_ON_PUSH", "PULL_THROUGH_CACHE", "REPLICATION"],
                },
                "examples": [["CREATE_ON_PUSH"], ["PULL_THROUGH_CACHE", "REPLICATION"]],
            },
            "role": {
                "title": "Role",
                "description": (
                    "The ARN of a role that ECR makes the repositories with; needed where "
                    "the rule has `resource_tags` or KMS encryption."
                ),
                "type": "string",
                "examples": ["arn:aws:iam::111122223333:role/ecr-template"],
            },
        },
    },
    "default": [],
    "examples": [
        [
            {
                "prefix": "base",
                "applied_for": ["CREATE_ON_PUSH"],
            },
        ],
    ],
}
Templates = Mapping[str, CreationTemplate]


class CreationTemplates(RegistryKind[tuple[CreationTemplate, ...], Templates]):
    name = "creation_templates"
    schema = SCHEMA
    read = Read(
        "DescribeRepositoryCreationTemplates", alone=True, pages="repositoryCreationTemplates"
    )
    printed = "repositoryCreationTemplates"
    unset = MappingProxyType[str, CreationTemplate]({})

    def wish(self, stated: Any, governs: Governs) -> tuple[CreationTemplate, ...]:
        return tuple(_templates(stated, governs))

    def from_answer(self, answer: Any) -> Templates:
        return {each.prefix: each for each in map(CreationTemplate.from_response, answer)}

    def drift(
        self, wish: tuple[CreationTemplate, ...], found: Templates, around: Around
    ) -> Iterator[SettingChange]:
        """Templates of other prefixes are none of its business: they stay."""
        return _template_drift(wish, found)

    def requests(self, found: Templates, changes: Sequence[SettingChange]) -> Iterator[EcrRequest]:
        for change in changes:
            if change.before is None:
                yield EcrRequest("CreateRepositoryCreationTemplate", change.after)
            else:
                yield EcrRequest("UpdateRepositoryCreationTemplate", change.after)


def _template_drift(
    templates: Sequence[CreationTemplate], actual: Templates
) -> Iterator[SettingChange]:
    for each in templates:
        found = actual.get(each.prefix)
        wanted = each if found is None else each.over(found)
        if found is not None and found.same(wanted):
            continue
        missing = "There is no creation template" if found is None else "The creation template"
        yield SettingChange(
            setting="creation_templates",
            problem=Problem.MISSING if found is None else Problem.DIFFERENT,
            subject=wanted.prefix,
            action=SettingAction.CORRECT,
            before=None if found is None else found.to_request(),
            after=wanted.to_request(),
            reason=f"{missing} for `{wanted.prefix}`{'' if found is None else ' differs'}: new "
            "repositories there would not start with what the rules say of them.",
        )


def _templates(entries: Any, governs: Governs) -> Iterator[CreationTemplate]:
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        try:
            template = _template(entry, governs)
        except BaselineError as error:
            raise BaselineError(str(error), (i, *error.path)) from error
        if template.prefix in seen:
            raise BaselineError(f"`{template.prefix}` has a template above.", (i, "prefix"))
        seen.add(template.prefix)
        yield template


def _bare(prefix: str) -> str:
    """A prefix as ECR keeps it (ECR API: CreateRepositoryCreationTemplate: there is always an
    assumed `/` at its end)."""
    return prefix.removesuffix("/")


def _template(entry: Mapping[str, Any], governs: Governs) -> CreationTemplate:
    written, role = str(entry["prefix"]), entry.get("role")
    prefix = _bare(written)
    if not _PREFIX.fullmatch(written):
        raise BaselineError(
            f"`{written}` is no beginning of a repository's name; write one such as `base`, or "
            f"{ROOT} for all that no other template is for.",
            ("prefix",),
        )
    if role is not None and not _ROLE.fullmatch(role):
        raise BaselineError(f"`{role}` is no ARN of an IAM role.", ("role",))
    governed = governs("" if prefix == ROOT else f"{prefix}/")
    if governed is None:
        glob = "*" if prefix == ROOT else f"{prefix}/*"
        raise BaselineError(
            f"No rule holds for all repositories under `{written}`, so there is nothing to make "
            f"the template of: add a rule for `{glob}`.",
            ("prefix",),
        )
    template = _derived(prefix, frozenset(entry["applied_for"]), role, *governed)
    if role is None and template.needs_role:
        raise BaselineError(
            f"The rule for `{written}` has `resource_tags` or a KMS key: ECR then needs a role to "
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
) -> CreationTemplate:
    cache = "PULL_THROUGH_CACHE" in applied
    made = {
        kind.name: kind.made(wish, scheme, cache=cache)
        for kind, wish in baseline.stated()
        if kind.name not in baseline.implied
    }
    return CreationTemplate(prefix, applied, made, role)
