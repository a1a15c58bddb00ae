"""The JSON Schemas (draft 2020-12) of the steward's events and of a kept plan."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from ecr_steward.words.facts import DETAIL_TYPES

EVENTS = tuple(DETAIL_TYPES.values())
"""The `detail-type` of every event that has a schema."""


def event_schema(detail_type: str) -> dict[str, Any]:
    """The schema of the `detail` of such an event; raises KeyError for a `detail-type` not ours."""
    if detail_type not in EVENTS:
        raise KeyError(detail_type)
    name = f"{detail_type.lower().replace(' ', '_')}.json"
    text = resources.files(__name__).joinpath("events", name).read_text("utf-8")
    return dict(json.loads(text))


def plan_schema() -> dict[str, Any]:
    """The schema of what `plan --out` keeps; each `description` ends the sentence "must be …"."""
    return dict(json.loads(resources.files(__name__).joinpath("plan.json").read_text("utf-8")))
