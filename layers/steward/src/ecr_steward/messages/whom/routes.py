"""Which channels are told of which facts, at once or in a digest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from ecr_steward.messages.channels.channel import Channel
from ecr_steward.messages.whom.routing import Route, Routing, added
from ecr_steward.words.facts import Fact

NOTIFY_TAG = "steward:notify"
OWNER_TAG = "owner"
"""The resource tags of a repository that can add channels. The first names channels; the second
names a team, which adds the channel that is called like it, if there is one."""


_Due = tuple[timedelta | None, Fact]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Facts of one story for one channel: at once where `every` is None, else in a digest."""

    channel: Channel
    every: timedelta | None
    facts: tuple[Fact, ...]


def deliveries(
    routing: Routing, facts: Iterable[Fact], resource_tags: Mapping[str, str]
) -> list[Delivery]:
    """The facts of one story (same cause, same repository), by channel and when it is told.

    What goes to a channel at once takes along all else of the story that goes there. A fact that
    no route takes is in none.
    """
    found: dict[str, list[_Due]] = {}
    for fact in facts:
        for name, every in routes_for(routing, fact, resource_tags).items():
            found.setdefault(name, []).append((every, fact))
    return [
        Delivery(routing.channels[name], every, taken)
        for name, due in found.items()
        for every, taken in _together(due).items()
    ]


def routes_for(
    routing: Routing, fact: Fact, resource_tags: Mapping[str, str]
) -> dict[str, timedelta | None]:
    """The channels that are told of `fact`, and how soon: None is at once.

    `resource_tags` are those of the fact's repository. Where several routes lead to a channel the
    soonest counts.
    """
    found: dict[str, timedelta | None] = {}
    for route in _routes(routing, fact, resource_tags):
        if route.takes(fact):
            for name in route.to:
                found[name] = _sooner(found[name], route.every) if name in found else route.every
    return found


def unknown_channels(routing: Routing, resource_tags: Mapping[str, str]) -> tuple[str, ...]:
    """What `steward:notify` names that is no channel, for whoever can put it right."""
    return tuple(each for each in _named(resource_tags) if each not in routing.channels)


def _routes(routing: Routing, fact: Fact, resource_tags: Mapping[str, str]) -> Iterable[Route]:
    yield from routing.routes(fact.repository)
    for name in dict.fromkeys((*_named(resource_tags), resource_tags.get(OWNER_TAG, ""))):
        if name in routing.channels:
            yield from added(name)


def _named(resource_tags: Mapping[str, str]) -> list[str]:
    # Values of resource tags cannot have a comma, so whatever else stands between names will do.
    return re.findall(r"[A-Za-z0-9_.-]+", resource_tags.get(NOTIFY_TAG, ""))


def _sooner(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    return None if one is None or other is None else min(one, other)


def _together(due: Iterable[_Due]) -> dict[timedelta | None, tuple[Fact, ...]]:
    due = list(due)
    whens = dict.fromkeys(every for every, _ in due)
    if None in whens:
        return {None: tuple(fact for _, fact in due)}
    return {when: tuple(fact for every, fact in due if every == when) for when in whens}
