"""A plan as a comment on a pull request: what matters on top, the rest folded, never too long."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ecr_steward_cli.planning import words
from ecr_steward_cli.planning.outlook import Outlooks

MARKER = "<!-- ecr-steward plan -->"
"""The first line, by which a bot finds the comment that it replaces."""

MOST = 65_000
"""Characters of a comment, where nobody says how many: GitHub takes 65,536."""

LEAST = 2_000
"""Fewer than this hold not even the headings."""

_PER_SECTION = 120
"""Room that is kept for each section's last words."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#!])")
_BREAK = "\u200b"


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    folded: bool = True


def comment(outlooks: Outlooks, most: int = MOST) -> str:
    """The comment, at most `most` (LEAST or more) characters."""
    sections = [each for each in _sections(outlooks) if each.rows]
    foot = f"\nNothing was changed. Rules {outlooks.fingerprint}, {outlooks.at}.\n"
    text = f"{MARKER}\n**{inert(words.verdict(outlooks))}**\n"
    for left, section in zip(range(len(sections), 0, -1), sections, strict=True):
        text += _written(section, most - len(text) - len(foot) - left * _PER_SECTION)
    return text + foot


def _sections(outlooks: Outlooks) -> list[_Section]:
    removals, exposures = words.urgent(outlooks)
    alone = [(name,) for name in words.left_alone(outlooks)]
    return [
        _Section("Tags that would be removed", words.TAG_HEADINGS, removals, folded=False),
        _Section("Settings that let others in", words.SETTING_HEADINGS, exposures, folded=False),
        _Section("Could not be read", ("what", "why"), words.unread(outlooks), folded=False),
        _Section("Accounts and Regions", ("where", "what"), _registries(outlooks)),
        _Section("Tags", words.TAG_HEADINGS, list(words.tag_rows(outlooks))),
        _Section("Settings", words.SETTING_HEADINGS, list(words.setting_rows(outlooks))),
        _Section("No rule matches", ("repository",), alone),
    ]


def _registries(outlooks: Outlooks) -> list[tuple[str, str]]:
    if len(outlooks.registries) < 2:
        return []
    return [
        (
            words.heading(each),
            ", ".join(f"{n:,} {said}" for n, said in words.numbers(each.totals()) if n)
            or "nothing",
        )
        for each in outlooks.registries
    ]


def _written(section: _Section, room: int) -> str:
    """A section with as many rows as there is room for."""
    title = f"{section.title} ({len(section.rows):,})"
    head = f"\n<details><summary>{title}</summary>\n" if section.folded else f"\n### {title}\n"
    head += f"\n| {' | '.join(section.headings)} |\n|{'---|' * len(section.headings)}\n"
    foot = "\n</details>\n" if section.folded else ""
    shown, left = [], room - len(head)
    for row in section.rows:
        line = f"| {' | '.join(map(inert, row))} |\n"
        if left < len(line):
            break
        shown.append(line)
        left -= len(line)
    if not shown:
        return f"\n{title}: too much to show here.\n"
    more = len(section.rows) - len(shown)
    return f"{head}{''.join(shown)}" + (f"\n… and {more:,} more\n" if more else "") + foot


def inert(text: str) -> str:
    """Text as Markdown that shows it as it is: no markup, no link, and nobody is mentioned."""
    text = _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("&", "&amp;")
    text = text.replace("@", f"@{_BREAK}").replace("://", f":{_BREAK}//")
    return re.sub("(?i)www[.]", f"www{_BREAK}.", text)
