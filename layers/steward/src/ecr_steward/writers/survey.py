"""One look at a repository: what ECR and history say of what the hints are about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ecr_steward.ecr import Fetched, ImageGone, Manifest
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.tags import History, Memory
from ecr_steward.rules import Rule
from ecr_steward.tags import look, replaced
from ecr_steward.tags.plan import TagChange, with_restores
from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.state import Concern, Image, Mark, Observed
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint


@dataclass(frozen=True, slots=True)
class Survey:
    """What one look brought, before it is planned; `failures` are lines it could not judge,
    `watched` the stable tags whose images keep a name when they leave them. One that is `settled`
    brought nothing to plan: nothing is new, or a pull-through cache owns it all."""

    about: Concern
    observed: Observed
    memory: Memory
    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    failures: tuple[TagChange, ...] = ()
    watched: tuple[str, ...] = ()
    settled: bool = False


class Surveyor:
    """Looks at repositories: at constant cost for pushes and deletes, at everything for a sweep."""

    def __init__(self, registry: EcrRegistry, history: History) -> None:
        self._registry = registry
        self._history = history

    def look(
        self,
        repository: str,
        rule: Rule,
        scheme: Scheme,
        hints: Sequence[Hint],
        now: datetime,
        frozen: frozenset[str] = frozenset(),
    ) -> Survey:
        """What the hints need.

        `scheme` is the rule's. `frozen` are unique tags that are known not to go back to their
        images. Raises ImageGone if an image vanished while it was looked at.
        """
        sweep = next((hint for hint in hints if hint.action is Action.SWEEP), None)
        if sweep is not None:
            return self._look_all_over(repository, rule, scheme, sweep, now, frozen)
        about = look.concern(scheme, hints, self._marked(repository, hints))
        unique = (*about.unique, *about.deleted)
        seen = replaced.watched(scheme, (*about.lines, *(hint.tag for hint in hints)))
        watched = seen if rule.keeps_replaced else []
        judged = (*about.lines, *unique, *(hint.tag for hint in hints if hint.tag))
        memory = self._history.recall(
            repository,
            about.lines,
            unique,
            _causes(hints),
            watched,
            judged,
            expiry=rule.images is not None,
        )
        if _is_cache(repository, rule, memory):
            return _nothing_new(about, memory)
        if not watched and not _needs_images(scheme, about, memory):
            if about.unknown or look.deleted(hints):
                return Survey(about, _observed(memory, now), memory)
            return _nothing_new(about, memory)
        return self._look_at(
            repository, scheme, hints, about, memory, _observed(memory, now, frozen), watched
        )

    def _look_at(
        self,
        repository: str,
        scheme: Scheme,
        hints: Sequence[Hint],
        about: Concern,
        memory: Memory,
        observed: Observed,
        watched: Sequence[str],
    ) -> Survey:
        """The look that pushes and deletes need; it ends where the first answer shows nothing
        new."""
        pushes = all(hint.action is Action.PUSH for hint in hints)
        if pushes and not watched and not about.lines and _is_settled(about, memory, Fetched()):
            return _nothing_new(about, memory)
        fetched = self._registry.fetch(repository, *_asked(about, memory, hints, watched))
        if pushes and _is_in_place(watched, hints, memory) and _is_settled(about, memory, fetched):
            return _nothing_new(about, memory)
        asked = (*about.unique, *about.deleted)
        blocked = (tag for tag in asked if {tag, memory.known.get(tag)} & fetched.blocked.keys())
        observed = replace(
            observed,
            images=self._describe(repository, fetched.manifests),
            frozen=observed.frozen.union(blocked),
        )
        observed = self._without_gone(repository, scheme, about, observed, memory, hints)
        judged, failures = _judged(about, observed, fetched)
        observed = self._bounded(repository, scheme, judged, observed)
        return Survey(judged, observed, memory, fetched.manifests, failures, tuple(watched))

    def _look_all_over(
        self,
        repository: str,
        rule: Rule,
        scheme: Scheme,
        sweep: Hint,
        now: datetime,
        frozen: frozenset[str],
    ) -> Survey:
        """The look of a sweep: every image, by reads that no pull statistics count."""
        memory = self._history.recall_all(repository, _causes([sweep]))
        if _is_cache(repository, rule, memory):
            return _nothing_new(Concern(), memory)
        images = {image.digest: image for image in self._registry.describe_all(repository)}
        about = look.concern_all(scheme, images.values(), memory.marks, sweep)
        about = replace(about, deleted=look.vanished(memory.known, images.values(), sweep))
        observed = replace(_observed(memory, now, frozen), images=images)
        observed = self._without_gone(repository, scheme, about, observed, memory)
        tags = (tag for image in images.values() for tag in image.tags)
        watched = replaced.watched(scheme, tags) if rule.keeps_replaced else ()
        return Survey(about, observed, memory, watched=tuple(watched))

    def manifests(
        self, repository: str, writes: Iterable[TagChange], survey: Survey
    ) -> Mapping[str, Manifest]:
        """The manifests that the writes need: those of the survey, and what it did not bring.

        Raises ImageGone if one of them vanished.
        """
        needed = {change.after for change in writes if change.after} - survey.manifests.keys()
        if not needed:
            return survey.manifests
        fetched = self._registry.fetch(repository, needed)
        if fetched.absent:
            raise ImageGone("BatchGetImage", "ImageNotFound", ", ".join(sorted(fetched.absent)))
        return {**survey.manifests, **fetched.manifests}

    def _without_gone(
        self,
        repository: str,
        scheme: Scheme,
        about: Concern,
        observed: Observed,
        memory: Memory,
        hints: Iterable[Hint] = (),
    ) -> Observed:
        """Without the owners of unique tags that somebody deleted with all their tags, and those
        that were in a repository of the same name, which was deleted: one read of history and one
        call, and only where an owner is gone that a tag would be put back on."""
        doubtful = look.doubtful(scheme, about, observed, memory.pushed)
        if not doubtful:
            return observed
        owners = {observed.known[tag] for tag in doubtful}
        gone = {**self._history.deleted(repository, owners), **look.deleted(hints)}
        freed = look.freed_with(about, observed, doubtful, gone)
        left = doubtful - freed.keys()
        created = self._registry.created(repository) if left else None
        former = {tag for tag in left if created is not None and memory.pushed[tag] < created}
        known = {
            tag: held
            for tag, held in observed.known.items()
            if tag not in former and tag not in freed
        }
        return replace(observed, known=known, freed={**observed.freed, **freed})

    def _marked(self, repository: str, hints: Iterable[Hint]) -> dict[str, tuple[Mark, ...]]:
        return {digest: self._history.marked(repository, digest) for digest in look.deleted(hints)}

    def _describe(self, repository: str, digests: Collection[str]) -> dict[str, Image]:
        return self._registry.describe(repository, digests) if digests else {}

    def _bounded(
        self, repository: str, scheme: Scheme, about: Concern, observed: Observed
    ) -> Observed:
        """With what the repository lists, asked once, if a line has nothing that bounds it."""
        lines = look.unbounded(scheme, about, with_restores(scheme, about, observed))
        if not lines:
            return observed
        if any(line.newest for line in lines):
            # Only DescribeImages says when an image was pushed.
            every = self._registry.describe_all(repository)
            images = {image.digest: image for image in every}
        else:
            leaders = look.leaders(scheme, lines, self._registry.list_tags(repository))
            images = self._describe(repository, leaders - observed.images.keys())
        return replace(observed, images={**observed.images, **images})


def _is_cache(repository: str, rule: Rule, memory: Memory) -> bool:
    """Whether a pull-through cache owns the repository and no rule claims it by name."""
    return memory.pull_through.owns(repository) and not rule.names(repository)


def _observed(memory: Memory, now: datetime, frozen: frozenset[str] = frozenset()) -> Observed:
    """What is known before ECR is asked."""
    holds = {tag: str(hold) for tag, hold in memory.holds.items() if hold.holds(now)}
    return Observed({}, memory.marks, memory.known, holds, memory.taken, frozen, memory.freed)


def _nothing_new(about: Concern, memory: Memory) -> Survey:
    return Survey(about, Observed({}, memory.marks, memory.known), memory, settled=True)


def _needs_images(scheme: Scheme, about: Concern, memory: Memory) -> bool:
    removes = scheme.unknown == "remove" and about.unknown
    freed = not memory.known.keys().isdisjoint(about.deleted)
    return bool(about.lines or about.unique or about.stable or removes or freed or memory.open)


def _is_settled(about: Concern, memory: Memory, fetched: Fetched) -> bool:
    """Whether this answer shows that nothing is new."""
    if fetched.absent or fetched.blocked or memory.open:
        return False
    return look.is_settled(about, fetched.manifests, memory.marks, memory.known)


def _is_in_place(watched: Iterable[str], hints: Iterable[Hint], memory: Memory) -> bool:
    """Whether the stable tags that were pushed are where they were seen before."""
    pushed = {hint.tag: hint.digest for hint in hints}
    return all(memory.places.get(tag) == pushed.get(tag) for tag in watched if tag in pushed)


def _causes(hints: Iterable[Hint]) -> dict[str, None]:
    return dict.fromkeys(hint.cause.id for hint in hints)


def _asked(
    about: Concern, memory: Memory, hints: Iterable[Hint], watched: Collection[str] = ()
) -> tuple[Collection[str], Collection[str]]:
    """The digests and tags of the first read: what was pushed, the stable tags, their marks, and
    where history knows the unique tags."""
    digests = [hint.digest for hint in hints if hint.digest and hint.action is Action.PUSH]
    digests += [memory.marks[tag].digest for tag in about.lines if tag in memory.marks]
    deleted = [tag for tag in about.deleted if tag in memory.known]
    digests += [memory.known[tag] for tag in (*about.unique, *deleted) if tag in memory.known]
    digests += [each for fact in memory.open for each in (fact.digest, fact.before) if each]
    digests += [memory.places[tag] for tag in watched if tag in memory.places]
    tags = [*about.lines, *watched, *deleted, *(fact.tag for fact in memory.open if fact.tag)]
    return dict.fromkeys(digests), dict.fromkeys(tags)


def _judged(
    about: Concern, observed: Observed, fetched: Fetched
) -> tuple[Concern, tuple[TagChange, ...]]:
    """The concern without the lines that ECR does not let us judge, and what is said of these."""
    lines, failures = dict(about.lines), []
    for tag in about.lines:
        mark = observed.marks.get(tag)
        digest = None if mark is None else mark.digest
        code = fetched.blocked.get(tag) or fetched.blocked.get(digest or "")
        if code is not None:
            del lines[tag]
            failures.append(_blocked(tag, digest, code, about.hints[tag][0]))
    return replace(about, lines=lines), tuple(failures)


def _blocked(tag: str, digest: str | None, code: str, hint: Hint) -> TagChange:
    return TagChange(
        kind=FactKind.FAILED,
        tag=tag,
        before=None,
        after=digest,
        reason=(
            f"`{tag}` stays where it is: ECR does not give its image or the highest of its line "
            f"({code}). Is it archived, or its key out of reach?"
        ),
        hint=hint,
    )
