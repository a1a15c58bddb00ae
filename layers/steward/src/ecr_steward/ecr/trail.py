"""Who did it: CloudTrail's event history, asked only where a message has to name somebody."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from ecr_steward.words.causes import Attribution

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient

log = logging.getLogger(__name__)

_PAGES = 5
"""Most pages of 50 that are asked for, newest first: ECR takes at most ten images a second, and
CloudTrail at most two questions (CloudTrail API: LookupEvents)."""


class Trail:
    """CloudTrail's last events; `client` makes the client when there is something to ask."""

    def __init__(self, client: Callable[[], CloudTrailClient]) -> None:
        self._client = client

    def who_took(self, repository: str, tag: str, digest: str, since: datetime) -> Attribution:
        """Who put `tag` on another image than `digest` since then, for the end of a sentence.

        CloudTrail lags behind by minutes and may be out of reach: then it says so, and never fails.
        """
        try:
            names = list(dict.fromkeys(self._movers(repository, tag, digest, since)))
        except ClientError as error:
            code = error.response["Error"].get("Code", "unknown")
            log.warning("CloudTrail did not say who it was: %s", error)
            return Attribution(f"; CloudTrail did not say by whom ({code})", named=False)
        except (BotoCoreError, ValueError, KeyError, TypeError) as error:
            log.warning("CloudTrail did not say who it was: %s", error)
            code = type(error).__name__
            return Attribution(f"; CloudTrail did not say by whom ({code})", named=False)
        if not names:
            return Attribution("; CloudTrail does not know by whom yet", named=False)
        return Attribution(f" by {' and '.join(names)}", named=True)

    def _movers(self, repository: str, tag: str, digest: str, since: datetime) -> Iterator[str]:
        """The newest first."""
        client = self._client()
        asked: dict[str, Any] = {
            "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "PutImage"}],
            "StartTime": since,
            "MaxResults": 50,
        }
        for _ in range(_PAGES):
            page = client.lookup_events(**asked)
            for event in page.get("Events", ()):
                call = json.loads(event["CloudTrailEvent"])
                if _is_put(call, repository, tag) and _digest(call) != digest:
                    yield _name(call)
            asked["NextToken"] = page.get("NextToken")
            if not asked["NextToken"]:
                return


def _is_put(call: Mapping[str, Any], repository: str, tag: str) -> bool:
    asked = call.get("requestParameters") or {}
    return (
        not call.get("errorCode")
        and asked.get("repositoryName") == repository
        and asked.get("imageTag") == tag
    )


def _digest(call: Mapping[str, Any]) -> str | None:
    """The image that the tag was put on; ECR names it in its answer, the caller need not."""
    answer = call.get("responseElements") or {}
    named = ((answer.get("image") or {}).get("imageId") or {}).get("imageDigest")
    asked = (call.get("requestParameters") or {}).get("imageDigest")
    found = named or asked
    return None if found is None else str(found)


def _name(call: Mapping[str, Any]) -> str:
    who = call.get("userIdentity") or {}
    return str(who.get("arn") or who.get("principalId") or who.get("invokedBy") or who.get("type"))
