"""The sweep: repositories back through the writers' doors, a slice at a time.

A repository is sent to the writer of tags if its rule says something about tags, and to the writer
of settings if it says something about settings; it counts once, and each visit has a cause of its
own.
"""

from __future__ import annotations

import logging
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ecr_steward.ecr import Registry
from ecr_steward.history.tags import History
from ecr_steward.rules import Mode, Rule, Ruleset
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, Kind
from ecr_steward.words.globs import glob_regex
from ecr_steward.words.hints import REGISTRY, Action, Hint
from ecr_steward.words.reading import iso, parse_time

if TYPE_CHECKING:
    from ecr_steward.writers.settings import Enforcer, SettingsVisit
    from ecr_steward.writers.tags import Retagger, Visit

log = logging.getLogger(__name__)

INTERVAL = timedelta(minutes=5)
"""Time between two slices: the schedule's rate."""

PORTION = 50
"""Most repositories that a sweep by hand sends at once: a live push waits behind no more."""

LOOK = -1
"""The portion of a sweep by hand that sends nothing, and says how much there would be to send."""

CAUSE = "Sweep"

SETTINGS = ":settings"
"""Ends the cause of a visit to settings; no repository's name holds a colon."""

SendAll = Callable[[Iterable[Hint]], object]
"""What sends hints to a queue."""


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

    `cap` is the stack's mode, `settings_cap` that for settings, which is not higher. `pattern` is
    the stack's part of the registry: another steward may look after the rest.
    """

    def __init__(
        self,
        *,
        rules: Ruleset,
        cap: Mode,
        settings_cap: Mode = Mode.OFF,
        history: History,
        clock: Callable[[], datetime],
        account: str,
        region: str,
        pattern: str = "*",
    ) -> None:
        self._rules = rules
        self._pattern = glob_regex((pattern,))
        self._cap = cap
        self._settings_cap = settings_cap.capped(cap)
        self._history = history
        self._clock = clock
        self._account = account
        self._region = region

    def tick(
        self, registry: Registry, send_tags: SendAll, hours: int, send_settings: SendAll = list
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
        self._send(turn, chosen, (send_tags, send_settings), visits=turn.sweep, whole=True)
        previous = turn.previous()
        totals = self._history.totals(previous)
        if totals:
            self._complete(previous, totals)
        self.complete_if_done(turn.sweep)
        return len(chosen)

    def by_hand(
        self,
        registry: Registry,
        send_tags: SendAll,
        glob: str,
        sweep: str,
        part: int = 0,
        send_settings: SendAll = list,
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
            doors = (send_tags, send_settings)
            visits = f"{turn.sweep}/{part}"
            self._send(turn, chosen, doors, visits=visits, whole=glob == "*")
            self.complete_if_done(turn.sweep)
        return Sent(len(chosen), turn.of, len(matching))

    def done(self, hint: Hint, visit: Visit) -> None:
        """Note what the writer of tags found in a repository that a sweep sent to it."""
        counts = Counter(change.kind for change in visit.changes)
        finished = int(not visit.unfinished)
        totals = {"repositories": finished}
        if finished:
            totals |= {"images": visit.images, "first_sight": int(visit.first_sight)}
        self._note(hint, counts, totals)
        if visit.first_sight and finished:
            self._history.remember_seen(hint.repository, self._clock())

    def settings_done(self, hint: Hint, visit: SettingsVisit) -> None:
        """Note what the writer of settings found where a sweep sent it."""
        rule = None if hint.repository == REGISTRY else self._rules.rule_for(hint.repository)
        if rule is None or rule.tags is not None:
            # The registry is no repository, and the writer of tags counts this one.
            self._note(hint, visit.found, {_SECOND: 1})
        else:
            totals = {"repositories": 1, "first_sight": int(visit.first_sight)}
            self._note(hint, visit.found, totals)

    def _note(self, hint: Hint, found: Mapping[Kind, int], totals: Mapping[str, int]) -> None:
        sweep, _, part = hint.cause.id.partition("/")
        counted = {_COUNTED[kind]: count for kind, count in found.items()}
        kept = {name: n for name, n in {**counted, **totals}.items() if n}
        # A visit is noted with nothing to count, too.
        self._history.swept(sweep, part, kept or {"repositories": 0}, self._clock())
        self.complete_if_done(sweep)

    def complete_if_done(self, sweep: str) -> None:
        """Record `Sweep Completed` once all parts are sent and all repositories were visited."""
        totals = self._history.totals(sweep)
        if totals and totals["parts"] >= totals["of"] and not _missing(totals):
            self._complete(sweep, totals)

    def _complete(self, sweep: str, totals: Mapping[str, int]) -> None:
        found = {name: n for name, n in totals.items() if name not in _INTERNAL}
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
            ours = self._pattern.fullmatch(repository) is not None
            if ours and any(self._visits(self._rules.rule_for(repository))):
                yield repository

    def _visits(self, rule: Rule | None) -> tuple[bool, bool]:
        """Whether the writer of tags visits a rule's repositories, and the writer of settings."""
        if rule is None:
            return False, False
        settings = self._settings_cap is not Mode.OFF and bool(rule.repository)
        return rule.tags is not None, settings

    def _send(
        self,
        turn: Slice,
        chosen: list[str],
        doors: tuple[SendAll, SendAll],
        *,
        visits: str,
        whole: bool,
    ) -> None:
        """Note the slice and send it; `visits` begins the cause of each of its visits.

        The first slice of a `whole` sweep takes the registry's own settings along.
        """
        now = self._clock()
        wanted = [(name, *self._visits(self._rules.rule_for(name))) for name in chosen]
        tags = [name for name, tagged, _ in wanted if tagged]
        settings = [name for name, _, set_too in wanted if set_too]
        if whole and turn.part == 0 and self._looks_at_registry():
            settings.append(REGISTRY)
        self._history.expect(turn.sweep, turn.part, len(tags) + len(settings), turn.of, now)
        for names, send_all, end in zip((tags, settings), doors, ("", SETTINGS), strict=True):
            if names:
                send_all(
                    Hint(name, Action.SWEEP, None, None, Cause(f"{visits}/{name}{end}", CAUSE), now)
                    for name in names
                )

    def _looks_at_registry(self) -> bool:
        return self._settings_cap is not Mode.OFF and bool(self._rules.registry)


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


def visit_settings_and_report(
    enforcer: Enforcer, sweeper: Sweeper, repository: str, hints: Sequence[Hint]
) -> SettingsVisit:
    """Visit the settings of a repository, and note it for every sweep that sent it."""
    visit = enforcer.visit(repository, hints)
    for hint in hints:
        if hint.action is Action.SWEEP:
            sweeper.settings_done(hint, visit)
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
    Kind.STALE: "stale",
    Kind.DRIFT: "drifted",
    Kind.CORRECT: "corrected",
    Kind.FAILED: "failed",
}

_SECOND = "second_visits"
"""Counts the visits beside the one that a repository is counted by."""

_INTERNAL = frozenset({"parts", "of", "expected", _SECOND})


def visits(totals: Mapping[str, int]) -> int:
    """How many of the visits that a sweep expects were finished; a repository can have two."""
    return totals.get("repositories", 0) + totals.get(_SECOND, 0)


def _missing(totals: Mapping[str, int]) -> int:
    return max(0, totals["expected"] - visits(totals))


_NOUNS = {
    "moved": ("tag", "tags"),
    "rejected": ("tag", "tags"),
    "overwritten": ("tag", "tags"),
    "restored": ("tag", "tags"),
    "removed": ("tag", "tags"),
    "held": ("tag", "tags"),
    "stale": ("tag", "tags"),
    "pinned": ("image", "images"),
    "corrected": ("setting", "settings"),
    "drifted": ("setting", "settings"),
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
