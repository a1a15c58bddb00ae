"""Plain text for e-mail: what one push caused, in one message."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ecr_steward.events import Fact, Kind
from ecr_steward.tags.pins import DEFAULT_PIN

SUBJECT = 99
"""Longest subject, in characters, of printable ASCII (SNS API: Publish, "less than 100")."""

BODY = 200_000
"""Longest body, in bytes; SNS takes messages of 256 KB (SNS API: Publish)."""

_NAMED = 4
"""How many tags are named where there may be hundreds."""

_LEAVING = (Kind.MOVE, Kind.RESTORE, Kind.REMOVE)
"""Kinds of fact whose tag leaves the image it was on."""

_REPOSITORY = 30
"""How much of a long repository name a subject keeps at least."""


@dataclass(frozen=True, slots=True)
class Email:
    """A subject that SNS accepts, and a body."""

    subject: str
    body: str


def render(facts: Sequence[Fact]) -> Email:
    """One e-mail for the facts (at least one) of one cause."""
    first = facts[0]
    title = _title(facts)
    headline = f"{first.repository}: {title}" if first.repository else title
    lines = [headline, "", *_parts(facts), *_footer(first)]
    return Email(subject=_subject(first, title), body=_fitted(list(map(_line, lines))))


def _fitted(lines: list[str]) -> str:
    """The lines, cut where SNS takes no more."""
    size = 0
    for i, line in enumerate(lines):
        size += len(line.encode()) + 1
        if size > BODY:
            more = f"… and {len(lines) - i} more lines; `ecr-steward history` has everything."
            return "\n".join([*lines[:i], more]) + "\n"
    return "\n".join(lines) + "\n"


def short(digest: str | None) -> str:
    """A digest as people read it: `sha256:` and its first 12 hex digits."""
    return "no image" if digest is None else digest[: len("sha256:") + 12]


def _subject(first: Fact, title: str) -> str:
    prefix = "[ECR Steward] " if first.mode == "enforce" else f"[ECR Steward, {first.mode}] "
    repository = first.repository
    room = max(_REPOSITORY, SUBJECT - len(f"{prefix}: {title}"))
    if len(repository) > room:
        # The end of a repository's name tells more than its beginning.
        repository = "..." + repository[3 - room :]
    text = _printable(f"{prefix}{repository}: {title}" if repository else prefix + title)
    return text if len(text) <= SUBJECT else text[: SUBJECT - 3] + "..."


def _title(facts: Sequence[Fact]) -> str:
    """What happened, in one line; what somebody must look at comes first."""
    first = facts[0]
    of = {kind: [fact for fact in facts if fact.kind is kind] for kind in Kind}
    moves: dict[str | None, list[Fact]] = {}
    for fact in of[Kind.MOVE]:
        moves.setdefault(fact.digest, []).append(fact)
    parts = [
        _failed(of[Kind.FAILED]),
        _about(of[Kind.OVERWRITE], "overwritten"),
        _about(of[Kind.RESTORE], _done("restored", first)),
        _about(of[Kind.REJECT], "rejected by the scheme"),
        _about([fact for fact in of[Kind.REMOVE] if fact.before_tags], _done("removed", first)),
        _about([fact for fact in of[Kind.REMOVE] if not fact.before_tags], "gone"),
        _about(of[Kind.HELD], "held"),
        _settings(of[Kind.DRIFT], "drifted"),
        _settings(of[Kind.CORRECT], "set back"),
        *map(_moved, moves.values()),
        _pinned(of[Kind.PIN]),
        *(f"sweep completed: {fact.reason.rstrip('.')}" for fact in of[Kind.SWEPT]),
    ]
    return "; ".join(filter(None, parts))


def _about(facts: Sequence[Fact], what: str) -> str:
    return f"{_some([fact.tag or '' for fact in facts])} {what}" if facts else ""


def _settings(facts: Sequence[Fact], what: str) -> str:
    names = dict.fromkeys(fact.difference.setting for fact in facts if fact.difference)
    return f"{_some([name.replace('_', ' ') for name in names])} {what}" if names else ""


def _failed(facts: Sequence[Fact]) -> str:
    tags = [fact.tag for fact in facts if fact.tag]
    on = f"on {_some(tags)} " if tags else ""
    return f"work {on}failed" if facts else ""


def _pinned(pins: Sequence[Fact]) -> str:
    if not pins:
        return ""
    images = "1 image" if len(pins) == 1 else f"{len(pins)} images"
    return f"{images} {_done('pinned', pins[0])}"


def _done(what: str, fact: Fact) -> str:
    return what if fact.mode == "enforce" else f"would be {what}"


def _moved(moves: Sequence[Fact]) -> str:
    """The title's words for the tags that moved to one image."""
    tags = [fact.tag or "" for fact in moves]
    to = _name(moves[0].digest, moves[0].after_tags, tags)
    if all(fact.before is None for fact in moves):
        return f"{_some(tags)} {_done('put', moves[0])} on {to}"
    places = {_name(fact.before, fact.before_tags, tags) for fact in moves}
    start = f" from {places.pop()}" if len(places) == 1 else ""
    did = "moved" if moves[0].mode == "enforce" else "would move"
    return f"{_some(tags)} {did}{start} to {to}"


def _parts(facts: Iterable[Fact]) -> list[str]:
    """What happened to which tags; tags to which the same happened stand together."""
    facts = list(facts)
    moving = {fact.tag for fact in facts if fact.kind is Kind.MOVE}
    leaving = {fact.tag for fact in facts if fact.kind in _LEAVING}
    parts: dict[tuple[str, ...], list[str]] = {}
    for fact in facts:
        hidden = {Kind.PIN: leaving, Kind.MOVE: moving}.get(fact.kind, {fact.tag})
        parts.setdefault(tuple(_lines(fact, hidden)), []).append(_heading(fact))
    lines: list[str] = []
    for said, tags in parts.items():
        named = ", ".join(filter(None, tags))
        lines += [*([named] if named else []), *said, ""]
    return lines


def _heading(fact: Fact) -> str:
    if fact.difference is None:
        return fact.tag or ""
    return f"{fact.difference.setting.replace('_', ' ')} {fact.difference.subject}".rstrip()


def _lines(fact: Fact, hidden: Collection[str | None]) -> list[str]:
    """What is said of a fact below its tag; the tags in `hidden` tell nothing of its images."""
    if fact.kind is Kind.SWEPT:
        width = max(map(len, fact.totals), default=0)
        return [f"  {name.replace('_', ' '):{width}}  {n}" for name, n in fact.totals.items()]
    if fact.difference is not None:
        return [f"  {fact.reason}", *(f"    {line}" for line in fact.difference.lines())]
    before = _place(fact.before, fact.before_tags, hidden)
    after = _place(fact.digest, fact.after_tags, hidden)
    where = {
        Kind.MOVE: f"{before} → {after}",
        Kind.OVERWRITE: f"{before} → {after}",
        Kind.RESTORE: f"{before} → {after}",
        Kind.REMOVE: f"{'off' if fact.before_tags else 'was on'} {before}",
        Kind.HELD: f"stays on {before}, does not go to {after}",
        Kind.PIN: f"on {after}",
    }.get(fact.kind, f"on {short(fact.digest)}" if fact.digest else "")
    return [*([f"  {where}"] if where else []), f"  {fact.reason}"]


def _place(digest: str | None, tags: Sequence[str], hidden: Collection[str | None]) -> str:
    """An image by its tags, those aside that tell nothing here, and its digest."""
    named = _telling(tags, hidden)
    return f"{_some(named)} ({short(digest)})" if named else short(digest)


def _name(digest: str | None, tags: Sequence[str], hidden: Collection[str | None]) -> str:
    """An image by the one tag that tells most of it, or by its digest."""
    named = _telling(tags, hidden)
    return named[0] if named else short(digest)


def _telling(tags: Iterable[str], hidden: Collection[str | None]) -> list[str]:
    """Those of `tags` that are not hidden, the most telling first.

    A fact does not know which of an image's tags are unique, but they have digits, are longer than
    the stable tags that follow them, and are no pins.
    """
    return sorted(
        (tag for tag in tags if tag not in hidden),
        key=lambda tag: (DEFAULT_PIN.renders(tag), tag.isalpha(), -len(tag), tag),
    )


def _some(tags: Sequence[str]) -> str:
    """The tags, or the first few and how many more there are."""
    more = len(tags) - _NAMED
    return ", ".join(tags) if more <= 0 else f"{', '.join(tags[:_NAMED])} and {more} more"


def _footer(fact: Fact) -> list[str]:
    lines = [f"repository  {fact.repository}"] if fact.repository else []
    lines.append(f"registry    {fact.registry}, {fact.region}")
    lines += [f"rule        {fact.rule}"] if fact.rule else []
    lines.append(f"rules       {fact.rules}")
    if fact.mode != "enforce":
        lines.append(f"mode        {fact.mode}: nothing was changed")
    lines.append(f"cause       {fact.cause.type} {fact.cause.id}")
    lines += [f"by          {fact.cause.by}"] if fact.cause.by else []
    lines.append(f"time        {fact.time}")
    return lines


def _line(text: str) -> str:
    """`text` as one line: whatever a reason carries, it cannot look like another part."""
    indent = text[: len(text) - len(text.lstrip(" "))]
    return indent + "".join(each if each.isprintable() else " " for each in text.lstrip(" "))


def _printable(text: str) -> str:
    return "".join(each if " " <= each <= "~" else "?" for each in text)
