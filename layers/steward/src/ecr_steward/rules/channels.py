"""Channels and routes: where messages go, which events go there, and whether at once."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from ecr_steward.words.facts import DETAIL_TYPES, Fact, Kind

Path = tuple[str | int, ...]


class ChannelsError(ValueError):
    """Channels or routes that mean nothing; `path` leads to the fault from the top of the file."""

    def __init__(self, sentence: str, path: Path = ()) -> None:
        super().__init__(sentence)
        self.path = path


class Service(enum.StrEnum):
    """What a channel is reached by: its `type`."""

    SLACK = "slack"
    TEAMS = "teams"
    WEBHOOK = "webhook"
    SNS = "sns"


class Form(enum.StrEnum):
    """How a message is written; each has a renderer of its own."""

    SLACK = "slack"
    TEAMS = "teams"
    WEBHOOK = "webhook"
    TEXT = "text"
    CHAT = "chat"


class Store(enum.StrEnum):
    """Where addresses and secrets are kept."""

    SSM = "ssm"
    SECRETS_MANAGER = "secretsmanager"


_REFERENCES = {
    Store.SSM: re.compile(r"(?P<name>/?[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*)"),
    Store.SECRETS_MANAGER: re.compile(r"(?P<name>[A-Za-z0-9/_+=.@-]+)(?:#(?P<key>[^#\s]+))?"),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an address or a secret is kept: never the thing itself.

    `name` is the name of a parameter or of a secret of the stack's own account and Region, `key`
    a key of a secret that is a JSON object; without it the whole text counts.
    """

    store: Store
    name: str
    key: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read `ssm:NAME`, `secretsmanager:NAME` or `secretsmanager:NAME#KEY`.

        Raises ChannelsError, whose sentence does not repeat the text: it may be a secret.
        """
        store, _, rest = text.partition(":")
        if store not in list(Store):
            raise ChannelsError(
                "is a reference, never the address or secret itself: keep that in a parameter and "
                "write `ssm:/ecr-steward/NAME`, or in a secret and write `secretsmanager:NAME`"
            )
        found = _REFERENCES[Store(store)].fullmatch(rest)
        if found is None:
            raise ChannelsError(f"has no valid name after `{store}:`")
        return cls(Store(store), found["name"], found.groupdict().get("key"))

    def __str__(self) -> str:
        return f"{self.store}:{self.name}{f'#{self.key}' if self.key else ''}"


@dataclass(frozen=True, slots=True)
class Channel:
    """Where messages go, by name.

    `url` belongs to slack, teams and webhook. `secret` belongs to webhook: what its requests are
    signed with; without it they are not. `topic` belongs to sns: the ARN of a topic; None is the
    stack's own topic for the form: NotificationTopic for text, ChatTopic for chat.
    """

    name: str
    service: Service
    form: Form
    url: Reference | None = None
    secret: Reference | None = None
    topic: str | None = None


EMAIL = Channel("email", Service.SNS, Form.TEXT)
"""The channel that is always there: the stack's own topic, to which NotificationEmail listens."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a channel can be called; resource tags can spell every such name."""

_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")
_KEYS: Mapping[Service, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Service.SLACK: (("url",), ()),
    Service.TEAMS: (("url",), ()),
    Service.WEBHOOK: (("url",), ("secret",)),
    Service.SNS: ((), ("topic", "form")),
}
"""The keys that a channel of a type must and may have."""

LOUD = "loud"
QUIET = "quiet"


def event_name(kind: Kind) -> str:
    """What routes and programs call the event that tells a fact of this kind: `tag.moved`."""
    return DETAIL_TYPES[kind].lower().replace(" ", ".")


def family(name: str) -> str:
    """The word for all events that are about the same: `tag.*`."""
    return f"{name.partition('.')[0]}.*"


EVENTS: Mapping[str, Kind] = {event_name(kind): kind for kind in DETAIL_TYPES}
"""The kinds of fact by what routes call their events."""

FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(map(family, EVENTS)))
WORDS: tuple[str, ...] = (*EVENTS, *FAMILIES, LOUD, QUIET, "*")
"""All that `on` may name."""

INTERVALS: Mapping[str, timedelta] = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
}
"""How often a digest may be sent."""

_QUIET = frozenset({Kind.MOVE, Kind.PIN})
ATTENTION = frozenset({Kind.REJECT, Kind.OVERWRITE, Kind.STALE, Kind.DRIFT, Kind.FAILED})
"""The kinds of fact that somebody has to look at, where they are loud."""

_SETTINGS = frozenset({Kind.DRIFT, Kind.CORRECT})
_GRAVE = frozenset({"public", "foreign", "locks_out", "expires_stable", "archives_stable"})
"""Problems of a setting that somebody must know of at once."""


def is_loud(fact: Fact) -> bool:
    """Whether somebody should know at once: all but moves, pins, what a person holds, and harmless
    settings."""
    if fact.kind is Kind.HELD:
        return fact.contested
    if fact.kind in _SETTINGS:
        return fact.difference is not None and fact.difference.problem in _GRAVE
    return fact.kind not in _QUIET


@dataclass(frozen=True, slots=True)
class Route:
    """Which events go to which channels: at once, or once in every `every` as a digest."""

    on: tuple[str, ...]
    to: tuple[str, ...]
    every: timedelta | None = None

    def takes(self, fact: Fact) -> bool:
        name = event_name(fact.kind)
        volume = LOUD if is_loud(fact) else QUIET
        return not {"*", name, family(name), volume}.isdisjoint(self.on)


def usual(channels: Mapping[str, Channel]) -> tuple[Route, ...]:
    """The routes where nobody wrote any: to each channel what is loud at once, and the rest once an
    hour."""
    names = tuple(channels)
    return (Route((LOUD,), names), Route((QUIET,), names, INTERVALS["1h"]))


def added(name: str) -> tuple[Route, ...]:
    """The routes to a channel that a repository's resource tags add."""
    return (Route((LOUD,), (name,)), Route((QUIET,), (name,), INTERVALS["1h"]))


def faults(document: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Everything that the schema cannot say of channels and routes."""
    yield from channel_faults(document)
    names = {EMAIL.name: EMAIL, **document.get("channels", {})}
    yield from route_faults(document.get("notify", []), names, ("notify",))
    for i, rule in enumerate(document.get("rules", [])):
        yield from route_faults(rule.get("notify", []), names, ("rules", i, "notify"))


def channels_of(document: Mapping[str, Any]) -> Mapping[str, Channel]:
    """The channels of a rules document, `email` among them. Raises ChannelsError."""
    for path, sentence in channel_faults(document):
        raise ChannelsError(sentence, path)
    found = {name: _channel(name, entry) for name, entry in document.get("channels", {}).items()}
    return MappingProxyType({EMAIL.name: EMAIL} | found)


def routes_of(
    entries: Sequence[Mapping[str, Any]], channels: Mapping[str, Channel], path: Path
) -> tuple[Route, ...]:
    """The routes of one `notify`, which stands at `path`. Raises ChannelsError."""
    for where, sentence in route_faults(entries, channels, path):
        raise ChannelsError(sentence, where)
    return tuple(
        Route(
            on=tuple(entry["on"]),
            to=tuple(entry["to"]),
            every=INTERVALS[entry["every"]] if entry.get("every") else None,
        )
        for entry in entries
    )


def channel_faults(document: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """What the schema cannot say of `channels`."""
    for name, entry in document.get("channels", {}).items():
        path = ("channels", name)
        if not NAME.fullmatch(name):
            yield path, _BAD_NAME
        yield from ((path + rest, sentence) for rest, sentence in _entry_faults(name, entry))


_BAD_NAME = (
    "A channel's name has 1 to 64 letters, digits, `.`, `_` and `-`, and begins with a letter or "
    "a digit."
)


def _entry_faults(name: str, entry: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    service = Service(entry["type"])
    if name == EMAIL.name and service is not EMAIL.service:
        sentence = f"`{name}` is a topic and cannot be {service}; give this channel another name."
        yield ("type",), sentence
    must, may = _KEYS[service]
    for key in must:
        if key not in entry:
            yield (), f"The channel `{name}` needs `{key}`: where its address is kept, {_SUCH_AS}."
    for key in entry:
        if key not in ("type", *must, *may):
            yield (key,), f"`{key}` is no key of a channel of type {service}; remove it."
    for key in TEXTS:
        fault = text_fault(key, entry[key]) if key in entry else None
        if fault is not None:
            yield (key,), fault


TEXTS = ("url", "secret", "topic")
"""The keys of a channel whose text must mean something."""


def text_fault(key: str, text: str) -> str | None:
    """What is wrong with the text of one of TEXTS; the text itself is never repeated."""
    if key == "topic":
        wanted = "`topic` must be the ARN of an SNS topic; leave it out for the stack's own."
        return None if _TOPIC.fullmatch(text) else wanted
    try:
        Reference.parse(text)
    except ChannelsError as error:
        return f"`{key}` {error}."
    return None


_SUCH_AS = "such as `ssm:/ecr-steward/NAME`"


def _channel(name: str, entry: Mapping[str, Any]) -> Channel:
    service = Service(entry["type"])
    form = entry.get("form", "text") if service is Service.SNS else service.value
    return Channel(
        name=name,
        service=service,
        form=Form(form),
        url=Reference.parse(entry["url"]) if "url" in entry else None,
        secret=Reference.parse(entry["secret"]) if "secret" in entry else None,
        topic=entry.get("topic"),
    )


def route_faults(
    entries: Sequence[Mapping[str, Any]], channels: Collection[str], path: Path
) -> Iterator[tuple[Path, str]]:
    """What the schema cannot say of the `notify` at `path`."""
    for i, entry in enumerate(entries):
        for j, name in enumerate(entry["to"]):
            if name not in channels:
                known = ", ".join(f"`{each}`" for each in channels)
                sentence = f"`{name}` is not a channel of this file; there are {known}."
                yield (*path, i, "to", j), sentence
