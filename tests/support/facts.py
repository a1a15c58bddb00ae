"""Facts for tests, the schema they must fit, and the records that carry them."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from jsonschema import Draft202012Validator

from ecr_steward.history.dynamo import write
from ecr_steward.history.table import Item
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import SOURCE, Difference, Fact, FactKind
from ecr_steward_cli.schemas import event_schema

OLD, NEW, OTHER = (
    f"sha256:{hashlib.sha256(tag).hexdigest()}" for tag in (b"1.4.1", b"1.4.2", b"0.9.7")
)
PUSH = Cause("7d2c60a1-4021-575a-a95c-06e0d1b6936b", "ECR Image Action")
REASON = "1.4.2 is higher than 1.4.1, and the highest of 1.4.*."

MOVED = Fact(
    kind=FactKind.MOVE,
    cause=PUSH,
    account="123456789012",
    region="eu-west-1",
    repository="base/redis",
    mode="enforce",
    rule="0: base/*",
    rules="3a92dae3b84f",
    reason=REASON,
    time="2026-11-23T02:24:06Z",
    tag="1.4",
    digest=NEW,
    before=OLD,
    before_tags=("1", "1.4", "1.4.1", "latest"),
    after_tags=("1.4.2",),
)
PINNED = replace(
    MOVED,
    kind=FactKind.PIN,
    tag=f"latest-20261120T101500Z-{OTHER[7:19]}",
    digest=OTHER,
    before=None,
    before_tags=(),
    after_tags=("latest",),
    reason="The image would lose its last tag when `latest` moves.",
)
_FOUND = replace(MOVED, before=None, before_tags=(), after_tags=())
REJECTED = replace(
    _FOUND,
    kind=FactKind.REJECT,
    tag="nightly",
    reason="`nightly` is neither a unique nor a stable tag of this repository's rule.",
)
OVERWRITTEN = replace(
    _FOUND,
    kind=FactKind.OVERWRITE,
    tag="1.4.2",
    before=OLD,
    after_tags=("1.4.2",),
    reason="`1.4.2` is a unique tag and was put on another image than it named before.",
)
RESTORED = replace(
    MOVED,
    kind=FactKind.RESTORE,
    tag="1.4.2",
    digest=OLD,
    before=NEW,
    before_tags=("1.4.2",),
    after_tags=("1", "1.4", "latest"),
    reason="`1.4.2` is a unique tag: it goes back to the image it belongs to.",
)
REMOVED = replace(
    MOVED,
    kind=FactKind.REMOVE,
    tag="nightly",
    digest=None,
    before_tags=("1.4.1", "nightly"),
    after_tags=(),
    reason="`nightly` is neither a unique nor a stable tag of this repository's rule.",
)
GONE = replace(
    REMOVED,
    tag="1.4",
    before_tags=(),
    reason="1.4.1 is gone and nothing is left of 1.4.*: `1.4` stays away.",
)
HELD = replace(
    MOVED,
    kind=FactKind.HELD,
    reason="`1.4` is held (by the team until Friday) and does not go to 1.4.2.",
)
STALE = replace(
    _FOUND,
    kind=FactKind.STALE,
    tag="latest",
    digest=OLD,
    reason="9.9.9 is gone and nothing leads all releases: `latest` stays on an image without a "
    "version of it.",
)
CALL = Cause(
    "b8a2c1f0-52d5-4f9e-9a4b-0c3f0b1f8a11",
    "AWS API Call via CloudTrail",
    by="arn:aws:sts::123456789012:assumed-role/Developer/mallory",
)
ANYONE = {
    "Sid": "Everybody",
    "Effect": "Allow",
    "Principal": "*",
    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
}
DRIFTED = replace(
    _FOUND,
    kind=FactKind.DRIFT,
    cause=CALL,
    mode="audit",
    tag=None,
    digest=None,
    reason="The statement `Everybody` lets anyone pull: no condition limits its principal `*`.",
    difference=Difference("policy", "public", "Everybody", "correct", ANYONE, None),
)
CORRECTED = replace(DRIFTED, kind=FactKind.CORRECT, mode="enforce")
FAILED = replace(
    _FOUND,
    kind=FactKind.FAILED,
    reason="`1.4` could not be put on its image: AccessDeniedException (not authorized).",
)
GIVEN_UP = replace(
    FAILED,
    cause=Cause("c3bb7edc-3b44-502e-a0fd-9f3ebba64a96", "Message"),
    tag=None,
    digest=None,
    rule="",
    rules="unknown",
    reason="Given up after 5 tries, now in the failure queue: the message is not JSON.",
)
SWEPT = replace(
    _FOUND,
    kind=FactKind.SWEPT,
    cause=Cause("sweep-2026-11-23T02:00:00Z", "Sweep"),
    repository="",
    rule="",
    tag=None,
    digest=None,
    reason="12 repositories swept, 3 moved, 1 rejected.",
    totals={"repositories": 12, "images": 340, "moved": 3, "rejected": 1, "missing": 0},
)
LOST = replace(
    _FOUND,
    kind=FactKind.LOST,
    cause=CALL,
    tag=None,
    reason="The image that ecs:prod/payments runs was deleted by "
    "arn:aws:sts::123456789012:assumed-role/Developer/mallory.",
    workloads=("ecs:prod/payments",),
)
ON_STABLE = replace(
    _FOUND,
    kind=FactKind.ON_STABLE,
    cause=Cause("look-2026-11-23T02:24:00Z", "Look"),
    tag="1.4",
    reason="ecs:prod/payments was deployed by the stable tag `1.4`, which moves on.",
    workloads=("ecs:prod/payments",),
    unique="1.4.2",
)
BEHIND = replace(
    ON_STABLE,
    kind=FactKind.BEHIND,
    digest=OLD,
    reason="ecs:prod/payments was deployed by the stable tag `1.4`, which has left its image.",
    unique="1.4.1",
)
_ROUND = Cause("retention-2026-11-23T02:20:00Z/base/redis", "Retention")
EXPIRING = replace(
    _FOUND,
    kind=FactKind.EXPIRING,
    cause=_ROUND,
    tag=None,
    digest=None,
    reason="Nothing keeps 12 images of 3.4 GB; they get an expiry tag from 2026-11-30 on: "
    "1.3.0, 1.3.1, 1.3.2, 1.3.3 and 8 more.",
    totals={"images": 12, "bytes": 3_400_000_000},
)
EXPIRY_SET = replace(
    _FOUND,
    kind=FactKind.EXPIRY_SET,
    cause=Cause("look-2026-11-23T02:24:00Z", "Look"),
    tag=f"steward-expire-20261123-{OLD[7:19]}",
    digest=OLD,
    reason="Nothing keeps the image (1.3.0); ECR expires it within a day or two.",
)
EXPIRY_CLEARED = replace(
    EXPIRY_SET,
    kind=FactKind.EXPIRY_CLEARED,
    reason="The image is needed again: ecs:prod/payments runs it.",
)
EVERY_KIND = (
    LOST, ON_STABLE, BEHIND, EXPIRING, EXPIRY_SET, EXPIRY_CLEARED,
    MOVED, PINNED, RESTORED, REMOVED, GONE, REJECTED, OVERWRITTEN, HELD, STALE, DRIFTED, CORRECTED,
    FAILED, GIVEN_UP, SWEPT,
)  # fmt: skip


def story(*tags: str, cause: str = PUSH.id) -> list[Fact]:
    """What one push led to: these tags moved."""
    facts = [replace(MOVED, cause=Cause(cause, PUSH.type), tag=tag) for tag in tags]
    return [fact.counted(len(facts)) for fact in facts]


def faults(detail_type: str, detail: Any) -> Iterator[str]:
    """Where `detail` is not what the schema of `detail_type` wants."""
    errors = _validator(detail_type).iter_errors(detail)
    return (f"{error.json_path}: {error.message}" for error in errors)


@functools.cache
def _validator(detail_type: str) -> Draft202012Validator:
    return Draft202012Validator(
        event_schema(detail_type), format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def letter(fact: Fact, id: str | None = None, receives: int = 1) -> dict[str, Any]:  # noqa: A002
    """A record of an SQS event that carries `fact` as EventBridge delivers it."""
    body = {"source": SOURCE, "detail-type": fact.detail_type, "detail": fact.to_detail()}
    return sqs_record(json.dumps(body), id or f"message-{fact.tag}", receives)


def sqs_record(body: str, id: str, receives: int = 1, group: str = "") -> dict[str, Any]:  # noqa: A002
    attributes = {"ApproximateReceiveCount": str(receives), "SentTimestamp": "0"}
    if group:
        attributes["MessageGroupId"] = group
    return {
        "messageId": id,
        "receiptHandle": f"receipt-{id}",
        "body": body,
        "attributes": attributes,
    }


def returned(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    """What a `ReportBatchItemFailures` answer names."""
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def stream_record(item: Item, number: int, event: str = "INSERT") -> dict[str, Any]:
    """A record of a DynamoDB stream about `item`."""
    keys = {name: value for name, value in write(item).items() if name in ("pk", "sk")}
    change: dict[str, Any] = {"Keys": keys, "SequenceNumber": str(number)}
    if event != "REMOVE":
        change["NewImage"] = write(item)
    return {"eventName": event, "dynamodb": change}
