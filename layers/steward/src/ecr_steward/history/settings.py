"""What history keeps of a repository's settings, in items of its own.

The writer of tags and the writer of settings may be at work on one repository at the same time, and
neither touches an item of the other's:

| pk | sk | body |
|---|---|---|
| `repo#NAME` | `settings` | the drift that is known, the Sids that the steward set |
| `repo#NAME` | `settings-open`, `settings-open#HASH` | the corrections announced, not yet closed |
| `repo#NAME` | `settings-led#CAUSE` | how often a cause led to which fact, by the fact's first id |

The registry's own settings are those of the repository without a name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ecr_steward.history.announced import Announced
from ecr_steward.history.facts import (
    PULL_THROUGH,
    distinct,
    fact_item,
    partition_of,
    portions,
    pull_through_in,
)
from ecr_steward.history.numbering import Led, Numbering
from ecr_steward.history.table import Delete, Item, Put, Table
from ecr_steward.settings.lifecycle import Expiring
from ecr_steward.settings.state import Problem, SettingAction
from ecr_steward.words.facts import Difference, Fact
from ecr_steward.words.globs import PullThrough
from ecr_steward.words.reading import iso, parse_time

if TYPE_CHECKING:
    from ecr_steward.history.planned import PlannedChanges

_AT_ONCE = 30
"""Most facts of a kind in one transaction, which takes 100 writes, and _BYTES of them: 4 MB."""

_BYTES = 1_500_000

_KEY = 24
"""Hex digits of what is remembered of a known drift: enough for the few that a repository has."""


@dataclass(frozen=True, slots=True)
class Judged:
    """When the lifecycle policy that is there was last held against what runs, and what it takes
    of that. `state` tells this policy and these images from all others."""

    state: str
    at: datetime
    takes: tuple[Expiring, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a repository's settings.

    `seen` is whether anybody ever looked; `created` tells a repository from one of the same name
    that was deleted. `told` are the keys of the drift that is there and was told, `sids` those of
    the statements that the steward set, `previewed` when it began the lifecycle preview that it
    still waits for, `judged` what was found of the lifecycle policy in place. `led` has an entry
    for each cause asked for.
    """

    seen: bool = False
    created: str = ""
    told: frozenset[str] = frozenset()
    sids: frozenset[str] = frozenset()
    previewed: datetime | None = None
    judged: Judged | None = None
    open: tuple[Fact, ...] = ()
    pull_through: PullThrough = field(default_factory=PullThrough)
    led: Led = field(default_factory=dict)

    def of(self, created: str) -> Known:
        """What holds for the repository made at `created`: of another, nothing that was found."""
        if created == self.created or not self.seen:
            return replace(self, created=created)
        return Known(seen=True, created=created, pull_through=self.pull_through, led=self.led)


def key_of(difference: Difference, *also: str) -> str:
    """What tells a finding from every other of its repository; it changes with what is found, with
    what is asked for and with what is done about it.

    A policy that is refused for what runs stays one finding, or each deployment would be told.
    """
    running = (Problem.EXPIRES_RUNNING, SettingAction.REFUSE)
    if (difference.problem, difference.action) == running:
        difference = replace(difference, before=None)
    text = "\n".join((difference.key, difference.action, *also))
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY]


class SettingsHistory:
    """What the writer of settings writes down, over history's table; `planned` stands there too."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._open = Announced(table, "settings-open")
        self._led = Numbering(table, "settings-led")

    @property
    def planned(self) -> PlannedChanges:
        """The changes that kept plans have."""
        # Most sandboxes never see one.
        from ecr_steward.history.planned import PlannedChanges

        return PlannedChanges(self._table)

    def recall(self, repository: str, causes: Iterable[str] = ()) -> Known:
        """What is known of a repository's settings and of causes: one read of the table."""
        pk = partition_of(repository)
        asked = self._led.keys(pk, causes)
        keys = [(pk, "settings"), self._open.at(pk), PULL_THROUGH, *asked.values()]
        items = self._table.get(keys)
        noted = items.get((pk, "settings"))
        body: Any = {} if noted is None else noted.body
        return Known(
            seen=noted is not None,
            created=body.get("created", ""),
            told=frozenset(body.get("told", ())),
            sids=frozenset(body.get("sids", ())),
            previewed=parse_time(body["previewed"]) if body.get("previewed") else None,
            judged=_judged(body.get("judged")),
            open=self._open.read(pk, items),
            pull_through=pull_through_in(items),
            led=self._led.read(items, asked),
        )

    def announce(self, repository: str, facts: Sequence[Fact], known: Known) -> None:
        """Announce corrections before ECR is changed, and note what is known then."""
        announced = self._open.write(partition_of(repository), facts)
        self._table.transact([*announced, _noted(repository, known)])

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
        pk, told = partition_of(repository), [*done, *found.values()]
        known = replace(known, led=self._led.after(pk, told, known.led))
        *earlier, last = [*portions(distinct(done), _AT_ONCE, _BYTES)] or [[]]
        for portion in earlier:
            # Announced facts: after a crash the very same are recorded again.
            self._table.transact([Put(fact_item(fact)) for fact in portion])
        findings = {fact.id: fact for fact in found.values()}
        *sooner, rest = [*portions(findings.values(), _AT_ONCE, _BYTES)] or [[]]
        untold = set(findings)
        for portion in sooner:
            untold -= {fact.id for fact in portion}
            waiting = {key for key, fact in found.items() if fact.id in untold}
            noted = _noted(repository, replace(known, told=known.told - waiting))
            self._table.transact(
                [*(Put(fact_item(fact, quietly=quietly)) for fact in portion), noted]
            )
        self._table.transact(
            [
                *(Put(fact_item(fact)) for fact in last),
                *(Put(fact_item(fact, quietly=quietly)) for fact in rest),
                *self._led.writes(pk, told, known.led),
                *self._open.write(pk, left),
                _noted(repository, known),
            ]
        )
        return replace(known, open=tuple(left))

    def forget(self, repository: str) -> None:
        """The repository is gone: what was known and announced of it means nothing any more."""
        pk = partition_of(repository)
        self._table.transact([Delete(pk, "settings"), *self._open.write(pk, ())])


def _noted(repository: str, known: Known) -> Put:
    body: dict[str, Any] = {"created": known.created, "told": sorted(known.told)}
    if known.sids:
        body["sids"] = sorted(known.sids)
    if known.previewed is not None:
        body["previewed"] = iso(known.previewed)
    if known.judged is not None:
        takes = [[e.digest, list(e.tags), e.priority, e.archives] for e in known.judged.takes]
        body["judged"] = {"state": known.judged.state, "at": iso(known.judged.at), "takes": takes}
    return Put(Item(partition_of(repository), "settings", body))


def _judged(body: Any) -> Judged | None:
    if body is None:
        return None
    takes = (Expiring(digest, tuple(tags), int(n), bool(a)) for digest, tags, n, a in body["takes"])
    return Judged(body["state"], parse_time(body["at"]), tuple(takes))
