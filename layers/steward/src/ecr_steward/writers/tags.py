"""The writer of tags: observe a repository, plan, write down, apply."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from ecr_steward.ecr import (
    ImageGone,
    Manifest,
    Registry,
    RegistryError,
    RepositoryGone,
    Unavailable,
)
from ecr_steward.history.tags import History, Memory, numbered
from ecr_steward.rules import Mode, Rule, Ruleset
from ecr_steward.tags.plan import WRITES, Change, Plan, Stay, plan_changes
from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.settle import settle
from ecr_steward.tags.state import Mark
from ecr_steward.words.facts import Fact, Kind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import iso
from ecr_steward.writers.batch import StewardOff
from ecr_steward.writers.contest import Contest, Witness, nobody
from ecr_steward.writers.survey import Survey, Surveyor

log = logging.getLogger(__name__)

WRITES_PER_VISIT = 80
"""Most tags put in one visit, so that a first sweep of a large repository stays within one
function's time, and its facts with what its causes led to (10, a batch's messages) within one
transaction; the rest follows in another visit."""

FINDINGS_PER_VISIT = 500
"""Most findings told, and KNOWN_PER_VISIT most unique tags remembered, for the same reason."""

KNOWN_PER_VISIT = 2500

TAGS_TOLD = 8
"""Most tags of an image that a fact names, unique ones first: an image can have 1,000, and an item
of the table only 400 KB (DynamoDB Developer Guide: Quotas)."""

_ATTEMPTS = 3
"""How often a repository is read again because an image vanished between two reads."""

Spread = Callable[[Callable[[Change], Any], Iterable[Change]], Iterable[Any]]
"""`map`, or the map of a pool that makes calls in parallel."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visit to a repository led to.

    `facts` are those newly told; `changes` what was written, and with the last of several visits
    everything that was found, told before or not. `unfinished` asks for another visit. `contested`
    counts the facts that tell of a tag which the steward itself holds. `stays` is why stable tags
    are where they belong.
    """

    facts: tuple[Fact, ...] = ()
    changes: tuple[Change, ...] = ()
    images: int = 0
    first_sight: bool = False
    unfinished: bool = False
    contested: int = 0
    stays: tuple[Stay, ...] = ()


@dataclass(slots=True)
class _Written:
    done: list[Change] = field(default_factory=list)
    failed: list[Change] = field(default_factory=list)
    passing: list[tuple[Change, Unavailable]] = field(default_factory=list)
    refused: frozenset[str] = frozenset()
    """Unique tags that did not go back to their images."""


class Retagger:
    """Brings the stable tags of one repository at a time to where they belong.

    `cap` is the stack's mode, `clock` gives the time (UTC) that facts carry, `spread` makes the
    writes of one plan (in parallel, if it can). `allow_removal` is whether the stack allows that
    unknown tags are removed; otherwise they are reported. `witness` says who took a tag away, where
    the steward gives it up.
    """

    def __init__(
        self,
        *,
        rules: Ruleset,
        cap: Mode,
        registry: Registry,
        history: History,
        clock: Callable[[], datetime],
        account: str,
        region: str,
        spread: Spread = map,
        allow_removal: bool = False,
        witness: Witness = nobody,
    ) -> None:
        self._rules = rules if allow_removal else rules.without_removal()
        self._cap = cap
        self._registry = registry
        self._history = history
        self._surveyor = Surveyor(registry, history)
        self._contest = Contest(history, witness)
        self._clock = clock
        self._account = account
        self._region = region
        self._spread = spread

    def visit(self, repository: str, hints: Sequence[Hint]) -> Visit:
        """Look at what `hints` (all of `repository`) are about and do what the plan says.

        A second visit for the same hints does nothing. Raises Unavailable if a passing fault kept
        it from finishing: whatever was done is recorded, and the next visit goes on from there.
        """
        rule = self._rules.rule_for(repository)
        if rule is None or rule.tags is None:
            log.info("No rule has tags for this repository", extra={"repository": repository})
            return Visit()
        mode = rule.mode.capped(self._cap)
        if mode is Mode.OFF:
            raise StewardOff("Mode is off.")
        parts = _apart(hints)
        return _together([self._look(repository, rule, rule.tags, mode, part) for part in parts])

    def _look(
        self, repository: str, rule: Rule, scheme: Scheme, mode: Mode, hints: Sequence[Hint]
    ) -> Visit:
        for _ in range(_ATTEMPTS):
            try:
                return self._visit(repository, rule, scheme, mode, hints)
            except ImageGone as error:
                log.info("An image vanished while it was read", extra={"error": str(error)})
                gone = error
            except RepositoryGone:
                log.warning("The repository is gone", extra={"repository": repository})
                return Visit()
        raise Unavailable(gone.operation, gone.code, gone.message) from gone

    def _visit(
        self,
        repository: str,
        rule: Rule,
        scheme: Scheme,
        mode: Mode,
        hints: Sequence[Hint],
        frozen: frozenset[str] = frozenset(),
    ) -> Visit:
        sweep = next((hint for hint in hints if hint.action is Action.SWEEP), None)
        if sweep is None:
            look = self._surveyor.survey(repository, scheme, hints, self._clock(), frozen)
        else:
            look = self._surveyor.survey_all(repository, scheme, sweep, self._clock(), frozen)
        if look is None or self._is_cache(repository, rule, look.memory):
            return Visit()
        plan = self._plan(repository, scheme, mode, look)
        writes = _portion(plan) if mode is Mode.ENFORCE else ()
        self._surveyor.fetch_missing(repository, writes, look)
        settled = self._settle(repository, look, hints)
        stamp = _Stamp(self, rule, scheme, mode, repository, look.memory)
        quiet = look.memory.first_sight
        found = [*(plan.findings if mode is Mode.ENFORCE else plan.changes), *look.failures]
        undone = _undone(plan, writes)
        unsaid = self._history.unsaid(stamp.facts(each for each in found if each not in undone))
        findings = unsaid[:FINDINGS_PER_VISIT]
        stamp.count([*writes, *undone], () if quiet else findings)
        written = self._write(repository, writes, undone, look, stamp)
        told = [*settled, *stamp.facts(written.done)]
        if written.refused and not written.passing:
            told += self._history.say(stamp.facts(written.failed), quietly=quiet)
            frozen |= written.refused
            after = self._visit(repository, rule, scheme, mode, hints, frozen)
            return replace(
                after,
                facts=(*told, *after.facts),
                changes=(*written.done, *written.failed, *after.changes),
            )
        told += self._history.say(
            [*stamp.counted(findings), *stamp.facts(written.failed)], quietly=quiet
        )
        accepted = _accepted(plan, written) if mode is Mode.ENFORCE else plan.known
        known = dict(islice(accepted.items(), KNOWN_PER_VISIT))
        freed = dict(islice(plan.freed.items(), KNOWN_PER_VISIT))
        self._history.say(stamp.facts(plan.passed), quietly=True)
        marks = _marks(plan, written.done, look)
        pushed = {each.digest: each.pushed_at for each in look.observed.images.values()}
        self._history.remember(repository, marks, plan.forgotten, known, pushed, freed)
        if written.passing:
            raise written.passing[0][1]
        unfinished = (
            len(findings) < len(unsaid)
            or len(known) < len(plan.known)
            or len(freed) < len(plan.freed)
            # Where all of a visit's writes were refused, another visit would be refused them too.
            or (bool(written.done) and len(writes) < len(plan.writes))
        )
        _log_plan(repository, mode, plan, detailed=sweep is None)
        return Visit(
            facts=tuple(told),
            changes=(*written.done, *written.failed, *(() if unfinished else found)),
            images=len(look.observed.images),
            first_sight=quiet,
            unfinished=unfinished,
            stays=plan.stays,
            contested=sum(fact.contested for fact in told),
        )

    def _plan(self, repository: str, scheme: Scheme, mode: Mode, look: Survey) -> Plan:
        """The plan, once every tag that somebody else keeps taking away is held."""
        look.know_holds(self._contest.ask_again(repository, look.held(), self._clock()))
        plan = plan_changes(scheme, look.about, look.observed)
        if mode is not Mode.ENFORCE or not plan.taken:
            return plan
        look.note_taken(plan.taken, self._contest.note(repository, plan.taken, self._clock()))
        return plan_changes(scheme, look.about, look.observed)

    def _settle(self, repository: str, look: Survey, hints: Sequence[Hint]) -> list[Fact]:
        """Close what an earlier visit announced and did not close, by looking at ECR."""
        if not look.memory.open:
            return []
        done = settle(look.memory.open, look.observed.images.values(), hints)
        led = self._history.close(repository, done, led=look.memory.led)
        look.memory = replace(look.memory, led=led)
        return done

    def _is_cache(self, repository: str, rule: Rule, memory: Memory) -> bool:
        """Whether a pull-through cache owns the repository and no rule claims it by name.

        The prefix `ROOT` stands for all repositories (ECR API: CreatePullThroughCacheRule).
        """
        prefixes = [prefix.rstrip("/") for prefix in memory.pull_through]
        cached = any(each == "ROOT" or repository.startswith(f"{each}/") for each in prefixes)
        return cached and not rule.names(repository)

    def _write(
        self,
        repository: str,
        writes: Sequence[Change],
        undone: Sequence[Change],
        look: Survey,
        stamp: _Stamp,
    ) -> _Written:
        written = _Written()
        if not writes:
            return written
        self._history.intend(repository, stamp.facts([*writes, *undone]))
        pinned = {change.after for change in writes if change.kind is Kind.PIN}
        restores = [change for change in writes if change.kind is Kind.RESTORE]
        for kind in WRITES:
            written.refused = frozenset(c.tag for c in restores if c not in written.done)
            if written.refused and WRITES.index(kind) > WRITES.index(Kind.RESTORE):
                # What follows was planned as if every unique tag had gone back.
                break
            # Without its pin an image would be left without a tag: then its tag does not move.
            stranded = pinned - {each.after for each in written.done if each.kind is Kind.PIN}
            batch = [c for c in writes if c.kind is kind]
            if kind is not Kind.PIN:
                batch = [c for c in batch if c.before not in stranded]
            self._carry_out(repository, batch, look.manifests, written)
        written.done += [each for each in undone if each.tag not in written.refused]
        left = [change for change, _ in written.passing]
        left += [each for each in undone if each.tag in {change.tag for change in left}]
        done = stamp.facts(written.done)
        self._history.close(repository, done, stamp.facts(left), look.memory.led)
        return written

    def _carry_out(
        self,
        repository: str,
        batch: Sequence[Change],
        manifests: Mapping[str, Manifest],
        written: _Written,
    ) -> None:
        def write(change: Change) -> RegistryError | None:
            try:
                self._write_one(repository, change, manifests)
            except RegistryError as error:
                return error
            return None

        for change, error in zip(batch, self._spread(write, batch), strict=True):
            if error is None:
                written.done.append(change)
            elif isinstance(error, Unavailable):
                written.passing.append((change, error))
            else:
                written.failed.append(_failed(change, error))

    def _write_one(
        self, repository: str, change: Change, manifests: Mapping[str, Manifest]
    ) -> None:
        if change.kind is Kind.REMOVE:
            self._registry.untag(repository, change.tag, change.before or "")
            return
        manifest = manifests.get(change.after or "")
        if manifest is None:
            raise RegistryError("BatchGetImage", "ImageInaccessible", "no manifest was given")
        self._registry.put(repository, manifest, change.tag)


class _Stamp:
    """Makes facts of changes: what all facts of one visit have in common."""

    def __init__(
        self,
        tagger: Retagger,
        rule: Rule,
        scheme: Scheme,
        mode: Mode,
        repository: str,
        memory: Memory,
    ) -> None:
        self._scheme = scheme
        self._account, self._region = tagger._account, tagger._region
        self._fingerprint = tagger._rules.fingerprint
        self._time = iso(tagger._clock())
        self._rule, self._mode, self._repository = rule.label(), mode.value, repository
        self._led = memory.led
        self._opened = {fact.id: fact.of for fact in memory.open}
        self._contested = memory.contested
        self._of: Counter[str] = Counter()
        self._made: dict[int, tuple[Change, Fact]] = {}

    def count(self, changes: Iterable[Change], findings: Iterable[Fact]) -> None:
        """Let every fact know how many of these, which are told together, its cause led to."""
        self._of = Counter(change.hint.cause.id for change in changes)
        self._of.update(fact.cause.id for fact in findings)
        for key, (change, fact) in self._made.items():
            self._made[key] = (change, self._counted(fact))

    def counted(self, facts: Iterable[Fact]) -> list[Fact]:
        return list(map(self._counted, facts))

    def facts(self, changes: Iterable[Change]) -> list[Fact]:
        return list(map(self._fact, changes))

    def _counted(self, fact: Fact) -> Fact:
        # A fact announced before a crash belongs to the story that was announced then.
        opened = self._opened.get(fact.id) if self._opened else None
        return fact.counted(opened or self._of[fact.cause.id] or 1)

    def _fact(self, change: Change) -> Fact:
        # One fact a change, however often it is asked for; the change is kept, for its id() is
        # its key.
        if id(change) not in self._made:
            fact = numbered(self._make(change), self._led)
            self._made[id(change)] = (change, self._counted(fact))
        return self._made[id(change)][1]

    def _make(self, change: Change) -> Fact:
        return Fact(
            kind=change.kind,
            cause=change.hint.cause,
            registry=self._account,
            region=self._region,
            repository=self._repository,
            mode=self._mode,
            rule=self._rule,
            rules=self._fingerprint,
            reason=change.reason,
            time=self._time,
            tag=change.tag,
            digest=change.after,
            before=change.before,
            before_tags=self._telling(change.before_tags, change.before),
            after_tags=self._telling(change.after_tags, change.after),
            of=self._of[change.hint.cause.id] or 1,
            contested=change.kind is Kind.HELD and change.tag in self._contested,
        )

    def _telling(self, tags: Sequence[str], digest: str | None) -> tuple[str, ...]:
        if len(tags) <= TAGS_TOLD:
            return tuple(tags)
        first = sorted(tags, key=lambda tag: self._scheme.read_unique(tag, digest) is None)
        return tuple(first[:TAGS_TOLD])


def _apart(hints: Sequence[Hint]) -> list[Sequence[Hint]]:
    """What events tell of, and then the sweep: it sees what there is now, and no more what a push
    took away, and at first sight it tells quietly what a push has to tell aloud."""
    sweeps = [hint for hint in hints if hint.action is Action.SWEEP]
    events = [hint for hint in hints if hint.action is not Action.SWEEP]
    return [part for part in (events, sweeps) if part]


def _together(visits: Sequence[Visit]) -> Visit:
    """What the looks of one visit led to; all but the last saw a part of the repository."""
    return replace(
        visits[-1],
        facts=tuple(fact for each in visits for fact in each.facts),
        changes=tuple(change for each in visits for change in each.changes),
        unfinished=any(each.unfinished for each in visits),
        contested=sum(each.contested for each in visits),
        stays=tuple(stay for each in visits for stay in each.stays),
    )


def _accepted(plan: Plan, written: _Written) -> dict[str, str]:
    """The unique tags that are accepted on their images: not before the image that one of them was
    on has its pin, or cannot get it."""
    settled = {change.after for change in (*written.done, *written.failed)}
    return {
        tag: digest
        for tag, digest in plan.known.items()
        if tag not in plan.kept or plan.kept[tag] in settled
    }


def _marks(plan: Plan, done: Iterable[Change], look: Survey) -> list[Mark]:
    """The marks that are not in history as they are now."""
    moved = {change.tag for change in done if change.kind is Kind.MOVE}
    now = (_placed(mark) if mark.tag in moved else mark for mark in plan.marks)
    before = look.memory.marks
    return [mark for mark in now if _differs(mark, before.get(mark.tag))]


def _placed(mark: Mark) -> Mark:
    return Mark(mark.tag, mark.unique, mark.digest, placed=True)


def _differs(mark: Mark, before: Mark | None) -> bool:
    return mark != before or mark.placed != before.placed


def _portion(plan: Plan) -> tuple[Change, ...]:
    """The writes of one visit; a restore comes with the overwrite that it undoes."""
    restores = any(change.kind is Kind.RESTORE for change in plan.writes)
    return plan.writes[: WRITES_PER_VISIT // 2 if restores else WRITES_PER_VISIT]


def _undone(plan: Plan, writes: Iterable[Change]) -> list[Change]:
    """The overwrites that `writes` undo: once they are made, ECR shows nothing of them any more,
    so they are announced and told with them."""
    restored = {change.tag for change in writes if change.kind is Kind.RESTORE}
    return [each for each in plan.findings if each.kind is Kind.OVERWRITE and each.tag in restored]


def _failed(change: Change, error: RegistryError) -> Change:
    did = "taken off" if change.kind is Kind.REMOVE else "put on"
    return replace(
        change,
        kind=Kind.FAILED,
        reason=f"`{change.tag}` could not be {did} its image: {error.code} ({error.message}).",
    )


def _log_plan(repository: str, mode: Mode, plan: Plan, *, detailed: bool) -> None:
    for change in plan.changes:
        log.info(
            change.reason,
            extra={
                "repository": repository,
                "mode": mode.value,
                "kind": change.kind.value,
                "tag": change.tag,
                "from": change.before,
                "to": change.after,
            },
        )
    for stay in plan.stays if detailed else ():
        log.info(stay.reason, extra={"repository": repository, "tag": stay.tag})
