"""Who gets the facts of one cause."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ecr_steward.messages.channels.channel import Channel
from ecr_steward.messages.whom.routes import Delivery, deliveries, unknown_channels
from ecr_steward.messages.whom.routing import Routing
from ecr_steward.words.causes import CHANNEL
from ecr_steward.words.facts import Fact

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipients:
    """Who gets which facts; `tags_of` gives the resource tags of a fact's repository."""

    routing: Callable[[], Routing]
    tags_of: Callable[[Fact], Mapping[str, str]]

    def deliveries(self, facts: Iterable[Fact]) -> list[Delivery]:
        """The facts of one cause by channel."""
        return recipients(self.routing(), facts, self.tags_of)

    def channel(self, name: str) -> Channel | None:
        """The channel of this name, while there is one."""
        return self.routing().channels.get(name)


def recipients(
    routing: Routing, facts: Iterable[Fact], tags_of: Callable[[Fact], Mapping[str, str]]
) -> list[Delivery]:
    """The facts by channel. That a channel is down goes to others only, routed there or not.

    `tags_of` gives the resource tags of a fact's repository; it is not asked where e-mail is all
    there is, for then they can add nothing.
    """
    asked = tags_of if len(routing.channels) > 1 else _no_tags
    by_repository: dict[str, list[Fact]] = {}
    for fact in facts:
        by_repository.setdefault(fact.repository, []).append(fact)
    return [
        delivery
        for group in by_repository.values()
        for delivery in _of_one(routing, group, asked(group[0]))
    ]


def _of_one(
    routing: Routing, facts: Sequence[Fact], resource_tags: Mapping[str, str]
) -> list[Delivery]:
    for name in unknown_channels(routing, resource_tags):
        log.warning("%s names the channel %s, which does not exist", facts[0].repository, name)
    found = deliveries(routing, facts, resource_tags)
    broken = _broken(facts)
    if broken is None:
        return found
    left = [delivery for delivery in found if delivery.channel.name != broken]
    others = (each for name, each in routing.channels.items() if name != broken)
    return left or [Delivery(channel, None, tuple(facts)) for channel in others]


def _broken(facts: Iterable[Fact]) -> str | None:
    """The channel that facts say is down; None where they say something else."""
    causes = (fact.cause.id for fact in facts if fact.cause.type == CHANNEL)
    return next((cause.split("/")[1] for cause in causes), None)


def _no_tags(fact: Fact) -> Mapping[str, str]:
    return {}
