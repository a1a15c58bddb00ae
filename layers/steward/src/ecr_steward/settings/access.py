"""Whom a statement of a repository policy lets in: anyone, or somebody who was not named.

Each statement is judged alone. A Deny grants nothing, and takes nothing off what another statement
grants: whoever removes it later would open what was called closed. What is not understood is taken
for the worst: that it lets anyone in.

A condition limits only if it says who, and cannot be passed without being it: one of the keys below
with values that name an account, an organisation or a unit of it, a principal, a VPC or a network
in full, under an operator that fails where the key is absent. So negations, wildcards where the
name must stand and every other key limit nothing; nor does `aws:VpcSourceIp` alone, for in a VPC
of their own anyone can have any private address. `…IfExists` and `ForAllValues:` limit only where
`Null: {KEY: "false"}` says that the key must be there. Of the policy variables those of the
repository's own account and organisation name somebody; under Version 2008-10-17 a variable is a
text, which no account, organisation, VPC or address has.

All that a statement says of who comes in must hold: where one of its limits lets in nobody but the
allowed, nobody else comes in. Networks limit as long as those that are neither named by the rule
nor private are not too many addresses together.

A service acts for any account that tells it to, so a service principal must be held to an account
by `aws:SourceAccount`, `aws:SourceArn` or `aws:SourceOrgID`, or be named by the rule. Lambda's pull
alone needs neither: Lambda asks the account that makes a function for these rights as well, and AWS
documents its statement without a condition.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ecr_steward.settings import policies
from ecr_steward.settings.actions import RIGHTS, right_of

ANY = "*"
"""What stands for everybody in the names that a rule allows."""

LAMBDA = "lambda.amazonaws.com"
_LAMBDA_PULLS = frozenset({
    "ecr:batchgetimage", "ecr:getdownloadurlforlayer",
    # What Lambda gives itself in the statement that it adds, to keep it.
    "ecr:getrepositorypolicy", "ecr:setrepositorypolicy", "ecr:deleterepositorypolicy",
})  # fmt: skip
_ACCOUNT = re.compile(r"[0-9]{12}")
_ORGANISATION = re.compile(r"o-[a-z0-9]+")
_UNIT = re.compile(r"o-[a-z0-9]+/(?:[a-z0-9-]+/)*\*?")
_PRINCIPAL = re.compile(r"arn:aws[a-z0-9-]*:(?:iam|sts)::([0-9]{12}):[^*?]+")
_SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazon(?:aws)?\.com(?:\.cn)?")
_KIND = re.compile(r"[a-z-]+[:/]")
_VPC = re.compile(r"vpce?-[0-9a-f]+")
_UNIQUE_ID = re.compile(r"(A[A-Z]{3}[A-Z0-9]{12,})(?::.*)?")
_WIDEST = {4: 2**24, 6: 2**96}
"""Most addresses that a condition may let in and still limit: a /8, or a /32 of IPv6."""

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_PRIVATE: tuple[_Network, ...] = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
"""Networks that nobody reaches from the Internet (RFC 1918, RFC 4193)."""

_SOMEBODY = "000000000000"
"""Stands for the registry's own account where it is not known; no account has this number."""

OWN_ORGANISATION = "o-own"
"""Stands for the registry's own organisation, whose id nobody told; no organisation has this."""

_OWN = (
    (re.compile(r"\$\{aws:ResourceAccount\}", re.IGNORECASE), ""),
    (re.compile(r"\$\{aws:ResourceOrgID\}", re.IGNORECASE), OWN_ORGANISATION),
)


def is_name(text: str) -> bool:
    """Whether a rule can name this under `accounts`: an account, an organisation or a unit of it,
    a service, a VPC or an endpoint of one, a network or an address, or `*` for anybody."""
    names = (_ACCOUNT, _ORGANISATION, _UNIT, _SERVICE, _VPC)
    return text == ANY or _network(text) is not None or any(n.fullmatch(text) for n in names)


def with_own(text: str, account: str) -> str:
    """A text with the registry's own account and organisation in place of their variables."""
    for variable, name in _OWN:
        text = variable.sub(name or account or _SOMEBODY, text)
    return text


@dataclass(frozen=True, slots=True)
class Access:
    """Whom a statement lets in: `public` says why anyone is, `foreign` who else was not named."""

    public: str | None = None
    foreign: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a rule names, by the most that they may do."""

    pull: frozenset[str] = frozenset()
    push: frozenset[str] = frozenset()
    manage: frozenset[str] = frozenset()

    def may(self, right: str) -> frozenset[str]:
        """Who may do so much: whoever may do more, may do this too."""
        more = RIGHTS[RIGHTS.index(right) :]
        return frozenset[str]().union(*(getattr(self, each) for each in more))

    def __or__(self, other: Named) -> Named:
        return Named(*(getattr(self, each) | getattr(other, each) for each in RIGHTS))


class Allowed:
    """Who may be named: the registry's own account and organisation, and whom the rule names.

    `names` may do anything, or what `Named` says of each.
    """

    def __init__(self, names: Iterable[str] | Named, account: str = "") -> None:
        self.account = account
        self._named = names if isinstance(names, Named) else Named(manage=frozenset(names))
        self._own = {account or _SOMEBODY, OWN_ORGANISATION}
        self._by_right = {right: _Names(self._named.may(right) | self._own) for right in RIGHTS}

    def to(self, right: str) -> _Names:
        """Who may be named in a statement that grants so much."""
        return self._by_right[right]


class _Names:
    """Names, and whether they take in another one."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._units = tuple(each for each in names if "/" in each and each.startswith("o-"))
        self._networks = _collapsed(filter(None, map(_network, names)))

    def has(self, name: str) -> bool:
        if ANY in self._names or name in self._names:
            return True
        network = _network(name)
        if network is not None:
            return self.has_network(network)
        organisation, slash, _ = name.partition("/")
        return bool(slash) and (
            organisation in self._names or any(_takes_in(each, name) for each in self._units)
        )

    def has_network(self, network: _Network) -> bool:
        return _is_within(network, self._networks)

    def others(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(each for each in names if not self.has(each)))


def _takes_in(unit: str, path: str) -> bool:
    """Whether a unit, as a rule names it, takes in all that a path in a condition matches."""
    begin = path.partition("*")[0].partition("?")[0]
    return unit.endswith("*") and begin.startswith(unit[:-1])


def judge(statement: Any, allowed: Allowed, version: str = policies.VERSION) -> Access:
    """Whom a statement lets in, as the `Version` of its policy has it read."""
    unsafe = _unsafe(statement)
    if unsafe is not None:
        return Access(public=unsafe)
    if statement["Effect"] == "Deny":
        return Access()
    reading = _Reading.of(statement, allowed, version)
    foreign: set[str] = set()
    for kind, name in policies.principals(statement["Principal"]):
        who = _who(kind, name)
        if who is None and not reading.limits:
            return Access(public=_anyone(name, statement))
        foreign.update(reading.strangers(who))
    return Access(foreign=tuple(sorted(foreign)))


def named(statement: Any) -> frozenset[str]:
    """Everyone whom a statement lets in by name: as principal, or in conditions that limit it.

    A service that a condition holds to somebody is not let in by itself: without one it would act
    for anyone.
    """
    if _unsafe(statement) is not None or statement["Effect"] == "Deny":
        return frozenset()
    limits = _Reading.of(statement, Allowed((ANY,)), policies.VERSION).limits
    found = (_who(*each) for each in policies.principals(statement["Principal"]))
    names = {each for each in found if each and not (limits and _SERVICE.fullmatch(each))}
    return frozenset(names).union(*(each.names for each in limits))


def without_strangers(statement: Any, allowed: Allowed, version: str) -> Any:
    """What is left of a statement if those whom nobody named are taken out of it; None if nothing.

    Principals go, values of conditions, or actions, whichever of them lets the strangers in.
    """

    def fine(each: Any) -> bool:
        return judge(each, allowed, version) == Access()

    for less in (_fewer_principals, _fewer_values, _fewer_actions):
        left = less(statement, allowed, version, fine)
        if left is not None and fine(left):
            return left
    return None


# ---------------------------------------------------------------------------- statements
def _unsafe(statement: Any) -> str | None:
    """Why a statement is not understood, or lets in whom nobody named."""
    if not isinstance(statement, Mapping):
        return "it is no statement of a known shape"
    if statement.get("Effect") == "Deny":
        return None
    if statement.get("Effect") != "Allow":
        return "its `Effect` is neither Allow nor Deny"
    if "NotPrincipal" in statement:
        return "`NotPrincipal` with Allow lets in everyone but those it names"
    if "NotAction" in statement:
        return "`NotAction` with Allow grants every right but those it names"
    strange = sorted(map(str, set(statement) - _KNOWN))
    if strange:
        return f"`{strange[0]}` is no part of a statement that is known"
    missing = [each for each in ("Principal", "Action") if not statement.get(each)]
    return f"it has no `{missing[0]}`" if missing else None


_KNOWN = frozenset({"Sid", "Effect", "Principal", "Action", "Resource", "Condition"})


def _anyone(name: Any, statement: Mapping[str, Any]) -> str:
    said = name if isinstance(name, str) else policies.condition_text(name)
    condition = "no condition" if not statement.get("Condition") else "no condition that limits it"
    who = "is anyone" if "*" in said else "is of no known shape, so it may be anyone"
    return f"its principal `{said}` {who}, with {condition}"


def _only_pulls(statement: Mapping[str, Any]) -> bool:
    actions = {str(each).lower() for each in policies.values(statement["Action"])}
    return actions <= _LAMBDA_PULLS


class _Limit(NamedTuple):
    """A condition that limits: where it stands, and whom each of its values lets in."""

    operator: str
    key: str
    by_value: tuple[tuple[Any, str | None], ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for _, name in self.by_value if name is not None)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What of a statement says who comes in."""

    limits: tuple[_Limit, ...]
    allowed: _Names
    pulls_for_lambda: bool

    @classmethod
    def of(cls, statement: Mapping[str, Any], allowed: Allowed, version: str) -> _Reading:
        names = allowed.to(right_of(policies.values(statement["Action"])))
        reader = _Conditions(names, allowed.account, version)
        limits = tuple(reader.limits(statement.get("Condition", {})))
        return cls(limits, names, _only_pulls(statement))

    def strangers(self, who: str | None) -> Iterable[str]:
        """Who comes in by one principal (`who`, None for anyone) and was not named.

        All limits must hold, so it is enough that one of them lets in the allowed alone.
        """
        if who is not None and (who == _NOBODY or self.allowed.has(who)):
            return ()
        limits = [each.names for each in self.limits]
        if who is not None and not (limits and _SERVICE.fullmatch(who)):
            if who == LAMBDA and self.pulls_for_lambda:
                return ()
            limits.insert(0, frozenset({who}))
        return min((self.allowed.others(names) for names in limits), key=len)


# ---------------------------------------------------------------------------- less of a statement
_Fine = Callable[[Any], bool]


def _fewer_principals(statement: Any, _: Allowed, __: str, fine: _Fine) -> Any:
    """The statement for those principals alone that let in no stranger."""
    found = statement["Principal"]
    if not isinstance(found, Mapping):
        return None
    left: dict[str, Any] = {}
    for kind, names in found.items():
        kept = [
            each
            for each in policies.values(names)
            if fine({**statement, "Principal": {kind: each}})
        ]
        if kept:
            left[kind] = kept if isinstance(names, list) else kept[0]
    return {**statement, "Principal": left} if left else None


def _fewer_values(statement: Any, allowed: Allowed, version: str, _: _Fine) -> Any:
    """The statement without the values of its closest limit that name strangers."""
    reading = _Reading.of(statement, allowed, version)
    if not reading.limits:
        return None
    limit = min(reading.limits, key=lambda each: len(reading.allowed.others(each.names)))
    kept = [value for value, name in limit.by_value if name and reading.allowed.has(name)]
    entries = {**statement["Condition"][limit.operator], limit.key: kept}
    condition = {**statement["Condition"], limit.operator: entries}
    return {**statement, "Condition": condition} if kept else None


def _fewer_actions(statement: Any, _: Allowed, __: str, fine: _Fine) -> Any:
    """The statement with those actions alone for which whoever comes in is named."""
    kept = [
        each for each in policies.values(statement["Action"]) if fine({**statement, "Action": each})
    ]
    return {**statement, "Action": kept} if kept else None


# ---------------------------------------------------------------------------- principals
_NOBODY = ""
"""Stands for a principal that is deleted: its id lets nobody in."""


def _who(kind: str, name: Any) -> str | None:
    """The account, the service or the id that a principal names; None where it can be anyone."""
    if not isinstance(name, str) or kind not in _READERS:
        return None
    return _READERS[kind](name)


def _aws(name: str) -> str | None:
    if _ACCOUNT.fullmatch(name):
        return name
    if policies.is_deleted(name):
        return _NOBODY
    match = _PRINCIPAL.fullmatch(name)
    return match[1] if match else None


def _service(name: str) -> str | None:
    return name if _SERVICE.fullmatch(name) else None


def _user(name: str) -> str | None:
    return name if re.fullmatch("[0-9a-f]{64}", name) else None


_READERS: Mapping[str, Callable[[str], str | None]] = {
    "AWS": _aws,
    "Federated": _aws,
    "Service": _service,
    "CanonicalUser": _user,
}


# ---------------------------------------------------------------------------- conditions
class _Conditions:
    """Reads the conditions of a statement."""

    def __init__(self, allowed: _Names, account: str, version: str) -> None:
        self._allowed, self._account = allowed, account
        self._knows_variables = version == policies.VERSION

    def limits(self, conditions: Any) -> Iterator[_Limit]:
        """The conditions that limit."""
        there = _must_be_there(conditions)
        for operator, key, wanted in _entries(conditions):
            bare = operator.lower()
            if key.lower() in there:
                bare = bare.removesuffix("ifexists").removeprefix("forallvalues:")
            names = self._lets_in(bare.removeprefix("foranyvalue:"), key.lower(), wanted)
            if names:
                yield _Limit(operator, key, tuple(zip(wanted, names, strict=True)))

    def _lets_in(
        self, operator: str, key: str, wanted: tuple[Any, ...]
    ) -> tuple[str | None, ...] | None:
        """Whom each value lets in, None for nobody; None where the condition limits nothing."""
        operators, read = _KEYS.get(key, ((), None))
        if read is None or operator not in operators:
            return None
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
        if key == _ADDRESS and not self._is_narrow(filter(None, found)):
            return None
        return tuple(found)

    def _is_narrow(self, names: Iterable[str]) -> bool:
        """Whether the networks together are no more than a limit: two halves are the whole."""
        networks = [each for each in map(_network, names) if each is not None]
        left = _collapsed(
            each
            for each in networks
            if not self._allowed.has_network(each) and not _is_within(each, _PRIVATE)
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


def _whole(pattern: re.Pattern[str]) -> Callable[[str, str], str | None]:
    def read(value: str, _: str) -> str | None:
        return value if pattern.fullmatch(value) else None

    return read


def _unit_of(value: str, _: str) -> str | None:
    """A path as it is written, if it begins with an organisation in full."""
    name, slash, _ = value.partition("/")
    return value if slash and _ORGANISATION.fullmatch(name) else None


def _account_of(value: str, operator: str) -> str | None:
    """The account of an ARN. The wildcards of a text can stand for colons too, so nothing before
    the account may be one; ARN operators look at each part alone."""
    parts = value.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or not _ACCOUNT.fullmatch(parts[4]):
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


def _network(text: str) -> _Network | None:
    if "/" not in text and text.count(".") != 3 and ":" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(value: str, _: str) -> str | None:
    network = _network(value)
    return None if network is None else str(network)


def _collapsed(networks: Iterable[_Network]) -> tuple[_Network, ...]:
    """The networks with none inside another, and neighbours together."""
    found = list(networks)
    four = (each for each in found if isinstance(each, ipaddress.IPv4Network))
    six = (each for each in found if isinstance(each, ipaddress.IPv6Network))
    return (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six))


def _is_within(network: _Network, wider: Iterable[_Network]) -> bool:
    return any(
        network.version == each.version and network.subnet_of(each)  # type: ignore[arg-type]
        for each in wider
    )


_TEXT = ("stringequals", "stringequalsignorecase", "stringlike")
_ARN = (*_TEXT, "arnequals", "arnlike")
_ADDRESS = "aws:sourceip"
_KEYS: Mapping[str, tuple[tuple[str, ...], Callable[[str, str], str | None]]] = {
    "aws:principalorgid": (_TEXT, _whole(_ORGANISATION)),
    "aws:sourceorgid": (_TEXT, _whole(_ORGANISATION)),
    "aws:principalorgpaths": (_TEXT, _unit_of),
    "aws:sourceorgpaths": (_TEXT, _unit_of),
    "aws:principalaccount": (_TEXT, _whole(_ACCOUNT)),
    "aws:sourceaccount": (_TEXT, _whole(_ACCOUNT)),
    "aws:principalarn": (_ARN, _account_of),
    "aws:sourcearn": (_ARN, _source_account_of),
    "aws:userid": (_TEXT, _id_of),
    "aws:vpceorgid": (_TEXT, _whole(_ORGANISATION)),
    "aws:vpceorgpaths": (_TEXT, _unit_of),
    "aws:vpceaccount": (_TEXT, _whole(_ACCOUNT)),
    "aws:sourcevpc": (_TEXT, _whole(_VPC)),
    "aws:sourcevpce": (_TEXT, _whole(_VPC)),
    _ADDRESS: (("ipaddress",), _address),
}
"""By condition key: the operators under which it limits, and whom a value names."""

_IN_WORDS = frozenset({"aws:principalarn", "aws:sourcearn", "aws:userid"})
"""Keys whose values can hold the text of a variable, in a path or a session's name."""
