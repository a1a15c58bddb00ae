"""The baseline: what a rule says of the settings of its repositories (`repository:`)."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ecr_steward.repository import access, grammar, lifecycle, policies
from ecr_steward.repository.access import Named
from ecr_steward.repository.actions import RIGHTS, right_of
from ecr_steward.repository.expiry import Risk, at_risk, strange
from ecr_steward.repository.immutability import SCHEME, ImmutabilityBaseline, stated
from ecr_steward.repository.state import (
    ENCRYPTIONS,
    REPOSITORY_SETTINGS,
    BaselineError,
    Encryption,
    Path,
    Setting,
)
from ecr_steward.tags.scheme import Scheme


@dataclass(frozen=True, slots=True)
class PolicyBaseline:
    """`policy:`: our statements, and what happens to others, to public and to foreign ones.

    `accounts` are the account, organisation, service and network names that may be named, and for
    what; those that our own statements name are among them.
    """

    statements: tuple[Mapping[str, Any], ...] = ()
    others: str = "report"
    public: str = "report"
    foreign: str = "report"
    accounts: Named = field(default_factory=Named)
    by_right: bool = False

    @property
    def named(self) -> Named:
        """Whom the rule names: under `accounts`, and in its statements for what those grant."""
        found = self.accounts
        for each in self.statements:
            right = right_of(policies.values(each.get("Action", ()))) if self.by_right else "manage"
            found |= Named(**{right: access.named(each)})
        return found

    @property
    def sids(self) -> frozenset[str]:
        """The Sids of our statements: remembered, they tell later what the rule has dropped."""
        return frozenset(each["Sid"] for each in self.statements)


@dataclass(frozen=True)
class LifecycleBaseline:
    """`lifecycle:`: the whole document, None where there must be none.

    `when_absent` says that any document that is there will do. `allowed` are the entries of
    `stable` whose tags the policy may take away, `allows_all` says that it may take any.
    """

    document: Mapping[str, Any] | None
    when_absent: bool = False
    allowed: frozenset[str] = frozenset()
    allows_all: bool = False
    scheme: Scheme | None = None

    @functools.cached_property
    def risks(self) -> tuple[Risk, ...]:
        """What the policy could take away by its words: found once, for it takes a while."""
        return at_risk(self.document, self.scheme) if self.document and self.scheme else ()

    @functools.cached_property
    def strange(self) -> tuple[int, ...]:
        """The rules that take images only by tags which the scheme does not know."""
        return strange(self.document, self.scheme) if self.document and self.scheme else ()

    def allows(self, entry: str) -> bool:
        """Whether images under the tags of this entry of `stable` may expire or be archived."""
        return self.allows_all or entry in self.allowed


@dataclass(frozen=True, slots=True)
class EncryptionBaseline:
    """`encryption:`: the words that will do, and the KMS key that it must be, None for any."""

    types: tuple[str, ...]
    key: str | None = None

    def is_met_by(self, found: Encryption) -> bool:
        return found.type in self.types and self.key in (None, found.key)

    def __str__(self) -> str:
        types = " or ".join(self.types)
        return types if self.key is None else f"{types} with {self.key}"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What `repository:` says; None where it says nothing of a setting."""

    policy: PolicyBaseline | None = None
    lifecycle: LifecycleBaseline | None = None
    immutability: ImmutabilityBaseline | None = None
    scan_on_push: bool | None = None
    encryption: EncryptionBaseline | None = None
    resource_tags: Mapping[str, str] | None = field(default=None)
    required_tags: tuple[str, ...] | None = None

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
        if "lifecycle" in read:
            _check_allowed(read["lifecycle"], repository["lifecycle"], scheme)
            read["lifecycle"] = replace(read["lifecycle"], scheme=scheme)
        return cls(**read)

    @property
    def reads(self) -> frozenset[Setting]:
        """The settings that it says something about: the only ones that need to be read."""
        stated = {each for each in REPOSITORY_SETTINGS if getattr(self, each.value) is not None}
        return frozenset(stated | ({Setting.RESOURCE_TAGS} if self.required_tags else set()))


def _policy(value: Any) -> PolicyBaseline:
    found = _mapping(value, ("statements", *_WORDS, "accounts"))
    accounts = found.get("accounts", [])
    statements = grammar.checked(found.get("statements", []))
    for key in _WORDS:
        _check_word(found.get(key, "report"), key)
    _check_own(statements, found.get("public", "report"))
    return PolicyBaseline(
        statements=statements,
        others=found.get("others", "report"),
        public=found.get("public", "report"),
        foreign=found.get("foreign", "report"),
        accounts=_named(accounts),
        by_right=isinstance(accounts, Mapping),
    )


_WORDS = {
    "others": ("keep", "report", "remove"),
    "public": ("allow", "report", "remove"),
    "foreign": ("report", "remove"),
}


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


def _named(accounts: Any) -> Named:
    """Whom `accounts` names: a list for anything, or lists by right."""
    if not isinstance(accounts, Mapping):
        return Named(manage=frozenset(_accounts(accounts, ("accounts",))))
    for key in accounts:
        if key not in RIGHTS:
            raise BaselineError(
                f"`{key}` is no right; there are {', '.join(RIGHTS)}.", ("accounts", key)
            )
    return Named(
        **{key: frozenset(_accounts(each, ("accounts", key))) for key, each in accounts.items()}
    )


def _accounts(value: Any, path: Path) -> Iterator[str]:
    if not isinstance(value, list):
        raise BaselineError(f"`{path[-1]}` must be a list.", path)
    for i, each in enumerate(value):
        if not isinstance(each, str) or not access.is_name(each):
            hint = "; put it in quotes" if isinstance(each, int) else ""
            raise BaselineError(
                f"`{each}` is no account of 12 digits, organisation (`o-…`) or unit of one "
                f"(`o-…/r-…/ou-…/*`), service, VPC, VPC endpoint, network or address{hint}.",
                (*path, i),
            )
        yield each


def _lifecycle(value: Any) -> LifecycleBaseline:
    found = _mapping(value, ("rules", "when", "allow_expiring_stable"))
    if "rules" not in found:
        raise BaselineError("`lifecycle` needs `rules` or `file`.")
    lifecycle.check(found["rules"])
    if found.get("when", "different") not in ("absent", "different"):
        raise BaselineError("`when` must be one of absent, different.", ("when",))
    if found.get("when") == "absent" and not found["rules"]:
        raise BaselineError("`when: absent` needs rules to set where there are none.", ("when",))
    return LifecycleBaseline(
        document={"rules": found["rules"]} if found["rules"] else None,
        when_absent=found.get("when") == "absent",
        allowed=_allowed(found.get("allow_expiring_stable", False)),
        allows_all=found.get("allow_expiring_stable") is True,
    )


def _allowed(value: Any) -> frozenset[str]:
    if isinstance(value, bool):
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BaselineError(
            "`allow_expiring_stable` must be true, false or a list of stable tags.",
            ("allow_expiring_stable",),
        )
    return frozenset(value)


def _check_allowed(found: LifecycleBaseline, stated: Any, scheme: Scheme | None) -> None:
    """Who may be named under `allow_expiring_stable`: stable tags of the same rule."""
    if not found.allowed:
        return
    known = [each.template for each in scheme.stable] if scheme else []
    for i, each in enumerate(stated["allow_expiring_stable"]):
        if each not in known:
            there = f"there are {', '.join(known)}" if known else "there are none"
            raise BaselineError(
                f"`{each}` is no stable tag of this rule as `stable` has it; {there}.",
                ("lifecycle", "allow_expiring_stable", i),
            )


def _scan_on_push(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BaselineError("`scan_on_push` must be true or false.")
    return value


_KEY = re.compile(r"arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+")


def _encryption(value: Any) -> EncryptionBaseline:
    if isinstance(value, str):
        return EncryptionBaseline((_encryption_type(value, ()),))
    found = _mapping(value, ("type", "key"))
    stated = found.get("type", list(ENCRYPTIONS[1:]))
    if isinstance(stated, list):
        types = tuple(_encryption_type(each, ("type", i)) for i, each in enumerate(stated))
    else:
        types = (_encryption_type(stated, ("type",)),)
    if not types:
        raise BaselineError("`type` is empty; name at least one.", ("type",))
    key = found.get("key")
    if key is not None and (not isinstance(key, str) or not _KEY.fullmatch(key)):
        raise BaselineError(
            f"`{key}` is no ARN of a KMS key: arn:aws:kms:REGION:ACCOUNT:key/ID, which is what ECR "
            "keeps, not an alias.",
            ("key",),
        )
    if key is not None and "AES256" in types:
        raise BaselineError("AES256 has no key of one's own; name KMS under `type`.", ("key",))
    return EncryptionBaseline(types, key)


def _encryption_type(value: Any, path: Path) -> str:
    if value not in ENCRYPTIONS:
        raise BaselineError(f"`encryption` must be one of {', '.join(ENCRYPTIONS)}.", path)
    return str(value)


_MOST_TAGS = 50


def _resource_tags(value: Any) -> Mapping[str, str]:
    tags = _mapping(value)
    if len(tags) > _MOST_TAGS:
        raise BaselineError(f"A repository has {_MOST_TAGS} resource tags at most.")
    for key, each in tags.items():
        if not isinstance(each, str):
            raise BaselineError(f"The resource tag `{key}` must be text; put it in quotes.", (key,))
        if key.lower().startswith("aws:"):
            raise BaselineError(f"`{key}`: tags that begin with `aws:` are AWS's own.", (key,))
        if not 1 <= len(key) <= 128 or len(each) > 256:
            raise BaselineError(
                f"`{key}`: a resource tag has a key of 1 to 128 characters and a value of 256 at "
                "most.",
                (key,),
            )
    return tags


def _required_tags(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise BaselineError("`required_tags` must be a list of keys.")
    for i, each in enumerate(value):
        if not isinstance(each, str) or not 1 <= len(each) <= 128:
            raise BaselineError(
                f"`{each}` is no key of a resource tag: a text of 1 to 128 characters; put it in "
                "quotes.",
                (i,),
            )
    return tuple(value)


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
    "required_tags": _required_tags,
}
