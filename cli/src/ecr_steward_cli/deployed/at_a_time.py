"""Where the tags of a repository were at a time, as far as the history says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from ecr_steward.history.tags import History
from ecr_steward.messages.say.wording import image, short
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.reading import parse_time

MOST = 1_000
"""How many records before the time, or after it, are looked through for tags: 1 MB."""

_AT_ONCE = 8
_MOVING = frozenset({FactKind.MOVE, FactKind.PIN, FactKind.RESTORE, FactKind.REMOVE})


@dataclass(frozen=True, slots=True)
class TagThen:
    """Where a tag was at a time, and the fact that says so.

    By that fact it came there, was seen there (`stayed`), or was there before (`later`).
    """

    tag: str
    digest: str | None
    tags: tuple[str, ...]
    fact: Fact
    stayed: bool = False
    later: bool = False

    def to_document(self) -> dict[str, Any]:
        key = "next" if self.later else "seen" if self.stayed else "since"
        said = {key: self.fact.time, "reason": self.fact.reason}
        return {"digest": self.digest, "tags": list(self.tags), **said}

    def lines(self, at: datetime) -> tuple[str, str]:
        """Where it was, and below that how that is known."""
        place = image(self.digest, self.tags, (self.tag,))
        digest = "" if self.digest is None or place == short(self.digest) else short(self.digest)
        where = "no image" if self.digest is None else f"{place}{digest and f' ({digest})'}"
        time = f"{parse_time(self.fact.time):%Y-%m-%d %H:%M:%SZ}"
        known = f"since {time}"
        if self.later:
            known = f"so says what happened next, {time}"
        elif self.stayed:
            known = f"there at {time}{'' if self.fact.mode == 'enforce' else ', in audit'}"
        return f"{self.tag} was on {where} at {at:%Y-%m-%d %H:%M:%SZ}.", (
            f"{known}: {self.fact.reason}"
        )


@dataclass(frozen=True, slots=True)
class TagsThen:
    """Where tags were. Before `whole_since` only stable tags were asked for, if it is a time."""

    tags: list[TagThen]
    whole_since: str | None = None


def past_tag(history: History, repository: str, tag: str, at: datetime) -> TagThen | None:
    """Where one tag was; None where the history says nothing of it. It asks the index alone."""
    for fact in history.past(repository, until=at, tag=tag):
        if _says_where(fact):
            return _after(fact)
    for fact in history.past(repository, since=at, tag=tag, oldest_first=True):
        if _says_where(fact):
            return _before(fact)
    return None


def past_tags(history: History, repository: str, at: datetime) -> TagsThen:
    """Where the tags of a repository were.

    It looks through the MOST newest records before that time. Where these are all, it does so with
    those after it; else it asks for each stable tag that is known.
    """
    newest = list(islice(history.past(repository, until=at), MOST))
    found = {fact.tag: _after(fact) for fact in reversed(newest) if fact.tag and _says_where(fact)}
    if len(newest) == MOST:
        found |= _of_each(history, repository, history.stable_tags(repository) - {*found}, at)
        return TagsThen(_sorted(found), newest[-1].time)
    for fact in islice(history.past(repository, since=at, oldest_first=True), MOST):
        if fact.tag and _says_where(fact):
            found.setdefault(fact.tag, _before(fact))
    return TagsThen(_sorted(found))


def _sorted(found: Mapping[str, TagThen]) -> list[TagThen]:
    return [found[tag] for tag in sorted(found)]


def _says_where(fact: Fact) -> bool:
    return fact.kind in _MOVING or fact.kind in (FactKind.OVERWRITE, FactKind.HELD)


def _of_each(
    history: History, repository: str, tags: set[str], at: datetime
) -> Iterator[tuple[str, TagThen]]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = pool.map(lambda tag: past_tag(history, repository, tag, at), sorted(tags))
        return iter([(each.tag, each) for each in asked if each is not None])


def _after(fact: Fact) -> TagThen:
    stayed = fact.kind is FactKind.HELD or (fact.mode != "enforce" and fact.kind in _MOVING)
    digest, tags = (fact.before, fact.before_tags) if stayed else (fact.digest, fact.after_tags)
    return TagThen(fact.tag or "", digest, tags, fact, stayed=stayed)


def _before(fact: Fact) -> TagThen:
    return TagThen(fact.tag or "", fact.before, fact.before_tags, fact, later=True)
