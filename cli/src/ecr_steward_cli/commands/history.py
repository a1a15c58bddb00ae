"""`ecr-steward history`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import click

from ecr_steward.history.tags import History
from ecr_steward.messages.say.wording import image, short, who
from ecr_steward.words.facts import RUNNING, Fact, FactKind
from ecr_steward.words.reading import iso, parse_time
from ecr_steward_cli.deployed.at_a_time import (
    TagsThen,
    TagThen,
    past_tag,
    past_tags,
)
from ecr_steward_cli.deployed.rules import rules_of
from ecr_steward_cli.deployed.stack import (
    Outside,
    Stack,
    Subject,
    aws,
    console,
    pass_outside,
    stack_option,
)
from ecr_steward_cli.given import times
from ecr_steward_cli.given.files import WholeNumber
from ecr_steward_cli.rules_file.unmoved import unmoving
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.text import printable, say, wrapped

USUAL = 50
"""Most entries where nobody says how many."""

_MOST_LOOKED_THROUGH = 2_000
"""How many records are looked through for a tag that is beside the one that they are about."""

_MOVING = frozenset({FactKind.MOVE, FactKind.PIN, FactKind.RESTORE, FactKind.REMOVE})


def _known(history: History, repository: str, tag: str | None) -> bool:
    """Whether the steward ever saw a repository or a tag, of which it shows nothing."""
    if tag is not None:
        memory = history.recall(repository, [tag], [tag])
        if any(tag in each for each in (memory.marks, memory.known, memory.holds, memory.freed)):
            return True
        newest = islice(history.past(repository), _MOST_LOOKED_THROUGH)
        return any(tag in (*fact.before_tags, *fact.after_tags) for fact in newest)
    if next(history.past(repository), None) is not None:
        return True
    memory = history.recall_all(repository)
    tags = not memory.first_sight or memory.marks or memory.known or memory.open
    return bool(tags or history.saw_settings(repository))


def never_seen(repository: str, tag: str | None) -> NeedsAttention:
    what = repository if tag is None else f"{repository}:{tag}"
    return NeedsAttention(
        f"The steward has never seen {what}: check the name, and with `ecr-steward check RULES "
        f"--explain {what}` whether a rule matches."
    )


def document(
    repository: str, tag: str | None, facts: Sequence[Fact], holds: Mapping[str, str], *, more: bool
) -> dict[str, Any]:
    """What `--json` prints: each fact as its event's `detail`, with the `detail-type`."""
    listed = [{"detail-type": fact.detail_type, **fact.to_detail()} for fact in facts]
    return {"repository": repository, "tag": tag, "facts": listed, "more": more, "holds": holds}


def holding(history: History, repository: str, tag: str | None, now: datetime) -> dict[str, str]:
    """By stable tag, who holds it now and why."""
    holds = (hold for _, hold in history.holds.all(repository))
    return {hold.tag: str(hold) for hold in holds if tag in (None, hold.tag) and hold.holds(now)}


# Entries


_DONE = {
    FactKind.MOVE: "",
    FactKind.PIN: "pinned",
    FactKind.RESTORE: "restored",
    FactKind.REMOVE: "removed",
    FactKind.REJECT: "refused",
    FactKind.OVERWRITE: "overwritten",
    FactKind.HELD: "held",
    FactKind.STALE: "stale",
    FactKind.DRIFT: "differs",
    FactKind.CORRECT: "corrected",
    FactKind.FAILED: "failed",
}
_ONE_PLACE = frozenset(
    {FactKind.REJECT, FactKind.STALE, FactKind.FAILED, FactKind.SWEPT, FactKind.PIN, *RUNNING}
)


def entry(fact: Fact, width: int, *, verbose: bool = False) -> Iterator[tuple[str, str]]:
    """The lines of one fact, each with its style: what happened, below it why, and its ids."""
    time = f"{parse_time(fact.time):%Y-%m-%d %H:%M:%SZ}"
    found = (time, _subject(fact), _done(fact), _way(fact))
    yield wrapped(printable("  ".join(filter(None, found))), width, later="  "), ""
    by = "" if fact.cause.by is None else f" By {who(fact.cause.by, fact.account)}."
    yield wrapped(printable(f"{fact.reason}{by}"), width, "    "), "dim"
    if verbose:
        for line in _ids(fact):
            yield f"    {printable(line)}", "dim"


def _ids(fact: Fact) -> Iterator[str]:
    if fact.before or fact.digest:
        yield f"{fact.before or 'no image'} → {fact.digest or 'no image'}"
    yield f"cause {fact.cause.type} {fact.cause.id}" + (
        f" by {fact.cause.by}" if fact.cause.by else ""
    )
    yield f"fact {fact.id}"
    yield f"rule {fact.rule}, rules {fact.rules}, mode {fact.mode}"


def _done(fact: Fact) -> str:
    """What happened, where it was no move; and that it did not, in audit mode."""
    done = _DONE.get(fact.kind, fact.kind.value)
    if fact.mode == "enforce" or fact.kind not in (*_MOVING, FactKind.CORRECT):
        return done
    return f"would be {done or 'moved'}"


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


def _way(fact: Fact) -> str:
    if fact.difference is not None:
        # What differed is in the reason, and whole in `--json`: a fact stays one line.
        return fact.difference.problem.replace("_", " ")
    after = _named(fact.digest, fact.after_tags, fact)
    if fact.kind in _ONE_PLACE:
        return "" if fact.digest is None else after
    between = ", not" if fact.kind is FactKind.HELD else " →"
    return f"{_named(fact.before, fact.before_tags, fact)}{between} {after}"


def _named(digest: str | None, tags: Sequence[str], fact: Fact) -> str:
    """An image by its most telling other tag; by its digest where that is the point."""
    if fact.kind is FactKind.OVERWRITE:
        return short(digest)
    return image(digest, tags, (fact.tag,))


# The command


@click.command()
@click.argument("subject", metavar="REPOSITORY[:TAG]", type=Subject(whole=True, registry=True))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--last", metavar="N", type=WholeNumber(min=1),
    help=f"Only the newest N; {USUAL} without --since.",
)  # fmt: skip
@click.option("--at", metavar="TIME", help="Say which image each tag was on at that time.")
@click.option("--since", metavar="TIME", help="Only from then on: 2h, 3d, a day or a time.")
@click.option("--until", metavar="TIME", help="Only until then; of a day, its end (UTC).")
@click.option("--verbose", is_flag=True, help="With whole digests, causes, ids and rules.")
@stack_option
@pass_outside
def history(
    outside: Outside, stack_name: str, subject: tuple[str, str | None], as_json: bool,
    last: int | None, at: str | None, since: str | None, until: str | None, verbose: bool,
) -> None:  # fmt: skip
    """Show what the steward found and did in a repository, or with one tag, newest first.

    '*' in place of REPOSITORY stands for the registry's own settings.

    \b
    Examples:
      ecr-steward history base/redis:1.4
      ecr-steward history base/redis:1.4 --at 2026-11-27T12:00:00Z
      ecr-steward history base/redis --since 2d --json
    """
    now = outside.now()
    moment = None if at is None else times.last_of(at, now, "--at")
    start = None if since is None else times.first_of(since, now, "--since")
    end = None if until is None else times.last_of(until, now, "--until")
    if moment is not None and (start or end or last):
        raise Refusal("--at asks for one moment: leave out --since, --until and --last.")
    if start is not None and end is not None and end < start:
        raise Refusal("--until is before --since.")
    stack = Stack.find(stack_name, outside)
    repository, tag = subject
    if moment is not None:
        _print_then(stack, repository, tag, moment, as_json=as_json)
        return
    most = last or (USUAL if start is None else None)
    with aws():
        past = stack.history().past(repository, start, end, tag)
        facts = list(islice(past, None if most is None else most + 1))
        if repository and not facts and not _known(stack.history(), repository, tag):
            raise never_seen(repository, tag)
        holds = holding(stack.history(), repository, tag, now)
    more, facts = most is not None and len(facts) > most, facts[:most]
    if as_json:
        say(json.dumps(document(repository, tag, facts, holds, more=more), indent=2))
    else:
        _print(facts, verbose=verbose)
        _print_rest(stack, subject, facts, holds, asked=bool(start or end), more=more)


def _print_then(
    stack: Stack, repository: str, tag: str | None, at: datetime, *, as_json: bool
) -> None:
    with aws():
        found = _then(stack.history(), repository, tag, at)
        if not found.tags and repository and not _known(stack.history(), repository, tag):
            raise never_seen(repository, tag)
    if as_json:
        tags = {each.tag: each.to_document() for each in found.tags}
        document = {"repository": repository, "at": iso(at), "tags": tags}
        say(json.dumps({**document, "whole_since": found.whole_since}, indent=2))
        return
    if not found.tags:
        say(f"The history does not say where {_name((repository, tag))} was at {iso(at)}.")
    _lines(line for each in found.tags for line in _said(each, at, console().width))
    if found.whole_since:
        say(
            f"Of what happened before {found.whole_since} only stable tags were asked for; for "
            f"another tag name it: {repository}:TAG."
        )


def _then(history: History, repository: str, tag: str | None, at: datetime) -> TagsThen:
    if tag is None:
        return past_tags(history, repository, at)
    found = past_tag(history, repository, tag, at)
    return TagsThen([] if found is None else [found])


def _said(each: TagThen, at: datetime, width: int) -> Iterator[tuple[str, str]]:
    where, known = map(printable, each.lines(at))
    yield wrapped(where, width, later="  "), ""
    yield wrapped(known, width, "    "), "dim"


def _print(facts: Iterable[Fact], *, verbose: bool) -> None:
    width = console().width
    _lines(line for fact in facts for line in entry(fact, width, verbose=verbose))


def _lines(lines: Iterable[tuple[str, str]]) -> None:
    out = console()
    for line, style in lines:
        out.print(line, style=style, markup=False, emoji=False, soft_wrap=True)


def _print_rest(
    stack: Stack, subject: tuple[str, str | None], facts: Sequence[Fact],
    holds: Mapping[str, str], *, asked: bool, more: bool,
) -> None:  # fmt: skip
    """What follows the entries: that there are more, or none and why, and who holds what."""
    if more:
        say(f"There are older entries: --last {10 * len(facts)} or --until {facts[-1].time}.")
    if not facts:
        when = " in that time" if asked else " yet"
        say(f"Nothing has happened to {_name(subject)}{when}.{_why(stack, subject)}")
    for held, why in holds.items():
        say(f"Held: {subject[0]}:{held} {why}")


def _name(subject: tuple[str, str | None]) -> str:
    return ":".join(filter(None, subject)) or "the registry's own settings"


def _why(stack: Stack, subject: tuple[str, str | None]) -> str:
    """Why a push of the tag moves nothing by the rules of the stack, where these can be read."""
    repository, tag = subject
    if not tag:
        return ""
    try:
        with aws():
            found = unmoving(rules_of(stack), repository, tag)
    except Refusal:
        return ""
    return "" if found is None else f" A push of it moves nothing: {found.reason}"
