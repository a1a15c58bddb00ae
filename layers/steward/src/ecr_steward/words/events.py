"""What routes, programs and messages call the events that tell facts, and which are loud."""

from __future__ import annotations

from collections.abc import Mapping

from ecr_steward.words.facts import DETAIL_TYPES, Fact, FactKind

LOUD = "loud"
QUIET = "quiet"


def event_name(kind: FactKind) -> str:
    """What routes and programs call the event that tells a fact of this kind: `tag.moved`."""
    return DETAIL_TYPES[kind].lower().replace(" ", ".")


def family(name: str) -> str:
    """The word for all events that are about the same: `tag.*`."""
    return f"{name.partition('.')[0]}.*"


EVENTS: Mapping[str, FactKind] = {event_name(kind): kind for kind in DETAIL_TYPES}
"""The kinds of fact by what routes call their events."""

FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(map(family, EVENTS)))
WORDS: tuple[str, ...] = (*EVENTS, *FAMILIES, LOUD, QUIET, "*")
"""All that `on` of a route may name."""

_QUIET = frozenset(
    {
        FactKind.MOVE,
        FactKind.PIN,
        FactKind.ON_STABLE,
        FactKind.BEHIND,
        FactKind.EXPIRY_SET,
        FactKind.EXPIRY_CLEARED,
    }
)
ATTENTION = frozenset(
    {
        FactKind.REJECT,
        FactKind.OVERWRITE,
        FactKind.STALE,
        FactKind.LOST,
        FactKind.DRIFT,
        FactKind.FAILED,
    }
)
"""The kinds of fact that somebody has to look at, where they are loud."""

_SETTINGS = frozenset({FactKind.DRIFT, FactKind.CORRECT})
_GRAVE = frozenset(
    {"public", "foreign", "locks_out", "expires_stable", "archives_stable", "expires_running"}
)
"""Problems of a setting that somebody must know of at once."""


def is_loud(fact: Fact) -> bool:
    """Whether somebody should know at once: all but moves, pins, what a person holds, how workloads
    are deployed, images that go as announced, and harmless settings."""
    if fact.kind is FactKind.HELD:
        return fact.contested
    if fact.kind is FactKind.EXPIRING:
        # Only where a rule lets go of so many that none of them may.
        return bool(fact.totals.get("braked"))
    if fact.kind in _SETTINGS:
        return fact.difference is not None and fact.difference.problem in _GRAVE
    return fact.kind not in _QUIET
