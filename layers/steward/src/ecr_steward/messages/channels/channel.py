"""What a type of channel is: one object, which says all that the rest of the steward asks of it.

Each type has a file of its own beside this one, and a name in table.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from ecr_steward.messages.channels.reference import Reference, ReferenceFault, Secret

if TYPE_CHECKING:
    from ecr_steward.messages.say.message import Message


@dataclass(frozen=True, slots=True)
class Payload:
    """One thing to send.

    `id` is the same whenever the same facts are sent in the same form: what a receiver can know
    repetitions by. `subject` belongs to topics alone, `content_type` to https addresses.
    """

    id: str
    body: str
    content_type: str = "application/json"
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a channel in the rules file, whose value is a string.

    `schema` is its part of the JSON Schema, words and examples included. `fault` says what is wrong
    with a string that the schema may take, without repeating it. `reference` tells where the value
    is kept from the value itself. `without` is the warning where an optional key is left out.
    """

    schema: Mapping[str, Any]
    fault: Callable[[str], str | None]
    required: bool = False
    reference: bool = False
    without: str = ""


def reference_key(
    name: str, title: str, description: str, *, required: bool = False, without: str = ""
) -> Key:
    """A key whose value is kept in a parameter or a secret."""

    def fault(text: str) -> str | None:
        try:
            Reference.parse(text)
        except ReferenceFault as error:
            return f"`{name}` {error}."
        return None

    schema = {
        "title": title,
        "description": f"{description}: `ssm:NAME` is a parameter of Systems Manager, "
        "`secretsmanager:NAME` a secret, and `secretsmanager:NAME#KEY` one key of it.",
        "type": "string",
        "pattern": "^(ssm|secretsmanager):.+$",
        "examples": ["ssm:/ecr-steward/slack", f"secretsmanager:steward/hook#{name}"],
    }
    return Key(schema, fault, required=required, reference=True, without=without)


URL = reference_key(
    "url", "Address", "Where the https address is kept, never the address itself", required=True
)
"""The key of every type whose address is a secret of the team's."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A POST to an https address, which sentences about it call `called`."""

    url: Secret
    called: str
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Publication:
    """A message to an SNS topic."""

    topic: str
    body: str
    subject: str = ""


class Unusable(Exception):
    """What a channel's reference holds is no use to it; the sentence does not repeat it."""


class Resolver(Protocol):
    """What a type of channel addresses a payload with."""

    @property
    def time(self) -> datetime:
        """When it is sent."""

    def read(self, reference: Reference) -> Secret:
        """What is kept at a reference."""

    def own_topic(self, form: str) -> str:
        """The ARN of the stack's own topic for a form."""


Render = Callable[["Message"], tuple[Payload, ...]]
Address = Callable[["Channel", Payload, Resolver], HttpRequest | Publication]


@dataclass(frozen=True)
class ChannelType:
    """A type of channel.

    `name` is its `type` in the rules file and `description` its words in the schema; `keys` are the
    other keys. `forms` are the ways to write a message, the usual one first; where there are
    several, the key `form` chooses. `address` makes of a payload what is sent, with the secrets
    that it needs. `size` is the most bytes that one payload may have. What is not `limited` gets
    each message, however many there are.
    """

    name: str
    description: str
    keys: Mapping[str, Key]
    forms: Mapping[str, Render]
    address: Address
    size: int
    limited: bool = True


@dataclass(frozen=True)
class Channel:
    """Where messages go, by name; `values` are its other keys in the rules file."""

    name: str
    type: ChannelType
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def form(self) -> str:
        """The name of the form that its messages have."""
        return self.values.get("form") or next(iter(self.type.forms))

    def render(self, message: Message) -> tuple[Payload, ...]:
        """The payloads that tell `message`: mostly one."""
        return self.type.forms[self.form](message)

    def reference(self, key: str) -> Reference | None:
        """Where the value of a key is kept, if the channel has it."""
        return Reference.parse(self.values[key]) if key in self.values else None

    def references(self) -> tuple[Reference, ...]:
        """All that must be read to address something to it."""
        kept = (key for key, each in self.type.keys.items() if each.reference)
        return tuple(found for key in kept if (found := self.reference(key)) is not None)


def to_url(channel: Channel, payload: Payload, resolver: Resolver) -> HttpRequest:
    """Address a payload to the https address that the channel's `url` refers to."""
    reference = channel.reference("url")
    if reference is None:
        raise Unusable("The channel has no address.")
    headers = {"Content-Type": payload.content_type}
    return HttpRequest(resolver.read(reference), f"in `{reference}`", payload.body, headers)


def dumps(value: Any) -> str:
    """`value` as compact JSON that is valid UTF-8, whatever texts it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace").decode()
