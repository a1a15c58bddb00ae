"""The types of channel: to add one is to add a file to this folder and its name to TYPES."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import Any

from ecr_steward.messages.channels.channel import ChannelType, Key

TYPES = ("slack", "teams", "webhook", "sns")
"""Each is the name of a module, which is loaded when a channel of this type is first met."""


@functools.cache
def channel_type(name: str) -> ChannelType:
    """The type of this name, one of TYPES."""
    found: ChannelType = importlib.import_module(f"{__package__}.{name}").TYPE
    return found


def channel_types() -> tuple[ChannelType, ...]:
    """All types."""
    return tuple(map(channel_type, TYPES))


def keys() -> Mapping[str, Key]:
    """The keys of all types; a key of several types is the same in each."""
    return {name: key for each in channel_types() for name, key in each.keys.items()}


def properties() -> dict[str, Any]:
    """The properties of a channel in the JSON Schema of the rules file."""
    types = channel_types()
    kind = {
        "title": "Type",
        "description": " ".join(f"`{each.name}`: {each.description}." for each in types),
        "enum": [each.name for each in types],
        "examples": [types[0].name, types[-1].name],
    }
    return {"type": kind} | {name: _property(name, key) for name, key in keys().items()}


def _property(name: str, key: Key) -> dict[str, Any]:
    used_by = [f"`{each.name}`" for each in channel_types() if name in each.keys]
    listed = " and ".join(filter(None, (", ".join(used_by[:-1]), used_by[-1])))
    return {**key.schema, "description": f"{key.schema['description']} For {listed}."}
