"""One look at a repository of a live registry, with the code that is deployed, in audit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.ecr.inventory import indexes, listed, retained, united
from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.expiries import Expiries
from ecr_steward.history.running import RunningImages
from ecr_steward.history.settings import SettingsHistory
from ecr_steward.history.table import Table
from ecr_steward.history.tags import History
from ecr_steward.images import ImagesRule, Inventory, Kept, judge
from ecr_steward.images.round import as_judged
from ecr_steward.rules import Mode, Rule, Ruleset
from ecr_steward.settings.state import SettingChange
from ecr_steward.tags.plan import TagChange
from ecr_steward.tags.scheme import Scheme
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind, FactMaker
from ecr_steward.words.hints import REGISTRY, Action, Hint
from ecr_steward.writers.needed import NeededImages
from ecr_steward.writers.retention import known_of
from ecr_steward.writers.settings import Enforcer
from ecr_steward.writers.settings_setup import SettingsSetup
from ecr_steward.writers.tags import Retagger, next_visit
from ecr_steward_cli.live.foreseen import ForeseenSettings
from ecr_steward_cli.live.state import LookDigits, NotedSettings, digits
from ecr_steward_cli.live.storage import layers

CAUSE = "Plan"
"""The type of the cause of every change in a plan."""

_MOST_VISITS = 1000


@dataclass(frozen=True, slots=True)
class RepositoryContents:
    """What a repository holds: how many images, and the bytes of each of them added up.

    Layers that images share are counted with each of them: ECR tells the size of an image, not of
    what it shares. An index holds no layers and counts as nothing beside its children. `pushed` is
    when images were pushed that a plan names, by digest.
    """

    images: int = 0
    size: int = 0
    pushed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class RepositoryPlan:
    """What would change in one repository.

    `tags` are all its tags as they would be, `rule` is how messages name its rule. `images` are the
    verdicts on its images, None where its rule says nothing of them. `state` tells whether anything
    has changed since.
    """

    name: str
    rule: str
    tags: Mapping[str, str] = field(default_factory=dict)
    changes: Sequence[TagChange] = ()
    settings: Sequence[SettingChange] = ()
    images: Sequence[Kept] | None = None
    contents: RepositoryContents = RepositoryContents()
    state: LookDigits = field(default_factory=LookDigits)

    @property
    def going(self) -> list[Kept]:
        return [each for each in self.images or () if not each.stays]

    @property
    def differs(self) -> bool:
        return bool(self.changes or self.settings or self.going)


@dataclass(frozen=True)
class LiveRegistry:
    """A live registry: its ECR client, its account and its Region.

    `history` makes the table that a look goes by: the stack's, or an empty one. `allow_removal` is
    whether the stack may remove tags; without a stack nothing says that it may not.
    """

    ecr: Any
    account: str
    region: str
    history: Callable[[], Table]
    allow_removal: bool = True


class Look:
    """Looks at repositories of a registry, by the rules; it changes nothing, anywhere."""

    def __init__(
        self,
        rules: Ruleset,
        registry: LiveRegistry,
        clock: Callable[[], datetime],
        grace: timedelta,
        caches: Sequence[str] = (),
    ) -> None:
        self._rules = rules
        self._registry = registry
        self._clock = clock
        self._maker = FactMaker(registry.account, registry.region, clock, rules.fingerprint)
        self._grace = grace
        self._caches = caches

    def at(self, repository: str, rule: Rule) -> RepositoryPlan:
        """What would change; raises RegistryError where something cannot be read."""
        table = self._registry.history()
        seen = DescribedImages(self._registry.ecr)
        settings = ForeseenSettings(
            self._registry.ecr, lambda: seen.details(repository), self._clock()
        )
        changes = () if rule.tags is None else self._changes(repository, seen, table)
        images = None if rule.images is None else self._images(repository, rule, seen, table)
        return RepositoryPlan(
            name=repository,
            rule=rule.label(),
            tags=_after(seen.tags(repository), changes),
            changes=changes,
            settings=self._enforcer(table, settings).differing(repository),
            images=images,
            contents=seen.contents(repository, changes),
            state=LookDigits(digits(seen.tags(repository)), digits(settings.noted)),
        )

    def at_registry(self) -> RepositoryPlan:
        """What would change in the settings of the registry itself, whose repository has no name.

        Raises RegistryError.
        """
        settings = NotedSettings(self._registry.ecr)
        differing = self._enforcer(self._registry.history(), settings).differing(REGISTRY)
        state = LookDigits(settings=digits(settings.noted))
        return RepositoryPlan("", "registry", settings=differing, state=state)

    def _changes(
        self, repository: str, seen: DescribedImages, table: Table
    ) -> tuple[TagChange, ...]:
        history = History(table)
        history.remember_pull_through(self._caches)
        writer = Retagger(
            rules=self._rules,
            cap=Mode.AUDIT,
            registry=EcrRegistry(seen.client),
            history=history,
            maker=self._maker,
            allow_removal=self._registry.allow_removal,
        )
        hint = Hint(repository, Action.SWEEP, None, None, Cause("plan", CAUSE), self._clock())
        for _ in range(_MOST_VISITS):
            visit = writer.visit(repository, [hint])
            if not visit.unfinished:
                return visit.changes
            hint = next_visit([hint])
        raise AssertionError(f"A look at {repository} comes to no end.")

    def _enforcer(self, table: Table, settings: EcrSettings) -> Enforcer:
        needed = NeededImages(table, self._grace, lambda: self._registry.ecr, self._clock)
        return Enforcer(
            SettingsSetup(
                rules=self._rules,
                cap=Mode.AUDIT,
                registry=settings,
                history=SettingsHistory(table),
                maker=self._maker,
                running=needed.workloads,
                tagged=needed.tagged,
            )
        )

    def _images(
        self, repository: str, rule: Rule, seen: DescribedImages, table: Table
    ) -> Sequence[Kept]:
        now = self._clock()
        running = RunningImages(table, self._grace).all(repository)
        since, history = Expiries(table).untagged(repository), History(table)
        known = known_of(running, history.holds, repository, now, since, history.left(repository))
        details = united(seen.details(repository))
        children = listed(EcrRegistry(self._registry.ecr), repository, indexes(details))
        images = [as_judged(each) for each in retained(details, children, known)]
        scheme = rule.tags or Scheme(unique=())
        asked = ImagesRule.from_document(rule.images or {})
        return judge(Inventory(images, scheme, now), asked, self._grace)


class DescribedImages:
    """An ECR client that keeps what `DescribeImages` said of all images of a repository, so that
    nothing is read twice."""

    def __init__(self, ecr: Any) -> None:
        self._ecr = ecr
        self._details: dict[str, dict[str, Any]] = {}
        self._whole = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ecr, name)

    @property
    def client(self) -> Any:
        """Itself, as a client: it has all of its operations."""
        return self

    def describe_images(self, **asked: Any) -> Any:
        answer = self._ecr.describe_images(**asked)
        self._details |= {each["imageDigest"]: each for each in answer["imageDetails"]}
        self._whole |= "imageIds" not in asked and not answer.get("nextToken")
        return answer

    def details(self, repository: str) -> list[dict[str, Any]]:
        """Every image; read now where no look has read them all."""
        if not self._whole:
            for _ in EcrRegistry(self.client).describe_all(repository):
                pass
        return list(self._details.values())

    def tags(self, repository: str) -> dict[str, str]:
        return {
            tag: each["imageDigest"]
            for each in self.details(repository)
            for tag in each.get("imageTags", ())
        }

    def contents(self, repository: str, changes: Iterable[TagChange] = ()) -> RepositoryContents:
        """What the repository holds, and when the images of these changes were pushed."""
        details = self.details(repository)
        named = {digest for each in changes for digest in (each.before, each.after)}
        return RepositoryContents(
            images=len(details),
            size=sum(
                layers(each.get("imageManifestMediaType"), each.get("imageSizeInBytes", 0))
                for each in details
            ),
            pushed={
                each["imageDigest"]: each["imagePushedAt"]
                for each in details
                if each["imageDigest"] in named and "imagePushedAt" in each
            },
        )


def _after(tags: Mapping[str, str], changes: Iterable[TagChange]) -> dict[str, str]:
    """The tags once all changes were made."""
    found = dict(tags)
    for each in changes:
        if each.writes and each.after is not None:
            found[each.tag] = each.after
        elif each.kind is FactKind.REMOVE:
            found.pop(each.tag, None)
    return dict(sorted(found.items()))
