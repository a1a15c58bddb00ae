"""Repository policies: their statements, written one way, so that they compare by meaning."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ecr_steward.settings.state import BaselineError, SettingsError, each_once

MAX_LENGTH = 10_240
"""Longest repository policy, in characters (ECR API: RepositoryPolicyText)."""

VERSION = "2012-10-17"
_DOCUMENT = ("Version", "Id", "Statement")
_KEYS = frozenset({
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition",
})  # fmt: skip
_ROOT = re.compile(r"arn:aws[a-z0-9-]*:iam::([0-9]{12}):root")
_ACCOUNT = re.compile(r"[0-9]{12}")
_DELETED = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}")
_SID = re.compile(r"[A-Za-z0-9 _.-]{1,128}")

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


def is_lambdas(statement: Any) -> bool:
    """Whether Lambda put it there, as its Sid says: it is never taken out."""
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
        *(_principals(statement[key]) if key in statement else None for key in _WHO),
        *(_actions(statement[key]) if key in statement else None for key in _WHAT),
        _conditions(statement.get("Condition", {})),
    )


_WHO = ("Principal", "NotPrincipal")
_WHAT = ("Action", "NotAction")


def _is_known(statement: Mapping[Any, Any]) -> bool:
    if "Resource" in statement and values(statement["Resource"]) != ("*",):
        return False
    conditions = statement.get("Condition", {})
    return (
        set(statement) <= _KEYS | {"Resource"}
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
    found = (name for key in _WHO if key in statement for _, name in principals(statement[key]))
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
    return _DELETED.fullmatch(name) is not None and not name.isdecimal()


# ---------------------------------------------------------------------------- what a rule states
def checked(value: Any) -> tuple[Mapping[str, Any], ...]:
    """The statements of a rule, each of a shape that ECR takes; raises BaselineError."""
    if not isinstance(value, list):
        raise BaselineError("`statements` must be a list.", ("statements",))
    seen: set[str] = set()
    for i, each in enumerate(value):
        try:
            _check(each, seen)
        except BaselineError as error:
            raise BaselineError(str(error), ("statements", i, *error.path)) from error
    length = len(dumps(document(value)))
    if length > MAX_LENGTH:
        raise BaselineError(
            f"The statements make a policy of {length:,} characters; ECR takes {MAX_LENGTH:,} at "
            "most. Name accounts by their organisation, or take statements together.",
            ("statements",),
        )
    return tuple(value)


def document(found: Sequence[Any], version: str = VERSION, **more: Any) -> dict[str, Any]:
    """The policy of these statements."""
    return {"Version": version, **more, "Statement": list(found)}


def _check(statement: Any, seen: set[str]) -> None:
    if not isinstance(statement, Mapping):
        raise BaselineError("A statement must be a mapping with `Sid`, `Effect` and so on.")
    _check_keys(statement)
    name = statement.get("Sid")
    if not isinstance(name, str) or not _SID.fullmatch(name):
        raise BaselineError(
            "A statement needs a `Sid` of letters and digits: the steward knows its own by it."
        )
    if name.startswith("Lambda"):
        raise BaselineError(
            f"`{name}`: Sids that begin with `Lambda` are Lambda's own, which the steward never "
            "touches; name it otherwise.",
            ("Sid",),
        )
    if name in seen:
        raise BaselineError(f"`{name}` is the Sid of an earlier statement too.", ("Sid",))
    seen.add(name)
    _check_values(statement)


def _check_keys(statement: Mapping[str, Any]) -> None:
    if {"Resource", "NotResource"} & set(statement):
        key = "Resource" if "Resource" in statement else "NotResource"
        raise BaselineError(
            f"`{key}` has no place in a repository policy, which is about its own repository: "
            "remove it.",
            (key,),
        )
    for key in statement:
        if key not in _KEYS:
            known = ", ".join(sorted(_KEYS))
            raise BaselineError(f"`{key}` is no part of a statement; there are {known}.", (key,))
    for pair in (_WHO, _WHAT):
        if len(set(pair) & set(statement)) != 1:
            raise BaselineError(f"A statement needs either `{pair[0]}` or `{pair[1]}`.")


def _check_values(statement: Mapping[str, Any]) -> None:
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise BaselineError("`Effect` must be Allow or Deny.", ("Effect",))
    for key in set(_WHAT) & set(statement):
        if not _are_texts(statement[key]):
            raise BaselineError(f"`{key}` must be an action such as `ecr:BatchGetImage`, or a list "
                                "of them.", (key,))  # fmt: skip
    for key in set(_WHO) & set(statement):
        _check_principal(statement[key], key)
    _check_condition(statement.get("Condition", {}))


def _check_principal(value: Any, key: str) -> None:
    if value == "*":
        return
    if not isinstance(value, Mapping) or not value:
        raise BaselineError(f'`{key}` must be `"*"`, or a mapping such as {{AWS: "…"}}.', (key,))
    for kind, names in value.items():
        if kind not in ("AWS", "Service", "Federated", "CanonicalUser"):
            raise BaselineError(f"`{kind}` is no kind of principal; there are AWS and Service.",
                                (key, kind))  # fmt: skip
        if not _are_texts(names):
            raise BaselineError(
                f"`{kind}` must be a string or a list of strings; put account ids in quotes.",
                (key, kind),
            )
        ids = deleted({key: {kind: names}})
        if ids:
            raise BaselineError(
                f"`{ids[0]}` is the id of a principal, and ECR takes no policy with one: name it "
                "by its ARN.", (key, kind),
            )  # fmt: skip


def _check_condition(value: Any) -> None:
    if not isinstance(value, Mapping):
        raise BaselineError("`Condition` must be a mapping of operators.", ("Condition",))
    for operator, entries in value.items():
        path = ("Condition", operator)
        if not _is_operator(str(operator)):
            import difflib

            close = difflib.get_close_matches(str(operator), _OPERATORS, n=1)
            meant = f"; did you mean `{close[0]}`?" if close else ", such as `StringEquals`."
            raise BaselineError(f"`{operator}` is no condition operator of IAM's{meant}", path)
        if not isinstance(entries, Mapping):
            raise BaselineError(f"`{operator}` must be a mapping of condition keys.", path)
        for key, wanted in entries.items():
            if not values(wanted) or not all(
                isinstance(each, str | bool | int) for each in values(wanted)
            ):
                raise BaselineError(f"`{key}` must be a value or a list of values.", (*path, key))


_ORDERS = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
_OPERATORS = (
    "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
    "StringLike", "StringNotLike", *(f"Numeric{each}" for each in _ORDERS),
    *(f"Date{each}" for each in _ORDERS), "Bool", "BinaryEquals", "IpAddress", "NotIpAddress",
    "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "Null",
)  # fmt: skip
"""Condition operators (IAM User Guide: IAM JSON policy elements: Condition operators)."""

_KNOWN_OPERATORS = frozenset(each.lower() for each in _OPERATORS)


def _is_operator(text: str) -> bool:
    """Whether a condition operator is one of IAM's, with what may stand before and after it."""
    bare = re.sub(r"^(foranyvalue|forallvalues):|ifexists$", "", text.lower())
    return bare in _KNOWN_OPERATORS


def _are_texts(value: Any) -> bool:
    found = values(value)
    return bool(found) and all(isinstance(each, str) and each for each in found)


def unknown_actions(found: Iterable[Mapping[str, Any]]) -> Iterable[tuple[int, str, str]]:
    """The place and the name of each action that is not ECR's."""
    for i, statement in enumerate(found):
        for key in _WHAT:
            for each in values(statement.get(key, [])):
                if each != "*" and not each.lower().startswith("ecr:"):
                    yield i, key, each


def misplaced_actions(found: Iterable[Mapping[str, Any]]) -> Iterable[tuple[int, str, str]]:
    """The place and the name of each action that ECR takes in no repository policy."""
    for i, statement in enumerate(found):
        for key in _WHAT:
            for each in values(statement.get(key, [])):
                if each.lower() == "ecr:getauthorizationtoken":
                    yield i, key, each
