"""Event patterns, matched as EventBridge and Lambda's event filters match them.

Source: EventBridge User Guide, "Creating Amazon EventBridge event patterns": every field of the
pattern must match; a list is any of its values; an absent field matches `exists: false` only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether `event` fits `pattern`. Raises NotImplementedError for an operator not known here."""
    return all(_field(key, expected, event) for key, expected in pattern.items())


def _field(key: str, expected: Any, event: Mapping[str, Any]) -> bool:
    if key == "$or":
        return any(matches(alternative, event) for alternative in expected)
    actual = event.get(key, _ABSENT)
    if isinstance(expected, Mapping):
        return matches(expected, actual if isinstance(actual, Mapping) else {})
    if not isinstance(expected, list):
        raise ValueError(f"`{key}` must be a list or an object: {expected!r}")
    actuals = actual if isinstance(actual, list) else [actual]
    return any(_value(each, value) for each in expected for value in actuals)


_ABSENT = object()


def _value(expected: Any, actual: Any) -> bool:
    if not isinstance(expected, Mapping):
        return actual is not _ABSENT and type(expected) is type(actual) and expected == actual
    ((operator, argument),) = expected.items()
    if operator == "exists":
        return (actual is not _ABSENT) is argument
    if actual is _ABSENT:
        return False
    if operator == "anything-but":
        return not any(_value(each, actual) for each in _listed(argument))
    if operator not in _TEXT:
        raise NotImplementedError(f"`{operator}` is not known here")
    return isinstance(actual, str) and _TEXT[operator](actual, argument)


def _listed(argument: Any) -> list[Any]:
    return argument if isinstance(argument, list) else [argument]


def _wildcard(actual: str, argument: str) -> bool:
    if "**" in argument:
        raise ValueError(f"EventBridge refuses two stars in a row: {argument}")
    return re.fullmatch(".*".join(map(re.escape, argument.split("*"))), actual, re.S) is not None


_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "prefix": str.startswith,
    "suffix": str.endswith,
    "wildcard": _wildcard,
}
