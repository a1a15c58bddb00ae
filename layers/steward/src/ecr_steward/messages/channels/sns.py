"""An SNS topic, written for e-mail or for Amazon Q Developer in chat applications."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ecr_steward.messages.channels.channel import (
    Channel,
    ChannelType,
    Key,
    Payload,
    Publication,
    Resolver,
)

if TYPE_CHECKING:
    from ecr_steward.messages.say.message import Message

_ARN = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}"


def _text(message: Message) -> tuple[Payload, ...]:
    from ecr_steward.messages.channels import email

    return email.payloads(message)


def _chat(message: Message) -> tuple[Payload, ...]:
    from ecr_steward.messages.channels import chat

    return chat.payloads(message)


_FORMS = {"text": _text, "chat": _chat}


def _address(channel: Channel, payload: Payload, resolver: Resolver) -> Publication:
    topic = channel.values.get("topic") or resolver.own_topic(channel.form)
    return Publication(topic, payload.body, payload.subject)


def _topic_fault(text: str) -> str | None:
    wanted = "`topic` must be the ARN of an SNS topic; leave it out for the stack's own."
    return None if re.fullmatch(_ARN, text) else wanted


def _form_fault(text: str) -> str | None:
    return None if text in _FORMS else "`form` must be `text` or `chat`."


_TOPIC = Key(
    {
        "title": "Topic",
        "description": "The ARN of an SNS topic. Without it the stack's own: NotificationTopic "
        "for text, ChatTopic for chat.",
        "type": "string",
        "pattern": f"^{_ARN}$",
        "examples": ["arn:aws:sns:eu-west-1:123456789012:images"],
    },
    _topic_fault,
)
_FORM = Key(
    {
        "title": "Form",
        "description": "How messages are written: `text` for e-mail, `chat` for Amazon Q "
        "Developer in chat applications.",
        "enum": list(_FORMS),
        "default": "text",
        "examples": ["chat"],
    },
    _form_fault,
)

TYPE = ChannelType(
    name="sns",
    description="an SNS topic, which passes messages on to e-mail or to a chat",
    keys={"topic": _TOPIC, "form": _FORM},
    forms=_FORMS,
    address=_address,
    size=256 * 1024,  # SNS API: Publish
)

EMAIL = Channel("email", TYPE)
"""The channel that is always there: the stack's own topic, to which NotificationEmail listens."""
