"""The changes that a kept plan has: a look that is narrowed to the plan makes no others.

| pk | sk | body |
|---|---|---|
| `repo#NAME` | `plan#PLAN#tags#N`, `plan#PLAN#settings#N` | digits of changes, the rules |

Nothing narrows but the message of a look that names the plan: once these items have expired, such
a look makes no change at all, and every other look goes on as ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ecr_steward.history.facts import partition_of
from ecr_steward.history.table import Item, Table, expiry
from ecr_steward.words.hints import REGISTRY

KEPT = timedelta(days=1)
"""How long a look may be late: its message may wait while the writers are paused."""

_AN_ITEM = 5_000
"""Most changes in one item, which takes 400 KB (DynamoDB Developer Guide: Quotas)."""

_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Planned:
    """The keys of the changes of tags and of settings that a plan has for one repository."""

    tags: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


class PlannedOnly:
    """Changes of which a look knows whether they are in its plan; without `digits` none is."""

    def __init__(self, digits: Iterable[str] = ()) -> None:
        self._digits = frozenset(digits)

    def holds(self, key: str) -> bool:
        """Whether the change of this key is in the plan."""
        return _digits(key) in self._digits

    def __or__(self, other: PlannedOnly) -> PlannedOnly:
        return PlannedOnly(self._digits | other._digits)


class PlannedChanges:
    """What plans have for each repository, over the history's table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def keep(self, plan: str, changes: Mapping[str, Planned], rules: str, now: datetime) -> None:
        """Keep what `plan` has for each repository; `rules` is the fingerprint it was made by."""
        self._table.put_all(
            Item(each.pk, each.sk, {"rules": rules, "changes": each.body}, expiry(now, KEPT))
            for repository, planned in changes.items()
            for each in _items(plan, repository, planned)
        )

    def tags(self, plan: str, repository: str, rules: str, now: datetime) -> PlannedOnly:
        """The changes of tags that `plan` has, where it was made by the same rules."""
        return self._read(f"plan#{plan}#tags#", repository, rules, now)

    def settings(self, plan: str, repository: str, rules: str, now: datetime) -> PlannedOnly:
        """The changes of settings that `plan` has, where it was made by the same rules."""
        return self._read(f"plan#{plan}#settings#", repository, rules, now)

    def _read(self, prefix: str, repository: str, rules: str, now: datetime) -> PlannedOnly:
        items = self._table.query(_partition(repository), prefix)
        return PlannedOnly(
            digits
            for item in items
            if item.body["rules"] == rules and (item.expires or 0) > now.timestamp()
            for digits in item.body["changes"]
        )


def _items(plan: str, repository: str, planned: Planned) -> Iterator[Item]:
    for what, keys in (("tags", planned.tags), ("settings", planned.settings)):
        digits = sorted(set(map(_digits, keys)))
        for number, start in enumerate(range(0, len(digits), _AN_ITEM)):
            sk = f"plan#{plan}#{what}#{number:03}"
            yield Item(_partition(repository), sk, digits[start : start + _AN_ITEM])


def _partition(repository: str) -> str:
    return partition_of("" if repository == REGISTRY else repository)


def _digits(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:_DIGITS]
