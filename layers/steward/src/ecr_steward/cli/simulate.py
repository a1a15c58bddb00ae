"""`ecr-steward simulate`: what the deployed code would do with a story of pushes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import IO

import click

from ecr_steward.cli.errors import Refused
from ecr_steward.cli.markdown import table
from ecr_steward.events import Kind
from ecr_steward.notifications.wording import short
from ecr_steward.rules.load import RulesFault, load
from ecr_steward.simulation import BadPush, Outcome, Push, Simulation, Told, story


@click.command()
@click.option("--rules", "rules_file", required=True, type=click.Path(), help="The rules file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--as-configured", is_flag=True, help="Let audit rules only report.")
@click.option("--why", metavar="REPOSITORY:TAG", help="Print the story of one tag only.")
@click.argument("pushes", type=click.File("r", encoding="utf-8"))
def simulate(
    rules_file: str, as_json: bool, as_configured: bool, why: str | None, pushes: IO[str]
) -> None:
    """Play PUSHES (JSON Lines, or - for standard input) without AWS.

    One event a line: {"repository": "redis", "tag": "8.0.1"}; digest, action (PUSH or DELETE)
    and pushed_at are optional. Every rule acts as in mode: enforce.
    """
    try:
        rules = load(rules_file)
    except RulesFault as fault:
        raise Refused.rules(fault) from fault
    repository, tag = _subject(why)
    name = "-" if pushes.name == "<stdin>" else pushes.name
    simulation = Simulation(rules, as_configured=as_configured)
    for number, text in _lines(pushes):
        try:
            simulation.feed(Push.parse(number, text))
        except BadPush as error:
            raise Refused(f"{name}:{number}: {error}") from error
    outcome = simulation.outcome()
    if why:
        outcome.told = list(story(outcome.told, repository, tag))
    click.echo(json.dumps(outcome.to_document(), indent=2) if as_json else _report(outcome, why))


def _subject(why: str | None) -> tuple[str, str]:
    repository, colon, tag = (why or ":").rpartition(":")
    if why is not None and not (repository and colon and tag):
        raise Refused(f"--why takes REPOSITORY:TAG; `{why}` is not that.")
    return repository, tag


def _lines(pushes: Iterable[str]) -> Iterator[tuple[int, str]]:
    try:
        for number, text in enumerate(pushes, start=1):
            if text.strip():
                yield number, text
    except UnicodeDecodeError as error:
        raise Refused(
            f"{getattr(pushes, 'name', '-')}: this is not UTF-8 text: {error}."
        ) from error


def _report(outcome: Outcome, why: str | None) -> str:
    if why and not outcome.told:
        return f"Nothing happened to {why}."
    parts = [_changes(outcome.told)] if outcome.told else ["Nothing would change."]
    if not why:
        parts += [_tags(outcome), _totals(outcome)]
    return "\n\n".join(parts)


def _changes(told: Iterable[Told]) -> str:
    headings = ("line", "repository", "what", "tag", "from", "to", "why")
    return table(headings, map(_row, told))


def _row(each: Told) -> tuple[str, ...]:
    fact = each.fact
    before = "" if fact.kind is Kind.REJECT else short(fact.before)
    what = (fact.repository, fact.kind.value, fact.tag or "")
    return (str(each.line), *what, before, short(fact.digest), fact.reason)


def _tags(outcome: Outcome) -> str:
    rows: list[tuple[str, str, str]] = []
    for repository, tags in outcome.tags.items():
        images: dict[str, list[str]] = {}
        for tag, digest in tags.items():
            images.setdefault(digest, []).append(tag)
        rows += [(repository, short(digest), ", ".join(names)) for digest, names in images.items()]
    return table(("repository", "image", "tags"), rows)


def _totals(outcome: Outcome) -> str:
    return f"{outcome.events} events, {outcome.reads} reads and {outcome.writes} writes of ECR."
