"""Stable tags that stay where they are, because a person or the steward itself said so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ecr_steward.history.facts import partition_of
from ecr_steward.history.table import Delete, Item, Put, Table, Write, expiry
from ecr_steward.words.reading import iso, parse_time

_KEPT = timedelta(days=1)
_EVERY = "holds"


@dataclass(frozen=True, slots=True)
class Hold:
    """A stable tag that stays where it is because somebody said so; without `until` for good.

    `automatic` is a hold that the steward made itself, where it would not go on moving the tag;
    `named` is then whether the reason names who took the tag away.
    """

    tag: str
    since: datetime
    until: datetime | None
    by: str
    reason: str = ""
    automatic: bool = False
    named: bool = False

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until

    def __str__(self) -> str:
        """Who holds the tag, since when, until when and why, for a reason."""
        end = "until it is released" if self.until is None else f"until {iso(self.until)}"
        why = f": {self.reason}" if self.reason else ""
        return f"by {self.by} since {iso(self.since)}, {end}{why}"


class Holds:
    """The holds of all repositories."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, repository: str, hold: Hold) -> None:
        """Keep a stable tag where it is from now on."""
        self._table.transact(holding(repository, hold))

    def release(self, repository: str, tag: str) -> None:
        """End a hold; nothing happens if there is none."""
        self._table.transact(
            [
                Delete(partition_of(repository), f"hold#{tag}"),
                Delete(_EVERY, f"{repository}:{tag}"),
            ]
        )

    def all(self, repository: str | None = None) -> list[tuple[str, Hold]]:
        """Every hold with its repository, of one repository or of all, ended ones too."""
        prefix = "" if repository is None else f"{repository}:"
        items = self._table.query(_EVERY, prefix)
        return [(item.sk.rpartition(":")[0], hold_in(item)) for item in items]


def holding(repository: str, hold: Hold) -> list[Write]:
    """The writes that keep a hold: beside its repository, and among all holds."""
    until = None if hold.until is None else iso(hold.until)
    body = {
        "tag": hold.tag,
        "since": iso(hold.since),
        "until": until,
        "by": hold.by,
        "reason": hold.reason,
        "automatic": hold.automatic,
        "named": hold.named,
    }
    expires = None if hold.until is None else expiry(hold.until, _KEPT)
    return [
        Put(Item(partition_of(repository), f"hold#{hold.tag}", body, expires)),
        Put(Item(_EVERY, f"{repository}:{hold.tag}", body, expires)),
    ]


def hold_in(item: Item) -> Hold:
    """The hold in an item that `holding` writes."""
    until = item.body["until"]
    return Hold(
        tag=item.body["tag"],
        since=parse_time(item.body["since"]),
        until=None if until is None else parse_time(until),
        by=item.body["by"],
        reason=item.body["reason"],
        automatic=item.body["automatic"],
        named=item.body.get("named", False),
    )
