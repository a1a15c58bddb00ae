"""`ecr-steward running` and `ecr-steward running import`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from rich import box
from rich.table import Table

from ecr_steward.messages.say.wording import counted, short
from ecr_steward.words.grammar import is_tag
from ecr_steward.words.running import LOOKED_AT
from ecr_steward_cli.deployed.rules import rules_of
from ecr_steward_cli.deployed.stack import (
    Outside,
    Stack,
    aws,
    cell,
    console,
    pass_outside,
    stack_option,
)
from ecr_steward_cli.deployed.workloads import (
    Told,
    asked_for,
    import_images,
    running_images,
    sources_of,
    told,
)
from ecr_steward_cli.given.files import text_of
from ecr_steward_cli.given.image_lists import UnreadableImages, listed_images
from ecr_steward_cli.given.names import has_registry, is_digest, is_repository
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.text import say

_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class RunningImage(click.ParamType[tuple[str, str | None, str | None]]):
    """The argument `REPOSITORY[:TAG|@DIGEST]`, as repository, tag and digest."""

    name = "image"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str | None, str | None]:
        if isinstance(value, tuple):
            return value
        named, at, digest = value.partition("@")
        repository, colon, tag = named.partition(":")
        if has_registry(repository):
            self.fail(f"`{value}` names a registry: leave out everything before the repository.")
        right = is_repository(repository) and not (at and colon)
        right = right and (not colon or is_tag(tag))
        if not right or (at and not is_digest(digest)):
            self.fail(f"`{value}` is not REPOSITORY, REPOSITORY:TAG or REPOSITORY@DIGEST.")
        return repository, tag or None, digest or None


def drawn(rows: Sequence[Told], now: datetime) -> Table:
    """What runs as a table."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading in ("workload", "image", "deployed by", "since", "seen", "what to do"):
        table.add_column(heading, overflow="fold")
    for each in rows:
        record = each.record
        seen = f"{record.last:%Y-%m-%d %H:%M:%SZ}" + ("" if record.runs else " (ended)")
        image = f"{record.repository}@{short(record.digest)}"
        since = f"{record.first_seen:%Y-%m-%d %H:%M:%SZ}"
        cells = (record.workload, image, each.by or "", since, seen, each.advice())
        table.add_row(*map(cell, cells))
    return table


class _Running(click.Group):
    """`running IMAGE` shows, unless the first word is `import`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        shown = [] if args[:1] == ["import"] else ["show"]
        return super().parse_args(ctx, [*shown, *args])


@click.group(cls=_Running)
def running() -> None:
    """Show what runs, where, and by which tag it was deployed."""


@running.command()
@click.argument("image", metavar="[REPOSITORY[:TAG|@DIGEST]]", type=RunningImage(), required=False)
@click.option("--workload", metavar="NAME", help="Only workloads with NAME in their names.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@stack_option
@pass_outside
def show(
    outside: Outside,
    stack_name: str,
    image: tuple[str, str | None, str | None] | None,
    workload: str | None,
    as_json: bool,
) -> None:
    """Show what runs, where, since when, and which tag it should be deployed by.

    `ecr-steward running import` takes a list of what else runs. Exit code 1: a source is not
    known, so something else may run.

    \b
    Examples:
      ecr-steward running base/redis:1.4
      ecr-steward running --json
    """
    stack = Stack.find(stack_name, outside)
    with aws():
        images, sources = running_images(stack), sources_of(stack)
        records = asked_for(stack, images, image)
        if workload is not None:
            records = [each for each in records if workload in each.workload]
        unknown = images.unknown(sources, outside.now())
        rows = told(stack, rules_of(stack), records) if records else []
    if as_json:
        known = {"known": bool(sources) and not unknown, "unknown": unknown}
        listed = [each.to_document() for each in rows]
        say(json.dumps({"workloads": listed, **known}, indent=2))
    elif rows:
        console().print(drawn(rows, outside.now()))
    else:
        say("Nothing that is known runs it." if image else "Nothing is known to run.")
    if unknown or not sources:
        raise NeedsAttention(_not_known(stack, unknown))


def _not_known(stack: Stack, unknown: Sequence[str]) -> str:
    if not unknown:
        return (
            f"Stack `{stack.name}` names no source in RunningSources, so what runs is not known: "
            "deploy it with RunningSources=ecs,lambda, for example."
        )
    return (
        f"Not known now: {', '.join(unknown)}, so something else may run. The look is once a day; "
        "its log says why it failed, and `ecr-steward running import` brings an import up to date."
    )


def _name(context: click.Context, option: click.Parameter, name: str) -> str:
    if name in LOOKED_AT or name.isdecimal() or not _SOURCE.fullmatch(name):
        raise click.BadParameter(
            f"`{name}` must be lowercase letters, digits and hyphens, no number, and none of "
            f"{', '.join(LOOKED_AT)}, at which the steward looks itself."
        )
    return name


@running.command("import")
@click.option("--source", metavar="NAME", required=True, callback=_name, help="Whose list it is.")
@click.argument("file", metavar="FILE")
@stack_option
@pass_outside
def import_(outside: Outside, stack_name: str, source: str, file: str) -> None:
    """Replace what a source last said runs by a list of images; FILE may be -.

    The list has an image URI a line, is a JSON array of them, or what `kubectl get pods -o json`
    prints. Images of other registries are left out. Only a source ACCOUNT-REGION says what runs
    from copies of our images in that registry, to which they are replicated.

    \b
    Example:
      kubectl get pods --all-namespaces -o json | ecr-steward running import --source eks -
    """
    try:
        with text_of(file) as text:
            every = listed_images(text.read())
    except UnreadableImages as error:
        where = file if error.line is None else f"{file}:{error.line}"
        raise Refusal(f"{where}: {error}") from error
    stack = Stack.find(stack_name, outside)
    with aws():
        imported = import_images(stack, source, every)
    ours = counted(imported.images, "image", "images")
    others = counted(imported.others, "entry", "entries")
    say(f"{source} runs {ours} of this registry; {others} of other registries.")
    _warn(stack, source, imported.absent)


def _warn(stack: Stack, source: str, absent: Sequence[str]) -> None:
    if absent:
        raise NeedsAttention(f"Not in this registry, so nothing keeps them: {', '.join(absent)}.")
    if source not in sources_of(stack):
        raise NeedsAttention(
            f"RunningSources of stack `{stack.name}` does not name {source}: what it runs is kept, "
            "but nobody waits for its next list."
        )
