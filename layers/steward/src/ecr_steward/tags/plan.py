"""The plan: from what ECR says and what the steward remembers to a list of changes with reasons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.tags.stable import Line
from ecr_steward.tags.state import Concern, Image, Mark, Observed, Top, tops, uniques
from ecr_steward.words.facts import Kind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import iso

WRITES = (Kind.PIN, Kind.RESTORE, Kind.MOVE, Kind.REMOVE)
"""Kinds of change that write to ECR, in the order in which they must be made: an image gets its
pin before it loses a tag."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change, and why. `before` and `after` are digests; `hint` is what it comes from.

    `found` is a change that somebody else made: it is told, and nothing is left to do.
    """

    kind: Kind
    tag: str
    before: str | None
    after: str | None
    reason: str
    hint: Hint
    before_tags: tuple[str, ...] = ()
    after_tags: tuple[str, ...] = ()
    found: bool = False

    @property
    def writes(self) -> bool:
        return self.kind in WRITES and not self.found


@dataclass(frozen=True, slots=True)
class Stay:
    """A stable tag that stays where it is, and why. `digest` is its image; `lost` is the push of a
    unique tag that did not get it, None where nothing asked for it."""

    tag: str
    digest: str | None
    reason: str
    lost: Hint | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, what to remember, and why stable tags stay where they are.

    `marks` are those of all lines as they are before the changes. `taken` are those of tags that
    somebody else took from where they belong, and that are to go back. `known` are the images that
    unique tags are accepted on, `freed` the last images of those that somebody deleted. `kept` are
    by unique tag the images that must have their pin before the tag is accepted elsewhere, `passed`
    unique tags that were free and have another image now: for the record, and told to nobody.
    """

    changes: tuple[Change, ...] = ()
    marks: tuple[Mark, ...] = ()
    forgotten: tuple[str, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    freed: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    passed: tuple[Change, ...] = ()
    stays: tuple[Stay, ...] = ()
    taken: tuple[Mark, ...] = ()

    @property
    def writes(self) -> tuple[Change, ...]:
        """The changes that write to ECR, in the order in which they must be made."""
        writes = (change for change in self.changes if change.writes)
        return tuple(sorted(writes, key=lambda change: WRITES.index(change.kind)))

    @property
    def findings(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if not change.writes)


def plan_changes(scheme: Scheme, about: Concern, observed: Observed) -> Plan:
    """The changes that bring every tag of `about` to where it belongs.

    Every line of `about` must be bounded, or what leads it be among `observed.images`.
    """
    overwrites = _Overwrites(scheme, about, observed)
    lines = _Lines(scheme, about, replace(observed, images=overwrites.images))
    removes, rejects = _unknown(scheme, about, observed, [*overwrites.restores, *lines.moves])
    losing = [*overwrites.restores, *lines.moves, *removes]
    pins = _pins(scheme, [*about.stable, *overwrites.late], observed, losing)
    kept = {pin.after for pin in overwrites.pins}
    return Plan(
        changes=(
            *overwrites.pins,
            *(pin for pin in pins if pin.after not in kept),
            *overwrites.restores,
            *lines.moves,
            *removes,
            *overwrites.reports,
            *lines.reports,
            *rejects,
        ),
        marks=tuple(lines.marks),
        forgotten=tuple(lines.forgotten),
        known=overwrites.accepted,
        freed={t: d for t, d in overwrites.freed.items() if t not in overwrites.accepted},
        kept={tag: pin.after or "" for tag, pin in overwrites.kept.items()},
        passed=tuple(overwrites.passed),
        stays=tuple(lines.stays),
        taken=tuple(lines.taken),
    )


def with_restores(scheme: Scheme, about: Concern, observed: Observed) -> Observed:
    """What is observed once the unique tags are back where they belong: what `plan_changes` plans
    the stable tags on, and so what their lines must be bounded in."""
    return replace(observed, images=_Overwrites(scheme, about, observed).images)


class _Overwrites:
    """Unique tags that are on another image than history knows.

    `images` is what the repository looks like once the restores are made; `late` are pushes of a
    unique tag that another push took away again, and with it the image's last tag. `freed` are
    those that somebody deleted, with the image they were on; what has one next owns it.
    """

    def __init__(self, scheme: Scheme, about: Concern, observed: Observed) -> None:
        self.restores: list[Change] = []
        self.reports: list[Change] = []
        self.late: list[Hint] = []
        self.accepted: dict[str, str] = {}
        self.images = dict(observed.images)
        self.freed = _freed(about, observed)
        self.passed: list[Change] = []
        self.kept: dict[str, Change] = {}
        self._scheme, self._frozen = scheme, observed.frozen
        self._was_free = {**observed.freed, **self.freed}
        for tag, hints in about.unique.items():
            hint = next((each for each in hints if _carries(observed, each)), None)
            known = None if tag in self.freed else observed.known.get(tag)
            if hint is not None and hint.digest is not None and known != hint.digest:
                self._judge(tag, known, hint, observed.images[hint.digest])
            if scheme.overwritten in ("restore", "keep"):
                self.late += [each for each in hints if each.digest != known]

    @property
    def pins(self) -> list[Change]:
        """The pins of images that lost their unique tag to another, where the rule keeps both."""
        return list(self.kept.values())

    def _judge(self, tag: str, known: str | None, hint: Hint, newcomer: Image) -> None:
        owner = self.images.get(known or "")
        if known is None or self._scheme.overwritten == "allow":
            self._accept(tag, self._was_free.get(tag), hint, newcomer)
            return
        if self._scheme.overwritten == "keep":
            self._keep(tag, owner, hint, newcomer)
            return
        reason = f"`{tag}` is a unique tag and was put on another image than it named before"
        restore = self._scheme.overwritten == "restore"
        if restore and tag in self._frozen:
            reason += "; ECR does not let it be put back."
        elif restore and owner is not None:
            self._restore(tag, owner, newcomer, hint)
            reason += "; it is put back."
        else:
            self.accepted[tag] = newcomer.digest
            reason += "; that image is gone, so it cannot be put back." if restore else "."
        self.reports.append(_overwrite(tag, known, owner, newcomer, hint, reason))

    def _accept(self, tag: str, before: str | None, hint: Hint, newcomer: Image) -> None:
        """The unique tag is the newcomer's; `before` is the last image of one that was free."""
        self.accepted[tag] = newcomer.digest
        if before not in (None, newcomer.digest):
            reason = f"`{tag}` was deleted, so it was free: it belongs to this image now."
            owner = self.images.get(before or "")
            self.passed.append(_overwrite(tag, before, owner, newcomer, hint, reason))

    def _keep(self, tag: str, owner: Image | None, hint: Hint, newcomer: Image) -> None:
        self.accepted[tag] = newcomer.digest
        if owner is None or any(self._scheme.is_pin(each, owner.digest) for each in owner.tags):
            return
        reason = f"`{tag}` was built again; the image before keeps a name of its own."
        change = Change(Kind.PIN, tag, None, owner.digest, "", hint)
        self.kept[tag] = _pin(self._scheme, owner, change, reason)

    def _restore(self, tag: str, owner: Image, newcomer: Image, hint: Hint) -> None:
        self.restores.append(
            Change(
                kind=Kind.RESTORE,
                tag=tag,
                before=newcomer.digest,
                after=owner.digest,
                reason=f"`{tag}` is a unique tag: it goes back to the image it belongs to.",
                hint=hint,
                before_tags=newcomer.tags,
                after_tags=owner.tags,
            )
        )
        kept = tuple(each for each in self.images[newcomer.digest].tags if each != tag)
        self.images[newcomer.digest] = replace(self.images[newcomer.digest], tags=kept)
        self.images[owner.digest] = replace(owner, tags=(*owner.tags, tag))


def _overwrite(
    tag: str, before: str | None, owner: Image | None, newcomer: Image, hint: Hint, reason: str
) -> Change:
    return Change(
        kind=Kind.OVERWRITE,
        tag=tag,
        before=before,
        after=newcomer.digest,
        reason=reason,
        hint=hint,
        before_tags=() if owner is None else owner.tags,
        after_tags=newcomer.tags,
    )


def _freed(about: Concern, observed: Observed) -> dict[str, str]:
    """The unique tags that somebody deleted, with the image that each belonged to.

    A late word of a deletion does not free what was pushed again on that image, nor what another
    image got while the word was on its way.
    """
    holders = {tag: image.digest for image in observed.images.values() for tag in image.tags}
    found = {}
    for tag, hints in about.deleted.items():
        known, holder = observed.known.get(tag), holders.get(tag)
        if known is None or holder == known or tag in observed.frozen:
            continue
        if holder is None or any(hint.digest == known for hint in hints):
            found[tag] = known
    return found


class _Lines:
    """Where the stable tags belong, and what has to move."""

    def __init__(self, scheme: Scheme, about: Concern, observed: Observed) -> None:
        self._scheme, self._about, self._observed = scheme, about, observed
        self.moves: list[Change] = []
        self.reports: list[Change] = []
        self.marks: list[Mark] = []
        self.forgotten: list[str] = []
        self.stays: list[Stay] = []
        self.taken: list[Mark] = []
        images = observed.images.values()
        leading = tops(scheme, about.lines, images)
        holders = {tag: image for image in images for tag in image.tags}
        for tag, line in about.lines.items():
            top = leading.get(tag)
            if top is None:
                self._leaderless(line, holders.get(tag))
            else:
                self._place(line, top, holders.get(tag))
        self.reports += _twins(scheme, about, leading, images)

    def _leaderless(self, line: Line, holder: Image | None) -> None:
        mark = self._observed.marks.get(line.tag)
        digest = None if holder is None else holder.digest
        self.stays.append(Stay(line.tag, digest, f"No image is left for {line}."))
        if holder is not None and line.tag not in self._observed.holds:
            self.reports.append(self._stale(line, holder, mark))
        if mark is None:
            return
        self.forgotten.append(line.tag)
        if holder is None:
            self.reports.append(
                Change(
                    kind=Kind.REMOVE,
                    tag=line.tag,
                    before=mark.digest,
                    after=None,
                    reason=f"{mark.unique} is gone and nothing is left of {line}: "
                    f"`{line.tag}` stays away.",
                    hint=self._about.hints[line.tag][0],
                    found=True,
                )
            )

    def _stale(self, line: Line, holder: Image, mark: Mark | None) -> Change:
        gone = f"{mark.unique} is gone and nothing" if mark is not None else "Nothing"
        unique = "unique tag" if line.newest else "version"
        return Change(
            kind=Kind.STALE,
            tag=line.tag,
            before=None,
            after=holder.digest,
            reason=f"{gone} leads {line}: `{line.tag}` stays on an image without a {unique} of it.",
            hint=self._about.hints[line.tag][0],
            after_tags=holder.tags,
        )

    def _place(self, line: Line, top: Top, holder: Image | None) -> None:
        mark = self._observed.marks.get(line.tag)
        placed = holder is not None and holder.digest == top.image.digest
        new = Mark(line.tag, top.unique, top.image.digest, placed)
        self.marks.append(new)
        if placed:
            self.stays.append(self._stay(line, top))
            return
        hint = _hint_for(self._about.hints[line.tag], top.image.digest)
        move = Change(
            kind=Kind.MOVE,
            tag=line.tag,
            before=None if holder is None else holder.digest,
            after=top.image.digest,
            reason=_reason(self._scheme, line, top, holder, mark) + _since(line, hint, top.image),
            hint=hint,
            before_tags=() if holder is None else holder.tags,
            after_tags=top.image.tags,
        )
        held = self._observed.holds.get(line.tag)
        if held is None:
            self.moves.append(move)
            if mark is not None and mark == new and mark.placed and holder is not None:
                self.taken.append(mark)
        else:
            reason = f"`{line.tag}` is held ({held}) and does not go to {top.unique}."
            self.reports.append(replace(move, kind=Kind.HELD, reason=reason))

    def _stay(self, line: Line, top: Top) -> Stay:
        """Why a tag that is where it belongs stays there; what was pushed lost against it."""
        lost = next(
            (hint for hint in self._about.hints[line.tag] if self._has_lost(line, hint, top)), None
        )
        reason = f"`{line.tag}` stays on {top.unique}, {_rank(line)}"
        if lost is not None:
            reason += f": {lost.tag} is {'older' if line.newest else 'lower'}"
            pushed = self._observed.images[lost.digest or ""]
            return Stay(line.tag, top.image.digest, f"{reason}.{_since(line, lost, pushed)}", lost)
        return Stay(line.tag, top.image.digest, f"{reason}.", lost)

    def _has_lost(self, line: Line, hint: Hint, top: Top) -> bool:
        """Whether `hint` is the push of a unique tag of the line that is below the top."""
        image = self._observed.images.get(hint.digest or "")
        unique = self._scheme.read_unique(hint.tag or "", hint.digest)
        if unique is None or image is None or hint.tag not in image.tags:
            return False
        pushed = Top(unique, image, line.newest)
        return (
            hint.action is Action.PUSH
            and line.holds(unique)
            and image.digest != top.image.digest
            and not pushed.equals(top)
        )


def _hint_for(hints: Sequence[Hint], digest: str) -> Hint:
    """The hint a move comes from: the push of its target if there is one, else the first."""
    return next((hint for hint in hints if hint.digest == digest), hints[0])


_AT_ONCE = timedelta(minutes=10)
"""How long after an image was pushed its event may come, and its other tags."""


def _since(line: Line, hint: Hint, image: Image) -> str:
    """Where a tag follows the newest and was put on an image that ECR had long before: since when,
    as a sentence of its own."""
    late = hint.action is Action.PUSH and hint.digest == image.digest
    if not (line.newest and late and hint.time - image.pushed_at > _AT_ONCE):
        return ""
    return f" ECR has had the image of {hint.tag} since {iso(image.pushed_at)}, which counts."


def _rank(line: Line) -> str:
    return f"the {'newest' if line.newest else 'highest'} of {line}"


def _reason(scheme: Scheme, line: Line, top: Top, holder: Image | None, mark: Mark | None) -> str:
    if mark is not None and _was_higher(scheme, line, mark, top):
        return (
            f"`{line.tag}` goes to {top.unique}, the highest that is left of {line}: {mark.unique} "
            "is gone."
        )
    goes = f"`{line.tag}` goes to {top.unique}"
    if holder is None:
        return f"{goes}, {_rank(line)}; it was on no image."
    held = tops(scheme, {line.tag: line}, [holder]).get(line.tag)
    if held is None:
        return f"{goes}, {_rank(line)}; the image that it was on has no version of it."
    if line.newest:
        return f"{goes}, {_rank(line)}: {held.unique} is older."
    if not held.equals(top):
        return f"{goes}, {_rank(line)}: {held.unique} is lower."
    return f"{goes}, whose image was pushed later than that of {held.unique}, its equal."


def _was_higher(scheme: Scheme, line: Line, mark: Mark, top: Top) -> bool:
    unique, version = scheme.read_unique(mark.unique, mark.digest), top.read.version
    if line.newest or unique is None or unique.version is None or version is None:
        return False
    return unique.version.precedence > version.precedence


def _twins(
    scheme: Scheme, about: Concern, leading: Mapping[str, Top], images: Iterable[Image]
) -> list[Change]:
    """Unique tags of equal version on other images than the one that leads their line."""
    found: dict[str, Change] = {}
    for unique, image in uniques(scheme, images):
        for line in scheme.lines(unique):
            top = leading.get(line.tag)
            twin = Top(unique, image, line.newest)
            if top is None or top.image.digest == image.digest or not twin.equals(top):
                continue
            reason = (
                f"`{unique.tag}` and `{top.unique}` are equal versions of different images; "
                f"`{line.tag}` follows `{top.unique}`, whose image was pushed later."
            )
            hint = about.hints[line.tag][0]
            found[unique.tag] = Change(Kind.REJECT, unique.tag, None, image.digest, reason, hint)
    return list(found.values())


def _pins(
    scheme: Scheme, pushes: Iterable[Hint], observed: Observed, losing: Sequence[Change]
) -> list[Change]:
    """A pin for every image that would be left without any tag, that lost its unique tag to
    another, or, where the rule says so, that only stable tags name.

    `pushes` are those whose image may need a pin whatever moves: of stable tags where the rule has
    them pinned, of unique tags where it has them restored.
    """
    pins: dict[str, Change] = {}
    arriving = {change.after for change in losing}
    for digest, left in _by_image(losing).items():
        image = observed.images[digest]
        rest = [tag for tag in image.tags if tag not in {change.tag for change in left}]
        reason = _why_pinned(scheme, left, digest, rest)
        if reason is not None and (rest or digest not in arriving or _is_restored(left)):
            stable = (tag for tag in rest if scheme.judge(tag, digest) is Verdict.STABLE)
            named = next(stable, left[0].tag)
            tag = left[0].tag if _is_restored(left) else named
            pins[digest] = _pin(scheme, image, replace(left[0], tag=tag), reason)
    for hint in pushes:
        found = observed.images.get(hint.digest or "")
        if found is None or found.digest in pins:
            continue
        late = not found.tags and found.digest not in arriving
        if late or (hint.tag in found.tags and _is_only_stable(scheme, found.digest, found.tags)):
            change = Change(Kind.MOVE, hint.tag or "", None, found.digest, "", hint)
            reason = f"Only stable tags name the image (`{hint.tag}`)."
            if late:
                reason = f"Another push took `{hint.tag}` from the image, which has no tag left."
            pins[found.digest] = _pin(scheme, found, change, reason)
    return list(pins.values())


def _why_pinned(
    scheme: Scheme, left: Sequence[Change], digest: str, rest: Collection[str]
) -> str | None:
    """Why an image that the changes `left` take tags from needs a pin, or None if it does not."""
    if _is_restored(left) and not _is_named(scheme, digest, rest):
        return f"The image lost `{left[0].tag}`, the unique tag it came by."
    if not rest:
        return f"The image would lose its last tag when `{left[0].tag}` moves."
    removed = any(change.kind is Kind.REMOVE for change in left)
    if removed and scheme.pin is not None and _is_only_stable(scheme, digest, rest):
        return f"Only stable tags name the image once `{left[0].tag}` is removed."
    return None


def _is_restored(left: Iterable[Change]) -> bool:
    return any(change.kind is Kind.RESTORE for change in left)


def _is_only_stable(scheme: Scheme, digest: str, tags: Iterable[str]) -> bool:
    """Whether stable tags, and such as nobody judges, are all that `tags` has."""
    return {scheme.judge(tag, digest) for tag in tags} - {Verdict.IGNORED} == {Verdict.STABLE}


def _by_image(losing: Iterable[Change]) -> dict[str, list[Change]]:
    leaving: dict[str, list[Change]] = {}
    for change in losing:
        if change.before is not None:
            leaving.setdefault(change.before, []).append(change)
    return leaving


def _is_named(scheme: Scheme, digest: str, tags: Iterable[str]) -> bool:
    """Whether one of `tags` is a unique tag or a pin."""
    return any(scheme.judge(tag, digest) in (Verdict.UNIQUE, Verdict.PIN) for tag in tags)


def _pin(scheme: Scheme, image: Image, cause: Change, reason: str) -> Change:
    return Change(
        kind=Kind.PIN,
        tag=scheme.make_pin(cause.tag, image.pushed_at, image.digest),
        before=None,
        after=image.digest,
        reason=reason,
        hint=cause.hint,
        after_tags=image.tags,
    )


def _unknown(
    scheme: Scheme, about: Concern, observed: Observed, losing: Sequence[Change]
) -> tuple[list[Change], list[Change]]:
    """What to remove and what to report of the unknown tags; an image's last tag always stays."""
    removes: list[Change] = []
    rejects: list[Change] = []
    leaving = {(change.before, change.tag) for change in losing}
    # An image that loses its unique tag to another keeps a name: another one, or its pin.
    named = {change.before for change in losing if change.kind is Kind.RESTORE}
    for hint in about.unknown:
        tag, image = hint.tag or "", observed.images.get(hint.digest or "")
        reason = _why_unknown(scheme, tag)
        removable = scheme.unknown == "remove" and image is not None
        if removable and image is not None:
            if tag not in image.tags or (image.digest, tag) in leaving:
                continue
            kept = {each for each in image.tags if (image.digest, each) not in leaving} - {tag}
            if kept or image.digest in named:
                leaving.add((image.digest, tag))
                removes.append(
                    Change(
                        kind=Kind.REMOVE,
                        tag=tag,
                        before=image.digest,
                        after=None,
                        reason=f"{reason}.",
                        hint=hint,
                        before_tags=image.tags,
                    )
                )
                continue
            reason += "; it stays, for it is the image's last tag"
        rejects.append(Change(Kind.REJECT, tag, None, hint.digest, f"{reason}.", hint))
    return removes, rejects


def _why_unknown(scheme: Scheme, tag: str) -> str:
    nearly = scheme.nearly(tag)
    reason = f"`{tag}` is neither a unique nor a stable tag of this repository's rule"
    return reason if nearly is None else f"{reason} ({nearly})"


def _carries(observed: Observed, hint: Hint) -> bool:
    image = observed.images.get(hint.digest or "")
    return image is not None and hint.tag in image.tags
