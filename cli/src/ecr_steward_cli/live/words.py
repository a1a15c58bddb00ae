"""The counts, sentences and rows of plans, whatever they are shown in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ecr_steward.messages.say.wording import counted, image, short
from ecr_steward.settings.state import Problem, SettingAction, SettingChange
from ecr_steward.tags.plan import TagChange
from ecr_steward.words.facts import FactKind
from ecr_steward_cli.live.look import RepositoryPlan
from ecr_steward_cli.live.survey import RegistryPlan
from ecr_steward_cli.terminal.text import printable

Row = tuple[str, ...]

TAG_HEADINGS = ("repository", "what", "tag", "from", "to", "why")
SETTING_HEADINGS = ("repository", "setting", "problem", "subject", "what happens", "why")
IMAGE_HEADINGS = ("repository", "image", "why")

EXPOSURES = frozenset(
    {"public", "foreign", "locks_out", "expires_stable", "archives_stable", "expires_running"}
)
"""Problems of settings that come before all others."""

UNKNOWN = "unknown"
"""The account and the Region of a registry that nobody could ask."""

_THE_REGISTRY = "the registry"
_KINDS: Mapping[str, tuple[str, str]] = {
    FactKind.MOVE: ("tag would move", "tags would move"),
    FactKind.PIN: ("image would be pinned", "images would be pinned"),
    FactKind.RESTORE: ("tag would be restored", "tags would be restored"),
    FactKind.REMOVE: ("tag would be removed", "tags would be removed"),
    FactKind.REJECT: ("tag would be rejected", "tags would be rejected"),
    FactKind.OVERWRITE: ("tag was overwritten", "tags were overwritten"),
    FactKind.HELD: ("tag is held", "tags are held"),
    FactKind.STALE: ("tag is stale", "tags are stale"),
}
_PROBLEMS: Mapping[str, tuple[str, str]] = {
    Problem.MISSING: ("setting is missing", "settings are missing"),
    Problem.DIFFERENT: ("setting differs", "settings differ"),
    Problem.EXTRA: ("setting is more than its rule states", "settings are more than rules state"),
    Problem.PUBLIC: ("setting lets anyone in", "settings let anyone in"),
    Problem.FOREIGN: ("setting lets other accounts in", "settings let other accounts in"),
    Problem.LOCKS_OUT: ("setting locks the steward out", "settings lock the steward out"),
    Problem.EXPIRES_STABLE: ("setting lets stable tags expire", "settings let stable tags expire"),
    Problem.ARCHIVES_STABLE: ("setting archives stable tags", "settings archive stable tags"),
    Problem.EXPIRES_RUNNING: ("setting lets expire what runs", "settings let expire what runs"),
    Problem.UNCHANGEABLE: ("setting cannot be changed", "settings cannot be changed"),
}


def totals(plans: Iterable[RegistryPlan]) -> dict[str, Any]:
    """The counts of plans, as `plan --json` prints them."""
    every = list(plans)
    repositories = [each for plan in every for each in plan.repositories]
    tags = Counter(change.kind.value for each in repositories for change in each.changes)
    settings = Counter(change.problem.value for change in all_settings(every))
    return {
        "repositories": len(repositories),
        "differing": sum(each.differs for each in repositories),
        "without_rule": sum(len(each.without_rule) for each in every),
        "unread": sum(len(each.unread) for each in every),
        "changes": dict(sorted(tags.items())),
        "settings": dict(sorted(settings.items())),
        "images": {
            "judged": sum(len(each.images or ()) for each in repositories),
            "expire": sum(len(each.going) for each in repositories),
        },
    }


def all_settings(plans: Iterable[RegistryPlan]) -> Iterator[SettingChange]:
    """What differs in the settings of registries and their repositories."""
    for plan in plans:
        yield from plan.settings
        for each in plan.repositories:
            yield from each.settings


def verdict(counts: Mapping[str, Any]) -> str:
    """What `totals` counted, in one sentence."""
    looked = counted(counts["repositories"], "repository looked at", "repositories looked at")
    parts = [counted(n, *_KINDS[kind]) for kind, n in counts["changes"].items()]
    parts += [counted(n, *_PROBLEMS[problem]) for problem, n in counts["settings"].items()]
    if counts["images"]["expire"]:
        of = ("image that nothing keeps", "images that nothing keeps")
        parts.append(counted(counts["images"]["expire"], *of))
    if counts["unread"]:
        parts.append(f"{counts['unread']:,} not read")
    if counts["without_rule"]:
        looked += f", {counts['without_rule']:,} more without a rule"
    return f"{looked}: {', '.join(parts) or 'nothing would change'}."


def six(plans: Sequence[RegistryPlan]) -> list[tuple[int, str]]:
    """The six numbers that say most."""
    counts = totals(plans)
    tags = counts["changes"]
    told = (FactKind.REJECT, FactKind.OVERWRITE, FactKind.HELD, FactKind.STALE, FactKind.FAILED)
    corrected = sum(each.action is SettingAction.CORRECT for each in all_settings(plans))
    return [
        (tags.get(FactKind.MOVE, 0) + tags.get(FactKind.RESTORE, 0), "tags move or go back"),
        (tags.get(FactKind.PIN, 0), "images are pinned"),
        (sum(tags.get(kind, 0) for kind in told), "tags are refused or reported"),
        (corrected, "settings are corrected"),
        (counts["images"]["expire"], "images that nothing keeps"),
        (counts["without_rule"], "repositories without a rule"),
    ]


def heading(plan: RegistryPlan) -> str:
    """Which registry it is, as far as is known."""
    return " ".join(each for each in (plan.account, plan.region) if each != UNKNOWN)


def registries(plans: Sequence[RegistryPlan]) -> list[tuple[str, str]]:
    """Each registry with its own verdict, where there are several."""
    if len(plans) < 2:
        return []
    return [(heading(each), verdict(totals([each]))) for each in plans]


def named(plans: Sequence[RegistryPlan], plan: RegistryPlan, name: str) -> str:
    """The name of a repository, with its registry where there are several."""
    return f"{plan.account}/{plan.region}/{name}" if len(plans) > 1 else name


def each_repository(plans: Sequence[RegistryPlan]) -> Iterator[tuple[str, RepositoryPlan]]:
    """Every repository by its name, and each registry itself as far as its settings differ."""
    for plan in plans:
        if plan.settings:
            settings = RepositoryPlan("", "registry", settings=plan.settings)
            yield named(plans, plan, _THE_REGISTRY), settings
        for each in plan.repositories:
            yield named(plans, plan, each.name), each


def is_removal(change: TagChange) -> bool:
    """Whether a tag would be taken off."""
    return change.kind is FactKind.REMOVE


def is_exposure(change: SettingChange) -> bool:
    """Whether a setting lets in others, locks out the steward, or lets stable tags go."""
    return change.problem.value in EXPOSURES


def tag_rows(plans: Sequence[RegistryPlan], *, removals: bool) -> list[Row]:
    """The changes of tags that are removals, or all others."""
    return [
        tag_row(name, change)
        for name, each in each_repository(plans)
        for change in each.changes
        if is_removal(change) is removals
    ]


def setting_rows(plans: Sequence[RegistryPlan], *, exposures: bool) -> list[Row]:
    """The changes of settings that are exposures, or all others."""
    return [
        setting_row(name, change)
        for name, each in each_repository(plans)
        for change in each.settings
        if is_exposure(change) is exposures
    ]


def image_rows(plans: Sequence[RegistryPlan]) -> list[Row]:
    """The images that nothing keeps."""
    return [row for name, each in each_repository(plans) for row in going(name, each)]


def going(name: str, plan: RepositoryPlan) -> list[Row]:
    """The images of one repository that nothing keeps."""
    return [
        (name, image(each.image.digest, each.image.tags, ()), printable(each.reason))
        for each in plan.going
    ]


def left_alone(plans: Sequence[RegistryPlan]) -> list[str]:
    """The repositories that no rule matches."""
    return [named(plans, plan, name) for plan in plans for name in plan.without_rule]


def reserved(plans: Sequence[RegistryPlan]) -> list[tuple[str, str]]:
    """What of the plans is not done as things are, each with its registry."""
    return [(heading(plan), each) for plan in plans for each in plan.reserved]


def unread(plans: Sequence[RegistryPlan]) -> list[tuple[str, str]]:
    """What could not be read, and why."""
    return [
        (": ".join(filter(None, (heading(plan), printable(each.what)))), printable(each.why))
        for plan in plans
        for each in plan.unread
    ]


def tag_row(name: str, change: TagChange) -> Row:
    """A change of a tag as the row of a table."""
    told = change.kind in (FactKind.REJECT, FactKind.STALE)
    before = "" if told else _image(change.before, change.before_tags)
    after = _image(change.after, change.after_tags)
    return (name, change.kind.value, change.tag, before, after, printable(change.reason))


def setting_row(name: str, change: SettingChange) -> Row:
    """A change of a setting as the row of a table."""
    said = (change.setting, change.problem.value, change.subject, change.action.value)
    return (name, *(printable(each) for each in (*said, change.reason)))


def _image(digest: str | None, tags: tuple[str, ...]) -> str:
    return image(digest, tags, ()) if digest and tags else short(digest)
