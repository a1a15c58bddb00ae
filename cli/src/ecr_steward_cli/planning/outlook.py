"""What would happen to registries, as data: what every way of telling it is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_steward.settings.state import Problem, SettingAction, SettingChange
from ecr_steward.tags.plan import TagChange
from ecr_steward.tags.state import Image
from ecr_steward.words.facts import FactKind

_EXPOSED = (Problem.PUBLIC, Problem.FOREIGN)
_COUNTS = {
    FactKind.MOVE: "moved",
    FactKind.PIN: "pinned",
    FactKind.RESTORE: "restored",
    FactKind.REMOVE: "removed",
}
"""Kinds of change that write, with how the totals call them; every other one is refused."""


@dataclass(frozen=True, slots=True)
class PlannedTag:
    """A change of a tag, or a finding about one: `before` and `after` are digests, and beside them
    stand the unique and other tags of these images. `writes` is whether ECR would be changed."""

    kind: str
    tag: str
    before: str | None
    after: str | None
    reason: str
    before_tags: tuple[str, ...] = ()
    after_tags: tuple[str, ...] = ()
    writes: bool = False

    @classmethod
    def of(cls, change: TagChange, images: Mapping[str, Image]) -> PlannedTag:
        """From what the deployed code decided."""
        return cls(
            kind=change.kind.value,
            tag=change.tag,
            before=change.before,
            after=change.after,
            reason=change.reason,
            before_tags=_others(change, change.before, images) or change.before_tags,
            after_tags=_others(change, change.after, images) or change.after_tags,
            writes=change.writes,
        )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PlannedTag:
        """Read what `to_document` wrote."""
        given = dict(document)
        before, after = given.pop("from"), given.pop("to")
        before_tags, after_tags = given.pop("from_tags"), given.pop("to_tags")
        return cls(
            **given,
            before=before,
            after=after,
            before_tags=tuple(before_tags),
            after_tags=tuple(after_tags),
        )

    def to_document(self) -> dict[str, Any]:
        """As `simulate --json` has a change, without a line."""
        return {
            "kind": self.kind,
            "tag": self.tag,
            "from": self.before,
            "to": self.after,
            "reason": self.reason,
            "from_tags": list(self.before_tags),
            "to_tags": list(self.after_tags),
            "writes": self.writes,
        }

    @property
    def same_as(self) -> tuple[str, str, str | None, str | None]:
        """What two changes have in common that do the same."""
        return (self.kind, self.tag, self.before, self.after)


def _others(change: TagChange, digest: str | None, images: Mapping[str, Image]) -> tuple[str, ...]:
    image = images.get(digest or "")
    return () if image is None else tuple(tag for tag in image.tags if tag != change.tag)


@dataclass(frozen=True, slots=True)
class RepositoryOutlook:
    """What would happen to one repository; `rule` is None where none matches it.

    `tags` has the digest of each tag as it is now, for a repository whose rule has tags. `settings`
    are documents as `drift` has them. The registry's own settings stand under the name `*`.
    """

    name: str
    rule: str | None
    mode: str = "audit"
    tags: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[PlannedTag, ...] = ()
    settings: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def decided(
        cls,
        name: str,
        rule: str,
        mode: str,
        images: Sequence[Image],
        changes: Iterable[TagChange],
        settings: Iterable[SettingChange],
    ) -> RepositoryOutlook:
        """From what the deployed code saw and decided."""
        by_digest = {image.digest: image for image in images}
        return cls(
            name=name,
            rule=rule,
            mode=mode,
            tags={tag: image.digest for image in images for tag in image.tags},
            changes=tuple(PlannedTag.of(each, by_digest) for each in changes),
            settings=tuple(each.to_document() for each in settings),
        )

    @classmethod
    def from_document(cls, name: str, document: Mapping[str, Any]) -> RepositoryOutlook:
        """Read what `to_document` wrote."""
        return cls(
            name=name,
            rule=document["rule"],
            mode=document["mode"],
            tags=document["tags"],
            changes=tuple(map(PlannedTag.from_document, document["changes"])),
            settings=tuple(document["settings"]),
        )

    def to_document(self) -> dict[str, Any]:
        """As `plan --json` has a repository. No rule has images yet: none is judged."""
        return {
            "rule": self.rule,
            "mode": self.mode,
            "tags": dict(self.tags),
            "changes": [each.to_document() for each in self.changes],
            "settings": [dict(each) for each in self.settings],
            "images": [],
        }

    @property
    def quiet(self) -> bool:
        """Whether nothing would change and nothing was found."""
        return not self.changes and not self.settings

    @property
    def removals(self) -> tuple[PlannedTag, ...]:
        """The tags that would be taken off."""
        return tuple(each for each in self.changes if each.kind == FactKind.REMOVE and each.writes)

    @property
    def exposures(self) -> tuple[Mapping[str, Any], ...]:
        """The settings that let in anyone, or somebody whom the rule does not name."""
        return tuple(each for each in self.settings if each["problem"] in _EXPOSED)

    def counts(self) -> Counter[str]:
        """This repository in the totals."""
        counts = Counter({"repositories": 1})
        if self.name == "*":
            counts.clear()
        if self.rule is None:
            counts["without_rule"] = 1
        for change in self.changes:
            counts[_counted(change)] += 1
        for each in self.settings:
            corrected = each["action"] == SettingAction.CORRECT
            counts["settings" if corrected else "settings_reported"] += 1
        return counts


def _counted(change: PlannedTag) -> str:
    return _COUNTS[FactKind(change.kind)] if change.writes else "refused"


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read, and why."""

    what: str
    why: str

    def to_document(self) -> dict[str, str]:
        return {"what": self.what, "why": self.why}


@dataclass(frozen=True, slots=True)
class RegistryOutlook:
    """What would happen to the registry of an account in a Region. `resumed` is how many of its
    repositories were read by an earlier run."""

    account: str
    region: str
    repositories: tuple[RepositoryOutlook, ...] = ()
    unread: tuple[Unread, ...] = ()
    resumed: int = 0

    def totals(self) -> dict[str, int]:
        """Of this registry; every count is there, also where it is 0."""
        return _totals([self])


@dataclass(frozen=True, slots=True)
class Outlooks:
    """What one run of `plan` found: the registries, by which rules, and when."""

    fingerprint: str
    at: str
    registries: tuple[RegistryOutlook, ...]

    def totals(self) -> dict[str, int]:
        """Of all registries."""
        return _totals(self.registries)

    @property
    def attention(self) -> bool:
        """Whether anything would change, was found, or could not be read."""
        return any(
            registry.unread or not all(each.quiet for each in registry.repositories)
            for registry in self.registries
        )

    def to_document(self) -> dict[str, Any]:
        """As `plan --json` prints it."""
        accounts: dict[str, dict[str, Any]] = {}
        for registry in self.registries:
            accounts.setdefault(registry.account, {})[registry.region] = {
                "repositories": {each.name: each.to_document() for each in registry.repositories},
                "unread": [each.to_document() for each in registry.unread],
                "totals": registry.totals(),
            }
        head = {"rules": self.fingerprint, "at": self.at}
        return {**head, "accounts": accounts, "totals": self.totals()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Outlooks:
        """Read what `to_document` wrote. Raises KeyError, TypeError or AttributeError."""
        registries = tuple(
            _registry(account, region, found)
            for account, regions in document["accounts"].items()
            for region, found in regions.items()
        )
        return cls(document["rules"], document["at"], registries)

    def each(self) -> Iterator[tuple[RegistryOutlook, RepositoryOutlook]]:
        """Every repository with its registry."""
        for registry in self.registries:
            for repository in registry.repositories:
                yield registry, repository


def _registry(account: str, region: str, found: Mapping[str, Any]) -> RegistryOutlook:
    repositories = found["repositories"].items()
    return RegistryOutlook(
        account=account,
        region=region,
        repositories=tuple(RepositoryOutlook.from_document(*each) for each in repositories),
        unread=tuple(Unread(**each) for each in found["unread"]),
    )


def _totals(registries: Iterable[RegistryOutlook]) -> dict[str, int]:
    names = ("repositories", "without_rule", *_COUNTS.values(), "refused")
    counts = Counter(dict.fromkeys((*names, "settings", "settings_reported", "unread"), 0))
    for registry in registries:
        counts["unread"] += len(registry.unread)
        for repository in registry.repositories:
            for name, count in repository.counts().items():
                counts[name] += count
    return dict(counts)
