"""The settings a repository has, and the words for what is wrong with them."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MUTABILITIES = ("MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION")
ENCRYPTIONS = ("AES256", "KMS", "KMS_DSSE")

Path = tuple[str | int, ...]


class BaselineError(ValueError):
    """A baseline that cannot be meant; `path` leads to the fault within its mapping."""

    def __init__(self, sentence: str, path: Path = ()) -> None:
        super().__init__(sentence)
        self.path = path


class SettingsError(ValueError):
    """Settings that cannot be read; the sentence names the field."""


class Setting(enum.StrEnum):
    """What the steward looks after, by its key in the rules file; the last two are the registry's
    own."""

    POLICY = "policy"
    LIFECYCLE = "lifecycle"
    IMMUTABILITY = "immutability"
    SCAN_ON_PUSH = "scan_on_push"
    ENCRYPTION = "encryption"
    RESOURCE_TAGS = "resource_tags"
    SCANNING = "scanning"
    CREATION_TEMPLATES = "creation_templates"


REPOSITORY_SETTINGS = (
    Setting.POLICY,
    Setting.LIFECYCLE,
    Setting.IMMUTABILITY,
    Setting.SCAN_ON_PUSH,
    Setting.ENCRYPTION,
    Setting.RESOURCE_TAGS,
)


class Problem(enum.StrEnum):
    """What is wrong with a setting."""

    MISSING = "missing"
    DIFFERENT = "different"
    EXTRA = "extra"
    PUBLIC = "public"
    FOREIGN = "foreign"
    LOCKS_OUT = "locks_out"
    EXPIRES_STABLE = "expires_stable"
    UNCHANGEABLE = "unchangeable"


class SettingAction(enum.StrEnum):
    """What is done where the rule enforces; `refuse` is for a correction that would do harm."""

    CORRECT = "correct"
    REPORT = "report"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One difference: what it is about, what is done, and why, in a sentence.

    `before` and `after` are JSON values: what is there and what should be; None where there is or
    should be nothing. `before` and `after` of a policy's change are single statements.
    """

    setting: Setting
    problem: Problem
    subject: str
    action: SettingAction
    before: Any
    after: Any
    reason: str

    def to_document(self) -> dict[str, Any]:
        return {
            "setting": self.setting.value,
            "problem": self.problem.value,
            "subject": self.subject,
            "action": self.action.value,
            "before": self.before,
            "after": self.after,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a repository; as the defaults say where ECR was told nothing.

    `policy` and `lifecycle` are whole documents as ECR has them, parsed. A setting that the
    baseline says nothing about need not be read: nothing looks at it.
    """

    policy: Mapping[str, Any] | None = None
    lifecycle: Mapping[str, Any] | None = None
    mutability: str = "MUTABLE"
    filters: tuple[str, ...] = ()
    scan_on_push: bool = False
    encryption: str = "AES256"
    resource_tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Settings:
        """Settings as `ecr-steward drift` reads them; raises SettingsError.

        What is absent or null is not set.
        """
        _check_keys(document, (*_READERS, "repository"), "")
        read = {
            key: reader(document[key], key)
            for key, reader in _READERS.items()
            if document.get(key) is not None
        }
        mutability, filters = read.pop("mutability", ("MUTABLE", ()))
        return cls(mutability=mutability, filters=filters, **read)


def _check_keys(document: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in document:
        if key not in known:
            raise SettingsError(f"`{where}{key}` is no field; there are {', '.join(known)}.")


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Where a key is there twice no two readers agree on which counts: it gets a
    shape that nobody knows, for whoever judges it to call unsafe."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else {"a key twice": [list(each) for each in pairs]}


def _document(value: Any, name: str) -> Mapping[str, Any]:
    """A policy: an object, or the text of one, as ECR's own answers have it."""
    try:
        text = isinstance(value, str)
        return _mapping(json.loads(value, object_pairs_hook=each_once) if text else value, name)
    except ValueError as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError(f"`{name}` is a text that is not JSON: {error}.") from error


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SettingsError(f"`{name}` must be an object or null.")
    return value


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise SettingsError(f"`{name}` must be true or false.")
    return value


def _encryption(value: Any, name: str) -> str:
    if value not in ENCRYPTIONS:
        raise SettingsError(f"`{name}` must be one of {', '.join(ENCRYPTIONS)}.")
    return str(value)


def _resource_tags(value: Any, name: str) -> Mapping[str, str]:
    tags = _mapping(value, name)
    for key, each in tags.items():
        if not isinstance(each, str):
            raise SettingsError(f"`{name}.{key}` must be text.")
    return tags


def _mutability(value: Any, name: str) -> tuple[str, tuple[str, ...]]:
    """As `DescribeRepositories` writes it: the word, and its exclusion filters."""
    keys = ("imageTagMutability", "imageTagMutabilityExclusionFilters")
    found = _mapping(value, name)
    _check_keys(found, keys, f"{name}.")
    word = found.get(keys[0])
    word = "MUTABLE" if word is None else word
    if word not in MUTABILITIES:
        raise SettingsError(f"`{name}.{keys[0]}` must be one of {', '.join(MUTABILITIES)}.")
    filters = found.get(keys[1])
    return str(word), _filters([] if filters is None else filters, f"{name}.{keys[1]}")


def _filters(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise SettingsError(f"`{name}` must be a list.")
    return tuple(_filter(each, f"{name}[{i}]") for i, each in enumerate(value))


def _filter(value: Any, name: str) -> str:
    """A filter as ECR writes it, or its text alone."""
    if isinstance(value, Mapping):
        _check_keys(value, ("filterType", "filter"), f"{name}.")
        value = value.get("filter")
    if not isinstance(value, str):
        raise SettingsError(f'`{name}` must be {{"filterType": "WILDCARD", "filter": "…"}}.')
    return value


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "policy": _document,
    "lifecycle": _document,
    "mutability": _mutability,
    "scan_on_push": _flag,
    "encryption": _encryption,
    "resource_tags": _resource_tags,
}
