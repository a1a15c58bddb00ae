"""A message in the form that a channel takes; a renderer is loaded when it is first needed."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.messages.say.message import Message
from ecr_steward.rules.channels import Form


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing to send.

    `id` is the same whenever the same facts are sent in the same form: what a receiver can know
    repetitions by. `subject` belongs to topics alone, `content_type` to https addresses.
    """

    id: str
    body: str
    content_type: str = "application/json"
    subject: str = ""


_RENDERERS: Mapping[Form, str] = {
    Form.SLACK: "slack",
    Form.TEAMS: "teams",
    Form.WEBHOOK: "webhook",
    Form.TEXT: "email",
    Form.CHAT: "chat",
}


def write(form: Form, message: Message) -> tuple[Letter, ...]:
    """The letters that tell `message`: one, but for a webhook one for each of its facts."""
    module = importlib.import_module(f"ecr_steward.notifications.{_RENDERERS[form]}")
    render: Callable[[Message], tuple[Letter, ...]] = module.letters
    return render(message)


def dumps(value: Any) -> str:
    """`value` as compact JSON that is valid UTF-8, whatever texts it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace").decode()
