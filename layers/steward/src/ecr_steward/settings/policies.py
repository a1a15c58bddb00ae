"""Repository policies: their statements, written one way, so that they compare by meaning."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ecr_steward.settings.state import SettingsError, each_once

MAX_LENGTH = 10_240
"""Longest repository policy, in characters (ECR API: RepositoryPolicyText)."""

VERSION = "2012-10-17"
_OLD = "2008-10-17"
"""The version of a policy that names none (IAM User Guide: IAM JSON policy elements: Version)."""

_DOCUMENT = ("Version", "Id", "Statement")
KEYS = frozenset({
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition",
})  # fmt: skip
_ROOT = re.compile(r"arn:aws[a-z0-9-]*:iam::([0-9]{12}):root")
_ACCOUNT = re.compile(r"[0-9]{12}")
_DELETED = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}")

Canonical = tuple[Any, ...]


def parse(policy: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """The document of a policy as ECR gives it (a text); raises SettingsError."""
    if isinstance(policy, Mapping):
        return policy
    try:
        document = json.loads(policy, object_pairs_hook=each_once)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"The policy is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise SettingsError("The policy is no JSON object.")
    return document


def dumps(document: Mapping[str, Any]) -> str:
    """The text of a policy as the steward sends it: the same for the same document."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def statements(policy: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """The statements of a policy, one alone as well as a list; anything else is one of them, for
    whoever judges them to call unsafe, as is what a policy has no place for. A null says nothing
    and is none."""
    document = policy or {}
    strange = ({key: each} for key, each in document.items() if key not in _DOCUMENT)
    found = (each for each in values(document.get("Statement", [])) if each is not None)
    return (*found, *strange)


def version(policy: Mapping[str, Any] | None) -> str:
    """By which version a policy is read; a new one by the steward's own."""
    if policy is None:
        return VERSION
    found = policy.get("Version")
    return found if isinstance(found, str) else _OLD


def has_variables(statement: Any) -> bool:
    return "${" in json.dumps(statement, default=repr)


def version_fault(document: Mapping[str, Any]) -> str | None:
    """Why statements would mean something else under the steward's own version; None if none do."""
    stated = document.get("Version", VERSION)
    if stated not in (VERSION, _OLD):
        return f"`Version` must be {VERSION}; it is `{stated}`."
    if stated == _OLD and has_variables(document.get("Statement")):
        return (
            f"Under `Version` {_OLD} a variable is a mere text, and the steward sets statements "
            f"under {VERSION}: write that."
        )
    return None


def escaped(value: Any) -> Any:
    """What was written under the old version, for the new one: with `${` as the text it was."""
    if isinstance(value, Mapping):
        return {key: escaped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [escaped(each) for each in value]
    return value.replace("${", "${$}{") if isinstance(value, str) else value


def is_lambdas(statement: Any) -> bool:
    """Whether Lambda put it there, as its Sid says: it stays, unless it lets strangers in."""
    return sid(statement).startswith("Lambda")


def sid(statement: Any) -> str:
    found = statement.get("Sid") if isinstance(statement, Mapping) else None
    return found if isinstance(found, str) else ""


def subject(statement: Any) -> str:
    """How changes name a statement: its Sid, or a name made of what it says."""
    if sid(statement):
        return sid(statement)
    digest = hashlib.sha256(_ordered(canonical(statement)).encode()).hexdigest()
    return f"statement without Sid {digest[:8]}"


def _ordered(value: Any) -> str:
    """The text of a canonical form, the same in every process."""
    if isinstance(value, tuple):
        return f"({','.join(map(_ordered, value))})"
    if isinstance(value, frozenset):
        return f"{{{','.join(sorted(map(_ordered, value)))}}}"
    return repr(value)


# ---------------------------------------------------------------------------- meaning
def same(one: Any, other: Any) -> bool:
    """Whether two statements say the same, whatever their spelling and order."""
    return canonical(one) == canonical(other)


def canonical(statement: Any) -> Canonical:
    """The statement in the one spelling that all of its meaning have.

    What is no statement of a known shape stands for itself alone.
    """
    if not isinstance(statement, Mapping) or not _is_known(statement):
        return ("unknown", json.dumps(statement, sort_keys=True, default=repr))
    return (
        sid(statement),
        statement.get("Effect"),
        *(_principals(statement[key]) if key in statement else None for key in WHO),
        *(_actions(statement[key]) if key in statement else None for key in WHAT),
        _conditions(statement.get("Condition", {})),
        # Most statements have none, or all that there is.
        *_resources(statement.get("Resource", "*")),
    )


WHO = ("Principal", "NotPrincipal")
WHAT = ("Action", "NotAction")


def _resources(value: Any) -> tuple[frozenset[str], ...]:
    found = frozenset(map(condition_text, values(value)))
    return () if found == {"*"} else (found,)


def _is_known(statement: Mapping[Any, Any]) -> bool:
    conditions = statement.get("Condition", {})
    return (
        set(statement) <= KEYS | {"Resource"}
        and isinstance(statement.get("Sid", ""), str)
        and isinstance(statement.get("Effect"), str)
        and isinstance(conditions, Mapping)
        and all(isinstance(each, Mapping) for each in conditions.values())
    )


def values(value: Any) -> tuple[Any, ...]:
    """One value, or each of a list."""
    return tuple(value) if isinstance(value, list) else (value,)


def principals(value: Any) -> tuple[tuple[str, Any], ...]:
    """The type and the name of each of `Principal`; one of an unknown shape has the type ``""``."""
    if value == "*":
        return (("AWS", "*"),)
    if not isinstance(value, Mapping):
        return (("", value),)
    return tuple((str(kind), each) for kind, names in value.items() for each in values(names))


def _principals(value: Any) -> frozenset[tuple[str, str]]:
    return frozenset((kind, principal(name)) for kind, name in principals(value))


def principal(name: Any) -> str:
    """An account as its number, however it is named; any other name as it is."""
    if not isinstance(name, str):
        return json.dumps(name, sort_keys=True, default=repr)
    root = _ROOT.fullmatch(name)
    return root[1] if root else name


def _actions(value: Any) -> frozenset[str]:
    found = (str(each).lower() for each in values(value))
    return frozenset("ecr:*" if each == "*" else each for each in found)


def _conditions(conditions: Mapping[str, Any]) -> frozenset[Any]:
    return frozenset(
        (operator.lower(), key.lower(), _condition_values(operator.lower(), wanted))
        for operator, entries in conditions.items()
        for key, wanted in entries.items()
    )


def _condition_values(operator: str, wanted: Any) -> frozenset[str]:
    texts = (condition_text(each) for each in values(wanted))
    folded = "bool" in operator or operator.startswith("null") or "ignorecase" in operator
    return frozenset(each.lower() if folded else each for each in texts)


def condition_text(value: Any) -> str:
    """A condition's value as IAM compares it: true and 5 are the texts `true` and `5`."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=repr)


def deleted(statement: Any) -> tuple[str, ...]:
    """The ids that stand where principals were that are deleted now (`AROA…`, `AIDA…`)."""
    if not isinstance(statement, Mapping):
        return ()
    found = (name for key in WHO if key in statement for _, name in principals(statement[key]))
    return tuple(name for name in found if isinstance(name, str) and is_deleted(name))


def without_deleted(statement: Any) -> tuple[tuple[str, ...], Any]:
    """The ids that stand under `Principal` for principals that are deleted now, and the statement
    without them: None if it names nobody else."""
    found = statement.get("Principal") if isinstance(statement, Mapping) else None
    if not isinstance(found, Mapping) or not deleted({"Principal": found}):
        return (), statement
    dead = deleted({"Principal": found})
    left: dict[str, Any] = {}
    for kind, names in found.items():
        kept = [each for each in values(names) if each not in dead]
        if kept:
            left[kind] = kept if isinstance(names, list) else kept[0]
    return dead, {**statement, "Principal": left} if left else None


def is_deleted(name: str) -> bool:
    return _DELETED.fullmatch(name) is not None


def document(found: Sequence[Any], version: str = VERSION, **more: Any) -> dict[str, Any]:
    """The policy of these statements."""
    return {"Version": version, **more, "Statement": list(found)}
