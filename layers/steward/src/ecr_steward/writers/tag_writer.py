"""What the function `retag` does with the messages of one repository: its tags first, for what
moves decides which images are needed, and then its expiry tags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ecr_steward.words.hints import ABOUT_EXPIRY, Action, Hint
from ecr_steward.writers.tags import Retagger, Visit, next_visit, next_visits

if TYPE_CHECKING:
    from ecr_steward.writers.expire import Expirer


class TagWriter:
    """Visits one repository at a time; without an `expirer` the stack lets no image expire.

    `count` is told what the writer of tags came to, `send` takes the hints that go on where a visit
    stopped.
    """

    def __init__(
        self,
        tagger: Retagger,
        expirer: Expirer | None,
        count: Callable[[Sequence[Hint], Visit], object],
        send: Callable[[Hint], object],
    ) -> None:
        self._tagger = tagger
        self._expirer = expirer
        self._count = count
        self._send = send

    def visit(self, repository: str, hints: Sequence[Hint]) -> Visit:
        """What `hints` (all of `repository`) led to, expiry tags among it.

        A second visit for the same hints does nothing. Raises Unavailable if a passing fault kept
        it from finishing.
        """
        about_tags = [hint for hint in hints if hint.action not in ABOUT_EXPIRY]
        tagged = self._tagger.visit(repository, about_tags) if about_tags else Visit()
        self._count(about_tags, tagged)
        for hint in next_visits(tagged.rest):
            self._send(hint)
        if self._expirer is None:
            return tagged
        expired = self._expirer.visit(repository, hints, tagged)
        if expired.unfinished:
            self._send(next_visit(hints, Action.EXPIRE))
        return replace(tagged, facts=(*tagged.facts, *expired.facts))
