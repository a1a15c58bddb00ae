"""Channels and routes: where messages go, which events go there, and whether at once."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from ecr_steward.messages.channels.channel import Channel
from ecr_steward.messages.channels.sns import EMAIL
from ecr_steward.messages.channels.table import channel_type
from ecr_steward.rules.model import RulesError, Ruleset
from ecr_steward.words.events import LOUD, QUIET, event_name, family, is_loud
from ecr_steward.words.facts import Fact

Path = tuple[str | int, ...]


NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a channel can be called; resource tags can spell every such name."""

INTERVALS: Mapping[str, timedelta] = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
}
"""How often a digest may be sent."""


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
    type_ = channel_type(entry["type"])
    if name == EMAIL.name and type_ is not EMAIL.type:
        sentence = (
            f"`{name}` is a topic and cannot be {type_.name}; give this channel another name."
        )
        yield ("type",), sentence
    for key, each in type_.keys.items():
        if each.required and key not in entry:
            yield (), f"The channel `{name}` needs `{key}`, such as `ssm:/ecr-steward/NAME`."
    for key, value in entry.items():
        if key == "type":
            continue
        if key not in type_.keys:
            sentence = f"`{key}` is not a key of a channel of type {type_.name}; remove it."
            yield (key,), sentence
        elif fault := type_.keys[key].fault(value):
            yield (key,), fault


def _channel(name: str, entry: Mapping[str, Any]) -> Channel:
    values = {key: value for key, value in entry.items() if key != "type"}
    return Channel(name, channel_type(entry["type"]), values)


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


@dataclass(frozen=True)
class Routing:
    """The channels and routes of a rules file; each is read when it is first asked for.

    Every property and method raises RulesError for what means nothing.
    """

    ruleset: Ruleset

    @functools.cached_property
    def channels(self) -> Mapping[str, Channel]:
        """All that messages can go to, by name, `email` among them."""
        for path, sentence in channel_faults(self.ruleset.messages):
            raise RulesError(sentence, path)
        entries = self.ruleset.messages.get("channels", {})
        found = {name: _channel(name, entry) for name, entry in entries.items()}
        return MappingProxyType({EMAIL.name: EMAIL} | found)

    @functools.cached_property
    def notify(self) -> tuple[Route, ...]:
        """The routes of rules without any, and of facts that belong to no repository."""
        return self._routes(self.ruleset.messages.get("notify", ()), ("notify",))

    @functools.cached_property
    def own(self) -> tuple[tuple[Route, ...], ...]:
        """The routes of each rule; empty for one that has none of its own."""
        return tuple(
            self._routes(rule.notify, ("rules", rule.index, "notify"))
            for rule in self.ruleset.rules
        )

    def routes(self, repository: str) -> tuple[Route, ...]:
        """The routes of what happens in `repository`; "" is the registry as a whole.

        Those of the rule that wins, or else those of the file, or else the usual ones.
        """
        rule = self.ruleset.rule_for(repository) if repository else None
        own = () if rule is None else self.own[rule.index]
        return own or self.notify or usual(self.channels)

    def _routes(self, entries: Sequence[Mapping[str, Any]], path: Path) -> tuple[Route, ...]:
        for where, sentence in route_faults(entries, self.channels, path):
            raise RulesError(sentence, where)
        return tuple(
            Route(
                on=tuple(entry["on"]),
                to=tuple(entry["to"]),
                every=INTERVALS[entry["every"]] if entry.get("every") else None,
            )
            for entry in entries
        )
