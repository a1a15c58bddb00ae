"""A plan as a comment on a pull request: what matters on top, the rest folded, never too long."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ecr_steward_cli.live import words
from ecr_steward_cli.live.survey import RegistryPlan
from ecr_steward_cli.terminal.text import printable

MARKER = "<!-- ecr-steward plan -->"
"""The first line, by which a bot finds the comment that it replaces."""

MOST = 65_000
"""Characters of a comment, where nobody says how many: GitHub takes 65,536."""

LEAST = 2_000
"""Fewer than this hold not even the headings."""

_PER_SECTION = 120
"""Room that is kept for each section's last words."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#!])")
_EMOJI = re.compile(r":(?=[\w+-]+:)")  # GitHub makes a picture of `:fire:`
_BREAK = "&#8203;"
"""A space of no width, as an entity: as itself a terminal would be shown its escape."""


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    folded: bool = True


def comment(plans: Sequence[RegistryPlan], fingerprint: str, most: int = MOST) -> str:
    """The comment, at most `most` (LEAST or more) characters; `fingerprint` is of the rules."""
    sections = [each for each in _sections(plans) if each.rows]
    foot = f"\nNothing was changed. Rules {fingerprint}.\n"
    text = f"{MARKER}\n**{inert(words.verdict(words.totals(plans)))}**\n"
    for left, section in zip(range(len(sections), 0, -1), sections, strict=True):
        text += _written(section, most - len(text) - len(foot) - left * _PER_SECTION)
    return text + foot


def _sections(plans: Sequence[RegistryPlan]) -> list[_Section]:
    removals = words.tag_rows(plans, removals=True)
    exposures = words.setting_rows(plans, exposures=True)
    alone = [(name,) for name in words.left_alone(plans)]
    tags = words.tag_rows(plans, removals=False)
    settings = words.setting_rows(plans, exposures=False)
    return [
        _Section("Tags that would be removed", words.TAG_HEADINGS, removals, folded=False),
        _Section("Settings to look at first", words.SETTING_HEADINGS, exposures, folded=False),
        _Section("Could not be read", ("what", "why"), words.unread(plans), folded=False),
        _Section("As things are", ("where", "what"), words.reserved(plans), folded=False),
        _Section("Accounts and Regions", ("where", "what"), words.registries(plans)),
        _Section("Tags", words.TAG_HEADINGS, tags),
        _Section("Settings", words.SETTING_HEADINGS, settings),
        _Section("Images that nothing keeps", words.IMAGE_HEADINGS, words.image_rows(plans)),
        _Section("No rule matches", ("repository",), alone),
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
    """Text as Markdown that shows it as it is: no markup, no link, no
    picture, and nobody is mentioned."""
    text = printable(" ".join(text.split()))
    text = _SPECIAL.sub(r"\\\1", text).replace("&", "&amp;")
    text = text.replace("@", f"@{_BREAK}").replace("://", f":{_BREAK}//")
    text = _EMOJI.sub(f":{_BREAK}", text)
    return re.sub("(?i)www[.]", f"www{_BREAK}.", text)
