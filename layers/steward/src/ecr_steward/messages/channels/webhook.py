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
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ecr_steward.messages.channels.forms import Letter, dumps
from ecr_steward.messages.fitting import fitted
from ecr_steward.messages.say.message import Message, loudest
from ecr_steward.rules.channels import event_name
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


def letters(message: Message) -> tuple[Letter, ...]:
    """One event for each fact, with the fact's own id; for a digest one event with counts."""
    if message.every is not None:
        return (_letter(_digest(message)),)
    return tuple(_letter(_event(fact)) for fact in message.facts)


def sign(letter: Letter, time: datetime, secrets: str) -> dict[str, str]:
    """The headers of Standard Webhooks for a letter that is sent at `time`.

    `secrets` are one secret, or several with spaces between them: each makes a signature of its
    own, so that a secret can be changed and no message is refused. Raises SecretError.
    """
    seconds = str(int(time.timestamp()))
    content = f"{letter.id}.{seconds}.{letter.body}".encode()
    keys = [_key(secret) for secret in secrets.split()]
    if not keys:
        raise SecretError("The secret is empty.")
    return {
        "webhook-id": letter.id,
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
            f"The secret is not `{_PREFIX}` and Base64 of at least {_LEAST} bytes: make one with "
            "`openssl rand -base64 32`."
        )
    return key


def _letter(event: Mapping[str, Any]) -> Letter:
    return Letter(event["id"], dumps(event), content_type=CONTENT_TYPE)


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
