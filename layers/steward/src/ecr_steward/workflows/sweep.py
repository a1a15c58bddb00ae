"""The sweep: repositories back through the writers' door, a slice at a time."""

from __future__ import annotations

import logging
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ecr_steward.events import Action, Cause, Fact, Hint, Kind, iso, parse_time
from ecr_steward.globs import glob_regex
from ecr_steward.history import History
from ecr_steward.registry import Registry
from ecr_steward.rules import Mode, Ruleset

if TYPE_CHECKING:
    from ecr_steward.workflows.retag import Retagger, Visit

log = logging.getLogger(__name__)

INTERVAL = timedelta(minutes=5)
"""Time between two slices: the schedule's rate."""

PORTION = 50
"""Most repositories that a sweep by hand sends at once: a live push waits behind no more."""

LOOK = -1
"""The portion of a sweep by hand that sends nothing, and says how much there would be to send."""

CAUSE = "Sweep"


@dataclass(frozen=True, slots=True)
class Slice:
    """Part `part` of the `of` parts of one sweep; `sweep` is the sweep's id."""

    sweep: str
    part: int
    of: int

    @classmethod
    def at(cls, time: datetime, hours: int) -> Slice:
        """The slice whose turn is at `time`, when a whole sweep takes `hours`."""
        of = max(1, int(timedelta(hours=hours) / INTERVAL))
        tick = int(time.timestamp() // INTERVAL.total_seconds())
        begin = datetime.fromtimestamp((tick - tick % of) * INTERVAL.total_seconds(), UTC)
        return cls(sweep=f"sweep-{iso(begin)}", part=tick % of, of=of)

    def previous(self) -> str:
        """The id of the sweep before this one."""
        begin = datetime.fromisoformat(self.sweep.removeprefix("sweep-"))
        return f"sweep-{iso(begin - self.of * INTERVAL)}"

    def holds(self, repository: str) -> bool:
        return zlib.crc32(repository.encode()) % self.of == self.part


@dataclass(frozen=True, slots=True)
class Sent:
    """A portion of a sweep by hand: `sent` now, of `matching` repositories in `parts` portions."""

    sent: int
    parts: int
    matching: int


class Sweeper:
    """Sends repositories to the writers, and says when a sweep is complete.

    `pattern` is the stack's part of the registry: another steward may look after the rest.
    """

    def __init__(
        self,
        *,
        rules: Ruleset,
        cap: Mode,
        history: History,
        clock: Callable[[], datetime],
        account: str,
        region: str,
        pattern: str = "*",
    ) -> None:
        self._rules = rules
        self._pattern = glob_regex((pattern,))
        self._cap = cap
        self._history = history
        self._clock = clock
        self._account = account
        self._region = region

    def tick(
        self, registry: Registry, send_all: Callable[[Iterable[Hint]], None], hours: int
    ) -> int:
        """Send the slice whose turn it is; returns how many repositories it has.

        Run again for the same time it sends the same messages, which SQS tells apart by id.
        """
        if self._cap is Mode.OFF:
            return 0
        now = self._clock()
        turn = Slice.at(now, hours)
        self._history.remember_pull_through(registry.pull_through_prefixes())
        chosen = [name for name in self._ours(registry) if turn.holds(name)]
        self._send(turn, chosen, send_all, visits=turn.sweep)
        previous = turn.previous()
        totals = self._history.totals(previous)
        if totals:
            self._complete(previous, totals)
        self.complete_if_done(turn.sweep)
        return len(chosen)

    def by_hand(
        self,
        registry: Registry,
        send_all: Callable[[Iterable[Hint]], None],
        glob: str,
        sweep: str,
        part: int = 0,
    ) -> Sent:
        """Send portion `part` of the repositories that `glob` matches, for the sweep `sweep`.

        The sweep is complete when every portion was sent and visited; nothing is recorded where
        nothing matches. Run again for the same portion it sends the same messages. Repositories
        that come or go between two portions shift the rest: one may then be visited twice, or be
        left to the regular sweep, and the totals count visits.
        """
        wanted = glob_regex((glob,))
        matching = sorted(name for name in self._ours(registry) if wanted.fullmatch(name))
        turn = Slice(f"hand-{sweep}", part, -(-len(matching) // PORTION))
        chosen = matching[part * PORTION : (part + 1) * PORTION] if part >= 0 else []
        # A portion that has become empty still counts for a sweep that has begun: it was expected.
        if chosen or (part > 0 and self._history.totals(turn.sweep)):
            self._history.remember_pull_through(registry.pull_through_prefixes())
            self._send(turn, chosen, send_all, visits=f"{turn.sweep}/{part}")
            self.complete_if_done(turn.sweep)
        return Sent(len(chosen), turn.of, len(matching))

    def done(self, hint: Hint, visit: Visit) -> None:
        """Note what a writer found in a repository that a sweep sent to it."""
        sweep, _, part = hint.cause.id.partition("/")
        counts = Counter(change.kind for change in visit.changes)
        totals = {_COUNTED[kind]: count for kind, count in counts.items()}
        finished = int(not visit.unfinished)
        if finished:
            totals |= {"images": visit.images, "first_sight": int(visit.first_sight)}
        totals = {name: n for name, n in totals.items() if n}
        self._history.swept(sweep, part, {**totals, "repositories": finished}, self._clock())
        if visit.first_sight and finished:
            self._history.remember_seen(hint.repository, self._clock())
        self.complete_if_done(sweep)

    def complete_if_done(self, sweep: str) -> None:
        """Record `Sweep Completed` once all parts are sent and all repositories were visited."""
        totals = self._history.totals(sweep)
        if totals and totals["parts"] >= totals["of"] and not _missing(totals):
            self._complete(sweep, totals)

    def _complete(self, sweep: str, totals: Mapping[str, int]) -> None:
        found = {name: n for name, n in totals.items() if name not in ("parts", "of", "expected")}
        told = {"repositories": 0, **found, "missing": _missing(totals)}
        fact = Fact(
            kind=Kind.SWEPT,
            cause=Cause(sweep, CAUSE),
            registry=self._account,
            region=self._region,
            repository="",
            mode=self._cap.value,
            rule="",
            rules=self._rules.fingerprint,
            reason=_summary(told, self._modes()),
            time=iso(self._clock()),
            totals=told,
        )
        if self._history.complete(sweep, fact):
            log.info(fact.reason, extra={"sweep": sweep, **told})

    def _modes(self) -> set[Mode]:
        """The modes in which the rules that say something about tags act here."""
        return {rule.mode.capped(self._cap) for rule in self._rules.rules if rule.tags is not None}

    def _ours(self, registry: Registry) -> Iterable[str]:
        for repository in registry.repositories():
            rule = self._rules.rule_for(repository)
            ours = self._pattern.fullmatch(repository) is not None
            if ours and rule is not None and rule.tags is not None:
                yield repository

    def _send(
        self,
        turn: Slice,
        chosen: list[str],
        send_all: Callable[[Iterable[Hint]], None],
        *,
        visits: str,
    ) -> None:
        """Note the slice and send it; `visits` begins the cause of each of its visits."""
        now = self._clock()
        self._history.expect(turn.sweep, turn.part, len(chosen), turn.of, now)
        send_all(
            Hint(name, Action.SWEEP, None, None, Cause(f"{visits}/{name}", CAUSE), now)
            for name in chosen
        )


def visit_and_report(
    tagger: Retagger,
    sweeper: Sweeper,
    send: Callable[[Hint], None],
    repository: str,
    hints: Sequence[Hint],
) -> Visit:
    """Visit a repository, and note it for every sweep that sent it.

    A visit that had more to write than one visit may is followed by another.
    """
    visit = tagger.visit(repository, hints)
    sweeps = [hint for hint in hints if hint.action is Action.SWEEP]
    for hint in sweeps:
        sweeper.done(hint, visit)
    if visit.unfinished:
        send(_next_visit(sweeps[0] if sweeps else hints[0]))
    return visit


def _next_visit(hint: Hint) -> Hint:
    """The hint that goes on where a visit for `hint` stopped, with a cause of its own."""
    beginning, _, part = hint.cause.id.partition("#")
    if "/" not in beginning:
        beginning = f"{beginning}/{hint.repository}"
    cause = Cause(f"{beginning}#{int(part or 1) + 1}", hint.cause.type)
    return Hint(hint.repository, Action.SWEEP, None, None, cause, hint.time)


def clock_of(event: Mapping[str, Any], now: Callable[[], datetime]) -> Callable[[], datetime]:
    """The time a schedule's event is for, so that a repeated event takes the same slice."""
    try:
        time = parse_time(str(event["time"]))
    except (KeyError, ValueError):
        return now
    return lambda: time


_COUNTED = {
    Kind.MOVE: "moved",
    Kind.PIN: "pinned",
    Kind.RESTORE: "restored",
    Kind.REMOVE: "removed",
    Kind.REJECT: "rejected",
    Kind.OVERWRITE: "overwritten",
    Kind.HELD: "held",
    Kind.FAILED: "failed",
}


def _missing(totals: Mapping[str, int]) -> int:
    return max(0, totals["expected"] - totals.get("repositories", 0))


_NOUNS = {
    "moved": ("tag", "tags"),
    "rejected": ("tag", "tags"),
    "overwritten": ("tag", "tags"),
    "restored": ("tag", "tags"),
    "removed": ("tag", "tags"),
    "held": ("tag", "tags"),
    "pinned": ("image", "images"),
    "failed": ("change", "changes"),
}

_WISHES = {
    "moved": "would move",
    "pinned": "would be pinned",
    "restored": "would be restored",
    "removed": "would be removed",
}
"""What audit mode says of the changes that it does not make."""


def _summary(totals: Mapping[str, int], modes: Collection[Mode]) -> str:
    """What a sweep found, in one sentence; `modes` are those that its rules act in."""
    rest = []
    if totals.get("first_sight"):
        rest.append(f"{totals['first_sight']:,} seen for the first time")
    if totals["missing"]:
        rest.append(f"{totals['missing']:,} not finished")
    swept = f"{_counted(totals['repositories'], 'repository', 'repositories')} swept"
    found = ", ".join(_findings(totals, modes))
    return "; ".join(filter(None, [f"{swept}: {found}" if found else swept, ", ".join(rest)])) + "."


def _findings(totals: Mapping[str, int], modes: Collection[Mode]) -> Iterator[str]:
    """Each finding with its number; what is counted is named once for those it is shared by."""
    named = None
    for name, nouns in _NOUNS.items():
        count = totals.get(name)
        if count:
            number = f"{count:,}" if nouns == named else _counted(count, *nouns)
            yield f"{number} {_verb(name, modes)}"
            named = nouns


def _verb(name: str, modes: Collection[Mode]) -> str:
    if name not in _WISHES:
        return name
    if Mode.ENFORCE not in modes:
        return _WISHES[name]
    if Mode.AUDIT in modes:
        return f"{name} or, by rules in audit mode, {_WISHES[name]}"
    return name


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
