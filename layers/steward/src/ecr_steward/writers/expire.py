"""The writer of expiry tags: puts those that a round found due, and takes off those of images that
are needed again.

A round (retention.py) judges a repository as a whole. What it left is looked at again here, image
by image and directly before: an image that runs by now, that somebody holds or whose tags have
changed gets none. Before ECR is changed history has the expiry tag, so that it knows its own.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ecr_steward.ecr import Manifest, RegistryError, Unavailable
from ecr_steward.ecr.images import EcrRegistry, images_of
from ecr_steward.ecr.inventory import listed
from ecr_steward.history.expiries import Expiries
from ecr_steward.history.holds import Holds
from ecr_steward.history.running import RunningImages
from ecr_steward.history.table import Table
from ecr_steward.images import ImagesRule
from ecr_steward.images.keepers.within import PulledWithin
from ecr_steward.images.round import closure
from ecr_steward.rules import Mode, Rule, Ruleset
from ecr_steward.tags.plan import TagChange
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.tags.state import Image
from ecr_steward.words.causes import Cause
from ecr_steward.words.expiry_tags import ExpiryTag, Going, expiry_tag, is_expiry_tag
from ecr_steward.words.facts import Fact, FactKind, FactMaker
from ecr_steward.words.grammar import is_referrer, short
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import iso
from ecr_steward.words.running import LOOK_COUNTS
from ecr_steward.writers.apply import Spread
from ecr_steward.writers.tag_facts import TAGS_TOLD
from ecr_steward.writers.tags import Visit
from ecr_steward.writers.withdrawn import withdrawn

log = logging.getLogger(__name__)

PUTS_PER_VISIT = 80
"""Most expiry tags put in one visit: live pushes of the same repository wait behind it."""

NO_SCHEME = Scheme(unique=())
"""Stands for `tags:` where a rule has none."""

_NAME = "image"
"""What a pin is called after where an image never had a tag."""


@dataclass(frozen=True, slots=True)
class ExpiryVisit:
    """What a visit led to: new facts, and whether more is left to put."""

    facts: tuple[Fact, ...] = ()
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class _Task:
    """One repository, its rule, and what history knows of the images that go. `withdrawn` is why
    none of them may have an expiry tag any more; `parts` are the children of indexes that were
    pushed, each with its index."""

    repository: str
    rule: Rule | None
    hints: Sequence[Hint]
    now: datetime
    going: Mapping[str, Going]
    put: Mapping[str, ExpiryTag]
    running: Mapping[str, Sequence[str]]
    held: Collection[str]
    withdrawn: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def cause(self) -> Cause:
        return self.hints[0].cause

    @property
    def asked(self) -> ImagesRule:
        """What the rule says of images."""
        return ImagesRule.from_document((self.rule and self.rule.images) or {})

    @property
    def scheme(self) -> Scheme:
        return (self.rule and self.rule.tags) or NO_SCHEME

    @property
    def is_narrowed(self) -> bool:
        """Whether a plan narrows the visit. It says nothing of expiry tags: they are left, but for
        images that got a stable tag."""
        return all(hint.plan is not None for hint in self.hints)

    @property
    def tagged(self) -> list[str]:
        """The images that history has an expiry tag of."""
        return [digest for digest, each in self.put.items() if each.is_on]


@dataclass(slots=True)
class _Seen:
    """The images that were looked at, and what came of the look."""

    images: Mapping[str, Image]
    manifests: Mapping[str, Manifest]
    pulled: Mapping[str, datetime | None]
    put: dict[str, ExpiryTag]
    facts: list[Fact] = field(default_factory=list)
    passing: Unavailable | None = None


class Expirer:
    """Puts expiry tags in one repository at a time, and takes them off.

    Made where the stack enforces and lets images expire. `table` is the history's, and `grace` how
    long an image that ran is kept. `maker` makes the facts, and has the time (UTC) that they carry;
    `spread` makes the writes of one visit.
    """

    def __init__(
        self,
        *,
        rules: Ruleset,
        registry: EcrRegistry,
        table: Table,
        grace: timedelta,
        maker: FactMaker,
        spread: Spread = map,
    ) -> None:
        self._rules = rules
        self._registry = registry
        self._expiries = Expiries(table)
        self._running = RunningImages(table, grace)
        self._holds = Holds(table)
        self._maker = maker
        self._spread = spread

    def visit(
        self, repository: str, hints: Sequence[Hint], tagged: Visit | None = None
    ) -> ExpiryVisit:
        """Take off what must not be there, and put what is due where `hints` ask for it.

        `tagged` is what the writer of tags came to for these hints. A second visit for the same
        hints does nothing. Raises Unavailable if a passing fault kept it from finishing.
        """
        tagged = tagged or Visit()
        whole = [hint for hint in hints if hint.plan is None]
        if not (whole or tagged.targets):
            return ExpiryVisit()
        rule, swept = self._rules.rule_for(repository), _swept(whole, tagged)
        if (rule is None or rule.images is None) and all(map(_is_of_ecr, hints)):
            return ExpiryVisit()
        parts = self._parts(repository, whole, tagged)
        if not swept and not parts and not self._concerns(repository, whole, tagged):
            return ExpiryVisit()
        task = replace(self._task(repository, rule, whole or hints), parts=parts)
        if swept is not None:
            task = self._without_gone(task, {image.digest for image in swept})
        task = self._put_off(task)
        needed = self._needed(task, swept or (), tagged.targets)
        off = self._take_off(task, needed, swept or ())
        put, unfinished = self._put(task, needed)
        return ExpiryVisit((*off, *put), unfinished)

    def _parts(self, repository: str, hints: Iterable[Hint], tagged: Visit) -> dict[str, str]:
        """By child, the index that was pushed over it: one more call of ECR, where images go."""
        pushed = {hint.digest for hint in hints if _is_push(hint) and hint.digest}
        if not pushed or tagged.lets_go is False:
            return {}
        if tagged.lets_go is None and not self._expiries.concerns(repository):
            return {}
        children = listed(self._registry, repository, pushed)
        return {child: index for index, some in children.items() for child in some}

    def _concerns(self, repository: str, hints: Sequence[Hint], tagged: Visit) -> bool:
        """Whether there is anything to do. Where nothing goes, the writer of tags knows it from
        the one read that it makes; else it is another."""
        pushes = [hint for hint in hints if hint.action is Action.PUSH and hint.digest]
        forged = any(is_expiry_tag(hint.tag or "") for hint in pushes)
        if tagged.lets_go is False and not forged:
            return False
        digests = {*(hint.digest or "" for hint in pushes), *tagged.targets}
        some, going, put = self._expiries.about(repository, digests)
        if any(_is_forged(hint, put) for hint in pushes):
            return True
        others = not all(map(_is_of_ecr, hints))
        return some and bool(others or going or put)

    def _without_gone(self, task: _Task, seen: Collection[str]) -> _Task:
        """Without the expiry tags that no image has any more: ECR expired what they were on. One
        that was taken off is known as long as a round from before counts."""
        here = {d: each for d, each in task.put.items() if d in seen or _matters(each, task.now)}
        self._expiries.keep_tags(task.repository, here, task.put)
        return replace(task, put=here)

    def _put_off(self, task: _Task) -> _Task:
        """Without an expiry tag for what belongs to a new index, until another round judged it."""
        off = ExpiryTag("", task.now, cleared=task.now)
        waiting = {each for each in task.parts if each in task.going and each not in task.tagged}
        put = {**task.put, **dict.fromkeys(waiting, off)}
        self._expiries.keep_tags(task.repository, put, task.put)
        return replace(task, put=put)

    def _task(self, repository: str, rule: Rule | None, hints: Sequence[Hint]) -> _Task:
        now = self._maker.clock()
        return _Task(
            repository,
            rule,
            hints,
            now,
            self._expiries.going(repository),
            self._expiries.put(repository),
            self._running.workloads(repository, now),
            {hold.tag for _, hold in self._holds.all(repository) if hold.holds(now)},
            withdrawn(rule, Mode.ENFORCE),
        )

    # ------------------------------------------------------------------------ needed again
    def _needed(self, task: _Task, seen: Iterable[Image], moved: Iterable[str]) -> dict[str, str]:
        """Why images are needed, by digest, with all that belongs with them."""
        reasons: dict[str, str] = {}
        for digest, why in self._reasons(task, seen, moved):
            reasons.setdefault(digest, why)
        reached = closure(reasons, task.going)
        return {digest: _because(digest, source, reasons) for digest, source in reached.items()}

    def _reasons(
        self, task: _Task, seen: Iterable[Image], moved: Iterable[str]
    ) -> Iterator[tuple[str, str]]:
        for digest in moved:
            yield digest, "A stable tag went to it."
        if task.is_narrowed:
            return
        for digest, names in task.running.items():
            yield digest, f"`{names[0]}` runs it, or did of late."
        yield from _asked_for(task)
        for going in task.going.values():
            if going.needed:
                yield going.digest, going.needed
        for image in seen:
            yield from ((image.digest, why) for why in _why_needed(task, image))
        if task.withdrawn:
            yield from ((digest, task.withdrawn) for digest in task.tagged)

    def _take_off(
        self, task: _Task, needed: Mapping[str, str], seen: Iterable[Image]
    ) -> list[Fact]:
        """Take the expiry tags off what is needed; an image without another tag gets a pin first.

        Returns what came of it, which is on record then.
        """
        marked = {each.digest for each in task.going.values() if each.needed}
        marked.update(task.tagged, (image.digest for image in seen))
        marked.update(each.digest or "" for each in task.hints if _is_forged(each, task.put))
        wanted = [digest for digest in needed if digest in marked]
        if not wanted:
            return []
        found = self._look(task, wanted)
        for image in found.images.values():
            try:
                self._clear(task, found, image, needed[image.digest])
            except Unavailable as error:
                found.passing = error
            except RegistryError as error:
                found.facts.append(_failed(self._maker, task, image.digest, error))
        return self._keep(task, found)

    def _clear(self, task: _Task, found: _Seen, image: Image, why: str) -> None:
        tags = [tag for tag in image.tags if is_expiry_tag(tag)]
        mine = task.put.get(image.digest)
        if tags and len(tags) == len(image.tags):
            pin = _pin(task, image)
            self._registry.put(task.repository, found.manifests[image.digest], pin)
            found.facts.append(
                self._fact(task, FactKind.PIN, pin, image, "Its expiry tag is its only tag.")
            )
        for tag in tags:
            self._registry.untag(task.repository, tag, image.digest)
            found.facts.append(self._cleared(task, tag, image, mine, why))
        if mine is not None:
            found.put[image.digest] = replace(mine, cleared=task.now)

    def _cleared(
        self, task: _Task, tag: str, image: Image, mine: ExpiryTag | None, why: str
    ) -> Fact:
        if mine is not None and mine.is_on and mine.tag == tag:
            reason = f"The image is needed again, so its expiry tag was taken off: {why}"
            return self._fact(task, FactKind.EXPIRY_CLEARED, tag, image, reason)
        reason = (
            f"The steward did not put `{tag}` on the image, which ECR would expire by it; it was "
            "taken off."
        )
        return self._fact(task, FactKind.REJECT, tag, image, reason)

    # ------------------------------------------------------------------------ due
    def _put(self, task: _Task, needed: Collection[str]) -> tuple[list[Fact], bool]:
        """Put the expiry tags that are due, if what runs was looked at since; what came of it, and
        whether there are more."""
        asked = any(hint.action is Action.EXPIRE for hint in task.hints)
        if not asked or task.withdrawn:
            return [], False
        put = self._expiries.put(task.repository)
        task = replace(task, put=put)
        due = [each for each in task.going.values() if _is_due(each, put, task.now)]
        due = [each for each in due if each.digest not in needed]
        if not due:
            return [], False
        portion = due[:PUTS_PER_VISIT]
        found = self._look(task, [each.digest for each in portion])
        chosen = [each for each in portion if self._may_go(found, each, task)]
        self._expiries.keep_tags(task.repository, found.put, put)
        task = replace(task, put=dict(found.put))
        changes = [_setting(task, each, found) for each in chosen]
        self._write(task, found, changes)
        return self._keep(task, found), len(due) > len(portion)

    def _may_go(self, found: _Seen, going: Going, task: _Task) -> bool:
        """Whether an image is as the round saw it; it is about to get its expiry tag then."""
        digest, image = going.digest, found.images.get(going.digest)
        if image is None or not _is_as_before(found, going, task):
            # Until another round has judged it.
            found.put[digest] = ExpiryTag("", task.now, cleared=task.now)
            return False
        if digest not in found.put or not found.put[digest].is_on:
            found.put[digest] = ExpiryTag(expiry_tag(digest, task.now), task.now)
        return True

    def _write(self, task: _Task, found: _Seen, changes: Sequence[TagChange]) -> None:
        def write(change: TagChange) -> RegistryError | None:
            try:
                manifest = found.manifests[str(change.after)]
                self._registry.put(task.repository, manifest, change.tag)
            except RegistryError as error:
                return error
            return None

        for change, error in zip(changes, self._spread(write, changes), strict=True):
            digest = str(change.after)
            if error is None:
                found.put[digest] = replace(found.put[digest], done=True)
                image = found.images[digest]
                found.facts.append(self._fact(task, change.kind, change.tag, image, change.reason))
            elif isinstance(error, Unavailable):
                found.passing = error
            else:
                found.put[digest] = replace(found.put[digest], cleared=task.now)
                found.facts.append(_failed(self._maker, task, digest, error))

    # ------------------------------------------------------------------------ ECR and history
    def _look(self, task: _Task, digests: Sequence[str]) -> _Seen:
        """These images as they are now; what is gone has no expiry tag any more."""
        fetched = self._registry.fetch(task.repository, digests)
        details = list(self._registry.details(task.repository, list(fetched.manifests)))
        pulled = {e["imageDigest"]: e.get("lastRecordedPullTime") for e in details}
        gone = fetched.absent
        put = {digest: each for digest, each in task.put.items() if digest not in gone}
        return _Seen(images_of(details), fetched.manifests, pulled, put)

    def _keep(self, task: _Task, found: _Seen) -> list[Fact]:
        self._expiries.keep_tags(task.repository, found.put, task.put, found.facts)
        if found.passing is not None:
            raise found.passing
        return found.facts

    def _fact(self, task: _Task, kind: FactKind, tag: str, image: Image, reason: str) -> Fact:
        made = _made(self._maker, task, kind, reason)
        return replace(made, tag=tag, digest=image.digest)


def _made(maker: FactMaker, task: _Task, kind: FactKind, reason: str) -> Fact:
    return maker.fact(
        kind,
        task.cause,
        reason,
        mode=Mode.ENFORCE.value,
        repository=task.repository,
        rule="" if task.rule is None else task.rule.label(),
        at=task.now,
    )


def _failed(maker: FactMaker, task: _Task, digest: str, error: RegistryError) -> Fact:
    reason = f"The expiry tag of the image could not be changed: {error.code} ({error.message})."
    return replace(_made(maker, task, FactKind.FAILED, reason), digest=digest)


def _is_forged(hint: Hint, put: Mapping[str, ExpiryTag]) -> bool:
    """Whether somebody else pushed an expiry tag."""
    if hint.action is not Action.PUSH or not (hint.tag and is_expiry_tag(hint.tag)):
        return False
    known = put.get(hint.digest or "")
    return known is None or known.tag != hint.tag


def _is_of_ecr(hint: Hint) -> bool:
    """Whether an event of ECR's led to it: a sweep or a look at what runs did not."""
    return hint.action in (Action.PUSH, Action.DELETE)


def _is_push(hint: Hint) -> bool:
    """Whether somebody pushed an image, be it under a new tag; an expiry tag makes none needed."""
    return hint.action is Action.PUSH and not is_expiry_tag(hint.tag or "")


def _asked_for(task: _Task) -> Iterator[tuple[str, str]]:
    """The images that events say are needed, and why."""
    yield from filter(None, (_asked_by(hint, task.put) for hint in task.hints))
    for child, index in task.parts.items():
        yield child, f"The index {short(index)} was pushed, which lists it."


def _asked_by(hint: Hint, put: Mapping[str, ExpiryTag]) -> tuple[str, str] | None:
    if hint.digest is None:
        return None
    if _is_forged(hint, put):
        return hint.digest, f"The steward did not put `{hint.tag}`."
    if hint.action is Action.NEED:
        held = f"Somebody holds `{hint.tag}` on it."
        return hint.digest, held if hint.tag else "A workload was started from it."
    if _is_push(hint) and hint.tag:
        return hint.digest, f"`{hint.tag}` was put on it."
    return None


def _because(digest: str, source: str, reasons: Mapping[str, str]) -> str:
    if digest == source:
        return reasons[digest]
    return f"It belongs with {short(source)}, which is needed: {reasons[source]}"


def _swept(hints: Iterable[Hint], tagged: Visit) -> tuple[Image, ...] | None:
    """The images with an expiry tag, where a sweep saw all; a plan's narrow sweep is none."""
    swept = any(hint.action is Action.SWEEP for hint in hints)
    return tagged.expiring if swept else None


def _why_needed(task: _Task, image: Image) -> Iterator[str]:
    """Why an image that a sweep saw with an expiry tag must not have it."""
    rule, scheme, mine = task.asked, task.scheme, task.put.get(image.digest)
    for tag in image.tags:
        verdict = scheme.judge(tag, image.digest)
        if verdict is Verdict.EXPIRY and (mine is None or not mine.is_on or mine.tag != tag):
            yield f"The steward did not put `{tag}`."
        if tag in task.held:
            yield f"Somebody holds `{tag}` on it."
        if rule.discounts(tag, scheme) or is_referrer(tag):
            continue
        if verdict in (Verdict.STABLE, Verdict.IGNORED):
            yield f"`{tag}` is on it."
    pulled = image.pulled_at if _counts_pulls(task) else None
    if pulled is not None and mine is not None and mine.is_on and pulled > mine.put:
        yield f"It was pulled at {iso(pulled)}, after it got its expiry tag."


def _is_due(going: Going, put: Mapping[str, ExpiryTag], now: datetime) -> bool:
    """Whether an image may get its expiry tag by a round that is not long ago, and has none."""
    if going.due is None or going.needed or now - going.due > LOOK_COUNTS:
        return False
    known = put.get(going.digest)
    if known is None:
        return True
    if known.cleared is None:
        return not known.done
    return known.cleared < going.due


def _matters(expiry: ExpiryTag, now: datetime) -> bool:
    """Whether an expiry tag that no image has is to be remembered: it may be about to be put."""
    return not expiry.done if expiry.cleared is None else now - expiry.cleared <= LOOK_COUNTS


def _is_as_before(found: _Seen, going: Going, task: _Task) -> bool:
    """Whether an image is as a round judged it: same tags, none of them held, not pulled since."""
    tags = set(found.images[going.digest].tags) - {_mine(found, going.digest)}
    pulled, due = found.pulled.get(going.digest), going.due
    fresh = _counts_pulls(task) and pulled is not None and due is not None and pulled > due
    return tags == set(going.tags) and tags.isdisjoint(task.held) and not fresh


def _counts_pulls(task: _Task) -> bool:
    return any(isinstance(each, PulledWithin) for each in task.asked.keepers)


def _mine(found: _Seen, digest: str) -> str | None:
    known = found.put.get(digest)
    return known.tag if known is not None and known.is_on else None


def _setting(task: _Task, going: Going, found: _Seen) -> TagChange:
    named = f" ({', '.join(going.tags[:TAGS_TOLD])})" if going.tags else ""
    return TagChange(
        kind=FactKind.EXPIRY_SET,
        tag=found.put[going.digest].tag,
        before=None,
        after=going.digest,
        reason=f"Nothing keeps the image{named}; ECR expires it within a day or two.",
        hint=task.hints[0],
    )


def _pin(task: _Task, image: Image) -> str:
    going = task.going.get(image.digest)
    named = going.tags[0] if going is not None and going.tags else _NAME
    return task.scheme.make_pin(named, image.pushed_at, image.digest)
