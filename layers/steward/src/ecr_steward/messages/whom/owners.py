"""The resource tags of repositories, which can add channels: read once, kept for minutes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ecr_steward.messages.say import links
from ecr_steward.words.facts import Fact

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

log = logging.getLogger(__name__)

MAX_AGE = 600.0
"""Seconds after which the tags of a repository are read again, whether they could be or not."""


class OwnerTags:
    """Reads the resource tags of repositories from ECR, whose client `client` gives."""

    def __init__(
        self, client: Callable[[], ECRClient], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._kept: dict[str, tuple[float, Mapping[str, str]]] = {}

    def of(self, fact: Fact) -> Mapping[str, str]:
        """The tags of a fact's repository, at most MAX_AGE old.

        None where they cannot be read: the message then goes to all others who are to have it.
        """
        if not fact.repository:
            return {}
        arn = links.arn(fact.account, fact.region, fact.repository)
        now = self._clock()
        kept = self._kept.get(arn)
        if kept is None or now >= kept[0] + MAX_AGE:
            kept = self._kept[arn] = (now, self._read(arn))
        return kept[1]

    def _read(self, arn: str) -> Mapping[str, str]:
        try:
            tags = self._client().list_tags_for_resource(resourceArn=arn)["tags"]
        except (ClientError, BotoCoreError) as error:
            log.warning("The resource tags of %s cannot be read: %s", arn, error)
            return {}
        return {tag["Key"]: tag["Value"] for tag in tags}
