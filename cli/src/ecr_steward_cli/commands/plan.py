"""`ecr-steward plan`: what the rules would change in live registries, before anything is
deployed."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ecr_steward.rules import Ruleset
from ecr_steward.settings.state import SettingChange
from ecr_steward.tags.plan import TagChange
from ecr_steward.words.facts import FactKind
from ecr_steward_cli.commands.retention import GRACE_DAYS
from ecr_steward_cli.errors import NeedsAttention, Refusal
from ecr_steward_cli.images import Kept
from ecr_steward_cli.in_memory.table import MemoryTable
from ecr_steward_cli.live.look import LiveRegistry, RepositoryPlan
from ecr_steward_cli.live.overlay import Overlay
from ecr_steward_cli.live.survey import Heard, RegistryPlan, Unread, survey
from ecr_steward_cli.rules_file.load import RulesFault, load
from ecr_steward_cli.stack import Outside, Stack, pass_outside, sentence, stack_option
from ecr_steward_cli.text import printable, say

_A_LINE_EACH = 100

EXPOSURES = frozenset(
    {"public", "foreign", "locks_out", "expires_stable", "archives_stable", "expires_running"}
)
"""Problems of settings that come before all others."""


@click.command()
@click.option("--rules", "rules_file", required=True, type=click.Path(), help="The rules file.")
@click.option("--repository", "glob", default="*", metavar="GLOB", help="Only these repositories.")
@click.option(
    "--profile", "profiles", multiple=True, metavar="NAME", help="AWS profiles, one after another."
)
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="REGION",
    help="AWS Regions, of each profile.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--grace-days",
    default=GRACE_DAYS,
    show_default=True,
    type=click.IntRange(0, 3650),
    help="How long an image that ran stays: the stack's RunningGraceDays.",
)
@stack_option
@pass_outside
def plan(
    outside: Outside,
    rules_file: str,
    glob: str,
    profiles: tuple[str, ...],
    regions: tuple[str, ...],
    as_json: bool,
    grace_days: int,
    stack_name: str,
) -> None:
    """Show what the rules would change in live registries; nothing is changed.

    It reads ECR with your own credentials, and needs no stack; where there is one, its history is
    used. Every rule is judged as in mode: enforce. The exit code is 1 if anything would change, or
    could not be read.

    \b
    Examples:
      ecr-steward plan --rules rules.yaml
      ecr-steward plan --rules rules.yaml --profile dev --profile prod --json
    """
    try:
        rules = load(rules_file)
    except RulesFault as fault:
        raise Refusal.rules(fault) from fault
    plans: list[RegistryPlan] = []
    for profile in profiles or (None,):
        for region in regions or (None,):
            plans.append(
                _planned(
                    rules,
                    outside.at(profile, region),
                    glob,
                    timedelta(days=grace_days),
                    stack_name,
                    profile,
                    region,
                )
            )
    say(_as_json(plans) if as_json else "\n".join(_as_text(plans)))
    if any(each.differs or each.unread for each in plans):
        raise NeedsAttention


def _planned(
    rules: Ruleset,
    outside: Outside,
    glob: str,
    grace: timedelta,
    stack_name: str,
    profile: str | None,
    region: str | None,
) -> RegistryPlan:
    """What would change in the registry of one profile and Region; one that denies is a line."""
    try:
        identity = outside.client("sts").get_caller_identity()
        ecr = outside.client("ecr")
    except (ClientError, BotoCoreError) as error:
        whose = f"profile {profile}" if profile else "your credentials"
        line = Unread(whose, sentence(error))
        return RegistryPlan("unknown", region or "unknown", unread=[line])
    account, named = str(identity["Account"]), str(ecr.meta.region_name)
    registry = LiveRegistry(ecr, account, named, _history(outside, stack_name))
    with _progress(f"{account} {named}") as heard:
        return survey(rules, registry, glob=glob, clock=outside.now, grace=grace, heard=heard)


def _history(outside: Outside, stack_name: str) -> Callable[[], Any]:
    """What makes a table for each look: over the stack's, or empty where there is none."""
    try:
        stack = Stack.find(stack_name, outside)
        name = stack.output("HistoryTableName")
        below = outside.open_table(outside.client("dynamodb"), name)
    except Refusal:
        return MemoryTable
    return lambda: Overlay(below)


@contextlib.contextmanager
def _progress(where: str) -> Iterator[Heard]:
    """How far a look is: a bar on a terminal, and elsewhere a line now and then."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, of: _line(where, done, of)
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("repositories,"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(where, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _line(where: str, done: int, of: int) -> None:
    if done % _A_LINE_EACH == 0:
        click.echo(f"{where}: {done:,} of {of:,} repositories", err=True)


# ---------------------------------------------------------------------------- JSON
def _as_json(plans: Sequence[RegistryPlan]) -> str:
    accounts: dict[str, dict[str, Any]] = {}
    for each in plans:
        regions = accounts.setdefault(each.account, {})
        unread = regions.get(each.region, {"unread": []})["unread"]
        regions[each.region] = _registry(each)
        # Accounts that deny have no number to tell them apart.
        regions[each.region]["unread"] += unread
    return json.dumps({"accounts": accounts, "totals": _totals(plans)}, indent=2)


def _registry(found: RegistryPlan) -> dict[str, Any]:
    return {
        "repositories": {each.name: _repository(each) for each in found.repositories},
        "registry": {"changes": [each.to_document() for each in found.settings]},
        "without_rule": found.without_rule,
        "unread": [{"what": each.what, "why": each.why} for each in found.unread],
    }


def _repository(found: RepositoryPlan) -> Mapping[str, Any]:
    return {
        "rule": found.rule,
        "tags": dict(found.tags),
        "changes": [_change(each) for each in found.changes],
        "settings": {"changes": [each.to_document() for each in found.settings]},
        "images": None if found.images is None else [_image(each) for each in found.images],
    }


def _change(change: TagChange) -> Mapping[str, Any]:
    return {
        "kind": change.kind.value,
        "tag": change.tag,
        "from": change.before,
        "to": change.after,
        "reason": change.reason,
    }


def _image(verdict: Kept) -> Mapping[str, Any]:
    return {
        "digest": verdict.image.digest,
        "keep": verdict.stays,
        "by": verdict.by,
        "reason": verdict.reason,
    }


def _totals(plans: Iterable[RegistryPlan]) -> dict[str, Any]:
    every = list(plans)
    repositories = [each for plan in every for each in plan.repositories]
    tags = Counter(change.kind.value for each in repositories for change in each.changes)
    settings = Counter(change.problem.value for change in _all_settings(every))
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


def _all_settings(plans: Iterable[RegistryPlan]) -> Iterator[SettingChange]:
    for plan in plans:
        yield from plan.settings
        for each in plan.repositories:
            yield from each.settings


# ---------------------------------------------------------------------------- text
def _as_text(plans: Sequence[RegistryPlan]) -> Iterator[str]:
    yield _verdict(_totals(plans))
    many = len(plans) > 1
    for plan in plans:
        if many or plan.unread:
            yield f"\n{plan.account} {plan.region}: {_verdict(_totals([plan]))}"
        yield from _titled("\nLook at these first", _urgent(plan))
        yield from _titled("\nThe registry itself", map(_setting, plan.settings))
        for each in plan.repositories:
            yield from _titled(f"\n{each.name} (rule {each.rule})", _lines(each))
        yield from _titled("\nCould not be read", (f"{u.what}: {u.why}" for u in plan.unread))
        yield from _titled("\nNo rule matches", _without_rule(plan.without_rule))


def _titled(title: str, lines: Iterable[str]) -> Iterator[str]:
    for each in lines:
        if title:
            yield f"{title}:"
            title = ""
        yield f"  {printable(each)}"


def _verdict(totals: Mapping[str, Any]) -> str:
    looked = f"{totals['repositories']:,} repositories looked at"
    parts = [f"{n:,} {_KINDS.get(kind, kind)}" for kind, n in totals["changes"].items()]
    parts += [f"{n:,} settings {problem}" for problem, n in totals["settings"].items()]
    if totals["images"]["expire"]:
        parts.append(f"{totals['images']['expire']:,} images that nothing keeps")
    if totals["unread"]:
        parts.append(f"{totals['unread']:,} not read")
    if totals["without_rule"]:
        looked += f", {totals['without_rule']:,} without a rule"
    return f"{looked}: {', '.join(parts) or 'nothing would change'}."


_KINDS: Mapping[str, str] = {
    FactKind.MOVE: "tags would move",
    FactKind.PIN: "images would be pinned",
    FactKind.RESTORE: "tags would be restored",
    FactKind.REMOVE: "tags would be removed",
    FactKind.REJECT: "tags would be rejected",
    FactKind.OVERWRITE: "tags were overwritten",
    FactKind.HELD: "tags are held",
    FactKind.STALE: "tags are stale",
}


def _urgent(plan: RegistryPlan) -> Iterator[str]:
    """Removals and exposures, wherever they are."""
    for change in plan.settings:
        if change.problem.value in EXPOSURES:
            yield f"the registry: {_setting(change)}"
    for each in plan.repositories:
        for found in each.changes:
            if found.kind is FactKind.REMOVE:
                yield f"{each.name}: {_tag(found)}"
        for setting in each.settings:
            if setting.problem.value in EXPOSURES:
                yield f"{each.name}: {_setting(setting)}"


def _lines(found: RepositoryPlan) -> Iterator[str]:
    yield from map(_tag, found.changes)
    yield from map(_setting, found.settings)
    for each in found.going:
        named = ", ".join(each.image.tags) or _short(each.image.digest)
        yield f"image   {named}: {each.reason}"


def _tag(change: TagChange) -> str:
    return f"{change.kind.value:<7} {change.reason}"


def _setting(change: SettingChange) -> str:
    return f"{change.action.value:<7} {change.setting} {change.problem.value}: {change.reason}"


_MOST_NAMED = 20


def _without_rule(names: Sequence[str]) -> Iterator[str]:
    yield from names[:_MOST_NAMED]
    if len(names) > _MOST_NAMED:
        yield f"… and {len(names) - _MOST_NAMED:,} more"


def _short(digest: str) -> str:
    return digest[: len("sha256:") + 12]
