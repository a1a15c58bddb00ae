"""`ecr-steward simulate`: what the deployed code would do with a story of pushes."""

from __future__ import annotations

import heapq
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import click

from ecr_steward.messages.say.wording import counted, short
from ecr_steward.rules import Ruleset
from ecr_steward.words.facts import FactKind
from ecr_steward_cli.given.files import text_of
from ecr_steward_cli.given.pushes import BadLine, read
from ecr_steward_cli.in_memory.simulation import (
    BadPush,
    Push,
    ReportedFact,
    Simulation,
    SimulationResult,
    UnmovedTag,
    story,
)
from ecr_steward_cli.rules_file.load import RulesFault, load
from ecr_steward_cli.rules_file.unmoved import unmoving
from ecr_steward_cli.terminal import markdown
from ecr_steward_cli.terminal.completion import files
from ecr_steward_cli.terminal.errors import Refusal
from ecr_steward_cli.terminal.progress import Progress
from ecr_steward_cli.terminal.text import lines

_BREAK = "\n"
MOST_ROWS = 200
"""Most rows that are printed without --verbose: more, nobody reads."""


@click.command()
@click.option("--rules", "rules_file", required=True, type=click.Path(), help="The rules file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--as-configured", is_flag=True, help="Only report where a rule is in audit mode.")
@click.option("--why", metavar="REPOSITORY:TAG", help="Print only what happens to one tag.")
@click.option("--repository", metavar="NAME", help="Whose images `aws ecr list-images` printed.")
@click.option("--verbose", is_flag=True, help="Print every row of a long story.")
@click.argument("pushes", shell_complete=files)
def simulate(
    rules_file: str, as_json: bool, as_configured: bool, why: str | None, repository: str | None,
    verbose: bool, pushes: str,
) -> None:  # fmt: skip
    """Simulate PUSHES (a file, or - for standard input) without AWS.

    One event a line: {"repository": "redis", "tag": "8.0.1"}; digest, action (PUSH or DELETE)
    and pushed_at are optional. Or what `aws ecr describe-images` or `list-images` prints: each tag
    is then a push at its image's time, unique tags first. Every rule acts as in mode: enforce.

    \b
    Examples:
      ecr-steward simulate --rules rules.yaml pushes.jsonl
      aws ecr describe-images --repository-name base/redis |
        ecr-steward simulate --rules rules.yaml -
    """
    try:
        rules = load(rules_file)
    except RulesFault as fault:
        raise Refusal(str(fault)) from fault
    subject = _subject(why)
    simulation = Simulation(rules, as_configured=as_configured)
    with text_of(pushes) as text:
        named = _play(simulation, read(text, rules, repository), pushes)
    outcome = simulation.outcome()
    if why:
        outcome = story(outcome, *subject)
    if as_json:
        sys.stdout.writelines(outcome.to_json())
        return
    said = _report(outcome, why, verbose=verbose)
    if why and not (outcome.told or outcome.kept):
        said = iter([_quiet(rules, subject, here=subject in named)])
    elif not named:
        said = iter([f"{pushes} has no push: the story is empty.\n"])
    sys.stdout.writelines(map(lines, said))


def _play(simulation: Simulation, pushes: Iterator[Push], name: str) -> set[tuple[str, str | None]]:
    """Play the whole story; returns which tags it names. Raises Refusal."""
    named: set[tuple[str, str | None]] = set()
    progress = Progress("simulate", "events")
    number = 0
    try:
        for push in pushes:
            number = push.line
            simulation.feed(push)
            named.add((push.repository, push.tag))
            progress.step()
    except BadLine as error:
        raise Refusal(f"{name}:{error.line}: {error}") from error
    except BadPush as error:
        raise Refusal(f"{name}:{number}: {error}") from error
    finally:
        progress.end()
    return named


def _quiet(rules: Ruleset, subject: tuple[str, str], *, here: bool) -> str:
    """Why nothing happened to a tag."""
    name = ":".join(subject)
    if not here:
        return f"Nothing happened to {name}: no push in the story names or moves it.\n"
    still = unmoving(rules, *subject)
    return f"Nothing happened to {name}{'.' if still is None else f': {still.reason}'}\n"


def _subject(why: str | None) -> tuple[str, str]:
    repository, colon, tag = (why or ":").rpartition(":")
    if why is not None and not (repository and colon and tag):
        raise Refusal(f"--why takes REPOSITORY:TAG, not `{why}`.")
    return repository, tag


def _report(outcome: SimulationResult, why: str | None, *, verbose: bool) -> Iterator[str]:
    rows = len(outcome.told) + len(outcome.kept)
    if not rows:
        yield "Nothing would change.\n"
    elif rows <= MOST_ROWS or verbose or why:
        yield from _lines_of(_HEADINGS, lambda: _rows(outcome))
    else:
        yield from _summary(outcome)
        yield f"\n{rows:,} rows: --verbose prints each, --why REPOSITORY:TAG those of one tag.\n"
    if why:
        return
    if rows <= MOST_ROWS or verbose:
        yield "\n"
        yield from _lines_of(("repository", "image", "tags"), lambda: _tags(outcome))
    yield from _still(outcome)
    if any(each.fact.mode != "enforce" for each in outcome.told):
        yield "\nRules in audit mode only report: what is told of them was not done.\n"
    yield f"\n{_totals(outcome)}\n"


def _still(outcome: SimulationResult) -> Iterator[str]:
    """Why pushes moved nothing, each reason once."""
    for number, each in enumerate(outcome.still[:MOST_ROWS]):
        many = f"{each.count:,} pushes moved" if each.count > 1 else "A push moved"
        yield (
            f"{'' if number else _BREAK}{many} nothing in {each.repository} "
            f"(line {each.line}, {each.tag}): {each.reason}\n"
        )


def _summary(outcome: SimulationResult) -> Iterator[str]:
    """How often what happened, by repository."""
    counts: dict[str, Counter[str]] = {}
    for told in outcome.told:
        counts.setdefault(told.fact.repository, Counter())[told.fact.kind.value] += 1
    for kept in outcome.kept:
        counts.setdefault(kept.repository, Counter())["stay"] += 1
    kinds = sorted({kind for each in counts.values() for kind in each})
    rows = [
        (name, *(f"{counts[name][kind]:,}" for kind in kinds))
        for name in sorted(counts)[:MOST_ROWS]
    ]
    yield from _lines_of(("repository", *kinds), lambda: rows)
    if len(counts) > MOST_ROWS:
        yield f"… and {len(counts) - MOST_ROWS:,} more repositories.\n"


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
    events = counted(outcome.events, "event", "events")
    reads = counted(outcome.reads, "read", "reads")
    return f"{events}, {reads} and {counted(outcome.writes, 'write', 'writes')} of ECR."
