"""The plan: from what ECR says and what the steward remembers to a list of changes with reasons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.tags.stable import Line
from ecr_steward.tags.state import Concern, Image, Mark, Observed, Taken, Top, tops, uniques
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import iso

WRITES = (FactKind.PIN, FactKind.RESTORE, FactKind.MOVE, FactKind.REMOVE)
"""Kinds of change that write to ECR, in the order in which they must be made: an image gets its
pin before it loses a tag."""

TIMES = 3
"""How often a tag is taken away WITHIN that time before it is left where it is: two who move a tag
in turn must not go on forever."""

WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class TagChange:
    """One change, and why. `before` and `after` are digests; `hint` is what it comes from.

    `found` is a change that somebody else made: it is told, and nothing is left to do.
    """

    kind: FactKind
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

    @property
    def key(self) -> str:
        """What is done, whatever the reason."""
        return change_key(self.kind.value, self.tag, self.before, self.after)


def change_key(kind: str, tag: str, before: str | None, after: str | None) -> str:
    """What tells a change of a tag from every other of its repository."""
    return "\n".join((kind, tag, before or "", after or ""))


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

    `marks` are those of all lines as they are before the changes. `taken` are the tags that
    somebody else took from where they belong: each goes back, or is `contested` and stays. `known`
    are the images that unique tags are accepted on, `freed` the last images of those that somebody
    deleted. `kept` are by unique tag the images that must have their pin before the tag is accepted
    elsewhere, `passed` unique tags that were free and have another image now: for the record, and
    told to nobody.
    """

    changes: tuple[TagChange, ...] = ()
    marks: tuple[Mark, ...] = ()
    forgotten: tuple[str, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    freed: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    passed: tuple[TagChange, ...] = ()
    stays: tuple[Stay, ...] = ()
    taken: tuple[Taken, ...] = ()

    @property
    def writes(self) -> tuple[TagChange, ...]:
        """The changes that write to ECR, in the order in which they must be made."""
        writes = (change for change in self.changes if change.writes)
        return tuple(sorted(writes, key=lambda change: WRITES.index(change.kind)))

    @property
    def findings(self) -> tuple[TagChange, ...]:
        return tuple(change for change in self.changes if not change.writes)

    @property
    def contested(self) -> tuple[Taken, ...]:
        """The tags that were taken so often that they stay where they are from now on."""
        return tuple(taken for taken in self.taken if len(taken.times) >= TIMES)

    def told_with(self, holds: Mapping[str, str]) -> Plan:
        """The same plan, whose reasons say this of the tags that are held."""
        if not holds:
            return self
        leading = {mark.tag: mark.unique for mark in self.marks}
        return replace(
            self,
            changes=tuple(
                replace(each, reason=_held_reason(each.tag, holds[each.tag], leading[each.tag]))
                if each.kind is FactKind.HELD and each.tag in holds
                else each
                for each in self.changes
            ),
        )


def plan_changes(
    scheme: Scheme, about: Concern, observed: Observed, now: datetime | None = None
) -> Plan:
    """The changes that bring every tag of `about` to where it belongs.

    Every line of `about` must be bounded, or what leads it be among `observed.images`. Without
    `now` it is not counted who takes tags away, and nothing waits for a pin, for nothing of the
    plan is to be done.
    """
    freed = _freed(about, observed)
    overwrites = _overwrites(scheme, about, observed, freed)
    restores = [each.restore for each in overwrites if each.restore is not None]
    restored = replace(observed, images=_with_restores(observed.images, restores))
    leading = tops(scheme, about.lines, restored.images.values())
    lines = _lines(scheme, about, restored, leading, now)
    moves = [each.move for each in lines if each.move is not None]
    removes, rejects = _unknown(scheme, about, observed, [*restores, *moves])
    losing = [*restores, *moves, *removes]
    kept = {each.tag: each.pin for each in overwrites if each.pin is not None}
    pushes = [*about.stable, *_late(scheme, about, observed, freed)]
    known = {each.tag: each.accepted for each in overwrites if each.accepted is not None}
    return Plan(
        changes=(
            *kept.values(),
            *_pins(scheme, pushes, observed, losing, {pin.after for pin in kept.values()}),
            *losing,
            *(each.report for each in overwrites if each.report is not None),
            *(each.report for each in lines if each.report is not None),
            *_twins(scheme, about, leading, restored.images.values()),
            *rejects,
        ),
        marks=tuple(each.mark for each in lines if each.mark is not None),
        forgotten=tuple(each.forgotten for each in lines if each.forgotten is not None),
        known=known,
        freed={tag: digest for tag, digest in freed.items() if tag not in known},
        kept={} if now is None else {tag: observed.known[tag] for tag in kept},
        passed=tuple(each.passed for each in overwrites if each.passed is not None),
        stays=tuple(each.stay for each in lines if each.stay is not None),
        taken=tuple(each.taken for each in lines if each.taken is not None),
    )


def with_restores(scheme: Scheme, about: Concern, observed: Observed) -> Observed:
    """What is observed once the unique tags are back where they belong: what `plan_changes` plans
    the stable tags on, and so what their lines must be bounded in."""
    overwrites = _overwrites(scheme, about, observed, _freed(about, observed))
    restores = [each.restore for each in overwrites if each.restore is not None]
    return replace(observed, images=_with_restores(observed.images, restores))


def _with_restores(images: Mapping[str, Image], restores: Iterable[TagChange]) -> dict[str, Image]:
    """What the images look like once the restores are made."""
    after = dict(images)
    for restore in restores:
        newcomer, owner = after[restore.before or ""], after[restore.after or ""]
        kept = tuple(tag for tag in newcomer.tags if tag != restore.tag)
        after[newcomer.digest] = replace(newcomer, tags=kept)
        after[owner.digest] = replace(owner, tags=(*owner.tags, restore.tag))
    return after


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


@dataclass(frozen=True, slots=True)
class _Overwrite:
    """A unique tag that is on another image than history knows: it goes back (`restore`), or is
    from now on known on the image that it is on (`accepted`); then the image before may need a
    name of its own (`pin`). `passed` tells of a tag that was free in between."""

    tag: str
    accepted: str | None = None
    restore: TagChange | None = None
    report: TagChange | None = None
    pin: TagChange | None = None
    passed: TagChange | None = None


def _overwrites(
    scheme: Scheme, about: Concern, observed: Observed, freed: Mapping[str, str]
) -> list[_Overwrite]:
    """The pushed unique tags that history does not know where they are."""
    found = []
    for tag, hints in about.unique.items():
        known = _known(observed, freed, tag)
        # One push can be told more than once.
        for hint, newcomer in _carried(observed, hints)[:1]:
            if known is None:
                before = freed.get(tag) or observed.freed.get(tag)
                found.append(_accepted(observed, tag, before, newcomer, hint))
            elif known != newcomer.digest:
                found.append(_overwrite(scheme, observed, tag, known, newcomer, hint))
    return found


def _known(observed: Observed, freed: Mapping[str, str], tag: str) -> str | None:
    """The image that a unique tag belongs to; None where it is free."""
    return None if tag in freed else observed.known.get(tag)


def _accepted(
    observed: Observed, tag: str, before: str | None, newcomer: Image, hint: Hint
) -> _Overwrite:
    """The unique tag is the newcomer's; `before` is the last image of one that was free."""
    if before in (None, newcomer.digest):
        return _Overwrite(tag, accepted=newcomer.digest)
    reason = f"`{tag}` was deleted, so it was free: it belongs to this image now."
    passed = _report(observed, tag, before, newcomer, hint, reason)
    return _Overwrite(tag, accepted=newcomer.digest, passed=passed)


def _overwrite(
    scheme: Scheme, observed: Observed, tag: str, known: str, newcomer: Image, hint: Hint
) -> _Overwrite:
    owner = observed.image(known)
    if scheme.overwritten == "allow":
        return _Overwrite(tag, accepted=newcomer.digest)
    if scheme.overwritten == "keep":
        return _Overwrite(tag, newcomer.digest, pin=_kept(scheme, tag, owner, hint))
    restore, accepted = None, None
    reason = f"`{tag}` is a unique tag and was put on another image than it named before"
    if scheme.overwritten == "restore" and tag in observed.frozen:
        reason += "; ECR does not let it be put back."
    elif scheme.overwritten == "restore" and owner is not None:
        restore = _restore(tag, owner, newcomer, hint)
        reason += "; it is put back."
    else:
        accepted = newcomer.digest
        gone = scheme.overwritten == "restore"
        reason += "; that image is gone, so it cannot be put back." if gone else "."
    report = _report(observed, tag, known, newcomer, hint, reason)
    return _Overwrite(tag, accepted, restore, report)


def _kept(scheme: Scheme, tag: str, owner: Image | None, hint: Hint) -> TagChange | None:
    """The pin of an image that lost its unique tag to another, where the rule keeps both."""
    if owner is None or any(scheme.is_pin(each, owner.digest) for each in owner.tags):
        return None
    reason = f"`{tag}` was built again; the image before keeps a name of its own."
    return _pin(scheme, owner, TagChange(FactKind.PIN, tag, None, owner.digest, "", hint), reason)


def _report(
    observed: Observed, tag: str, before: str | None, newcomer: Image, hint: Hint, reason: str
) -> TagChange:
    owner = observed.image(before)
    return TagChange(
        kind=FactKind.OVERWRITE,
        tag=tag,
        before=before,
        after=newcomer.digest,
        reason=reason,
        hint=hint,
        before_tags=() if owner is None else owner.tags,
        after_tags=newcomer.tags,
    )


def _restore(tag: str, owner: Image, newcomer: Image, hint: Hint) -> TagChange:
    return TagChange(
        kind=FactKind.RESTORE,
        tag=tag,
        before=newcomer.digest,
        after=owner.digest,
        reason=f"`{tag}` is a unique tag: it goes back to the image it belongs to.",
        hint=hint,
        before_tags=newcomer.tags,
        after_tags=owner.tags,
    )


def _late(
    scheme: Scheme, about: Concern, observed: Observed, freed: Mapping[str, str]
) -> list[Hint]:
    """Pushes of a unique tag that another push took away again, and with it perhaps the image's
    last tag."""
    if scheme.overwritten not in ("restore", "keep"):
        return []
    return [
        hint
        for tag, hints in about.unique.items()
        for hint in hints
        if hint.digest != _known(observed, freed, tag)
    ]


@dataclass(frozen=True, slots=True)
class _Placement:
    """Where one stable tag belongs, and what has to be done about it."""

    mark: Mark | None = None
    forgotten: str | None = None
    stay: Stay | None = None
    move: TagChange | None = None
    report: TagChange | None = None
    taken: Taken | None = None


def _lines(
    scheme: Scheme,
    about: Concern,
    observed: Observed,
    leading: Mapping[str, Top],
    now: datetime | None,
) -> list[_Placement]:
    """The place of every stable tag of `about`; `leading` has what leads their lines."""
    holders = {tag: image for image in observed.images.values() for tag in image.tags}
    return [
        _place(scheme, about, observed, line, leading[tag], holders.get(tag), now)
        if tag in leading
        else _leaderless(about, observed, line, holders.get(tag))
        for tag, line in about.lines.items()
    ]


def _leaderless(about: Concern, observed: Observed, line: Line, holder: Image | None) -> _Placement:
    mark, hint = observed.marks.get(line.tag), about.hints[line.tag][0]
    stay = Stay(
        line.tag, None if holder is None else holder.digest, f"No image is left for {line}."
    )
    forgotten = None if mark is None else line.tag
    report = None
    if holder is not None and line.tag not in observed.holds:
        report = _stale(line, holder, mark, hint)
    elif holder is None and mark is not None:
        report = _gone(line, mark, hint)
    return _Placement(stay=stay, forgotten=forgotten, report=report)


def _stale(line: Line, holder: Image, mark: Mark | None, hint: Hint) -> TagChange:
    gone = f"{mark.unique} is gone and nothing" if mark is not None else "Nothing"
    unique = "unique tag" if line.newest else "version"
    return TagChange(
        kind=FactKind.STALE,
        tag=line.tag,
        before=None,
        after=holder.digest,
        reason=f"{gone} leads {line}: `{line.tag}` stays on an image without a {unique} of it.",
        hint=hint,
        after_tags=holder.tags,
    )


def _gone(line: Line, mark: Mark, hint: Hint) -> TagChange:
    return TagChange(
        kind=FactKind.REMOVE,
        tag=line.tag,
        before=mark.digest,
        after=None,
        reason=f"{mark.unique} is gone and nothing is left of {line}: `{line.tag}` stays away.",
        hint=hint,
        found=True,
    )


def _place(
    scheme: Scheme,
    about: Concern,
    observed: Observed,
    line: Line,
    top: Top,
    holder: Image | None,
    now: datetime | None,
) -> _Placement:
    """The place of a tag whose line `top` leads, and that is on the image `holder`."""
    before = observed.marks.get(line.tag)
    placed = holder is not None and holder.digest == top.image.digest
    mark = Mark(line.tag, top.unique, top.image.digest, placed)
    if placed:
        return _Placement(mark=mark, stay=_stay(scheme, about, observed, line, top))
    hint = _hint_for(about.hints[line.tag], top.image.digest)
    move = TagChange(
        kind=FactKind.MOVE,
        tag=line.tag,
        before=None if holder is None else holder.digest,
        after=top.image.digest,
        reason=_reason(scheme, line, top, holder, before) + _since(line, hint, top.image),
        hint=hint,
        before_tags=() if holder is None else holder.tags,
        after_tags=top.image.tags,
    )
    held, taken = observed.holds.get(line.tag), None
    if now is not None and held is None and holder is not None and _was_placed(before, mark):
        taken = _taken(mark, observed.taken.get(line.tag, ()), now)
        held = "taken away again and again" if len(taken.times) >= TIMES else None
    if held is None:
        return _Placement(mark=mark, move=move, taken=taken)
    reason = _held_reason(line.tag, held, top.unique)
    return _Placement(
        mark=mark, report=replace(move, kind=FactKind.HELD, reason=reason), taken=taken
    )


def _was_placed(before: Mark | None, mark: Mark) -> bool:
    """Whether the tag was where it belongs now when the steward last looked."""
    return before is not None and before.placed and before == mark


def _taken(mark: Mark, before: Iterable[datetime], now: datetime) -> Taken:
    """A tag that was taken away now, with the times that still count."""
    return Taken(mark, (*(time for time in before if now - time < WITHIN), now))


def _held_reason(tag: str, held: str, unique: str) -> str:
    return f"`{tag}` is held ({held}) and does not go to {unique}."


def _stay(scheme: Scheme, about: Concern, observed: Observed, line: Line, top: Top) -> Stay:
    """Why a tag that is where it belongs stays there; what was pushed lost against it."""
    reason = f"`{line.tag}` stays on {top.unique}, {_rank(line)}"
    for hint, image in _carried(observed, about.hints[line.tag]):
        if hint.action is Action.PUSH and _has_lost(scheme, hint.tag or "", image, top):
            reason += f": {hint.tag} is {'older' if line.newest else 'lower'}"
            return Stay(line.tag, top.image.digest, f"{reason}.{_since(line, hint, image)}", hint)
    return Stay(line.tag, top.image.digest, f"{reason}.")


def _has_lost(scheme: Scheme, tag: str, image: Image, top: Top) -> bool:
    """Whether a tag is a unique one that is below the top of its line."""
    unique = scheme.read_unique(tag, image.digest)
    return (
        unique is not None
        and image.digest != top.image.digest
        and not Top(unique, image, top.newest).equals(top)
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
    unique = scheme.read_unique(mark.unique, mark.digest)
    higher = unique is not None and unique.precedence > top.read.precedence
    return higher and not line.newest


def _twins(
    scheme: Scheme, about: Concern, leading: Mapping[str, Top], images: Iterable[Image]
) -> list[TagChange]:
    """Unique tags of equal version on other images than the one that leads their line."""
    found: dict[str, TagChange] = {}
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
            found[unique.tag] = TagChange(
                FactKind.REJECT, unique.tag, None, image.digest, reason, hint
            )
    return list(found.values())


def _pins(
    scheme: Scheme,
    pushes: Iterable[Hint],
    observed: Observed,
    losing: Sequence[TagChange],
    kept: Collection[str | None],
) -> list[TagChange]:
    """A pin for every image that would be left without any tag, that lost its unique tag to
    another, or, where the rule says so, that only stable tags name.

    `pushes` are those whose image may need a pin whatever moves: of stable tags where the rule has
    them pinned, of unique tags where it has them restored or kept. `kept` are images that get a pin
    of their own anyway.
    """
    pins: dict[str, TagChange] = {}
    arriving = {change.after for change in losing}
    for digest, left in _by_image(losing).items():
        image = observed.images[digest]
        rest = [tag for tag in image.tags if tag not in {change.tag for change in left}]
        reason = _why_pinned(scheme, left, digest, rest)
        if reason is not None and (digest not in arriving or _is_restored(left)):
            stable = (tag for tag in rest if scheme.judge(tag, digest) is Verdict.STABLE)
            named = next(stable, left[0].tag)
            tag = left[0].tag if _is_restored(left) else named
            pins[digest] = _pin(scheme, image, replace(left[0], tag=tag), reason)
    for hint in pushes:
        found = observed.image(hint.digest)
        if found is None or found.digest in pins:
            continue
        late = not found.tags and found.digest not in arriving
        if late or (hint.tag in found.tags and _is_only_stable(scheme, found.digest, found.tags)):
            change = TagChange(FactKind.MOVE, hint.tag or "", None, found.digest, "", hint)
            reason = f"Only stable tags name the image (`{hint.tag}`)."
            if late:
                reason = f"Another push took `{hint.tag}` from the image, which has no tag left."
            pins[found.digest] = _pin(scheme, found, change, reason)
    return [pin for digest, pin in pins.items() if digest not in kept]


def _why_pinned(
    scheme: Scheme, left: Sequence[TagChange], digest: str, rest: Collection[str]
) -> str | None:
    """Why an image that the changes `left` take tags from needs a pin, or None if it does not."""
    if _is_restored(left) and not _is_named(scheme, digest, rest):
        return f"The image lost `{left[0].tag}`, the unique tag it came by."
    if not rest:
        return f"The image would lose its last tag when `{left[0].tag}` moves."
    removed = any(change.kind is FactKind.REMOVE for change in left)
    if removed and scheme.pin is not None and _is_only_stable(scheme, digest, rest):
        return f"Only stable tags name the image once `{left[0].tag}` is removed."
    return None


def _is_restored(left: Iterable[TagChange]) -> bool:
    return any(change.kind is FactKind.RESTORE for change in left)


def _is_only_stable(scheme: Scheme, digest: str, tags: Iterable[str]) -> bool:
    """Whether stable tags, and such as nobody judges, are all that `tags` has."""
    found = {scheme.judge(tag, digest) for tag in tags}
    return found - {Verdict.IGNORED, Verdict.EXPIRY} == {Verdict.STABLE}


def _by_image(losing: Iterable[TagChange]) -> dict[str, list[TagChange]]:
    leaving: dict[str, list[TagChange]] = {}
    for change in losing:
        if change.before is not None:
            leaving.setdefault(change.before, []).append(change)
    return leaving


def _is_named(scheme: Scheme, digest: str, tags: Iterable[str]) -> bool:
    """Whether one of `tags` is a unique tag or a pin."""
    return any(scheme.judge(tag, digest) in (Verdict.UNIQUE, Verdict.PIN) for tag in tags)


def _pin(scheme: Scheme, image: Image, cause: TagChange, reason: str) -> TagChange:
    return TagChange(
        kind=FactKind.PIN,
        tag=scheme.make_pin(cause.tag, image.pushed_at, image.digest),
        before=None,
        after=image.digest,
        reason=reason,
        hint=cause.hint,
        after_tags=image.tags,
    )


def _unknown(
    scheme: Scheme, about: Concern, observed: Observed, losing: Sequence[TagChange]
) -> tuple[list[TagChange], list[TagChange]]:
    """What to remove and what to report of the unknown tags; an image's last tag always stays."""
    removes: list[TagChange] = []
    rejects: list[TagChange] = []
    leaving = {(change.before, change.tag) for change in losing}
    # An image that loses its unique tag to another keeps a name: another one, or its pin.
    named = {change.before for change in losing if change.kind is FactKind.RESTORE}
    for hint in about.unknown:
        tag, image = hint.tag or "", observed.image(hint.digest)
        reason = _why_unknown(scheme, tag)
        if scheme.unknown == "remove" and image is not None:
            if tag not in image.tags or (image.digest, tag) in leaving:
                continue
            kept = {each for each in image.tags if (image.digest, each) not in leaving} - {tag}
            if kept or image.digest in named:
                leaving.add((image.digest, tag))
                removes.append(
                    TagChange(
                        kind=FactKind.REMOVE,
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
        rejects.append(TagChange(FactKind.REJECT, tag, None, hint.digest, f"{reason}.", hint))
    return removes, rejects


def _why_unknown(scheme: Scheme, tag: str) -> str:
    nearly = scheme.nearly(tag)
    reason = f"`{tag}` is neither a unique nor a stable tag of this repository's rule"
    return reason if nearly is None else f"{reason} ({nearly})"


def _carried(observed: Observed, hints: Iterable[Hint]) -> list[tuple[Hint, Image]]:
    """Those of the hints whose tag is on the image that they name, each with that image."""
    seen = ((hint, observed.image(hint.digest)) for hint in hints)
    return [(hint, image) for hint, image in seen if image is not None and hint.tag in image.tags]
