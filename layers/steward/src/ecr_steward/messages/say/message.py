"""What a message says, whatever its form: the facts of one story, or of a digest, made readable."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ecr_steward.messages.say import links
from ecr_steward.messages.say.steps import NextStep, steps
from ecr_steward.messages.say.titles import ORDER, counts, digest_title, title
from ecr_steward.messages.say.wording import place, setting, short, some, who
from ecr_steward.words.events import ATTENTION, is_loud
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.reading import parse_time

_LEAVING = (FactKind.MOVE, FactKind.RESTORE, FactKind.REMOVE)
"""Kinds of fact whose tag leaves the image it was on."""

_REPOSITORY = 30
"""How much of a long repository name a headline keeps at least."""

_LOUDEST = 5
"""How many of the loudest facts a digest names."""

_REPOSITORIES = 20
"""How many repositories a digest counts one by one."""


@dataclass(frozen=True, slots=True)
class Part:
    """What happened to some tags, or to one setting.

    `names` are the tags; `change` says from where to where; `lines` are those of a difference, or
    of a list. `link` leads to the image in the console where the message is about more than one.
    """

    names: tuple[str, ...]
    change: str
    reason: str
    lines: tuple[str, ...] = ()
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What is said, before it has a form. All texts are as the facts have them: nothing in here is
    escaped, and what came from outside may hold anything.

    `id` is the same for the same facts. `title` has fewer than 60 characters and does not name the
    repository. `fields` are what stands below, by name. `facts` are those that are told, and
    `every` is how often such a digest comes, or None for what is told at once.
    """

    id: str
    title: str
    repository: str
    mode: str
    parts: tuple[Part, ...]
    fields: tuple[tuple[str, str], ...]
    steps: tuple[NextStep, ...]
    link: str | None
    facts: tuple[Fact, ...]
    every: timedelta | None = None

    @property
    def headline(self) -> str:
        """The repository and the title."""
        return f"{self.repository}: {self.title}" if self.repository else self.title

    def within(self, most: int, prefix: str = "") -> str:
        """`prefix` and the headline in at most `most` characters.

        Of a long repository the end is kept, which tells more than its beginning.
        """
        repository = self.repository
        room = max(_REPOSITORY, most - len(f"{prefix}: {self.title}"))
        if len(repository) > room:
            repository = "..." + repository[3 - room :]
        text = prefix + (f"{repository}: {self.title}" if repository else self.title)
        return text if len(text) <= most else text[: most - 3] + "..."

    @property
    def attention(self) -> bool:
        """Whether somebody has to look at something, and not just know of it."""
        return any(fact.kind in ATTENTION and is_loud(fact) for fact in self.facts)


def story(facts: Sequence[Fact]) -> Message:
    """The message that tells the facts (at least one) of one cause, all of one repository."""
    first = facts[0]
    return Message(
        id=_id(facts),
        title=title(facts),
        repository=first.repository,
        mode=first.mode,
        parts=tuple(_parts(facts)),
        fields=tuple(_fields(first)),
        steps=steps(facts),
        link=_link(main(facts)),
        facts=tuple(facts),
    )


def digest(facts: Sequence[Fact], every: timedelta) -> Message:
    """The message that sums up facts (at least one) of any causes and repositories."""
    repositories = {fact.repository for fact in facts}
    modes = {fact.mode for fact in facts}
    return Message(
        id=_id(facts),
        title=digest_title(facts),
        repository=repositories.pop() if len(repositories) == 1 else "",
        mode=modes.pop() if len(modes) == 1 else "",
        parts=tuple(_summary(facts)),
        fields=tuple(_period(facts)),
        steps=(NextStep("To see each event of a repository: `ecr-steward history REPOSITORY`."),),
        link=None,
        facts=tuple(facts),
        every=every,
    )


def _id(facts: Iterable[Fact]) -> str:
    return hashlib.sha256("\n".join(sorted(fact.id for fact in facts)).encode()).hexdigest()


def main(facts: Sequence[Fact]) -> Fact:
    """The fact that a message is about first of all."""
    return min(facts, key=_weight)


def loudest(facts: Iterable[Fact]) -> list[Fact]:
    """The loud facts that a digest names, loudest first, each thing once."""
    found: dict[tuple[str, ...], Fact] = {}
    for fact in sorted(filter(is_loud, facts), key=_weight):
        found.setdefault((fact.kind, fact.repository, _name(fact), fact.reason), fact)
    return list(found.values())[:_LOUDEST]


def runs(text: str) -> list[tuple[str, bool]]:
    """`text` in runs, each with whether it is code: what stands between backticks."""
    found = text.split("`")
    if len(found) % 2 == 0:
        return [(text, False)]
    return [(run, i % 2 == 1) for i, run in enumerate(found) if run]


def _weight(fact: Fact) -> tuple[bool, int, str]:
    return not is_loud(fact), ORDER.index(fact.kind), fact.time


def _link(fact: Fact) -> str | None:
    digest = fact.digest or fact.before
    return links.console(fact.account, fact.region, fact.repository, digest)


def _parts(facts: Sequence[Fact]) -> list[Part]:
    """What happened to which tags; tags to which the same happened stand together."""
    moving = {fact.tag for fact in facts if fact.kind is FactKind.MOVE}
    leaving = {fact.tag for fact in facts if fact.kind in _LEAVING}
    parts: dict[Part, list[str]] = {}
    for fact in facts:
        hidden = {FactKind.PIN: leaving, FactKind.MOVE: moving}.get(fact.kind, {fact.tag})
        parts.setdefault(_part(fact, hidden), []).append(_name(fact))
    return [
        Part(tuple(filter(None, names)), part.change, part.reason, part.lines)
        for part, names in parts.items()
    ]


def _name(fact: Fact) -> str:
    if fact.difference is None:
        return fact.tag or ""
    return ": ".join(filter(None, (setting(fact), fact.difference.subject)))


def _part(fact: Fact, hidden: Collection[str | None]) -> Part:
    """What is said of a fact below its tag; the tags in `hidden` tell nothing of its images."""
    if fact.kind is FactKind.SWEPT:
        width = max(map(len, fact.totals), default=0)
        lines = (f"{name.replace('_', ' '):{width}}  {n}" for name, n in fact.totals.items())
        return Part((), "", fact.reason, tuple(lines))
    if fact.difference is not None:
        return Part((), "", fact.reason, tuple(_difference(fact)))
    return Part((), _change(fact, hidden), fact.reason)


def _difference(fact: Fact) -> list[str]:
    if fact.difference is None or fact.is_compared:
        return fact.difference.lines() if fact.difference else []
    subject = fact.repository or "'*'"
    return [f"Too large to show here: see ecr-steward history {subject} --json"]


def _change(fact: Fact, hidden: Collection[str | None]) -> str:
    before = place(fact.before, fact.before_tags, hidden)
    after = place(fact.digest, fact.after_tags, hidden)
    said = {
        FactKind.MOVE: f"{before} → {after}",
        FactKind.OVERWRITE: f"{before} → {after}",
        FactKind.RESTORE: f"{before} → {after}",
        FactKind.REMOVE: f"{'was on' if fact.mode == 'enforce' else 'on'} {before}",
        FactKind.HELD: f"stays on {before}, does not move to {after}",
        FactKind.PIN: f"on {after}",
    }
    return said.get(fact.kind, f"on {short(fact.digest)}" if fact.digest else "")


def _fields(fact: Fact) -> list[tuple[str, str]]:
    known = [
        ("repository", fact.repository),
        ("registry", f"{fact.account}, {fact.region}"),
        ("rule", fact.rule),
        ("rules", fact.rules),
        ("mode", "" if fact.mode == "enforce" else f"{fact.mode}: nothing was changed"),
        ("cause", f"{fact.cause.type} {fact.cause.id}"),
        ("by", who(fact.cause.by, fact.account) if fact.cause.by else ""),
        ("time", _when(fact.time)),
    ]
    return [(name, value) for name, value in known if value]


def _summary(facts: Sequence[Fact]) -> list[Part]:
    """The parts of a digest: the loudest facts, loudest first, then counts."""
    named = [_loud(fact) for fact in loudest(facts)]
    more = sum(map(is_loud, facts)) - len(named)
    if more > 0:
        named.append(Part((), "", f"… and {more:,} more important events."))
    return [*named, Part(("total",), ", ".join(counts(facts)), "", tuple(_by_repository(facts)))]


def _loud(fact: Fact) -> Part:
    part = _part(fact, {fact.tag})
    name = ":".join(filter(None, (fact.repository, _name(fact))))
    return Part((name or fact.detail_type,), part.change, part.reason, (), _link(fact))


def _by_repository(facts: Sequence[Fact]) -> list[str]:
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        found.setdefault(fact.repository or "the registry", []).append(fact)
    most = sorted(found, key=lambda name: (-len(found[name]), name))
    lines = [f"{name}: {', '.join(counts(found[name]))}" for name in most[:_REPOSITORIES]]
    more = len(most) - _REPOSITORIES
    return [*lines, *([f"… and {more} more repositories"] if more > 0 else [])]


def _period(facts: Sequence[Fact]) -> list[tuple[str, str]]:
    times = sorted(fact.time for fact in facts)
    registries = sorted({f"{fact.account}, {fact.region}" for fact in facts})
    modes = {fact.mode for fact in facts}
    said = {True: "audit: nothing was changed", False: "in part audit: nothing was changed there"}
    audit = [("mode", said[modes == {"audit"}])] if "audit" in modes else []
    return [
        ("registry", some(registries)),
        *audit,
        ("from", _when(times[0])),
        ("to", _when(times[-1])),
    ]


def _when(time: str) -> str:
    """A fact's time as people read it; its seconds are in the event."""
    return parse_time(time).strftime("%Y-%m-%d %H:%M UTC")
