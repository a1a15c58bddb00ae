"""What runs, as history keeps it: a record for each repository, digest and workload.

| pk | sk | body |
|---|---|---|
| `running` | `NAME@DIGEST#SOURCE#WORKLOAD` | a workload on an image, with when it was seen |
| `running-looks` | SOURCE | when the source last completed a look |

All records stand in one partition, so that those of one repository, one image and all of them are
one query. They are as many as there are workloads, not tasks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ecr_steward.history.table import Delete, Item, Key, Table, expiry
from ecr_steward.words.reading import iso, parse_time
from ecr_steward.words.running import LOOK_COUNTS, LOOKED_AT, Running

_RUNNING = "running"
_LOOKS = "running-looks"
_UNSEEN_KEPT = timedelta(days=90)
"""How long a record is kept that nothing ended and nobody saw again."""

_WORTH_WRITING = timedelta(hours=1)
"""A thousand tasks of one service that start at once are one record, written once."""


class RunningImages:
    """What runs, over a table; `grace` is how long a workload that ended stays known."""

    def __init__(self, table: Table, grace: timedelta) -> None:
        self._table = table
        self._grace = grace

    def saw(self, records: Iterable[Running]) -> list[Running]:
        """Note what was seen to run, or to have ended; returns those that run and were unknown.

        Order and repetition do not matter. Two at the same time for one record may lose the
        earlier sight of the two; the next look has it.
        """
        each = _together(records)
        known = self._known(each)
        changed = [
            (known.get(key), record if key not in known else known[key].merged(record))
            for key, record in each.items()
        ]
        self._write(new for old, new in changed if old is None or _differs(old, new))
        return [new for old, new in changed if new.runs and (old is None or not old.runs)]

    def looked(self, source: str, found: Iterable[Running], began: datetime) -> list[Running]:
        """Note a look at a source that is complete: what it did not find had ended by then.

        What was seen since the look began goes on. Returns those that run and were unknown.
        """
        records = list(found)
        new = self.saw(records)
        keys = {record.key for record in records}
        self._write(
            replace(record, ended=began)
            for record in self.all()
            if record.source == source
            and record.runs
            and record.last_seen < began
            and record.key not in keys
        )
        self._table.put_all([Item(_LOOKS, source, iso(began))])
        return new

    def forget(self, source: str) -> int:
        """Forget all that a source ever said, and that it did; returns how many records."""
        gone = [record for record in self.all() if record.source == source]
        for record in gone:
            self._table.transact([Delete(_RUNNING, _sk(record))])
        self._table.transact([Delete(_LOOKS, source)])
        return len(gone)

    def all(self, repository: str | None = None, digest: str | None = None) -> list[Running]:
        """Every record, of one repository or one of its images; ended ones too, long after."""
        prefix = "" if repository is None else f"{repository}@{digest or ''}"
        return list(map(_record, self._table.query(_RUNNING, prefix)))

    def needed(self, repository: str, now: datetime) -> dict[str, list[Running]]:
        """By digest, what runs or ran within the grace, and so needs its image."""
        found: dict[str, list[Running]] = {}
        for record in self.all(repository):
            if record.needs_image(now, self._grace):
                found.setdefault(record.digest, []).append(record)
        return found

    def workloads(self, repository: str, now: datetime) -> dict[str, list[str]]:
        """The same, with the names of the workloads alone."""
        needed = self.needed(repository, now)
        return {digest: [each.workload for each in some] for digest, some in needed.items()}

    def looks(self) -> Mapping[str, datetime]:
        """When each source last completed a look."""
        return {item.sk: parse_time(item.body) for item in self._table.query(_LOOKS)}

    def unknown(self, sources: Collection[str], now: datetime) -> list[str]:
        """Those of `sources` of which nobody knows what runs now.

        The steward's own looks count for 48 hours, an import as long as the grace.
        """
        looks = self.looks()
        return [each for each in sources if not self._counts(each, looks.get(each), now)]

    def is_known(self, sources: Collection[str], now: datetime) -> bool:
        """Whether all that runs is known; never where no source is named."""
        return bool(sources) and not self.unknown(sources, now)

    def _counts(self, source: str, look: datetime | None, now: datetime) -> bool:
        own = source in LOOKED_AT or source.isdecimal()
        return look is not None and now - look <= (LOOK_COUNTS if own else self._grace)

    def _known(self, keys: Mapping[tuple[str, str, str, str], Running]) -> dict[object, Running]:
        items: dict[Key, Item] = self._table.get([(_RUNNING, _sk(each)) for each in keys.values()])
        return {record.key: record for record in map(_record, items.values())}

    def _write(self, records: Iterable[Running]) -> None:
        self._table.put_all(map(self._item, records))

    def _item(self, record: Running) -> Item:
        body = {
            "written": record.written,
            "first_seen": iso(record.first_seen),
            "last_seen": iso(record.last_seen),
            **({} if record.ended is None else {"ended": iso(record.ended)}),
        }
        kept = _UNSEEN_KEPT + self._grace if record.runs else self._grace
        return Item(_RUNNING, _sk(record), body, expiry(record.last, kept))


def _together(records: Iterable[Running]) -> dict[tuple[str, str, str, str], Running]:
    each: dict[tuple[str, str, str, str], Running] = {}
    for record in records:
        key = record.key
        each[key] = record if key not in each else each[key].merged(record)
    return each


def _differs(old: Running, new: Running) -> bool:
    """Whether what is known now is worth a write."""
    if new == old:
        return False
    same = replace(new, last_seen=old.last_seen) == old
    return not same or new.runs != old.runs or new.last_seen - old.last_seen >= _WORTH_WRITING


def _sk(record: Running) -> str:
    return f"{record.repository}@{record.digest}#{record.source}#{record.workload}"


def _record(item: Item) -> Running:
    image, source, workload = item.sk.split("#", 2)
    repository, _, digest = image.partition("@")
    ended = item.body.get("ended")
    return Running(
        repository=repository,
        digest=digest,
        source=source,
        workload=workload,
        written=item.body["written"],
        first_seen=parse_time(item.body["first_seen"]),
        last_seen=parse_time(item.body["last_seen"]),
        ended=None if ended is None else parse_time(ended),
    )
