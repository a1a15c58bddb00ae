"""Names of those who may come in: what a rule can name, and which names take in others."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ecr_steward.settings.actions import RIGHTS

ANY = "*"
"""What stands for everybody in the names that a rule allows."""

ACCOUNT = re.compile(r"[0-9]{12}")
ORGANISATION = re.compile(r"o-[a-z0-9]+")
_UNIT = re.compile(r"o-[a-z0-9]+/(?:[a-z0-9-]+/)*\*?")
SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazon(?:aws)?\.com(?:\.cn)?")
VPC = re.compile(r"vpce?-[0-9a-f]+")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PRIVATE: tuple[Network, ...] = tuple(
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
    names = (ACCOUNT, ORGANISATION, _UNIT, SERVICE, VPC)
    return text == ANY or network_of(text) is not None or any(n.fullmatch(text) for n in names)


def with_own(text: str, account: str) -> str:
    """A text with the registry's own account and organisation in place of their variables."""
    for variable, name in _OWN:
        text = variable.sub(name or account or _SOMEBODY, text)
    return text


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
        self._by_right = {right: Names(self._named.may(right) | self._own) for right in RIGHTS}

    def to(self, right: str) -> Names:
        """Who may be named in a statement that grants so much."""
        return self._by_right[right]


class Names:
    """Names, and whether they take in another one."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._units = tuple(each for each in names if "/" in each and each.startswith("o-"))
        self._networks = collapsed(filter(None, map(network_of, names)))

    def has(self, name: str) -> bool:
        if ANY in self._names or name in self._names:
            return True
        network = network_of(name)
        if network is not None:
            return self.has_network(network)
        organisation, slash, _ = name.partition("/")
        if not slash:
            return f"{organisation}/*" in self._units
        return organisation in self._names or any(_takes_in(each, name) for each in self._units)

    def has_network(self, network: Network) -> bool:
        return is_within(network, self._networks)

    def others(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(each for each in names if not self.has(each)))


def _takes_in(unit: str, path: str) -> bool:
    """Whether a unit, as a rule names it, takes in all that a path in a condition matches."""
    begin = path.partition("*")[0].partition("?")[0]
    return unit.endswith("*") and begin.startswith(unit[:-1])


def network_of(text: str) -> Network | None:
    if "/" not in text and text.count(".") != 3 and ":" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def collapsed(networks: Iterable[Network]) -> tuple[Network, ...]:
    """The networks with none inside another, and neighbours together."""
    found = list(networks)
    four = (each for each in found if isinstance(each, ipaddress.IPv4Network))
    six = (each for each in found if isinstance(each, ipaddress.IPv6Network))
    return (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six))


def is_within(network: Network, wider: Iterable[Network]) -> bool:
    return any(
        network.version == each.version and network.subnet_of(each)  # type: ignore[arg-type]
        for each in wider
    )
