"""Tags that somebody else keeps taking away: two who move a tag in turn must not go on for ever."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from ecr_steward.history.tags import History, Hold
from ecr_steward.tags.state import Mark
from ecr_steward.words.causes import Attribution

log = logging.getLogger(__name__)

TIMES = 3
"""How often a tag is taken away WITHIN that time before it is left where it is."""

WITHIN = timedelta(minutes=10)

STEWARD = "ECR Steward"
"""Who holds a tag that nobody asked to hold."""

ASKED_FOR = timedelta(days=2)
"""How long it is asked again who took a tag away, by each visit to it: CloudTrail lags by minutes,
and a sweep comes once a day."""

Witness = Callable[[str, str, str, datetime], Attribution]
"""Says who put a tag of a repository on another image than this digest since a time, in words that
follow `taken away three times within ten minutes`."""


def nobody(repository: str, tag: str, digest: str, since: datetime) -> Attribution:
    """The witness of those who have none."""
    return Attribution("; by whom is not known", named=False)


class Contest:
    """Counts how often somebody else takes a stable tag from where the steward had it."""

    def __init__(self, history: History, witness: Witness) -> None:
        self._history = history
        self._witness = witness

    def note(self, repository: str, taken: Iterable[Mark], now: datetime) -> dict[str, Hold]:
        """Note that these tags were found elsewhere; returns the holds on those that stay there.

        `taken` are the marks of the tags. What is noted is not counted again: from here on the
        mark says that the tag is elsewhere, until the steward has put it back.
        """
        marks = {mark.tag: mark for mark in taken}
        before = self._history.taken(repository, marks)
        holds: dict[str, Hold] = {}
        for tag, mark in marks.items():
            times = [*(each for each in before.get(tag, ()) if now - each < WITHIN), now]
            if len(times) >= TIMES:
                holds[tag] = self._hold(repository, mark, times[0], now)
            self._history.note_taken(repository, mark, times, holds.get(tag))
        return holds

    def ask_again(
        self, repository: str, held: Iterable[tuple[Mark, Hold]], now: datetime
    ) -> dict[str, Hold]:
        """Ask again who took these tags away, which the steward holds without knowing it; returns
        the holds that name somebody now."""
        holds: dict[str, Hold] = {}
        for mark, hold in held:
            if hold.named or not hold.automatic or now - hold.since > ASKED_FOR:
                continue
            began = hold.since - 2 * WITHIN
            who = self._witness(repository, mark.tag, mark.digest, began)
            # Somebody may have released the tag while CloudTrail was asked.
            if who.named and (repository, hold) in self._history.holds(repository):
                holds[mark.tag] = replace(hold, reason=_reason(who), named=True)
                self._history.hold(repository, holds[mark.tag])
        return holds

    def _hold(self, repository: str, mark: Mark, first: datetime, now: datetime) -> Hold:
        who = self._witness(repository, mark.tag, mark.digest, first - WITHIN)
        log.warning(
            "Taken away three times within ten minutes%s: held from now on",
            who.words,
            extra={"repository": repository, "tag": mark.tag},
        )
        return Hold(
            tag=mark.tag,
            since=now,
            until=None,
            by=STEWARD,
            reason=_reason(who),
            automatic=True,
            named=who.named,
        )


def _reason(who: Attribution) -> str:
    return f"it was taken away three times within ten minutes{who.words}"
