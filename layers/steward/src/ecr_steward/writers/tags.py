"""The writer of tags: look at a repository, plan, write down, apply, close.

A look asks history once and ECR at constant cost (survey.py). The plan is pure (tags/plan.py), and
decides also which tags stay where somebody else keeps putting them. What is to be written is
announced in history, written in ECR (apply.py), and closed with everything else that was found.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from ecr_steward.ecr import ImageGone, RepositoryGone, Unavailable
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.findings import News
from ecr_steward.history.holds import Hold
from ecr_steward.history.numbering import Led
from ecr_steward.history.tags import History, Learned
from ecr_steward.rules import Mode, Rule, Ruleset
from ecr_steward.tags import replaced
from ecr_steward.tags.look import deleted
from ecr_steward.tags.plan import Plan, Stay, TagChange, plan_changes
from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.settle import settle
from ecr_steward.tags.state import Image, Mark
from ecr_steward.words.causes import Cause
from ecr_steward.words.expiry_tags import is_expiry_tag
from ecr_steward.words.facts import Fact, FactKind, FactMaker
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.apply import Applied, Spread, apply
from ecr_steward.writers.contest import Contest, Witness, nobody
from ecr_steward.writers.passing import StewardOff
from ecr_steward.writers.survey import Survey, Surveyor
from ecr_steward.writers.tag_facts import TagFacts
from ecr_steward.writers.visit_facts import VisitFacts, opened

if TYPE_CHECKING:
    from ecr_steward.history.planned import PlannedOnly

log = logging.getLogger(__name__)

WRITES_PER_VISIT = 80
"""Most tags put in one visit, so that a first sweep of a large repository stays within one
function's time, and its facts with what its causes led to (10, a batch's messages) within one
transaction; the rest follows in another visit."""

FINDINGS_PER_VISIT = 500
"""Most findings told, and KNOWN_PER_VISIT most unique tags remembered, for the same reason."""

KNOWN_PER_VISIT = 2500

_ATTEMPTS = 3
"""How often a repository is read again because an image vanished between two reads."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visit to a repository led to.

    `facts` are those newly told; `changes` what was written, and with the last of several visits
    everything that was found, told before or not. `rest` are the hints that ask for another visit.
    `stays` is why stable tags are where they belong. `expiring` are the images that have an expiry
    tag, where a sweep saw all; `lets_go` is whether history knows of one, None where that was not
    asked.
    """

    facts: tuple[Fact, ...] = ()
    changes: tuple[TagChange, ...] = ()
    images: int = 0
    first_sight: bool = False
    rest: tuple[Hint, ...] = ()
    stays: tuple[Stay, ...] = ()
    expiring: tuple[Image, ...] | None = None
    lets_go: bool | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """The images that the steward put a stable tag on."""
        moves = (change for change in self.changes if change.kind is FactKind.MOVE)
        return tuple(change.after for change in moves if change.after and change.writes)

    @property
    def unfinished(self) -> bool:
        return bool(self.rest)


@dataclass(frozen=True, slots=True)
class _Task:
    """Which repository is looked at, by which rule, how far the steward may go, and why.

    `planned` are the only changes that it makes; None where nothing narrows it.
    """

    repository: str
    rule: Rule
    scheme: Scheme
    mode: Mode
    hints: Sequence[Hint]
    planned: PlannedOnly | None = None


@dataclass(frozen=True, slots=True)
class _Todo:
    """What is done of a plan now: changes to write, the overwrites that these undo, and everything
    else that was found."""

    writes: tuple[TagChange, ...]
    undone: tuple[TagChange, ...]
    found: tuple[TagChange, ...]

    @property
    def announced(self) -> tuple[TagChange, ...]:
        # Once they are undone, ECR shows nothing of overwrites any more: they are announced, too.
        return (*self.writes, *self.undone)

    def done(self, applied: Applied) -> list[TagChange]:
        """What was made, with the overwrites that it undid."""
        undone = (each for each in self.undone if each.tag not in applied.refused)
        return [*applied.done, *undone]

    def left(self, applied: Applied) -> list[TagChange]:
        """What a passing fault left for another visit."""
        changes = [change for change, _ in applied.passing]
        tags = {change.tag for change in changes}
        return [*changes, *(each for each in self.undone if each.tag in tags)]


class Retagger:
    """Brings the stable tags of one repository at a time to where they belong.

    `cap` is the stack's mode, `maker` makes the facts, and has the time (UTC) that they carry;
    `spread` makes the writes of one plan (in parallel, if it can). `allow_removal` is whether the
    stack allows that unknown tags are removed; otherwise they are reported. `witness` says who took
    a tag away, where the steward gives it up.
    """

    def __init__(
        self,
        *,
        rules: Ruleset,
        cap: Mode,
        registry: EcrRegistry,
        history: History,
        maker: FactMaker,
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
        self._clock = maker.clock
        self._maker = maker
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
        parts = [(part, self._planned(repository, mode, part)) for part in _apart(hints)]
        tasks = [_Task(repository, rule, rule.tags, mode, *part) for part in parts]
        return _together([look for task in tasks for look in self._looks(task)])

    def _planned(self, repository: str, mode: Mode, hints: Sequence[Hint]) -> PlannedOnly | None:
        """What a look for these hints is narrowed to; whoever only reports needs no narrowing."""
        plan = hints[0].plan
        if plan is None or mode is not Mode.ENFORCE:
            return None
        now = self._clock()
        return self._history.planned.tags(plan, repository, self._rules.fingerprint, now)

    def _looks(self, task: _Task) -> list[Visit]:
        """One look, and another where ECR did not let unique tags go back: it knows of these."""
        visit, frozen = self._steady(task, frozenset())
        visits, refused = [visit], frozen
        while refused:
            visit, refused = self._steady(task, frozen)
            visits.append(visit)
            frozen |= refused
        return visits

    def _steady(self, task: _Task, frozen: frozenset[str]) -> tuple[Visit, frozenset[str]]:
        """One look, begun anew where an image vanishes between two reads."""
        for _ in range(_ATTEMPTS):
            try:
                return self._look(task, frozen)
            except ImageGone as error:
                log.info("An image vanished while it was read", extra={"error": str(error)})
                gone = error
            except RepositoryGone:
                log.warning("The repository is gone", extra={"repository": task.repository})
                return Visit(), frozenset()
        raise Unavailable(gone.operation, gone.code, gone.message) from gone

    def _look(self, task: _Task, frozen: frozenset[str]) -> tuple[Visit, frozenset[str]]:
        """Look, plan, write down, apply, close. What it led to, and what did not go back."""
        repository, history = task.repository, self._history
        look = self._surveyor.look(
            repository, task.rule, task.scheme, task.hints, self._clock(), frozen
        )
        if look.settled:
            return Visit(lets_go=look.memory.lets_go), frozenset()
        plan, holds = self._plan(task, look)
        if task.planned is not None:
            # Where stable tags are is for a look to learn that gives all that they left a name.
            look = replace(look, watched=())
        todo = _todo(task.mode, plan, look.failures)
        manifests = self._surveyor.manifests(repository, todo.writes, look)
        settled, led = self._settle(task, look)
        facts = self._facts(task, look, led, holds)
        announces = bool(todo.writes or plan.taken)
        # What is found about other tags may be read where that is the second of three round trips.
        known = News(said=look.memory.said, unread=announces and _is_named(task.hints))
        found = history.findings.news(facts.facts(todo.found), known)
        facts = facts.counting(todo.announced, _aloud(look, found.told))
        if announces:
            history.announce(repository, facts.facts(todo.announced), plan.taken, holds)
        applied = apply(self._registry, repository, todo.writes, manifests, self._spread)
        told = self._close(task, look, plan, todo, applied, facts, found)
        if applied.passing:
            raise applied.passing[0][1]
        _log_plan(task, plan)
        visit = _visit(task, look, plan, todo, applied, (*settled, *told), len(found.told))
        return visit, applied.refused

    def _plan(self, task: _Task, look: Survey) -> tuple[Plan, dict[str, Hold]]:
        """The plan, and the holds that begin with it; only their words are asked for."""
        now = self._clock()
        counted = now if task.mode is Mode.ENFORCE else None
        plan = plan_changes(task.scheme, look.about, look.observed, counted)
        if look.watched:
            places = _places(look)
            plan = replaced.with_pins(task.scheme, places, look.observed, plan, task.hints[0])
        if task.planned is not None:
            plan = _narrowed(task, plan, task.planned)
        known = look.memory
        marks = {tag: known.marks[tag] for tag in look.about.lines if tag in known.marks}
        named = self._contest.ask_again(task.repository, marks, known.holds, now)
        begun = self._contest.holds(task.repository, plan.contested)
        words = {tag: str(hold) for tag, hold in {**named, **begun}.items()}
        return plan.told_with(words), begun

    def _settle(self, task: _Task, look: Survey) -> tuple[list[Fact], Led]:
        """Close what an earlier visit announced and did not close, by looking at ECR."""
        known = look.memory
        if not known.open:
            return [], known.led
        done = settle(known.open, look.observed.images.values(), task.hints)
        return done, self._history.close(task.repository, done, led=known.led)

    def _facts(self, task: _Task, look: Survey, led: Led, begun: Iterable[str]) -> TagFacts:
        visit = VisitFacts(
            maker=self._maker,
            repository=task.repository,
            rule=task.rule.label(),
            mode=task.mode.value,
            at=self._clock(),
            led=led,
            open=opened(look.memory.open),
        )
        return TagFacts(visit, task.scheme, look.memory.contested.union(begun))

    def _close(
        self,
        task: _Task,
        look: Survey,
        plan: Plan,
        todo: _Todo,
        applied: Applied,
        facts: TagFacts,
        found: News,
    ) -> list[Fact]:
        """Write down what came of it, at once; returns the facts that are new."""
        news = self._news(plan, applied, facts, found)
        learned = _learned(plan, applied, look)
        learned = replace(learned, at=self._clock(), deleted=deleted(task.hints))
        if applied.refused:
            learned = Learned()
        noted = news.quietly() if look.memory.first_sight else news
        done = facts.facts(todo.done(applied))
        if todo.writes:
            left = facts.facts(todo.left(applied))
            self._history.close(task.repository, done, left, facts.visit.led, noted, learned)
        else:
            self._history.note(task.repository, learned, noted)
        return [*done, *news.told]

    def _news(self, plan: Plan, applied: Applied, facts: TagFacts, found: News) -> News:
        """What was found, and what became of the plan, as far as nobody was told."""
        findings = self._history.findings
        failed = findings.news(facts.facts(applied.failed), found)
        if applied.refused:
            # Whatever else was found is planned anew, with what is known now.
            return failed
        passed = findings.news(facts.facts(plan.passed), failed)
        told = [*facts.counted(found.told[:FINDINGS_PER_VISIT]), *failed.told]
        return replace(passed, told=told, kept=passed.told)


def next_visits(rest: Sequence[Hint]) -> list[Hint]:
    """The hints that go on where a visit stopped: what a plan narrows stays apart."""
    by_plan: dict[str | None, list[Hint]] = {}
    for hint in rest:
        by_plan.setdefault(hint.plan, []).append(hint)
    return list(map(next_visit, by_plan.values()))


def next_visit(hints: Sequence[Hint], action: Action = Action.SWEEP) -> Hint:
    """The hint that goes on where a visit for `hints` stopped, with a cause of its own."""
    hint = next((hint for hint in hints if hint.action is action), hints[0])
    beginning, _, part = hint.cause.id.partition("#")
    if "/" not in beginning:
        beginning = f"{beginning}/{hint.repository}"
    cause = Cause(f"{beginning}#{int(part or 1) + 1}", hint.cause.type)
    return Hint(hint.repository, action, None, None, cause, hint.time, plan=hint.plan)


def _apart(hints: Sequence[Hint]) -> list[Sequence[Hint]]:
    """What events tell of, and then the sweep: it sees what there is now, and no more what a push
    took away, and at first sight it tells quietly what a push has to tell aloud. What a plan
    narrows is a sweep of its own: it narrows neither of the others."""
    parts: dict[tuple[bool, str], list[Hint]] = {}
    for hint in hints:
        parts.setdefault((hint.action is Action.SWEEP, hint.plan or ""), []).append(hint)
    return [parts[key] for key in sorted(parts)]


def _narrowed(task: _Task, plan: Plan, planned: PlannedOnly) -> Plan:
    from ecr_steward.tags.narrow import narrowed  # only here: most sandboxes never narrow

    found = narrowed(plan, lambda change: planned.holds(change.key))
    made = frozenset(found.writes)
    for left in (each for each in plan.writes if each not in made):
        log.info(
            "Left, for it or what it hangs on is not in the plan: %s",
            left.reason,
            extra={"repository": task.repository, "plan": task.hints[0].plan, "tag": left.tag},
        )
    return found


def _todo(mode: Mode, plan: Plan, failures: Iterable[TagChange]) -> _Todo:
    """What is done of a plan in one visit; a restore comes with the overwrite that it undoes."""
    if mode is not Mode.ENFORCE:
        return _Todo((), (), (*plan.changes, *failures))
    restores = any(change.kind is FactKind.RESTORE for change in plan.writes)
    writes = plan.writes[: WRITES_PER_VISIT // 2 if restores else WRITES_PER_VISIT]
    restored = {change.tag for change in writes if change.kind is FactKind.RESTORE}
    undone = tuple(c for c in plan.findings if c.kind is FactKind.OVERWRITE and c.tag in restored)
    found = (*(each for each in plan.findings if each not in undone), *failures)
    return _Todo(writes, undone, found)


def _is_named(hints: Iterable[Hint]) -> bool:
    """Whether events named the tags that this is about; a sweep names none."""
    return any(hint.tag for hint in hints)


def _aloud(look: Survey, new: Sequence[Fact]) -> Sequence[Fact]:
    """The findings that are told one by one: at first sight they are kept quietly."""
    return () if look.memory.first_sight else new[:FINDINGS_PER_VISIT]


def _accepted(plan: Plan, applied: Applied) -> dict[str, str]:
    """The unique tags that are accepted on their images: not before the image that one of them was
    on has its pin, or cannot get it."""
    settled = {change.after for change in (*applied.done, *applied.failed)}
    return {
        tag: digest
        for tag, digest in plan.known.items()
        if tag not in plan.kept or plan.kept[tag] in settled
    }


def _learned(plan: Plan, applied: Applied, look: Survey) -> Learned:
    """What the look leaves in history that is not there yet."""
    moved = {change.tag for change in applied.done if change.kind is FactKind.MOVE}
    noted = {each.mark.tag: replace(each.mark, placed=False) for each in plan.taken}
    before = {**look.memory.marks, **noted}
    now = (replace(mark, placed=mark.placed or mark.tag in moved) for mark in plan.marks)
    return Learned(
        marks=[mark for mark in now if _differs(mark, before.get(mark.tag))],
        forgotten=plan.forgotten,
        known=dict(islice(_accepted(plan, applied).items(), KNOWN_PER_VISIT)),
        pushed={image.digest: image.pushed_at for image in look.observed.images.values()},
        freed=dict(islice(plan.freed.items(), KNOWN_PER_VISIT)),
        places=_moved_places(look, applied),
        left=replaced.left(_places(look), look.observed, applied.done),
    )


def _places(look: Survey) -> dict[str, str]:
    known = look.memory.places
    return {tag: known[tag] for tag in look.watched if tag in known}


def _moved_places(look: Survey, applied: Applied) -> dict[str, str]:
    """Where stable tags are that history knows elsewhere, or not at all."""
    now, known = replaced.now(look.watched, look.observed, applied.done), look.memory.places
    return {tag: digest for tag, digest in now.items() if known.get(tag) != digest}


def _differs(mark: Mark, before: Mark | None) -> bool:
    return mark != before or mark.placed != before.placed


def _visit(
    task: _Task,
    look: Survey,
    plan: Plan,
    todo: _Todo,
    applied: Applied,
    facts: tuple[Fact, ...],
    new: int,
) -> Visit:
    made = (*todo.done(applied), *applied.failed)
    if applied.refused:
        return Visit(facts, made)
    unfinished = (
        new > FINDINGS_PER_VISIT
        or min(len(_accepted(plan, applied)), KNOWN_PER_VISIT) < len(plan.known)
        or len(plan.freed) > KNOWN_PER_VISIT
        # Where all of a visit's writes were refused, another visit would be refused them too.
        or (bool(applied.done) and len(todo.writes) < len(plan.writes))
    )
    return Visit(
        facts=facts,
        changes=made if unfinished else (*made, *todo.found),
        images=len(look.observed.images),
        first_sight=look.memory.first_sight,
        rest=tuple(task.hints) if unfinished else (),
        stays=plan.stays,
        expiring=_expiring(task, look),
        lets_go=look.memory.lets_go,
    )


def _expiring(task: _Task, look: Survey) -> tuple[Image, ...] | None:
    if not any(hint.action is Action.SWEEP for hint in task.hints):
        return None
    images = look.observed.images.values()
    return tuple(each for each in images if any(map(is_expiry_tag, each.tags)))


def _together(visits: Sequence[Visit]) -> Visit:
    """What the looks of one visit led to; all but the last saw a part of the repository."""
    if len(visits) == 1:
        return visits[0]
    return replace(
        visits[-1],
        facts=tuple(fact for each in visits for fact in each.facts),
        changes=tuple(change for each in visits for change in each.changes),
        rest=tuple(hint for each in visits for hint in each.rest),
        stays=tuple(stay for each in visits for stay in each.stays),
        lets_go=next((each.lets_go for each in visits if each.lets_go is not None), None),
    )


def _log_plan(task: _Task, plan: Plan) -> None:
    for change in plan.changes:
        log.info(
            change.reason,
            extra={
                "repository": task.repository,
                "mode": task.mode.value,
                "kind": change.kind.value,
                "tag": change.tag,
                "from": change.before,
                "to": change.after,
            },
        )
    swept = any(hint.action is Action.SWEEP for hint in task.hints)
    for stay in () if swept else plan.stays:
        log.info(stay.reason, extra={"repository": task.repository, "tag": stay.tag})
