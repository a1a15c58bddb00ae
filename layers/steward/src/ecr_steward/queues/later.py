"""A message that is received again later."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_WAIT = 43_200 - 300
"""Most seconds for which a message is put off: SQS counts twelve hours from when it was received
(SQS API: ChangeMessageVisibility)."""


def retry_in(client: SQSClient, url: str, receipt_handle: str, seconds: int) -> None:
    """Let a message of the queue at `url` be received again in `seconds`, or as late as SQS can."""
    client.change_message_visibility(
        QueueUrl=url,
        ReceiptHandle=receipt_handle,
        VisibilityTimeout=min(seconds, LONGEST_WAIT),
    )
