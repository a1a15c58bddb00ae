"""`ecr-steward running` and `ecr-steward running import`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click
from botocore.exceptions import ClientError
from rich import box
from rich.table import Table

from ecr_steward.history.running import RunningImages
from ecr_steward.messages.say.wording import counted, short
from ecr_steward.rules import Ruleset
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.words.facts import FactKind
from ecr_steward.words.grammar import is_tag
from ecr_steward.words.image_uris import ImageUri, NoImageUri
from ecr_steward.words.reading import iso, parse_time
from ecr_steward.words.running import LOOKED_AT, Running, source_at
from ecr_steward_cli.commands.hold import caller
from ecr_steward_cli.commands.wait import place
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
from ecr_steward_cli.given.files import text_of
from ecr_steward_cli.given.image_lists import ListedImage, UnreadableImages, listed_images
from ecr_steward_cli.given.names import has_registry, is_repository
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.text import say

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_IMAGES = 100
"""Most images in one question (ECR API: DescribeImages, imageIds)."""


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
        if not right or (at and not _DIGEST.fullmatch(digest)):
            self.fail(f"`{value}` is not REPOSITORY, REPOSITORY:TAG or REPOSITORY@DIGEST.")
        return repository, tag or None, digest or None


@dataclass(frozen=True, slots=True)
class Told:
    """A record, with what its image should be deployed by.

    `by` is the tag that it was deployed by, `stable` whether that is a stable tag, `unique` the
    unique tag to write instead, `left` when the stable tag left the image, as far as is known.
    """

    record: Running
    by: str | None
    stable: bool = False
    unique: str | None = None
    behind: bool = False
    left: str | None = None

    def to_document(self) -> dict[str, Any]:
        record = self.record
        return {
            "repository": record.repository,
            "digest": record.digest,
            "workload": record.workload,
            "source": record.source,
            "written": record.written,
            "tag": self.by,
            "stable": self.stable,
            "unique": self.unique,
            "behind": self.behind,
            "left": self.left,
            "first_seen": iso(record.first_seen),
            "last_seen": iso(record.last),
            "runs": record.runs,
        }

    def advice(self) -> str:
        """What to do about how it was deployed; empty where nothing is."""
        if not self.stable:
            return ""
        instead = f"deploy {self.unique}" if self.unique else "no unique tag names this image"
        if not self.behind:
            return f"by a stable tag: {instead}"
        since = f" {parse_time(self.left):%Y-%m-%d %H:%M:%SZ}" if self.left else ""
        return f"{self.by} has left it{since}: {instead}"


def running_images(stack: Stack) -> RunningImages:
    """What the stack knows of what runs."""
    grace = timedelta(days=int(stack.parameter("RunningGraceDays")))
    table = stack.outside.open_table(stack.client("dynamodb"), stack.output("HistoryTableName"))
    return RunningImages(table, grace)


def sources_of(stack: Stack) -> list[str]:
    """The sources that the stack's parameters name, other accounts among them."""
    named = f"{stack.parameter('RunningSources')},{stack.parameter('WorkloadAccounts')}"
    return [each.strip() for each in named.split(",") if each.strip()]


def told(stack: Stack, rules: Ruleset, records: Sequence[Running]) -> list[Told]:
    """Each record with what its repository's rule makes of the tag it was deployed by."""
    by_repository: dict[str, list[Running]] = {}
    for record in records:
        by_repository.setdefault(record.repository, []).append(record)
    found = []
    for repository, some in sorted(by_repository.items()):
        rule = rules.rule_for(repository)
        scheme = None if rule is None else rule.tags
        tags = _tags(stack.client("ecr"), repository, {each.digest for each in some})
        found += [_told(stack, scheme, each, tags) for each in some]
    return found


def _told(
    stack: Stack, scheme: Scheme | None, record: Running, tags: Mapping[str, list[str]]
) -> Told:
    by = _tag(record.written)
    if scheme is None or by is None or scheme.judge(by) is not Verdict.STABLE:
        return Told(record, by)
    own = tags.get(record.digest, [])
    unique = next((tag for tag in own if scheme.read_unique(tag, record.digest)), None)
    behind = by not in own
    left = _left(stack, record, by) if behind else None
    return Told(record, by, stable=True, unique=unique, behind=behind, left=left)


def _tag(written: str) -> str | None:
    try:
        return ImageUri.parse(written).tag
    except NoImageUri:
        return None


def _left(stack: Stack, record: Running, tag: str) -> str | None:
    """When the tag left the image: as history keeps it of what a rule with `replaced` lets go, else
    when the steward last moved it; None where somebody else did."""
    left = stack.history().left(record.repository).get(record.digest, {}).get(tag)
    if left is not None:
        return iso(left)
    moves = (
        fact.time
        for fact in stack.history().facts(record.repository)
        if fact.kind is FactKind.MOVE and fact.tag == tag and fact.before == record.digest
    )
    return max(moves, default=None)


def _tags(ecr: Any, repository: str, digests: Iterable[str]) -> dict[str, list[str]]:
    """The tags of each of these images that is there."""
    tags: dict[str, list[str]] = {}
    asked = sorted(digests)
    for at in range(0, len(asked), _IMAGES):
        found = _described(ecr, repository, asked[at : at + _IMAGES])
        tags |= {each["imageDigest"]: each.get("imageTags", []) for each in found}
    return tags


def _described(ecr: Any, repository: str, digests: Sequence[str]) -> list[Any]:
    """ECR refuses the whole question where one image is gone: then it is asked one by one."""
    asked = [{"imageDigest": digest} for digest in digests]
    try:
        answer = ecr.describe_images(repositoryName=repository, imageIds=asked)
    except ClientError as error:
        if error.response["Error"]["Code"] == "RepositoryNotFoundException":
            return []
        if error.response["Error"]["Code"] != "ImageNotFoundException":
            raise
        if len(digests) == 1:
            return []
        return [each for one in digests for each in _described(ecr, repository, [one])]
    return list(answer["imageDetails"])


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
        records = _asked(stack, images, image)
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


def _asked(
    stack: Stack, images: RunningImages, image: tuple[str, str | None, str | None] | None
) -> list[Running]:
    """The records that are asked for, those that run first."""
    repository, tag, digest = image or (None, None, None)
    records = images.all(repository, digest)
    if repository is not None and tag is not None:
        found = place(stack.client("ecr"), repository, tag)
        on = None if found is None else found.digest
        records = [each for each in records if each.digest == on or _tag(each.written) == tag]
    return sorted(records, key=lambda each: (not each.runs, each.repository, each.workload))


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
@click.argument(
    "file",
    metavar="FILE",
)
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
        account, now = caller(stack)["Account"], outside.now()
        images, ecr = running_images(stack), stack.client("ecr")
        ours = [
            each
            for each in every
            if each.uri.is_of(account, stack.region) or _is_copy(ecr, each.uri, source)
        ]
        digests = {each.written: _digest(ecr, each.uri) for each in ours}
        records = [
            record for each in ours if (record := _record(source, each, digests, now)) is not None
        ]
        images.looked(source, records, now)
    found = counted(len({each.digest for each in records}), "image", "images")
    others = counted(len(every) - len(ours), "entry", "entries")
    say(f"{source} runs {found} of this registry; {others} of other registries.")
    _warn(stack, source, sorted(name for name, digest in digests.items() if digest is None))


def _warn(stack: Stack, source: str, absent: Sequence[str]) -> None:
    if absent:
        raise NeedsAttention(f"Not in this registry, so nothing keeps them: {', '.join(absent)}.")
    if source not in sources_of(stack):
        raise NeedsAttention(
            f"RunningSources of stack `{stack.name}` does not name {source}: what it runs is kept, "
            "but nobody waits for its next list."
        )


def _record(
    source: str, image: ListedImage, digests: Mapping[str, str | None], now: datetime
) -> Running | None:
    digest = digests[image.written]
    if digest is None:
        return None
    workload = f"{source}:{image.workload or image.uri.repository}"
    return Running(image.uri.repository, digest, source, workload, image.written, now, now)


def _is_copy(ecr: Any, uri: ImageUri, source: str) -> bool:
    """Whether it names a copy of an image of ours, in the registry that the source is named
    after."""
    if uri.registry is None or source_at(*uri.registry) != source:
        return False
    digest = _digest(ecr, uri)
    return digest is not None and digest in _tags(ecr, uri.repository, [digest])


def _digest(ecr: Any, uri: ImageUri) -> str | None:
    if uri.digest is not None or uri.tag is None:
        return uri.digest
    try:
        found = place(ecr, uri.repository, uri.tag)
    except Refusal:
        return None
    return None if found is None else found.digest
