"""`ecr-steward plan`: what the rules would change in live registries, before anything is
deployed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import IO, Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ecr_steward.images import Kept
from ecr_steward.rules import Ruleset
from ecr_steward.settings.state import SettingChange
from ecr_steward.tags.plan import TagChange
from ecr_steward.words.facts import FactKind
from ecr_steward.words.reading import iso
from ecr_steward_cli.commands.retention import GRACE_DAYS
from ecr_steward_cli.deployed.stack import Outside, Stack, pass_outside, sentence, stack_option
from ecr_steward_cli.given.files import WholeNumber
from ecr_steward_cli.in_memory.table import MemoryTable
from ecr_steward_cli.live.accounts import AccountRole, AccountsFault, roles_in
from ecr_steward_cli.live.comment import LEAST, MOST, comment
from ecr_steward_cli.live.kept import VERSION
from ecr_steward_cli.live.look import LiveRegistry, RepositoryPlan
from ecr_steward_cli.live.overlay import Overlay
from ecr_steward_cli.live.pace import Pace, PacedClient
from ecr_steward_cli.live.reserved import reserved
from ecr_steward_cli.live.resume import Resume, folder
from ecr_steward_cli.live.survey import AT_ONCE, Heard, RegistryPlan, Unread, survey
from ecr_steward_cli.live.words import EXPOSURES, UNKNOWN, heading, totals, verdict
from ecr_steward_cli.rules_file.load import RulesFault, load
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.text import printable, say

_A_LINE_EACH = 100


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
@click.option(
    "--accounts", metavar="FILE", type=click.Path(), help="Roles to assume, instead of profiles."
)
@click.option("--fresh", is_flag=True, help="Do not go on from what an interrupted run has read.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--markdown", is_flag=True, help="Print a comment for a pull request.")
@click.option(
    "--max-chars",
    "most",
    metavar="N",
    type=click.IntRange(min=LEAST),
    default=MOST,
    show_default=True,
    help="How long the comment may be.",
)
@click.option(
    "--html",
    "html_file",
    metavar="FILE",
    type=click.File("w", encoding="utf-8", lazy=True, atomic=True),
    help="Write one page to open in a browser, too.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.File("w", encoding="utf-8", lazy=True, atomic=True),
    help="Keep the plan in a file, too, as --json prints it: for `sweep --plan`.",
)
@click.option(
    "--grace-days",
    type=WholeNumber(0, 3650),
    help="How long an image that ran stays: the stack's RunningGraceDays if not given, "
    f"{GRACE_DAYS} without a stack.",
)
@stack_option
@pass_outside
def plan(
    outside: Outside,
    rules_file: str,
    glob: str,
    profiles: tuple[str, ...],
    regions: tuple[str, ...],
    accounts: str | None,
    fresh: bool,
    as_json: bool,
    markdown: bool,
    most: int,
    html_file: IO[str] | None,
    out: IO[str] | None,
    grace_days: int | None,
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
    if as_json and markdown:
        raise Refusal("Give --json or --markdown, not both.")
    try:
        rules = load(rules_file)
    except RulesFault as fault:
        raise Refusal(str(fault)) from fault
    places = _places(outside, profiles, regions, accounts)
    asked = _Asked(rules, glob, grace_days, stack_name, fresh or out is not None,
                   further=html_file is not None)  # fmt: skip
    began = outside.now()
    plans = [_planned(outside, place, asked) for place in places]
    if len(plans) == 1 and plans[0].account == UNKNOWN:
        raise Refusal(plans[0].unread[0].why)
    if out is not None:
        out.write(_as_json(plans, rules.fingerprint, began))
    if html_file is not None:
        from ecr_steward_cli.live.page import page  # only here: jinja takes its time

        html_file.write(page(plans, rules.fingerprint, iso(outside.now())))
    if as_json:
        say(_as_json(plans, rules.fingerprint, began))
    else:
        say(_said(plans, rules.fingerprint, most if markdown else None))
    if any(each.differs or each.unread for each in plans):
        raise NeedsAttention


def _said(plans: Sequence[RegistryPlan], fingerprint: str, most: int | None) -> str:
    """What is printed for people: a comment of at most so many characters, or text."""
    return "\n".join(_as_text(plans)) if most is None else comment(plans, fingerprint, most)


@dataclass(frozen=True, slots=True)
class _Registry:
    """Whose registry is looked at, and where; `known` is its account, as far as is known."""

    whose: str
    region: str | None
    known: str
    reach: Callable[[], Outside]


def _places(
    outside: Outside, profiles: Sequence[str], regions: Sequence[str], accounts: str | None
) -> list[_Registry]:
    """Each profile in each Region, or each role of the accounts file. Raises Refusal."""
    if accounts is None:
        return [
            _Registry(
                f"profile {profile}" if profile else "your credentials",
                region,
                UNKNOWN,
                partial(outside.at, profile, region),
            )
            for profile in profiles or (None,)
            for region in regions or (None,)
        ]
    if profiles:
        raise Refusal("Give --accounts or --profile, not both.")
    try:
        roles = roles_in(accounts, regions)
    except AccountsFault as fault:
        raise Refusal(str(fault)) from fault
    return [
        _Registry(role.arn, role.region, role.account, partial(_as_role, outside, role))
        for role in roles
    ]


def _as_role(outside: Outside, role: AccountRole) -> Outside:
    return replace(outside, client=role.clients(outside.client("sts")))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of each registry; with `fresh` nothing is taken from an interrupted run, with
    `further` more is read, for a page."""

    rules: Ruleset
    glob: str
    grace_days: int | None
    stack_name: str
    fresh: bool
    further: bool


def _planned(outside: Outside, place: _Registry, asked: _Asked) -> RegistryPlan:
    """What would change in one registry; an account that denies is a line."""
    try:
        there = place.reach()
        identity = there.client("sts").get_caller_identity()
        ecr = there.client("ecr")
    except (ClientError, BotoCoreError) as error:
        line = Unread(place.whose, sentence(error))
        return RegistryPlan(place.known, place.region or UNKNOWN, unread=[line])
    account, named = str(identity["Account"]), str(ecr.meta.region_name)
    paced = PacedClient(ecr, Pace(AT_ONCE, there.sleep))
    stack = _stack(there, asked.stack_name)
    allowed = stack is None or stack.parameters.get("AllowTagRemoval") != "false"
    registry = LiveRegistry(paced, account, named, _history(stack), allowed)
    grace = _grace(asked.grace_days, stack)
    key = (str(ecr.meta.endpoint_url), asked.rules.fingerprint, str(grace), str(allowed),
           stack.name if stack else "")  # fmt: skip
    with progress(f"{account} {named}") as heard, _kept():
        plan = survey(
            asked.rules,
            registry,
            glob=asked.glob,
            clock=outside.now,
            grace=grace,
            heard=heard,
            resume=_resume(outside, asked, (account, named, *key)),
            further=asked.further,
        )
    plan.reserved = list(reserved(plan, asked.rules, stack.parameters if stack else {}))
    return plan


def _resume(outside: Outside, asked: _Asked, key: tuple[str, ...]) -> Resume:
    resume = Resume(folder(), key, outside.now)
    if asked.fresh:
        resume.done()
    return resume


@contextlib.contextmanager
def _kept() -> Iterator[None]:
    """Says after Ctrl-C how it goes on."""
    try:
        yield
    except KeyboardInterrupt:
        say("What was read is kept for an hour: the same command goes on from there.", err=True)
        raise


def _stack(outside: Outside, name: str) -> Stack | None:
    """The stack whose history and parameters count, where there is one that may be read."""
    try:
        stack = Stack.find(name, outside)
        stack.output("HistoryTableName")
    except Refusal:
        return None
    return stack


def _history(stack: Stack | None) -> Callable[[], Any]:
    """What makes a table for each look: over the stack's, or empty where there is none."""
    if stack is None:
        return MemoryTable
    outside, name = stack.outside, stack.output("HistoryTableName")
    below = outside.open_table(stack.client("dynamodb"), name)
    return lambda: Overlay(below)


def _grace(days: int | None, stack: Stack | None) -> timedelta:
    of_stack = {} if stack is None else stack.parameters
    return timedelta(
        days=int(of_stack.get("RunningGraceDays", GRACE_DAYS)) if days is None else days
    )


class RateColumn(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.1f}/s,")


@contextlib.contextmanager
def progress(where: str) -> Iterator[Heard]:
    """How far a look is: a bar on a terminal, and elsewhere a line now and then."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, of: _line(where, done, of)
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(bar_width=12), MofNCompleteColumn(),
        TextColumn("repositories,"), RateColumn(), TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(where, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _line(where: str, done: int, of: int) -> None:
    if done % _A_LINE_EACH == 0:
        say(f"{where}: {done:,} of {of:,} repositories", err=True)


# ---------------------------------------------------------------------------- JSON
def _as_json(plans: Sequence[RegistryPlan], fingerprint: str, began: datetime) -> str:
    accounts: dict[str, dict[str, Any]] = {}
    for each in plans:
        regions = accounts.setdefault(each.account, {})
        unread = regions.get(each.region, {"unread": []})["unread"]
        regions[each.region] = _of_registry(each)
        # Accounts that deny have no number to tell them apart.
        regions[each.region]["unread"] += unread
        regions[each.region]["totals"]["unread"] += len(unread)
    document = {
        "version": VERSION,
        "at": iso(began),
        "rules": fingerprint,
        "accounts": accounts,
        "totals": totals(plans),
    }
    return json.dumps(document, indent=2)


def _of_registry(found: RegistryPlan) -> dict[str, Any]:
    return {
        "repositories": {each.name: _repository(each) for each in found.repositories},
        "registry": {
            "state": found.state.to_document(),
            "changes": [each.to_document() for each in found.settings],
        },
        "without_rule": found.without_rule,
        "unread": [{"what": each.what, "why": each.why} for each in found.unread],
        "totals": totals([found]),
    }


def _repository(found: RepositoryPlan) -> Mapping[str, Any]:
    return {
        "rule": found.rule,
        "state": found.state.to_document(),
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
        **({"found": True} if change.found else {}),
    }


def _image(verdict: Kept) -> Mapping[str, Any]:
    return {
        "digest": verdict.image.digest,
        "keep": verdict.stays,
        "by": verdict.by,
        "reason": verdict.reason,
    }


# ---------------------------------------------------------------------------- text
def _as_text(plans: Sequence[RegistryPlan]) -> Iterator[str]:
    yield verdict(totals(plans))
    many = len(plans) > 1
    for plan in plans:
        if many and heading(plan):
            yield f"\n{heading(plan)}: {verdict(totals([plan]))}"
        yield from _titled("\nLook at these first", _urgent(plan))
        yield from _titled("\nThe registry itself", map(_setting, plan.settings))
        for each in plan.repositories:
            yield from _titled(f"\n{each.name} (rule {each.rule})", _lines(each))
        yield from _titled("\nCould not be read", (f"{u.what}: {u.why}" for u in plan.unread))
        yield from _titled("\nNo rule matches", _without_rule(plan.without_rule))
        yield from _titled("\nAs things are", plan.reserved)


def _titled(title: str, lines: Iterable[str]) -> Iterator[str]:
    for each in lines:
        if title:
            yield f"{title}:"
            title = ""
        yield f"  {printable(each)}"


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
