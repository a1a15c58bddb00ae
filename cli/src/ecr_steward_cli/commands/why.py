"""`ecr-steward why`: in five lines, why a tag is where it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import click

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.holds import Hold
from ecr_steward.messages.say.wording import short, who
from ecr_steward.rules import Mode, Rule, Ruleset
from ecr_steward.sweep.tally import CAUSE
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.tags.stable import Line
from ecr_steward.tags.state import Image, Top, uniques
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.hints import IMAGE_ACTION
from ecr_steward.words.reading import parse_time
from ecr_steward_cli.commands.check import loaded_from
from ecr_steward_cli.deployed.places import Place, place
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
from ecr_steward_cli.rules_file.unmoved import unmoving
from ecr_steward_cli.terminal.completion import files
from ecr_steward_cli.terminal.errors import NeedsAttention
from ecr_steward_cli.terminal.text import printable, say, wrapped

_SHOWN = 3
_MOVES = 100
"""How many moves are looked through for one that was more than reported."""
_CAUSES = {IMAGE_ACTION: "an event of ECR", CAUSE: "a sweep"}
_MOVING = (FactKind.MOVE, FactKind.RESTORE, FactKind.REMOVE, FactKind.PIN)


@dataclass(frozen=True, slots=True)
class Lost:
    """A unique tag that does not lead the line, and why."""

    tag: str
    why: str


@dataclass(frozen=True, slots=True)
class _Why:
    """Everything that keeps a tag where it is. `leads` is what leads its line, None for nothing;
    `follows` whether it has a line; `moved` the fact of its last move."""

    repository: str
    tag: str
    found: Place | None
    rule: str
    leads: Top | None
    lost: Sequence[Lost]
    moved: Fact | None
    hold: Hold | None
    follows: bool

    def to_document(self) -> dict[str, Any]:
        leads, moved = self.leads, self.moved
        return {
            "repository": self.repository,
            "tag": self.tag,
            "digest": None if self.found is None else self.found.digest,
            "rule": self.rule,
            "leads": None if leads is None else {"tag": leads.unique, "digest": leads.image.digest},
            "lost": [{"tag": each.tag, "why": each.why} for each in self.lost],
            "moved": None if moved is None else moved.to_detail(),
            "hold": None if self.hold is None else str(self.hold),
        }


def standing(scheme: Scheme, line: Line, images: Sequence[Image]) -> tuple[Top | None, list[Lost]]:
    """What leads a line among all images of its repository, and what nearly does, and why not."""
    every = [Top(unique, image, line.newest) for unique, image in uniques(scheme, images)]
    inside = sorted((each for each in every if line.holds(each.read)), key=lambda top: top.order)
    if not inside:
        return None, []
    *rest, top = inside
    others = [each for each in reversed(rest) if each.image.digest != top.image.digest]
    lower = "older" if line.newest else "lower"
    lost = [Lost(each.unique, "its equal" if each.equals(top) else lower) for each in others]
    return top, [*_left_out(line, top, every)[:_SHOWN], *lost[:_SHOWN]]


def _left_out(line: Line, top: Top, every: Sequence[Top]) -> list[Lost]:
    """Higher pre-releases of the same numbers, which the line does not take."""
    if line.newest or top.read.version is None:
        return []
    found = []
    for each in every:
        version = each.read.version
        if version is None or line.holds(each.read) or not version.is_prerelease:
            continue
        if each.order > top.order and line.stable.render(each.read) in dict(line.names):
            what = f"a pre-release ({version.prerelease})" if version.prerelease else "no release"
            found.append(Lost(each.unique, what))
    return sorted(found, key=lambda lost: lost.tag, reverse=True)


@click.command()
@click.argument("subject", metavar="REPOSITORY:TAG", type=Subject())
@click.option(
    "--rules",
    "rules_file",
    metavar="FILE",
    shell_complete=files,
    help="The rules file, to name its line.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@stack_option
@pass_outside
def why(
    outside: Outside, stack_name: str, subject: tuple[str, str], rules_file: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Say why a tag is where it is: its rule, what leads its line, who moved it last, and holds.

    It reads every image of the repository, 1,000 a call.

    \b
    Example:
      ecr-steward why base/redis:1.4
    """
    repository, tag = subject
    stack = Stack.find(stack_name, outside)
    with aws():
        found = _found(stack, repository, tag, rules_file)
    if as_json:
        say(json.dumps(found.to_document(), indent=2))
    else:
        width = console().width
        for line in _lines(found):
            say(wrapped(printable(line), width, later=" " * 8))
    if found.found is None:
        raise NeedsAttention


def _found(stack: Stack, repository: str, tag: str, rules_file: str | None) -> _Why:
    rules = rules_of(stack)
    rule = rules.rule_for(repository)
    line = None if rule is None or rule.tags is None else rule.tags.line(tag)
    top, lost = None, list[Lost]()
    if rule is not None and rule.tags is not None and line is not None:
        images = list(EcrRegistry(stack.client("ecr")).describe_all(repository))
        top, lost = standing(rule.tags, line, images)
    history = stack.history()
    moves = (f for f in history.past(repository, tag=tag) if f.kind in _MOVING)
    hold = history.recall(repository, [tag], ()).holds.get(tag)
    return _Why(
        repository=repository,
        tag=tag,
        found=place(stack.client("ecr"), repository, tag),
        rule=_rule(rules, rule, repository, tag, rules_file),
        leads=top,
        lost=lost,
        moved=_last(islice(moves, _MOVES)),
        hold=hold if hold is not None and hold.holds(stack.outside.now()) else None,
        follows=line is not None,
    )


def _last(moves: Iterable[Fact]) -> Fact | None:
    """The last that was made, of the newest first; where none was, the last that audit reported."""
    every = list(moves)
    return next((fact for fact in every if fact.mode == Mode.ENFORCE), next(iter(every), None))


def _rule(
    rules: Ruleset, rule: Rule | None, repository: str, tag: str, rules_file: str | None
) -> str:
    """The rule, the line of the file that it stands on, and what it says of the tag."""
    if rule is None or rule.tags is None:
        still = unmoving(rules, repository, tag)
        return "" if still is None else still.reason
    return (
        f"{rule.label()} ({rule.mode}{_place(rules, rule, rules_file)}): {_meaning(rule.tags, tag)}"
    )


def _place(rules: Ruleset, rule: Rule, rules_file: str | None) -> str:
    if rules_file is None:
        return ""
    loaded = loaded_from(rules_file)
    if loaded.ruleset.fingerprint != rules.fingerprint:
        return f"; {rules_file} has other rules than the stack"
    return f", {loaded.rule_places[rule.index]} of {rules_file}"


def _meaning(scheme: Scheme, tag: str) -> str:
    line = scheme.line(tag)
    if line is not None:
        return f"`{tag}` follows the {'newest' if line.newest else 'highest'} of {line}"
    return {
        Verdict.EXPIRY: f"`{tag}` is an expiry tag, by which ECR expires its image",
        Verdict.PIN: f"`{tag}` is a pin, which never moves",
        Verdict.UNIQUE: f"`{tag}` is a unique tag, which never moves",
        Verdict.IGNORED: f"`{tag}` is ignored, so the steward never moves it",
        Verdict.STABLE: f"`{tag}` follows nothing; only your pipeline moves it",
        Verdict.UNKNOWN: f"`{tag}` is neither a unique nor a stable tag",
    }[scheme.judge(tag)]


def _lines(found: _Why) -> Iterator[str]:
    name = f"{found.repository}:{found.tag}"
    if found.found is None:
        yield f"{name} is on no image."
    else:
        yield f"{name} is on {found.found.words(found.tag)}."
    yield f"rule    {found.rule}"
    yield f"leads   {_leading(found)}"
    yield f"moved   {_moved(found.moved)}"
    yield f"held    {'no' if found.hold is None else found.hold}"


def _leading(found: _Why) -> str:
    if found.leads is None:
        return f"nothing: {'there is no image for it' if found.follows else 'it follows nothing'}"
    lost = "; ".join(f"{each.tag} is {each.why}" for each in found.lost)
    leads = f"{found.leads.unique} ({short(found.leads.image.digest)})"
    behind = found.found is not None and found.found.digest != found.leads.image.digest
    return f"{leads}{', where the tag is not' if behind else ''}{f'; {lost}' if lost else ''}"


def _moved(fact: Fact | None) -> str:
    if fact is None:
        return "never by the steward, as far as history knows"
    cause = _CAUSES.get(fact.cause.type, fact.cause.type)
    by = cause if fact.cause.by is None else who(fact.cause.by, fact.account)
    time = f"{parse_time(fact.time):%Y-%m-%d %H:%M:%SZ}"
    if fact.mode != "enforce":
        return f"not by the steward, in audit at {time} ({by}): {fact.reason}"
    return f"{time} ({by}): {fact.reason}"
