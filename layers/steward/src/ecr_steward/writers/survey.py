"""One look at a repository: what ECR and history say of what the hints are about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ecr_steward.ecr import Fetched, ImageGone, Manifest, Registry
from ecr_steward.history.tags import History, Hold, Memory
from ecr_steward.tags import look
from ecr_steward.tags.plan import Change, with_restores
from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.state import Concern, Image, Mark, Observed
from ecr_steward.words.facts import Kind
from ecr_steward.words.hints import Action, Hint


@dataclass(slots=True)
class Survey:
    """What one look brought, before it is planned; `failures` are lines it could not judge."""

    about: Concern
    observed: Observed
    memory: Memory
    manifests: dict[str, Manifest] = field(default_factory=dict)
    failures: list[Change] = field(default_factory=list)

    def note_taken(self, taken: Iterable[Mark], holds: Mapping[str, Hold]) -> None:
        """Know what was noted of tags that somebody else took away since the look began."""
        away = {mark.tag: replace(mark, placed=False) for mark in taken}
        memory = self.memory
        self.memory = replace(memory, marks={**memory.marks, **away})
        self.observed = replace(self.observed, marks=self.memory.marks)
        self.know_holds(holds)

    def know_holds(self, holds: Mapping[str, Hold]) -> None:
        """Know of holds that were made or changed since the look began."""
        said = {tag: str(hold) for tag, hold in holds.items()}
        self.memory = replace(self.memory, holds={**self.memory.holds, **holds})
        self.observed = replace(self.observed, holds={**self.observed.holds, **said})

    def held(self) -> list[tuple[Mark, Hold]]:
        """The stable tags looked at that are held, with their marks."""
        marks, holds = self.memory.marks, self.memory.holds
        tags = self.about.lines.keys() & marks.keys() & holds.keys()
        return [(marks[tag], holds[tag]) for tag in sorted(tags)]

    def is_settled(self, fetched: Fetched) -> bool:
        """Whether this answer shows that nothing is new."""
        if fetched.absent or fetched.blocked or self.memory.open:
            return False
        memory = self.memory
        return look.is_settled(self.about, fetched.manifests, memory.marks, memory.known)


class Surveyor:
    """Looks at repositories: at constant cost for pushes and deletes, at everything for a sweep."""

    def __init__(self, registry: Registry, history: History) -> None:
        self._registry = registry
        self._history = history

    def survey(
        self,
        repository: str,
        scheme: Scheme,
        hints: Sequence[Hint],
        now: datetime,
        frozen: frozenset[str] = frozenset(),
    ) -> Survey | None:
        """The look that pushes and deletes need; None when the first answer shows nothing new.

        `frozen` are unique tags that are known not to go back to their images. Raises ImageGone if
        an image vanished while it was looked at.
        """
        about = look.concern(scheme, hints, self._marked(repository, hints))
        memory = self._history.recall(
            repository, about.lines, [*about.unique, *about.deleted], _causes(hints)
        )
        observed = Observed(
            {}, memory.marks, memory.known, _active(memory, now), freed=memory.freed
        )
        survey = Survey(about, observed, memory)
        pushes = all(hint.action is Action.PUSH for hint in hints)
        if not self._needs_images(scheme, survey):
            return survey if about.unknown else None
        if pushes and not about.lines and survey.is_settled(Fetched()):
            return None
        fetched = self._registry.fetch(repository, *_asked(survey, hints))
        if pushes and survey.is_settled(fetched):
            return None
        survey.manifests.update(fetched.manifests)
        survey.observed = replace(observed, images=self._describe(repository, fetched.manifests))
        asked = (*about.unique, *about.deleted)
        blocked = (tag for tag in asked if {tag, memory.known.get(tag)} & fetched.blocked.keys())
        survey.observed = replace(survey.observed, frozen=frozen.union(blocked))
        self._forget_former(repository, scheme, survey)
        _leave_blocked(survey, fetched)
        self._bound(repository, scheme, survey)
        return survey

    def survey_all(
        self,
        repository: str,
        scheme: Scheme,
        sweep: Hint,
        now: datetime,
        frozen: frozenset[str] = frozenset(),
    ) -> Survey:
        """The look of a sweep: every image, by reads that no pull statistics count."""
        memory = self._history.recall_all(repository, _causes([sweep]))
        images = {image.digest: image for image in self._registry.describe_all(repository)}
        about = look.concern_all(scheme, images.values(), memory.marks, sweep)
        about = replace(about, deleted=look.vanished(memory.known, images.values(), sweep))
        observed = Observed(
            images, memory.marks, memory.known, _active(memory, now), frozen, memory.freed
        )
        survey = Survey(about, observed, memory)
        self._forget_former(repository, scheme, survey)
        return survey

    def fetch_missing(self, repository: str, writes: Iterable[Change], survey: Survey) -> None:
        """Fetch the manifests that the writes need and the survey did not bring.

        Raises ImageGone if one of them vanished.
        """
        needed = {change.after for change in writes if change.after} - survey.manifests.keys()
        if not needed:
            return
        fetched = self._registry.fetch(repository, needed)
        if fetched.absent:
            raise ImageGone("BatchGetImage", "ImageNotFound", ", ".join(sorted(fetched.absent)))
        survey.manifests.update(fetched.manifests)

    def _forget_former(self, repository: str, scheme: Scheme, survey: Survey) -> None:
        """Forget the owners of unique tags that were in a repository of the same name, which was
        deleted: one call, and only where an owner is gone that a tag would be put back on."""
        pushed = survey.memory.pushed
        doubtful = look.doubtful(scheme, survey.about, survey.observed, pushed)
        if not doubtful:
            return
        created = self._registry.created(repository)
        former = {tag for tag in doubtful if pushed[tag] < created}
        known = {tag: held for tag, held in survey.memory.known.items() if tag not in former}
        survey.memory = replace(survey.memory, known=known)
        survey.observed = replace(survey.observed, known=known)

    def _marked(self, repository: str, hints: Iterable[Hint]) -> dict[str, tuple[str, ...]]:
        deleted = {hint.digest for hint in hints if hint.tag is None and hint.digest is not None}
        return {digest: self._history.marked(repository, digest) for digest in deleted}

    def _needs_images(self, scheme: Scheme, survey: Survey) -> bool:
        about = survey.about
        removes = scheme.unknown == "remove" and about.unknown
        freed = not survey.memory.known.keys().isdisjoint(about.deleted)
        return bool(
            about.lines or about.unique or about.stable or removes or freed or survey.memory.open
        )

    def _describe(self, repository: str, digests: Collection[str]) -> dict[str, Image]:
        return self._registry.describe(repository, digests) if digests else {}

    def _bound(self, repository: str, scheme: Scheme, survey: Survey) -> None:
        """List the repository once if a line has nothing that bounds it."""
        planned_on = with_restores(scheme, survey.about, survey.observed)
        lines = look.unbounded(scheme, survey.about, planned_on)
        if not lines:
            return
        if any(line.newest for line in lines):
            # Only DescribeImages says when an image was pushed.
            every = self._registry.describe_all(repository)
            images = {image.digest: image for image in every}
        else:
            leaders = look.leaders(scheme, lines, self._registry.list_tags(repository))
            images = self._describe(repository, leaders - survey.observed.images.keys())
        survey.observed = replace(survey.observed, images={**survey.observed.images, **images})


def _causes(hints: Iterable[Hint]) -> dict[str, None]:
    return dict.fromkeys(hint.cause.id for hint in hints)


def _active(memory: Memory, now: datetime) -> dict[str, str]:
    return {tag: str(hold) for tag, hold in memory.holds.items() if hold.holds(now)}


def _asked(survey: Survey, hints: Iterable[Hint]) -> tuple[Collection[str], Collection[str]]:
    """The digests and tags of the first read: what was pushed, the stable tags, their marks, and
    where history knows the unique tags."""
    about, memory = survey.about, survey.memory
    digests = [hint.digest for hint in hints if hint.digest and hint.action is Action.PUSH]
    digests += [memory.marks[tag].digest for tag in about.lines if tag in memory.marks]
    deleted = [tag for tag in about.deleted if tag in memory.known]
    digests += [memory.known[tag] for tag in (*about.unique, *deleted) if tag in memory.known]
    digests += [each for fact in memory.open for each in (fact.digest, fact.before) if each]
    tags = [*about.lines, *deleted, *(fact.tag for fact in memory.open if fact.tag)]
    return dict.fromkeys(digests), dict.fromkeys(tags)


def _leave_blocked(survey: Survey, fetched: Fetched) -> None:
    """Take the lines that ECR does not let us judge out of the look, and say so."""
    lines = dict(survey.about.lines)
    for tag in survey.about.lines:
        mark = survey.observed.marks.get(tag)
        digest = None if mark is None else mark.digest
        code = fetched.blocked.get(tag) or fetched.blocked.get(digest or "")
        if code is not None:
            del lines[tag]
            survey.failures.append(_blocked(tag, digest, code, survey.about.hints[tag][0]))
    survey.about = replace(survey.about, lines=lines)


def _blocked(tag: str, digest: str | None, code: str, hint: Hint) -> Change:
    return Change(
        kind=Kind.FAILED,
        tag=tag,
        before=None,
        after=digest,
        reason=(
            f"`{tag}` stays where it is: ECR does not give its image or the highest of its line "
            f"({code}). Is it archived, or its key out of reach?"
        ),
        hint=hint,
    )
