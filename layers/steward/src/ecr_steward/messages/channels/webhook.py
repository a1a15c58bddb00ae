"""CloudEvents 1.0 for programs, signed as Standard Webhooks 1.0.

Both are a little JSON and an HMAC, so no library is shipped for them: in the tests the libraries of
both formats (`cloudevents`, `standardwebhooks`) read what is written here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ecr_steward.messages.channels.channel import (
    URL,
    Channel,
    ChannelType,
    HttpRequest,
    Payload,
    Resolver,
    Unusable,
    dumps,
    reference_key,
    to_url,
)
from ecr_steward.messages.fitting import fitted
from ecr_steward.messages.say.message import Message, loudest
from ecr_steward.words.events import event_name
from ecr_steward.words.facts import SOURCE, Fact

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
"""Structured content mode (CloudEvents, HTTP protocol binding)."""

DIGEST = f"{SOURCE}.digest"
"""`type` of the event that sums up others."""

_REPOSITORIES = 100
"""How many repositories a digest counts one by one."""

_EACH = 60_000
"""Most bytes of each event that a digest repeats; a request has at most 512 KB."""

_PREFIX = "whsec_"
_LEAST = 24
"""Shortest key, in bytes (Standard Webhooks: between 24 and 64)."""


class SecretError(ValueError):
    """A secret that nothing can be signed with; the sentence does not repeat it."""


def payloads(message: Message) -> tuple[Payload, ...]:
    """One event for each fact, with the fact's own id; for a digest one event with counts."""
    if message.every is not None:
        return (_payload(_digest(message)),)
    return tuple(_payload(_event(fact)) for fact in message.facts)


def sign(payload: Payload, time: datetime, secrets: str) -> dict[str, str]:
    """The headers of Standard Webhooks for a payload that is sent at `time`.

    `secrets` are one secret, or several with spaces between them: each makes a signature of its
    own, so that a secret can be changed and no message is refused. Raises SecretError.
    """
    seconds = str(int(time.timestamp()))
    content = f"{payload.id}.{seconds}.{payload.body}".encode()
    keys = [_key(secret) for secret in secrets.split()]
    if not keys:
        raise SecretError("The secret is empty.")
    return {
        "webhook-id": payload.id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_signature(key, content) for key in keys),
    }


def _signature(key: bytes, content: bytes) -> str:
    return f"v1,{base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()}"


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if len(key) < _LEAST:
        raise SecretError(
            f"The secret must be `{_PREFIX}` and Base64 of at least {_LEAST} bytes: make one with "
            "`openssl rand -base64 32`."
        )
    return key


def _payload(event: Mapping[str, Any]) -> Payload:
    return Payload(event["id"], dumps(event), content_type=CONTENT_TYPE)


def _event(fact: Fact) -> dict[str, Any]:
    name = event_name(fact.kind)
    subject = ":".join(filter(None, (fact.repository, fact.tag)))
    return {
        "specversion": "1.0",
        "id": fact.id,
        "source": _source(fact),
        "type": f"{SOURCE}.{name}",
        **({"subject": subject} if subject else {}),
        "time": fact.time,
        "datacontenttype": "application/json",
        "dataschema": f"urn:{SOURCE}:events:{name.replace('.', '-')}:1",
        "data": fitted(fact.to_detail()),
    }


def _digest(message: Message) -> dict[str, Any]:
    facts = sorted(message.facts, key=lambda fact: fact.time)
    by_repository: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.repository:
            by_repository.setdefault(fact.repository, []).append(fact)
    most = sorted(by_repository, key=lambda name: (-len(by_repository[name]), name))
    return {
        "specversion": "1.0",
        "id": message.id,
        "source": _source(facts[-1]),
        "type": DIGEST,
        "time": facts[-1].time,
        "datacontenttype": "application/json",
        "data": {
            "title": message.title,
            "from": facts[0].time,
            "to": facts[-1].time,
            "events": len(facts),
            "counts": _counts(facts),
            "repositories": {name: _counts(by_repository[name]) for name in most[:_REPOSITORIES]},
            "more_repositories": max(0, len(most) - _REPOSITORIES),
            "loudest": [
                {
                    "type": f"{SOURCE}.{event_name(fact.kind)}",
                    "data": fitted(fact.to_detail(), _EACH),
                }
                for fact in loudest(facts)
            ],
        },
    }


def _counts(facts: Iterable[Fact]) -> dict[str, int]:
    return dict(Counter(event_name(fact.kind) for fact in facts))


def _source(fact: Fact) -> str:
    return f"/{SOURCE}/{quote(fact.account, safe='')}/{quote(fact.region, safe='')}"


def _address(channel: Channel, payload: Payload, resolver: Resolver) -> HttpRequest:
    """The id is there without a secret too: receivers know repetitions by it."""
    request = to_url(channel, payload, resolver)
    headers = {**request.headers, "webhook-id": payload.id}
    secret = channel.reference("secret")
    if secret is not None:
        try:
            headers |= sign(payload, resolver.time, resolver.read(secret).reveal())
        except SecretError as error:
            raise Unusable(f"`{secret}`: {error}") from None
    return replace(request, headers=headers)


_SECRET = reference_key(
    "secret",
    "Secret",
    "Where the secret is kept that requests are signed with. Without it they are not signed",
    without="its requests are not signed: whoever knows the address can send what looks like them",
)

TYPE = ChannelType(
    name="webhook",
    description="any https address, which gets CloudEvents",
    keys={"url": URL, "secret": _SECRET},
    forms={"webhook": payloads},
    address=_address,
    size=512 * 1024,
    limited=False,  # programs want each event, and say 429 themselves
)
