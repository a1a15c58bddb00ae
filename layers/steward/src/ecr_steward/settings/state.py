"""The words for what is wrong with a setting, and how what people give is read."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]


class BaselineError(ValueError):
    """A baseline that cannot be meant; `path` leads to the fault within its mapping."""

    def __init__(self, sentence: str, path: Path = ()) -> None:
        super().__init__(sentence)
        self.path = path


class SettingsError(ValueError):
    """Settings that cannot be read; the sentence names the field."""


class Problem(enum.StrEnum):
    """What is wrong with a setting."""

    MISSING = "missing"
    DIFFERENT = "different"
    EXTRA = "extra"
    PUBLIC = "public"
    FOREIGN = "foreign"
    LOCKS_OUT = "locks_out"
    EXPIRES_STABLE = "expires_stable"
    ARCHIVES_STABLE = "archives_stable"
    EXPIRES_RUNNING = "expires_running"
    UNCHANGEABLE = "unchangeable"


class SettingAction(enum.StrEnum):
    """What is done where the rule enforces; `refuse` is for a correction that would do harm."""

    CORRECT = "correct"
    REPORT = "report"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One difference: what it is about, what is done, and why, in a sentence.

    `setting` is the name of a kind of setting. `before` and `after` are JSON values: what is there
    and what should be; None where there is or should be nothing. Those of a policy's change are
    single statements.
    """

    setting: str
    problem: Problem
    subject: str
    action: SettingAction
    before: Any
    after: Any
    reason: str

    def to_document(self) -> dict[str, Any]:
        return {
            "setting": self.setting,
            "problem": self.problem.value,
            "subject": self.subject,
            "action": self.action.value,
            "before": self.before,
            "after": self.after,
            "reason": self.reason,
        }


# ---------------------------------------------------------------------------- what a rule states
def mapping(value: Any, path: Path = ()) -> Mapping[str, Any]:
    """A mapping of a rule's; raises BaselineError."""
    if not isinstance(value, Mapping):
        raise BaselineError("This must be a mapping of keys.", path)
    return value


def check_known(found: Mapping[str, Any], known: Sequence[str], path: Path = ()) -> None:
    """Raises BaselineError for a key that a rule cannot have there."""
    for key in found:
        if key not in known:
            there = ", ".join(known)
            raise BaselineError(f"`{key}` is not a key here; there are {there}.", (*path, key))


# ---------------------------------------------------------------------------- what people give
def unwrapped(value: Any, *keys: str) -> Any:
    """What stands under one of these keys of an answer of AWS's; any other value as it is."""
    for key in keys:
        if isinstance(value, Mapping) and key in value:
            return value[key]
    return value


def check_fields(found: Any, known: Sequence[str], name: str) -> None:
    """Raises SettingsError where `found` is no object with these fields only."""
    if not isinstance(found, Mapping):
        raise SettingsError(f"`{name}` must be an object or null.")
    for key in found:
        if key not in known:
            raise SettingsError(f"`{name}.{key}` is no field; there are {', '.join(known)}.")


def document_of(value: Any, name: str, key: str) -> Mapping[str, Any]:
    """A policy: an object, or the text of one, as ECR's own answers have it under `key`."""
    value = unwrapped(value, key)
    try:
        found = json.loads(value, object_pairs_hook=each_once) if isinstance(value, str) else value
    except ValueError as error:
        raise SettingsError(f"`{name}` is a text that is not JSON: {error}.") from error
    if not isinstance(found, Mapping):
        raise SettingsError(f"`{name}` must be an object or null.")
    return found


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Where a key is there twice no two readers agree on which counts: it gets a
    shape that nobody knows, for whoever judges it to call unsafe."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else {"a key twice": [list(each) for each in pairs]}
