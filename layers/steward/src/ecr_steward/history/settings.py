"""What history keeps of a repository's settings, in items of its own.

The writer of tags and the writer of settings may be at work on one repository at the same time, and
neither touches an item of the other's:

| pk | sk | body |
|---|---|---|
| `repo#NAME` | `settings` | the drift that is known, the Sids that the steward set |
| `repo#NAME` | `settings-open` | the corrections announced and not yet closed |
| `repo#NAME` | `settings-led#CAUSE` | how often a cause led to which fact, by the fact's first id |

The registry's own settings are those of the repository without a name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ecr_steward.history.facts import _REGISTRY, _fact, _repo, body_of
from ecr_steward.history.table import Delete, Item, Put, Table, Write
from ecr_steward.history.tags import Led, _distinct, _leading, _led, _led_after, _led_keys
from ecr_steward.words.facts import Difference, Fact
from ecr_steward.words.reading import iso, parse_time

_AT_ONCE = 40
"""Most facts of a kind in one transaction, which takes 100 writes."""

_LED = "settings-led"

_KEY = 24
"""Hex digits of what is remembered of a known drift: enough for the few that a repository has."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a repository's settings.

    `seen` is whether anybody ever looked; `created` tells a repository from one of the same name
    that was deleted. `told` are the keys of the drift that is there and was told, `sids` those of
    the statements that the steward set, `previewed` when it began the lifecycle preview that it
    still waits for. `led` has an entry for each cause asked for.
    """

    seen: bool = False
    created: str = ""
    told: frozenset[str] = frozenset()
    sids: frozenset[str] = frozenset()
    previewed: datetime | None = None
    open: tuple[Fact, ...] = ()
    pull_through: tuple[str, ...] = ()
    led: Led = field(default_factory=dict)

    def caches(self, repository: str) -> bool:
        """Whether a pull-through cache owns the repository.

        The prefix `ROOT` stands for all repositories (ECR API: CreatePullThroughCacheRule).
        """
        prefixes = [prefix.rstrip("/") for prefix in self.pull_through]
        return any(each == "ROOT" or repository.startswith(f"{each}/") for each in prefixes)

    def of(self, created: str) -> Known:
        """What holds for the repository made at `created`: of another, nothing that was found."""
        if created == self.created or not self.seen:
            return replace(self, created=created)
        return Known(seen=True, created=created, pull_through=self.pull_through, led=self.led)


def key_of(difference: Difference, *also: str) -> str:
    """What tells a finding from every other of its repository; it changes with what is found, with
    what is asked for and with what is done about it."""
    text = "\n".join((difference.key, difference.action, *also))
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY]


class SettingsHistory:
    """What the writer of settings writes down, over history's table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def recall(self, repository: str, causes: Iterable[str] = ()) -> Known:
        """What is known of a repository's settings and of causes: one read of the table."""
        pk = _repo(repository)
        asked = _led_keys(pk, _LED, causes)
        keys = [(pk, "settings"), (pk, "settings-open"), _REGISTRY, *asked.values()]
        items = self._table.get(keys)
        noted, opened = items.get((pk, "settings")), items.get((pk, "settings-open"))
        caches = items.get(_REGISTRY)
        body: Any = {} if noted is None else noted.body
        return Known(
            seen=noted is not None,
            created=body.get("created", ""),
            told=frozenset(body.get("told", ())),
            sids=frozenset(body.get("sids", ())),
            previewed=parse_time(body["previewed"]) if body.get("previewed") else None,
            open=() if opened is None else tuple(map(_announced, opened.body)),
            pull_through=() if caches is None else tuple(caches.body),
            led=_led(items, asked),
        )

    def intend(self, repository: str, facts: Sequence[Fact], known: Known) -> None:
        """Announce corrections before ECR is changed, and note what is known then."""
        self._table.transact([_open(repository, facts), _noted(repository, known)])

    def note(self, repository: str, known: Known) -> None:
        """Note what is known, and nothing else."""
        self._table.put_all([_noted(repository, known).item])

    def close(
        self,
        repository: str,
        known: Known,
        done: Sequence[Fact],
        found: Mapping[str, Fact],
        *,
        quietly: bool = False,
        left: Sequence[Fact] = (),
    ) -> Known:
        """Record what was done and, by their keys, findings, together with what is known then.

        `left` stay open. With `quietly` findings are kept, and told in the sweep's summary only.
        Returns what is known of causes, too, from now on.
        """
        pk, told = _repo(repository), [*done, *found.values()]
        known = replace(known, led=_led_after(self._table, pk, _LED, told, known.led))
        done, keys = _distinct(done), list(found)
        while len(done) > _AT_ONCE:
            # Announced facts: after a crash the very same are recorded again.
            self._table.transact([Put(_fact(fact)) for fact in done[:_AT_ONCE]])
            done = done[_AT_ONCE:]
        while len(keys) > _AT_ONCE:
            now, keys = keys[:_AT_ONCE], keys[_AT_ONCE:]
            noted = _noted(repository, replace(known, told=known.told.difference(keys)))
            self._table.transact([*(Put(_fact(found[k], quietly=quietly)) for k in now), noted])
        opened: Write = Delete(_repo(repository), "settings-open")
        self._table.transact(
            [
                *(Put(_fact(fact)) for fact in done),
                *(Put(_fact(found[key], quietly=quietly)) for key in keys),
                *_leading(pk, _LED, told, known.led),
                _open(repository, left) if left else opened,
                _noted(repository, known),
            ]
        )
        return replace(known, open=tuple(left))

    def forget(self, repository: str) -> None:
        """The repository is gone: what was known and announced of it means nothing any more."""
        pk = _repo(repository)
        self._table.transact([Delete(pk, "settings"), Delete(pk, "settings-open")])


def _announced(body: Any) -> Fact:
    return Fact.from_detail(body["detail-type"], body["detail"])


def _open(repository: str, facts: Iterable[Fact]) -> Put:
    return Put(
        Item(_repo(repository), "settings-open", [body_of(fact) for fact in _distinct(facts)])
    )


def _noted(repository: str, known: Known) -> Put:
    body: dict[str, Any] = {"created": known.created, "told": sorted(known.told)}
    if known.sids:
        body["sids"] = sorted(known.sids)
    if known.previewed is not None:
        body["previewed"] = iso(known.previewed)
    return Put(Item(_repo(repository), "settings", body))
