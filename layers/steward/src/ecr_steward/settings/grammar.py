"""What ECR takes of the statements that a rule states, and what in them says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ecr_steward.settings import actions
from ecr_steward.settings.policies import (
    KEYS,
    MAX_LENGTH,
    WHAT,
    WHO,
    condition_text,
    deleted,
    document,
    dumps,
    values,
)
from ecr_steward.settings.state import BaselineError, Path

_SID = re.compile(r"[A-Za-z0-9 _.-]{1,128}")


def checked(value: Any, *, resource: bool = False) -> tuple[Mapping[str, Any], ...]:
    """The statements of a rule as they are set, each of a shape that ECR takes; raises
    BaselineError.

    `resource` says that they need `Resource`, as those of the registry's policy. Those of a
    repository are about their own repository: ECR's guide writes `Resource: "*"` there, and ECR
    has refused policies for it, so they are set without.
    """
    if not isinstance(value, list):
        raise BaselineError("`statements` must be a list.", ("statements",))
    seen: set[str] = set()
    for i, each in enumerate(value):
        try:
            _check(each, seen, resource=resource)
        except BaselineError as error:
            raise BaselineError(str(error), ("statements", i, *error.path)) from error
    found = value if resource else [_without_resource(each) for each in value]
    length = len(dumps(document(found)))
    if length > MAX_LENGTH:
        raise BaselineError(
            f"The statements make a policy of {length:,} characters; ECR takes {MAX_LENGTH:,} at "
            "most. Name accounts by their organisation, or take statements together.",
            ("statements",),
        )
    return tuple(found)


def _without_resource(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: each for key, each in statement.items() if key != "Resource"}


def _check(statement: Any, seen: set[str], *, resource: bool) -> None:
    if not isinstance(statement, Mapping):
        raise BaselineError("A statement must be a mapping with `Sid`, `Effect` and so on.")
    _check_keys(statement, resource=resource)
    name = statement.get("Sid")
    if not isinstance(name, str) or not _SID.fullmatch(name):
        hint = " Put it in quotes." if isinstance(name, int) else ""
        raise BaselineError(
            "A statement needs a `Sid`, a text of letters and digits: the steward knows its own by "
            f"it.{hint}"
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


def _check_keys(statement: Mapping[str, Any], *, resource: bool) -> None:
    if resource and "Resource" not in statement:
        raise BaselineError(
            "A statement of the registry's policy needs `Resource`: `*`, or ARNs such as "
            "arn:aws:ecr:eu-west-1:111122223333:repository/prod/*."
        )
    if not resource and values(statement.get("Resource", "*")) != ("*",):
        raise BaselineError(
            "`Resource` can only be `*` in a repository policy, which is about its own repository: "
            "remove it.",
            ("Resource",),
        )
    for key in statement:
        if key not in KEYS and key != "Resource":
            known = ", ".join(sorted(KEYS))
            raise BaselineError(f"`{key}` is no part of a statement; there are {known}.", (key,))
    for pair in (WHO, WHAT):
        if len(set(pair) & set(statement)) != 1:
            raise BaselineError(f"A statement needs either `{pair[0]}` or `{pair[1]}`.")


def _check_values(statement: Mapping[str, Any]) -> None:
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise BaselineError("`Effect` must be Allow or Deny.", ("Effect",))
    for key in set(WHAT) & set(statement):
        if not _are_texts(statement[key]) or not all(
            map(_ACTION.fullmatch, values(statement[key]))
        ):
            raise BaselineError(f"`{key}` must be an action such as `ecr:BatchGetImage`, or a list "
                                "of them.", (key,))  # fmt: skip
        for each in values(statement[key]):
            if each.lower() == "ecr:getauthorizationtoken":
                raise BaselineError(
                    f"`{each}` is about no repository, and ECR refuses a repository policy with "
                    "it: let IAM policies grant it.", (key,),
                )  # fmt: skip
    for key in set(WHO) & set(statement):
        _check_principal(statement[key], key)
    found = statement.get("Resource", "*")
    if not _are_texts(found) or not all(map(_RESOURCE.fullmatch, values(found))):
        raise BaselineError("`Resource` must be `*`, an ARN or a list of these.", ("Resource",))
    _check_condition(statement.get("Condition", {}))


def _check_principal(value: Any, key: str) -> None:
    if value == "*":
        return
    if not isinstance(value, Mapping) or not value:
        raise BaselineError(f'`{key}` must be `"*"`, or a mapping such as {{AWS: "…"}}.', (key,))
    for kind, names in value.items():
        path = (key, kind)
        if kind not in ("AWS", "Service", "Federated", "CanonicalUser"):
            raise BaselineError(
                f"`{kind}` is no kind of principal; there are AWS and Service.", path
            )
        if not _are_texts(names):
            raise BaselineError(
                f"`{kind}` must be a string or a list of strings; put account ids in quotes.", path
            )
        _check_names(kind, names, path)


def _check_names(kind: str, names: Any, path: Path) -> None:
    ids = deleted({"Principal": {kind: names}})
    if ids:
        raise BaselineError(
            f"`{ids[0]}` is the id of a principal, and ECR takes no policy with one: name it by "
            "its ARN.",
            path,
        )
    for each in values(names):
        if kind in _NAMES and not _NAMES[kind].fullmatch(each):
            raise BaselineError(
                f"`{each}` is no principal that ECR takes: name an account by its 12 digits, a "
                "user or a role by its whole ARN without a `*` in it, a service by its whole name; "
                "for many roles write a condition on aws:PrincipalArn.",
                path,
            )


def _check_condition(value: Any) -> None:
    if not isinstance(value, Mapping):
        raise BaselineError("`Condition` must be a mapping of operators.", ("Condition",))
    for operator, entries in value.items():
        path = ("Condition", operator)
        if not _is_operator(str(operator)):
            import difflib

            close = difflib.get_close_matches(str(operator), _OPERATORS)
            meant = f"; did you mean `{close[0]}`?" if close else ", such as `StringEquals`."
            raise BaselineError(f"`{operator}` is no condition operator of IAM's{meant}", path)
        if not isinstance(entries, Mapping):
            raise BaselineError(f"`{operator}` must be a mapping of condition keys.", path)
        for key, wanted in entries.items():
            _check_wanted(str(operator), key, wanted, (*path, key))


def _check_wanted(operator: str, key: str, wanted: Any, path: Path) -> None:
    if not values(wanted):
        raise BaselineError(f"`{key}` must be a value or a list of values.", path)
    for each in values(wanted):
        if not isinstance(each, _types(operator)):
            hint = "; put it in quotes" if isinstance(each, bool | int) else ""
            raise BaselineError(f"`{key}` must be a string or a list of strings{hint}.", path)


def _types(operator: str) -> tuple[type, ...]:
    """What the values of a condition may be besides text: of which IAM makes the same."""
    bare = _bare(operator)
    if bare in ("bool", "null"):
        return (str, bool)
    return (str, int) if bare.startswith("numeric") else (str,)


_RESOURCE = re.compile(r"\*|arn:[^:]*:ecr:[^:]*:[^:]*:\S+")
_ACTION = re.compile(r"\*|[A-Za-z0-9*?-]+:[A-Za-z0-9*?]+")
_NAMES = {
    "AWS": re.compile(
        r"\*|[0-9]{12}|arn:aws[a-z0-9-]*:(?:iam::[0-9]{12}:(?:root|(?:user|role)/[^*?]+)"
        r"|sts::[0-9]{12}:(?:assumed-role|federated-user)/[^*?]+)"
    ),
    "Service": re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazon(?:aws)?\.com(?:\.cn)?"),
}
"""What a principal may be called (IAM User Guide: AWS JSON policy elements: Principal)."""


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
    return _bare(text) in _KNOWN_OPERATORS


def _bare(operator: str) -> str:
    return re.sub(r"^(foranyvalue|forallvalues):|ifexists$", "", operator.lower())


def _are_texts(value: Any) -> bool:
    found = values(value)
    return bool(found) and all(isinstance(each, str) and each for each in found)


def unknown_actions(found: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, str, str]]:
    """The place and the name of each action that ECR does not have."""
    for i, statement in enumerate(found):
        for key in WHAT:
            for each in values(statement.get(key, [])):
                if not actions.matched(each):
                    yield i, key, each


def unreadable_values(found: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Path, str, str]]:
    """The place of each value of a condition that its operator cannot read, and both."""
    for i, statement in enumerate(found):
        for operator, entries in statement.get("Condition", {}).items():
            readers = [read for kind, read in _READ.items() if _bare(operator).startswith(kind)]
            for key, wanted in entries.items():
                for text in map(condition_text, values(wanted)):
                    if "${" not in text and not all(each.fullmatch(text) for each in readers):
                        yield (i, "Condition", operator, key), operator, text


_ADDRESS = re.compile(r"[0-9a-fA-F.:]+(?:/[0-9]{1,3})?")
_TRUTH = re.compile("true|false", re.IGNORECASE)
_READ = {
    "numeric": re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?"),
    "date": re.compile(
        r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
        r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?)?)?|[0-9]{9,13}"
    ),
    "bool": _TRUTH,
    "null": _TRUTH,
    "ipaddress": _ADDRESS,
    "notipaddress": _ADDRESS,
    "arn": re.compile(r"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:.*"),
}
"""By the beginning of an operator, the texts that it can read."""
