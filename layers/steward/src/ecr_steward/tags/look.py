"""What to look at: from hints to stable tags, and from the first answers to what is still missing.

Everything here is pure. `concern` says which tags the hints are about, `is_settled` whether the
first answer already shows that nothing is new, `unbounded` which lines must be listed because no
mark bounds them, and `leaders` which images a listing makes worth a look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.tags.stable import Line
from ecr_steward.tags.state import Concern, Image, Mark, Observed, Top, bound, tops
from ecr_steward.words.hints import Action, Hint


class _Collector:
    """Gathers the tags that pushes are about."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self.lines: dict[str, Line] = {}
        self.hints: dict[str, list[Hint]] = {}
        self.unique: dict[str, list[Hint]] = {}
        self.stable: list[Hint] = []
        self.unknown: list[Hint] = []
        self.deleted: dict[str, list[Hint]] = {}

    def touch(self, lines: Iterable[Line], hint: Hint) -> None:
        for line in lines:
            self.lines[line.tag] = line
            self.hints.setdefault(line.tag, []).append(hint)

    def push(self, tag: str, hint: Hint) -> None:
        scheme = self._scheme
        if scheme.read_unique(tag, hint.digest) is not None:
            self.unique.setdefault(tag, []).append(hint)
            return
        verdict = scheme.judge(tag, hint.digest)
        if verdict is Verdict.STABLE and scheme.pin is not None:
            self.stable.append(hint)
        elif verdict is Verdict.UNKNOWN and scheme.unknown != "allow":
            self.unknown.append(hint)

    def delete(self, tag: str, hint: Hint) -> None:
        if self._scheme.read_unique(tag, hint.digest) is not None:
            self.deleted.setdefault(tag, []).append(hint)

    def concern(self) -> Concern:
        return Concern(
            lines=self.lines,
            unique={tag: tuple(each) for tag, each in self.unique.items()},
            stable=tuple(self.stable),
            unknown=tuple(self.unknown),
            deleted={tag: tuple(each) for tag, each in self.deleted.items()},
            hints={tag: tuple(each) for tag, each in self.hints.items()},
        )


def concern(
    scheme: Scheme, hints: Iterable[Hint], marked: Mapping[str, Sequence[Mark]] | None = None
) -> Concern:
    """Which tags the pushes and deletes in `hints` are about.

    `marked` gives, for the digest of a DELETE without a tag, the marks that are on it: what it
    took with it, as far as that is remembered without a listing.
    """
    found = _Collector(scheme)
    for hint in hints:
        if hint.tag is None:
            marks = (marked or {}).get(hint.digest or "", ())
            found.touch((line for mark in marks if (line := scheme.line(mark.tag))), hint)
            continue
        found.touch(_lines(scheme, hint.tag, hint.digest), hint)
        if hint.action is Action.PUSH:
            found.push(hint.tag, hint)
        elif hint.action is Action.DELETE:
            found.delete(hint.tag, hint)
    return found.concern()


def vanished(
    known: Mapping[str, str], images: Iterable[Image], sweep: Hint
) -> dict[str, tuple[Hint, ...]]:
    """The unique tags that history knows and that no image carries any more."""
    carried = {tag for image in images for tag in image.tags}
    return {tag: (sweep,) for tag in known if tag not in carried}


def concern_all(
    scheme: Scheme, images: Iterable[Image], marks: Iterable[str], sweep: Hint
) -> Concern:
    """The concern of a sweep: every line that an image, a stable tag or a mark gives rise to."""
    found = _Collector(scheme)
    for image in images:
        for tag in image.tags:
            hint = Hint(sweep.repository, Action.PUSH, tag, image.digest, sweep.cause, sweep.time)
            found.lines.update((line.tag, line) for line in _lines(scheme, tag, image.digest))
            found.push(tag, hint)
    found.lines.update((line.tag, line) for tag in marks if (line := scheme.line(tag)))
    found.hints.update((tag, [sweep]) for tag in found.lines)
    return found.concern()


def _lines(scheme: Scheme, tag: str, digest: str | None) -> Sequence[Line]:
    if scheme.is_pin(tag, digest):
        return ()
    unique = scheme.read_unique(tag, digest)
    if unique is not None:
        return scheme.lines(unique)
    line = scheme.line(tag)
    return () if line is None else (line,)


def is_settled(
    about: Concern, found: Iterable[str], marks: Mapping[str, Mark], known: Mapping[str, str]
) -> bool:
    """Whether the first answer shows that nothing is new.

    `found` are the digests that the pushed digests, the stable tags and their marks lead to, with
    nothing missing. It is settled when they are all one digest, every mark is on it, and history
    knows the pushed unique tags on it: an echo of the steward's own writes, or a repeated event.
    """
    digests = set(found)
    if about.unknown or len(digests) > 1:
        return False
    if any(hint.tag not in about.lines for hint in about.stable):
        return False
    if any(tag not in marks or marks[tag].digest not in digests for tag in about.lines):
        return False
    return all(
        known.get(tag) == hint.digest for tag, hints in about.unique.items() for hint in hints
    )


def doubtful(
    scheme: Scheme, about: Concern, observed: Observed, pushed: Mapping[str, datetime]
) -> frozenset[str]:
    """The unique tags that count as overwritten only if their repository is the one it was.

    `pushed` says when the images were pushed that history knows the tags on. Where such an image is
    gone, or came again later, it may have been in a repository of the same name.
    """
    if scheme.overwritten == "allow":
        return frozenset()
    return frozenset(
        tag
        for tag, hints in about.unique.items()
        if tag in pushed
        and tag not in observed.frozen
        and not _was_there(observed.images.get(observed.known[tag]), pushed[tag])
        and any(_moved(tag, hint.digest, observed) for hint in hints)
    )


def deleted(hints: Iterable[Hint]) -> dict[str, datetime]:
    """The images that are deleted by these hints, which name no tag, and when."""
    return {
        hint.digest: hint.time
        for hint in hints
        if hint.action is Action.DELETE and hint.tag is None and hint.digest is not None
    }


def freed_with(
    about: Concern, observed: Observed, tags: Iterable[str], gone: Mapping[str, datetime]
) -> dict[str, str]:
    """Those of these unique tags whose images were deleted, as `gone` says, before they were pushed
    where they are now; each with the image that is gone."""
    found = {}
    for tag in tags:
        known = observed.known[tag]
        when = None if known in observed.images else gone.get(known)
        pushes = [hint for hint in about.unique[tag] if _moved(tag, hint.digest, observed)]
        if when is not None and all(when <= hint.time for hint in pushes):
            found[tag] = known
    return found


def _was_there(image: Image | None, since: datetime) -> bool:
    # What is remembered has no more than milliseconds.
    return image is not None and image.pushed_at < since + timedelta(milliseconds=1)


def _moved(tag: str, digest: str | None, observed: Observed) -> bool:
    """Whether a unique tag is on this image, which is not the one that history knows it on."""
    image = observed.image(digest)
    return image is not None and tag in image.tags and image.digest != observed.known[tag]


def unbounded(scheme: Scheme, about: Concern, observed: Observed) -> tuple[Line, ...]:
    """The lines that nothing bounds: what leads them is known only from a listing.

    A line is bounded by its own mark while the mark's image still carries the mark's unique tag;
    or by a wider line's mark that is not higher (or newer) than the best seen in this line, for
    then nothing in this line can be higher either.
    """
    leading = tops(scheme, about.lines, observed.images.values())
    bounds = {
        tag: top for tag, line in about.lines.items() if (top := bound(scheme, observed, line))
    }
    return tuple(
        line
        for tag, line in about.lines.items()
        if tag not in bounds and not _bounded_from_above(line, leading.get(tag), about, bounds)
    )


def _bounded_from_above(
    line: Line, top: Top | None, about: Concern, bounds: Mapping[str, Top]
) -> bool:
    return top is not None and any(
        line.inside(about.lines[tag]) and bounding.order <= top.order
        for tag, bounding in bounds.items()
    )


def leaders(
    scheme: Scheme, lines: Iterable[Line], listed: Iterable[tuple[str, str]]
) -> frozenset[str]:
    """The digests that carry the highest version of one of `lines`, which follow the highest.

    `listed` are the tags of the repository with their digests, as `ListImages` has them. Several
    images can be of equal version; which of them leads is decided by when they were pushed.
    """
    best: dict[str, tuple[tuple[object, ...], set[str]]] = {}
    for tag, order, digest in _listed_versions(scheme, {line.tag for line in lines}, listed):
        held = best.get(tag)
        if held is None or order > held[0]:
            best[tag] = (order, {digest})
        elif order == held[0]:
            held[1].add(digest)
    return frozenset(digest for _, digests in best.values() for digest in digests)


def _listed_versions(
    scheme: Scheme, wanted: set[str], listed: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, tuple[object, ...], str]]:
    for tag, digest in listed:
        unique = scheme.read_unique(tag, digest)
        if unique is not None and unique.version is not None:
            for line in scheme.lines(unique):
                if line.tag in wanted:
                    yield line.tag, unique.version.precedence, digest
