"""Conditions of statements: which of them limit who comes in, and to whom."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ecr_steward.settings import policies
from ecr_steward.settings.names import (
    ACCOUNT,
    ORGANISATION,
    PRIVATE,
    VPC,
    Names,
    collapsed,
    is_within,
    network_of,
    with_own,
)

_KIND = re.compile(r"[a-z-]+[:/]")
_UNIQUE_ID = re.compile(r"(A[A-Z]{3}[A-Z0-9]{12,})(?::.*)?")
_WIDEST = {4: 2**24, 6: 2**96}
"""Most addresses that a condition may let in and still limit: a /8, or a /32 of IPv6."""


class Limit(NamedTuple):
    """A condition that limits: where it stands, and whom each of its values lets in."""

    operator: str
    key: str
    by_value: tuple[tuple[Any, str | None], ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for _, name in self.by_value if name is not None)


class Conditions:
    """Reads the conditions of a statement."""

    def __init__(self, allowed: Names, account: str, version: str) -> None:
        self._allowed, self._account = allowed, account
        self._knows_variables = version == policies.VERSION

    def limits(self, conditions: Any) -> Iterator[Limit]:
        """The conditions that limit."""
        there = _must_be_there(conditions)
        for operator, key, wanted in _entries(conditions):
            bare = operator.lower()
            if key.lower() in there:
                bare = bare.removesuffix("ifexists").removeprefix("forallvalues:")
            names = self._lets_in(bare.removeprefix("foranyvalue:"), key.lower(), wanted)
            if names:
                yield Limit(operator, key, tuple(zip(wanted, names, strict=True)))

    def _lets_in(
        self, operator: str, key: str, wanted: tuple[Any, ...]
    ) -> tuple[str | None, ...] | None:
        """Whom each value lets in, None for nobody; None where the condition limits nothing."""
        if key not in _KEYS or operator not in _KEYS[key][0]:
            return None
        read = _KEYS[key][1]
        found: list[str | None] = []
        for each in wanted:
            text = policies.condition_text(each)
            if self._knows_variables:
                text = with_own(text, self._account)
            if "${" in text and not self._knows_variables and key not in _IN_WORDS:
                found.append(None)
                continue
            name = None if "${" in text else read(text, operator)
            if name is None:
                return None
            found.append(name)
        if not self._is_narrow(filter(None, found)):
            return None
        return tuple(found)

    def _is_narrow(self, names: Iterable[str]) -> bool:
        """Whether the networks together are no more than a limit: two halves are the whole."""
        networks = [each for each in map(network_of, names) if each is not None]
        left = collapsed(
            each
            for each in networks
            if not self._allowed.has_network(each) and not is_within(each, PRIVATE)
        )
        return all(
            sum(each.num_addresses for each in left if each.version == version) <= most
            for version, most in _WIDEST.items()
        )


def _entries(conditions: Any) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """Each condition: its operator, its key, its values."""
    for operator, entries in conditions.items() if isinstance(conditions, Mapping) else ():
        for key, wanted in entries.items() if isinstance(entries, Mapping) else ():
            yield str(operator), str(key), policies.values(wanted)


def _must_be_there(conditions: Any) -> frozenset[str]:
    """The keys that `Null: {KEY: "false"}` wants to be there."""
    return frozenset(
        key.lower()
        for operator, key, wanted in _entries(conditions)
        if operator.lower() == "null"
        and wanted
        and all(policies.condition_text(each).lower() == "false" for each in wanted)
    )


def _whole(pattern: re.Pattern[str], value: str, _: str) -> str | None:
    return value if pattern.fullmatch(value) else None


def _unit_of(value: str, _: str) -> str | None:
    """A path as it is written, if it begins with an organisation in full."""
    name, slash, _ = value.partition("/")
    return value if slash and ORGANISATION.fullmatch(name) else None


def _account_of(value: str, operator: str) -> str | None:
    """The account of an ARN. The wildcards of a text can stand for colons too, so nothing before
    the account may be one; ARN operators look at each part alone."""
    parts = value.split(":")
    if len(parts) < 6 or parts[0] != "arn" or not ACCOUNT.fullmatch(parts[4]):
        return None
    wild = any(letter in part for part in parts[1:4] for letter in "*?")
    return None if wild and not operator.startswith("arn") else parts[4]


def _source_account_of(value: str, operator: str) -> str | None:
    """The same of a resource, whose Region may be `*` where the kind of resource is written out:
    in `arn:aws:lambda:*:123456789012:*` the star could stand for another's Region, account and
    `function`, and the account for that function's name."""
    parts = value.split(":", 5)
    if len(parts) == 6 and parts[3] == "*" and _KIND.match(parts[5]):
        value = ":".join([*parts[:3], "any", *parts[4:]])
    return _account_of(value, operator)


def _id_of(value: str, _: str) -> str | None:
    match = _UNIQUE_ID.fullmatch(value)
    return match[1] if match else None


def _address(value: str, _: str) -> str | None:
    network = network_of(value)
    return None if network is None else str(network)


_TEXT = ("stringequals", "stringequalsignorecase", "stringlike")
_ARN = (*_TEXT, "arnequals", "arnlike")
_KEYS: Mapping[str, tuple[tuple[str, ...], Callable[[str, str], str | None]]] = {
    "aws:principalorgid": (_TEXT, functools.partial(_whole, ORGANISATION)),
    "aws:sourceorgid": (_TEXT, functools.partial(_whole, ORGANISATION)),
    "aws:principalorgpaths": (_TEXT, _unit_of),
    "aws:sourceorgpaths": (_TEXT, _unit_of),
    "aws:principalaccount": (_TEXT, functools.partial(_whole, ACCOUNT)),
    "aws:sourceaccount": (_TEXT, functools.partial(_whole, ACCOUNT)),
    "aws:principalarn": (_ARN, _account_of),
    "aws:sourcearn": (_ARN, _source_account_of),
    "aws:userid": (_TEXT, _id_of),
    "aws:vpceorgid": (_TEXT, functools.partial(_whole, ORGANISATION)),
    "aws:vpceorgpaths": (_TEXT, _unit_of),
    "aws:vpceaccount": (_TEXT, functools.partial(_whole, ACCOUNT)),
    "aws:sourcevpc": (_TEXT, functools.partial(_whole, VPC)),
    "aws:sourcevpce": (_TEXT, functools.partial(_whole, VPC)),
    "aws:sourceip": (("ipaddress",), _address),
}
"""By condition key: the operators under which it limits, and whom a value names."""

_IN_WORDS = frozenset({"aws:principalarn", "aws:sourcearn", "aws:userid"})
"""Keys whose values can hold the text of a variable, in a path or a session's name."""
