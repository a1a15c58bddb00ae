"""The settings of repositories and of the registry: what we ask of ECR, and how it is asked."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ecr_steward.ecr import Refused, call
from ecr_steward.settings import policies
from ecr_steward.settings.lifecycle import Expiring

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

    from ecr_steward.settings.kinds import EcrRequest, Read

Document = Mapping[str, Any]

PROPAGATION = (2.0, 4.0)
"""Seconds before a refused repository policy is set again: a principal made a moment ago may not
be known to ECR yet (IAM User Guide: Changes that I make are not always immediately visible)."""

_OPAQUE = {
    "Invalid repository policy provided": (
        "ECR says no more; mostly a principal does not exist (any more), its account has not "
        "enabled this Region, or the policy would keep the steward from setting another"
    ),
    "Principal not found": (
        "ECR does not say which; mostly a principal does not exist (any more), or its account has "
        "not enabled this Region"
    ),
}
"""What ECR says of a policy that it may take a moment later, and what that means."""

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Described:
    """What `DescribeRepositories` says of one repository: its ARN, when it was made, and all of
    the answer, which several settings are read from."""

    arn: str
    created: datetime
    answer: Document


@dataclass(frozen=True, slots=True)
class Preview:
    """What a lifecycle policy would do now.

    `images` is how many images would expire, `tagged` are those of them that have tags, or that
    were asked about. While it is not `done` the preview is still running.
    """

    document: Document
    done: bool
    images: int = 0
    tagged: tuple[Expiring, ...] = ()


class EcrSettings:
    """Reads and writes of settings over boto3's ECR client, one call each.

    Every method raises RegistryError. `sleep` waits between the tries of a policy that
    ECR refuses without saying why.
    """

    def __init__(self, client: ECRClient, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def describe(self, repository: str) -> Described:
        """Raises RepositoryGone."""
        answer = call(
            "DescribeRepositories",
            self._client.describe_repositories,
            repositoryNames=[repository],
        )
        (found,) = answer["repositories"]
        return Described(found["repositoryArn"], found["createdAt"], found)

    def read(self, read: Read, name: str, arn: str) -> Document | None:
        """What a call of its own tells of a setting; None if the repository has none."""
        asked = {"resourceArn": arn} if read.by_arn else {"repositoryName": name}
        asked = {} if read.alone else asked
        try:
            if read.pages:
                return {read.pages: list(self._listed(read))}
            answer: Document = self._call(read.operation, **asked)
        except Refused as error:
            if read.absent and error.code == read.absent:
                return None
            raise
        return answer

    def _listed(self, read: Read) -> Iterator[Any]:
        for page in self._pages(read.operation, maxResults=_PAGE):
            yield from page[read.pages]

    def send(self, request: EcrRequest) -> None:
        """Set something, whole. A policy never by `force`."""
        for wait in PROPAGATION if request.patient else ():
            try:
                self._send(request)
            except Refused as error:
                if _meaning(error) is None:
                    raise
                self._sleep(wait)
            else:
                return
        try:
            self._send(request)
        except Refused as error:
            meaning = _meaning(error) if request.patient else None
            if meaning is None:
                raise
            said = f"{error.message}. {meaning}"
            raise Refused(error.operation, error.code, said) from error

    def _send(self, request: EcrRequest) -> None:
        try:
            self._call(request.operation, **request.arguments)
        except Refused as error:
            if not request.absent or error.code != request.absent:
                raise

    def _call(self, operation: str, **arguments: Any) -> Any:
        name = re.sub("(?<!^)(?=[A-Z])", "_", operation).lower()
        return call(operation, getattr(self._client, name), **arguments)

    def start_preview(self, repository: str, document: Document) -> None:
        """Begin to find out what a lifecycle policy would do; one that runs already goes on."""
        try:
            call(
                "StartLifecyclePolicyPreview",
                self._client.start_lifecycle_policy_preview,
                repositoryName=repository,
                lifecyclePolicyText=policies.dumps(document),
            )
        except Refused as error:
            if error.code != "LifecyclePolicyPreviewInProgressException":
                raise

    def preview(self, repository: str, running: Collection[str] = ()) -> Preview | None:
        """How far the last preview is; None if there is none.

        `running` are digests that are asked about also where they have no tag.
        """
        pages = self._pages(
            "GetLifecyclePolicyPreview",
            repositoryName=repository,
            # The others are only counted, and that is in the summary.
            filter={"tagStatus": "ANY" if running else "TAGGED"},
        )
        try:
            page = next(pages)
        except Refused as error:
            if error.code == "LifecyclePolicyPreviewNotFoundException":
                return None
            raise
        document = json.loads(page["lifecyclePolicyText"])
        if page["status"] == "IN_PROGRESS":
            return Preview(document, done=False)
        if page["status"] != "COMPLETE":
            return None
        images = page.get("summary", {}).get("expiringImageTotalCount", 0)
        tagged = tuple(_expiring(page, pages, running))
        return Preview(document, done=True, images=images, tagged=tagged)

    def pull_through_prefixes(self) -> tuple[str, ...]:
        """The prefixes of the repositories that pull-through-cache rules make."""
        pages = self._pages(
            "DescribePullThroughCacheRules",
            maxResults=_PAGE,
        )
        rules = (each for page in pages for each in page["pullThroughCacheRules"])
        return tuple(each["ecrRepositoryPrefix"] for each in rules)

    def _pages(self, operation: str, **asked: Any) -> Iterator[Any]:
        token: str | None = None
        while True:
            page = self._call(operation, **asked, **({} if token is None else {"nextToken": token}))
            yield page
            token = page.get("nextToken")
            if not token:
                return


def _meaning(error: Refused) -> str | None:
    """What an answer means that says too little; None for any other answer."""
    return next((means for said, means in _OPAQUE.items() if said in error.message), None)


def _expiring(first: Any, rest: Iterator[Any], running: Collection[str]) -> Iterator[Expiring]:
    for page in (first, *rest):
        for each in page.get("previewResults", ()):
            archives = each["action"]["type"] == "TRANSITION"
            tags = tuple(each.get("imageTags", ()))
            counts = tags or each["imageDigest"] in running
            if counts and (archives or each["action"]["type"] == "EXPIRE"):
                yield Expiring(each["imageDigest"], tags, each["appliedRulePriority"], archives)
