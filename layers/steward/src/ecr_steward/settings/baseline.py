"""The baseline: what a rule says of the settings of its repositories (`repository:`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_steward.settings import access, lifecycle, policies
from ecr_steward.settings.immutability import SCHEME, ImmutabilityBaseline, stated
from ecr_steward.settings.state import ENCRYPTIONS, REPOSITORY_SETTINGS, BaselineError, Setting
from ecr_steward.tags.scheme import Scheme


@dataclass(frozen=True, slots=True)
class PolicyBaseline:
    """`policy:`: our statements, and what happens to others, to public and to foreign ones.

    `accounts` are the account, organisation, service and network names that may be named at all;
    those that our own statements name are among them.
    """

    statements: tuple[Mapping[str, Any], ...] = ()
    others: str = "report"
    public: str = "report"
    accounts: frozenset[str] = frozenset()

    @property
    def sids(self) -> frozenset[str]:
        """The Sids of our statements: remembered, they tell later what the rule has dropped."""
        return frozenset(each["Sid"] for each in self.statements)


@dataclass(frozen=True, slots=True)
class LifecycleBaseline:
    """`lifecycle:`: the whole document, None where there must be none."""

    document: Mapping[str, Any] | None
    allow_expiring_stable: bool = False


@dataclass(frozen=True, slots=True)
class Baseline:
    """What `repository:` says; None where it says nothing of a setting."""

    policy: PolicyBaseline | None = None
    lifecycle: LifecycleBaseline | None = None
    immutability: ImmutabilityBaseline | None = None
    scan_on_push: bool | None = None
    encryption: str | None = None
    resource_tags: Mapping[str, str] | None = field(default=None)

    @classmethod
    def from_document(cls, repository: Mapping[str, Any], scheme: Scheme | None = None) -> Baseline:
        """Build the baseline from the mapping under `repository:`; raises BaselineError.

        What a `file:` names must be in its place already: `load` puts it there. `scheme` is the
        rule's own.
        """
        read: dict[str, Any] = {}
        for key, value in repository.items():
            if key not in _READERS:
                known = ", ".join(_READERS)
                raise BaselineError(f"`{key}` is not a key here; there are {known}.", (key,))
            try:
                read[key] = _READERS[key](value)
            except BaselineError as error:
                raise BaselineError(str(error), (key, *error.path)) from error
        if read.get("immutability") == ImmutabilityBaseline(SCHEME) and scheme is None:
            raise BaselineError(
                "`immutability: scheme` needs `tags` in the same rule: the scheme.",
                ("immutability",),
            )
        return cls(**read)

    @property
    def reads(self) -> frozenset[Setting]:
        """The settings that it says something about: the only ones that need to be read."""
        return frozenset(
            each for each in REPOSITORY_SETTINGS if getattr(self, each.value) is not None
        )


def _policy(value: Any) -> PolicyBaseline:
    found = _mapping(value, ("statements", "others", "public", "accounts"))
    statements = policies.checked(found.get("statements", []))
    for key in ("others", "public"):
        _check_word(found.get(key, "report"), key)
    _check_own(statements, found.get("public", "report"))
    return PolicyBaseline(
        statements=statements,
        others=found.get("others", "report"),
        public=found.get("public", "report"),
        accounts=frozenset(_accounts(found.get("accounts", []))),
    )


_WORDS = {"others": ("keep", "report", "remove"), "public": ("allow", "report", "remove")}


def _check_word(value: Any, key: str) -> None:
    if value not in _WORDS[key]:
        raise BaselineError(f"`{key}` must be one of {', '.join(_WORDS[key])}.", (key,))


def _check_own(statements: Sequence[Mapping[str, Any]], public: str) -> None:
    """No statement of ours may be what the same rule takes out."""
    for i, each in enumerate(statements):
        why = access.judge(each, access.Allowed((access.ANY,))).public
        if why is not None and public == "remove":
            raise BaselineError(
                f"`{each['Sid']}` lets anyone in ({why}), and `public: remove` takes such "
                "statements out: give it a condition such as aws:PrincipalOrgID, or write "
                "`public: allow`.",
                ("statements", i),
            )


def _accounts(value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        raise BaselineError("`accounts` must be a list.", ("accounts",))
    for i, each in enumerate(value):
        if not isinstance(each, str) or not access.NAME.fullmatch(each):
            hint = "; put it in quotes" if isinstance(each, int) else ""
            raise BaselineError(
                f"`{each}` is no account of 12 digits, organisation (`o-…`), service, VPC, VPC "
                f"endpoint or network{hint}.",
                ("accounts", i),
            )
        yield each


def _lifecycle(value: Any) -> LifecycleBaseline:
    found = _mapping(value, ("rules", "allow_expiring_stable"))
    if "rules" not in found:
        raise BaselineError("`lifecycle` needs `rules` or `file`.")
    lifecycle.check(found["rules"])
    return LifecycleBaseline(
        document={"rules": found["rules"]} if found["rules"] else None,
        allow_expiring_stable=found.get("allow_expiring_stable", False),
    )


def _scan_on_push(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BaselineError("`scan_on_push` must be true or false.")
    return value


def _encryption(value: Any) -> str:
    if value not in ENCRYPTIONS:
        raise BaselineError(f"`encryption` must be one of {', '.join(ENCRYPTIONS)}.")
    return str(value)


_MOST_TAGS = 50


def _resource_tags(value: Any) -> Mapping[str, str]:
    tags = _mapping(value)
    if len(tags) > _MOST_TAGS:
        raise BaselineError(f"A repository has {_MOST_TAGS} resource tags at most.")
    for key, each in tags.items():
        if not isinstance(each, str):
            raise BaselineError(
                f"The resource tag `{key}` must be a string; put it in quotes.", (key,)
            )
        if key.lower().startswith("aws:"):
            raise BaselineError(f"`{key}`: tags that begin with `aws:` are AWS's own.", (key,))
        if not 1 <= len(key) <= 128 or len(each) > 256:
            raise BaselineError(
                f"`{key}`: a resource tag has a key of 1 to 128 characters and a value of 256 at "
                "most.",
                (key,),
            )
    return tags


def _mapping(value: Any, known: tuple[str, ...] = ()) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BaselineError("This must be a mapping of keys.")
    for key in value:
        if known and key not in known:
            raise BaselineError(f"`{key}` is not a key here; there are {', '.join(known)}.", (key,))
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "policy": _policy,
    "lifecycle": _lifecycle,
    "immutability": stated,
    "scan_on_push": _scan_on_push,
    "encryption": _encryption,
    "resource_tags": _resource_tags,
}
