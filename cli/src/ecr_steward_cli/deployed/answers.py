"""What answers in place of AWS: a proxy, or a page to log in."""

from __future__ import annotations

from typing import Any, Protocol

from botocore.exceptions import BotoCoreError
from botocore.hooks import BaseEventHooks


class StrangeAnswer(BotoCoreError):
    """What answered a call is not AWS."""

    fmt = (
        "What answered is not AWS, but perhaps a proxy or a log-in page: check HTTPS_PROXY, the "
        "network and AWS_ENDPOINT_URL."
    )


class _HasEvents(Protocol):
    @property
    def events(self) -> BaseEventHooks: ...


def take_aws_alone(session: _HasEvents) -> None:
    """Have every client of a session raise StrangeAnswer for what no service of AWS answers:
    botocore reads a page as an answer without its parts, or fails in reading it."""
    session.events.register("before-parse", _check)


def _check(operation_model: Any, response_dict: dict[str, Any], **_: object) -> None:
    shape = operation_model.output_shape
    if response_dict["status_code"] >= 300 or shape is None or operation_model.has_streaming_output:
        return
    body = response_dict["body"].lstrip()
    protocol = operation_model.service_model.resolved_protocol
    right = not body[:9].lower().startswith((b"<!doctype", b"<html"))
    if protocol == "json" and shape.members:
        right = body.startswith(b"{")
    elif protocol == "query":
        right = right and shape.serialization.get("resultWrapper", "").encode() in body
    if not right:
        raise StrangeAnswer
