"""`ecr-steward init`: a first rules file from what a registry shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.rules import Ruleset
from ecr_steward.tags.state import Image
from ecr_steward.words.globs import glob_regex
from ecr_steward.words.grammar import is_tag
from ecr_steward_cli.deployed.stack import Outside, aws, pass_outside
from ecr_steward_cli.given.files import text_of
from ecr_steward_cli.given.names import is_repository
from ecr_steward_cli.given.pushes import BadLine, read
from ecr_steward_cli.rules_file.first import written
from ecr_steward_cli.rules_file.load import RulesFault, inspect_text
from ecr_steward_cli.rules_file.shown_scheme import SeenRepository
from ecr_steward_cli.terminal.completion import files
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.progress import Progress
from ecr_steward_cli.terminal.text import say

_UNKNOWN = datetime(2026, 1, 1, tzinfo=UTC)


def of_registry(ecr: EcrRegistry, pattern: str, progress: Progress) -> Iterator[SeenRepository]:
    """The repositories of a live registry that a glob matches; reads alone."""
    wanted = glob_regex([pattern])
    for name in sorted(filter(wanted.fullmatch, ecr.repositories())):
        images = tuple(image for image in ecr.describe_all(name) if image.tags)
        progress.step()
        yield SeenRepository(name, images, with_digests=True)


def of_file(name: str, lines: list[str], repository: str | None) -> list[SeenRepository]:
    """The repositories in a file: REPOSITORY:TAG a line, or what `simulate` reads. Raises Refusal.

    Without digests nothing says which image a tag is on.
    """
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith(("{", "[")):
        return _of_pushes(name, lines, repository)
    tags: dict[str, list[str]] = {}
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        place, _, tag = line.rpartition(":")
        place = place or (repository or "")
        if not (is_repository(place) and is_tag(tag)):
            raise Refusal(f"{name}:{number}: `{line[:200]}` is not REPOSITORY:TAG.")
        tags.setdefault(place, []).append(tag)
    return [SeenRepository(each, tuple(_alone(tags[each]))) for each in sorted(tags)]


def _alone(tags: Iterable[str]) -> Iterator[Image]:
    """Tags of which nothing else is known, each on an image of its own."""
    for tag in dict.fromkeys(tags):
        yield Image("", (tag,), _UNKNOWN)


def _of_pushes(name: str, lines: list[str], repository: str | None) -> list[SeenRepository]:
    images: dict[str, dict[str, Image]] = {}
    told = False
    try:
        for push in read(lines, Ruleset.from_document({"version": 1, "rules": []}), repository):
            of = images.setdefault(push.repository, {})
            digest, tag = push.digest or "", push.tag or ""
            known = of.get(digest, Image(digest, (), push.pushed_at))
            of[digest] = Image(digest, (*known.tags, tag), push.pushed_at)
            told = told or len(of[digest].tags) > 1
    except BadLine as error:
        raise Refusal(f"{name}:{error.line}: {error}") from error
    return [SeenRepository(each, tuple(images[each].values()), told) for each in sorted(images)]


@click.command()
@click.argument("file", required=False, shell_complete=files)
@click.option(
    "--out",
    metavar="RULES",
    shell_complete=files,
    help="Write there; a file that exists is left alone.",
)
@click.option("--repository", metavar="GLOB", default="*", help="Only these repositories.")
@pass_outside
def init(outside: Outside, file: str | None, out: str | None, repository: str) -> None:
    """Write a first rules file from the tags of a registry, or of those in FILE.

    It reads your registry with your own credentials and changes nothing. FILE has REPOSITORY:TAG a
    line, or what `aws ecr describe-images` prints, and needs no AWS. Repositories are grouped by
    the schemes that their tags show; what does not fit is named; everything is in audit.

    \b
    Examples:
      ecr-steward init --out rules.yaml
      ecr-steward init tags.txt
    """
    if out is not None and Path(out).exists():
        raise Refusal(f"{out} exists: name another file with --out, or take it away first.")
    repositories, source = _seen(outside, file, repository)
    text = written(repositories, source)
    _check(text)
    if out is None:
        say(text.rstrip("\n"))
    else:
        _write(out, text)
        say(f"{out} is written: read it, then see `ecr-steward plan --rules {out}`.")
    if not repositories:
        raise NeedsAttention("There is no repository with tags to write rules from.")


def _seen(outside: Outside, file: str | None, pattern: str) -> tuple[list[SeenRepository], str]:
    if file is not None:
        with text_of(file) as text:
            lines = list(text)
        alone = pattern if is_repository(pattern) else None
        found = of_file(file, lines, alone)
        return [each for each in found if glob_regex([pattern]).fullmatch(each.name)], file
    progress = Progress("init", "repositories")
    try:
        with aws():
            sts = outside.client("sts")
            source = f"{sts.get_caller_identity()['Account']}, {sts.meta.region_name}"
            return list(of_registry(EcrRegistry(outside.client("ecr")), pattern, progress)), source
    finally:
        progress.end()


def _check(text: str) -> None:
    """What is written passes `check`, or is not written."""
    try:
        inspect_text(text, "rules")
    except RulesFault as fault:
        raise NeedsAttention(
            f"The tags led to rules that `check` refuses, which is a fault of init: {fault}"
        ) from fault


def _write(out: str, text: str) -> None:
    try:
        with Path(out).open("x", encoding="utf-8") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise Refusal(
            f"{out}: the file cannot be written: {json.dumps(str(said))[1:-1]}."
        ) from error
