"""`ecr-steward simulate`: what the deployed code would do with a story of pushes."""

from __future__ import annotations

import heapq
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO

import click

from ecr_steward.messages.say.wording import short
from ecr_steward.words.facts import FactKind
from ecr_steward_cli import markdown
from ecr_steward_cli.errors import Refusal
from ecr_steward_cli.rules_file.load import RulesFault, load
from ecr_steward_cli.simulation import (
    BadPush,
    Push,
    ReportedFact,
    Simulation,
    SimulationResult,
    UnmovedTag,
    story,
)


@click.command()
@click.option("--rules", "rules_file", required=True, type=click.Path(), help="The rules file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--as-configured", is_flag=True, help="Only report where a rule is in audit mode.")
@click.option("--why", metavar="REPOSITORY:TAG", help="Print only what happens to one tag.")
@click.argument("pushes", type=click.File("r", encoding="utf-8"))
def simulate(
    rules_file: str, as_json: bool, as_configured: bool, why: str | None, pushes: IO[str]
) -> None:
    """Simulate PUSHES (JSON Lines, or - for standard input) without AWS.

    One event a line: {"repository": "redis", "tag": "8.0.1"}; digest, action (PUSH or DELETE)
    and pushed_at are optional. Every rule acts as in mode: enforce.
    """
    try:
        rules = load(rules_file)
    except RulesFault as fault:
        raise Refusal.rules(fault) from fault
    repository, tag = _subject(why)
    name = "-" if pushes.name == "<stdin>" else pushes.name
    simulation = Simulation(rules, as_configured=as_configured)
    for number, text in _lines(pushes):
        try:
            simulation.feed(Push.parse(number, text))
        except BadPush as error:
            raise Refusal(f"{name}:{number}: {error}") from error
    outcome = simulation.outcome()
    if why:
        outcome = story(outcome, repository, tag)
    said = outcome.to_json() if as_json else _report(outcome, why)
    sys.stdout.writelines(said)


def _subject(why: str | None) -> tuple[str, str]:
    repository, colon, tag = (why or ":").rpartition(":")
    if why is not None and not (repository and colon and tag):
        raise Refusal(f"--why takes REPOSITORY:TAG, not `{why}`.")
    return repository, tag


def _lines(pushes: Iterable[str]) -> Iterator[tuple[int, str]]:
    try:
        for number, text in enumerate(pushes, start=1):
            if text.strip():
                yield number, text
    except UnicodeDecodeError as error:
        raise Refusal(
            f"{getattr(pushes, 'name', '-')}: this is not UTF-8 text: {error}."
        ) from error


def _report(outcome: SimulationResult, why: str | None) -> Iterator[str]:
    if why and not (outcome.told or outcome.kept):
        yield f"Nothing happened to {why}.\n"
        return
    if outcome.told or outcome.kept:
        yield from _lines_of(_HEADINGS, lambda: _rows(outcome))
    else:
        yield "Nothing would change.\n"
    if not why:
        yield "\n"
        yield from _lines_of(("repository", "image", "tags"), lambda: _tags(outcome))
        yield f"\n{_totals(outcome)}\n"


def _lines_of(
    headings: Sequence[str], rows: Callable[[], Iterable[Sequence[str]]]
) -> Iterator[str]:
    return (f"{line}\n" for line in markdown.lines(headings, rows))


def _rows(outcome: SimulationResult) -> Iterator[tuple[str, ...]]:
    told, kept = map(_row, outcome.told), map(_kept, outcome.kept)
    return heapq.merge(told, kept, key=lambda row: int(row[0]))


_HEADINGS = ("line", "repository", "what", "tag", "from", "to", "why")


def _row(each: ReportedFact) -> tuple[str, ...]:
    fact = each.fact
    before = "" if fact.kind in (FactKind.REJECT, FactKind.STALE) else short(fact.before)
    what = (fact.repository, fact.kind.value, fact.tag or "")
    return (str(each.line), *what, before, short(fact.digest), each.why)


def _kept(each: UnmovedTag) -> tuple[str, ...]:
    place = short(each.stay.digest)
    return (str(each.line), each.repository, "stay", each.stay.tag, place, place, each.why)


def _tags(outcome: SimulationResult) -> Iterator[tuple[str, str, str]]:
    for repository, tags in outcome.tags.items():
        images: dict[str, list[str]] = {}
        for tag, digest in tags.items():
            images.setdefault(digest, []).append(tag)
        for digest, names in images.items():
            yield repository, short(digest), ", ".join(names)


def _totals(outcome: SimulationResult) -> str:
    return f"{outcome.events} events, {outcome.reads} reads and {outcome.writes} writes of ECR."
