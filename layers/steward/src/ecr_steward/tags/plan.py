"""The plan: from what ECR says and what the steward remembers to a list of changes with reasons.

Everything here is pure. The order of work is `concern` (which stable tags do these hints touch?),
`is_settled` (does the first answer already show that nothing is new?), `unbounded` (which lines
must be listed, because no mark bounds them?), `leaders` (which images a listing makes worth a
look?), and `plan`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ecr_steward.events import Action, Hint, Kind
from ecr_steward.tags import grammar
from ecr_steward.tags.scheme import Line, Scheme, Verdict
from ecr_steward.tags.versions import Version


@dataclass(frozen=True, slots=True)
class Image:
    """An image as `DescribeImages` has it; `tags` are all the tags it has."""

    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """The highest version verified in a line: the unique tag that carries it, and its image."""

    tag: str
    unique: str
    digest: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change, and why. `before` and `after` are digests; `hint` is what it comes from."""

    kind: Kind
    tag: str
    before: str | None
    after: str | None
    reason: str
    hint: Hint
    before_tags: tuple[str, ...] = ()
    after_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Concern:
    """What the hints are about: stable tags with their lines, unique tags, unknown tags."""

    lines: Mapping[str, Line] = field(default_factory=dict)
    unique: Mapping[str, tuple[Hint, ...]] = field(default_factory=dict)
    unknown: tuple[Hint, ...] = ()
    hints: Mapping[str, tuple[Hint, ...]] = field(default_factory=dict)
    """By stable tag, the hints that touch it, in order."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of the repository while it is planned.

    `images` are those looked at, with all their tags; `marks` and `known` (unique tag to the
    digest it was first or last accepted on) come from history.
    """

    images: Mapping[str, Image]
    marks: Mapping[str, Mark]
    known: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, what to remember, and why stable tags stay where they are."""

    changes: tuple[Change, ...] = ()
    marks: tuple[Mark, ...] = ()
    forgotten: tuple[str, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    stays: tuple[tuple[str, str], ...] = ()

    @property
    def writes(self) -> tuple[Change, ...]:
        """The changes that write to ECR: pins before moves, for a moved tag may be the last."""
        return tuple(change for change in self.changes if change.kind in (Kind.PIN, Kind.MOVE))

    @property
    def findings(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.kind not in (Kind.PIN, Kind.MOVE))


@dataclass(frozen=True, slots=True)
class _Top:
    version: Version
    unique: str
    image: Image

    @property
    def order(self) -> tuple[object, ...]:
        """Version first; of equal versions the image pushed later, then the higher digest."""
        return (self.version.precedence, self.image.pushed_at, self.image.digest, self.unique)


def concern(
    scheme: Scheme, hints: Iterable[Hint], marked: Mapping[str, Iterable[str]] | None = None
) -> Concern:
    """Which tags the pushes and deletes in `hints` are about.

    `marked` gives, for the digest of a DELETE without a tag, the stable tags whose mark it was.
    """
    lines: dict[str, Line] = {}
    unique: dict[str, list[Hint]] = {}
    touched: dict[str, list[Hint]] = {}
    unknown: list[Hint] = []
    for hint in hints:
        for line in _lines(scheme, hint, marked or {}):
            lines[line.tag] = line
            touched.setdefault(line.tag, []).append(hint)
        if hint.tag is None or hint.action is not Action.PUSH:
            continue
        if scheme.read_unique(hint.tag) is not None:
            unique.setdefault(hint.tag, []).append(hint)
        elif scheme.unknown == "report" and scheme.judge(hint.tag) is Verdict.UNKNOWN:
            unknown.append(hint)
    return Concern(
        lines=lines,
        unique={tag: tuple(each) for tag, each in unique.items()},
        unknown=tuple(unknown),
        hints={tag: tuple(each) for tag, each in touched.items()},
    )


def concern_all(
    scheme: Scheme, images: Iterable[Image], marks: Iterable[str], hint: Hint
) -> Concern:
    """The concern of a sweep: every line that an image, a stable tag or a mark gives rise to."""
    lines: dict[str, Line] = {}
    unique: dict[str, tuple[Hint, ...]] = {}
    unknown: list[Hint] = []
    for image in images:
        for tag in image.tags:
            found = Hint(hint.repository, Action.PUSH, tag, image.digest, hint.cause, hint.time)
            lines.update((line.tag, line) for line in _lines(scheme, found, {}))
            if scheme.read_unique(tag) is not None:
                unique[tag] = (found,)
            elif scheme.unknown == "report" and scheme.judge(tag) is Verdict.UNKNOWN:
                unknown.append(found)
    for tag in marks:
        line = scheme.line(tag)
        if line is not None:
            lines[tag] = line
    return Concern(lines, unique, tuple(unknown), dict.fromkeys(lines, (hint,)))


def _lines(scheme: Scheme, hint: Hint, marked: Mapping[str, Iterable[str]]) -> Sequence[Line]:
    if hint.tag is None:
        tags = marked.get(hint.digest or "", ())
        return [line for tag in tags if (line := scheme.line(tag)) is not None]
    unique = scheme.read_unique(hint.tag)
    if unique is not None:
        return scheme.lines(unique.version) if unique.version is not None else ()
    line = scheme.line(hint.tag)
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
    if any(tag not in marks or marks[tag].digest not in digests for tag in about.lines):
        return False
    return all(
        known.get(tag) == hint.digest for tag, hints in about.unique.items() for hint in hints
    )


def unbounded(scheme: Scheme, about: Concern, observed: Observed) -> tuple[Line, ...]:
    """The lines that nothing bounds: their highest version is known only from a listing.

    A line is bounded by its own mark while the mark's image still carries the mark's unique tag;
    or by a wider line's mark that is not higher than the best version seen in this line, for then
    nothing in this line can be higher either.
    """
    tops = _tops(scheme, about.lines, observed.images.values())
    bounds = {tag: bound for tag in about.lines if (bound := _bound(scheme, observed, tag))}
    return tuple(
        line
        for tag, line in about.lines.items()
        if tag not in bounds and not _bounded_from_above(line, tops.get(tag), about.lines, bounds)
    )


def _bounded_from_above(
    line: Line, top: _Top | None, lines: Mapping[str, Line], bounds: Mapping[str, Version]
) -> bool:
    return top is not None and any(
        line.within(lines[tag]) and bound.precedence <= top.version.precedence
        for tag, bound in bounds.items()
    )


def _bound(scheme: Scheme, observed: Observed, tag: str) -> Version | None:
    mark = observed.marks.get(tag)
    image = observed.images.get(mark.digest) if mark is not None else None
    if mark is None or image is None or mark.unique not in image.tags:
        return None
    unique = scheme.read_unique(mark.unique)
    return None if unique is None else unique.version


def leaders(
    scheme: Scheme, lines: Iterable[Line], listed: Iterable[tuple[str, str]]
) -> frozenset[str]:
    """The digests that carry the highest version of one of `lines`.

    `listed` are the tags of the repository with their digests, as `ListImages` has them. Several
    images can be of equal version; which of them leads is decided by when they were pushed.
    """
    wanted = {line.tag for line in lines}
    best: dict[str, tuple[tuple[object, ...], set[str]]] = {}
    for tag, digest in listed:
        unique = scheme.read_unique(tag)
        if unique is None or unique.version is None:
            continue
        order = unique.version.precedence
        for line in scheme.lines(unique.version):
            if line.tag not in wanted:
                continue
            held = best.get(line.tag)
            if held is None or order > held[0]:
                best[line.tag] = (order, {digest})
            elif order == held[0]:
                held[1].add(digest)
    return frozenset(digest for _, digests in best.values() for digest in digests)


def plan(scheme: Scheme, about: Concern, observed: Observed) -> Plan:
    """The changes that bring every stable tag of `about` to where it belongs.

    Every line of `about` must be bounded, or its leaders be among `observed.images`.
    """
    tops = _tops(scheme, about.lines, observed.images.values())
    holders = {tag: image for image in observed.images.values() for tag in image.tags}
    moves: list[Change] = []
    marks: list[Mark] = []
    forgotten: list[str] = []
    stays: list[tuple[str, str]] = []
    for tag, line in about.lines.items():
        top, holder, mark = tops.get(tag), holders.get(tag), observed.marks.get(tag)
        if top is None:
            forgotten += [tag] if mark is not None else []
            stays.append((tag, f"no image has a version of {line}"))
            continue
        if mark != (new := Mark(tag, top.unique, top.image.digest)):
            marks.append(new)
        if holder is not None and holder.digest == top.image.digest:
            stays.append((tag, f"it is on {top.unique}, the highest of {line}"))
            continue
        reason = _reason(scheme, line, top, holder, mark)
        hint = _hint_for(about.hints[tag], top.image.digest)
        moves.append(
            Change(
                kind=Kind.MOVE,
                tag=tag,
                before=None if holder is None else holder.digest,
                after=top.image.digest,
                reason=reason,
                hint=hint,
                before_tags=() if holder is None else holder.tags,
                after_tags=top.image.tags,
            )
        )
    overwrites, known = _overwrites(scheme, about, observed)
    return Plan(
        changes=(*_pins(moves, observed), *moves, *overwrites, *_rejects(about)),
        marks=tuple(marks),
        forgotten=tuple(forgotten),
        known=known,
        stays=tuple(stays),
    )


def _tops(scheme: Scheme, lines: Mapping[str, Line], images: Iterable[Image]) -> dict[str, _Top]:
    tops: dict[str, _Top] = {}
    for image in images:
        for tag in image.tags:
            unique = scheme.read_unique(tag)
            if unique is None or unique.version is None:
                continue
            top = _Top(unique.version, tag, image)
            for line in scheme.lines(unique.version):
                held = tops.get(line.tag)
                if line.tag in lines and (held is None or top.order > held.order):
                    tops[line.tag] = top
    return tops


def _hint_for(hints: Sequence[Hint], digest: str) -> Hint:
    """The hint a move comes from: the push of its target if there is one, else the first."""
    return next((hint for hint in hints if hint.digest == digest), hints[0])


def _reason(scheme: Scheme, line: Line, top: _Top, holder: Image | None, mark: Mark | None) -> str:
    if mark is not None and _was_higher(scheme, mark, top):
        return (
            f"{mark.unique}, the highest of {line} until now, is gone: {top.unique} is the "
            f"highest that is left."
        )
    if holder is None:
        return f"{top.unique} is the highest of {line}, and `{line.tag}` was on no image."
    held = _tops(scheme, {line.tag: line}, [holder]).get(line.tag)
    if held is None:
        return (
            f"{top.unique} is the highest of {line}; the image that `{line.tag}` was on has no "
            f"version of it."
        )
    if held.version.precedence < top.version.precedence:
        return f"{top.unique} is higher than {held.unique}, and the highest of {line}."
    return f"{top.unique} names an image pushed later than that of {held.unique}."


def _was_higher(scheme: Scheme, mark: Mark, top: _Top) -> bool:
    unique = scheme.read_unique(mark.unique)
    version = None if unique is None else unique.version
    return version is not None and version.precedence > top.version.precedence


def _pins(moves: Sequence[Change], observed: Observed) -> list[Change]:
    """A pin for every image that `moves` would leave without any tag."""
    leaving: dict[str, list[Change]] = {}
    for move in moves:
        if move.before is not None:
            leaving.setdefault(move.before, []).append(move)
    pins = []
    for digest, left in leaving.items():
        image = observed.images[digest]
        arriving = any(move.after == digest for move in moves)
        if arriving or set(image.tags) - {move.tag for move in left}:
            continue
        pin = grammar.pin(left[0].tag, image.pushed_at, digest)
        pins.append(
            Change(
                kind=Kind.PIN,
                tag=pin,
                before=None,
                after=digest,
                reason=f"The image would lose its last tag when `{left[0].tag}` moves.",
                hint=left[0].hint,
                after_tags=image.tags,
            )
        )
    return pins


def _overwrites(
    scheme: Scheme, about: Concern, observed: Observed
) -> tuple[list[Change], dict[str, str]]:
    """Unique tags that are on another image than history knows, and what to remember of each."""
    changes: list[Change] = []
    accepted: dict[str, str] = {}
    for tag, hints in about.unique.items():
        hint = next((each for each in hints if _carries(observed, each)), None)
        known = observed.known.get(tag)
        if hint is None or hint.digest is None or known == hint.digest:
            continue
        accepted[tag] = hint.digest
        if known is not None and scheme.overwritten == "report":
            reason = f"`{tag}` is a unique tag and was put on another image than it named before."
            tags = observed.images[hint.digest].tags
            changes.append(Change(Kind.OVERWRITE, tag, known, hint.digest, reason, hint, (), tags))
    return changes, accepted


def _carries(observed: Observed, hint: Hint) -> bool:
    image = observed.images.get(hint.digest or "")
    return image is not None and hint.tag in image.tags


def _rejects(about: Concern) -> list[Change]:
    return [
        Change(
            kind=Kind.REJECT,
            tag=hint.tag or "",
            before=None,
            after=hint.digest,
            reason=f"`{hint.tag}` is neither a unique nor a stable tag of this repository's rule.",
            hint=hint,
        )
        for hint in about.unknown
    ]
