"""What a stack knows of what runs: with what to deploy it by, and brought from a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

from botocore.exceptions import ClientError

from ecr_steward.history.running import RunningImages
from ecr_steward.rules import Ruleset
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.words.facts import FactKind
from ecr_steward.words.image_uris import ImageUri, NoImageUri
from ecr_steward.words.reading import iso, parse_time
from ecr_steward.words.running import Running, source_at
from ecr_steward_cli.deployed.places import place
from ecr_steward_cli.deployed.stack import Stack
from ecr_steward_cli.given.image_lists import ListedImage
from ecr_steward_cli.terminal.errors import Refusal

_IMAGES = 100
"""Most images in one question (ECR API: DescribeImages, imageIds)."""


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
    return RunningImages(stack.table(), grace)


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


def asked_for(
    stack: Stack, images: RunningImages, image: tuple[str, str | None, str | None] | None
) -> list[Running]:
    """The records of an image, named by its repository, tag and digest, or of all; those that run
    first."""
    repository, tag, digest = image or (None, None, None)
    records = images.all(repository, digest)
    if repository is not None and tag is not None:
        found = place(stack.client("ecr"), repository, tag)
        on = None if found is None else found.digest
        records = [each for each in records if each.digest == on or _tag(each.written) == tag]
    return sorted(records, key=lambda each: (not each.runs, each.repository, each.workload))


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a list: how many `images` of this registry it has, how many entries of
    `others`, and what is `absent` here though it names this registry."""

    images: int
    others: int
    absent: tuple[str, ...]


def import_images(stack: Stack, source: str, every: Sequence[ListedImage]) -> Imported:
    """Replace what a source last said runs by the images of this registry among a list, copies of
    them in the registry that the source is named after, too."""
    account, now = stack.caller()["Account"], stack.outside.now()
    images, ecr = running_images(stack), stack.client("ecr")
    digest_of = cache(partial(_digest, ecr))
    is_there = cache(lambda repository, digest: digest in _tags(ecr, repository, [digest]))

    def is_ours(uri: ImageUri) -> bool:
        if uri.is_of(account, stack.region):
            return True
        copied = uri.registry is not None and source_at(*uri.registry) == source
        digest = digest_of(uri) if copied else None
        return digest is not None and is_there(uri.repository, digest)

    ours = [each for each in every if is_ours(each.uri)]
    digests = {each.written: digest_of(each.uri) for each in ours}
    records = [
        record for each in ours if (record := _record(source, each, digests, now)) is not None
    ]
    images.looked(source, records, now)
    return Imported(
        images=len({each.digest for each in records}),
        others=len(every) - len(ours),
        absent=tuple(sorted(name for name, digest in digests.items() if digest is None)),
    )


def _record(
    source: str, image: ListedImage, digests: Mapping[str, str | None], now: datetime
) -> Running | None:
    digest = digests[image.written]
    if digest is None:
        return None
    workload = f"{source}:{image.workload or image.uri.repository}"
    return Running(image.uri.repository, digest, source, workload, image.written, now, now)


def _digest(ecr: Any, uri: ImageUri) -> str | None:
    if uri.digest is not None or uri.tag is None:
        return uri.digest
    try:
        found = place(ecr, uri.repository, uri.tag)
    except Refusal:
        return None
    return None if found is None else found.digest
