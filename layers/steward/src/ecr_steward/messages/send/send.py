"""One payload to one channel: what is sent, and what the answer means."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from ecr_steward.messages.channels.channel import (
    Channel,
    HttpRequest,
    Payload,
    Publication,
    Unusable,
)
from ecr_steward.messages.channels.reference import Reference, Secret
from ecr_steward.messages.send.outcome import Delivered, Later, Outcome, Undeliverable
from ecr_steward.messages.send.references import Unreadable

if TYPE_CHECKING:
    from ecr_steward.messages.send.http import Response
    from ecr_steward.messages.send.references import References

log = logging.getLogger(__name__)

_PASSING = frozenset({408, 425, 429})
"""Answers of 4xx that say nothing against the address: timeout, too early, too many."""

_TOPIC_WRONG = frozenset(
    {
        "AuthorizationError",
        "AuthorizationErrorException",
        "AccessDenied",
        "AccessDeniedException",
        "EndpointDisabled",
        "InvalidParameter",
        "InvalidParameterException",
        "InvalidParameterValue",
        "InvalidSecurity",
        "NotFound",
        "NotFoundException",
    }
)
_WORDS = re.compile(r"[ -~]{1,100}")
_SECRET_PART = 6


@dataclass(frozen=True)
class Sender:
    """Sends payloads.

    `topics` are the stack's own topics by form, `sns` gives the client of SNS, `post` is that of
    `Http`. It never raises: whatever happens is an outcome, and none holds an address or a secret.
    """

    references: References
    sns: Callable[[], Any]
    topics: Mapping[str, str]
    clock: Callable[[], datetime]
    post: Callable[[str, bytes, Mapping[str, str]], Response]

    def send(self, channel: Channel, payload: Payload) -> Outcome:
        """Send one payload. What is refused is tried once more with its references read anew."""
        outcome = self._try(channel, payload)
        if isinstance(outcome, Undeliverable) and channel.references():
            self.forget(channel)
            outcome = self._try(channel, payload)
        return outcome

    def forget(self, channel: Channel) -> None:
        """Have the channel's address and secret read anew for its next payload."""
        for reference in channel.references():
            self.references.forget(reference)

    def _try(self, channel: Channel, payload: Payload) -> Outcome:
        resolver = _Resolver(self.references, self.topics, self.clock())
        try:
            addressed = channel.type.address(channel, payload, resolver)
            if isinstance(addressed, Publication):
                return self._publish(addressed)
            return self._post(addressed, resolver.secrets)
        except Unusable as error:
            return Undeliverable(str(error))
        except Unreadable as error:
            return Undeliverable(str(error)) if error.lasting else Later(str(error))
        except Exception as error:
            # Its words may hold anything, an address among them: only its place and its kind.
            log.error("A message could not be sent: %s", _place(error))
            return Later(f"It could not be sent ({type(error).__name__}).")

    def _post(self, request: HttpRequest, secrets: Sequence[Secret]) -> Outcome:
        from ecr_steward.messages.send.http import Forbidden, Unreachable

        try:
            answer = self.post(request.url.reveal(), request.body.encode(), request.headers)
        except Forbidden as error:
            return Undeliverable(f"The address {request.called}: {error}")
        except Unreachable as error:
            return Later(str(error))
        return judge(answer, [request.url, *secrets], self.clock())

    def _publish(self, message: Publication) -> Outcome:
        subject = {"Subject": message.subject} if message.subject else {}
        sns = self.sns()
        try:
            sns.publish(TopicArn=message.topic, Message=message.body, **subject)
        except ClientError as error:
            code = error.response["Error"].get("Code", "unknown")
            if code in _TOPIC_WRONG:
                return Undeliverable(
                    f"SNS refuses to publish to the topic ({code}): it must exist, and the stack "
                    "parameter ChannelTopics must name it unless it is the stack's own."
                )
            return Later(f"SNS did not accept it ({code}).")
        except BotoCoreError as error:
            return Later(f"SNS could not be reached ({type(error).__name__}).")
        return Delivered("SNS accepted it")


@dataclass(frozen=True)
class _Resolver:
    """What the address of one payload is made with; `secrets` is all that was read for it."""

    references: References
    topics: Mapping[str, str]
    time: datetime
    secrets: list[Secret] = field(default_factory=list)

    def read(self, reference: Reference) -> Secret:
        secret = self.references.read(reference)
        self.secrets.append(secret)
        return secret

    def own_topic(self, form: str) -> str:
        return self.topics[form]


def judge(answer: Response, secrets: Iterable[Secret], now: datetime) -> Outcome:
    """What an answer by HTTP means; none of `secrets` gets into the outcome."""
    if 200 <= answer.status < 300:
        return Delivered(f"{answer.status}{_words(answer.body, secrets)}")
    if answer.status < 400:
        return Undeliverable(
            f"It answers with a redirect ({answer.status}), which is not followed: store the final "
            "address."
        )
    if answer.status >= 500 or answer.status in _PASSING:
        return Later(f"It answered {answer.status}.", retry_after(answer.retry_after, now))
    return Undeliverable(
        f"It answered {answer.status}: the address is not valid any more, or it does not accept "
        "such messages."
    )


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """The time that a `Retry-After` asks for, in seconds or until a date; None if it is neither."""
    text = (header or "").strip()
    if re.fullmatch("[0-9]{1,9}", text):
        return timedelta(seconds=int(text))
    try:
        until = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(until - now, timedelta())


def _words(body: bytes, secrets: Iterable[Secret]) -> str:
    """What an answer says, if it is a line that repeats nothing of an address or a secret."""
    text = body.decode("utf-8", "replace").strip()
    parts = (part for each in secrets for part in re.split(r"[/?&=\s]", each.reveal()))
    repeats = any(len(part) >= _SECRET_PART and part in text for part in parts)
    return f" {text}" if _WORDS.fullmatch(text) and not repeats else ""


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code if trace else None
    at = f" in {code.co_name}, line {trace.tb_lineno}" if code and trace else ""
    return f"{type(error).__name__}{at}"
