"""`ecr-steward history`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from ecr_steward.history.tags import History
from ecr_steward.messages.say.wording import short
from ecr_steward.words.facts import RUNNING, Fact, FactKind
from ecr_steward.words.reading import parse_time
from ecr_steward_cli.errors import NeedsAttention
from ecr_steward_cli.stack import Outside, Stack, Subject, aws, console, pass_outside, stack_option


def past(history: History, repository: str, tag: str | None, last: int | None) -> list[Fact]:
    """The facts of a repository, or of one of its tags, oldest first; the last `last` of them.

    Raises NeedsAttention where the steward never saw the repository or the tag.
    """
    every = list(history.facts(repository))
    facts = [fact for fact in every if tag is None or fact.tag == tag]
    if repository and not facts and not _known(history, repository, tag, every):
        what = repository if tag is None else f"{repository}:{tag}"
        raise NeedsAttention(
            f"The steward has never seen {what}: check the name, and with `ecr-steward check RULES "
            f"--explain {repository}` whether a rule matches."
        )
    return facts if last is None else facts[-last:]


def _known(history: History, repository: str, tag: str | None, facts: Sequence[Fact]) -> bool:
    memory = history.recall_all(repository)
    if tag is not None:
        carried = {each for fact in facts for each in (*fact.before_tags, *fact.after_tags)}
        return tag in carried or any(
            tag in each for each in (memory.marks, memory.known, memory.holds)
        )
    tags = not memory.first_sight or memory.marks or memory.known or memory.open
    return bool(tags or history.saw_settings(repository))


def document(
    repository: str, tag: str | None, facts: Sequence[Fact], holds: Mapping[str, str]
) -> dict[str, Any]:
    """What `--json` prints: each fact as its event's `detail`, with the `detail-type`."""
    listed = [{"detail-type": fact.detail_type, **fact.to_detail()} for fact in facts]
    return {"repository": repository, "tag": tag, "facts": listed, "holds": holds}


def holding(history: History, repository: str, tag: str | None, now: datetime) -> dict[str, str]:
    """By stable tag, who holds it now and why."""
    holds = (hold for _, hold in history.holds.all(repository))
    return {hold.tag: str(hold) for hold in holds if tag in (None, hold.tag) and hold.holds(now)}


def drawn(facts: Sequence[Fact]) -> Table:
    """The facts as a table."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading in ("time", "what", "tag or setting", "from → to", "why", "mode", "cause"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("time", "what", "mode"))
    for fact in facts:
        time = f"{parse_time(fact.time):%Y-%m-%d %H:%M:%SZ}"
        found = (time, fact.kind.value, _subject(fact), _way(fact))
        said = (fact.reason, fact.mode, _cause(fact))
        table.add_row(*map(Text, (*found, *said)))
    return table


def _subject(fact: Fact) -> str:
    """The tag, or the setting and what of it."""
    found = fact.difference
    if found is None:
        return fact.tag or ""
    return (
        found.setting
        if found.subject in ("", found.setting)
        else f"{found.setting} {found.subject}"
    )


def _cause(fact: Fact) -> str:
    who = "" if fact.cause.by is None else f" by {fact.cause.by}"
    return f"{fact.cause.type} {fact.cause.id}{who}"


def _way(fact: Fact) -> str:
    if fact.difference is not None:
        # What differed is in the reason, and whole in `--json`: a fact stays one line.
        return fact.difference.problem.replace("_", " ")
    after = _place(fact.digest, fact.after_tags, fact.tag)
    if fact.kind in (FactKind.REJECT, FactKind.STALE, FactKind.FAILED, FactKind.SWEPT, *RUNNING):
        return after
    return f"{_place(fact.before, fact.before_tags, fact.tag)} → {after}".strip()


def _place(digest: str | None, tags: Sequence[str], tag: str | None) -> str:
    """An image by its other tags, if it has any, and its short digest; nothing for no image."""
    if digest is None:
        return ""
    others = ", ".join(each for each in tags if each != tag)
    return f"{others} ({short(digest)})" if others else short(digest)


@click.command()
@click.argument("subject", metavar="REPOSITORY[:TAG]", type=Subject(whole=True, registry=True))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--last", metavar="N", type=click.IntRange(min=1), help="Only the last N.")
@stack_option
@pass_outside
def history(
    outside: Outside,
    stack_name: str,
    subject: tuple[str, str | None],
    as_json: bool,
    last: int | None,
) -> None:
    """Show what the steward found and did in a repository, or with one tag, oldest first.

    '*' in place of REPOSITORY stands for the registry's own settings.
    """
    repository, tag = subject
    stack = Stack.find(stack_name, outside)
    with aws():
        facts = past(stack.history(), repository, tag, last)
        holds = holding(stack.history(), repository, tag, outside.now())
    if as_json:
        click.echo(json.dumps(document(repository, tag, facts, holds), indent=2))
        return
    if facts:
        console().print(drawn(facts))
    else:
        what = ":".join(filter(None, subject)) or "the registry's own settings"
        click.echo(f"Nothing has happened to {what} yet.")
    for held, why in holds.items():
        click.echo(f"Held: {repository}:{held} {why}")
