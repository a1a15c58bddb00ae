"""The sentences and rows of a plan, whatever they are shown in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ecr_steward.messages.say.wording import counted, image, short
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import REGISTRY
from ecr_steward_cli.planning.outlook import (
    Outlooks,
    PlannedTag,
    RegistryOutlook,
    RepositoryOutlook,
)
from ecr_steward_cli.rules_file.document import printable

Row = tuple[str, ...]

TAG_HEADINGS = ("repository", "what", "tag", "from", "to", "why")
SETTING_HEADINGS = ("repository", "setting", "problem", "subject", "what happens", "why")

_NUMBERS = (
    ("moved", "tag would move", "tags would move"),
    ("pinned", "image would be pinned", "images would be pinned"),
    ("restored", "unique tag would go back", "unique tags would go back"),
    ("removed", "tag would be removed", "tags would be removed"),
    ("refused", "tag is refused or reported", "tags are refused or reported"),
    ("settings", "setting would be corrected", "settings would be corrected"),
    ("settings_reported", "setting is reported", "settings are reported"),
    ("without_rule", "repository has no rule", "repositories have no rule"),
    ("unread", "thing could not be read", "things could not be read"),
)


def numbers(totals: Mapping[str, int], only: Collection[str] = ()) -> list[tuple[int, str]]:
    """Every count with its words, or `only` some."""
    wanted = [each for each in _NUMBERS if not only or each[0] in only]
    return [(totals[key], one if totals[key] == 1 else many) for key, one, many in wanted]


def verdict(outlooks: Outlooks) -> str:
    """The plan in one sentence."""
    totals = outlooks.totals()
    read = counted(totals["repositories"], "repository", "repositories")
    said = [f"{count:,} {words}" for count, words in numbers(totals) if count]
    if not said:
        return f"Nothing would change in {read}."
    return f"In {read}: {', '.join(said)}."


def heading(registry: RegistryOutlook) -> str:
    """Which registry it is."""
    return f"{registry.account} in {registry.region}" if registry.account else registry.region


def place(outlooks: Outlooks, registry: RegistryOutlook, repository: RepositoryOutlook) -> str:
    """The name of a repository, with its registry where there are several."""
    name = "the registry" if repository.name == REGISTRY else repository.name
    several = len(outlooks.registries) > 1
    return f"{registry.account}/{registry.region}/{name}" if several else name


def urgent(outlooks: Outlooks) -> tuple[list[Row], list[Row]]:
    """The rows to look at first: tags that would be removed, and settings that let others in."""
    tags, settings = [], []
    for registry, each in outlooks.each():
        name = place(outlooks, registry, each)
        tags += [tag_row(name, change) for change in each.removals]
        settings += [setting_row(name, change) for change in each.exposures]
    return tags, settings


def tag_rows(outlooks: Outlooks) -> Iterator[Row]:
    """Every change of a tag but the removals, by repository."""
    for registry, each in outlooks.each():
        name = place(outlooks, registry, each)
        first = each.removals
        yield from (tag_row(name, change) for change in each.changes if change not in first)


def setting_rows(outlooks: Outlooks) -> Iterator[Row]:
    """Every change of a setting but the exposures, by repository."""
    for registry, each in outlooks.each():
        name, first = place(outlooks, registry, each), each.exposures
        yield from (setting_row(name, change) for change in each.settings if change not in first)


def left_alone(outlooks: Outlooks) -> list[str]:
    """The repositories that no rule matches."""
    return [place(outlooks, *each) for each in outlooks.each() if each[1].rule is None]


def unread(outlooks: Outlooks) -> list[tuple[str, str]]:
    """What could not be read, and why."""
    return [
        (f"{heading(registry)}: {each.what}", printable(each.why))
        for registry in outlooks.registries
        for each in registry.unread
    ]


def tag_row(name: str, change: PlannedTag) -> Row:
    """A change of a tag as the row of a table."""
    told = change.kind in (FactKind.REJECT, FactKind.STALE)
    before = "" if told else _image(change.before, change.before_tags)
    after = _image(change.after, change.after_tags)
    return (name, change.kind, change.tag, before, after, change.reason)


def setting_row(name: str, change: Mapping[str, Any]) -> Row:
    """A change of a setting as the row of a table."""
    keys = ("setting", "problem", "subject", "action", "reason")
    return (name, *(printable(str(change[key])) for key in keys))


def _image(digest: str | None, tags: tuple[str, ...]) -> str:
    return image(digest, tags, ()) if digest and tags else short(digest)
