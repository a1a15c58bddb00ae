"""`ecr-steward retention`: which images of a repository stay, and what holds each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any

import click

from ecr_steward.images import ImagesRule, Inventory, Kept, RetainedImage, judge
from ecr_steward.rules import Ruleset
from ecr_steward.tags.scheme import Scheme
from ecr_steward_cli.given import times
from ecr_steward_cli.given.files import WholeNumber, text_of
from ecr_steward_cli.given.image_lines import BadImage, image_of
from ecr_steward_cli.rules_file.load import RulesFault, load
from ecr_steward_cli.terminal.completion import files
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.markdown import table
from ecr_steward_cli.terminal.text import printable, say

GRACE_DAYS = 7
"""The default of the stack's RunningGraceDays."""


grace_option = click.option(
    "--grace-days",
    default=GRACE_DAYS,
    show_default=True,
    type=WholeNumber(0, 3650),
    help="How long an image that ran stays: the stack's RunningGraceDays.",
)


def _at(_: click.Context, __: click.Parameter, value: str | None) -> datetime:
    now = datetime.now(UTC)
    return now if value is None else times.last_of(value, now, "--at")


@click.command()
@click.option("--rules", "rules_file", required=True, type=click.Path(), help="The rules file.")
@click.option("--at", metavar="TIME", callback=_at, help="Judge as of this time; default is now.")
@grace_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("images", shell_complete=files)
def retention(rules_file: str, at: datetime, grace_days: int, as_json: bool, images: str) -> None:
    """Say which of IMAGES (a file of JSON Lines, or - for standard input) stay, without AWS.

    One image a line: {"repository": "base/redis", "digest": "sha256:…", "tags": ["1.4.2"],
    "pushed_at": "2026-11-23T02:24:00Z"}; only repository and digest are required. Every rule acts
    as in mode: enforce. The exit code is 1 if an image would go.

    \b
    Example:
      ecr-steward retention --rules rules.yaml images.jsonl
    """
    try:
        rules = load(rules_file)
    except RulesFault as fault:
        raise Refusal(str(fault)) from fault
    with text_of(images) as lines:
        read = _read(lines, images)
    grace = timedelta(days=grace_days)
    found = [_judged(rules, name, held, at, grace) for name, held in read.items()]
    say(_as_json(found) if as_json else _as_text(found))
    if any(each.going for each in found):
        raise NeedsAttention


@dataclass(frozen=True)
class _Judged:
    """The verdicts on the images of one repository; `quiet` says why there is no rule for it."""

    repository: str
    verdicts: Sequence[Kept]
    quiet: str = ""

    @property
    def going(self) -> list[Kept]:
        return [each for each in self.verdicts if not each.stays]


def _judged(
    rules: Ruleset, name: str, images: Sequence[RetainedImage], at: datetime, grace: timedelta
) -> _Judged:
    rule = rules.rule_for(name)
    scheme = rule.tags if rule is not None and rule.tags is not None else Scheme(unique=())
    said = None if rule is None else rule.images
    asked = None if said is None else ImagesRule.from_document(said)
    quiet = "" if rule is not None else "no rule matches; the repository is left alone."
    return _Judged(name, judge(Inventory(images, scheme, at), asked, grace), quiet)


def _read(file: IO[str], name: str) -> dict[str, list[RetainedImage]]:
    """The images of each repository, in the order of the file."""
    found: dict[str, list[RetainedImage]] = {}
    lines: dict[tuple[str, str], int] = {}
    try:
        for number, text in enumerate(file, start=1):
            if text.strip():
                _add(found, lines, number, text)
    except BadImage as error:
        raise Refusal(f"{name}:{error.line}: {printable(str(error))}") from error
    return found


def _add(
    found: dict[str, list[RetainedImage]], lines: dict[tuple[str, str], int], number: int, text: str
) -> None:
    repository, image = image_of(text, number)
    first = lines.setdefault((repository, image.digest), number)
    if first != number:
        raise BadImage(f"`{image.digest}` of `{repository}` is on line {first} already.", number)
    found.setdefault(repository, []).append(image)


def _as_json(found: Iterable[_Judged]) -> str:
    said = {each.repository: _document(each) for each in found}
    return json.dumps({"repositories": said}, indent=2)


def _document(found: _Judged) -> Mapping[str, Any]:
    images = [
        {
            "digest": each.image.digest,
            "keep": each.stays,
            "by": each.by,
            "reason": each.reason,
        }
        for each in found.verdicts
    ]
    totals = {
        "images": len(found.verdicts),
        "bytes": sum(each.image.size for each in found.verdicts),
        "expire": len(found.going),
        "expire_bytes": sum(each.image.size for each in found.going),
    }
    return {"images": images, "totals": totals}


def _as_text(found: Sequence[_Judged]) -> str:
    return "\n\n".join(map(_report, found)) or "There are no images."


def _report(found: _Judged) -> str:
    if found.quiet:
        return f"{found.repository}: {found.quiet}"
    rows = [
        (
            each.image.digest[: len("sha256:") + 12],
            ", ".join(each.image.tags),
            "stays" if each.stays else "goes",
            each.by or "",
            each.reason,
        )
        for each in found.verdicts
    ]
    listed = table(("image", "tags", "what happens", "by", "why"), [_shown(row) for row in rows])
    freed = sum(each.image.size for each in found.going)
    total = f"{len(found.going):,} of {len(rows):,} images go"
    size = f" ({freed / 1e6:,.1f} MB, layers that others share not taken off)" if freed else ""
    return f"{found.repository}:\n{listed}\n{total}{size}."


def _shown(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(printable, row))
