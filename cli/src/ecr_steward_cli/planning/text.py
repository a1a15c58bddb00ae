"""A plan as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ecr_steward_cli import markdown
from ecr_steward_cli.planning import words
from ecr_steward_cli.planning.outlook import Outlooks


def lines(outlooks: Outlooks) -> Iterator[str]:
    """The counts, what to look at first, and then everything by repository."""
    yield words.verdict(outlooks)
    yield from _registries(outlooks)
    removals, exposures = words.urgent(outlooks)
    yield from _table("Look at first: tags that would be removed", words.TAG_HEADINGS, removals)
    yield from _table(
        "Look at first: settings that let others in", words.SETTING_HEADINGS, exposures
    )
    yield from _table("Tags", words.TAG_HEADINGS, list(words.tag_rows(outlooks)))
    yield from _table("Settings", words.SETTING_HEADINGS, list(words.setting_rows(outlooks)))
    yield from _listed("No rule matches, so these are left alone", words.left_alone(outlooks))
    yield from _listed("Could not be read", [": ".join(each) for each in words.unread(outlooks)])
    yield f"\nNothing was changed. Rules {outlooks.fingerprint}."


def _registries(outlooks: Outlooks) -> Iterator[str]:
    for each in outlooks.registries if len(outlooks.registries) > 1 else ():
        said = [f"{count:,} {text}" for count, text in words.numbers(each.totals()) if count]
        yield f"- {words.heading(each)}: {', '.join(said) or 'nothing would change'}."


def _table(title: str, headings: Sequence[str], rows: Sequence[words.Row]) -> Iterator[str]:
    if rows:
        yield f"\n{title}:\n"
        yield from markdown.lines(headings, lambda: rows)


def _listed(title: str, texts: Iterable[str]) -> Iterator[str]:
    found = list(texts)
    if found:
        yield f"\n{title}:\n"
        yield from (f"- {each}" for each in found)
