"""The tags that a repository itself has: which must be there, and which with a value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_steward.settings.kinds.kind import Around, EcrRequest, Read, Setting
from ecr_steward.settings.state import (
    BaselineError,
    Problem,
    SettingAction,
    SettingChange,
    SettingsError,
    check_fields,
    mapping,
)
from ecr_steward.tags.scheme import Scheme

_TEXT = re.compile(r"[\w\s+=.:/@-]*")
"""What keys and values are made of (AWS General Reference: Tag naming limits)."""

MOST = 50
"""Most tags of a repository (ECR API: TagResource)."""


@dataclass(frozen=True, slots=True)
class WantedResourceTags:
    """The tags that must be there, and the keys that must be there with any value."""

    tags: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()


SCHEMA: Mapping[str, Any] = {
    "resource_tags": {
        "title": "Resource tags",
        "description": "Tags that the repository itself must have (not its images). Others stay.",
        "type": "object",
        "additionalProperties": {
            "type": "string",
        },
        "examples": [
            {
                "owner": "platform",
            },
        ],
    },
    "required_tags": {
        "title": "Required resource tags",
        "description": (
            "Keys of tags that the repository itself must have, with any value. A missing "
            "one is reported: what to write there only its owner knows."
        ),
        "type": "array",
        "uniqueItems": True,
        "items": {
            "type": "string",
        },
        "examples": [["CostCenter"]],
    },
}


class ResourceTags(Setting[WantedResourceTags, Mapping[str, str]]):
    name = "resource_tags"
    schema = SCHEMA
    read = Read("ListTagsForResource", by_arn=True)
    unset: Mapping[str, str] = {}

    def wish(self, stated: Mapping[str, Any], scheme: Scheme | None) -> WantedResourceTags:
        return WantedResourceTags(
            _tags(stated.get("resource_tags", {})),
            tuple(_required(stated.get("required_tags", []))),
        )

    def from_answer(self, answer: Mapping[str, Any]) -> Mapping[str, str]:
        return {each["Key"]: each["Value"] for each in answer.get("tags", ())}

    def from_given(self, value: Any) -> Mapping[str, str]:
        if isinstance(value, Mapping) and isinstance(value.get("tags"), list):
            value = value["tags"]
        if isinstance(value, list):
            return dict(_given(each, f"{self.name}[{i}]") for i, each in enumerate(value))
        if not isinstance(value, Mapping):
            raise SettingsError(f"`{self.name}` must be an object or null.")
        for key, each in value.items():
            if not isinstance(each, str):
                raise SettingsError(f"`{self.name}.{key}` must be a string.")
        return value

    def drift(
        self, wish: WantedResourceTags, found: Mapping[str, str], around: Around
    ) -> Iterator[SettingChange]:
        for key in wish.required:
            if key not in found and key not in wish.tags:
                reason = f"The resource tag `{key}` is missing, which must be there with any value."
                yield self.change(Problem.MISSING, None, None, reason, SettingAction.REPORT, key)
        for key, wanted in wish.tags.items():
            had = found.get(key)
            if had is None:
                reason = f"The resource tag `{key}` is missing, which the rule has as `{wanted}`."
                yield self.change(Problem.MISSING, None, wanted, reason, subject=key)
            elif had != wanted:
                reason = f"The resource tag `{key}` is `{had}`, which the rule has as `{wanted}`."
                yield self.change(Problem.DIFFERENT, had, wanted, reason, subject=key)

    def corrected(
        self, found: Mapping[str, str], changes: Sequence[SettingChange]
    ) -> Mapping[str, str]:
        return {**found, **{each.subject: each.after for each in changes}}

    def request(
        self, name: str, arn: str, value: Mapping[str, str], changes: Sequence[SettingChange]
    ) -> EcrRequest:
        tags = [{"Key": each.subject, "Value": each.after} for each in changes]
        return EcrRequest("TagResource", {"resourceArn": arn, "tags": tags})

    def explain(self, wish: WantedResourceTags, around: Around) -> Iterator[tuple[str, str]]:
        if wish.tags:
            tags = ", ".join(f"{key}={value}" for key, value in wish.tags.items())
            yield "resource", f"tags {tags}; others stay"
        if wish.required:
            required = ", ".join(wish.required)
            yield "required", f"resource tags {required}, with any value; a missing one is told"

    def made(
        self, wish: WantedResourceTags, scheme: Scheme | None, *, cache: bool
    ) -> Mapping[str, str]:
        return wish.tags

    def to_template(self, value: Mapping[str, str]) -> dict[str, Any]:
        return {"resourceTags": [{"Key": key, "Value": value[key]} for key in sorted(value)]}

    def from_template(self, template: Mapping[str, Any]) -> Mapping[str, str]:
        return {each["Key"]: each["Value"] for each in template.get("resourceTags", ())}

    def needs_role(self, value: Mapping[str, str]) -> bool:
        return bool(value)


def _tags(value: Any) -> Mapping[str, str]:
    tags = mapping(value, ("resource_tags",))
    if len(tags) > MOST:
        raise BaselineError(f"A repository has {MOST} resource tags at most.", ("resource_tags",))
    for key, each in tags.items():
        path = ("resource_tags", key)
        if not isinstance(each, str):
            raise BaselineError(
                f"The resource tag `{key}` must be a string; put it in quotes.", path
            )
        if key.lower().startswith("aws:"):
            raise BaselineError(f"`{key}`: tags that begin with `aws:` are AWS's own.", path)
        if not 1 <= len(key) <= 128 or len(each) > 256:
            raise BaselineError(
                f"`{key}`: a resource tag has a key of 1 to 128 characters and a value of 256 at "
                "most.",
                path,
            )
        if not _TEXT.fullmatch(key) or not _TEXT.fullmatch(each):
            raise BaselineError(
                f"`{key}`: a resource tag is made of letters, digits, spaces and + - = . _ : / @.",
                path,
            )
    return tags


def _required(value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        raise BaselineError("`required_tags` must be a list of keys.", ("required_tags",))
    for i, each in enumerate(value):
        if not isinstance(each, str) or not 1 <= len(each) <= 128:
            raise BaselineError(
                f"`{each}` is no key of a resource tag: a text of 1 to 128 characters; put it in "
                "quotes.",
                ("required_tags", i),
            )
        yield each


def _given(value: Any, name: str) -> tuple[str, str]:
    """A tag as `ListTagsForResource` writes it."""
    check_fields(value, ("Key", "Value"), name)
    key, said = value.get("Key"), value.get("Value")
    if not isinstance(key, str) or not isinstance(said, str):
        raise SettingsError(f"`{name}` must have `Key` and `Value` as text.")
    return key, said
