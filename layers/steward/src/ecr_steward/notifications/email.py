"""Plain text for e-mail: what one push caused, in one message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecr_steward.events import Fact, Kind

SUBJECT = 100
"""Longest subject, in characters, of printable ASCII (SNS API: Publish, Subject)."""


@dataclass(frozen=True, slots=True)
class Email:
    """A subject that SNS accepts, and a body."""

    subject: str
    body: str


def render(facts: Sequence[Fact]) -> Email:
    """One e-mail for the facts (at least one) of one cause."""
    first = facts[0]
    lines = [_headline(facts), ""]
    for fact in facts:
        lines += [*_lines(fact), ""]
    lines += _footer(first)
    return Email(subject=_printable(_subject(facts)), body="\n".join(lines) + "\n")


def short(digest: str | None) -> str:
    """A digest as people read it: `sha256:` and its first 12 hex digits."""
    return "no image" if digest is None else digest[: len("sha256:") + 12]


def _subject(facts: Sequence[Fact]) -> str:
    first = facts[0]
    if first.kind is Kind.SWEPT:
        return f"[ECR Steward] Sweep completed: {first.reason}"
    prefix = "[ECR Steward] " if first.mode == "enforce" else "[ECR Steward, audit] "
    return f"{prefix}{first.repository}: {_headline(facts)}"


def _headline(facts: Sequence[Fact]) -> str:
    parts = []
    for kind, (done, would) in _VERBS.items():
        tags = [fact.tag or "" for fact in facts if fact.kind is kind]
        if tags:
            verb = done if facts[0].mode == "enforce" or kind not in _ACTIONS else would
            parts.append(f"{', '.join(tags)} {verb}".strip())
    return "; ".join(parts)


_ACTIONS = (Kind.MOVE, Kind.PIN)
_VERBS = {
    Kind.MOVE: ("moved", "would move"),
    Kind.PIN: ("pinned", "would be pinned"),
    Kind.REJECT: ("breaks the scheme", ""),
    Kind.OVERWRITE: ("was overwritten", ""),
    Kind.FAILED: ("failed", ""),
    Kind.SWEPT: ("sweep completed", ""),
}


def _lines(fact: Fact) -> list[str]:
    if fact.kind is Kind.SWEPT:
        totals = [f"  {name.replace('_', ' ')}: {n}" for name, n in fact.totals.items()]
        return [fact.reason, *totals]
    lines = [f"{fact.tag}"]
    if fact.kind in (Kind.MOVE, Kind.PIN, Kind.OVERWRITE):
        lines.append(f"  from  {_place(fact.before, fact.before_tags, fact.tag)}")
        lines.append(f"  to    {_place(fact.digest, fact.after_tags, fact.tag)}")
    elif fact.digest is not None:
        lines.append(f"  on    {short(fact.digest)}")
    lines.append(f"  why   {fact.reason}")
    return lines


def _place(digest: str | None, tags: Sequence[str], tag: str | None) -> str:
    others = ", ".join(each for each in tags if each != tag)
    return f"{short(digest)} ({others})" if others else short(digest)


def _footer(fact: Fact) -> list[str]:
    lines = [f"registry    {fact.registry}, {fact.region}"]
    if fact.repository:
        lines += [f"repository  {fact.repository}", f"rule        {fact.rule}"]
    lines.append(f"rules       {fact.rules}")
    if fact.mode != "enforce":
        lines.append(f"mode        {fact.mode}: nothing was changed")
    lines.append(f"cause       {fact.cause.type} {fact.cause.id} at {fact.time}")
    return lines


def _printable(subject: str) -> str:
    text = "".join(each if " " <= each <= "~" else "?" for each in subject)
    return text if len(text) <= SUBJECT else text[: SUBJECT - 3] + "..."
