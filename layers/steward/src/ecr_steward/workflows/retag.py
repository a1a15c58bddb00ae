"""The writer of tags: observe a repository, plan, write down, apply."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from ecr_steward.events import Action, Fact, Hint, Kind, iso
from ecr_steward.history import History, Memory
from ecr_steward.registry import (
    Fetched,
    ImageGone,
    Manifest,
    Registry,
    RegistryError,
    RepositoryGone,
    Unavailable,
)
from ecr_steward.rules import Mode, Rule, Ruleset
from ecr_steward.tags import plan as planning
from ecr_steward.tags.plan import Change, Concern, Image, Observed, Plan
from ecr_steward.tags.scheme import Scheme

log = logging.getLogger(__name__)

WRITES_PER_VISIT = 90
"""Most tags put in one visit, so that a first sweep of a large repository stays within one
function's time and one transaction; the rest follows in another visit."""

FINDINGS_PER_VISIT = 500
"""Most findings told, and KNOWN_PER_VISIT most unique tags remembered, for the same reason."""

KNOWN_PER_VISIT = 2500

TAGS_TOLD = 16
"""Most tags of an image that a fact names: an image can have 1,000, and an item of the table only
400 KB (DynamoDB Developer Guide: Quotas)."""

_ATTEMPTS = 3
"""How often a repository is read again because an image vanished between two reads."""

Spread = Callable[[Callable[[Change], Any], Iterable[Change]], Iterable[Any]]
"""`map`, or the map of a pool that makes calls in parallel."""


class StewardOff(Exception):
    """The writer was called although `Mode` is off; the message must stay in its queue."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visit to a repository led to.

    `facts` are those newly told; `changes` what was written, and with the last of several visits
    everything that was found, told before or not. `unfinished` asks for another visit.
    """

    facts: tuple[Fact, ...] = ()
    changes: tuple[Change, ...] = ()
    images: int = 0
    first_sight: bool = False
    unfinished: bool = False


@dataclass(slots=True)
class _Look:
    """What one look at a repository brought, before it is planned."""

    about: Concern
    observed: Observed
    manifests: dict[str, Manifest]
    memory: Memory
    failures: list[Change] = field(default_factory=list)


@dataclass(slots=True)
class _Written:
    done: list[Change] = field(default_factory=list)
    failed: list[Change] = field(default_factory=list)
    passing: list[tuple[Change, Unavailable]] = field(default_factory=list)


class Retagger:
    """Brings the stable tags of one repository at a time to where they belong.

    `cap` is the stack's mode, `clock` gives the time (UTC) that facts carry, `spread` makes the
    writes of one plan (in parallel, if it can).
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
    ) -> None:
        self._rules = rules
        self._cap = cap
        self._registry = registry
        self._history = history
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
        for _ in range(_ATTEMPTS):
            try:
                return self._visit(repository, rule, rule.tags, mode, hints)
            except ImageGone as error:
                log.info("An image vanished while it was read", extra={"error": str(error)})
                gone = error
            except RepositoryGone:
                log.warning("The repository is gone", extra={"repository": repository})
                return Visit()
        raise Unavailable(gone.operation, gone.code, gone.message) from gone

    def _visit(
        self, repository: str, rule: Rule, scheme: Scheme, mode: Mode, hints: Sequence[Hint]
    ) -> Visit:
        sweep = next((hint for hint in hints if hint.action is Action.SWEEP), None)
        if sweep is None:
            look = self._look(repository, scheme, hints)
        else:
            look = self._look_at_all(repository, scheme, sweep)
        if look is None or self._is_cache(repository, rule, look.memory):
            return Visit()
        plan = planning.plan(scheme, look.about, look.observed)
        writes = plan.writes[:WRITES_PER_VISIT] if mode is Mode.ENFORCE else ()
        self._fetch_missing(repository, writes, look)
        settled = self._settle(repository, look)
        stamp = _Stamp(self, rule, mode, repository, look.memory.open)
        quiet = look.memory.first_sight
        found = [*(plan.findings if mode is Mode.ENFORCE else plan.changes), *look.failures]
        unsaid = self._history.unsaid(stamp.facts(found))
        findings = unsaid[:FINDINGS_PER_VISIT]
        stamp.count([*stamp.facts(writes), *(() if quiet else findings)])
        written = self._write(repository, writes, look, stamp)
        told = [*settled, *stamp.facts(written.done)]
        told += self._history.say(
            [*stamp.counted(findings), *stamp.facts(written.failed)], quietly=quiet
        )
        known = dict(islice(plan.known.items(), KNOWN_PER_VISIT))
        self._history.remember(repository, plan.marks, plan.forgotten, known)
        if written.passing:
            raise written.passing[0][1]
        unfinished = (
            len(findings) < len(unsaid)
            or len(known) < len(plan.known)
            or (mode is Mode.ENFORCE and len(writes) < len(plan.writes))
        )
        _log_plan(repository, mode, plan, detailed=sweep is None)
        return Visit(
            facts=tuple(told),
            changes=(*writes, *(() if unfinished else found)),
            images=len(look.observed.images),
            first_sight=quiet,
            unfinished=unfinished,
        )

    def _look(self, repository: str, scheme: Scheme, hints: Sequence[Hint]) -> _Look | None:
        """The constant-cost look: None when the first answer shows that nothing is new."""
        about = planning.concern(scheme, hints, self._marked(repository, hints))
        memory = self._history.recall(repository, about.lines, about.unique)
        look = _Look(about, Observed({}, memory.marks, memory.known), {}, memory)
        if not (about.lines or about.unique or memory.open):
            return look if about.unknown else None
        settleable = not memory.open and all(hint.action is Action.PUSH for hint in hints)
        if settleable and not about.lines and _is_settled(look, Fetched()):
            return None
        pushed = [hint.digest for hint in hints if hint.digest and hint.action is Action.PUSH]
        marked = [memory.marks[tag].digest for tag in about.lines if tag in memory.marks]
        opened = [fact.digest for fact in memory.open if fact.digest]
        fetched = self._registry.fetch(
            repository,
            dict.fromkeys([*pushed, *marked, *opened]),
            dict.fromkeys([*about.lines, *(fact.tag for fact in memory.open if fact.tag)]),
        )
        if settleable and not fetched.absent and not fetched.blocked and _is_settled(look, fetched):
            return None
        images = self._describe(repository, fetched.manifests)
        look.manifests.update(fetched.manifests)
        look.observed = replace(look.observed, images=images)
        self._leave_blocked(look, fetched)
        self._bound(repository, scheme, look)
        return look

    def _look_at_all(self, repository: str, scheme: Scheme, sweep: Hint) -> _Look:
        """The look of a sweep: every image, by reads that no pull statistics count."""
        memory = self._history.recall_all(repository)
        images = {image.digest: image for image in self._registry.describe_all(repository)}
        about = planning.concern_all(scheme, images.values(), memory.marks, sweep)
        return _Look(about, Observed(images, memory.marks, memory.known), {}, memory)

    def _marked(self, repository: str, hints: Iterable[Hint]) -> dict[str, tuple[str, ...]]:
        deleted = {hint.digest for hint in hints if hint.tag is None and hint.digest is not None}
        return {digest: self._history.marked(repository, digest) for digest in deleted}

    def _describe(self, repository: str, digests: Collection[str]) -> dict[str, Image]:
        return self._registry.describe(repository, digests) if digests else {}

    def _leave_blocked(self, look: _Look, fetched: Fetched) -> None:
        """Take the lines that ECR does not let us judge out of the look, and say so."""
        lines = dict(look.about.lines)
        for tag in look.about.lines:
            mark = look.observed.marks.get(tag)
            code = fetched.blocked.get(tag) or fetched.blocked.get(mark.digest if mark else "")
            if code is not None:
                del lines[tag]
                look.failures.append(_blocked(tag, mark.digest if mark else None, code, look))
        look.about = replace(look.about, lines=lines)

    def _bound(self, repository: str, scheme: Scheme, look: _Look) -> None:
        """List the repository once if a line has nothing that bounds it."""
        lines = planning.unbounded(scheme, look.about, look.observed)
        if not lines:
            return
        leaders = planning.leaders(scheme, lines, self._registry.list_tags(repository))
        missing = leaders - look.observed.images.keys()
        images = {**look.observed.images, **self._describe(repository, missing)}
        look.observed = replace(look.observed, images=images)

    def _fetch_missing(self, repository: str, writes: Sequence[Change], look: _Look) -> None:
        """Fetch the manifests that the writes need and the look did not bring."""
        needed = {change.after for change in writes if change.after} - look.manifests.keys()
        if not needed:
            return
        fetched = self._registry.fetch(repository, needed)
        if fetched.absent:
            raise ImageGone("BatchGetImage", "ImageNotFound", ", ".join(sorted(fetched.absent)))
        look.manifests.update(fetched.manifests)

    def _settle(self, repository: str, look: _Look) -> list[Fact]:
        """Close what an earlier visit announced and did not close, by looking at ECR."""
        images = look.observed.images
        done = [
            fact
            for fact in look.memory.open
            if fact.digest is not None
            and fact.digest in images
            and fact.tag in images[fact.digest].tags
        ]
        if look.memory.open:
            self._history.close(repository, done)
        return done

    def _is_cache(self, repository: str, rule: Rule, memory: Memory) -> bool:
        """Whether a pull-through cache owns the repository and no rule claims it by name."""
        cached = any(repository.startswith(f"{prefix}/") for prefix in memory.pull_through)
        return cached and not rule.names(repository)

    def _write(
        self, repository: str, writes: Sequence[Change], look: _Look, stamp: _Stamp
    ) -> _Written:
        written = _Written()
        if not writes:
            return written
        self._history.intend(repository, stamp.facts(writes))
        pins = [change for change in writes if change.kind is Kind.PIN]
        self._put_all(repository, pins, look.manifests, written)
        # Without its pin an image would be left without any tag: then its tag does not move.
        stranded = {pin.after for pin in pins} - {change.after for change in written.done}
        moves = [c for c in writes if c.kind is Kind.MOVE and c.before not in stranded]
        self._put_all(repository, moves, look.manifests, written)
        left = [change for change, _ in written.passing]
        self._history.close(repository, stamp.facts(written.done), stamp.facts(left))
        return written

    def _put_all(
        self,
        repository: str,
        batch: Sequence[Change],
        manifests: Mapping[str, Manifest],
        written: _Written,
    ) -> None:
        def put(change: Change) -> RegistryError | None:
            manifest = manifests.get(change.after or "")
            if manifest is None:
                return RegistryError("BatchGetImage", "ImageInaccessible", "no manifest was given")
            try:
                self._registry.put(repository, manifest, change.tag)
            except RegistryError as error:
                return error
            return None

        for change, error in zip(batch, self._spread(put, batch), strict=True):
            if error is None:
                written.done.append(change)
            elif isinstance(error, Unavailable):
                written.passing.append((change, error))
            else:
                written.failed.append(_failed(change, error))


class _Stamp:
    """Makes facts of changes: what all facts of one visit have in common."""

    def __init__(
        self, tagger: Retagger, rule: Rule, mode: Mode, repository: str, opened: Iterable[Fact]
    ) -> None:
        self._account, self._region = tagger._account, tagger._region
        self._fingerprint = tagger._rules.fingerprint
        self._time = iso(tagger._clock())
        self._rule, self._mode, self._repository = rule.label(), mode.value, repository
        self._opened = {fact.id: fact.of for fact in opened}
        self._of: Counter[str] = Counter()

    def count(self, facts: Iterable[Fact]) -> None:
        """Let every fact know how many of `facts`, which are told together, its cause led to."""
        self._of = Counter(fact.cause.id for fact in facts)

    def counted(self, facts: Iterable[Fact]) -> list[Fact]:
        # A fact announced before a crash belongs to the story that was announced then.
        return [
            fact.counted(self._opened.get(fact.id) or self._of[fact.cause.id] or 1)
            for fact in facts
        ]

    def facts(self, changes: Iterable[Change]) -> list[Fact]:
        return self.counted(map(self._fact, changes))

    def _fact(self, change: Change) -> Fact:
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
            before_tags=change.before_tags[:TAGS_TOLD],
            after_tags=change.after_tags[:TAGS_TOLD],
        )


def _is_settled(look: _Look, fetched: Fetched) -> bool:
    return planning.is_settled(look.about, fetched.manifests, look.memory.marks, look.memory.known)


def _blocked(tag: str, digest: str | None, code: str, look: _Look) -> Change:
    return Change(
        kind=Kind.FAILED,
        tag=tag,
        before=None,
        after=digest,
        reason=(
            f"`{tag}` stays where it is: ECR does not give its image or the highest of its line "
            f"({code}). Is it archived, or its key out of reach?"
        ),
        hint=look.about.hints[tag][0],
    )


def _failed(change: Change, error: RegistryError) -> Change:
    return replace(
        change,
        kind=Kind.FAILED,
        reason=f"`{change.tag}` could not be put on its image: {error.code} ({error.message}).",
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
    for tag, reason in plan.stays if detailed else ():
        log.info("It stays: %s", reason, extra={"repository": repository, "tag": tag})
