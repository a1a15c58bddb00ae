"""The words for tags, images and people that messages are made of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from ecr_steward.tags.pins import DEFAULT_PIN
from ecr_steward.words import grammar
from ecr_steward.words.facts import Fact

NAMED = 4
"""How many tags are named where there may be hundreds."""


def short(digest: str | None) -> str:
    """A digest as people read it, or that there is none."""
    return "no image" if digest is None else grammar.short(digest)


def place(digest: str | None, tags: Iterable[str], hidden: Collection[str | None]) -> str:
    """An image by its tags, those aside that tell nothing here, and its digest."""
    named = _telling(tags, hidden)
    return f"{some(named)} ({short(digest)})" if named else short(digest)


def image(digest: str | None, tags: Iterable[str], hidden: Collection[str | None]) -> str:
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


def some(words: Sequence[str], most: int = NAMED) -> str:
    """The words, or the first few and how many more there are."""
    more = len(words) - most
    return ", ".join(words) if more <= 0 else f"{', '.join(words[:most])} and {more} more"


def listed(words: Sequence[str], most: int) -> str:
    """The words, or as many as `most` characters hold, and how many more there are."""
    # No more than this many of the shortest words and the commas between them.
    shown = min(len(words), (most + 2) // 3)
    while shown > 1 and len(some(words, shown)) > most:
        shown -= 1
    return some(words, shown)


def counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def done(what: str, fact: Fact) -> str:
    return what if fact.mode == "enforce" else f"would be {what}"


def setting(fact: Fact) -> str:
    """The setting that a fact is about, as words."""
    return fact.difference.setting.replace("_", " ") if fact.difference else ""


def one_line(text: str) -> str:
    """`text` without anything that is no printable character: no line breaks, no controls."""
    return "".join(each if each.isprintable() else " " for each in text)


def inert(text: str) -> str:
    """`text` on one line and without `<` and `>`, with which chat programs begin mentions, links
    and tags; what looks like them does nothing."""
    return one_line(text).translate(_INERT)


_INERT = {
    ord("<"): "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
    ord(">"): "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
}


def who(arn: str, ours: str) -> str:
    """The person or role that an ARN names, and its account where that is not `ours`."""
    match = re.fullmatch(r"arn:[^:]*:[^:]*:[^:]*:([^:]*):(.+)", arn)
    if match is None:
        return arn
    account, name = match[1], match[2]
    role = re.fullmatch(r"assumed-role/([^/]+)/(.+)", name)
    said = f"{role[2]} (role {role[1]})" if role else name.removeprefix("user/")
    return said if account in ("", ours) else f"{said} of account {account}"
