"""How facts stand in the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecr_steward.history.table import Item, Key
from ecr_steward.words.facts import Fact

_REGISTRY: Key = ("registry", "pull-through")


def fact_of(item: Item) -> Fact:
    """The fact in an item that holds one. Raises MalformedEvent."""
    return _fact_in(item.body if isinstance(item.body, Mapping) else {})


def _fact_in(body: Mapping[str, Any]) -> Fact:
    return Fact.from_detail(str(body.get("detail-type")), body.get("detail", {}))


def body_of(fact: Fact) -> dict[str, Any]:
    """The body of an item that holds a fact; the lines of a difference follow from the rest."""
    detail = fact.to_detail()
    detail.pop("difference", None)
    return {"detail-type": fact.detail_type, "detail": detail}


def _repo(repository: str) -> str:
    return f"repo#{repository}"


def _fact(fact: Fact, *, quietly: bool = False) -> Item:
    prefix = "quiet" if quietly else "fact"
    return Item(_repo(fact.repository), f"{prefix}#{fact.time}#{fact.id}", body_of(fact))
