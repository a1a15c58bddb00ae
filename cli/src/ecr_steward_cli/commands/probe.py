"""`ecr-steward probe`: does this account behave as the steward relies on?"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from ecr_steward.words.reading import iso, parse_time
from ecr_steward_cli.deployed.stack import Outside, aws, pass_outside
from ecr_steward_cli.given.files import WholeNumber
from ecr_steward_cli.probing.ask import Asked, ask, chosen
from ecr_steward_cli.probing.asked import pull_time
from ecr_steward_cli.probing.assumption import Ground, Made
from ecr_steward_cli.probing.table import ASSUMPTIONS, GROUPS
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.markdown import table
from ecr_steward_cli.terminal.text import say

PREFIX = "ecr-steward-probe-"
"""Begins the name of everything that a probe makes."""

_DAY = timedelta(days=1)
_MORE = tuple(each.name for each in GROUPS[1:])


def _groups(context: click.Context, option: click.Parameter, text: str) -> tuple[str, ...]:
    names = tuple(each.strip() for each in text.split(",") if each.strip())
    for each in names:
        if each not in _MORE:
            raise click.BadParameter(f"`{each}` is none of {', '.join(_MORE)}.")
    return names


def _kept(file: Path) -> tuple[str, datetime] | None:
    """The name of what an earlier run left for later, and when that was."""
    try:
        written = json.loads(file.read_text(encoding="utf-8"))
        name, time = str(written["kept"]), parse_time(written["time"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (name, time) if name.startswith(PREFIX) else None


def _name(file: Path, now: datetime, *, later: bool) -> str:
    """The name of what is asked about. Raises Refusal where an earlier run left something else
    than `later` says."""
    kept = _kept(file)
    if not later:
        if kept is not None:
            raise Refusal(
                f"{file} names what is left for `ecr-steward probe --later`: ask it first."
            )
        return f"{PREFIX}{secrets.token_hex(6)}"
    if kept is None:
        raise Refusal(
            f"{file} tells of nothing that was left: run `ecr-steward probe --with later` first, "
            "and name its file with --out."
        )
    if now - kept[1] < _DAY:
        raise Refusal(f"ECR notes pulls within a day: come back after {iso(kept[1] + _DAY)}.")
    return kept[0]


def _asked(ground: Ground, groups: Sequence[str]) -> list[Asked]:
    """Ask, and show each answer when it comes."""
    answers = []
    for answer in ask(ground, chosen(ASSUMPTIONS, groups)):
        mark = "differs" if answer.differs else "as expected" if answer.holds else "not asked"
        say(f"{mark}: {answer.assumption.name}", err=True)
        answers.append(answer)
    return answers


def document(answers: Sequence[Asked], time: str, kept: str | None) -> dict[str, Any]:
    """What is written to send with a report: no account number."""
    return {"time": time, "kept": kept, "facts": [each.document() for each in answers]}


def _first(ground: Ground, groups: Sequence[str]) -> tuple[list[Asked], str | None]:
    """Make the repository and ask; what was kept for later is named."""
    ground.open()
    answers = _asked(ground, [each for each in groups if each != "later"])
    if "later" not in groups:
        return answers, None
    pull_time.prepare(ground)
    ground.made.keep(ground.label)
    return answers, ground.name


def _later(ground: Ground) -> tuple[list[Asked], None]:
    ground.made.undone.append((ground.label, ground.close))
    return _asked(ground, ["later"]), None


def _run(ground: Ground, groups: Sequence[str], *, later: bool) -> tuple[list[Asked], str | None]:
    """Ask, and take away what was made, however it ends."""
    try:
        with aws():
            return _later(ground) if later else _first(ground, groups)
    except KeyboardInterrupt:
        raise NeedsAttention("Interrupted.") from None
    finally:
        left = ground.made.take_away()
        for each in left or ["What this run made is deleted."]:
            say(each, err=True)


@click.command()
@click.option(
    "--with",
    "more",
    metavar="GROUPS",
    default="",
    callback=_groups,
    help=f"Ask more, by commas: {', '.join(_MORE)}.",
)
@click.option("--later", is_flag=True, help="Ask what `--with later` left to be asked a day after.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("ecr-steward-probe.json"),
    show_default=True,
    help="Where to write the answers.",
)
@click.option(
    "--patience",
    metavar="SECONDS",
    type=WholeNumber(min=1),
    default=300,
    show_default=True,
    help="How long to wait for each event.",
)
@click.option("--yes", is_flag=True, help="Do not ask before anything is made.")
@pass_outside
def probe(
    outside: Outside,
    more: tuple[str, ...],
    later: bool,
    out: Path,
    patience: int,
    yes: bool,
) -> None:
    """Ask this account what the steward relies on and AWS does not document. Run it first.

    It needs no stack, and makes what it needs under a random name: a repository alone, unless
    --with asks for more. It deletes what it made, and nothing else. Exit code 1 if something is
    not as expected.

    \b
    Examples:
      ecr-steward probe
      ecr-steward probe --with events,iam,template,archive,function
    """
    if later and more:
        raise click.UsageError("--later goes without --with.")
    name = _name(out, outside.now(), later=later)
    groups = ("ecr", *more)
    if not later:
        for group in (each for each in GROUPS if each.name in groups):
            say(group.said(), err=True)
        if not yes:
            click.confirm(f"Make them, as {name}?", abort=True, err=True)
    ground = Ground(outside.client, name, outside.now, outside.sleep, Made(), patience)
    answers, kept = _run(ground, groups, later=later)
    text = json.dumps(document(answers, iso(outside.now()), kept), indent=2)
    out.write_text(f"{text}\n", encoding="utf-8")
    say(table(("fact", "expected", "found"), (each.row() for each in answers)))
    say(f"Written to {out}.")
    if any(each.differs for each in answers):
        raise NeedsAttention(f"Something is not as expected: please send {out} with a report.")
