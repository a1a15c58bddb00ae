"""The door for images that are needed again: where an image may get an expiry tag or has one, the
writer of tags is told of a workload that was started from one, and of a look at what runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from ecr_steward.history.expiries import Expiries
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.running import Running

START = "Start"
"""Type of cause: a workload that was started."""


def starts(expiries: Expiries, started: Iterable[Running]) -> Iterator[Hint]:
    """A hint for each image that a workload was started from, in repositories that have images with
    an expiry tag: one read a repository, and none where nothing was started."""
    records = list(started)
    concerned = {each: expiries.concerns(each) for each in {one.repository for one in records}}
    for each in records:
        if concerned[each.repository]:
            at = each.last_seen
            id_ = f"start-{each.workload}-{each.digest}-{at.timestamp():.0f}"
            cause = Cause(id_, START)
            yield Hint(each.repository, Action.NEED, None, each.digest, cause, at)


def after_look(expiries: Expiries, cause: Cause, now: datetime, *, known: bool) -> Iterator[Hint]:
    """A hint for each repository with images that go: those that run by now are needed again, and
    if all that runs is `known`, others may get their expiry tags."""
    due = expiries.due() if known else {}
    for repository in dict.fromkeys((*due, *expiries.tagged())):
        action = Action.EXPIRE if repository in due else Action.NEED
        one = Cause(f"{cause.id}/{repository}", cause.type)
        yield Hint(repository, action, None, None, one, now)
